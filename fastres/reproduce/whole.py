"""A whole reproduction: training, all other notebooks, and the report, in one locked folder."""

from pathlib import Path

import torch

from fastres import paths
from fastres.config import RunConfig
from fastres.device import choose_device, memory_bytes
from fastres.files import locked, make_folder
from fastres.reproduce import notebooks
from fastres.reproduce.executors import default_jobs, run_local
from fastres.reproduce.notebooks import Outcome
from fastres.reproduce.plan import check_inputs
from fastres.theory.memory import needed_bytes

INTERPRETER_BYTES = 2**31  # of a kernel with torch, and CIFAR-10 three times: stored, padded, in use


def reproduce(
    configs: list[RunConfig], device: str, runs_dir: Path, workers: int | None = None
) -> tuple[list[Outcome], Path]:
    """Outcomes of all notebooks, training first, and the path of the report.

    workers: notebooks executed at once; default: as executors.default_jobs.
    Raises ConfigError, DataError or RecordError before anything is executed.
    """
    notebooks.require_notebook_stack()
    from fastres.reproduce.report.build import write_report

    make_folder(paths.outputs())
    with locked(paths.outputs(), "this reproduction"):
        notebooks.remove_unfinished()
        check_inputs(configs, runs_dir)
        workers = workers or _jobs_that_fit(configs, choose_device(device))
        outcomes = list(run_local(notebooks.training_jobs(configs, device, runs_dir), workers, "training"))
        outcomes += run_local(notebooks.result_jobs(runs_dir), workers, "results")
        outcomes.sort(key=lambda outcome: (not outcome.name.startswith(notebooks.TRAIN), outcome.name))
        return outcomes, write_report(outcomes, runs_dir)


def _jobs_that_fit(configs: list[RunConfig], device: torch.device) -> int:
    """As many as there are cores, and as memory holds of the largest run: its step, an interpreter, the images."""
    step = max(needed_bytes(config.structure, config.depth, config.batch_size, config.precision) for config in configs)
    return max(1, min(default_jobs(device.type), memory_bytes(device) // (step + INTERPRETER_BYTES)))
