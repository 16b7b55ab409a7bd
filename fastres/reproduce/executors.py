"""Execution of jobs: sequentially in this process, or in parallel in worker processes."""

import concurrent.futures
import dataclasses
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator

from fastres.records.provenance import SHARED_BY
from fastres.reproduce.notebooks import Job, Outcome, execute


def default_jobs(device: str = "cpu") -> int:
    """One for each core that this process may use; one in all on a GPU, which a single run fills."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if device == "cpu" else 1


def run_local(jobs: Iterable[Job], workers: int, what: str) -> Iterator[Outcome]:
    """Execute what is not done yet, `workers` at once; yields outcomes as they finish, and prints a line for each.

    A single worker shows what a notebook prints. Several share the cores evenly; a run's record names its threads
    and how many shared the machine, so that its seconds enter no timing table.
    """
    jobs = list(jobs)
    waiting = [job for job in jobs if not job.is_done]
    for job in jobs:
        if job not in waiting:
            yield Outcome(job.name, "kept", 0.0, job.output)
    total, done = len(waiting), 0
    print(f"{what}: {total} notebooks to execute, {len(jobs) - total} kept", flush=True)
    together = [job for job in waiting if workers > 1 and not job.alone]
    for outcome in _in_parallel(together, workers):
        done += 1
        print(f"[{done}/{total}] {outcome.name}: {outcome.status}, {outcome.seconds:.0f} s", flush=True)
        yield outcome
    for job in (job for job in waiting if job not in together):
        done += 1
        print(f"[{done}/{total}] {job.name}", flush=True)
        yield execute(dataclasses.replace(job, live=what == "training"))


def _in_parallel(jobs: list[Job], workers: int) -> Iterator[Outcome]:
    """Outcomes as they end. The threads of a run follow from `workers` alone: resumed, it computes the same bits."""
    if not jobs:
        return
    threads = str(max(1, default_jobs() // workers))
    shared = {SHARED_BY: str(workers), "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    context = multiprocessing.get_context("spawn")  # torch and its threads do not survive a fork
    others = set(multiprocessing.active_children())
    with concurrent.futures.ProcessPoolExecutor(min(workers, len(jobs)), context, _end_with_the_parent) as pool:
        try:
            futures = {pool.submit(execute, dataclasses.replace(job, environment=shared)): job for job in jobs}
            for future in concurrent.futures.as_completed(futures):
                try:
                    yield future.result()
                except concurrent.futures.BrokenExecutor as error:  # a worker was killed, as by lack of memory
                    job = futures[future]
                    yield Outcome(job.name, "failed", 0.0, job.output, f"{error} Try fewer with --jobs.")
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
