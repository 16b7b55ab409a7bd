"""Times: ratios of structures that were timed in turn. Absolute seconds are never compared with the paper's."""

import math
from collections.abc import Sequence
from itertools import pairwise

from fastres import paper
from fastres.claims.finding import (
    CORRECTED,
    FASTRES,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
    THEN,
    UNDECIDABLE,
    Evidence,
    Finding,
    Numbers,
    combine,
    judge,
)
from fastres.experiments import TIMED
from fastres.models.structures import blocks_per_stage
from fastres.records.timings import TimingRecord, device_of, way
from fastres.stats import Interval, ratio_of_medians, share_of_medians

LEAST_ROUNDS, BATCH_SIZE = 6, 128  # of a record that decides


def decides(record: TimingRecord, structures: Sequence[str]) -> bool:
    """Whether a claim on these structures may rest on the record. Others are told, and decide nothing.

    fp32, operation by operation, is how the paper's framework computes, and 128 its batch; an interval over fewer
    rounds is too narrow.
    """
    rounds = [len(record.seconds.get(structure, ())) for structure in structures]
    return way(record) == "fp32" and record.batch_size == BATCH_SIZE and min(rounds) >= LEAST_ROUNDS


def choose(evidence: Evidence, depths: Sequence[int], structures: Sequence[str]) -> list[TimingRecord]:
    """One record per depth that decides, all of one device; GPUs first. Empty if there is none."""
    usable = [record for record in evidence.timings if decides(record, structures)]
    devices = sorted({(r.environment.get("device") == "cpu", device_of(r)) for r in usable})
    for _, device in devices:
        by_depth = {}
        for record in sorted(usable, key=lambda r: len(r.seconds[structures[0]])):  # the one of most rounds stays
            if device_of(record) == device:
                by_depth[record.depth] = record
        if set(depths) <= by_depth.keys():
            return [by_depth[depth] for depth in depths]
    return []


def not_timed(evidence: Evidence, depths: Sequence[int], structures: Sequence[str]) -> Finding:
    """ "Not yet run", with the commands that time all at the depths that are missing. structures: reference first."""
    missing = [depth for depth in depths if not choose(evidence, [depth], structures)] or list(depths)
    listed = {depth: ",".join(dict.fromkeys([*TIMED.get(depth, TIMED[110]), *structures])) for depth in missing}
    commands = [f"{FASTRES} time --depth {depth} --structures {names}" for depth, names in listed.items()]
    text = (
        f"No timing of {', '.join(structures)} at D = {', '.join(map(str, missing))} is recorded in fp32, with batches "
    )
    text += f"of {BATCH_SIZE}, at least {LEAST_ROUNDS} rounds and one device for all."
    shown = [
        f"{structure} against {structures[0]} at D = {depth}, {others}"
        for depth in missing
        for structure in structures[1:]
        if (others := _timings(evidence.timings, depth, structure, structures[0]))
    ]
    text += f" Evidence so far, not a verdict, of time saved: {'; '.join(shown)}." if shown else ""
    return Finding(NOT_RUN, text, command=THEN.join(commands))


def numbers_of(saved: Interval, record: TimingRecord) -> dict[str, float | int | str]:
    named = {"reduction": saved.value, "low": saved.low, "high": saved.high}
    numbers = {f"{name} D{record.depth}": value for name, value in named.items()}
    return {**numbers, "device": device_of(record), "precision": record.precision}


def time_reduction(
    evidence: Evidence,
    structure: str,
    reference: str,
    depths: list[int],
    within: float | None = None,
    above: float = 0.0,
) -> Finding:
    """within: reproduced only if the reduction is so near the paper's, in percentage points.

    above: the interval must lie above it, in %; below it, the claim is not reproduced.
    """
    parts = []
    for depth in depths:
        records = choose(evidence, [depth], [reference, structure])
        if not records:
            parts.append(not_timed(evidence, [depth], [reference, structure]))
            continue
        record = records[0]
        saved = record.ratio(structure, reference).reduction()
        near = within is None or abs(saved.value - paper.reduction("time", depth)) <= within
        verdict = judge(near, True) if saved.low > above else NOT_REPRODUCED if saved.high < above else UNDECIDABLE
        theirs = "" if within is None else f" (the paper's GTX 1070: {paper.reduction('time', depth):.1f} %)"
        rounds = len(record.seconds[structure])
        text = f"D = {depth}, {device_of(record)}: {structure} takes {saved.percent()} less time than {reference}"
        text += f"{theirs}, {rounds} rounds."
        others = [other for other in evidence.timings if other is not record]
        also = _timings(others, depth, structure, reference)
        text += f" Also measured: {also}." if also else ""
        parts.append(Finding(verdict, text, numbers_of(saved, record), (record.timing_id,)))
    return combine(parts)


def _timings(records: Sequence[TimingRecord], depth: int, structure: str, reference: str) -> str:
    """What each of the records that has both structures at the depth measured."""
    return "; ".join(
        f"{device_of(record)}, {way(record)}, batch {record.batch_size}, {len(record.seconds[structure])} rounds: "
        f"{record.ratio(structure, reference).reduction().percent()}"
        for record in records
        if record.depth == depth and {structure, reference} <= record.seconds.keys()
    )


