"""Times: ratios of structures that were timed in turn. Absolute seconds are never compared with the paper's."""

from collections.abc import Sequence
from itertools import pairwise

from fastres.checks.arithmetic import recomputed_reduction
from fastres.checks.finding import (
    CORRECTED,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
    UNDECIDABLE,
    Evidence,
    Finding,
    combine,
    judge,
)
from fastres.stats import ratio_of_medians
from fastres.structures import blocks_per_stage
from fastres.timers import Ratio, ratio_of
from fastres.timings import TimingRecord

# What one timing of a depth should have, so that it serves every claim: a record has all structures of its depth.
TIMED = {
    20: ("basic", "simplified-1", "simplified-2", "relu/relu", "relu/bn-relu", "bn/bn-relu"),
    56: ("basic", "simplified-1", "simplified-2", "bottleneck"),
    110: ("basic", "simplified-1", "simplified-2"),
    668: ("basic", "simplified-1"),
}


def device_of(record: TimingRecord) -> str:
    return str(record.environment.get("device_name", "unknown device"))


def way(record: TimingRecord) -> str:
    """How a step was computed: the precision, and whether BN and ReLU were one operation."""
    return record.precision + (", BN and ReLU fused" if record.environment.get("fused_bn_relu") else "")


def choose(evidence: Evidence, depths: Sequence[int], structures: Sequence[str]) -> list[TimingRecord]:
    """One fp32 record per depth, all of one device, that has all the structures; GPUs first. Empty if there is none.

    fp32, with BN and ReLU apart, is how the paper's framework computes; other ways are told, and decide nothing.
    """
    usable = [r for r in evidence.timings if way(r) == "fp32" and set(structures) <= r.seconds.keys()]
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
    """ "Not yet run", with the command that times all at the first depth that is missing."""
    missing = [depth for depth in depths if not choose(evidence, [depth], structures)] or list(depths)
    listed = ",".join(dict.fromkeys([*TIMED.get(missing[0], TIMED[110]), *structures]))
    return Finding(
        NOT_RUN,
        f"No fp32 timing of {', '.join(structures)} at D = {', '.join(map(str, missing))} is recorded.",
        command=f"python -m fastres time --depth {missing[0]} --structures {listed}",
    )


def reduction(ratio: Ratio) -> tuple[float, float, float]:
    """100 (1 - ratio) in %, with the ends of its interval."""
    return 100 * (1 - ratio.median), 100 * (1 - ratio.high), 100 * (1 - ratio.low)


def percent(values: tuple[float, float, float]) -> str:
    return f"{values[0]:.1f} % [{values[1]:.1f}, {values[2]:.1f}]"


def numbers_of(values: tuple[float, float, float], record: TimingRecord) -> dict[str, float | int | str]:
    names = ("reduction", "low", "high")
    numbers = {f"{name} D{record.depth}": value for name, value in zip(names, values, strict=True)}
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
        values = reduction(record.ratio(structure, reference))
        near = within is None or abs(values[0] - recomputed_reduction("time", depth)) <= within
        verdict = judge(near, True) if values[1] > above else NOT_REPRODUCED if values[2] < above else UNDECIDABLE
        theirs = "" if within is None else f" (the paper's GTX 1070: {recomputed_reduction('time', depth):.1f} %)"
        rounds = len(record.seconds[structure])
        text = f"D = {depth}, {device_of(record)}: {structure} takes {percent(values)} less time than {reference}"
        text += f"{theirs}, {rounds} rounds.{_other_timings(evidence, record, structure, reference)}"
        parts.append(Finding(verdict, text, numbers_of(values, record), (record.timing_id,)))
    return combine(parts)


def _other_timings(evidence: Evidence, chosen: TimingRecord, structure: str, reference: str) -> str:
    others = [
        f"{device_of(record)}, {way(record)}: {percent(reduction(record.ratio(structure, reference)))}"
        for record in evidence.timings
        if record is not chosen and record.depth == chosen.depth and {structure, reference} <= record.seconds.keys()
    ]
    return f" Also measured: {'; '.join(others)}." if others else ""


