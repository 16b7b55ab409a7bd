"""What a training run prints: one plain line per epoch, and on a terminal a progress bar over its steps."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from fastres.config import RunConfig
from fastres.records.runs import Epoch


def epoch_line(epoch: Epoch, epochs: int) -> str:
    return (
        f"epoch {epoch.epoch:{len(str(epochs))}d}/{epochs}  lr {epoch.lr:<6g} loss {epoch.train_loss:7.4f}  "
        f"train error {epoch.train_error:6.2f} %  test error {epoch.test_error:6.2f} %  "
        f"{epoch.train_seconds:.1f} s + {epoch.test_seconds:.1f} s"
    )


class Progress:
    """Prints a line when an epoch ends; `step` moves the bar, which exists only on a terminal."""

    def __init__(self, config: RunConfig, steps: int):
        self.config = config
        self.steps = steps
        self._bar: Any = None

    @contextlib.contextmanager
    def running(self) -> Iterator["Progress"]:
        if not sys.stdout.isatty():
            yield self
            return
        from rich.progress import Progress as Bar

        with Bar(transient=True) as self._bar:
            self._task = self._bar.add_task(self.config.run_id, total=self.steps)
            yield self
        self._bar = None

    def epoch_starts(self, epoch: int) -> None:
        if self._bar is not None:
            self._bar.reset(self._task, description=f"{self.config.run_id} {epoch}/{self.config.epochs}")

    def step(self) -> None:
        if self._bar is not None:
            self._bar.advance(self._task)

    def epoch_ends(self, epoch: Epoch) -> None:
        line = epoch_line(epoch, self.config.epochs)
        if self._bar is not None:
            self._bar.console.print(line, highlight=False)
        else:
            print(line, flush=True)
