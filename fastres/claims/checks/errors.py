"""Test errors: differences paired over seeds, and values beside the paper's. Always of the last epoch."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

from fastres import paper, stats
from fastres.claims.check import check
from fastres.claims.evidence import (
    ABSOLUTE,
    COMPARES,
    LESSER,
    Cell,
    Evidence,
    first_complete,
    names,
    rank,
    scope_of,
    settings,
)
from fastres.claims.finding import (
    CORRECTED,
    NOT_REPRODUCED,
    OPEN,
    REPRODUCED,
    SHORT,
    TRAIN_EXTENDED,
    TRAIN_PAPER,
    Finding,
    combine,
    effect,
    judge,
    unsettled,
)
from fastres.experiments import ABLATION
from fastres.records.comparable import errors_by_seed
from fastres.records.runs import RunRecord
from fastres.stats import Interval

ENOUGH_PAIRS = 3  # for a t-interval


@dataclass(frozen=True)
class Comparison:
    """First minus second, in points of error, over the seeds that both have, in one setting and scope."""

    difference: Interval
    scope: str
    where: str
    records: tuple[str, ...]

    def __str__(self) -> str:
        n = self.difference.n
        pairs = f"n = {n} seeds" if n >= ENOUGH_PAIRS else f"binomial, {'single run' if n == 1 else f'{n} runs'}"
        return f"{stats.signed(self.difference.value, '+.2f')} points {self.difference.ends('+.2f')} ({pairs})"


def difference(first: Sequence[RunRecord], second: Sequence[RunRecord]) -> Interval | None:
    """None without a common seed. The runs must be of one setting."""
    errors, reference = errors_by_seed(first), errors_by_seed(second)
    return paired(errors, reference, first[0].data.test_size) if errors.keys() & reference.keys() else None


def training_difference(first: Sequence[RunRecord], second: Sequence[RunRecord]) -> Interval | None:
    """The same of the last training errors; below three pairs without an interval, as no test images are behind it."""
    errors, reference = ({run.config.seed: run.last.train_error for run in of} for of in (first, second))
    found = stats.paired_difference(errors, reference) if errors.keys() & reference.keys() else None
    return found if found is None or found.n >= ENOUGH_PAIRS else Interval(found.value, n=found.n)


def paired(errors: dict[int, float], reference: dict[int, float], images: int) -> Interval:
    """Mean difference over common seeds: a t-interval; for fewer than three pairs, the binomial one over the images."""
    found = stats.paired_difference(errors, reference)
    if found.n >= ENOUGH_PAIRS or not math.isfinite(found.value):
        return found
    seeds = errors.keys() & reference.keys()
    ours, theirs = (sum(values[seed] for seed in seeds) / len(seeds) for values in (errors, reference))
    return replace(stats.binomial_difference(ours, theirs, images), n=found.n)


def compared(
    evidence: Evidence, dataset: str, first: Cell, second: Cell, scopes: Sequence[str] = COMPARES
) -> list[Comparison]:
    """One for every setting with both cells and a common seed: by rank, then most pairs first."""
    found = []
    for where, cells in settings(evidence.runs, dataset, scopes).items():
        one, other = cells.get(first, []), cells.get(second, [])
        apart = difference(one, other)
        if apart is not None:
            common = {run.config.seed for run in one} & {run.config.seed for run in other}
            records = tuple(run.run_id for run in [*one, *other] if run.config.seed in common)
            scope = scope_of(one[0], dataset)
            found.append((rank(one[0]), -apart.n, Comparison(apart, scope, where, records)))
    return [row[2] for row in sorted(found, key=lambda row: row[:2])]


def describe(first: Cell, second: Cell) -> str:
    """ "simplified-1 − basic at D = 20", or "simplified-1, D = 110 − D = 56"."""
    if first[0] == second[0]:
        return f"{first[1]} − {second[1]} at D = {first[0]}"
    return f"{first[1]}, D = {first[0]} − D = {second[0]}"


def missing_difference(evidence: Evidence, dataset: str, first: Cell, second: Cell) -> Finding:
    """What runs of shorter schedules show, for readers."""
    shown = compared(evidence, dataset, first, second, (SHORT,))
    label = describe(first, second)
    so_far = [f"{label} = {comparison} ({comparison.where})" for comparison in shown]
    command = TRAIN_EXTENDED if {first[1], second[1]} & set(ABLATION) else TRAIN_PAPER
    return unsettled(f"full runs of {label}, {dataset}", [command], so_far)


def decide_difference(
    evidence: Evidence, dataset: str, first: Cell, second: Cell, rule: Callable[[Interval], str]
) -> Finding:
    label = f"{describe(first, second)}, {dataset}"
    pairs = compared(evidence, dataset, first, second)
    if not pairs:
        return missing_difference(evidence, dataset, first, second)
    best, *others = pairs
    finite = math.isfinite(best.difference.value)
    return Finding(
        rule(best.difference) if finite else OPEN,
        f"{label}: {best}." if finite else f"{label}: a run diverged, its error is not a number.",
        (best.scope,),
        best.where,
        intervals={label: best.difference},
        so_far=tuple(f"{describe(first, second)} = {other} ({other.where})" for other in others),
        records=best.records,
    )


@check()
def error_difference(
    evidence: Evidence, first: str, second: str, datasets: list[str], depths: list[int], expected: str, margin: float
) -> Finding:
    """expected: "no higher", "higher" or "lower", as in the rules; margin in points."""
    parts = []
    for depth, dataset in product(depths, datasets):
        if expected == "no higher":
            rule = no_higher(margin)
        else:
            printed = paper.result(first, depth, dataset).error - paper.result(second, depth, dataset).error
            rule = directed(1 if expected == "higher" else -1, abs(printed), margin)
        parts.append(decide_difference(evidence, dataset, (depth, first), (depth, second), rule))
    return combine(parts)


def no_higher(margin: float) -> Callable[[Interval], str]:
    """At most `margin` points higher; holds once corrected if surely a little higher."""

    def rule(found: Interval) -> str:
        if found.high <= margin:
            return REPRODUCED if found.low <= 0 else CORRECTED
        return NOT_REPRODUCED if found.low > margin else OPEN

    return rule


def directed(sign: float, printed: float = 0.0, margin: float = 0.0) -> Callable[[Interval], str]:
    """A difference of this sign and at least the printed size; none if its interval lies below the margin."""

    def rule(found: Interval) -> str:
        same = found if sign > 0 else Interval(-found.value, -found.high, -found.low, found.n)
        return NOT_REPRODUCED if same.high < margin else effect(same, printed)

    return rule


@check()
def error_by_depth(evidence: Evidence, datasets: dict[str, list[int]], structure: str, expected: str) -> Finding:
    """datasets: the depths on each. expected: "falls" or "rises", at each step in depth."""
    rule = directed(1 if expected == "rises" else -1)
    steps = [
        (dataset, (deep, structure), (shallow, structure))
        for dataset, depths in datasets.items()
        for shallow, deep in pairwise(depths)
    ]
    return combine([decide_difference(evidence, *step, rule) for step in steps])


@check()
def error_values(
    evidence: Evidence, structures: list[str], depths: list[int], datasets: list[str], least_runs: int, widest: float
) -> Finding:
    """Our last errors beside the paper's, on the original images.

    least_runs: of each network. widest: half of the interval, as a share of the printed error, beyond which it is open.
    """
    cells = product(datasets, depths, structures)
    return combine([_value(evidence, *cell, least_runs, widest) for cell in cells])


def _value(evidence: Evidence, dataset: str, depth: int, structure: str, least_runs: int, widest: float) -> Finding:
    theirs = paper.result(structure, depth, dataset)
    found = settings(evidence.runs, dataset, ABSOLUTE)
    enough = {where: cells for where, cells in found.items() if len(cells.get((depth, structure), [])) >= least_runs}
    chosen = first_complete(enough, [(depth, structure)])
    label = names([structure], [depth], dataset)
    if chosen is None:
        needed = f" ({least_runs} seeds)" if least_runs > 1 else ""
        so_far, scope = _values_so_far(evidence, dataset, depth, structure)
        return unsettled(f"full runs of {label}, original images{needed}", [TRAIN_PAPER], so_far, scope)
    where, cells = chosen
    runs = cells[depth, structure]
    ours = stats.mean([run.last.test_error for run in runs])
    ids = tuple(run.run_id for run in runs)
    if not math.isfinite(ours.value):
        text = f"{label}: a run diverged, its error is not a number."
        return Finding(OPEN, text, ABSOLUTE, where, records=ids)
    if theirs.error_sd and ours.n >= 2:
        apart = stats.welch(ours.value, ours.sd, ours.n, theirs.error, theirs.error_sd, theirs.n).difference
    else:
        apart = stats.binomial_difference(ours.value, theirs.error, runs[0].data.test_size)
    inside, wide = apart.low <= 0 <= apart.high, apart.high - apart.low > 2 * widest * theirs.error
    text = f"{label}: {ours.with_sd()} % against the paper's {theirs.error:.2f} %, difference {apart:+.2f}."
    intervals = {f"error {label}": ours, f"difference {label}": apart}
    verdict = OPEN if inside and wide else judge(inside, otherwise=NOT_REPRODUCED)
    return Finding(verdict, text, ABSOLUTE, where, intervals=intervals, records=ids)


def _values_so_far(evidence: Evidence, dataset: str, depth: int, structure: str) -> tuple[list[str], tuple[str, ...]]:
    """Errors of the network on re-encoded images or shorter schedules, and the scopes of these."""
    shown = []
    for where, cells in settings(evidence.runs, dataset, (*ABSOLUTE, *LESSER)).items():
        if runs := cells.get((depth, structure)):
            mean = stats.mean(list(errors_by_seed(runs).values()))
            shown.append((f"{structure} at D = {depth}: {mean.with_sd()} % ({where})", scope_of(runs[0], dataset)))
    return [text for text, _ in shown], tuple(dict.fromkeys(scope for _, scope in shown))
