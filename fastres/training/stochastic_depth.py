"""Stochastic depth (Huang et al., arXiv 1603.09382): in each step the branches of some blocks are left out.

Block l of L is kept with probability 1 - l / L times the rate. A block that is left out is its shortcut, and costs
nothing; its parameters have a gradient of zero. In evaluation every branch counts as often as it was kept, which is a
factor on the weights of its last convolution.
"""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor

from fastres.models.resnet import ResNet


def survival(blocks: int, rate: float) -> list[float]:
    """Probability with which each block is kept, from the image on.

    >>> survival(4, 0.5)
    [0.875, 0.75, 0.625, 0.5]
    """
    return [1 - rate * (block + 1) / blocks for block in range(blocks)]


def draw(steps: int, blocks: int, rate: float, generator: torch.Generator) -> list[list[bool]]:
    """Which blocks each step keeps, (steps, blocks), drawn on the CPU."""
    chance: Tensor = torch.rand(steps, blocks, dtype=torch.float32, device="cpu", generator=generator)
    return (chance < torch.tensor(survival(blocks, rate), device="cpu")).tolist()


@contextlib.contextmanager
def as_evaluated(model: ResNet, rate: float) -> Iterator[None]:
    """Within it, the last convolution of every branch is scaled by the block's survival; after it, as before."""
    convs = [getattr(block, "conv3", None) or block.conv2 for block in model.blocks] if rate else []
    weights = [conv.weight.detach().clone() for conv in convs]
    with torch.no_grad():
        for conv, share in zip(convs, survival(len(convs), rate), strict=True):
            conv.weight.mul_(share)
        try:
            yield
        finally:
            for conv, weight in zip(convs, weights, strict=True):
                conv.weight.copy_(weight)
