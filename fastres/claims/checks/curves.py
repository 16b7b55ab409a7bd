"""Claims on the curves of test error against epoch (Fig. 6). Curves are arrays (seeds, epochs), in %."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fastres import stats
from fastres.claims.check import check
from fastres.claims.checks.errors import ENOUGH_PAIRS
from fastres.claims.evidence import ABSOLUTE, COMPARES, COPY, Evidence, first_complete, names, scope_of, settings
from fastres.claims.finding import (
    CORRECTED,
    NOT_REPRODUCED,
    OPEN,
    REPRODUCED,
    SMALLER,
    TRAIN_PAPER,
    Finding,
    Numbers,
    judge,
    unsettled,
)
from fastres.stats import Interval


@dataclass(frozen=True)
class Curves:
    """The curves of one setting by structure, with their seeds in order; arrays is empty where there are none.

    unusable: the finding where there are no usable curves.
    """

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    seeds: dict[str, list[int]] = field(default_factory=dict)
    scope: tuple[str, ...] = ()
    where: str = ""
    records: tuple[str, ...] = ()
    unusable: Finding | None = None

    def finding(
        self, verdict: str, text: str, numbers: Numbers, intervals: dict[str, Interval] | None = None
    ) -> Finding:
        seeds = ", ".join(str(len(found)) for found in self.seeds.values())
        text = f"{text.removesuffix('.')} (n = {seeds} seeds)."
        return Finding(verdict, text, self.scope, self.where, numbers, intervals or {}, records=self.records)


def curves(
    evidence: Evidence, dataset: str, depth: int, structures: Sequence[str], scopes: Sequence[str] = COMPARES
) -> Curves:
    cells = [(depth, structure) for structure in structures]
    label = f"full runs of {names(structures, [depth], dataset)} in one setting"
    chosen = first_complete(settings(evidence.runs, dataset, scopes), cells)
    if chosen is None:
        others = first_complete(settings(evidence.runs, dataset), cells)
        so_far = [f"curves of re-encoded images ({others[0]})"] if others else []
        label += "" if COPY in scopes else ", original images"
        return Curves(unusable=unsettled(label, [TRAIN_PAPER], so_far, (COPY,)))
    where, runs = chosen
    scope, records = (scope_of(runs[cells[0]][0], dataset),), tuple(run.run_id for cell in cells for run in runs[cell])
    if not all(math.isfinite(run.last.test_error) for cell in cells for run in runs[cell]):
        diverged = Finding(OPEN, "A run diverged: it has no whole curve.", scope, where, records=records)
        return Curves(unusable=diverged)
    arrays = {name: np.array([[e.test_error for e in run.epochs] for run in runs[depth, name]]) for name in structures}
    seeds = {name: [run.config.seed for run in runs[depth, name]] for name in structures}
    return Curves(arrays, seeds, scope, where, records)


def part(array: np.ndarray, first: int, last: int) -> np.ndarray:
    """Epochs `first` to `last`, counted from 1, both included."""
    return array[..., first - 1 : last]


@check()
def curve_drops(
    evidence: Evidence, dataset: str, depth: int, structures: list[str], epochs: list[int], window: int
) -> Finding:
    found = curves(evidence, dataset, depth, structures)
    if found.unusable:
        return found.unusable
    drops = {
        f"{name} at epoch {epoch}": part(array, epoch - window, epoch - 1).mean(axis=1)
        - part(array, epoch, epoch + window - 1).mean(axis=1)
        for name, array in found.arrays.items()
        for epoch in epochs
    }
    in_each, on_average = (all(test(drop) for drop in drops.values()) for test in (_all_positive, _mean_positive))
    means = {name: float(drop.mean()) for name, drop in drops.items()}
    shown = "; ".join(f"{name} {value:.2f}" for name, value in means.items())
    text = f"Fall of the mean error over {window} epochs, in points: {shown}."
    return found.finding(judge(in_each, on_average, NOT_REPRODUCED), text, means)


def _all_positive(values: np.ndarray) -> bool:
    return bool((values > 0).all())


def _mean_positive(values: np.ndarray) -> bool:
    return bool(values.mean() > 0)


@check()
def curve_overlap(
    evidence: Evidence, dataset: str, depth: int, first: str, second: str, from_epoch: int, margin: float
) -> Finding:
    found = curves(evidence, dataset, depth, [first, second])
    if found.unusable:
        return found.unusable
    apart = np.abs(found.arrays[first].mean(axis=0) - found.arrays[second].mean(axis=0))[from_epoch - 1 :]
    share = float((apart < margin).mean())
    verdict = REPRODUCED if share >= 0.9 else NOT_REPRODUCED if share <= 0.5 else OPEN
    text = f"From epoch {from_epoch} on the seed means of {first} and {second} differ by less than {margin} points in "
    text += f"{100 * share:.0f} % of the epochs."
    return found.finding(verdict, text, {"share": share, "median distance": float(np.median(apart))})


def fluctuation(array: np.ndarray, epochs: list[int], without: int | None = None) -> np.ndarray:
    """Per seed: median absolute change of the error from the epoch before, from epochs[0] to epochs[1]."""
    changes = np.abs(np.diff(array, axis=1))  # column e - 2 is the change at epoch e
    chosen = [epoch - 2 for epoch in range(epochs[0], epochs[1] + 1) if epoch != without]
    return np.median(changes[:, chosen], axis=1)


@check()
def curve_fluctuation(
    evidence: Evidence,
    dataset: str,
    depth: int,
    early: list[int],
    late: dict[str, list[int]],
    without: int,
    ratio: float,
) -> Finding:
    """late: of each structure, the epochs in which its curve should be calm; without: an epoch left out there."""
    found = curves(evidence, dataset, depth, list(late))
    if found.unusable:
        return found.unusable
    ratios = {
        name: _times(fluctuation(array, early).mean(), fluctuation(array, late[name], without).mean())
        for name, array in found.arrays.items()
    }
    shown = ", ".join(f"{name} {value:.1f} ({late[name][0]}-{late[name][1]})" for name, value in ratios.items())
    text = f"Changes from epoch to epoch, epochs {early[0]}-{early[1]} over later ones: {shown}."
    if any(math.isnan(value) for value in ratios.values()):
        return found.finding(OPEN, f"{text} A curve that never changes has no ratio.", ratios)
    least = min(ratios.values())
    return found.finding(REPRODUCED if least >= ratio else SMALLER if least > 1 else NOT_REPRODUCED, text, ratios)


def _times(early: float, late: float) -> float:
    """early / late: infinite where only the late curve is constant, NaN where both are."""
    if late == 0:
        return math.inf if early > 0 else math.nan
    return float(early / late)


@check()
def curve_fluctuation_compared(
    evidence: Evidence, dataset: str, depth: int, first: str, second: str, epochs: list[int]
) -> Finding:
    found = curves(evidence, dataset, depth, [first, second])
    if found.unusable:
        return found.unusable
    by_seed = [
        dict(zip(found.seeds[name], fluctuation(found.arrays[name], epochs), strict=True)) for name in (first, second)
    ]
    apart = stats.paired_difference(*by_seed)
    text = f"Fluctuation over epochs {epochs[0]}-{epochs[1]}, {first} − {second}: {apart:+.2f} points"
    text += f", {apart.n} pairs of seeds."
    if apart.n < ENOUGH_PAIRS:
        return found.finding(OPEN, f"{text} It takes {ENOUGH_PAIRS} pairs.", {}, {"difference": apart})
    verdict = REPRODUCED if apart.low > 0 else NOT_REPRODUCED if apart.high < 0 else OPEN
    return found.finding(verdict, text, {}, {"difference": apart})


@check()
def curve_level(evidence: Evidence, dataset: str, depth: int, levels: list[dict], margin: float) -> Finding:
    """levels: structure, level in %, from_epoch; and later, from which on it holds once corrected."""
    found = curves(evidence, dataset, depth, [row["structure"] for row in levels], ABSOLUTE)
    if found.unusable:
        return found.unusable
    at_once, later, shown = {}, {}, []
    for row in levels:
        name = row["structure"]
        inside = np.abs(found.arrays[name].mean(axis=0) - row["level"]) <= margin
        at_once[name], later[name] = (float(inside[start - 1 :].mean()) for start in (row["from_epoch"], row["later"]))
        shown.append(f"{name} near {row['level']} % in {100 * at_once[name]:.0f} % of the epochs")
    text = f"Seed means within {margin} points: {'; '.join(shown)}."
    verdict = (
        REPRODUCED if min(at_once.values()) >= 0.9 else CORRECTED if min(later.values()) >= 0.9 else NOT_REPRODUCED
    )
    return found.finding(verdict, text, at_once)