def time_per_block(evidence: Evidence, structure: str, reference: str, depth: int) -> Finding:
    """Time of a network over its number of blocks, at the same depth, which both structures must have."""
    records = choose(evidence, [depth], [reference, structure])
    if not records:
        return not_timed(evidence, [depth], [reference, structure])
    blocks = blocks_per_stage(reference, depth) / blocks_per_stage(structure, depth)
    ratio = records[0].ratio(structure, reference)
    low, middle, high = (blocks * value for value in (ratio.low, ratio.median, ratio.high))
    verdict = REPRODUCED if low > 1 else NOT_REPRODUCED if high < 1 else UNDECIDABLE
    text = f"D = {depth}, {device_of(records[0])}: a {structure} block takes {middle:.2f} times as long as a "
    text += f"{reference} block [{low:.2f}, {high:.2f}]."
    numbers = {"ratio": middle, "low": low, "high": high, "device": device_of(records[0])}
    return Finding(verdict, text, numbers, (records[0].timing_id,))


def time_equal(evidence: Evidence, first: str, second: str, depth: int, margin: float) -> Finding:
    """margin: in %, within which the interval of the reduction must lie."""
    records = choose(evidence, [depth], [first, second])
    if not records:
        return not_timed(evidence, [depth], [first, second])
    record = records[0]
    values = reduction(record.ratio(first, second))
    outside = values[1] > margin or values[2] < -margin
    inside = -margin <= values[1] and values[2] <= margin
    verdict = REPRODUCED if inside else NOT_REPRODUCED if outside else UNDECIDABLE
    text = f"D = {depth}, {device_of(record)}: {first} takes {percent(values)} less time than {second}."
    return Finding(verdict, text, numbers_of(values, record), (record.timing_id,))


def time_share(evidence: Evidence, part: str, whole: str, reference: str, depth: int, share: float) -> Finding:
    """What share of the time that `whole` saves is saved by `part` alone, round by round."""
    records = choose(evidence, [depth], [reference, whole, part])
    if not records:
        return not_timed(evidence, [depth], [reference, whole, part])
    record = records[0]
    saved = {
        name: [r - s for r, s in zip(record.seconds[reference], record.seconds[name], strict=True)]
        for name in (part, whole)
    }
    if min(saved[whole]) <= 0:
        text = f"{device_of(record)}: {whole} is not faster than {reference} in every round, so there is no share."
        return Finding(UNDECIDABLE, text, {"device": device_of(record)}, (record.timing_id,))
    found = ratio_of(saved[part], saved[whole])
    verdict = REPRODUCED if found.low > share else NOT_REPRODUCED if found.high < share else UNDECIDABLE
    text = f"D = {depth}, {device_of(record)}: dropping the first normalisation alone saves {100 * found.median:.0f} % "
    text += f"[{100 * found.low:.0f}, {100 * found.high:.0f}] of what {whole} saves, {found.n} rounds."
    numbers = {"share": found.median, "low": found.low, "high": found.high, "device": device_of(record)}
    return Finding(verdict, text, numbers, (record.timing_id,))


def time_by_depth(evidence: Evidence, structures: list[str], depths: list[int], ratio: float) -> Finding:
    """Whether each depth takes more than `ratio` times as long as the one before, on one device."""
    records = choose(evidence, depths, structures)
    if not records:
        return not_timed(evidence, depths, structures)
    shown, lows = [], []
    for structure in structures:
        for shallow, deep in pairwise(records):
            low, middle, high = ratio_of_medians(deep.seconds[structure], shallow.seconds[structure])
            lows.append(low)
            shown.append(
                f"{structure}, D = {shallow.depth} to {deep.depth}: {middle:.2f} times [{low:.2f}, {high:.2f}]"
            )
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
    found = [reduction(record.ratio(structure, reference)) for record in records]
    steps = all(deep[1] > shallow[2] for shallow, deep in pairwise(found))
    if steps:
        verdict = REPRODUCED
    elif found[-1][1] > found[0][2]:
        verdict = CORRECTED
    else:
        verdict = NOT_REPRODUCED if found[-1][2] <= found[0][2] + 1 else UNDECIDABLE
    shown = "; ".join(f"D = {depth}: {percent(values)}" for depth, values in zip(depths, found, strict=True))
    numbers = {name: value for pair in zip(found, records, strict=True) for name, value in numbers_of(*pair).items()}
    ids = tuple(record.timing_id for record in records)
    return Finding(verdict, f"Time saved on {device_of(records[0])}: {shown}.", numbers, ids)
