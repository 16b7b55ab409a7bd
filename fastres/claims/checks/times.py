"""Times: ratios from interleaved timings. Absolute seconds are never compared with the paper's."""

import math
from collections.abc import Sequence
from itertools import pairwise

from fastres import paper
from fastres.claims.check import check
from fastres.claims.evidence import Evidence
from fastres.claims.finding import (
    CORRECTED,
    DEVICE,
    FASTRES,
    NOT_REPRODUCED,
    OPEN,
    REPRODUCED,
    SMALLER,
    Finding,
    combine,
    effect,
    unsettled,
)
from fastres.experiments import TIMED
from fastres.models.structures import activations, blocks_per_stage
from fastres.records.timings import TimingRecord, device_of, way
from fastres.stats import Interval, ratio_of_medians, share_of_medians

LEAST_ROUNDS, BATCH_SIZE = 6, 128  # of a record that decides
RULE = f"in fp32, with batches of {BATCH_SIZE}, at least {LEAST_ROUNDS} rounds and one device for all"


def decides(record: TimingRecord, structures: Sequence[str]) -> bool:
    """Whether a claim on these structures may rest on the record. Others are shown, and decide nothing.

    The paper's framework runs eagerly in fp32, with batches of 128. An interval over fewer rounds is too narrow.
    """
    rounds = [len(record.seconds.get(structure, ())) for structure in structures]
    return way(record) == "fp32" and record.batch_size == BATCH_SIZE and min(rounds) >= LEAST_ROUNDS


def machine(record: TimingRecord) -> tuple[bool, str, int]:
    """What must be equal for seconds to be compared; sorts GPUs before CPUs."""
    threads = int(record.environment.get("threads", 0))
    return record.environment.get("device") == "cpu", device_of(record), threads


def choose(evidence: Evidence, depths: Sequence[int], structures: Sequence[str]) -> list[TimingRecord]:
    """One deciding record per depth, all from one device, GPUs first; empty if there is none."""
    usable = [record for record in evidence.timings if decides(record, structures)]
    for device in sorted({machine(record) for record in usable}):
        by_depth = {}
        for record in sorted(usable, key=lambda r: len(r.seconds[structures[0]])):  # the one with most rounds stays
            if machine(record) == device:
                by_depth[record.depth] = record
        if set(depths) <= by_depth.keys():
            return [by_depth[depth] for depth in depths]
    return []


def described(record: TimingRecord, structure: str) -> str:
    rounds = len(record.seconds[structure])
    return f"{device_of(record)}, {way(record)}, batch {record.batch_size}, {rounds} rounds"


def other_timings(
    evidence: Evidence, depth: int, structure: str, reference: str, chosen: TimingRecord | None = None
) -> list[str]:
    """What each other record that has both structures at the depth measured."""
    return [
        f"{structure} against {reference} at D = {depth}, {described(record, structure)}: "
        f"{record.ratio(structure, reference).reduction().percent()} less time"
        for record in evidence.timings
        if record is not chosen and record.depth == depth and {structure, reference} <= record.seconds.keys()
    ]


def buildable(structure: str) -> bool:
    try:
        return bool(activations(structure))
    except ValueError:
        return False


def not_timed(evidence: Evidence, depths: Sequence[int], structures: Sequence[str]) -> Finding:
    """With the commands that time all at the depths that are missing. structures: the reference first."""
    missing = [depth for depth in depths if not choose(evidence, [depth], structures)] or list(depths)
    wanted = [structure for structure in structures if buildable(structure)]
    listed = {depth: ",".join(dict.fromkeys([*TIMED.get(depth, TIMED[110]), *wanted])) for depth in missing}
    commands = [f"{FASTRES} time --depth {depth} --structures {names}" for depth, names in listed.items()]
    text = f"a timing of {', '.join(structures)} at D = {', '.join(map(str, missing))} {RULE}"
    so_far = [
        shown
        for depth in missing
        for structure in structures[1:]
        for shown in other_timings(evidence, depth, structure, structures[0])
    ]
    return unsettled(text, commands, so_far, (DEVICE,))


