"""Percentages and trends that the paper prints, recomputed from the values that it prints."""

import numpy as np

from fastres import paper
from fastres.claims.check import check
from fastres.claims.evidence import Evidence
from fastres.claims.finding import REPRODUCED, Finding, combine, judge

DIGITS = {"time": 2, "error": 0}  # as printed


def printed_reduction(quantity: str, depth: int) -> float:
    """The percentage that the text gives for simplified-1 against basic."""
    for row in paper.claimed_reductions():
        if (row.quantity, row.depth) == (quantity, depth):
            return row.percent
    raise KeyError(f"the paper prints no reduction of {quantity} at depth {depth}")


@check()
def arithmetic_reduction(evidence: Evidence, quantity: str, depths: list[int]) -> Finding:
    parts = []
    for depth in depths:
        printed, digits = printed_reduction(quantity, depth), DIGITS[quantity]
        exact = paper.reduction(quantity, depth)
        right = round(exact, digits) == printed
        relation = "as printed" if right else f"printed as {printed:.{digits}f} %"
        parts.append(
            Finding(
                judge(right, abs(exact - printed) <= 0.5),
                f"D = {depth}: the printed values give a reduction of {exact:.{max(digits, 1)}f} %, {relation}.",
                numbers={f"recomputed D{depth}": exact, f"printed D{depth}": printed},
            )
        )
    return combine(parts)


@check()
def arithmetic_speed(evidence: Evidence, depths: list[int]) -> Finding:
    """Whether a percentage called an increase of speed is one."""
    parts = []
    for depth in depths:
        printed, reduction = printed_reduction("time", depth), paper.reduction("time", depth)
        increase = 100 * (100 / (100 - reduction) - 1)
        parts.append(
            Finding(
                judge(round(increase, 2) == printed, round(reduction, 2) == printed),
                f"D = {depth}: the time falls by {reduction:.2f} %, the speed rises by {increase:.1f} %; "
                f"printed as an increase: {printed:.2f} %.",
                numbers={
                    f"increase D{depth}": increase,
                    f"reduction D{depth}": reduction,
                    f"printed D{depth}": printed,
                },
            )
        )
    return combine(parts)


@check(explains=REPRODUCED)
def arithmetic_saving_grows(evidence: Evidence, depths: list[int]) -> Finding:
    """Whether the printed reductions increase, and their limit if times were affine in n."""
    reductions = [paper.reduction("time", depth) for depth in depths]
    shallow = depths[:2]
    slopes = []
    for structure in ("simplified-1", "basic"):
        seconds = [paper.result(structure, depth).seconds_per_epoch for depth in shallow]
        slopes.append(np.polyfit(shallow, seconds, 1)[0])
    limit = 100 * (1 - slopes[0] / slopes[1])
    return Finding(
        judge(all(np.diff(reductions) > 0)),
        f"The printed times fall by {', '.join(f'{r:.1f}' for r in reductions)} % at D = "
        f"{', '.join(map(str, depths))}. Work per block is constant, so times should be affine in depth; the fit "
        f"through D = {shallow[0]} and {shallow[1]} would never save more than {limit:.1f} %, so something else grows.",
        numbers={f"reduction D{depth}": value for depth, value in zip(depths, reductions, strict=True)}
        | {"limit": limit},
    )
