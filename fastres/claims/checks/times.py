"""Times: ratios from interleaved timings. Absolute seconds are never compared with the paper's."""

import math
from itertools import pairwise

from fastres import paper
from fastres.claims.check import check
from fastres.claims.evidence import Evidence
from fastres.claims.finding import (
    CORRECTED,
    NOT_REPRODUCED,
    OPEN,
    REPRODUCED,
    SMALLER,
    Finding,
    combine,
    effect,
)
from fastres.claims.timings import choose, each_device, machine, not_timed, other_timings, timed
from fastres.models.structures import blocks_per_stage
from fastres.stats import ratio_of_medians, share_of_medians


@check()
@each_device
def time_reduction(evidence: Evidence, structure: str, reference: str, depths: list[int]) -> Finding:
    """Whether the reduction reaches the paper's, recomputed from its seconds."""
    parts, pair = [], [reference, structure]
    together = dict(zip(depths, choose(evidence, depths, pair), strict=False))
    for depth in depths:
        records = [together[depth]] if together else choose(evidence, [depth], pair)
        if not records:
            parts.append(not_timed(evidence, [depth], pair))
            continue
        saved = records[0].ratio(structure, reference).reduction()
        size = paper.reduction("time", depth)
        text = f"D = {depth}: {structure} takes {saved.percent()} less time than {reference} "
        text += f"(the paper's GTX 1070: {size:.1f} %), {saved.n} rounds."
        also = tuple(other_timings(evidence, depth, structure, reference, records[0]))
        intervals = {f"reduction D{depth}": saved}
        parts.append(timed(effect(saved, size), text, records, intervals, so_far=also))
    return combine(parts)


@check()
@each_device
def time_bounds(evidence: Evidence, least: str, most: str, reference: str, depth: int, above: float) -> Finding:
    """Of a cost that lies between the time that `least` and `most` save, in %: whether it exceeds `above`."""
    records = choose(evidence, [depth], [reference, least, most])
    if not records:
        return not_timed(evidence, [depth], [reference, least, most])
    low, high = (records[0].ratio(name, reference).reduction() for name in (least, most))
    verdict = REPRODUCED if low.low > above else NOT_REPRODUCED if high.high < above else OPEN
    text = f"D = {depth}: {least} takes {low.percent()} less time than {reference}, {most} {high.percent()}, "
    intervals = {"from below": low, "from above": high}
    return timed(verdict, f"{text}{low.n} rounds.", records, intervals)


@check()
@each_device
def time_share(evidence: Evidence, part: str, whole: str, reference: str, depth: int, share: float) -> Finding:
    """What share of the time that `whole` saves is saved by `part` alone, by the medians of the savings.

    share: above which `part` is the cause, and below which it is the smaller part of it.
    """
    records = choose(evidence, [depth], [reference, whole, part])
    if not records:
        return not_timed(evidence, [depth], [reference, whole, part])
    seconds = records[0].seconds
    saved = [
        [r - s for r, s in zip(seconds[reference], seconds[structure], strict=True)] for structure in (part, whole)
    ]
    ratio = share_of_medians(*saved)
    if math.isnan(ratio.value):
        text = f"D = {depth}: {whole} is not clearly faster than {reference}, so there is no share."
        return timed(OPEN, text, records, {})
    verdict = REPRODUCED if ratio.low > share else NOT_REPRODUCED if ratio.high < 0 else OPEN
    if ratio.low > 0 and ratio.high < share:
        verdict = CORRECTED
    shown = ratio.times(100).percent(".0f")
    text = f"D = {depth}: {part} alone saves {shown} of what {whole} saves, {ratio.n} rounds."
    return timed(verdict, text, records, {"share": ratio})


@check()
@each_device
def time_per_block(evidence: Evidence, structure: str, reference: str, depth: int) -> Finding:
    """Time of a network over its number of blocks, at the same depth, which both structures must have."""
    records = choose(evidence, [depth], [reference, structure])
    if not records:
        return not_timed(evidence, [depth], [reference, structure])
    blocks = blocks_per_stage(reference, depth) / blocks_per_stage(structure, depth)
    ratio = records[0].ratio(structure, reference).times(blocks)
    text = f"D = {depth}: a {structure} block takes {ratio:.2f} times as long as a {reference} block."
    return timed(effect(ratio, least=1.0), text, records, {"ratio": ratio})


@check()
@each_device
def time_equal(evidence: Evidence, first: str, second: str, depth: int, margin: float) -> Finding:
    """margin: in %, within which the interval of the reduction must lie."""
    records = choose(evidence, [depth], [first, second])
    if not records:
        return not_timed(evidence, [depth], [second, first])
    saved = records[0].ratio(first, second).reduction()
    outside = saved.low > margin or saved.high < -margin
    inside = -margin <= saved.low and saved.high <= margin
    verdict = REPRODUCED if inside else NOT_REPRODUCED if outside else OPEN
    text = f"D = {depth}: {first} takes {saved.percent()} less time than {second}, {saved.n} rounds."
    return timed(verdict, text, records, {f"reduction D{depth}": saved})


@check()
@each_device
def time_by_depth(evidence: Evidence, structures: list[str], depths: list[int], ratio: float) -> Finding:
    """Whether each depth takes more than `ratio` times as long as the one before, on one device."""
    records = choose(evidence, depths, structures)
    if not records:
        return not_timed(evidence, depths, structures)
    found = {
        f"{structure}, D = {shallow.depth} to {deep.depth}": ratio_of_medians(
            deep.seconds[structure], shallow.seconds[structure]
        )
        for structure in structures
        for shallow, deep in pairwise(records)
    }
    least = min(grown.low for grown in found.values())
    verdict = REPRODUCED if least > ratio else SMALLER if least > 1 else NOT_REPRODUCED
    shown = "; ".join(f"{name}: {grown:.2f} times" for name, grown in found.items())
    return timed(verdict, f"{shown}.", records, found)


@check()
@each_device
def time_reduction_grows(
    evidence: Evidence, structure: str, reference: str, depths: list[int], margin: float
) -> Finding:
    """margin: growth from the shallowest to the deepest, in percentage points, below which there is none."""
    records = choose(evidence, depths, [reference, structure])
    if not records:
        return not_timed(evidence, depths, [reference, structure])
    found = [record.ratio(structure, reference).reduction() for record in records]
    most = found[-1].high - found[0].low  # that it can have grown
    if all(deep.low > shallow.high for shallow, deep in pairwise(found)):
        verdict = REPRODUCED
    elif found[-1].low > found[0].high:
        verdict = CORRECTED
    else:
        verdict = NOT_REPRODUCED if most <= margin else OPEN
    shown = "; ".join(f"D = {depth}: {saved.percent()}" for depth, saved in zip(depths, found, strict=True))
    intervals = {f"reduction D{depth}": saved for depth, saved in zip(depths, found, strict=True)}
    gpu = "a timing on a GPU, whose memory is a suspected cause of the growth: a CPU's step does not run short of it"
    missing = (gpu,) * (machine(records[0])[0] and verdict in (NOT_REPRODUCED, OPEN))
    return timed(verdict, f"Time saved: {shown}.", records, intervals, missing=missing)