def timed(
    verdict: str, text: str, records: Sequence[TimingRecord], intervals: dict[str, Interval], **fields
) -> Finding:
    """A finding from timings of one device."""
    where = f"{device_of(records[0])}, {way(records[0])}, batch {records[0].batch_size}"
    ids = tuple(record.timing_id for record in records)
    return Finding(verdict, text, (DEVICE,), where, intervals=intervals, records=ids, **fields)


def measured(
    evidence: Evidence, depth: int, others: Sequence[str], part: str, bound: str
) -> tuple[TimingRecord, str] | None:
    """(record, what was timed): the part, or else `bound`, a structure that removes the part and more."""
    for structure in (part, bound):
        records = choose(evidence, [depth], [*others, structure]) if structure else []
        if records:
            return records[0], structure
    return None


def bounded(verdict: str, part: str, structure: str) -> tuple[str, dict]:
    """(verdict, fields) where `structure`, which removes more than the part, was timed: it can only contradict."""
    if structure == part:
        return verdict, {}
    lacking = f"a timing of {part}, interleaved, {RULE}: {structure} removes more than that and bounds it from above"
    return (verdict if verdict == NOT_REPRODUCED else OPEN), {"missing": (lacking,)}


@check()
def time_reduction(
    evidence: Evidence,
    structure: str,
    reference: str,
    depths: list[int],
    printed: bool = False,
    above: float = 0.0,
    bound: str = "",
) -> Finding:
    """printed: whether the reduction must reach the paper's recomputed one. above: what it must exceed, in %.

    bound: a structure that removes more than `structure`, used where that is not timed.
    """
    parts, one_device = [], choose(evidence, depths, [reference, structure])
    for i, depth in enumerate(depths):
        one = (one_device[i], structure) if one_device else None
        found = one or measured(evidence, depth, [reference], structure, bound)
        if found is None:
            parts.append(not_timed(evidence, [depth], [reference, structure] + [bound] * bool(bound)))
            continue
        record, name = found
        saved = record.ratio(name, reference).reduction()
        size = paper.reduction("time", depth) if printed else 0.0
        verdict, fields = bounded(effect(saved, size, above), structure, name)
        theirs = f" (the paper's GTX 1070: {size:.1f} %)" if printed else ""
        text = f"D = {depth}: {name} takes {saved.percent()} less time than {reference}{theirs}, {saved.n} rounds."
        also = tuple(other_timings(evidence, depth, name, reference, record))
        parts.append(timed(verdict, text, [record], {f"reduction D{depth}": saved}, so_far=also, **fields))
    return combine(parts)


@check()
def time_share(
    evidence: Evidence, part: str, whole: str, reference: str, depth: int, share: float, bound: str = ""
) -> Finding:
    """What share of the time that `whole` saves is saved by `part` alone, by the medians of the savings."""
    found = measured(evidence, depth, [reference, whole], part, bound)
    if found is None:
        return not_timed(evidence, [depth], [reference, whole, part] + [bound] * bool(bound))
    record, name = found
    saved = [
        [r - s for r, s in zip(record.seconds[reference], record.seconds[structure], strict=True)]
        for structure in (name, whole)
    ]
    ratio = share_of_medians(*saved)
    if math.isnan(ratio.value):
        text = f"D = {depth}: {whole} is not clearly faster than {reference}, so there is no share."
        return timed(OPEN, text, [record], {})
    verdict, fields = bounded(effect(ratio, least=share), part, name)
    shown = ratio.times(100).percent(".0f")
    text = f"D = {depth}: {name} alone saves {shown} of what {whole} saves, {ratio.n} rounds."
    return timed(verdict, text, [record], {"share": ratio}, **fields)


@check()
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
