"""Interleaved timing of training steps of several structures in one process, and its timing record."""

import torch

from fastres.device import choose_device
from fastres.errors import ConfigError
from fastres.measure.bench import fields, one_pass, synthetic_trainer
from fastres.records.timings import TimingRecord
from fastres.timers import compare

WAYS = ("compiled", "cuda_graph")  # of a trainer's environment


def measure_steps(
    structures: list[str],
    depth: int,
    precision: str = "fp32",
    device: str | torch.device = "auto",
    rounds: int = 11,
    steps: int | None = None,
    batch_size: int = 128,
    compiled: bool = False,
) -> TimingRecord:
    """Time whole training steps (crop, forward, backward, update) of the structures, interleaved.

    steps: timed together in each round; default: 20 on CUDA, where a step is short beside what a pass over the images
        adds to it, else 1.
    compiled: with fastres.training.engine; else eager.
    Raises ConfigError for a structure, depth, precision or device that cannot be used, or where some structures could
    be compiled or captured and others could not; ValueError for rounds < 1.
    """
    device = choose_device(device)
    steps = steps or (20 if device.type == "cuda" else 1)
    made = [synthetic_trainer(name, depth, batch_size, precision, device, steps, compiled) for name in structures]
    trainers = {trainer.config.structure: trainer for trainer in made}
    result = compare({name: one_pass(trainer) for name, trainer in trainers.items()}, rounds, warmup=2, device=device)
    # A graph is captured in a step, so only now is it known how the steps were computed.
    ways = {name: {key: trainer.environment()[key] for key in WAYS} for name, trainer in trainers.items()}
    way = next(iter(ways.values()))
    if any(other != way for other in ways.values()):
        shown = "; ".join(f"{name}: {found}" for name, found in ways.items())
        raise ConfigError(f"structures that are computed in different ways are not compared: {shown}")
    measured = fields(result, device)
    for name, trainer in trainers.items():
        measured["warmup_seconds"][name] += trainer.timer.last.get("compile", 0.0)
    measured["environment"] |= {"memory_format": "channels_last", **way}
    return TimingRecord(depth=depth, batch_size=batch_size, precision=precision, steps=steps, **measured)
