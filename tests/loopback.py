"""A Ray cluster of processes on 127.0.0.1: a head that runs no task, and workers that can be killed. And its tasks."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from fastres.files import holder
from fastres.training import checkpoint

HOST = "127.0.0.1"
START_SECONDS, TRIES = 90, 3  # a raylet gives up when its agent starts too slowly, as on a loaded machine
MEET_SECONDS = 300  # a machine may be slow to start the processes that meet
# The command `ray`, but that it would replace 127.0.0.1 by the machine's outer address.
RAY = (
    "from ray._private import services; services.resolve_ip_for_localhost = str; "
    "from ray.scripts.scripts import main; main()"
)
DRIVER = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # a driver then takes 127.0.0.1 for itself; refuses a second node


class Loopback:
    """`settings`: the environment of every process, a driver's included. All that was started ends with `stop()`."""

    def __init__(self, **settings: str):
        self.folder = Path(tempfile.mkdtemp(prefix="r", dir="/tmp"))  # sockets' paths may have 107 characters
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = probe.getsockname()[1]
        self.address = f"{HOST}:{port}"
        self.settings = {
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_AUTH_MODE": "disabled",  # read when Ray is imported, perhaps before; the cluster is on 127.0.0.1
            "RAY_agent_register_timeout_ms": "90000",
            "RAY_health_check_period_ms": "1000",
            "RAY_health_check_failure_threshold": "5",
            "PYTHONPATH": str(Path(__file__).parent),
            **settings,
        }
        self.nodes: list[psutil.Process] = []
        self._start(
            "--head",
            f"--port={port}",
            "--num-cpus=0",
            f"--temp-dir={self.folder}",
            "--include-dashboard=false",
            "--no-monitor",
        )

    def worker(self, cpus: int = 1, gpus: int = 0) -> psutil.Process:
        return self._start(f"--address={self.address}", f"--num-cpus={cpus}", f"--num-gpus={gpus}")

    def _start(self, *options: str) -> psutil.Process:
        fixed = ("--block", f"--node-ip-address={HOST}", "--disable-usage-stats", "--include-log-monitor=false")
        for _ in range(TRIES):
            log = self.folder / f"{secrets.token_hex(4)}.log"
            with open(log, "wb") as file:
                process = psutil.Popen(
                    [sys.executable, "-c", RAY, "start", *fixed, *options],
                    env={**os.environ, **self.settings},
                    stdout=file,
                    stderr=subprocess.STDOUT,
                )
            self.nodes.append(process)
            if _started(process, log):
                return process
            kill(process)
        raise RuntimeError(f"ray start {' '.join(options)}: {log.read_text(encoding='utf-8', errors='replace')}")

    def stop(self) -> None:
        for process in reversed(self.nodes):
            kill(process)
        shutil.rmtree(self.folder, ignore_errors=True)


def _started(process: psutil.Process, log: Path) -> bool:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if b"Ray runtime started" in log.read_bytes():
            return True
        time.sleep(0.1)
    return False


def kill(node: psutil.Process) -> None:
    """End a node as a power cut does: the process given and all its descendants, at once."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [node, *node.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=10)


def kill_midway(node: psutil.Process, runs_dir: Path, lost: list[str], stop: threading.Event) -> None:
    """Kill a node when a run there has a checkpoint and goes on; `lost` is given its id."""
    while not stop.wait(0.05):
        for folder in runs_dir.glob(f"*/{checkpoint.FILE_NAME}"):
            held = holder(folder.parent)
            if held and held["pid"] in [process.pid for process in node.children(recursive=True)]:
                kill(node)
                lost.append(folder.parent.name)
                return


def meet(request: str, at_once: int) -> dict:
    """A task that ends when as many are there as are expected: {"folder", "name", "expected"}. Its GPU."""
    asked = json.loads(request)
    Path(asked["folder"], asked["name"]).touch()
    end = time.monotonic() + MEET_SECONDS
    while len(os.listdir(asked["folder"])) < asked["expected"]:
        if time.monotonic() > end:
            raise TimeoutError(f"alone with {os.listdir(asked['folder'])}")
        time.sleep(0.05)
    return {"gpu": os.environ.get("CUDA_VISIBLE_DEVICES"), "at_once": at_once}


def die_or_tell(request: str, at_once: int) -> int:
    """A path is given a line, and the task's process is killed, as by a memory monitor; "" is answered."""
    if request:
        with open(request, "a", encoding="utf-8") as file:
            file.write("x\n")
        os.kill(os.getpid(), signal.SIGKILL)
    return at_once
