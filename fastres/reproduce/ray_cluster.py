"""The connection to Ray: to a cluster, or to a Ray of this machine alone; and what its machines must have."""

import contextlib
import dataclasses
import json
import logging
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from fastres.errors import ConfigError, reason
from fastres.reproduce import remote
from fastres.reproduce.notebooks import environment
from fastres.reproduce.stage import Stage

CONNECT_SECONDS, PROBE_SECONDS, CHECK_SECONDS = 3, 14, 300
TRIES = 3  # of starting Ray here
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # a lost machine is told in one line, by the executor
}
# Of a Ray that is started here for this reproduction alone.
PRIVATE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # listens on 127.0.0.1 alone, on every system
    "RAY_AUTH_MODE": "token",  # with the token below; by default Ray leaves one in the user's home
    "RAY_agent_register_timeout_ms": "120000",  # a loaded machine is slow to start Ray's agent
}
_PROBE = "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False, logging_level=50)"


@dataclasses.dataclass(frozen=True)
class Need:
    """What a task is given: cores, and a part of a GPU. Ray counts both and enforces neither."""

    cpus: float = 1
    gpus: float = 0

    def __str__(self) -> str:
        return f"{self.cpus:g} CPU" + (f" and {self.gpus:g} GPU" if self.gpus else "")

    def at_once(self, resources: dict[str, float]) -> int:
        """How many such tasks a machine takes at once; 0 for none."""
        limits = [resources.get(name, 0) / need for name, need in (("CPU", self.cpus), ("GPU", self.gpus)) if need]
        return int(min(limits) + 1e-9)


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Ray's module, connected to a cluster, or to a Ray of this machine alone that ends with the context.

    address: HOST:PORT, or None. Raises ConfigError where Ray is missing, does not answer or has another version.
    """
    own = {} if address else PRIVATE | {"RAY_AUTH_TOKEN": secrets.token_hex(16)}
    with environment(SETTINGS | own):
        try:
            import ray
        except ModuleNotFoundError as error:
            raise ConfigError(f"{error.name} is not installed: pip install 'fastres[scale]'") from error
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            if address is None:
                _start_here(ray)
            else:
                _probe(address)
                ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
            for number, handler in handlers.items():  # Ray replaces them
                signal.signal(number, handler)
            yield ray
        finally:
            ray.shutdown()


def _start_here(ray: Any) -> None:
    for attempt in range(1, TRIES + 1):
        try:
            ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL)
            return
        except Exception as error:  # its agent was too slow, on a loaded machine
            ray.shutdown()
            if attempt == TRIES:
                raise ConfigError(f"Ray does not start on this machine: {reason(error)}") from error
            Stage.tell(f"Ray did not start ({reason(error)}): trying again, {attempt + 1} of {TRIES}.")


def _probe(address: str) -> None:
    """Connect from a process that can be given up: Ray itself waits minutes for a server that is not Ray."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError(f"address {address!r}: HOST:PORT expected, as `ray start --head` prints it")
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"no Ray cluster answers at {address}: {reason(error)}") from error
    command = [sys.executable, "-c", _PROBE, address]
    try:
        subprocess.run(command, capture_output=True, check=True, timeout=PROBE_SECONDS, encoding="utf-8")
    except subprocess.TimeoutExpired as error:
        raise ConfigError(
            f"what answers at {address} is no Ray cluster, has another RAY_AUTH_TOKEN, or is too busy"
        ) from error
    except subprocess.CalledProcessError as error:
        lines = [line.strip() for line in error.stderr.splitlines() if line.strip()]
        start = next((number for number, line in enumerate(lines) if "Version mismatch" in line), len(lines) - 1)
        raise ConfigError(f"cannot use the Ray cluster at {address}: {' '.join(lines[start : start + 6])}") from error


def machines(ray: Any, needs: Sequence[Need]) -> list[dict[str, Any]]:
    """The nodes that can take one of the needs. Raises ConfigError for a need that no node can take."""
    nodes = [node for node in ray.nodes() if node["Alive"]]
    for need in needs:
        if not any(need.at_once(node["Resources"]) for node in nodes):
            there = "; ".join(_shown(node) for node in nodes)
            raise ConfigError(f"no node of the cluster has {need} for a run; it has {there}")
    return [node for node in nodes if any(need.at_once(node["Resources"]) for need in needs)]


def _shown(node: dict[str, Any]) -> str:
    sizes = {name: node["Resources"].get(name, 0) for name in ("CPU", "GPU")}
    return f"{node['NodeManagerAddress']}: " + ", ".join(f"{size:g} {name}" for name, size in sizes.items())


def check_machines(ray: Any, nodes: list[dict[str, Any]], request: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers of remote.check_machine from every node. Raises ConfigError naming those that cannot be used."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

    task = ray.remote(num_cpus=0, max_retries=0)(remote.check_machine)
    asked = {
        task.options(scheduling_strategy=On(node["NodeID"], soft=False)).remote(json.dumps(request)): node
        for node in nodes
    }
    answers, problems = [], []
    ready, _ = ray.wait(list(asked), num_returns=len(asked), timeout=CHECK_SECONDS)
    for reference, node in asked.items():
        try:
            answer = json.loads(ray.get(reference)) if reference in ready else {"problem": "does not answer"}
        except Exception as error:  # no fastres there, or the node is lost
            answer = {"problem": f"cannot execute fastres there: {last_line(error)}"}
        answers.append(answer)
        if answer["problem"]:
            problems.append(f"{answer.get('host', '')} ({node['NodeManagerAddress']}): {answer['problem']}")
    if problems:
        raise ConfigError(f"the cluster is not ready. {'; '.join(problems)}")
    return answers


def last_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
