"""Trained networks with convolutions merged where that is exact, up to rounding. For evaluation only.

A BN directly after a convolution folds into it. Two 3x3 convolutions in a row (simplified-2, f2 = none) are one 5x5
convolution and a correction on the border, Eq (12): fastres.theory.equations has both in closed form.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastres.models.resnet import ResNet


def folded(model: ResNet) -> ResNet:
    """A copy in evaluation mode in which every BN that follows a convolution of its block is part of it.

    A BN before a convolution stays: where ReLU stands between it cannot be folded, and without one the zeros around
    the map would have to become another number.
    """
    model = copy.deepcopy(model).eval().requires_grad_(False)
    for block in model.blocks:
        for name, after in (("conv1", "f2"), ("conv2", "f3" if hasattr(block, "f3") else "end"), ("conv3", "end")):
            norm = _first_norm(getattr(block, after)) if hasattr(block, name) else None
            if norm is not None:
                setattr(block, name, _scaled(getattr(block, name), norm))
                setattr(block, after, _without_first(getattr(block, after)))
    return model


def collapsed(model: ResNet) -> ResNet:
    """A copy in evaluation mode in which two convolutions in a row are one, border included.

    Blocks with a stride keep their two: there the one kernel would be 7x7.
    """
    model = folded(model)
    for block in model.blocks:
        two = not hasattr(block, "conv3") and isinstance(block.f2, nn.Identity) and block.conv1.stride == (1, 1)
        if two and block.conv1.bias is None:
            block.conv2 = CollapsedConv(block.conv1.weight, block.conv2.weight, block.conv2.bias)
            block.conv1 = nn.Identity()
    return model


class CollapsedConv(nn.Module):
    """conv2(conv1(x)) of two 3x3 convolutions of stride 1, the first without bias, as one 5x5 convolution.

    The one convolution acts as if the middle map went on beyond its edge, where the network has zeros; forward takes
    back what that ring of one pixel adds, side by side: of conv1 and conv2 only one row or column acts there.
    (B, in, H, W) -> (B, out, H, W).
    """

    def __init__(self, w1: Tensor, w2: Tensor, b2: Tensor | None):
        super().__init__()
        kernel = F.conv2d(w1.transpose(0, 1), w2.flip(2, 3), padding=2).transpose(0, 1)  # (out, in, 5, 5)
        for name, tensor in {"weight": kernel, "w1": w1, "w2": w2}.items():
            self.register_buffer(name, tensor.detach().clone())
        self.bias = None if b2 is None else nn.Parameter(b2.detach().clone(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv2d(x, self.weight, self.bias, padding=2)
        for at, inner, outer in ((0, 2, 0), (-1, 0, 2)):  # first and last row; then first and last column
            row = F.conv2d(x[:, :, [at]], self.w1[:, :, [inner]], padding=(0, 2))
            y[:, :, [at]] -= F.conv2d(row, self.w2[:, :, [outer]])
            column = F.conv2d(x[:, :, :, [at]], self.w1[:, :, :, [inner]], padding=(1, 0))
            y[:, :, :, [at]] -= F.conv2d(column, self.w2[:, :, :, [outer]], padding=(1, 0))
        return y


def _first_norm(activation: nn.Module) -> nn.BatchNorm2d | None:
    first = next(iter(activation), None) if isinstance(activation, nn.Sequential) else activation
    return first if isinstance(first, nn.BatchNorm2d) else None


def _without_first(activation: nn.Module) -> nn.Module:
    rest = list(activation)[1:] if isinstance(activation, nn.Sequential) else []
    return rest[0] if len(rest) == 1 else nn.Sequential(*rest) if rest else nn.Identity()


def _scaled(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """norm(conv(x)) as one convolution, with the running statistics."""
    assert norm.running_var is not None and norm.running_mean is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    merged = copy.deepcopy(conv)
    merged.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1), requires_grad=False)
    before = 0 if conv.bias is None else conv.bias
    merged.bias = nn.Parameter(norm.bias + (before - norm.running_mean) * scale, requires_grad=False)
    return merged
