"""A Jupyter kernel that starts with everything imported, since it is forked from a process that has imported it.

Every notebook still has a kernel of its own, in a process that ends with it.
"""

import atexit
import contextlib
import multiprocessing
import os
import sys
import weakref
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from multiprocessing.connection import Connection
from typing import Any

import matplotlib
import numpy
import torch
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

from fastres.records.provenance import sources_hash

NAME = "fastres-forked"
LAUNCHER = "ipykernel_launcher"  # the module in the command of a Python kernel; its arguments follow
LOADED = sources_hash()  # of the code in this process, whatever the files say later


class Waiting:
    """A forked process that becomes a kernel when it is given a command.

    It has what jupyter_client uses of a subprocess.Popen.
    """

    stdin = stdout = stderr = None

    def __init__(self) -> None:
        orders, self._orders = multiprocessing.Pipe(duplex=False)
        self._process = multiprocessing.get_context("fork").Process(target=_become_kernel, args=(orders, self._orders))
        self._process.start()
        orders.close()
        self.kill, self.terminate = self._process.kill, self._process.terminate
        self.pid = self._process.pid

    def begin(self, command: list[str], environment: dict[str, str], folder: str) -> None:
        self._orders.send((command[command.index(LAUNCHER) + 1 :], environment, folder))

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.pid is not None and self.poll() is None:
            os.kill(self.pid, number)


waiting: Waiting | None = None


@contextlib.contextmanager
def prepared() -> Iterator[None]:
    """Within it, what will be the kernel of one notebook waits. A process enters it before it starts a thread.

    Where the code on disk has changed since it was imported here, the notebook has an ordinary kernel.
    """
    global waiting
    factory = KernelProvisionerFactory.instance()
    if sources_hash() != LOADED or factory.default_provisioner_name != "local-provisioner":  # or a user's own
        yield
        return
    factory.provisioners[NAME] = EntryPoint(NAME, f"{__name__}:{Provisioner.__name__}", factory.GROUP_NAME)
    factory.default_provisioner_name = NAME
    kernel = waiting = Waiting()
    try:
        yield
    finally:
        kernel.kill()  # it has ended, unless the notebook could not be read


class Provisioner(LocalProvisioner):
    """Takes the process that waits, if there is one, in place of starting this interpreter."""

    process: Any

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        global waiting
        if waiting is None or cmd[0] != sys.executable or LAUNCHER not in cmd:
            return await super().launch_kernel(cmd, **kwargs)
        self.process, waiting = waiting, None
        self.cwd = kwargs.get("cwd") or os.getcwd()
        self.process.begin(cmd, kwargs["env"], str(self.cwd))
        self.pid = self.pgid = self.process.pid
        return self.connection_info


def _become_kernel(orders: Connection, other_end: Connection) -> None:
    os.setsid()  # signals of a terminal are for the parent
    other_end.close()  # or the end of the parent would not end the waiting
    try:
        arguments, environment, folder = orders.recv()
    except EOFError:
        return
    parent = multiprocessing.parent_process()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    _as_if_new(environment)
    IPKernelApp.launch_instance(argv=[*arguments, f"--IPKernelApp.parent_handle={parent.pid if parent else 1}"])
    # As an interpreter does at its end, which a forked process does not; from Python 3.13 on atexit forgets finalizers.
    weakref.finalize._exitfunc()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()


def _as_if_new(environment: dict[str, str]) -> None:
    """Set what libraries read from the environment, or draw at random, when they are imported."""
    if threads := environment.get("OMP_NUM_THREADS"):
        torch.set_num_threads(int(threads))
    matplotlib.rcParams["backend"] = environment.get("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    numpy.random.seed()
    multiprocessing.set_start_method(None, force=True)
