"""Timing records: steps of several structures at one depth, interleaved in one process."""

import re
import statistics
from pathlib import Path
from typing import ClassVar

from fastres import paths
from fastres.records import store
from fastres.records.provenance import engine_of
from fastres.stats import Interval, ratio_of

CIFAR_IMAGES = 50_000


class TimingRecord(store.Record):
    """Seconds of `steps` training steps per structure and round; `seconds` maps a structure to its rounds."""

    KIND: ClassVar[str] = "timing record"

    depth: int
    batch_size: int
    precision: str
    steps: int
    seconds: dict[str, list[float]]
    warmup_seconds: dict[str, float]
    environment: dict[str, str | int | bool]
    commit: str
    finished: str

    @property
    def identity(self) -> str:
        return f"{self.timing_id} {self.finished}"  # the same measurement made twice is two records

    @property
    def timing_id(self) -> str:
        """What was timed and where; the beginning of the record's file name."""
        names = "+".join(sorted(self.seconds)).replace("/", "-")
        device = re.sub(r"[^A-Za-z0-9]+", "-", str(self.environment.get("device_name", "unknown"))).strip("-")
        return f"d{self.depth}_b{self.batch_size}_{self.precision}_{engine_of(self.environment)}_{device}_{names}"

    def ratio(self, structure: str, reference: str = "basic") -> Interval:
        """Time of a structure over that of the reference, round by round. Raises KeyError for one not timed."""
        return ratio_of(self.seconds[structure], self.seconds[reference])

    def seconds_per_epoch(self, structure: str) -> float:
        """Median step time, times the steps of an epoch of CIFAR's 50,000 images."""
        return statistics.median(self.seconds[structure]) / self.steps * -(-CIFAR_IMAGES // self.batch_size)


def save_timing(record: TimingRecord, folder: Path | None = None) -> Path:
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


def device_of(record: TimingRecord) -> str:
    return str(record.environment.get("device_name", "unknown device"))


def way(record: TimingRecord) -> str:
    """How a step was computed: the precision, and the engine unless it is eager."""
    name = engine_of(record.environment)
    return record.precision + (f", {name}" if name != "eager" else "")
