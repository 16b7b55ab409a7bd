"""Activation memory and peak memory of a training step, measured."""

import torch

from fastres.device import arithmetic, check_precision, choose_device, synchronize
from fastres.measure.bench import one_pass, synthetic_trainer
from fastres.measure.counts import saved_bytes
from fastres.theory.counts import IMAGE
from fastres.training.engine import PARTITIONED, compile_network


def measured_kept_bytes(
    structure: str,
    depth: int,
    batch_size: int = 2,
    precision: str = "fp32",
    device: str | torch.device = "cpu",
    compiled: bool = False,
) -> int:
    """What fastres.theory.memory.kept_bytes computes, measured by one forward pass in training mode.

    The number is exact, and the same on every run.

    compiled: as by fastres.training.engine, which on a CPU computes BN-ReLU again in the backward pass and saves
    only its input; the code that makes it fast is not generated.
    Raises ConfigError for a structure, depth, precision or device that cannot be used, RuntimeError for compiled blocks
    on other devices than CPU and CUDA.
    """
    device = choose_device(device)
    check_precision(precision, device)
    trainer = synthetic_trainer(structure, depth, batch_size, precision, device)
    images = torch.zeros(batch_size, 3, IMAGE, IMAGE, device=device).to(memory_format=torch.channels_last)
    with arithmetic(precision, device):
        forward = compile_network(trainer.model, images, PARTITIONED) if compiled else trainer.forward
        return saved_bytes(trainer.model.train(), images, forward)[0]


def peak_bytes(
    structure: str,
    depth: int,
    batch_size: int = 128,
    precision: str = "fp32",
    device: str | torch.device = "auto",
    compiled: bool = False,
) -> int | None:
    """Peak bytes allocated by CUDA's allocator during two training steps, network included; else None.

    compiled: with fastres.training.engine. The few images are counted; compilation and CUDA's context are not.
    Raises ConfigError for a structure, depth, precision or device that cannot be used.
    """
    device = choose_device(device)
    check_precision(precision, device)
    if device.type != "cuda":
        return None
    synchronize(device)  # CUDA has started
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated(device)
    trainer = synthetic_trainer(structure, depth, batch_size, precision, device, steps=2, compiled=compiled)
    torch.cuda.reset_peak_memory_stats(device)
    one_pass(trainer)()
    synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before
