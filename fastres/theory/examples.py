"""Worked examples of the equations on random tensors and blocks, for notebook 02."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from fastres import theory
from fastres.models.blocks import ResidualBlock, batch_norms, build_block, he_normal_
from fastres.models.resnet import ResNet
from fastres.theory.agreement import Collapse, collapse_errors
from fastres.theory.linearity import best_affine

Convs = tuple[Tensor, Tensor, Tensor, Tensor]  # w1, b1, w2, b2 of two 3x3 convolutions in a row


def example_block(structure: str, channels: int, generator: torch.Generator) -> nn.Module:
    """A block with random weights, BN scales and shifts, so that no agreement is accidental."""
    block = build_block(structure, channels, channels)
    he_normal_(block, generator)
    for norm in batch_norms(block):
        nn.init.uniform_(norm.weight, 0.5, 1.5, generator=generator)
        nn.init.normal_(norm.bias, std=0.3, generator=generator)
    return block


def block_by_equations(block: ResidualBlock, x: Tensor) -> Tensor:
    """Y of Eqs (6) to (8) by fastres.theory alone, with batch statistics; f1 and f2 are BN-ReLU or none."""
    y = x
    for f, conv in ((block.f1, block.conv1), (block.f2, block.conv2)):
        if not isinstance(f, nn.Identity):
            y = theory.bn_relu(y, f[0].weight, f[0].bias, f[0].eps)
        y = theory.conv2d(y, conv.weight, conv.bias)
    return x + y


def random_convs(channels: int, middle: int, generator: torch.Generator) -> Convs:
    """Two 3x3 convolutions, channels -> middle -> middle, whose outputs are of the size of their input."""
    w1, w2 = (torch.randn(middle, n, 3, 3, generator=generator) / 6 for n in (channels, middle))
    b1, b2 = (torch.randn(middle, generator=generator) for _ in range(2))
    return w1, b1, w2, b2


class ReluCut(NamedTuple):
    """Of ReLU(BN(x + c)): beta over gamma; shares of positive values; what ReLU cuts off, as a share of the norm."""

    c: float
    ratio: float
    input_positive: float
    bn_positive: float
    cut: float


def relu_cut(x: Tensor, c: float, ratio: float) -> ReluCut:
    """With gamma = 1 and beta = ratio in every channel of x (B, C, H, W)."""
    one = torch.ones(x.shape[1], dtype=x.dtype)
    normal = theory.batch_norm(x + c, one, ratio * one)
    before, after = (float((values > 0).double().mean()) for values in (x + c, normal))
    return ReluCut(c, ratio, before, after, float((normal - theory.relu(normal)).norm() / normal.norm()))


def spanned_dimension(pairs: int, generator: torch.Generator) -> int:
    """Dimension of the space that the 5x5 kernels of random pairs of 3x3 kernels span, one channel."""
    kernels = torch.randn(pairs, 2, 1, 1, 3, 3, generator=generator)
    composed = [theory.compose_convs(w1, None, w2, None)[0].flatten() for w1, w2 in kernels]
    return int(torch.linalg.matrix_rank(torch.stack(composed)))


def inner_collapses(model: ResNet, images: Tensor) -> tuple[Collapse, Collapse]:
    """Eq (12) in two places of a simplified-1 network: stem and first conv1; what a branch adds and the next conv1."""
    block, following = model.blocks[:2]
    first, x = block.conv1(block.f1(model.stem(images))), model.stem(images)
    with_branch, without = (following.conv1(following.f1(values)) for values in (block(x), x))
    link = block.conv2.weight, None, following.conv1.weight, None
    at_stem = collapse_errors(first, images, model.stem.weight, None, block.conv1.weight, None)
    return at_stem, collapse_errors(with_branch - without, block.f2(first), *link)


class BorderShares(NamedTuple):
    """Share of a map's pixels on its outermost ring; error of Eq (12) as a share of the norm there and everywhere."""

    pixels: float
    error_there: float
    error: float


def border_shares(pixels: int, width: int, generator: torch.Generator) -> BorderShares:
    """For two 3x3 convolutions of the network (`width` channels, He-normal, no bias) on a random map."""
    w1, w2 = torch.randn(2, width, width, 3, 3, generator=generator) * (2 / (9 * width)) ** 0.5
    x, rim = torch.randn(1, width, pixels, pixels, generator=generator), theory.ring(pixels, pixels)
    exact = theory.conv2d(theory.conv2d(x, w1), w2)
    e = theory.border_correction(x, w1, None, w2, None)
    there = e[..., rim].norm() / exact[..., rim].norm()
    return BorderShares(float(rim.double().mean()), float(there), float(e.norm() / exact.norm()))


class LinearErrors(NamedTuple):
    """Of the best affine map in place of ReLU(BN(X)): its R2, and the errors of Eqs (11) and (13)."""

    r2: float
    two_convs: float
    one_conv: float


def linear_errors(block: ResidualBlock, x: Tensor) -> LinearErrors:
    """Eqs (11) and (13) for a simplified-2 block, with the affine map per channel that fits its f1 best on x.

    Errors are shares of the branch's norm.
    """
    branch, (w1, w2) = block(x) - block.shortcut(x), (block.conv1.weight, block.conv2.weight)
    fit = best_affine(x, block.f1(x))
    w, b = theory.fold_affine(w1, None, fit.scale, fit.shift)
    forms = theory.conv2d(theory.conv2d(x, w, b), w2), theory.conv2d(x, *theory.compose_convs(w, b, w2, None))
    return LinearErrors(fit.r2, *(float((form - branch).norm() / branch.norm()) for form in forms))


def deviation_from_affine(network: ResNet, x: Tensor, y: Tensor) -> float:
    """||f((x + y) / 2) - (f(x) + f(y)) / 2|| / ||f((x + y) / 2)|| of all before the head, f; 0 for an affine f."""
    first, last, middle = (network.stages(network.stem(images)) for images in (x, y, (x + y) / 2))
    return float((middle - (first + last) / 2).norm() / middle.norm())
