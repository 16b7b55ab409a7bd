"""A trainer on synthetic images, for measurements: the time of a step does not depend on image content."""

from collections.abc import Callable

import torch

from fastres.config import RunConfig
from fastres.datasets.sources import synthetic
from fastres.device import arithmetic, check_precision, choose_device
from fastres.training.loop import Trainer


def synthetic_trainer(
    structure: str,
    depth: int,
    batch_size: int = 128,
    precision: str = "fp32",
    device: str | torch.device = "auto",
    steps: int = 1,
    compiled: bool = False,
) -> Trainer:
    """A trainer whose pass over its images is `steps` training steps.

    Raises ConfigError for a structure, depth, precision or device that cannot be used.
    """
    device = choose_device(device)
    check_precision(precision, device)
    config = RunConfig(
        dataset="synthetic", structure=structure, depth=depth, batch_size=batch_size, precision=precision
    )
    return Trainer(config, synthetic(10, train_size=steps * batch_size, test_size=batch_size).to(device), compiled)


def one_pass(trainer: Trainer) -> Callable[[], None]:
    """A call that trains for one pass over the trainer's images, in its precision."""

    def run() -> None:
        with arithmetic(trainer.config.precision, trainer.dataset.device):
            trainer.train_pass()

    return run
