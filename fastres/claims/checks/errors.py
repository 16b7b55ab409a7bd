"""Test errors: paired differences, values beside the paper's, over-fitting. Always of the last epoch."""

import dataclasses
import math
from itertools import pairwise

from fastres import paper, stats
from fastres.claims.evidence import Cell, first_complete, names, rank, settings
from fastres.claims.finding import (
    CORRECTED,
    MISSING,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
    TRAIN_EXTENDED,
    TRAIN_PAPER,
    UNDECIDABLE,
    Evidence,
    Finding,
    combine,
    judge,
)
from fastres.experiments import ABLATION
from fastres.records.comparable import errors_by_seed
from fastres.records.runs import RunRecord

ENOUGH_PAIRS = 3  # for a t-interval


@dataclasses.dataclass(frozen=True)
class Difference:
    """First minus second, in points of error, over the seeds that both have."""

    mean: float
    low: float
    high: float
    n: int
    records: tuple[str, ...]

    def __str__(self) -> str:
        pairs = f"n = {self.n} seeds" if self.n >= ENOUGH_PAIRS else f"binomial, {_single(self.n)}"
        return f"{self.mean:+.2f} points [{self.low:+.2f}, {self.high:+.2f}] ({pairs})"

    @property
    def finite(self) -> bool:
        return math.isfinite(self.mean)

    def numbers(self, label: str) -> dict[str, float | int]:
        return {
            f"difference {label}": self.mean,
            f"low {label}": self.low,
            f"high {label}": self.high,
            f"n {label}": self.n,
        }


def _single(n: int) -> str:
    return "single run" if n == 1 else f"{n} runs"


def difference(first: list[RunRecord], second: list[RunRecord]) -> Difference | None:
    """None without a common seed. The runs must be of one setting."""
    errors, reference = errors_by_seed(first), errors_by_seed(second)
    seeds = errors.keys() & reference.keys()
    if not seeds:
        return None
    found = stats.paired_difference(errors, reference)
    low, high = found.low, found.high
    if found.n < ENOUGH_PAIRS and math.isfinite(found.value):
        mean, other = (sum(values[seed] for seed in seeds) / len(seeds) for values in (errors, reference))
        by_images = stats.binomial_difference(mean, other, first[0].data.test_size)
        low, high = by_images.low, by_images.high
    ids = tuple(run.run_id for run in [*first, *second] if run.config.seed in seeds)
    return Difference(found.value, low, high, found.n, ids)


def compared(
    evidence: Evidence, dataset: str, first: Cell, second: Cell, full: bool = True
) -> list[tuple[str, Difference]]:
    """(setting, difference) of every setting with both cells and a common seed: by rank, then most pairs first."""
    found = []
    for where, cells in settings(evidence.runs, dataset, full).items():
        pair = difference(cells.get(first, []), cells.get(second, []))
        if pair is not None:
            found.append((rank(cells[first][0]), -pair.n, where, pair))
    return [(where, pair) for _, _, where, pair in sorted(found, key=lambda row: row[:3])]


def describe(first: Cell, second: Cell) -> str:
    """ "simplified-1 − basic" at one depth, "D = 110 − D = 56" of one structure."""
    if first[0] == second[0]:
        return f"{first[1]} − {second[1]} at D = {first[0]}"
    return f"{first[1]}, D = {first[0]} − D = {second[0]}"


def so_far(evidence: Evidence, dataset: str, first: Cell, second: Cell) -> str:
    """What runs of other schedules show, for readers; it decides nothing."""
    shown = [
        f"{describe(first, second)} = {found} ({where})"
        for where, found in compared(evidence, dataset, first, second, full=False)
    ]
    return f" Evidence so far, not a verdict: {'; '.join(shown)}." if shown else ""


def decide_difference(evidence: Evidence, dataset: str, first: Cell, second: Cell, rule) -> Finding:
    """rule: Difference -> verdict."""
    label = describe(first, second) + f", {dataset}"
    extended = {first[1], second[1]} & set(ABLATION)
    pairs = compared(evidence, dataset, first, second)
    if not pairs:
        text = f"{MISSING}{label}.{so_far(evidence, dataset, first, second)}"
        return Finding(NOT_RUN, text, command=TRAIN_EXTENDED if extended else TRAIN_PAPER)
    (where, found), *others = pairs
    if not found.finite:
        text = f"{label}: a run diverged, its error is not a number ({where})."
        return Finding(UNDECIDABLE, text, found.numbers(label), found.records)
    text = f"{label}: {found} ({where})."
    if others:
        text += f" In other settings: {'; '.join(f'{pair} ({there})' for there, pair in others)}."
    return Finding(rule(found), text, found.numbers(label), found.records)


def error_difference(
    evidence: Evidence,
    first: str,
    second: str,
    datasets: list[str],
    depths: list[int],
    expected: str,
    margin: float,
) -> Finding:
    """expected: "equal", "higher" or "lower", as in the rules; margin in points."""
    parts = []
    for depth in depths:
        for dataset in datasets:

            def rule(found: Difference, depth: int = depth, dataset: str = dataset) -> str:
                if expected == "equal":
                    return equal(found, margin)
                if expected == "lower":
                    return lower(found, margin)
                return higher(found, margin, paper_interval(first, second, depth, dataset))

            parts.append(decide_difference(evidence, dataset, (depth, first), (depth, second), rule))
    return combine(parts)


