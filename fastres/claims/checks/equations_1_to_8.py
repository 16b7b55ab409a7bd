"""Equations (1) to (8) and what is said of convolution, ReLU and BN, tried on random tensors in float64.

Equations (9) to (13), the argument of Section 2.2, are in `argument`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastres import theory
from fastres.claims.finding import CORRECTED, NOT_REPRODUCED, REPRODUCED, Evidence, Finding, combine, expecting, judge
from fastres.models.blocks import ResidualBlock, activation, he_normal_
from fastres.models.resnet import build_model
from fastres.models.structures import STRUCTURES
from fastres.theory.agreement import TOLERANCE, agree, distance, random_tensor


@expecting(CORRECTED)
def eq_residual_sum(evidence: Evidence) -> Finding:
    """Eq. (1), Y = X + F(X), in every block of a built network."""
    model = build_model("basic", 20, seed=0).double().eval()
    x = model.stem(random_tensor(2, 3, 32, 32))
    kept, exact = 0, True
    with torch.no_grad():
        for block in model.blocks:
            y = block(x)
            branch = block.conv2(block.f2(block.conv1(block.f1(x))))
            exact &= agree(y - branch, block.shortcut(x))
            kept += y.shape == x.shape and agree(y - branch, x)
            x = y
    changed = len(model.blocks) - kept
    return Finding(
        judge(exact and changed == 0, exact),
        f"Exact in {kept} of the {len(model.blocks)} blocks of a network of depth 20; the other {changed} change the "
        "width, where X + F(X) is undefined and Y = S(X) + F(X) holds with the parameter-free shortcut S.",
        {"blocks": len(model.blocks), "blocks that change the width": changed},
    )


@expecting(REPRODUCED)
def eq_conv_forward(evidence: Evidence) -> Finding:
    x, w, b = random_tensor(2, 3, 8, 8), random_tensor(5, 3, 3, 3, seed=1), random_tensor(5, seed=2)
    error = distance(theory.conv2d(x, w, b), F.conv2d(x, w, b, padding=1))
    text = "The sum, with zeros outside the map, is torch's convolution to within 1e-10."
    return Finding(judge(error <= TOLERANCE), text, {"largest error": error})


@expecting(CORRECTED)
def eq_conv_gradients(evidence: Evidence) -> Finding:
    """The printed sums run over one image and, for the input, over N output channels, N being the input count."""
    x, w, b = random_tensor(2, 3, 8, 8), random_tensor(5, 3, 3, 3, seed=1), random_tensor(5, seed=2)
    grad_y, n = random_tensor(2, 5, 8, 8, seed=3), x.shape[1]
    tensors = [tensor.requires_grad_() for tensor in (x, w, b)]
    exact = torch.autograd.grad(F.conv2d(*tensors, padding=1), tensors, grad_y)
    x, w = x.detach(), w.detach()
    corrected = theory.conv2d_gradients(x, w, grad_y)
    printed_x = theory.conv2d_gradients(x, w[:n], grad_y[:, :n])[0]
    _, printed_w, printed_b = theory.conv2d_gradients(x[:1], w, grad_y[:1])
    printed = all(agree(*pair) for pair in zip((printed_x, printed_w, printed_b), exact, strict=True))
    right = all(agree(*pair) for pair in zip(corrected, exact, strict=True))
    return Finding(
        judge(printed, right),
        "The printed sums are those of one image; for a batch, the gradients of weights and biases also sum over its "
        "images. The sum for the input must run over the output channels, not over N, the number of input channels. "
        "So corrected, all three agree with automatic differentiation to within 1e-10.",
        {"error of the printed input gradient": distance(printed_x, exact[0])},
    )


@expecting(REPRODUCED)
def eq_relu(evidence: Evidence) -> Finding:
    """Eq. (4) as this package computes it, against max(0, x) number by number, and torch's ReLU."""
    x = torch.cat([random_tensor(1000), torch.zeros(1, dtype=torch.float64)])
    expected = torch.tensor([max(0.0, value) for value in x.tolist()], dtype=torch.float64)
    error = max(distance(expected, f(x)) for f in (theory.relu, torch.relu))
    numbers = {"values": len(x), "negative values": int((x < 0).sum()), "largest error": error}
    return Finding(judge(error == 0), "Eq. (4) and torch's ReLU both are max(0, x) exactly.", numbers)


