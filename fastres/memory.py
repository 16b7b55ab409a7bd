"""Memory of a training step: what is kept for the backward pass, in closed form and measured; its peak on CUDA;
and the batch that fits.

What is kept is what autograd's saved-tensor hooks see, on any device: every storage once, the network's own
parameters and running statistics left out. What the loss keeps (a few numbers per image) is not part of it.
"""

import torch
from torch import Tensor

from fastres.config import RunConfig
from fastres.costs import BYTES, IMAGE, costs
from fastres.data import synthetic
from fastres.device import arithmetic, check_precision, choose_device, synchronize
from fastres.models import build_model
from fastres.progress import Progress
from fastres.trainer import Trainer

SAFETY = 1.25  # on what grows with the batch: gradients in flight, workspaces, and what an allocator cannot fill


def kept_bytes(structure: str, depth: int, batch_size: int, precision: str = "fp32", num_classes: int = 10) -> int:
    """Bytes kept for the backward pass of one batch, in closed form (fastres.costs).

    In bf16 a map takes two bytes per number, and the cast weights of convolutions and classifier are kept as
    well; the statistics of a batch stay float32.
    """
    cost = costs(structure, depth, num_classes)
    if precision != "bf16":
        return cost.saved_bytes(batch_size)
    weights = cost.parameters - cost.bn_parameters - num_classes
    return 2 * (batch_size * cost.saved_elements + weights) + BYTES * cost.bn_parameters


def measured_kept_bytes(
    structure: str,
    depth: int,
    batch_size: int = 2,
    precision: str = "fp32",
    device: str | torch.device = "cpu",
) -> int:
    """The same, measured by one forward pass in training mode. The number is exact, and the same on every run.

    Raises ConfigError for a device or precision that is not here, ValueError for a structure or depth that is none.
    """
    device = choose_device(device)
    check_precision(precision, device)
    model = build_model(structure, depth, seed=0).to(device, memory_format=torch.channels_last).train()
    own = {tensor.untyped_storage().data_ptr() for tensor in [*model.parameters(), *model.buffers()]}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()  # keeps the storage alive, so that no other can take its address

    images = torch.zeros(batch_size, 3, IMAGE, IMAGE, device=device).to(memory_format=torch.channels_last)
    with arithmetic(precision, device), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        logits = model(images)
    del logits
    return sum(kept.values())


def peak_bytes(
    structure: str,
    depth: int,
    batch_size: int = 128,
    precision: str = "fp32",
    device: str | torch.device = "auto",
    compiled: bool = False,
) -> int | None:
    """Most bytes that CUDA's allocator has given out during two training steps, network included; else None.

    compiled: the network (fastres.engine). The few images are counted, CUDA's own context is not.
    Raises ConfigError for a structure, depth, precision or device that cannot be used.
    """
    device = choose_device(device)
    check_precision(precision, device)
    if device.type != "cuda":
        return None
    synchronize(device)  # CUDA has started
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    config = RunConfig(
        dataset="synthetic", structure=structure, depth=depth, batch_size=batch_size, precision=precision
    )
    trainer = Trainer(config, synthetic(10, train_size=2 * batch_size, test_size=batch_size).to(device), compiled)
    with arithmetic(precision, device):
        trainer.train_pass(Progress(config, trainer.steps_per_epoch))
    synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def needed_bytes(structure: str, depth: int, batch_size: int, precision: str = "fp32", num_classes: int = 10) -> int:
    """Estimate of a training step's peak: parameters, gradients, momentum, and what grows with the batch, with SAFETY.

    Images and framework are left out: memory is what is free once they are there.
    """
    fixed, per_image = _fixed_and_per_image(structure, depth, precision, num_classes)
    return fixed + batch_size * per_image


def batch_that_fits(
    structure: str, depth: int, available_bytes: int, precision: str = "fp32", num_classes: int = 10
) -> int:
    """The largest batch whose training step is estimated to fit (0: not even one image). Nothing is built.

    Raises ValueError for a structure or depth that is none, or fewer than two classes.
    """
    fixed, per_image = _fixed_and_per_image(structure, depth, precision, num_classes)
    return max(0, int(available_bytes - fixed) // per_image)


def _fixed_and_per_image(structure: str, depth: int, precision: str, num_classes: int) -> tuple[int, int]:
    parameters = costs(structure, depth, num_classes).parameters
    one, two = (kept_bytes(structure, depth, size, precision, num_classes) for size in (1, 2))
    per_image = two - one  # what does not grow with the batch, 2 one - two, falls out
    return 3 * BYTES * parameters + 2 * one - two, int(SAFETY * per_image)
