"""Activations, shortcut and residual blocks: Eqs (1), (2) and (6)-(8), and the bottleneck of Fig. 1.

Convolutions have no bias: a constant per channel is removed by the next batch normalisation or
learned by its shift.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastres.models.structures import activations

EXPANSION = 4  # a bottleneck block's output has four times the width of its 3x3 convolution


def activation(name: str, channels: int) -> nn.Module:
    """f of Eq (2) over `channels` channels: "none", "bn", "relu" or "bn-relu" (BN, then ReLU)."""
    if name == "none":
        return nn.Identity()
    if name == "bn":
        return nn.BatchNorm2d(channels)
    if name == "relu":
        return nn.ReLU()  # not in place: its input is also the input of the shortcut
    if name == "bn-relu":
        return BNReLU(channels)
    raise ValueError(f"unknown activation {name!r}: use 'none', 'bn', 'relu' or 'bn-relu'")


class BNReLU(nn.Sequential):
    """BN, then ReLU."""

    def __init__(self, channels: int):
        super().__init__(nn.BatchNorm2d(channels), nn.ReLU(inplace=True))


def conv3x3(channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, out_channels, 3, stride, padding=1, bias=False)


def conv1x1(channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, out_channels, 1, bias=False)


class Shortcut(nn.Module):
    """S(X), the parameter-free shortcut ("option A"): every stride-th pixel, zeros for new channels.

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


class ResidualBlock(nn.Module):
    """Y = S(X) + W2 f2(W1 f1(X)), Eqs (1) and (2): (B, channels, H, W) -> (B, width, H/stride, W/stride)."""

    def __init__(self, activations: tuple[str, str], channels: int, width: int, stride: int = 1):
        super().__init__()
        f1, f2 = activations
        self.f1 = activation(f1, channels)
        self.conv1 = conv3x3(channels, width, stride)
        self.f2 = activation(f2, width)
        self.conv2 = conv3x3(width, width)
        self.shortcut = Shortcut(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.conv2(self.f2(self.conv1(self.f1(x))))


class BottleneckBlock(nn.Module):
    """Y = S(X) + W3 f3(W2 f2(W1 f1(X))), 1x1, 3x3 and 1x1 kernels: width 4 `width` out (Fig. 1, right)."""

    def __init__(self, activations: tuple[str, str, str], channels: int, width: int, stride: int = 1):
        super().__init__()
        f1, f2, f3 = activations
        self.f1 = activation(f1, channels)
        self.conv1 = conv1x1(channels, width)
        self.f2 = activation(f2, width)
        self.conv2 = conv3x3(width, width, stride)
        self.f3 = activation(f3, width)
        self.conv3 = conv1x1(width, EXPANSION * width)
        self.shortcut = Shortcut(channels, EXPANSION * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.conv3(self.f3(self.conv2(self.f2(self.conv1(self.f1(x))))))


def relu_count(module: nn.Module) -> int:
    return sum(isinstance(part, nn.ReLU) for part in module.modules())


def batch_norms(module: nn.Module) -> list[nn.BatchNorm2d]:
    return [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]


def he_normal_(module: nn.Module, generator: torch.Generator | None = None) -> None:
    """He-normal weights (standard deviation sqrt(2 / fan-in)), zero biases; BN keeps scale 1, shift 0."""
    for part in module.modules():
        if isinstance(part, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu", generator=generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def build_block(structure: str, channels: int = 16, width: int = 16, stride: int = 1) -> nn.Module:
    """One block of a structure, to look at: bottleneck blocks take and give EXPANSION x width channels."""
    parts = activations(structure)
    if len(parts) == 3:
        return BottleneckBlock(parts, EXPANSION * width if channels == width else channels, width, stride)
    return ResidualBlock(parts, channels, width, stride)
