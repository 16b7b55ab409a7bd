"""A trainer on synthetic images, for measurements: the time of a step does not depend on image content."""

import datetime
from collections.abc import Callable
from typing import Any

import torch

from fastres.config import RunConfig
from fastres.datasets.catalogue import CIFAR_SIDE
from fastres.datasets.sources import synthetic
from fastres.device import arithmetic, check_precision, choose_device
from fastres.records.provenance import code_commit, describe
from fastres.timers import Comparison
from fastres.training.loop import Trainer


def synthetic_trainer(
    structure: str,
    depth: int,
    batch_size: int = 128,
    precision: str = "fp32",
    device: str | torch.device = "auto",
    steps: int = 1,
    compiled: bool = False,
    **recipe: Any,
) -> Trainer:
    """A trainer whose pass over its images is `steps` training steps.

    recipe: further fields of RunConfig.
    Raises ConfigError for a structure, depth, precision or device that cannot be used.
    """
    device = choose_device(device)
    check_precision(precision, device)
    config = RunConfig(
        dataset="synthetic", structure=structure, depth=depth, batch_size=batch_size, precision=precision, **recipe
    )
    return Trainer(
        config, synthetic(10, train_size=steps * batch_size, test_size=batch_size, side=CIFAR_SIDE).to(device), compiled
    )


def one_pass(trainer: Trainer) -> Callable[[], None]:
    """A call that trains for one pass over the trainer's images, in its precision."""

    def run() -> None:
        with arithmetic(trainer.config.precision, trainer.dataset.device):
            trainer.train_pass()

    return run


def fields(timed: Comparison, device: torch.device) -> dict[str, Any]:
    """Of a record of what was timed just now on the device: seconds, machine, code and time."""
    return {
        "seconds": timed.seconds,
        "warmup_seconds": timed.warmup_seconds,
        "environment": describe(device),
        "commit": code_commit(),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
