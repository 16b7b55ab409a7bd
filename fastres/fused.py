"""Batch normalisation and ReLU as one operation: Eqs (5) and (4) in two passes over the map instead of five.

They are most of a step's time outside the convolutions, and none of it is arithmetic: every separate operation
reads and writes the whole map. The two functions below are compiled; they depend on the number of channels
alone, so a network of any depth, and a short last batch, reuses the same three pairs.
"""

from typing import Any

import torch
from torch import Tensor, nn


def moments(x: Tensor, gamma: Tensor, beta: Tensor, shift: Tensor, eps: float) -> tuple[Tensor, ...]:
    """First pass forward over x (M, C): mean, biased variance, and the affine map that BN then is: scale, bias (C,).

    The moments are taken of x - shift in one pass, in float32. A shift near the mean (the running mean) keeps
    the difference of two near numbers from losing digits.
    """
    share = 1.0 / x.shape[0]
    moved = x.float() - shift
    first, second = moved.sum(0) * share, (moved * moved).sum(0) * share
    variance = (second - first * first).clamp_min(0)
    mean = first + shift
    scale = gamma * torch.rsqrt(variance + eps)
    return mean, variance, scale, beta - mean * scale


def rectified_affine(x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Second pass forward: ReLU(scale x + bias), (M, C)."""
    return torch.relu(x.float() * scale + bias).to(x.dtype)


def sums(
    grad_y: Tensor, x: Tensor, inverse_deviation: Tensor, scale: Tensor, bias: Tensor, mean: Tensor
) -> tuple[Tensor, ...]:
    """First pass backward: gradients of gamma and beta, and the factors of x and 1 in the gradient of x, all (C,).

    The sign of ReLU's input is computed again, so that nothing but x has to be kept.
    """
    share = 1.0 / x.shape[0]
    values = x.float()
    grad = torch.where(values * scale + bias > 0, grad_y.float(), 0.0)
    grad_beta = grad.sum(0)
    grad_gamma = ((grad * values).sum(0) - mean * grad_beta) * inverse_deviation
    of_x = -scale * inverse_deviation * grad_gamma * share
    return grad_gamma, grad_beta, of_x, -scale * grad_beta * share - of_x * mean


def grad_x(grad_y: Tensor, x: Tensor, scale: Tensor, bias: Tensor, of_x: Tensor, of_one: Tensor) -> Tensor:
    """Second pass backward: the gradient of x, (M, C)."""
    values = x.float()
    grad = torch.where(values * scale + bias > 0, grad_y.float(), 0.0)
    return (grad * scale + values * of_x + of_one).to(x.dtype)


# Four functions, since within one the compiler would work out the factors of a channel anew for every pixel.
# Shapes are fixed (dynamic=False): loops of known length are twice as fast on a CPU.
_moments, _rectified_affine, _sums, _grad_x = (
    torch.compile(function, dynamic=False) for function in (moments, rectified_affine, sums, grad_x)
)


class _BNReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, shift: Tensor, eps: float) -> tuple:
        rows = _rows(x)
        mean, variance, scale, bias = _moments(rows, gamma, beta, shift, eps)
        ctx.save_for_backward(x, scale, bias, mean, torch.rsqrt(variance + eps))
        ctx.mark_non_differentiable(mean, variance)
        return _maps(_rectified_affine(rows, scale, bias), x), mean, variance

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor, *_: Tensor) -> tuple:
        x, scale, bias, mean, deviation = ctx.saved_tensors
        rows, grad_rows = _rows(x), _rows(grad_y)
        grad_gamma, grad_beta, of_x, of_one = _sums(grad_rows, rows, deviation, scale, bias, mean)
        return _maps(_grad_x(grad_rows, rows, scale, bias, of_x, of_one), x), grad_gamma, grad_beta, None, None


def bn_relu(x: Tensor, bn: nn.BatchNorm2d) -> Tensor:
    """ReLU(bn(x)) in training mode, (B, C, H, W) channels last; updates the running statistics as bn does."""
    y, mean, variance = _BNReLUFunction.apply(x, bn.weight, bn.bias, bn.running_mean.clone(), bn.eps)
    with torch.no_grad():
        count = x.numel() // x.shape[1]
        bn.running_mean.lerp_(mean, bn.momentum)
        bn.running_var.lerp_(variance * (count / max(count - 1, 1)), bn.momentum)
        bn.num_batches_tracked += 1
    return y


def _rows(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B H W, C), a view of a channels-last tensor, outside the graph of gradients."""
    return x.detach().permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def _maps(rows: Tensor, like: Tensor) -> Tensor:
    batch, channels, height, width = like.shape
    return rows.view(batch, height, width, channels).permute(0, 3, 1, 2)


def fuse(model: nn.Module, batch_size: int) -> str:
    """Make every BN-ReLU pair of a network one operation in training; "" if done, else why not, in one line.

    batch_size: of the steps. Batches of another size (the last of an epoch) take the usual way, so that nothing
        is compiled for them.
    The network's parameters, names and evaluation stay as they are, its results within rounding.
    """
    pairs = [part for part in model.modules() if hasattr(part, "fused_batch")]
    device = next(model.parameters()).device
    if not pairs:
        return "the network has no BN-ReLU pair"
    if device.type not in ("cpu", "cuda"):
        return f"not compiled on {device.type}"
    # One variant per number of channels, precision and batch size; torch's default of 8 is for unforeseen ones.
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 64)
    try:
        x = torch.randn(2, 16, 2, 2, device=device).to(memory_format=torch.channels_last).requires_grad_()
        bn_relu(x, nn.BatchNorm2d(16, device=device)).sum().backward()
    except Exception as error:  # no C++ compiler, no Triton: the compiler raises many kinds
        return f"compilation failed ({type(error).__name__}: {str(error).strip().splitlines()[0]})"
    for pair in pairs:
        pair.fused_batch = batch_size
    return ""
