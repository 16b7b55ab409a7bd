"""The argument of Section 2.2, Eqs. (9) and (10), and what it shares with (11) to (13), on random float64 blocks.

Its premise is that the inputs X of a block are positive, in training, where BN takes its statistics from X. Each
statement is tested under that premise as printed, then with the corrected fold; where it fails, under the condition
that makes it hold: the normalised values BN(X) are not negative and, where needed, the statistics are frozen.
"""

import numpy as np
import torch
from torch import Tensor, nn

from fastres import theory
from fastres.claims.check import check
from fastres.claims.checks.blocks import activated, as_equation
from fastres.claims.evidence import Evidence
from fastres.claims.finding import NOT_REPRODUCED, WRONG, Finding, judge
from fastres.models.blocks import ResidualBlock, batch_norms, build_block
from fastres.theory.agreement import TOLERANCE, agree, distance, random_tensor
from fastres.theory.linearity import best_affine

CHANNELS, SIZE = 6, 12  # of the random blocks and maps
BLOCKS = 20  # random blocks whose first activations are tried
NEARLY = 0.05  # share of the variance that a nearly affine map may leave unexplained


def random_block(structure: str, frozen: bool = False, seed: int = 0) -> ResidualBlock:
    """A block with random weights, biases, scales, shifts and running statistics; frozen: it uses the latter."""
    generator = torch.Generator().manual_seed(seed)
    block = build_block(structure, CHANNELS, CHANNELS).double().train(not frozen).requires_grad_(False)
    for conv in (block.conv1, block.conv2):
        nn.init.normal_(conv.weight, std=0.2, generator=generator)
        conv.bias = nn.Parameter(torch.randn(CHANNELS, generator=generator, dtype=torch.float64), requires_grad=False)
    for norm in batch_norms(block):
        for tensor in (norm.weight, norm.running_var):
            tensor.uniform_(0.5, 2, generator=generator)
        for tensor in (norm.bias, norm.running_mean):
            tensor.normal_(generator=generator)
    return block


def positive_inputs() -> Tensor:
    """The paper's premise."""
    return random_tensor(2, CHANNELS, SIZE, SIZE, seed=5).abs() + 1


def make_nonnegative(block: ResidualBlock, x: Tensor) -> None:
    """Shift the first BN so that BN(x) is nowhere negative, as the argument needs and the premise does not imply."""
    norm = batch_norms(block.f1)[0]
    norm.bias -= norm(x).amin(dim=(0, 2, 3))


def first_affine(block: ResidualBlock, x: Tensor) -> tuple[Tensor, Tensor]:
    """(scale, shift) with BN(x) = scale x + shift, from the statistics that the block's first BN uses."""
    norm = batch_norms(block.f1)[0]
    if norm.training:
        return theory.batch_norm_affine(x, norm.weight, norm.bias, norm.eps)
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias - scale * norm.running_mean


def folded(block: ResidualBlock, x: Tensor, as_printed: bool) -> tuple[Tensor, Tensor]:
    """The first convolution with the first BN folded in: as the paper prints it, or as it should be."""
    if as_printed:
        norm = batch_norms(block.f1)[0]
        return theory.fold_affine_as_printed(block.conv1.weight, block.conv1.bias, norm.weight, norm.bias)
    return theory.fold_affine(block.conv1.weight, block.conv1.bias, *first_affine(block, x))


def per_channel(values: Tensor) -> Tensor:
    return values.view(1, -1, 1, 1)


def interior(x: Tensor, margin: int) -> Tensor:
    return x[..., margin:-margin, margin:-margin]


def agree_inside(first: Tensor, second: Tensor, margin: int = 2) -> bool:
    return agree(interior(first, margin), interior(second, margin))


def under_conditions(printed: bool, corrected: bool, conditions: bool) -> str:
    """Wrong as stated where it takes the conditions; not reproduced where our blocks do not show even that."""
    return judge(printed, corrected, WRONG if conditions else NOT_REPRODUCED)


@check(explains=WRONG)
def eq_activation_affine(evidence: Evidence) -> Finding:
    x, left, errors, conditions = positive_inputs(), [], [], True
    for seed in range(BLOCKS):
        block = random_block("basic", seed=seed)
        norm = batch_norms(block.f1)[0]
        y = block.f1(x)
        errors.append(distance(y, x * per_channel(norm.weight) + per_channel(norm.bias)))
        left.append(1 - best_affine(x, y).r2)
        conditions &= agree(block.f1(x + 30), y) and agree(y, activated(x, norm))
    conditions &= sum(share > NEARLY for share in left) > BLOCKS / 2
    return Finding(
        under_conditions(max(errors) <= TOLERANCE, max(left) <= NEARLY, conditions),
        f"Of positive inputs the best affine map per channel leaves {100 * min(left):.0f} to {100 * max(left):.0f} % "
        f"of the activation's variance unexplained, by the scales and shifts of {BLOCKS} random blocks. That the "
        "inputs are positive does not bear on it: BN(X + c) = BN(X), so any offset is removed before the ReLU.",
        numbers={"unexplained share, median": float(np.median(left)), "least error as printed": min(errors)},
    )


