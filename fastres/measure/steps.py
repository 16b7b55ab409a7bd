"""Timing records: training steps of several structures at one depth, measured in turn in one process.

A record holds every round, so that a ratio can be taken round by round. Steps use made-up images: the time
of a step does not depend on what an image shows.
"""

import datetime

import torch

from fastres.config import RunConfig
from fastres.datasets.sources import synthetic
from fastres.device import arithmetic, check_precision, choose_device
from fastres.records.provenance import code_commit, describe
from fastres.records.timings import TimingRecord
from fastres.timers import compare
from fastres.training.loop import Trainer
from fastres.training.progress import Progress


def measure_steps(
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

    compiled: as long runs are trained (fastres.training.engine), not operation by operation.
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
