"""The distance of two tensors, and how it is stated."""

from typing import NamedTuple

import torch
from torch import Tensor

from fastres import theory

TOLERANCE = 1e-10  # of float64: a smaller difference is rounding


def random_tensor(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal float64, the same on every call and machine."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def distance(first: Tensor, second: Tensor) -> float:
    """The largest absolute difference. Raises ValueError for different shapes, which would be broadcast."""
    if first.shape != second.shape:
        raise ValueError(f"shapes {tuple(first.shape)} and {tuple(second.shape)} differ")
    return float((first - second).detach().abs().max())


def agree(first: Tensor, second: Tensor) -> bool:
    return distance(first, second) <= TOLERANCE


def bound(error: float) -> str:
    """An error for the reader: two significant digits, or "< 1e-12", below which they differ between processors."""
    return "< 1e-12" if error < 1e-12 else f"{error:.2g}"


class Gap(NamedTuple):
    """The largest absolute errors inside a map and on its outermost ring of pixels."""

    inside: float
    border: float

    def __str__(self) -> str:
        return f"inside {bound(self.inside)}, border {bound(self.border)}"

    @property
    def exact(self) -> bool:
        return max(self) <= TOLERANCE


def gap(found: Tensor, truth: Tensor) -> Gap:
    """Errors of one map (..., H, W) against another."""
    edge = theory.ring(*truth.shape[-2:])
    return Gap(distance(found[..., ~edge], truth[..., ~edge]), distance(found[..., edge], truth[..., edge]))


class Collapse(NamedTuple):
    """Errors of Eq (12): one convolution in place of two, alone and with the border correction e."""

    alone: Gap
    corrected: Gap

    def __str__(self) -> str:
        return f"{self.alone}; with e {bound(max(self.corrected))}"

    @property
    def as_predicted(self) -> bool:
        """Exact inside, wrong on the border, and exact everywhere with e."""
        return self.alone.inside <= TOLERANCE < self.alone.border and self.corrected.exact


def collapse_errors(truth: Tensor, *convs, stride1: int = 1) -> Collapse:
    """Errors of theory.collapse(*convs, stride1), where convs is x, w1, b1, w2, b2, against two convolutions."""
    single, e = theory.collapse(*convs, stride1=stride1)  # type: ignore[misc]
    return Collapse(gap(single, truth), gap(single + e, truth))
