"""What the Ray executor costs: makespan of runs of known length against the ideal, 1,000 runs, and time per run.

Ray is started here, on 127.0.0.1 alone; N workers are N runs at once. Runs sleep, so that cores do not matter.
"""

import argparse
import json
import os
import time
from pathlib import Path

import psutil

from fastres.reproduce.notebooks import Job, Outcome
from fastres.reproduce.plan import makespan
from fastres.reproduce.ray_cluster import Need, connected
from fastres.reproduce.ray_executor import Task, run_tasks
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


def main(seconds: float, many: int) -> None:
    os.environ |= {"RAY_num_workers_soft_limit": "4"}  # or processes beyond the number of cores end when idle
    lengths = [seconds * factor for factor in (5, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1)]
    with connected(None) as ray:
        run(ray, [3.0] * 8, 4)  # starts Ray's worker processes, as a cluster does before its first task
        print(f"{len(lengths)} runs, {sum(lengths):.0f} s in all, the longest {max(lengths):.0f} s")
        for workers in (1, 2, 4):
            ideal = makespan(lengths, workers)
            took, _ = run(ray, lengths, workers)
            print(f"{workers} workers: {took:.1f} s, ideal {ideal:.1f} s, {100 * (took / ideal - 1):.1f} % more")
        MEMORY.clear()
        begin = time.time()
        _, outcomes = run(ray, [0.0] * many, 4)
        ends = [begin, *sorted(outcome.seconds for outcome in outcomes)]
        tenths = range(0, many, max(1, many // 10))
        spans = [1000 * (ends[first + tenths.step] - ends[first]) / tenths.step for first in tenths]
        print(f"{many} empty runs: ms per run, by tenths: {', '.join(f'{span:.1f}' for span in spans)}")
        print(f"MiB of the head, at each tenth: {', '.join(str(MEMORY[first] >> 20) for first in tenths)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="unit of the runs' lengths")
    parser.add_argument("--many", type=int, default=1000, help="number of empty runs")
    main(**vars(parser.parse_args()))
