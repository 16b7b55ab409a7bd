"""Activations, shortcut and residual blocks: Eqs (1), (2) and (6)-(8), and the bottleneck of Fig. 1.

Convolutions have no bias: a constant per channel is removed by the next batch normalisation or
learned by its shift.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastres.models.structures import (
    ACTIVATIONS,
    OPERATIONS,
    SHORTCUTS,
    Conv,
    Operation,
    Parts,
    block_convs,
    parts,
)


def activation(name: str, channels: int) -> nn.Module:
    """f of Eq (2) over `channels` channels: a row of ACTIVATIONS, such as "bn-relu" (BN, then ReLU).

    An operation works in place where torch has that form and the operation before does not save its output; the
    first never does, since the shortcut reads the same tensor. Raises ValueError for another name.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"unknown activation {name!r}: use one of {', '.join(ACTIVATIONS)}")
    operations = [OPERATIONS[part] for part in ACTIVATIONS[name]]
    parts = []
    for i, operation in enumerate(operations):
        arguments = (channels,) if operation.per_channel else ()
        in_place = operation.in_place and i > 0 and operations[i - 1].saves == "input"
        parts.append(module_of(operation)(*arguments, **({"inplace": True} if in_place else {})))
    if len(parts) > 1:
        return (BNReLU if name == "bn-relu" else nn.Sequential)(*parts)
    return parts[0] if parts else nn.Identity()


def module_of(operation: Operation) -> type[nn.Module]:
    """The class that computes an operation: one of this file, else torch's."""
    return globals().get(operation.module) or getattr(nn, operation.module)


class FrozenBatchNorm2d(nn.BatchNorm2d):
    """BN that normalises with its running statistics in training too: gamma and beta are trained, statistics are not.

    An affine map per channel: the difference to BN's cost is that of computing statistics.
    """

    def train(self, mode: bool = True) -> "FrozenBatchNorm2d":
        return super().train(False)


class BNReLU(nn.Sequential):
    """BN, then ReLU: a Sequential as a separate class, so that fastres.training.engine finds it."""


def convolution(conv: Conv) -> nn.Conv2d:
    return nn.Conv2d(conv.channels, conv.out_channels, conv.kernel, conv.stride, padding=conv.kernel // 2, bias=False)


class Shortcut(nn.Module):
    """S(X), the parameter-free shortcut (option A): every stride-th pixel, zeros for new channels.

    Eq (1) adds X itself, which is undefined where a stage changes the width; there Y = S(X) + F(X).
    (B, channels, H, W) -> (B, out_channels, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(self, channels: int, out_channels: int, stride: int):
        super().__init__()
        self.stride = stride
        self.new_channels = out_channels - channels

    def forward(self, x: Tensor) -> Tensor:
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        if self.new_channels > 0:
            x = F.pad(x, (0, 0, 0, 0, 0, self.new_channels))
        return x


def shortcut_of(option: str, channels: int, out_channels: int, stride: int) -> nn.Module:
    """S(X) of option "A" (Shortcut), or "B": where the shape changes, a 1x1 convolution of X without BN or bias."""
    if option not in SHORTCUTS:
        raise ValueError(f"shortcut is {option!r}: use one of {', '.join(SHORTCUTS)}")
    if option == "B" and (channels != out_channels or stride != 1):
        return convolution(Conv("none", 1, channels, out_channels, stride))
    return Shortcut(channels, out_channels, stride)


class ResidualBlock(nn.Module):
    """Y = S(X) + W2 f2(W1 f1(X)), Eqs (1) and (2): (B, channels, H, W) -> (B, width, H/stride, W/stride).

    end, sum: activations of the branch before the addition, and of the sum; the paper's blocks have none.
    """

    def __init__(self, activations: Parts, channels: int, width: int, stride: int = 1, shortcut: str = "A"):
        super().__init__()
        first, second = block_convs(activations.before, channels, width, stride)
        self.f1, self.conv1 = activation(first.activation, first.channels), convolution(first)
        self.f2, self.conv2 = activation(second.activation, second.channels), convolution(second)
        self.end = activation(activations.end, second.out_channels)
        self.sum = activation(activations.sum, second.out_channels)
        self.shortcut = shortcut_of(shortcut, channels, second.out_channels, stride)

    def branch(self, x: Tensor) -> Tensor:
        """F(X) of Eq (2), with the activation at its end."""
        return self.end(self.conv2(self.f2(self.conv1(self.f1(x)))))

    def forward(self, x: Tensor) -> Tensor:
        return self.sum(self.shortcut(x) + self.branch(x))


class BottleneckBlock(nn.Module):
    """Y = S(X) + W3 f3(W2 f2(W1 f1(X))), 1x1, 3x3 and 1x1 kernels: width 4 `width` out (Fig. 1, right)."""

    def __init__(self, activations: Parts, channels: int, width: int, stride: int = 1, shortcut: str = "A"):
        super().__init__()
        first, second, third = block_convs(activations.before, channels, width, stride)
        self.f1, self.conv1 = activation(first.activation, first.channels), convolution(first)
        self.f2, self.conv2 = activation(second.activation, second.channels), convolution(second)
        self.f3, self.conv3 = activation(third.activation, third.channels), convolution(third)
        self.end = activation(activations.end, third.out_channels)
        self.sum = activation(activations.sum, third.out_channels)
        self.shortcut = shortcut_of(shortcut, channels, third.out_channels, stride)

    def branch(self, x: Tensor) -> Tensor:
        return self.end(self.conv3(self.f3(self.conv2(self.f2(self.conv1(self.f1(x)))))))

    def forward(self, x: Tensor) -> Tensor:
        return self.sum(self.shortcut(x) + self.branch(x))


def build_block(
    structure: str, channels: int | None = None, width: int = 16, stride: int = 1, shortcut: str = "A"
) -> nn.Module:
    """One block of a structure: (B, channels, H, W) -> (B, width, H/stride, W/stride), a bottleneck block 4 `width`.

    channels: None means as many as the block's outputs. shortcut: option "A" or "B" where the shape changes.
    """
    activations = parts(structure)
    if channels is None:
        channels = block_convs(activations.before, width, width)[-1].out_channels
    kind = ResidualBlock if len(activations.before) == 2 else BottleneckBlock
    return kind(activations, channels, width, stride, shortcut)


def relu_count(module: nn.Module) -> int:
    return sum(isinstance(part, nn.ReLU) for part in module.modules())


def batch_norms(module: nn.Module) -> list[nn.BatchNorm2d]:
    return [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]


def he_normal_(module: nn.Module, generator: torch.Generator | None = None, scale: float = 1.0) -> None:
    """He-normal weights (standard deviation sqrt(2 / fan-in), times scale), zero biases; BN keeps scale 1, shift 0."""
    for part in module.modules():
        if isinstance(part, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu", generator=generator)
            part.weight.data.mul_(scale)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
