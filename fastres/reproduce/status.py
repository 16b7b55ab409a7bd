"""What runs where, how far, and until when: read from the folder of the runs, whoever trains there."""

import datetime
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fastres.config import RunConfig
from fastres.errors import RecordError
from fastres.files import holder
from fastres.records.runs import FILE_NAME, Epoch
from fastres.training import checkpoint
from fastres.training.status import state_of

STATES = ("running", "interrupted", "recorded", "to do", "damaged record")
SHOWN = {"finished": "recorded", "diverged": "recorded", "not begun": "to do"}  # other states as they are


def progress(runs_dir: Path, planned: Iterable[RunConfig] = ()) -> list[dict[str, Any]]:
    """One row per run that is in the folder or planned: run, state, epoch (finished), epochs, host, process,
    since (UTC), seconds_left (None where no epoch has shown it yet).

    Nothing is written and nobody is disturbed: a run is running while a process holds the lock of its folder.
    """
    found = [path.name for path in sorted(runs_dir.glob("*")) if _is_run(path)]
    names = list(dict.fromkeys([*(config.run_id for config in planned), *found]))
    return sorted((_row(runs_dir / name) for name in names), key=lambda row: STATES.index(row["state"]))


def _is_run(folder: Path) -> bool:
    """Where locks are deleted when they are released (Windows), an interrupted run has its checkpoint alone."""
    return any((folder / name).exists() for name in (".lock", FILE_NAME)) or checkpoint.exists(folder)


def _row(folder: Path) -> dict[str, Any]:
    state, epochs = _state(folder)
    planned = re.search(r"_e(\d+)_s\d+_", folder.name)
    total = int(planned[1]) if planned else 0
    who = holder(folder) or {} if state == "running" else {}
    return {
        "run": folder.name,
        "state": state,
        "epoch": len(epochs),
        "epochs": total,
        "host": who.get("host", ""),
        "process": who.get("pid"),
        "since": who.get("since", ""),
        "seconds_left": None if state == "recorded" else _seconds_left(epochs, total, folder, state == "running"),
    }


def _state(folder: Path) -> tuple[str, list[Epoch]]:
    try:
        found, epochs = state_of(folder)
    except RecordError:  # one damaged record must not hide the other runs
        return "damaged record", []
    return SHOWN.get(found, found), epochs


def _seconds_left(epochs: list[Epoch], total: int, folder: Path, running: bool) -> float | None:
    """From the median epoch of this run, and for a running one the time since its last checkpoint."""
    if not epochs:
        return None
    seconds = sorted(epoch.train_seconds + epoch.test_seconds for epoch in epochs)[len(epochs) // 2]
    written = checkpoint.written(folder) if running else None
    since = datetime.datetime.now().timestamp() - written if written else 0.0
    return max(0.0, seconds * (total - len(epochs)) - since)
