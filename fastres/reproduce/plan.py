"""The plan of a profile on this machine: its runs, which are recorded, and the estimated time and disk space."""

import os
from pathlib import Path

import pandas as pd

from fastres import paths
from fastres.config import RunConfig
from fastres.datasets.catalogue import CATALOGUE
from fastres.datasets.sources import load_dataset
from fastres.device import choose_device
from fastres.files import make_folder
from fastres.measure.bench import one_pass, synthetic_trainer
from fastres.models.structures import blocks_per_stage, convs_per_block
from fastres.records.runs import load_runs, record_path
from fastres.theory.counts import costs
from fastres.timers import compare
from fastres.training import checkpoint
from fastres.training.run import data_source, recorded

BYTES_KEPT = 4  # per parameter of a finished run: its float32 weights


def plan_runs(runs: list[RunConfig], device: str, runs_dir: Path) -> pd.DataFrame:
    """One row per run: its state ("recorded", "begun", "to do"), estimated minutes and MiB left on disk.

    The estimate times a few steps of the shallowest network of each structure and precision here, and
    scales them with the number of blocks and images; it leaves out evaluation, start-up, and what compiling saves.
    """
    where = choose_device(device)
    finished = {record.run_id for record in load_runs(runs_dir)}
    rows = []
    image_seconds: dict[tuple[str, str], float] = {}  # per block and image, by structure and precision
    for run in runs:
        begun = checkpoint.exists(record_path(run, runs_dir).parent)
        state = "recorded" if run.run_id in finished else "begun" if begun else "to do"
        key = (run.structure, run.precision)
        if state != "recorded" and key not in image_seconds:
            image_seconds[key] = _seconds_per_block_and_image(*key, str(where))
        # a folder is not opened for a plan: taken as large as CIFAR-10
        images = run.epochs * CATALOGUE.get(run.dataset, CATALOGUE["cifar10"]).train_size
        blocks = 3 * blocks_per_stage(run.structure, run.depth)
        seconds = 0.0 if state == "recorded" else image_seconds[key] * blocks * images
        size = BYTES_KEPT * costs(run.structure, run.depth).parameters / 2**20
        rows.append({"run": run.run_id, "state": state, "minutes": seconds / 60, "MiB": size})
    return pd.DataFrame(rows, columns=["run", "state", "minutes", "MiB"])


def _seconds_per_block_and_image(structure: str, precision: str, device: str) -> float:
    """From training steps of the network with one block per stage: the best of three, as disturbances only slow it."""
    trainer = synthetic_trainer(structure, 3 * convs_per_block(structure) + 2, precision=precision, device=device)
    step = compare({structure: one_pass(trainer)}, rounds=3, device=device)
    return min(step.seconds[structure]) / 3 / trainer.config.batch_size


def check_inputs(configs: list[RunConfig], runs_dir: Path) -> None:
    """Raise before training what would fail later: unreadable or other records, missing images, unwritable folders.

    Relative folders in the environment are made absolute, for notebooks run in a folder of their own.
    Raises RecordError, DataError or ConfigError.
    """
    for name, folder in (("FASTRES_OUTPUTS", paths.outputs()), ("FASTRES_DATA", paths.datasets())):
        os.environ[name] = str(folder)
    for folder in (runs_dir, paths.executed_notebooks()):
        make_folder(folder)
    load_runs(paths.RECORDED, runs_dir)
    for name in sorted({config.dataset for config in configs}):
        data = data_source(load_dataset(name))
        for config in (config for config in configs if config.dataset == name):
            path = record_path(config, runs_dir)
            if path.exists():
                recorded(path, config, data)
