"""Convolution, ReLU and batch normalisation, Eqs. (3) to (5) and what is said of them, on random float64 tensors."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastres import theory
from fastres.claims.check import check
from fastres.claims.evidence import Evidence
from fastres.claims.finding import CORRECTED, NOT_REPRODUCED, REPRODUCED, WRONG, Finding, judge
from fastres.models.blocks import activation
from fastres.theory.agreement import TOLERANCE, agree, distance, random_tensor


def conv_tensors() -> tuple[Tensor, Tensor, Tensor]:
    """x, w, b of a 3x3 convolution of two images from 3 to 5 channels."""
    return random_tensor(2, 3, 8, 8), random_tensor(5, 3, 3, 3, seed=1), random_tensor(5, seed=2)


def positive_part(x: Tensor) -> Tensor:
    """max(0, x), number by number in plain Python."""
    return torch.tensor([max(0.0, value) for value in x.flatten().tolist()], dtype=x.dtype).view_as(x)


@check(explains=REPRODUCED)
def eq_conv_forward(evidence: Evidence) -> Finding:
    x, w, b = conv_tensors()
    error = distance(theory.conv2d(x, w, b), F.conv2d(x, w, b, padding=1))
    text = "The sum, with zeros outside the map, is torch's convolution to within 1e-10."
    return Finding(judge(error <= TOLERANCE), text, numbers={"largest error": error})


@check(explains=CORRECTED)
def eq_conv_gradients(evidence: Evidence) -> Finding:
    """The printed sums run over one image and, for the input, over N output channels, N being the input count."""
    x, w, b = conv_tensors()
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
        numbers={"error of the printed input gradient": distance(printed_x, exact[0])},
    )


@check(explains=REPRODUCED)
def eq_conv_is_affine(evidence: Evidence) -> Finding:
    """Additivity after the value at zero is subtracted (affine), and what a bias leaves of it: the bias itself."""
    (x, w, b), z = conv_tensors(), random_tensor(2, 3, 8, 8, seed=4)

    def defect(bias: Tensor) -> Tensor:
        sums, parts = theory.conv2d(x + z, w, bias), theory.conv2d(x, w, bias) + theory.conv2d(z, w, bias)
        return sums - parts

    at_zero = theory.conv2d(torch.zeros_like(x), w, b)
    scaled = distance(theory.conv2d(3 * x, w, b) - at_zero, 3 * (theory.conv2d(x, w, b) - at_zero))
    numbers = {"affine, largest error": max(scaled, distance(defect(b), -at_zero))}
    for size in (1.0, 1e-3, 0.0):
        numbers[f"departure from linearity, bias times {size:g}"] = float(defect(size * b).abs().max())
        numbers[f"departure less bias times {size:g}"] = distance(defect(size * b), -size * at_zero)
    right = max(value for name, value in numbers.items() if not name.startswith("departure from")) <= TOLERANCE
    return Finding(
        judge(right),
        "A convolution is affine, exactly. It departs from linearity by its bias, so that it is linear where the bias "
        "is 0 and nearly so where it is small.",
        numbers=numbers,
    )


@check(explains=REPRODUCED)
def eq_relu(evidence: Evidence) -> Finding:
    """Eq. (4) as this package computes it, as its networks apply it, and as torch does, against max(0, x)."""
    x = torch.cat([random_tensor(1000), torch.zeros(1, dtype=torch.float64)])
    error = max(distance(positive_part(x), f(x)) for f in (theory.relu, activation("relu", 1), torch.relu))
    numbers = {"values": len(x), "negative values": int((x < 0).sum()), "largest error": error}
    return Finding(judge(error == 0), "Eq. (4) and torch's ReLU both are max(0, x) exactly.", numbers=numbers)


@check(explains=CORRECTED)
def eq_batch_norm(evidence: Evidence) -> Finding:
    x, norm = random_tensor(4, 3, 8, 8), activation("bn", 3).double()
    nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(1))
    exact = norm(x).detach()
    gamma, beta = norm.weight.detach(), norm.bias.detach()
    printed, corrected = (theory.batch_norm(x, gamma, beta, eps) for eps in (0.0, norm.eps))
    return Finding(
        judge(agree(printed, exact), agree(corrected, exact)),
        f"torch adds {norm.eps:g} to the variance under the root and takes the biased variance; with these the formula "
        f"agrees to within 1e-10, as printed it is off by {distance(printed, exact):.0e} here.",
        numbers={"eps": norm.eps, "error as printed": distance(printed, exact)},
    )


@check(explains=WRONG)
def eq_bn_keeps_shape(evidence: Evidence) -> Finding:
    """Skewness and excess kurtosis of an exponential sample before and after BN; a normal distribution has 0, 0."""
    x = torch.zeros(16, 1, 32, 32, dtype=torch.float64).exponential_(generator=torch.Generator().manual_seed(0))
    y = activation("bn", 1).double()(x).detach()
    before, after = _shape(x), _shape(y)
    unchanged = max(abs(a - b) for a, b in zip(before, after, strict=True)) < 1e-6
    closer = all(abs(a) < 0.5 * abs(b) for a, b in zip(after, before, strict=True))
    return Finding(
        WRONG if unchanged else judge(closer, otherwise=NOT_REPRODUCED),
        f"Normalising an exponential sample leaves its skewness at {after[0]:.2f} and its excess kurtosis at "
        f"{after[1]:.1f}, where a normal distribution has 0 and 0: an affine map changes mean and spread only.",
        numbers={"skewness": after[0], "excess kurtosis": after[1]},
    )


def _shape(x: Tensor) -> tuple[float, float]:
    z = (x - x.mean()) / x.std(correction=0)
    return float((z**3).mean()), float((z**4).mean()) - 3


@check(explains=CORRECTED)
def bn_parameters_learned(evidence: Evidence) -> Finding:
    """Whether the forward pass of a training step sets scale and shift, or the gradient step alone does.

    By hand: the gradient of the scale is the sum of g x', that of the shift the sum of g, where g is the gradient of
    the output and x' the normalised input.
    """
    x, g, norm = random_tensor(4, 3, 8, 8), random_tensor(4, 3, 8, 8, seed=1), activation("bn", 3).double()
    (norm(x) * g).sum().backward()
    after_forward = torch.cat([norm.weight, norm.bias]).detach().clone()
    torch.optim.SGD(norm.parameters(), lr=0.1).step()
    variance, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0, keepdim=True)
    normalised = (x - mean) / (variance + norm.eps).sqrt()
    by_hand = torch.cat([(g * normalised).sum(dim=(0, 2, 3)), g.sum(dim=(0, 2, 3))])
    start = torch.tensor([1.0] * 3 + [0.0] * 3, dtype=torch.float64)
    by_statistics = distance(after_forward, start)
    error = distance(torch.cat([norm.weight, norm.bias]), start - 0.1 * by_hand)
    return Finding(
        judge(by_statistics > TOLERANCE, error <= TOLERANCE),
        "Computing mean and variance leaves scale and shift as they are. A training step moves them by their own "
        "gradients, as it moves every other weight. That of the scale sums the normalised input, and so contains mean "
        "and variance: they enter, and do not set the values.",
        numbers={"change by the forward pass": by_statistics, "error of the gradient step by hand": error},
    )
