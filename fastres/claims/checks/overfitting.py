"""Over-fitting: test error against training error (which is of augmented images, while the weights move)."""

import math

from fastres import stats
from fastres.claims.check import check
from fastres.claims.checks.errors import ENOUGH_PAIRS, compared, describe, missing_difference, paired
from fastres.claims.evidence import Evidence, settings
from fastres.claims.finding import NOT_REPRODUCED, OPEN, REPRODUCED, Finding
from fastres.records.runs import RunRecord
from fastres.stats import Interval


@check()
def overfitting(evidence: Evidence, dataset: str, structure: str, depths: list[int], margin: float) -> Finding:
    """Whether from the shallow to the deep network the test error rises while the training error does not.

    margin: in points, by which the training error must rise at least to contradict the claim.
    """
    deep, shallow = (depths[1], structure), (depths[0], structure)
    pairs = compared(evidence, dataset, deep, shallow)
    if not pairs:
        return missing_difference(evidence, dataset, deep, shallow)
    best, test = pairs[0], pairs[0].difference
    cells = settings(evidence.runs, dataset)[best.where]
    errors, reference = ({run.config.seed: run.last.train_error for run in cells[cell]} for cell in (deep, shallow))
    training = paired(errors, reference, cells[deep][0].data.train_size)
    if not (math.isfinite(test.value) and math.isfinite(training.value)):
        return Finding(OPEN, "A run diverged.", (best.scope,), best.where, records=best.records)
    if test.high < 0 or (test.low > 0 and training.low > margin):
        verdict = NOT_REPRODUCED
    else:
        verdict = REPRODUCED if test.low > 0 and training.high <= 0 else OPEN
    text = f"{describe(deep, shallow)}: test error {best}, training error {training:+.3f} points."
    intervals = {"test error": test, "training error": training}
    return Finding(verdict, text, (best.scope,), best.where, intervals=intervals, records=best.records)


@check()
def overfitting_compared(evidence: Evidence, dataset: str, depth: int, first: str, second: str) -> Finding:
    """Whether the gap between test and training error, and the test error, are smaller for the first structure."""
    cells = (depth, first), (depth, second)
    pairs = compared(evidence, dataset, *cells)
    if not pairs:
        return missing_difference(evidence, dataset, *cells)
    best, test = pairs[0], pairs[0].difference
    runs = settings(evidence.runs, dataset)[best.where]
    gap = stats.paired_difference(*(_gaps(runs[cell]) for cell in cells))
    if not (math.isfinite(test.value) and math.isfinite(gap.value)):
        return Finding(OPEN, "A run diverged.", (best.scope,), best.where, records=best.records)
    if gap.n < ENOUGH_PAIRS:  # the training error, of five times as many images, adds little to the variance
        half = (test.high - test.low) / 2
        gap = Interval(gap.value, gap.value - half, gap.value + half, gap.n)
    verdict = REPRODUCED if gap.high < 0 and test.high < 0 else NOT_REPRODUCED if gap.low > 0 else OPEN
    text = f"Test minus training error, {describe(*cells)}: {gap:+.2f} points; of the test error alone {best}."
    intervals = {"gap": gap, "test error": test}
    return Finding(verdict, text, (best.scope,), best.where, intervals=intervals, records=best.records)


def _gaps(runs: list[RunRecord]) -> dict[int, float]:
    return {run.config.seed: run.last.test_error - run.last.train_error for run in runs}
