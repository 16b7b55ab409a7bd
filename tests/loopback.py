"""A Ray cluster of processes on this machine's loopback addresses: a head, and workers that can be killed."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

HEAD = "127.0.0.1"
# The command `ray`, but that it would replace 127.0.0.1 by the machine's outer address.
RAY = (
    "from ray._private import services; services.resolve_ip_for_localhost = str; "
    "from ray.scripts.scripts import main; main()"
)
START_SECONDS, TRIES = 60, 3  # a raylet gives up when its agent starts too slowly, as on a loaded machine


class Loopback:
    """Start with a head that runs no task; `worker()` adds a node. All that was started ends with `stop()`."""

    def __init__(self, **settings: str):
        self.folder = Path(tempfile.mkdtemp(prefix="r", dir="/tmp"))  # sockets' paths may have 107 characters
        with socket.socket() as probe:
            probe.bind((HEAD, 0))
            self.address = f"{HEAD}:{probe.getsockname()[1]}"
        self.settings = {
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # a driver then takes 127.0.0.1 for itself
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(16),
            "RAY_agent_register_timeout_ms": "60000",
            "RAY_health_check_period_ms": "1000",
            "RAY_health_check_failure_threshold": "3",
            **settings,
        }
        self.nodes: list[psutil.Process] = []
        port = self.address.partition(":")[2]
        self._start(HEAD, "--head", f"--port={port}", "--num-cpus=0", f"--temp-dir={self.folder}")

    def worker(self, cpus: int = 1, gpus: int = 0, prefix: tuple[str, ...] = (), **settings: str) -> psutil.Process:
        """A node of its own; prefix: a command that runs `ray start`, such as unshare."""
        resources = (f"--num-cpus={cpus}", f"--num-gpus={gpus}")
        ip = HEAD
        return self._start(ip, f"--address={self.address}", *resources, prefix=prefix, **settings)

    def _start(self, ip: str, *options: str, prefix: tuple[str, ...] = (), **settings: str) -> psutil.Process:
        fixed = ["--block", f"--node-ip-address={ip}", "--include-dashboard=false", "--disable-usage-stats"]
        if "--head" not in options:
            fixed.remove("--include-dashboard=false")
        command = [*prefix, sys.executable, "-c", RAY, "start", *fixed, *options]
        environment = {**os.environ, **self.settings, **settings}
        del environment["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"]  # refuses a second node
        for attempt in range(TRIES):
            log = self.folder / f"{len(self.nodes)}.{attempt}.log"
            with open(log, "wb") as file:
                process = psutil.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)
            self.nodes.append(process)
            if _started(process, log):
                return process
            kill(process)
            self.nodes.remove(process)
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
        time.sleep(0.2)
    return False


def kill(node: psutil.Process) -> None:
    """End a node as a power cut does: the process given and all its descendants, at once."""
    try:
        family = [node, *node.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=10)
