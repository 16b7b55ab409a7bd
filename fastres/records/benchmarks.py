"""Benchmark records: training loops of several authors on one network, interleaved in one process (`make bench`)."""

from pathlib import Path
from typing import ClassVar

from fastres.records import store
from fastres.records.timings import Timed

PUBLIC = "public, fp32"  # the loop that the others are compared with
DATA = "data path of fastres alone"  # no network


class BenchmarkRecord(Timed):
    """The candidates are loops, by name.

    floors: seconds of a step of some candidates at the machine's measured rates (fastres.theory.roofline).
    packages: versions of other packages that took part.
    """

    KIND: ClassVar[str] = "benchmark record"

    structure: str
    floors: dict[str, float]
    packages: dict[str, str]

    @property
    def timing_id(self) -> str:
        return f"{self.structure}_d{self.depth}_b{self.batch_size}_{self.device_id}"

    def floors_above(self, candidate: str) -> float:
        """Its step's time over the roofline's reference time."""
        return self.seconds_of_step(candidate) / self.floors[candidate]


def load_benchmarks(*folders: str | Path) -> list[BenchmarkRecord]:
    """Every benchmark record in the folders, by device and depth; raises RecordError naming a file that is not one."""
    return sorted(store.find(BenchmarkRecord, *folders), key=lambda record: (record.device_id, record.depth))
