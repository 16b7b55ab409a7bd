"""A Jupyter kernel that starts with everything imported, since it is forked from a process that has imported it.

Every notebook still has a fresh kernel, in a process that ends with it.
"""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import numpy
import torch
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.provisioning import LocalProvisioner

NAME = "fastres-forked"  # of Provisioner among the entry points in pyproject.toml
LAUNCHER = "ipykernel_launcher"  # the module in the command of a Python kernel; its arguments follow


class Waiting:
    """A forked process that becomes a kernel when it is given a command; as subprocess.Popen to what manages it."""

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
    """Within it, what will be the kernel of one notebook waits. A process enters it before it starts a thread."""
    global waiting
    waiting = Waiting()
    os.environ["JUPYTER_DEFAULT_PROVISIONER_NAME"] = NAME
    try:
        yield
    finally:
        if waiting is not None:  # the notebook could not be read
            waiting.kill()


class Provisioner(LocalProvisioner):
    """Takes the process that waits, if there is one, in place of starting an interpreter."""

    process: Any

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        global waiting
        if waiting is None or LAUNCHER not in cmd:
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
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    if threads := environment.get("OMP_NUM_THREADS"):
        torch.set_num_threads(int(threads))  # OpenMP read the variable when torch was imported
    numpy.random.seed()  # or all kernels would draw the same numbers
    IPKernelApp.launch_instance(argv=[*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])