def equal(found: Difference, margin: float) -> str:
    if -margin <= found.low and found.high <= margin:
        return REPRODUCED if found.low <= 0 <= found.high else CORRECTED
    return NOT_REPRODUCED if found.low > margin or found.high < -margin else UNDECIDABLE


def lower(found: Difference, margin: float) -> str:
    if found.high < 0:
        return REPRODUCED
    negligible = found.n >= ENOUGH_PAIRS and -margin <= found.low and found.high <= margin
    return NOT_REPRODUCED if found.low > 0 or negligible else UNDECIDABLE


def higher(found: Difference, margin: float, theirs: tuple[float, float]) -> str:
    """Clearly higher, that is not wholly below the margin; `theirs` is the paper's own interval."""
    if found.high < margin:
        return NOT_REPRODUCED
    if found.low > 0:
        return REPRODUCED if found.low <= theirs[1] and found.high >= theirs[0] else CORRECTED
    return UNDECIDABLE


def paper_interval(first: str, second: str, depth: int, dataset: str) -> tuple[float, float]:
    """Welch's 95 % interval of the paper's own difference; its single runs: the binomial one."""
    new, old = paper.result(first, depth, dataset), paper.result(second, depth, dataset)
    if new.error_sd and old.error_sd:
        test = stats.welch(new.error, new.error_sd, new.n, old.error, old.error_sd, old.n)
        return test.difference.low, test.difference.high
    found = stats.binomial_difference(new.error, old.error, paper.setup()["datasets"][dataset]["test_images"])
    return found.low, found.high


def error_by_depth(evidence: Evidence, datasets: dict[str, list[int]], structure: str, expected: str) -> Finding:
    """datasets: the depths on each. expected: "falls" or "rises", at each step in depth."""

    def rule(found: Difference) -> str:
        below, above = found.high < 0, found.low > 0
        if expected == "rises":
            below, above = above, below
        return REPRODUCED if below else NOT_REPRODUCED if above else UNDECIDABLE

    steps = [
        (dataset, (deep, structure), (shallow, structure))
        for dataset, depths in datasets.items()
        for shallow, deep in pairwise(depths)
    ]
    return combine([decide_difference(evidence, *step, rule) for step in steps])


def error_values(
    evidence: Evidence, structures: list[str], depths: list[int], datasets: list[str], least_runs: int
) -> Finding:
    """Our last errors beside the paper's, on the original images, with at least so many runs."""
    cells = [(dataset, depth, structure) for dataset in datasets for depth in depths for structure in structures]
    return combine([_value(evidence, *cell, least_runs) for cell in cells])


def _value(evidence: Evidence, dataset: str, depth: int, structure: str, least_runs: int) -> Finding:
    theirs = paper.result(structure, depth, dataset)
    found = settings(evidence.runs, dataset, copies=False)
    enough = {where: cells for where, cells in found.items() if len(cells.get((depth, structure), [])) >= least_runs}
    chosen = first_complete(enough, [(depth, structure)])
    label = names([structure], [depth], [dataset])
    if chosen is None:
        needed = f" ({least_runs} seeds)" if least_runs > 1 else ""
        text = f"{MISSING}{label}{needed}.{_values_so_far(evidence, dataset, depth, structure)}"
        return Finding(NOT_RUN, text, command=TRAIN_PAPER)
    where, cells = chosen
    runs = cells[depth, structure]
    ours = stats.mean([run.last.test_error for run in runs])
    ids = tuple(run.run_id for run in runs)
    if not math.isfinite(ours.value):
        return Finding(UNDECIDABLE, f"{label}: a run diverged, its error is not a number ({where}).", {}, ids)
    if theirs.error_sd and ours.n >= 2:
        apart = stats.welch(ours.value, ours.sd, ours.n, theirs.error, theirs.error_sd, theirs.n).difference
    else:
        apart = stats.binomial_difference(ours.value, theirs.error, runs[0].data.test_size)
    verdict = judge(apart.low <= 0 <= apart.high, abs(apart.value) <= 1)
    text = f"{label}: {ours.with_sd()} % against the paper's {theirs.error:.2f} %, difference {apart.ends('+.2f')} "
    text += f"({where})."
    numbers = {f"error {label}": ours.value, f"n {label}": ours.n}
    numbers |= {f"low {label}": apart.low, f"high {label}": apart.high}
    return Finding(verdict, text, numbers, ids)


def _values_so_far(evidence: Evidence, dataset: str, depth: int, structure: str) -> str:
    """Errors of the network on copies of the images or on other schedules, for readers; they decide nothing."""
    found = settings(evidence.runs, dataset) | settings(evidence.runs, dataset, full=False)
    shown = [
        f"{structure} at D = {depth}: {stats.mean(list(errors_by_seed(cells[depth, structure]).values())).with_sd()} % "
        f"({where})"
        for where, cells in found.items()
        if (depth, structure) in cells
    ]
    return f" Evidence so far, not a verdict: {'; '.join(shown)}." if shown else ""
