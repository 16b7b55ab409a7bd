"""Execution of jobs on this machine: one after the other in this process, or side by side in worker processes."""

import concurrent.futures
import dataclasses
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence

import torch

from fastres.config import RunConfig
from fastres.device import memory_bytes
from fastres.records.provenance import SHARED_BY
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


def default_jobs(device: str = "cpu") -> int:
    """One for each core that this process may use; one in all on a GPU, which a single run fills."""
    return cores() if device == "cpu" else 1


def jobs_that_fit(configs: Sequence[RunConfig] = (), device: torch.device = CPU) -> int:
    """As many as there are cores, and as memory holds of the largest run: its step, an interpreter, the images.

    Without runs: of notebooks that only read.
    """
    steps = [needed_bytes(run.structure, run.depth, run.batch_size, run.precision) for run in configs]
    fits = memory_bytes(device) // (max(steps, default=0) + INTERPRETER_BYTES)
    return max(1, min(default_jobs(device.type), fits))


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
    context = multiprocessing.get_context("spawn")  # torch and its threads do not survive a fork
    others = set(multiprocessing.active_children())
    with concurrent.futures.ProcessPoolExecutor(min(workers, len(jobs)), context, _end_with_the_parent) as pool:
        try:
            futures = {pool.submit(execute, dataclasses.replace(job, environment=shared)): job for job in jobs}
            for future in concurrent.futures.as_completed(futures):
                job = futures[future]
                try:
                    yield job, future.result()
                except concurrent.futures.BrokenExecutor as error:  # a worker was killed, as by lack of memory
                    yield job, Outcome(job.name, "failed", 0.0, job.output, f"{error} Try fewer with --jobs.")
        except BaseException:  # interrupts included
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()  # a kernel ends with its parent
            raise


def _end_with_the_parent() -> None:
    """In a worker: leave signals to the parent, and exit when the parent has ended for any reason."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
