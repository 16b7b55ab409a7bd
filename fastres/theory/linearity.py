"""How nearly affine a map between feature maps is: the best affine fit per channel, by least squares.

Section 2.2 takes the first activation, ReLU(BN(X)), for an affine map of X. How nearly it is one is measured by the
share of its variance that the best such map explains, not by the sign of X.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor


class AffineFit(NamedTuple):
    """y ~ scale x + shift, channel by channel: scale and shift (C,), and r2, the share of y's variance explained.

    The variance is about each channel's mean, summed over channels; r2 is NaN where y does not vary.
    """

    scale: Tensor
    shift: Tensor
    r2: float


def best_affine(x: Tensor, y: Tensor) -> AffineFit:
    """The least-squares fit of y (B, C, H, W) by an affine map of x, of the same shape, in each channel.

    scale = Cov(x, y) / Var(x), shift = E(y) - scale E(x), over images and pixels; scale 0 where x does not vary.
    Raises ValueError if the shapes differ.
    """
    if x.shape != y.shape or x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}, y {tuple(y.shape)}: expected the same (B, C, H, W)")
    x, y = x.double(), y.double()
    mean_x, mean_y = x.mean((0, 2, 3)), y.mean((0, 2, 3))
    apart_x, apart_y = (values - mean.view(1, -1, 1, 1) for values, mean in ((x, mean_x), (y, mean_y)))
    variance = apart_x.square().mean((0, 2, 3))
    covariance = (apart_x * apart_y).mean((0, 2, 3))
    scale = torch.where(variance > 0, covariance / variance.clamp_min(torch.finfo(x.dtype).tiny), 0.0)
    return AffineFit(scale, mean_y - scale * mean_x, explained(apart_y, apart_y - scale.view(1, -1, 1, 1) * apart_x))


def explained(y: Tensor, residual: Tensor) -> float:
    """1 - residual variance / variance of y, each about its channel's mean and summed over channels (B, C, H, W)."""
    spread, left = (values.double().var((0, 2, 3), correction=0).sum() for values in (y, residual))
    return float(1 - left / spread) if spread > 0 else float("nan")


class NormalFit(NamedTuple):
    """max(0, z + ratio) ~ scale z + shift for a standard normal z: r2 as above; positive: share of z + ratio > 0."""

    scale: float
    shift: float
    r2: float
    positive: float


def relu_of_normal(ratio: float) -> NormalFit:
    """The best affine map in place of ReLU(BN(X)) where BN normalises X to a standard normal: ratio is beta / gamma.

    In closed form, with Phi and phi of the normal distribution at the ratio: scale = Phi, shift = ratio Phi + phi, and
    the variance of the output is (1 + ratio^2) Phi + ratio phi - shift^2.

    >>> round(relu_of_normal(0).r2, 4)  # pi / (2 pi - 2)
    0.7335
    """
    density = math.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi)
    positive = math.erfc(-ratio / math.sqrt(2)) / 2
    shift = ratio * positive + density
    variance = (1 + ratio**2) * positive + ratio * density - shift**2
    return NormalFit(positive, shift, positive**2 / variance, positive)
