"""BN and ReLU, Eqs (5) and (4), in the form that torch's compiler turns into fast kernels on a CPU.

Outside the convolutions a step is bound by memory traffic, so the number of passes over a map decides its cost:
here two reads and one write in the forward pass, and more in the backward pass. A compiled block
(fastres.training.engine) fuses these passes with the additions beside them. On CUDA the compiler does as well with
BN itself.
"""

from typing import Any

import torch
from torch import Tensor, nn

from fastres.models.blocks import BNReLU


class OnePassBNReLU(BNReLU):
    """The same module, with statistics computed in one pass. For training: it never uses the running statistics."""

    def forward(self, x: Tensor) -> Tensor:
        return bn_relu(x, self[0])


class _BNReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, shift: Tensor, eps: float) -> tuple[Tensor, ...]:
        """ReLU(BN(x)), mean and biased variance. Moments are taken of x - shift in one pass, in float32.

        A shift near the mean (the running mean) avoids cancellation in the variance.
        """
        values = _pixels(x).float()
        count = x.numel() // x.shape[1]
        moved = values - shift
        first, second = _total(moved) / count, _total(moved * moved) / count
        variance = (second - first * first).clamp_min(0)
        mean = first + shift
        inverse_deviation = _stored(torch.rsqrt(variance + eps))
        scale = _stored(gamma * inverse_deviation)
        bias = _stored(beta - mean * scale)
        ctx.save_for_backward(x, scale, bias, mean, inverse_deviation)
        ctx.mark_non_differentiable(mean, variance)
        return _maps(torch.relu(values * scale + bias).to(x.dtype), x), mean, variance

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """First-order gradients of x, gamma and beta; ReLU's mask is recomputed.

        With z = (x - mean) / sqrt(variance + eps), g = grad_y where gamma z + beta > 0, else 0, and m the number of
        values of a channel: grad_beta = sum g, grad_gamma = sum g z, and
        grad_x = gamma / sqrt(variance + eps) (g - grad_beta / m - z grad_gamma / m).
        """
        x, scale, bias, mean, inverse_deviation = ctx.saved_tensors
        values = _pixels(x).float()
        count = x.numel() // x.shape[1]
        grad = torch.where(values * scale + bias > 0, _pixels(grad_y).float(), 0.0)
        grad_beta = _total(grad)
        grad_gamma = (_total(grad * values) - mean * grad_beta) * inverse_deviation
        of_x = _stored(-scale * inverse_deviation * grad_gamma / count)
        of_one = _stored(-scale * grad_beta / count - of_x * mean)
        grad_x = (grad * scale + values * of_x + of_one).to(x.dtype)
        return _maps(grad_x, x), grad_gamma, grad_beta, None, None


def bn_relu(x: Tensor, bn: nn.BatchNorm2d) -> Tensor:
    """ReLU(bn(x)) in training mode, (B, C, H, W) channels last; updates the running statistics as bn does."""
    y, mean, variance = _BNReLU.apply(x, bn.weight, bn.bias, bn.running_mean.clone(), bn.eps)
    with torch.no_grad():
        count = x.numel() // x.shape[1]
        bn.running_mean.lerp_(mean, bn.momentum)
        bn.running_var.lerp_(variance * (count / max(count - 1, 1)), bn.momentum)
        bn.num_batches_tracked.add_(1)
    return y


def _pixels(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H W, C), a view of a channels-last tensor."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def _maps(pixels: Tensor, like: Tensor) -> Tensor:
    batch, channels, height, width = like.shape
    return pixels.view(batch, height, width, channels).permute(0, 3, 1, 2)


def _total(values: Tensor) -> Tensor:
    """Sum over images and pixels, (B, P, C) -> (C,): over images first, which stays in registers when compiled."""
    return values.sum(1).sum(0)


def _stored(values: Tensor) -> Tensor:
    """The same numbers, materialised: the compiler would otherwise recompute them for every pixel."""
    return values.as_strided(values.shape, values.stride())