@check(explains=WRONG)
def eq_fold_affine(evidence: Evidence) -> Finding:
    x, w = random_tensor(2, CHANNELS, SIZE, SIZE), random_tensor(CHANNELS, CHANNELS, 3, 3, seed=1)
    b, scale, shift = (random_tensor(CHANNELS, seed=seed) for seed in (2, 3, 4))
    steps = theory.conv2d(x * per_channel(scale) + per_channel(shift), w, b)
    printed = theory.conv2d(x, *theory.fold_affine_as_printed(w, b, scale, shift))
    by_input = theory.conv2d(x, w * per_channel(scale), scale * b + shift)
    fold = theory.conv2d(x, *theory.fold_affine(w, b, scale, shift))
    after = theory.conv2d(x, w, b) * per_channel(scale) + per_channel(shift)
    right = agree_inside(fold, steps, 1) and agree(theory.conv_of_affine(x, w, b, scale, shift), steps)
    return Finding(
        under_conditions(agree(printed, steps), agree_inside(by_input, steps, 1), right and agree(printed, after)),
        "The printed fold is that of an affine map after the convolution. The map stands before it: the scale "
        "multiplies the weights per input channel, and each bias gains the shifts times the kernel's sums, another "
        "formula than the printed one. This is exact in the interior; on the zero-padded border the sums run over the "
        "taps inside the map only.",
        numbers={"error as printed": distance(printed, steps), "border error of the fold": distance(fold, steps)},
    )


def as_simplified_1(block: ResidualBlock, x: Tensor, as_printed: bool) -> Tensor:
    """Output of a simplified-1 block with the second half of `block` and its folded first convolution."""
    other = random_block("simplified-1", frozen=not block.training)
    other.f2, other.conv2 = block.f2, block.conv2
    weight, bias = folded(block, x, as_printed)
    other.conv1.weight.copy_(weight)
    other.conv1.bias.copy_(bias)
    return other(x)


@check(explains=WRONG)
def eq_basic_as_simplified_1(evidence: Evidence) -> Finding:
    x, training, frozen = positive_inputs(), random_block("basic"), random_block("basic", frozen=True)
    faithful = as_equation("basic", training, x) and as_equation("basic", frozen, x)
    printed = agree(training(x), as_simplified_1(training, x, as_printed=True))
    corrected = agree_inside(training(x), as_simplified_1(training, x, as_printed=False))
    errors = {}
    for name, block in (("training", training), ("frozen", frozen)):
        make_nonnegative(block, x)
        errors[name] = distance(*(interior(y, 2) for y in (block(x), as_simplified_1(block, x, as_printed=False))))
    conditions = faithful and errors["frozen"] <= TOLERANCE < errors["training"]
    return Finding(
        under_conditions(printed, corrected, conditions),
        "For positive inputs the blocks differ, with the corrected fold too. Where BN(X) is not negative they agree to "
        "within 1e-10, away from the two outermost pixels, only with frozen statistics: in training, the second BN's "
        f"batch statistics carry the border inward (interior error {errors['training']:.2g} here).",
        numbers={f"interior error, {name}": error for name, error in errors.items()},
    )


def checkerboard(eps: float) -> Tensor:
    """Channels of two values, 0 and c, half each: max(0, BN(X)) = X, as c = (c - c / 2) / sqrt(c^2 / 4 + eps)."""
    fields = (torch.arange(SIZE).view(-1, 1) + torch.arange(SIZE)) % 2
    return (1 - 4 * eps) ** 0.5 * fields.double().expand(2, CHANNELS, SIZE, SIZE)


@check(explains=WRONG)
def eq_equal_at_unit_affine(evidence: Evidence) -> Finding:
    errors, faithful = {}, True
    for frozen in (False, True):
        basic, other = random_block("basic", frozen), random_block("simplified-1", frozen)
        norm = batch_norms(basic.f1)[0]
        norm.weight.fill_(1)
        norm.bias.zero_()
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
        other.conv1, other.f2, other.conv2 = basic.conv1, basic.f2, basic.conv2
        x = positive_inputs()
        inputs = (
            {"frozen statistics": x}
            if frozen
            else {"positive inputs": x, "normalised inputs": norm(x), "two-valued inputs": checkerboard(norm.eps)}
        )
        for name, x in inputs.items():
            faithful &= as_equation("basic", basic, x)
            errors[name] = distance(basic(x), other(x))
    printed, normalised, by_two_values, with_frozen = (error <= TOLERANCE for error in errors.values())
    return Finding(
        under_conditions(printed, normalised, faithful and by_two_values and with_frozen),
        "Not with scale 1 and shift 0 alone: it takes mean 0 and variance 1 too, and an input with such statistics has "
        "negative values, which the ReLU cuts off. In training only channels of two values, 0 and one other, pass the "
        "first activation unchanged; else it takes statistics frozen at mean 0 and variance 1, and inputs that are not "
        "negative.",
        numbers={f"error, {name}": error for name, error in errors.items()},
    )
