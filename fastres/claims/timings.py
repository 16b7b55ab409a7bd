"""Which timings a claim may rest on, and on which devices it is decided."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

from fastres.claims.evidence import Evidence
from fastres.claims.finding import DEVICE, FASTRES, OPEN, WAY, Finding, combine, unsettled
from fastres.experiments import TIMED
from fastres.records.provenance import was_shared
from fastres.records.timings import TimingRecord, described, device_of, threads_of, way
from fastres.stats import Interval

LEAST_ROUNDS, BATCH_SIZE = 6, 128  # of a record that decides
RULE = f"in {WAY}, with batches of {BATCH_SIZE}, at least {LEAST_ROUNDS} rounds and one device for all"


def decides(record: TimingRecord, structures: Sequence[str]) -> bool:
    """Whether a claim on these structures may rest on the record. Others are shown, and decide nothing.

    The paper's framework runs eagerly in fp32, with batches of 128. Fewer rounds have no 95 % interval. What other
    processes take from a machine that they share is not the same for all structures.
    """
    alone = not was_shared(record.environment)
    rounds = [len(record.seconds.get(structure, ())) for structure in structures]
    return alone and way(record) == WAY and record.batch_size == BATCH_SIZE and min(rounds) >= LEAST_ROUNDS


def machine(record: TimingRecord) -> tuple[bool, str, int]:
    """What must be equal for seconds to be compared; sorts GPUs before CPUs."""
    threads = int(record.environment.get("threads", 0))
    return record.environment.get("device") == "cpu", device_of(record), threads


def choose(evidence: Evidence, depths: Sequence[int], structures: Sequence[str]) -> list[TimingRecord]:
    """One deciding record per depth, all from one device, GPUs first; empty if there is none.

    Of one device's records those of one session, that is of one commit, go first, as a machine is not equally fast
    from session to session; then those with most rounds.
    """
    usable = sorted(
        (record for record in evidence.timings if record.depth in depths and decides(record, structures)),
        key=lambda record: len(record.seconds[structures[0]]),
    )
    for device in sorted({machine(record) for record in usable}):
        there = [record for record in usable if machine(record) == device]
        sessions = [[record for record in there if record.commit == last.commit] for last in reversed(there)]
        for session in (*sessions, there):
            by_depth = {record.depth: record for record in session}  # the one with most rounds stays
            if set(depths) <= by_depth.keys():
                return [by_depth[depth] for depth in depths]
    return []


def each_device(function: Callable[..., Finding]) -> Callable[..., Finding]:
    """Decide a claim on every device that was timed for it: the verdict is theirs if they agree, else open.

    The paper's device is a GPU: where one was timed, CPUs decide nothing.
    """

    @functools.wraps(function)
    def decided(evidence: Evidence, **args) -> Finding:
        found = {}
        for device in sorted({machine(record) for record in evidence.timings}):
            there = tuple(record for record in evidence.timings if machine(record) == device)
            finding = function(dataclasses.replace(evidence, timings=there), **args)
            if finding.records and not finding.commands:  # nothing that the rule needs is missing there
                found[device] = finding
        chosen = {device: finding for device, finding in found.items() if not device[0]} or found
        if len(chosen) < 2:
            return function(evidence, **args)
        names = [name for _, name, _ in chosen]
        told = {
            f"{device[1]}, {threads_of(device[2])}" if names.count(device[1]) > 1 else device[1]: finding
            for device, finding in chosen.items()
        }
        verdicts = {finding.verdict for finding in told.values()}
        return dataclasses.replace(
            combine(list(told.values())),
            verdict=verdicts.pop() if len(verdicts) == 1 else OPEN,
            statement=" ".join(f"{name}: {finding.statement}" for name, finding in told.items()),
            intervals={f"{key}, {name}": i for name, finding in told.items() for key, i in finding.intervals.items()},
        )

    return decided


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


def not_timed(evidence: Evidence, depths: Sequence[int], structures: Sequence[str]) -> Finding:
    """With the commands that time all at the depths that are missing. structures: the reference first."""
    missing = [depth for depth in depths if not choose(evidence, [depth], structures)] or list(depths)
    listed = {depth: ",".join(dict.fromkeys([*TIMED.get(depth, TIMED[110]), *structures])) for depth in missing}
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
    ids = tuple(record.identity for record in records)
    return Finding(verdict, text, (DEVICE,), where, intervals=intervals, records=ids, **fields)
