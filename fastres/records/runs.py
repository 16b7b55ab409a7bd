"""Run records: what a training run was and did.

Errors are in percent, times in seconds. The headline of a run is its last epoch; the best epoch is chosen
on the test set and is never shown without that label.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from fastres.config import RunConfig
from fastres.records import store
from fastres.records.provenance import Environment

if TYPE_CHECKING:
    from pandas import DataFrame

FILE_NAME = "record.json"


class Epoch(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    epoch: int  # from 1
    lr: float
    train_loss: float  # mean over the epoch's augmented images, while the weights move
    train_error: float  # percent, of the same
    test_error: float  # percent, after the epoch
    train_seconds: float
    test_seconds: float


class DataSource(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    sha256: str
    train_size: int
    test_size: int
    num_classes: int


class OfRun(store.Record):
    """A record of one run, whose config is its identity."""

    config: RunConfig

    @property
    def run_id(self) -> str:
        return self.config.run_id

    @property
    def identity(self) -> str:
        return self.run_id


class RunRecord(OfRun):
    """One finished run, or one that diverged: then `epochs` are those before, and `last` and `best` hold NaN."""

    KIND: ClassVar[str] = "run record"
    FILES: ClassVar[str] = f"**/{FILE_NAME}"

    epochs: list[Epoch]
    environment: Environment
    data: DataSource
    commit: str  # of the code, with "+changes" if the tree differed from it
    finished: str  # UTC, ISO 8601
    weights_sha256: str | None = None  # of model.safetensors; None of a diverged run, and in versions before 0.2
    diverged: str = ""  # where a number stopped being finite: "the loss is nan in epoch 3, step 12"

    @property
    def last(self) -> Epoch:
        if not self.diverged:
            return self.epochs[-1]
        numbers = dict.fromkeys(Epoch.model_fields, np.nan)  # so that no mean can take it for a finished run's
        return Epoch.model_validate(numbers | {"epoch": len(self.epochs) + 1})

    @property
    def best(self) -> Epoch:
        """The epoch with the least test error. It is chosen on the test set, so the number is optimistic."""
        epochs = [self.last] if self.diverged else self.epochs
        return min(epochs, key=lambda epoch: (np.nan_to_num(epoch.test_error, nan=np.inf), epoch.epoch))

    @property
    def seconds_per_epoch(self) -> float:
        """Median training seconds, the first epoch (warm-up) left out where there are more."""
        epochs = self.epochs[1:] or self.epochs or [self.last]
        return float(np.median([epoch.train_seconds for epoch in epochs]))


class Measurement(OfRun):
    """What was measured on the weights of a finished run, with some of its test images."""

    data: DataSource
    environment: Environment  # of the run
    images: int


def record_path(config: RunConfig, runs_dir: Path) -> Path:
    return Path(runs_dir) / config.run_id / FILE_NAME


def save_run(record: RunRecord, runs_dir: Path) -> Path:
    """Write RUNS_DIR/RUN_ID/record.json and return its path."""
    return store.save(record, record_path(record.config, runs_dir))


def load_run(path: str | Path) -> RunRecord:
    """Raises RecordError naming the file if it is not a whole record."""
    return store.load(RunRecord, path)


def load_runs(*folders: str | Path) -> list[RunRecord]:
    """Every run record below the folders, ordered by run id.

    A missing folder holds none; the same run in two folders counts once, the first folder's.
    Raises RecordError naming a file that cannot be read.
    """
    return store.find(RunRecord, *folders)


def finished(runs: Iterable[RunRecord]) -> list[RunRecord]:
    """The runs that have an error: those that did not diverge."""
    return [run for run in runs if not run.diverged]


def to_frame(runs: Iterable[RunRecord]) -> "DataFrame":
    """One row per run: its config, last and best errors in percent, seconds per epoch, device and data."""
    import pandas as pd

    rows = [
        {
            "run_id": run.run_id,
            **run.config.model_dump(),
            "test_error": run.last.test_error,
            "train_error": run.last.train_error,
            "best_test_error": run.best.test_error,
            "best_epoch": run.best.epoch,
            "seconds_per_epoch": run.seconds_per_epoch,
            "device_name": run.environment.get("device_name", ""),
            "sha256": run.data.sha256,
            "test_size": run.data.test_size,
            "diverged": run.diverged,
        }
        for run in runs
    ]
    columns = list(rows[0]) if rows else ["run_id", *RunConfig.model_fields, "test_error", "seconds_per_epoch"]
    return pd.DataFrame(rows, columns=columns)
