"""Probe records: the ways of computing a training step on one machine, interleaved in one process."""

from pathlib import Path
from typing import ClassVar

from fastres import paths
from fastres.records import store
from fastres.records.provenance import Environment
from fastres.records.timings import Timed

PLAIN = "fp32, eager"
SAME_MACHINE = ("device", "device_name", "cpu_count", "torch", "system")  # of the environment


class ProbeRecord(Timed):
    """The candidates are ways: precision, engine, and threads where they are not all."""

    KIND: ClassVar[str] = "probe record"

    @property
    def timing_id(self) -> str:
        return f"probe_{self.device_id}_{self.environment['cpu_count']}"

    @property
    def fastest(self) -> str:
        """The way of the smallest median among those that use the whole device."""
        whole = [way for way in self.seconds if "thread" not in way]
        return min(whole, key=self.seconds_of_step)

    def sentence(self) -> str:
        """What to choose here, with how much that gains."""
        precision, engine = self.fastest.split(", ")
        return (
            f"Fastest on this machine: {precision}, {engine}, {self.speedup(self.fastest, PLAIN):.2f} times as fast as "
            f"{PLAIN} (D = {self.depth}, {self.finished[:10]}; python -m fastres probe)."
        )


def load_probe(environment: Environment, folder: Path | None = None) -> ProbeRecord | None:
    """The last probe of the machine that the environment describes; None where there is none.

    Raises RecordError for a damaged file.
    """
    found = [
        record
        for record in store.find(ProbeRecord, folder or paths.probes())
        if all(record.environment.get(key) == environment.get(key) for key in SAME_MACHINE)
    ]
    return max(found, key=lambda record: record.finished, default=None)
