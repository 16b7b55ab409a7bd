"""Timing records: steps of several structures at one depth, timed in turn in one process."""

import re
import statistics
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from fastres import paths
from fastres.errors import RecordError
from fastres.files import atomic_write
from fastres.records.provenance import engine_of
from fastres.stats import Ratio, ratio_of

CIFAR_IMAGES = 50_000


class TimingRecord(BaseModel):
    """Seconds of `steps` training steps per structure and round; `seconds` maps a structure to its rounds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    def timing_id(self) -> str:
        """Name of the record's file: what was timed and where, so that another timing is another file."""
        names = "+".join(sorted(self.seconds)).replace("/", "-")
        device = re.sub(r"[^A-Za-z0-9]+", "-", str(self.environment.get("device_name", "unknown"))).strip("-")
        return f"d{self.depth}_b{self.batch_size}_{self.precision}_{engine_of(self.environment)}_{device}_{names}"

    def ratio(self, structure: str, reference: str = "basic") -> Ratio:
        """Time of a structure over that of the reference, round by round. Raises KeyError for one not timed."""
        return ratio_of(self.seconds[structure], self.seconds[reference])

    def seconds_per_epoch(self, structure: str) -> float:
        """Median step time, times the steps of an epoch of CIFAR's 50,000 images."""
        return statistics.median(self.seconds[structure]) / self.steps * -(-CIFAR_IMAGES // self.batch_size)


def save_timing(record: TimingRecord, folder: Path | None = None) -> Path:
    """Write FOLDER/TIMING_ID.json (default outputs/timings) and return its path."""
    path = (folder or paths.timings()) / f"{record.timing_id}.json"
    with atomic_write(path) as file:
        file.write(record.model_dump_json(indent=1) + "\n")
    return path


def load_timings(*folders: str | Path) -> list[TimingRecord]:
    """Every timing record in the folders, shallow first; a folder that is not there holds none.

    Raises RecordError naming a file that is not one.
    """
    found = []
    for folder in folders:
        for path in sorted(Path(folder).glob("*.json")):
            try:
                found.append(TimingRecord.model_validate_json(path.read_text(encoding="utf-8")))
            except (OSError, ValueError) as error:
                reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
                raise RecordError(f"{path}: not a timing record ({reason})") from error
    return sorted(found, key=lambda record: (record.depth, record.precision))


def device_of(record: TimingRecord) -> str:
    return str(record.environment.get("device_name", "unknown device"))


def way(record: TimingRecord) -> str:
    """How a step was computed: the precision, and the engine unless it is the usual one."""
    name = engine_of(record.environment)
    return record.precision + (f", {name}" if name != "eager" else "")
