"""Fair timing: a timer that waits for the device, and the interleaved comparison of candidates.

The speed of a machine drifts. Candidates measured in blocks meet different speeds; interleaved, A B C A B C,
they meet the same one, so the ratio within a round is reliable.
"""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping

import torch

from fastres.device import synchronize
from fastres.stats import Interval, ratio_of


class Timer:
    """Seconds per named part, the device synchronised before and after each.

    >>> timer = Timer(torch.device("cpu"))
    >>> with timer("train"):
    ...     _ = sum(range(1000))
    >>> timer.last["train"] > 0
    True
    """

    def __init__(self, device: torch.device, clock: Callable[[], float] = time.perf_counter):
        self.device = device
        self.clock = clock
        self.last: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        synchronize(self.device)
        start = self.clock()
        yield
        synchronize(self.device)
        self.last[part] = self.clock() - start


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Seconds of every candidate in every round, and the seconds of its warm-up (compilation included)."""

    seconds: dict[str, list[float]]
    warmup_seconds: dict[str, float]

    def ratio(self, name: str, to: str) -> Interval:
        """seconds[name] / seconds[to], round by round."""
        return ratio_of(self.seconds[name], self.seconds[to])


def compare(
    candidates: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    device: str | torch.device,
    warmup: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Comparison:
    """Time the candidates in turn, `rounds` times, after `warmup` untimed calls of each.

    device: what the candidates compute on; before each time is read, its work must be done.
    The order is reversed every other round, so that no candidate always follows the same one.
    Raises ValueError for no candidates, or fewer than one round.
    """
    if not candidates or rounds < 1:
        raise ValueError(f"compare needs candidates and at least one round: {len(candidates)} and {rounds} given")
    timer = Timer(torch.device(device), clock)
    warmup_seconds = {}
    for name, candidate in candidates.items():
        with timer(name):
            for _ in range(warmup):
                candidate()
        warmup_seconds[name] = timer.last[name]
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for round_ in range(rounds):
        names = list(candidates) if round_ % 2 == 0 else list(candidates)[::-1]
        for name in names:
            with timer(name):
                candidates[name]()
            seconds[name].append(timer.last[name])
    return Comparison(seconds, warmup_seconds)