def time_per_block(evidence: Evidence, structure: str, reference: str, depth: int) -> Finding:
    """Time of a network over its number of blocks, at the same depth, which both structures must have."""
    records = choose(evidence, [depth], [reference, structure])
    if not records:
        return not_timed(evidence, [depth], [reference, structure])
    blocks = blocks_per_stage(reference, depth) / blocks_per_stage(structure, depth)
    ratio = records[0].ratio(structure, reference).times(blocks)
    verdict = REPRODUCED if ratio.low > 1 else NOT_REPRODUCED if ratio.high < 1 else UNDECIDABLE
    text = f"D = {depth}, {device_of(records[0])}: a {structure} block takes {ratio.value:.2f} times as long as a "
    text += f"{reference} block {ratio.ends()}."
    numbers: Numbers = {"ratio": ratio.value, "low": ratio.low, "high": ratio.high, "device": device_of(records[0])}
    return Finding(verdict, text, numbers, (records[0].timing_id,))


def time_equal(evidence: Evidence, first: str, second: str, depth: int, margin: float) -> Finding:
    """margin: in %, within which the interval of the reduction must lie."""
    records = choose(evidence, [depth], [first, second])
    if not records:
        return not_timed(evidence, [depth], [second, first])
    record = records[0]
    saved = record.ratio(first, second).reduction()
    outside = saved.low > margin or saved.high < -margin
    inside = -margin <= saved.low and saved.high <= margin
    verdict = REPRODUCED if inside else NOT_REPRODUCED if outside else UNDECIDABLE
    text = f"D = {depth}, {device_of(record)}: {first} takes {saved.percent()} less time than {second}."
    return Finding(verdict, text, numbers_of(saved, record), (record.timing_id,))


def time_share(evidence: Evidence, part: str, whole: str, reference: str, depth: int, share: float) -> Finding:
    """What share of the time that `whole` saves is saved by `part` alone, by the medians of the savings."""
    records = choose(evidence, [depth], [reference, whole, part])
    if not records:
        return not_timed(evidence, [depth], [reference, whole, part])
    record = records[0]
    saved = {
        name: [r - s for r, s in zip(record.seconds[reference], record.seconds[name], strict=True)]
        for name in (part, whole)
    }
    found = share_of_medians(saved[part], saved[whole])
    if math.isnan(found.value):
        text = f"{device_of(record)}: {whole} is not clearly faster than {reference}, so there is no share."
        return Finding(UNDECIDABLE, text, {"device": device_of(record)}, (record.timing_id,))
    verdict = REPRODUCED if found.low > share else NOT_REPRODUCED if found.high < share else UNDECIDABLE
    text = f"D = {depth}, {device_of(record)}: dropping the first normalisation alone saves "
    text += f"{found.times(100).percent('.0f')} of what {whole} saves, {found.n} rounds."
    numbers: Numbers = {"share": found.value, "low": found.low, "high": found.high, "device": device_of(record)}
    return Finding(verdict, text, numbers, (record.timing_id,))


def time_by_depth(evidence: Evidence, structures: list[str], depths: list[int], ratio: float) -> Finding:
    """Whether each depth takes more than `ratio` times as long as the one before, on one device."""
    records = choose(evidence, depths, structures)
    if not records:
        return not_timed(evidence, depths, structures)
    shown, lows = [], []
    for structure in structures:
        for shallow, deep in pairwise(records):
            found = ratio_of_medians(deep.seconds[structure], shallow.seconds[structure])
            lows.append(found.low)
            shown.append(f"{structure}, D = {shallow.depth} to {deep.depth}: {found.value:.2f} times {found.ends()}")
    return Finding(
        judge(min(lows) > ratio, min(lows) > 1),
        f"{device_of(records[0])}: {'; '.join(shown)}.",
        {"least lower end": min(lows), "device": device_of(records[0])},
        tuple(record.timing_id for record in records),
    )


def time_reduction_grows(evidence: Evidence, structure: str, reference: str, depths: list[int]) -> Finding:
    records = choose(evidence, depths, [reference, structure])
    if not records:
        return not_timed(evidence, depths, [reference, structure])
    found = [record.ratio(structure, reference).reduction() for record in records]
    steps = all(deep.low > shallow.high for shallow, deep in pairwise(found))
    if steps:
        verdict = REPRODUCED
    elif found[-1].low > found[0].high:
        verdict = CORRECTED
    else:
        verdict = NOT_REPRODUCED if found[-1].high - found[0].low <= 1 else UNDECIDABLE  # the most it can have grown
    shown = "; ".join(f"D = {depth}: {saved.percent()}" for depth, saved in zip(depths, found, strict=True))
    numbers = {name: value for pair in zip(found, records, strict=True) for name, value in numbers_of(*pair).items()}
    ids = tuple(record.timing_id for record in records)
    return Finding(verdict, f"Time saved on {device_of(records[0])}: {shown}.", numbers, ids)
