"""One of N equal parts of a training, for job arrays: no part needs another, or anything that coordinates them."""

import heapq
import re
from pathlib import Path

from fastres import paths
from fastres.config import RunConfig
from fastres.device import choose_device
from fastres.errors import ConfigError
from fastres.files import make_folder
from fastres.reproduce import notebooks
from fastres.reproduce.executors import jobs_that_fit, run_local
from fastres.reproduce.inputs import check_inputs
from fastres.reproduce.notebooks import Outcome
from fastres.reproduce.shares import work


def parse(shard: str) -> tuple[int, int]:
    """
    >>> parse("2/8")
    (2, 8)

    Raises ConfigError for anything but two whole numbers, the first from 1 to the second.
    """
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", shard)
    index, parts = map(int, found.groups()) if found else (0, 0)
    if not 1 <= index <= parts:
        raise ConfigError(f"shard {shard!r}: I/N expected with I from 1 to N, such as 1/8")
    return index, parts


def part_of(configs: list[RunConfig], index: int, parts: int) -> list[RunConfig]:
    """Part `index` (from 1) of `parts` with about the same work each, in the order of the plan.

    It depends on the configs alone, not on what is recorded, so that a repeated job array finds the same parts.
    """
    loads = [(0.0, number) for number in range(1, parts + 1)]
    part: dict[RunConfig, int] = {}
    for config in sorted(configs, key=work, reverse=True):  # the longest first, each to the part with the least work
        load, number = heapq.heappop(loads)
        part[config] = number
        heapq.heappush(loads, (load + work(config), number))
    return [config for config in configs if part[config] == index]


def train_shard(
    configs: list[RunConfig], device: str, runs_dir: Path, workers: int | None, index: int, parts: int
) -> list[Outcome]:
    """Outcomes of one part of the training, in a folder that the other parts may share; no report.

    A run that another process trains is waited for, and one that has a record is kept.
    Raises ConfigError, DataError or RecordError before anything is executed.
    """
    notebooks.require_notebook_stack()
    make_folder(paths.outputs())
    check_inputs(configs, runs_dir)
    mine = part_of(configs, index, parts)
    workers = workers or jobs_that_fit(mine, choose_device(device))
    jobs = notebooks.training_jobs(mine, device, runs_dir)
    return list(run_local(jobs, workers, f"Training, part {index} of {parts}"))
