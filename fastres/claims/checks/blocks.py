"""The residual blocks, Eqs. (1), (2) and (6) to (8), against the equations in plain tensor operations."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastres.claims.check import check
from fastres.claims.evidence import Evidence
from fastres.claims.finding import BUILT, CORRECTED, NOT_REPRODUCED, REPRODUCED, Finding, combine, judge
from fastres.models.blocks import ResidualBlock, activation, batch_norms, build_block, he_normal_
from fastres.models.resnet import build_model
from fastres.theory.agreement import TOLERANCE, agree, distance, random_tensor

ACTIVATED = {"basic": (True, True), "simplified-1": (False, True), "simplified-2": (True, False)}  # Eqs. (6) to (8)


def activated(x: Tensor, norm: nn.BatchNorm2d) -> Tensor:
    """max(0, BN(x)) with the statistics of x (in training mode) or the running ones, in plain operations."""
    if norm.training:
        mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), correction=0)
    else:
        mean, variance = norm.running_mean, norm.running_var
    scale = norm.weight / torch.sqrt(variance + norm.eps)
    z = (x - mean.view(1, -1, 1, 1)) * scale.view(1, -1, 1, 1) + norm.bias.view(1, -1, 1, 1)
    return z * (z > 0)


def by_hand(structure: str, block: nn.Module, x: Tensor) -> Tensor:
    """Eqs. (6) to (8) for a block that keeps the width, with its weights and statistics."""
    y = x
    for has_activation, f, conv in zip(
        ACTIVATED[structure], (block.f1, block.f2), (block.conv1, block.conv2), strict=True
    ):
        y = activated(y, batch_norms(f)[0]) if has_activation else y
        y = F.conv2d(y, conv.weight, conv.bias, padding=1)
    return x + y


def as_equation(structure: str, block: nn.Module, x: Tensor) -> bool:
    """Whether a block equals its equation; without that, a check on the block says nothing about the paper."""
    return agree(block(x), by_hand(structure, block, x))


@check(explains=CORRECTED)
def eq_residual_sum(evidence: Evidence) -> Finding:
    """Eq. (1), Y = X + F(X), in every block of a built network; where the width changes, against zero channels."""
    model = build_model("basic", 20, seed=0).double().eval()
    x = model.stem(random_tensor(2, 3, 16, 16))
    unchanged, exact = 0, True
    with torch.no_grad():
        for block in model.blocks:
            y = block(x)
            shortcut = torch.zeros_like(y)
            stride = x.shape[-1] // y.shape[-1]
            shortcut[:, : x.shape[1]] = x[:, :, ::stride, ::stride]
            exact &= agree(y - block.conv2(block.f2(block.conv1(block.f1(x)))), shortcut)
            unchanged += y.shape == x.shape
            x = y
    changed = len(model.blocks) - unchanged
    return Finding(
        judge(exact and changed == 0, exact and unchanged > 0),
        f"Exact in {unchanged} of the {len(model.blocks)} blocks of a network of depth 20; the other {changed} change "
        "the width, where X + F(X) is undefined and Y = S(X) + F(X) holds: S takes every second pixel and adds zero "
        "channels.",
        numbers={"blocks": len(model.blocks), "blocks that change the width": changed},
    )


@check(explains=REPRODUCED)
def eq_relu_last(evidence: Evidence) -> Finding:
    """What a block adds to its input, Y - X, with activations before (as in the paper) or after convolutions."""
    x, block = random_tensor(4, 16, 8, 8), build_block("basic", 16, 16)
    he_normal_(block, torch.Generator().manual_seed(1))
    block.double()
    branch = nn.Sequential(block.conv1, activation("bn-relu", 16), block.conv2, activation("bn-relu", 16)).double()
    before, after = (block(x) - x).detach(), branch(x).detach()
    numbers = {
        "least addition, ReLU last": float(after.min()),
        "largest addition, ReLU last": float(after.max()),
        "least addition, convolution last": float(before.min()),
        "largest addition, convolution last": float(before.max()),
    }
    return Finding(
        judge(bool(after.min() >= 0 and after.max() > 0 and before.min() < 0 < before.max())),
        f"A block whose branch ends in a ReLU adds {after.min():.2f} to {after.max():.2f}, never less than 0; the "
        f"paper's, whose branch ends in a convolution, adds {before.min():.2f} to {before.max():.2f}, of both signs.",
        numbers=numbers,
    )


@check(explains=BUILT)
def eq_block(evidence: Evidence, structures: list[str]) -> Finding:
    """Built blocks, given biases and batch statistics, against the equations by hand."""
    parts = []
    for structure in structures:
        x = random_tensor(4, 8, 8, 8)
        block: ResidualBlock = build_block(structure, 8, 8).double()
        for seed, conv in enumerate((block.conv1, block.conv2), start=1):
            conv.bias = nn.Parameter(random_tensor(8, seed=seed))
        error = distance(by_hand(structure, block, x), block(x))
        verdict = BUILT if error <= TOLERANCE else NOT_REPRODUCED
        text, numbers = f"{structure}: equal to within 1e-10.", {f"largest error {structure}": error}
        parts.append(Finding(verdict, text, numbers=numbers))
    return combine(parts)
