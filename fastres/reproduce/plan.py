"""The plan of a profile: its runs, which are recorded, and the estimated time and disk space."""

import heapq
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from fastres.config import RunConfig
from fastres.records.runs import load_runs, record_path
from fastres.theory.counts import costs
from fastres.training import checkpoint

BYTES_KEPT = 4  # per parameter of a finished run: its float32 weights
COLUMNS = ["run", "state", "seconds", "MiB"]


def plan_runs(runs: list[RunConfig], runs_dir: Path, epoch_seconds: Callable[[RunConfig], float]) -> pd.DataFrame:
    """One row per run: its state ("recorded", "begun", "to do"), estimated seconds and MiB left on disk.

    epoch_seconds: of a run's training (fastres.reproduce.speed). The estimate leaves out evaluation and start-up.
    """
    finished = {record.run_id for record in load_runs(runs_dir)}
    rows = []
    for run in runs:
        begun = checkpoint.exists(record_path(run, runs_dir).parent)
        state = "recorded" if run.run_id in finished else "begun" if begun else "to do"
        seconds = 0.0 if state == "recorded" else epoch_seconds(run) * run.epochs
        rows.append((run.run_id, state, seconds, BYTES_KEPT * costs(run.structure, run.depth).parameters / 2**20))
    return pd.DataFrame(rows, columns=COLUMNS)


def makespan(seconds: Iterable[float], workers: int) -> float:
    """Time until all runs are done, `workers` at once, the longest first: each to the worker that is free first.

    No schedule is shorter than the longest run or the sum divided by the workers; this one is at most a third
    longer than the best (Graham, 1969).

    >>> makespan([5, 4, 3, 3, 3], 2)
    10.0
    """
    free = [0.0] * workers
    for duration in sorted(seconds, reverse=True):
        heapq.heapreplace(free, free[0] + duration)
    return max(free)
