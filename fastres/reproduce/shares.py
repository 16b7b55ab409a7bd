"""What a run needs of a machine: its work relative to others, its compilation, and its share of a GPU."""

import math

from fastres.config import RunConfig
from fastres.datasets.catalogue import CATALOGUE, CIFAR_SIDE, Row
from fastres.theory.counts import costs
from fastres.theory.memory import needed_bytes
from fastres.training.run import WORTH_COMPILING

START_UP = 5e11  # multiply-accumulates in the time that a notebook takes to start and to draw
PROCESS_BYTES = 2**30  # of a GPU: context, kernels and images of one process
SHARES = (0.25, 0.5, 1.0)
ALONE_FROM = 300  # layers: so deep a network bounds the whole reproduction, and neighbours would slow it


def _row(config: RunConfig) -> Row:
    """A folder is not opened for it: taken as CIFAR-10."""
    return CATALOGUE.get(config.dataset, CATALOGUE["cifar10"])


def images_per_epoch(config: RunConfig) -> float:
    """Training images of a run, smaller ones counted as the part of CIFAR's 32x32 pixels that they have."""
    return _row(config).train_size * (_row(config).side / CIFAR_SIDE) ** 2


def work(config: RunConfig) -> float:
    """Multiply-accumulates of the training (three passes per image), and a constant for the notebook."""
    images = config.epochs * images_per_epoch(config)
    return 3 * costs(config.structure, config.depth).macs * images + START_UP


def is_compiled(config: RunConfig, device_type: str) -> bool:
    """Whether fastres.training.run.train would compile the run."""
    steps = config.epochs * math.ceil(_row(config).train_size / config.batch_size)
    return steps >= WORTH_COMPILING and device_type in ("cpu", "cuda")


def gpu_share(config: RunConfig, memory: int) -> float:
    """The part of a GPU of `memory` bytes that a run is given: 0.25, 0.5 or 1.

    Ray counts parts of a GPU and limits no memory, so the part is that of the memory which the run needs.
    """
    needed = needed_bytes(config.structure, config.depth, config.batch_size, config.precision) + PROCESS_BYTES
    if config.depth >= ALONE_FROM:
        return 1.0
    return next((share for share in SHARES if needed <= share * memory), 1.0)
