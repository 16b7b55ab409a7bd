"""A process that has imported what notebooks need, and from which those that execute notebooks are forked.

The imports take a process some five seconds of a core, often more than the notebook's own work.
"""

import multiprocessing
import pkgutil
import sys
from collections.abc import Mapping
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess

import torch

import fastres.views
from fastres.reproduce.notebooks import environment

PRELOADED = [
    "papermill",
    "fastres.reproduce.forked_kernel",
    "fastres.training.run",
    "torch._dynamo",  # the first step of an optimiser imports it
    "sklearn.datasets",
    "safetensors.torch",
    "filelock",
    *(f"fastres.views.{module.name}" for module in pkgutil.iter_modules(fastres.views.__path__)),
]


def can_fork() -> bool:
    """On Linux without CUDA. CUDA does not survive a fork, libraries of macOS may not, and Windows has none."""
    return sys.platform == "linux" and not torch.cuda.is_available()


def process_type(variables: Mapping[str, str]) -> type[BaseProcess]:
    """The class of a process that executes a notebook: forked from the server, or an interpreter of its own.

    variables: added to the environment of a server that is started here, where OpenMP and BLAS read their threads.
    """
    if not can_fork():
        return multiprocessing.get_context("spawn").Process
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(PRELOADED)
    with environment(dict(variables)):
        forkserver.ensure_running()
    return forking.Process
