"""Over-fitting: test error against training error (which is of augmented images, while the weights move)."""

import math

from fastres import stats
from fastres.claims.checks.errors import ENOUGH_PAIRS, compared, decide_difference, describe, so_far
from fastres.claims.evidence import settings
from fastres.claims.finding import (
    MISSING,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
    TRAIN_PAPER,
    UNDECIDABLE,
    Evidence,
    Finding,
)
from fastres.records.runs import RunRecord


def overfitting(evidence: Evidence, dataset: str, structure: str, depths: list[int], margin: float) -> Finding:
    """Whether from the shallow to the deep network the test error rises while the training error does not.

    margin: in points, by which the training error must rise at least to contradict the claim.
    """
    deep, shallow = (depths[1], structure), (depths[0], structure)
    pairs = compared(evidence, dataset, deep, shallow)
    if not pairs:
        text = f"{MISSING}{describe(deep, shallow)}, {dataset}."
        return Finding(NOT_RUN, text + so_far(evidence, dataset, deep, shallow), command=TRAIN_PAPER)
    where, test = pairs[0]
    cells = settings(evidence.runs, dataset)[where]
    rise, low, high = training_difference(cells[deep], cells[shallow])
    if not (test.finite and math.isfinite(rise)):
        return Finding(UNDECIDABLE, f"A run diverged ({where}).", {}, test.records)
    if test.high < 0 or (test.low > 0 and low > margin):
        verdict = NOT_REPRODUCED
    else:
        verdict = REPRODUCED if test.low > 0 and high <= 0 else UNDECIDABLE
    text = f"{describe(deep, shallow)}: test error {test}, training error {rise:+.3f} points [{low:+.3f}, {high:+.3f}] "
    numbers = {"training difference": rise, "training low": low, "training high": high}
    return Finding(verdict, f"{text}({where}).", {**test.numbers("test"), **numbers}, test.records)


def training_difference(first: list[RunRecord], second: list[RunRecord]) -> tuple[float, float, float]:
    """(mean, low, high) of the training errors, first minus second, over common seeds, in points."""
    errors, reference = ({run.config.seed: run.last.train_error for run in runs} for runs in (first, second))
    found = stats.paired_difference(errors, reference)
    if found.n >= ENOUGH_PAIRS or not math.isfinite(found.value):
        return found.value, found.low, found.high
    seeds = errors.keys() & reference.keys()
    mean, other = (stats.mean([values[seed] for seed in seeds]).value for values in (errors, reference))
    by_images = stats.binomial_difference(mean, other, first[0].data.train_size)
    return found.value, by_images.low, by_images.high


def overfitting_compared(evidence: Evidence, dataset: str, depth: int, first: str, second: str) -> Finding:
    """Whether the gap between test and training error is smaller for `first`, and its test error lower."""
    cells = (depth, first), (depth, second)
    base = decide_difference(evidence, dataset, *cells, lambda found: REPRODUCED if found.high < 0 else UNDECIDABLE)
    pairs = compared(evidence, dataset, *cells)
    if not pairs or not pairs[0][1].finite:
        return base
    where, test = pairs[0]
    runs = settings(evidence.runs, dataset)[where]
    gaps = [_gaps(runs[cell]) for cell in cells]
    gap = stats.paired_difference(*gaps)
    low, high = gap.low, gap.high
    if gap.n < ENOUGH_PAIRS:  # the training error, of five times as many images, adds little to the variance
        half = (test.high - test.low) / 2
        low, high = gap.value - half, gap.value + half
    smaller = high < 0 and test.mean < 0
    verdict = REPRODUCED if smaller else NOT_REPRODUCED if low > 0 else UNDECIDABLE
    text = f"Test minus training error, {first} − {second} at D = {depth}: {gap.value:+.2f} points "
    text += f"[{low:+.2f}, {high:+.2f}]; of the test error alone {test} ({where})."
    numbers = {"gap difference": gap.value, "gap low": low, "gap high": high, **test.numbers("test")}
    return Finding(verdict, text, numbers, test.records)


def _gaps(runs: list[RunRecord]) -> dict[int, float]:
    return {run.config.seed: run.last.test_error - run.last.train_error for run in runs}
