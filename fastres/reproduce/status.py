"""What runs where, how far, and until when: read from the folder of the runs, whoever trains there."""

import datetime
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fastres.config import RunConfig
from fastres.files import holder, is_locked
from fastres.records.runs import FILE_NAME, Epoch
from fastres.training import checkpoint

STATES = ("running", "interrupted", "recorded", "to do")


def progress(runs_dir: Path, planned: Iterable[RunConfig] = ()) -> list[dict[str, Any]]:
    """One row per run that is in the folder or planned: run, state, epoch (finished), epochs, host, process,
    since (UTC), seconds_left (None where no epoch has shown it yet).

    Nothing is written and nobody is disturbed: a run is running while a process holds the lock of its folder.
    """
    found = [path.name for path in sorted(runs_dir.glob("*")) if (path / ".lock").exists() or _has_record(path)]
    names = list(dict.fromkeys([*(config.run_id for config in planned), *found]))
    return sorted((_row(runs_dir / name) for name in names), key=lambda row: STATES.index(row["state"]))


def _has_record(folder: Path) -> bool:
    return (folder / FILE_NAME).exists()


def _row(folder: Path) -> dict[str, Any]:
    running = is_locked(folder)  # asked first: a run that ends meanwhile is then read as recorded
    recorded = _has_record(folder)
    epochs, when = ([], None) if recorded else _log(folder)
    state = "recorded" if recorded else "running" if running else "interrupted" if epochs else "to do"
    planned = re.search(r"_e(\d+)_s\d+_", folder.name)
    total = int(planned[1]) if planned else 0
    who = holder(folder) or {} if state == "running" else {}
    return {
        "run": folder.name,
        "state": state,
        "epoch": total if recorded else len(epochs),
        "epochs": total,
        "host": who.get("host", ""),
        "process": who.get("pid"),
        "since": who.get("since", ""),
        "seconds_left": _seconds_left(epochs, total, when, running),
    }


def _log(folder: Path) -> tuple[list[Epoch], float | None]:
    """The finished epochs in a run's last checkpoint, and when it was written, in seconds since 1970."""
    try:
        state, _ = checkpoint.newest(folder)
        when = (folder / checkpoint.FILE_NAME).stat().st_mtime
    except OSError:  # none yet, or the run has just ended
        return [], None
    return ([Epoch(**epoch) for epoch in state["epochs"]], when) if state else ([], None)


def _seconds_left(epochs: list[Epoch], total: int, when: float | None, running: bool) -> float | None:
    """From the median epoch of this run, and for a running one the time since its last epoch."""
    if not epochs:
        return None
    seconds = sorted(epoch.train_seconds + epoch.test_seconds for epoch in epochs)[len(epochs) // 2]
    since = datetime.datetime.now().timestamp() - when if running and when else 0.0
    return max(0.0, seconds * (total - len(epochs)) - since)
