"""What the Ray executor costs: makespan of runs of known length against the ideal, 1,000 runs, and overhead of a run.

Ray is started here, on 127.0.0.1 alone; N workers are N runs at once. Runs of known length sleep, so that cores do not
matter. The overhead is that of training notebooks of one epoch, executed here and through Ray in turn.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import psutil

from fastres.config import RunConfig
from fastres.reproduce import remote
from fastres.reproduce.executors import cores
from fastres.reproduce.notebooks import Job, Outcome, environment, execute, training_jobs
from fastres.reproduce.ray_cluster import Need, connected
from fastres.reproduce.ray_executor import Cluster, Task, received, run_tasks
from fastres.reproduce.stage import Stage

MEMORY: list[int] = []


def sleep(request: str, at_once: int) -> float:
    """A run that takes `request` seconds; the time at which it ended."""
    time.sleep(float(request))
    return time.time()


def finished(job: Job, answer: float) -> Outcome:
    return Outcome(job.name, "done", answer, job.output)


class Silent(Stage):
    """Notes the head's memory in bytes at every end, in place of printing."""

    @staticmethod
    def tell(line: str) -> None:
        pass

    def ends(self, job: Job, outcome: Outcome, where: str = "") -> None:
        MEMORY.append(psutil.Process().memory_info().rss)


def run(ray, lengths: list[float], workers: int) -> tuple[float, list[Outcome]]:
    """Seconds until runs of these lengths are done, and their outcomes in the order in which they ended."""
    need = Need(os.cpu_count() / workers)
    tasks = [
        Task(Job(f"run {n}", Path("none"), Path(f"none/{n}"), {}, (), work=length + 1e-3), need, json.dumps(length))
        for n, length in enumerate(lengths)
    ]
    begin = time.monotonic()
    outcomes = list(run_tasks(ray, tasks, sleep, finished, Silent("", [])))
    return time.monotonic() - begin, outcomes


def sleeping(ray, lengths: list[float]) -> None:
    print(f"{len(lengths)} runs, {sum(lengths):.0f} s in all, the longest {max(lengths):.0f} s")
    for workers in (1, 2, 4):
        ideal = max(sum(lengths) / workers, max(lengths))
        took, _ = run(ray, lengths, workers)
        print(
            f"{workers} workers: {took:.1f} s, ideal {ideal:.1f} s, {100 * (took / ideal - 1):.1f} % more", flush=True
        )


def empty(ray, many: int) -> None:
    MEMORY.clear()
    begin = time.time()
    _, outcomes = run(ray, [0.0] * many, 4)
    ends = [begin, *sorted(outcome.seconds for outcome in outcomes)]
    tenths = range(0, many, max(1, many // 10))
    spans = [1000 * (ends[first + tenths.step] - ends[first]) / tenths.step for first in tenths]
    print(f"{many} empty runs: ms per run, by tenths: {', '.join(f'{span:.1f}' for span in spans)}")
    print(f"MiB of the head, at each tenth: {', '.join(str(MEMORY[first] >> 20) for first in tenths)}", flush=True)


def overhead(ray, pairs: int) -> None:
    """Both ways have all cores. The first run through Ray starts Ray's process and is not counted."""
    with tempfile.TemporaryDirectory() as folder, environment({"FASTRES_OUTPUTS": folder}):
        runs_dir = Path(folder, "runs")
        runs_dir.mkdir()
        common = {"dataset": "digits", "depth": 8, "epochs": 1, "batch_size": 512, "flip": False}
        configs = [RunConfig(**common, seed=seed) for seed in range(2 * pairs + 1)]
        cluster = Cluster(cpus=cores())
        seconds: dict[str, list[float]] = {"through Ray": [], "here": []}
        with remote.as_head(runs_dir) as head:
            for number, job in enumerate(training_jobs(configs, "cpu", runs_dir)):
                begin = time.monotonic()
                if number % 2:
                    outcome = execute(job)
                else:
                    task = cluster.task(job, configs[number], head, "cpu", 0)
                    (outcome,) = run_tasks(ray, [task], remote.execute_here, received, Silent("", []))
                assert outcome.status == "done", outcome.problem
                seconds["here" if number % 2 else "through Ray"].append(time.monotonic() - begin)
    print(f"the first run through Ray: {seconds['through Ray'].pop(0):.1f} s")
    for way, all_of in seconds.items():
        print(f"{pairs} runs {way}: median {statistics.median(all_of):.1f} s, {min(all_of):.1f} to {max(all_of):.1f} s")
    more = [there - here for there, here in zip(*seconds.values(), strict=True)]
    print(f"more through Ray, by pairs: median {statistics.median(more):.2f} s, {min(more):.2f} to {max(more):.2f} s")


def main(seconds: float, many: int, pairs: int) -> None:
    os.environ |= {"RAY_num_workers_soft_limit": "4"}  # or processes beyond the number of cores end when idle
    begin = time.monotonic()
    with connected(None) as ray:
        print(f"Ray {ray.__version__}, {cores()} cores; started in {time.monotonic() - begin:.0f} s")
        run(ray, [3.0] * 8, 4)  # starts Ray's worker processes, as a cluster does before its first task
        sleeping(ray, [seconds * factor for factor in (5, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1)])
        empty(ray, many)
        overhead(ray, pairs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="unit of the runs' lengths")
    parser.add_argument("--many", type=int, default=1000, help="number of empty runs")
    parser.add_argument("--pairs", type=int, default=5, help="notebooks executed each way")
    main(**vars(parser.parse_args()))
