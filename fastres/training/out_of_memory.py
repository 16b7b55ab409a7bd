"""A step that needs more memory than there is: one error that says what would fit."""

import contextlib
import math
from collections.abc import Iterator

import torch

from fastres.config import RunConfig
from fastres.datasets.dataset import Dataset
from fastres.device import memory_bytes
from fastres.errors import OutOfMemory


@contextlib.contextmanager
def explained(config: RunConfig, dataset: Dataset) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        # CUDA and Python have exception classes of their own; torch's CPU allocator, MPS and oneDNN only a message.
        # cuDNN without room for a workspace finds no engine; cuBLAS cannot create its handle.
        words = (
            "can't allocate memory",
            "out of memory",
            "could not create a primitive",
            "unable to find an engine",
            "CUBLAS_STATUS_ALLOC_FAILED",
        )
        known = isinstance(error, (torch.OutOfMemoryError, MemoryError))
        if not known and not any(word in str(error) for word in words):
            raise
        raise OutOfMemory(_what_fits(config, dataset)) from error


def _gib(number: int) -> str:
    """ "0.028", "1.5", "122.0": two digits below 1."""
    return f"{number / 2**30:{'.2g' if number < 2**30 else '.1f'}}"


def _what_fits(config: RunConfig, dataset: Dataset) -> str:
    from fastres.theory.memory import batch_that_fits, needed_bytes

    there = memory_bytes(dataset.device)
    network, pixels = (config.structure, config.depth), math.prod(dataset.train_images.shape[1:3])
    needed = needed_bytes(*network, config.batch_size, config.precision, dataset.num_classes, pixels)
    fits = batch_that_fits(*network, there, config.precision, dataset.num_classes, pixels)
    what = f"a step of {config.structure}, D = {config.depth}, batch {config.batch_size}, {config.precision}"
    sizes = f"needs about {_gib(needed)} GiB; {dataset.device.type} has {there / 2**30:.1f} GiB in all"
    if fits < config.batch_size:
        advice = f"enough for a batch of about {fits} if nothing else uses it"
    else:
        advice = "which is enough: other processes use it, or a limit holds for this one"
    return f"out of memory: {what} {sizes}, {advice}. Finished epochs are kept as a checkpoint."
