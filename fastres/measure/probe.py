"""A short probe of a machine: which precision and engine make a training step fastest."""

from collections.abc import Callable

import torch

from fastres.device import choose_device, native_precisions, threads
from fastres.measure.bench import fields, one_pass, synthetic_trainer
from fastres.records.probes import PLAIN, ProbeRecord
from fastres.timers import compare


def probe(
    device: str | torch.device = "auto", depth: int = 20, batch_size: int = 128, steps: int = 2, rounds: int = 7
) -> ProbeRecord:
    """Time fp32 and bf16 (where the device computes in it), eager and compiled, and fp32 with one thread.

    Most of its time is compilation. Raises ConfigError for a depth or device that cannot be used.
    """
    where = choose_device(device)
    candidates: dict[str, Callable[[], None]] = {}
    for precision in native_precisions(where):
        for compiled in (False, True):
            trainer = synthetic_trainer("basic", depth, batch_size, precision, where, steps, compiled)
            if trainer.compiled == compiled:  # it may not be possible; a line has said why
                candidates[f"{precision}, {'compiled' if compiled else 'eager'}"] = one_pass(trainer)
    if where.type == "cpu" and torch.get_num_threads() > 1:
        candidates[f"{PLAIN}, 1 thread"] = threads(1)(candidates[PLAIN])
    timed = compare(candidates, rounds, warmup=1, device=where)
    return ProbeRecord(depth=depth, batch_size=batch_size, steps=steps, **fields(timed, where))
