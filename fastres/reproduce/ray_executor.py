"""Training runs as Ray tasks: on the machines of a cluster, or several to a GPU of this one.

A task executes one notebook, in a process of its own. Ray chooses the machine and starts no task a second time:
whether a run that was lost with its machine begins again is decided here, and counted.
"""

import dataclasses
import functools
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fastres.config import RunConfig
from fastres.reproduce import ray_cluster, remote
from fastres.reproduce.executors import run_local
from fastres.reproduce.notebooks import Job, Outcome
from fastres.reproduce.ray_cluster import Need
from fastres.reproduce.shares import gpu_share
from fastres.reproduce.stage import Stage

TRIES = 3  # of a run whose process or machine is lost
POLL, PATIENCE = 2.0, 60.0  # seconds between looks at the machines; and to wait for one, where none is left


@dataclasses.dataclass(frozen=True)
class Task:
    job: Job
    need: Need
    request: str  # JSON
    attempt: int = 1


@dataclasses.dataclass(frozen=True)
class Cluster:
    """address: HOST:PORT of a Ray cluster, None for a Ray of this machine alone. cpus: cores of a run without a GPU."""

    address: str | None = None
    device: str = "auto"
    cpus: int = 1

    def train(
        self, jobs: dict[str, Job], configs: list[RunConfig], runs_dir: Path, checksums: dict[str, str]
    ) -> Iterator[Outcome]:
        """Outcomes of the training jobs as they end, by the ids of their runs. One that is recorded runs here.

        checksums: of the datasets, which every machine must have. Raises ConfigError before anything is executed.
        """
        recorded = [job for job in jobs.values() if job.is_done or job.read[-1].exists()]
        waiting = [config for config in configs if jobs[config.run_id] not in recorded]
        if recorded:
            yield from run_local(recorded, 1, "Training, recorded before")
        if not waiting:
            return
        with ray_cluster.connected(self.address) as ray, remote.as_head(runs_dir) as head:
            device, memory, shared = self._checked(ray, waiting, head, checksums)
            tasks = [self.task(jobs[config.run_id], config, head, device, memory) for config in waiting]
            places = f"on {self.address}" if self.address else "with Ray on this machine"
            how = f"{places}, files {'in a shared folder' if shared else 'sent back'}, device {device}"
            stage = Stage("Training", [task.job for task in tasks], how)
            yield from run_tasks(ray, tasks, remote.execute_here, received, stage)

    def _checked(
        self, ray: Any, configs: list[RunConfig], head: remote.Head, checksums: dict[str, str]
    ) -> tuple[str, int, bool]:
        """Device of the runs, the least memory of one, and whether all machines share the head's folders."""
        has_gpus = any(node["Resources"].get("GPU") for node in ray.nodes() if node["Alive"])
        device = ("cuda" if has_gpus else "cpu") if self.device == "auto" else self.device
        need = Need(cpus=self.cpus) if device == "cpu" else Need(1, 1.0)
        nodes = ray_cluster.machines(ray, [need])
        used = {config.dataset for config in configs}
        request = {
            "head": dataclasses.asdict(head),
            "device": device,
            "precisions": sorted({config.precision for config in configs}),
            "datasets": {name: checksum for name, checksum in checksums.items() if name in used},
        }
        answers = ray_cluster.check_machines(ray, nodes, request)
        return device, min(answer["memory"] for answer in answers), all(answer["shared"] for answer in answers)

    def task(self, job: Job, config: RunConfig, head: remote.Head, device: str, memory: int) -> Task:
        """memory: bytes of a GPU, of which the run is given a part."""
        need = Need(cpus=self.cpus) if device == "cpu" else Need(1, gpu_share(config, memory))
        request = {
            "head": dataclasses.asdict(head),
            "name": job.name,
            "output": str(job.output),
            "parameters": {**job.parameters, "device": device},
            "threads": int(need.cpus),
        }
        return Task(job, need, json.dumps(request))


def received(job: Job, answer: tuple[str, bytes]) -> Outcome:
    return remote.received(job, *answer)


def run_tasks(
    ray: Any,
    tasks: list[Task],
    execute: Callable[[str, int], Any],
    finish: Callable[[Job, Any], Outcome],
    stage: Stage,
) -> Iterator[Outcome]:
    """Outcomes as the tasks end, the longest started first.

    execute: called on some machine with the request, and with how many such tasks the machine takes at once.
    finish: turns its answer into an outcome, here.
    """
    start = functools.partial(_start, ray.remote(_on_machine), execute)  # once: remote() exports the function
    pending = {start(task): task for task in sorted(tasks, key=lambda task: -task.job.work)}
    hope = time.monotonic() + PATIENCE
    while pending:
        ready, _ = ray.wait(list(pending), num_returns=1, timeout=POLL)
        for reference in ready:
            task = pending.pop(reference)
            where, outcome = _result(ray, reference, task, finish)
            if outcome is None:
                task = dataclasses.replace(task, attempt=task.attempt + 1)
                stage.tell(f"{task.job.name}: its process or machine was lost; attempt {task.attempt} of {TRIES}")
                pending[start(task)] = task
            else:
                stage.ends(task.job, outcome, where)
                yield outcome
        if ready or _some_can_run(ray, pending.values()):
            hope = time.monotonic() + PATIENCE
        elif time.monotonic() > hope:
            yield from _given_up(ray, pending, stage)
            return


def _start(remote_task: Any, execute: Callable[[str, int], Any], task: Task) -> Any:
    # Ray's own retries have no limit where its memory monitor has killed a task.
    options = {"num_cpus": task.need.cpus, "num_gpus": task.need.gpus, "max_retries": 0}
    return remote_task.options(**options).remote(execute, task.request, task.need.cpus, task.need.gpus)


def _given_up(ray: Any, pending: dict[Any, Task], stage: Stage) -> Iterator[Outcome]:
    for reference, task in pending.items():
        ray.cancel(reference)
        outcome = Outcome(task.job.name, "failed", 0.0, task.job.output, "no machine is left that can take it")
        stage.ends(task.job, outcome)
        yield outcome


def _on_machine(execute: Callable[[str, int], Any], request: str, cpus: float, gpus: float) -> tuple[str, Any]:
    """In a task: the machine's name, and what `execute` returns."""
    import ray

    here = ray.get_runtime_context().get_node_id()
    resources = next(node["Resources"] for node in ray.nodes() if node["NodeID"] == here)
    return socket.gethostname(), execute(request, Need(cpus, gpus).at_once(resources))


def _result(ray: Any, reference: Any, task: Task, finish: Callable[[Job, Any], Outcome]) -> tuple[str, Outcome | None]:
    """Where a task ran, and its outcome; None for one that was lost and may begin again."""
    try:
        where, answer = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        return "", Outcome(task.job.name, "failed", 0.0, task.job.output, ray_cluster.last_line(error))
    except ray.exceptions.RayError as error:
        if task.attempt < TRIES:
            return "", None
        problem = f"lost {TRIES} times, lastly: {type(error).__name__}"
        return "", Outcome(task.job.name, "failed", 0.0, task.job.output, problem)
    return where, finish(task.job, answer)


def _some_can_run(ray: Any, tasks: Any) -> bool:
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return any(task.need.at_once(resources) for task in tasks for resources in nodes)
