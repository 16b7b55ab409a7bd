"""Timing records: training steps of several structures at one depth, measured in turn in one process.

A record holds every round, so that a ratio can be taken round by round. Steps use made-up images: the time
of a step does not depend on what an image shows.
"""

import datetime
import re
import statistics
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from fastres import paths
from fastres.config import RunConfig
from fastres.data import synthetic
from fastres.device import arithmetic, check_precision, choose_device, describe
from fastres.progress import Progress
from fastres.records import RecordError, atomic_write, code_commit, engine
from fastres.timers import Ratio, compare, ratio_of
from fastres.trainer import Trainer

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
        return f"d{self.depth}_b{self.batch_size}_{self.precision}_{engine(self.environment)}_{device}_{names}"

    def ratio(self, structure: str, reference: str = "basic") -> Ratio:
        """Time of a structure over that of the reference, round by round. Raises KeyError for one not timed."""
        return ratio_of(self.seconds[structure], self.seconds[reference])

    def seconds_per_epoch(self, structure: str) -> float:
        """Median step time, times the steps of an epoch of CIFAR's 50,000 images."""
        return statistics.median(self.seconds[structure]) / self.steps * -(-CIFAR_IMAGES // self.batch_size)


def measure(
    structures: list[str],
    depth: int,
    precision: str = "fp32",
    device: str | torch.device = "auto",
    rounds: int = 11,
    steps: int = 1,
    batch_size: int = 128,
    compiled: bool = False,
) -> TimingRecord:
    """Time whole training steps (crop, forward, backward, update) of the structures, interleaved.

    compiled: as long runs are trained (fastres.engine), not operation by operation.
    Raises ConfigError for a structure, depth, precision or device that cannot be used, ValueError for rounds < 1.
    """
    device = choose_device(device)
    check_precision(precision, device)
    images = synthetic(10, train_size=batch_size * steps, test_size=batch_size).to(device)
    trainers = {}
    for structure in structures:
        config = RunConfig(
            dataset="synthetic", structure=structure, depth=depth, batch_size=batch_size, precision=precision
        )
        trainers[config.structure] = Trainer(config, images, compiled)
    candidates = {name: _steps(trainer) for name, trainer in trainers.items()}
    result = compare(candidates, rounds, warmup=2, device=device)
    return TimingRecord(
        depth=depth,
        batch_size=batch_size,
        precision=precision,
        steps=steps,
        seconds=result.seconds,
        warmup_seconds={
            name: seconds + trainers[name].timer.last.get("compile", 0.0)
            for name, seconds in result.warmup_seconds.items()
        },
        environment={
            **describe(device),
            "memory_format": "channels_last",
            "compiled": all(trainer.compiled for trainer in trainers.values()),
            "cuda_graph": all(trainer.environment()["cuda_graph"] for trainer in trainers.values()),
        },
        commit=code_commit(),
        finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _steps(trainer: Trainer):
    """A call that trains for one pass over the trainer's few images."""
    progress = Progress(trainer.config, trainer.steps_per_epoch)

    def run() -> None:
        with arithmetic(trainer.config.precision, trainer.dataset.device):
            trainer.train_pass(progress)

    return run


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
                found.append(TimingRecord.model_validate_json(path.read_text()))
            except (OSError, ValueError) as error:
                reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
                raise RecordError(f"{path}: not a timing record ({reason})") from error
    return sorted(found, key=lambda record: (record.depth, record.precision))
