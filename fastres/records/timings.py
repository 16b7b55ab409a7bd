"""Timing records: steps of several structures at one depth, interleaved in one process."""

import abc
import hashlib
import re
import statistics
from pathlib import Path
from typing import ClassVar

from fastres import paths
from fastres.records import store
from fastres.records.provenance import engine_of, was_shared
from fastres.stats import Interval, ratio_of

CIFAR_IMAGES = 50_000
MAX_NAMES = 120  # characters of the structures' names in a file's name: paths are short on some systems


class Timed(store.Record, abc.ABC):
    """Seconds of `steps` training steps of several candidates, interleaved: `seconds` has a list of rounds for each."""

    depth: int
    batch_size: int
    steps: int
    seconds: dict[str, list[float]]
    warmup_seconds: dict[str, float]
    environment: dict[str, str | int | bool]
    commit: str
    finished: str

    @property
    @abc.abstractmethod
    def timing_id(self) -> str:
        """What was timed and where; the beginning of the record's file name."""

    @property
    def identity(self) -> str:
        return f"{self.timing_id}_{self.finished}"  # the same measurement made twice is two records

    def seconds_of_step(self, candidate: str) -> float:
        """Median over the rounds. Raises KeyError for a candidate that was not timed."""
        return statistics.median(self.seconds[candidate]) / self.steps

    def speedup(self, candidate: str, reference: str) -> Interval:
        """Time of the reference over that of the candidate, round by round. Raises KeyError for one not timed."""
        return ratio_of(self.seconds[reference], self.seconds[candidate])

    @property
    def device_id(self) -> str:
        """The device's name as a part of a file name."""
        return re.sub(r"[^A-Za-z0-9]+", "-", device_of(self)).strip("-")


class TimingRecord(Timed):
    """The candidates are structures."""

    KIND: ClassVar[str] = "timing record"

    precision: str

    @property
    def timing_id(self) -> str:
        names = "+".join(sorted(self.seconds)).replace("/", "-")
        if len(names) > MAX_NAMES:
            names = f"{len(self.seconds)}-structures-{hashlib.sha256(names.encode()).hexdigest()[:8]}"
        engine = engine_of(self.environment)
        return f"d{self.depth}_b{self.batch_size}_{self.precision}_{engine}_{self.device_id}_{names}"

    def ratio(self, structure: str, reference: str = "basic") -> Interval:
        """Time of a structure over that of the reference, round by round. Raises KeyError for one not timed."""
        return ratio_of(self.seconds[structure], self.seconds[reference])

    def seconds_per_epoch(self, structure: str) -> float:
        """Median step time, times the steps of an epoch of CIFAR's 50,000 images."""
        return self.seconds_of_step(structure) * -(-CIFAR_IMAGES // self.batch_size)


def save_timing(record: Timed, folder: Path | None = None) -> Path:
    """Write FOLDER/TIMING_ID.json (default outputs/timings) and return its path; _2, _3 ... where there is one."""
    folder = folder or paths.timings()
    path, number = folder / f"{record.timing_id}.json", 1
    while path.exists():
        number += 1
        path = folder / f"{record.timing_id}_{number}.json"
    return store.save(record, path)


def load_timings(*folders: str | Path) -> list[TimingRecord]:
    """Every timing record in the folders, shallow networks first; a missing folder holds none.

    Raises RecordError naming a file that is not one.
    """
    return sorted(store.find(TimingRecord, *folders), key=lambda record: (record.depth, record.precision))


def device_of(record: Timed) -> str:
    return str(record.environment.get("device_name", "unknown device"))


def way(record: TimingRecord) -> str:
    """How a step was computed: "fp32, eager"."""
    return f"{record.precision}, {engine_of(record.environment)}"


def threads_of(number: int) -> str:
    """ "1 thread", "2 threads"."""
    return f"{number} thread{'s' * (number != 1)}"


def duration(seconds: float) -> str:
    """
    >>> [duration(s) for s in (0.2, 59, 170, 3600 * 5, 3600 * 24 * 3.5)]
    ['under 1 s', '59 s', '3 min', '5.0 h', '3.5 days']
    """
    for unit, size, least, digits in (("days", 86400, 172800, 1), ("h", 3600, 5400, 1), ("min", 60, 90, 0)):
        if seconds >= least:
            return f"{seconds / size:.{digits}f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else "under 1 s"


def described(record: TimingRecord, structure: str) -> str:
    """Device, way of computing, threads on a CPU, batch size, rounds, and whether other processes ran beside it."""
    parts = [device_of(record), way(record)]
    if "threads" in record.environment:
        parts.append(threads_of(int(record.environment["threads"])))
    parts += [f"batch {record.batch_size}", f"{len(record.seconds[structure])} rounds"]
    if was_shared(record.environment):
        parts.append("shared with other processes")
    return ", ".join(parts)
