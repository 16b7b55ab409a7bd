"""Claims on the curves of test error against epoch (Fig. 6). Curves are arrays (seeds, epochs), in %."""

import math
from collections.abc import Sequence

import numpy as np

from fastres import stats
from fastres.claims.checks.errors import ENOUGH_PAIRS
from fastres.claims.evidence import first_complete, names, settings
from fastres.claims.finding import (
    CORRECTED,
    MISSING,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
    TRAIN_PAPER,
    UNDECIDABLE,
    Evidence,
    Finding,
    judge,
)

Curves = dict[str, np.ndarray]


def curves(
    evidence: Evidence, dataset: str, depth: int, structures: Sequence[str], copies: bool = True
) -> tuple[Curves, str, tuple[str, ...]] | Finding:
    """(curves by structure, setting and seeds, run ids), or the finding that there is nothing to look at."""
    cells = [(depth, structure) for structure in structures]
    chosen = first_complete(settings(evidence.runs, dataset, copies=copies), cells)
    if chosen is None:
        text = f"{MISSING}{names(structures, [depth], [dataset])}, in one setting."
        return Finding(NOT_RUN, text, command=TRAIN_PAPER)
    where, runs = chosen
    ids = tuple(run.run_id for cell in cells for run in runs[cell])
    found = {name: np.array([[e.test_error for e in run.epochs] for run in runs[depth, name]]) for name in structures}
    if not all(np.isfinite(array).all() for array in found.values()):
        return Finding(UNDECIDABLE, f"A run diverged, its error is not a number ({where}).", {}, ids)
    seeds = ", ".join(str(len(array)) for array in found.values())
    return found, f"n = {seeds} seeds; {where}", ids


def part(array: np.ndarray, first: int, last: int) -> np.ndarray:
    """Epochs `first` to `last`, counted from 1, both included."""
    return array[..., first - 1 : last]


def curve_drops(
    evidence: Evidence, dataset: str, depth: int, structures: list[str], epochs: list[int], window: int
) -> Finding:
    got = curves(evidence, dataset, depth, structures)
    if isinstance(got, Finding):
        return got
    arrays, where, ids = got
    drops = {
        f"drop {name} epoch {epoch}": part(array, epoch - window, epoch - 1).mean(axis=1)
        - part(array, epoch, epoch + window - 1).mean(axis=1)
        for name, array in arrays.items()
        for epoch in epochs
    }
    verdict = judge(all((drop > 0).all() for drop in drops.values()), all(drop.mean() > 0 for drop in drops.values()))
    means = {name: float(drop.mean()) for name, drop in drops.items()}
    shown = "; ".join(f"{name.removeprefix('drop ')}: {value:.2f}" for name, value in means.items())
    return Finding(verdict, f"Fall of the mean error of {window} epochs, in points: {shown} ({where}).", means, ids)


def curve_overlap(
    evidence: Evidence, dataset: str, depth: int, first: str, second: str, from_epoch: int, margin: float
) -> Finding:
    got = curves(evidence, dataset, depth, [first, second])
    if isinstance(got, Finding):
        return got
    arrays, where, ids = got
    apart = np.abs(arrays[first].mean(axis=0) - arrays[second].mean(axis=0))[from_epoch - 1 :]
    share = float((apart < margin).mean())
    verdict = REPRODUCED if share >= 0.9 else NOT_REPRODUCED if share <= 0.5 else CORRECTED
    text = f"From epoch {from_epoch} on the seed means of {first} and {second} differ by less than {margin} points in "
    text += f"{100 * share:.0f} % of the epochs ({where})."
    return Finding(verdict, text, {"share": share, "median distance": float(np.median(apart))}, ids)


def fluctuation(array: np.ndarray, first: int, last: int, without: int | None = None) -> np.ndarray:
    """Per seed: median absolute change of the error from the epoch before, over epochs `first` to `last`."""
    changes = np.abs(np.diff(array, axis=1))  # column e - 2 is the change at epoch e
    kept = [epoch - 2 for epoch in range(first, last + 1) if epoch != without]
    return np.median(changes[:, kept], axis=1)


