"""What a reproduction prints: a heading per stage, then one line per event, with what is left of the time."""

import time
from collections.abc import Callable

from fastres.records.timings import duration
from fastres.reproduce.notebooks import Job, Outcome


class Stage:
    """One stage of a reproduction: its jobs, which of them are kept from before, and how far it is."""

    def __init__(self, name: str, jobs: list[Job], how: str = "", clock: Callable[[], float] = time.monotonic):
        self.waiting = [job for job in jobs if not job.is_done]
        self.kept = [Outcome(job.name, "kept", 0.0, job.output) for job in jobs if job not in self.waiting]
        self._clock, self._start, self._ended = clock, clock(), 0
        self._work = sum(job.work for job in self.waiting)
        self._left = self._work
        kept = f", {len(self.kept)} kept from before" if self.kept else ""
        self.tell(
            f"\n{name}: {len(self.waiting)} notebooks to execute{kept}{f'; {how}' if how and self.waiting else ''}"
        )

    @staticmethod
    def tell(line: str) -> None:
        print(line, flush=True)

    def begins(self, job: Job) -> None:
        self.tell(f"[{self._ended + 1}/{len(self.waiting)}] {job.name}")

    def ends(self, job: Job, outcome: Outcome, where: str = "") -> None:
        """The line of a job that has ended; what is left follows from the work that was done until now."""
        self._ended += 1
        self._left -= job.work
        elapsed = self._clock() - self._start
        left = elapsed * self._left / (self._work - self._left)
        rest = f", about {duration(left)} left" if self._ended < len(self.waiting) else ""
        place = f" on {where}" if where else ""
        count = f"[{self._ended}/{len(self.waiting)}]"
        self.tell(f"{count} {job.name}: {outcome.status} in {duration(outcome.seconds)}{place}{rest}")
