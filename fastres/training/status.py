"""Where a run stands, read from its folder while another process may be training it."""

import dataclasses
from pathlib import Path
from typing import Literal

from fastres import paths
from fastres.config import RunConfig
from fastres.files import is_locked
from fastres.records.runs import FILE_NAME, Epoch, load_run, record_path
from fastres.training import checkpoint

State = Literal["not begun", "running", "interrupted", "finished", "diverged"]


@dataclasses.dataclass(frozen=True)
class Status:
    """A run's state, and its finished epochs."""

    config: RunConfig
    state: State
    epochs: list[Epoch]

    def __str__(self) -> str:
        done, all_of_them = len(self.epochs), self.config.epochs
        return {
            "not begun": f"not begun: {all_of_them} epochs to train",
            "running": f"still running: epoch {min(done + 1, all_of_them)} of {all_of_them}",
            "interrupted": f"interrupted after epoch {done} of {all_of_them}; training goes on from there",
            "finished": f"finished: {all_of_them} epochs",
            "diverged": f"diverged in epoch {done + 1} of {all_of_them}",
        }[self.state]


def status(config: RunConfig, runs_dir: str | Path | None = None) -> Status:
    """Nothing is written, and a process that trains the run is not disturbed.

    A run is running while a process holds the lock of its folder. Its log is that of the last checkpoint.
    Raises RecordError for a record that cannot be read.
    """
    return Status(config, *state_of(record_path(config, Path(runs_dir) if runs_dir else paths.runs()).parent))


def state_of(folder: Path) -> tuple[State, list[Epoch]]:
    """The state and the finished epochs of the run in a folder, which need not exist."""
    running = is_locked(folder)  # asked first: a run that ends meanwhile is then read as finished
    if (folder / FILE_NAME).exists():
        record = load_run(folder / FILE_NAME)
        return "diverged" if record.diverged else "finished", record.epochs
    try:
        state, _ = checkpoint.newest(folder)
    except FileNotFoundError:  # the run has just ended, and has removed its checkpoints
        return state_of(folder)
    epochs = [Epoch(**epoch) for epoch in state["epochs"]] if state else []
    return "running" if running else "interrupted" if epochs else "not begun", epochs
