"""Execution of jobs on this machine: one after the other in this process, or side by side in worker processes."""

import concurrent.futures
import contextlib
import dataclasses
import functools
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import torch

from fastres.config import RunConfig
from fastres.device import memory_bytes
from fastres.records.provenance import SHARED_BY
from fastres.reproduce import fork_server
from fastres.reproduce.notebooks import TRAIN, Job, Outcome, execute
from fastres.reproduce.stage import Stage
from fastres.theory.memory import needed_bytes

INTERPRETER_BYTES = 2**31  # of a kernel with torch, and CIFAR-10 three times: stored, padded, in use
CPU = torch.device("cpu")


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_of(workers: int) -> int:
    """Threads of each of `workers` runs that share this machine. They decide a run's last bits."""
    return max(1, cores() // workers)


def jobs_that_fit(configs: Sequence[RunConfig] = (), device: torch.device = CPU) -> int:
    """As many as there are cores, and as memory holds of the largest run: its step, an interpreter, the images.

    One on a GPU, which a single run fills. Without runs: of notebooks that only read.
    """
    steps = [needed_bytes(run.structure, run.depth, run.batch_size, run.precision) for run in configs]
    fits = memory_bytes(device) // (max(steps, default=0) + INTERPRETER_BYTES)
    return max(1, min(cores() if device.type == "cpu" else 1, fits))


def run_local(jobs: list[Job], workers: int, name: str) -> Iterator[Outcome]:
    """Execute what is not done yet, `workers` at once; yields outcomes as they finish, and prints a line for each.

    A single worker shows what a training prints. Several share the cores evenly, the longest jobs first; a run's
    record names its threads and how many shared the machine, so that its seconds enter no timing table.
    """
    stage = Stage(name, jobs, f"{workers} at once" if workers > 1 else "one at a time")
    yield from stage.kept
    together = [job for job in stage.waiting if workers > 1 and not job.alone]
    for job, outcome in _in_parallel(sorted(together, key=lambda job: -job.work), workers):
        stage.ends(job, outcome)
        yield outcome
    for job in (job for job in stage.waiting if job not in together):
        stage.begins(job)
        outcome = execute(dataclasses.replace(job, live=job.source.stem == TRAIN))
        stage.ends(job, outcome)
        yield outcome


def _in_parallel(jobs: list[Job], workers: int) -> Iterator[tuple[Job, Outcome]]:
    """Outcomes as they end. The threads of a run follow from `workers` alone: resumed, it computes the same bits."""
    if not jobs:
        return
    threads = str(threads_of(workers))
    shared = {SHARED_BY: str(workers), "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    running: set[int | None] = set()
    start = functools.partial(_in_a_process, fork_server.process_type(shared), fork_server.can_fork(), running)
    futures: dict[concurrent.futures.Future[Outcome], Job] = {}
    with concurrent.futures.ThreadPoolExecutor(min(workers, len(jobs))) as pool:
        try:
            for job in jobs:
                futures[pool.submit(start, dataclasses.replace(job, environment=shared))] = job
            for future in concurrent.futures.as_completed(futures):
                yield futures[future], future.result()
        finally:  # after an interrupt, some may be starting
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(future.done() for future in futures):
                for pid in filter(None, running.copy()):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGTERM)  # a kernel ends with its parent
                time.sleep(0.05)


def _in_a_process(process_type: type[BaseProcess], forks: bool, running: set[int | None], job: Job) -> Outcome:
    """Execute a job in a process of its own, whose pid is in `running` while it lives. Raises what `execute` raises.

    forks: the process is forked from one that has imported everything, and forks the kernel.
    """
    receiving, sending = multiprocessing.Pipe(duplex=False)
    process = process_type(target=_execute, args=(job, dict(os.environ), sending, forks))
    try:
        process.start()
        running.add(process.pid)
        sending.close()
        answer = receiving.recv()
    except (EOFError, OSError) as error:
        problem = f"its process was killed or did not start ({type(error).__name__}). Try fewer with --jobs."
        return Outcome(job.name, "failed", 0.0, job.output, problem)
    finally:
        if process.pid is not None:
            process.join()
        running.discard(process.pid)  # its number may be given to another process
    if isinstance(answer, Exception):
        raise answer
    return answer


def _execute(job: Job, variables: dict[str, str], sending: Connection, forks: bool) -> None:
    """variables: the environment, which a fork server has of the time when it was started."""
    os.environ.clear()
    os.environ.update(variables)
    kernel: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    if forks:
        from fastres.reproduce.forked_kernel import prepared

        kernel = prepared()
    with kernel:
        _end_with_the_parent()
        try:
            sending.send(execute(job))
        except Exception as error:  # a full disk, not a failing notebook
            error.add_note(traceback.format_exc())
            sending.send(error)


def _end_with_the_parent() -> None:
    """In a worker: leave signals to the parent, and exit when the parent has ended for any reason."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
