"""Seconds per training epoch of a planned run: recorded on a device that is named, or measured here and now."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import torch

from fastres import paper, paths
from fastres.config import RunConfig
from fastres.device import threads
from fastres.errors import ConfigError
from fastres.measure.bench import one_pass, synthetic_trainer
from fastres.models.structures import blocks_per_stage, convs_per_block
from fastres.records.provenance import engine_of
from fastres.records.timings import CIFAR_IMAGES, device_of, load_timings
from fastres.reproduce.shares import images_per_epoch, is_compiled
from fastres.timers import compare

PAPER_ENGINE = "the paper's"


@dataclasses.dataclass(frozen=True)
class Speed:
    """Seconds per training image (32x32) of one network on one device, at batches of 128."""

    device: str  # its name
    kind: str  # "cpu", "cuda", ...
    structure: str
    depth: int
    precision: str  # PAPER_ENGINE where the paper does not say, as with the engine
    engine: str
    image_seconds: float

    def serves(self, config: RunConfig, engine: str) -> bool:
        """Whether a run would be computed in this way."""
        return self.engine == PAPER_ENGINE or (self.precision, self.engine) == (config.precision, engine)


def recorded_speeds(runs_dir: Path | None = None) -> list[Speed]:
    """From the timing records, and from the paper's tables. Times of runs are left out: a machine may be shared.

    runs_dir: the timings beside it are read too; default: the committed ones alone.
    """
    folders = [paths.RECORDED_TIMINGS] + ([paths.timings_beside(runs_dir)] if runs_dir else [])
    speeds = [
        Speed(
            device_of(record),
            str(record.environment.get("device", "")),
            structure,
            record.depth,
            record.precision,
            engine_of(record.environment),
            record.seconds_per_epoch(structure) / CIFAR_IMAGES,
        )
        for record in load_timings(*folders)
        for structure in record.seconds
    ]
    gpu = f"{paper.setup()['machine']['gpu']} (the paper's)"
    return speeds + [
        Speed(gpu, "cuda", row.structure, row.depth, PAPER_ENGINE, PAPER_ENGINE, row.seconds_per_epoch / CIFAR_IMAGES)
        for row in paper.results()
    ]


def of_device(speeds: Iterable[Speed], device: str) -> list[Speed]:
    """Those of the device of this name, or of the one whose name contains it. Raises ConfigError naming all devices."""
    speeds = list(speeds)
    names = sorted({speed.device for speed in speeds})
    found = [name for name in names if device.lower() == name.lower()]
    found = found or [name for name in names if device.lower() in name.lower()]
    if len(found) != 1:
        what = "several recorded devices" if found else "no recorded device"
        raise ConfigError(f"{device!r} names {what}; there are: {'; '.join(names)}")
    return [speed for speed in speeds if speed.device == found[0]]


def epoch_seconds(config: RunConfig, speeds: list[Speed]) -> float:
    """Of a run on the device of `speeds`: the recorded network nearest in depth, scaled by the number of blocks.

    A structure that was not timed is taken as the basic one, which has all the operations of most others. Raises
    ConfigError where nothing was recorded in the run's precision and engine.
    """
    device, kind = speeds[0].device, speeds[0].kind
    engine = "compiled" if is_compiled(config, kind) else "eager"
    ways = [speed for speed in speeds if speed.serves(config, engine)]
    fitting = [speed for speed in ways if speed.structure == config.structure]
    fitting = fitting or [speed for speed in ways if speed.structure == "basic"]
    if not fitting:
        there = sorted({f"{speed.precision}, {speed.engine}" for speed in speeds})
        raise ConfigError(f"{config.precision}, {engine} was not timed on {device}; there: {'; '.join(there)}")
    near = min(fitting, key=lambda speed: max(speed.depth / config.depth, config.depth / speed.depth))
    blocks = blocks_per_stage(config.structure, config.depth) / blocks_per_stage(near.structure, near.depth)
    return near.image_seconds * blocks * images_per_epoch(config)


class Here:
    """Measured on this machine, in the engine and with the threads that a run would have.

    A few steps of the shallowest network of a structure and precision, scaled by blocks and images: the best of
    three, as disturbances only slow it.
    """

    def __init__(self, device: torch.device, threads: int):
        self.device, self.threads = device, threads
        self._block_seconds: dict[tuple[str, str, bool], float] = {}  # per block and image

    def epoch_seconds(self, config: RunConfig) -> float:
        key = (config.structure, config.precision, is_compiled(config, self.device.type))
        if key not in self._block_seconds:
            self._block_seconds[key] = self._measured(*key)
        blocks = 3 * blocks_per_stage(config.structure, config.depth)
        return self._block_seconds[key] * blocks * images_per_epoch(config)

    def _measured(self, structure: str, precision: str, compiled: bool) -> float:
        depth = 3 * convs_per_block(structure) + 2
        with threads(self.threads):
            trainer = synthetic_trainer(structure, depth, precision=precision, device=self.device, compiled=compiled)
            step = compare({structure: one_pass(trainer)}, rounds=3, device=self.device)
        return min(step.seconds[structure]) / 3 / trainer.config.batch_size