@expecting(REPRODUCED)
def eq_relu_last(evidence: Evidence) -> Finding:
    """What a block adds to its input, Y - X, its activations before (as in the paper) or after its convolutions."""
    x, block = random_tensor(4, 16, 8, 8), ResidualBlock(STRUCTURES["basic"], 16, 16)
    he_normal_(block, torch.Generator().manual_seed(1))
    block.double()
    branch = nn.Sequential(block.conv1, activation("bn-relu", 16), block.conv2, activation("bn-relu", 16)).double()
    before, after = (block(x) - x).detach(), (x + branch(x) - x).detach()
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
        numbers,
    )


@expecting(CORRECTED)
def eq_batch_norm(evidence: Evidence) -> Finding:
    x, norm = random_tensor(4, 3, 8, 8), nn.BatchNorm2d(3).double()
    nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(1))
    exact = norm(x).detach()
    gamma, beta = norm.weight.detach(), norm.bias.detach()
    printed, corrected = (theory.batch_norm(x, gamma, beta, eps) for eps in (0.0, norm.eps))
    return Finding(
        judge(agree(printed, exact), agree(corrected, exact)),
        f"torch adds {norm.eps:g} to the variance under the root and takes the biased variance; with these the formula "
        f"agrees to within 1e-10, as printed it is off by {distance(printed, exact):.0e} here.",
        {"eps": norm.eps, "error as printed": distance(printed, exact)},
    )


@expecting(NOT_REPRODUCED)
def eq_bn_keeps_shape(evidence: Evidence) -> Finding:
    """Skewness and excess kurtosis of an exponential sample before and after BN; a normal distribution has 0, 0."""
    x = torch.zeros(64, 1, 32, 32, dtype=torch.float64).exponential_(generator=torch.Generator().manual_seed(0))
    y = nn.BatchNorm2d(1).double()(x).detach()
    before, after = _shape(x), _shape(y)
    unchanged = max(abs(a - b) for a, b in zip(before, after, strict=True)) < 1e-6
    closer = all(abs(a) < 0.5 * abs(b) for a, b in zip(after, before, strict=True))
    return Finding(
        NOT_REPRODUCED if unchanged else judge(closer),
        f"Normalising an exponential sample leaves its skewness at {after[0]:.2f} and its excess kurtosis at "
        f"{after[1]:.1f}, where a normal distribution has 0 and 0: an affine map changes mean and spread only.",
        {"skewness": after[0], "excess kurtosis": after[1]},
    )


def _shape(x: Tensor) -> tuple[float, float]:
    z = (x - x.mean()) / x.std(correction=0)
    return float((z**3).mean()), float((z**4).mean()) - 3


@expecting(REPRODUCED)
def eq_block(evidence: Evidence, structures: list[str]) -> Finding:
    """Eqs. (6) to (8): built blocks, given biases and batch statistics, against the equations by hand."""
    parts = []
    for structure in structures:
        x = random_tensor(4, 8, 8, 8)
        block = ResidualBlock(STRUCTURES[structure], 8, 8).double()
        for seed, conv in enumerate((block.conv1, block.conv2), start=1):
            conv.bias = nn.Parameter(random_tensor(8, seed=seed))
        y = x
        for f, conv in ((block.f1, block.conv1), (block.f2, block.conv2)):
            if not isinstance(f, nn.Identity):
                y = theory.relu(theory.batch_norm(y, f[0].weight, f[0].bias, f[0].eps))
            y = theory.conv2d(y, conv.weight, conv.bias)
        error = distance(x + y, block(x))
        text, numbers = f"{structure}: equal to within 1e-10.", {f"largest error {structure}": error}
        parts.append(Finding(judge(error <= TOLERANCE), text, numbers))
    return combine(parts)


@expecting(REPRODUCED)
def eq_conv_is_affine(evidence: Evidence) -> Finding:
    x, z = random_tensor(2, 3, 8, 8), random_tensor(2, 3, 8, 8, seed=4)
    w, b = random_tensor(5, 3, 3, 3, seed=1), random_tensor(5, seed=2)

    def error(bias: Tensor | None) -> float:
        def conv(x: Tensor) -> Tensor:
            return F.conv2d(x, w, bias, padding=1) - F.conv2d(torch.zeros_like(x), w, bias, padding=1)

        return max(distance(conv(x + z), conv(x) + conv(z)), distance(conv(3 * x), 3 * conv(x)))

    errors = {"largest error without bias": error(None), "largest error with bias": error(b)}
    return Finding(
        judge(max(errors.values()) <= TOLERANCE),
        "A convolution is additive and homogeneous to within 1e-10, once its value at zero (its bias) is taken off. It "
        "is affine exactly, not nearly, and linear where the bias is zero.",
        errors,
    )