def curve_fluctuation(
    evidence: Evidence,
    dataset: str,
    depth: int,
    structures: list[str],
    early: list[int],
    late: list[int],
    without: int,
    ratio: float,
) -> Finding:
    got = curves(evidence, dataset, depth, structures)
    if isinstance(got, Finding):
        return got
    arrays, where, ids = got
    ratios = {
        f"ratio {name}": _times(fluctuation(array, *early).mean(), fluctuation(array, late[0], late[1], without).mean())
        for name, array in arrays.items()
    }
    shown = ", ".join(f"{name.removeprefix('ratio ')} {value:.1f}" for name, value in ratios.items())
    text = f"Changes from epoch to epoch, epochs {early[0]}-{early[1]} over {late[0]}-{late[1]}: {shown} ({where})."
    if any(math.isnan(value) for value in ratios.values()):
        return Finding(UNDECIDABLE, f"{text} A curve that never changes has no ratio.", ratios, ids)
    return Finding(judge(min(ratios.values()) >= ratio, min(ratios.values()) > 1), text, ratios, ids)


def _times(early: float, late: float) -> float:
    """early / late: infinite where only the late curve stands still, NaN where both do."""
    if late == 0:
        return math.inf if early > 0 else math.nan
    return float(early / late)


def curve_fluctuation_compared(
    evidence: Evidence, dataset: str, depth: int, first: str, second: str, epochs: list[int]
) -> Finding:
    cells = [(depth, first), (depth, second)]
    got = curves(evidence, dataset, depth, [first, second])
    if isinstance(got, Finding):
        return got
    arrays, where, ids = got
    _, runs = first_complete(settings(evidence.runs, dataset), cells)  # type: ignore[misc]  # curves found it
    by_seed = [
        dict(zip((run.config.seed for run in runs[cell]), fluctuation(arrays[cell[1]], *epochs), strict=True))
        for cell in cells
    ]
    found = stats.paired_difference(*by_seed)
    text = f"Fluctuation over epochs {epochs[0]}-{epochs[1]}, {first} − {second}: {found.value:+.2f} points "
    text += f"{found.ends()}, {found.n} pairs of seeds ({where})."
    numbers = {"difference": found.value, "low": found.low, "high": found.high, "n": found.n}
    if found.n < ENOUGH_PAIRS:
        return Finding(UNDECIDABLE, f"{text} It takes {ENOUGH_PAIRS} pairs.", numbers, ids)
    verdict = REPRODUCED if found.low > 0 else NOT_REPRODUCED if found.high < 0 else UNDECIDABLE
    return Finding(verdict, text, numbers, ids)


def curve_level(evidence: Evidence, dataset: str, depth: int, levels: list[dict], margin: float) -> Finding:
    """levels: structure, level in %, from_epoch; and later, from which on it is a correction, or none."""
    structures = [row["structure"] for row in levels]
    got = curves(evidence, dataset, depth, structures, copies=False)
    if isinstance(got, Finding):
        return got
    arrays, where, ids = got
    near, shown = {}, []
    for row in levels:
        mean = arrays[row["structure"]].mean(axis=0)
        inside = np.abs(mean - row["level"]) <= margin
        near[row["structure"]] = [float(inside[start - 1 :].mean()) for start in (row["from_epoch"], row["later"])]
        shown.append(f"{row['structure']} near {row['level']} % in {100 * near[row['structure']][0]:.0f} % of epochs")
    at_once, later = (all(shares[i] >= 0.9 for shares in near.values()) for i in (0, 1))
    numbers = {f"share {name}": shares[0] for name, shares in near.items()}
    return Finding(
        judge(at_once, later), f"Seed means within {margin} points: {'; '.join(shown)} ({where}).", numbers, ids
    )
