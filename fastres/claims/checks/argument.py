"""The argument of Section 2.2, Eqs. (9) to (13), tried on random blocks in float64.

Its premise is that the inputs X of a block are positive, in training, where BN takes its statistics from X. Each
statement is tried under that premise as printed, then with the corrected fold; where it fails, under the condition
that makes it hold: that the normalised values BN(X) are not negative, and where needed that statistics are frozen.
"""

import torch
from torch import Tensor, nn

from fastres import theory
from fastres.claims.check import check
from fastres.claims.checks.blocks import activated, as_equation
from fastres.claims.evidence import Evidence
from fastres.claims.finding import CORRECTED, NOT_REPRODUCED, WRONG, Finding, judge
from fastres.models.blocks import ResidualBlock, batch_norms, build_block
from fastres.theory.agreement import TOLERANCE, agree, distance, random_tensor
from fastres.theory.linearity import best_affine

CHANNELS, SIZE = 6, 12  # of the random blocks and maps
NEARLY = 0.05  # share of the variance that a nearly affine map may leave unexplained


def random_block(structure: str, frozen: bool = False) -> ResidualBlock:
    """A block of both biases, its weights, scales, shifts and running statistics all random; frozen uses the latter."""
    generator = torch.Generator().manual_seed(0)
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
    """Shift the first BN so that BN(x) is nowhere negative: what the argument needs and the premise does not give."""
    norm = batch_norms(block.f1)[0]
    norm.bias -= norm(x).amin(dim=(0, 2, 3))


def first_affine(block: ResidualBlock, x: Tensor) -> tuple[Tensor, Tensor]:
    """(scale, shift) with BN(x) = scale x + shift, by the statistics that the block's first BN uses."""
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
    block, x = random_block("basic"), positive_inputs()
    norm = batch_norms(block.f1)[0]
    y = block.f1(x)
    printed = agree(y, x * per_channel(norm.weight) + per_channel(norm.bias))
    left = 1 - best_affine(x, y).r2
    offset_is_removed = agree(block.f1(x + 30), y)
    return Finding(
        under_conditions(printed, left <= NEARLY, offset_is_removed and agree(y, activated(x, norm))),
        f"Of positive inputs the best affine map per channel leaves {100 * left:.0f} % of the activation's variance "
        "unexplained. That they are positive does not bear on it: BN(X + c) = BN(X), so any offset is removed before "
        "the ReLU.",
        numbers={"unexplained share": left, "error as printed": distance(y, x * per_channel(norm.weight))},
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
    """What a simplified-1 block gives that has basic's second half and the folded first convolution."""
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


@check(explains=WRONG)
def eq_equal_at_unit_affine(evidence: Evidence) -> Finding:
    x, errors = positive_inputs(), {}
    faithful = True
    for frozen in (False, True):
        basic, other = random_block("basic", frozen), random_block("simplified-1", frozen)
        norm = batch_norms(basic.f1)[0]
        norm.weight.fill_(1)
        norm.bias.zero_()
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
        other.conv1, other.f2, other.conv2 = basic.conv1, basic.f2, basic.conv2
        faithful &= as_equation("basic", basic, x)
        errors["frozen" if frozen else "training"] = distance(basic(x), other(x))
        if not frozen:
            mean = float(norm(x).mean(dim=(0, 2, 3)).abs().max())
    return Finding(
        under_conditions(errors["training"] <= TOLERANCE, mean > TOLERANCE, faithful and errors["frozen"] <= TOLERANCE),
        "Not with scale 1 and shift 0: in training BN(X) then has mean 0 in every channel, so the ReLU cuts off "
        "part of it unless X is constant; equality with X forces X = 0. With frozen statistics it takes mean 0, "
        "variance 1 and inputs that are not negative.",
        numbers={f"error, {name}": error for name, error in errors.items()} | {"largest mean of BN(X)": mean},
    )


@check(explains=WRONG)
def eq_simplified_2_as_two_convs(evidence: Evidence) -> Finding:
    block, x = random_block("simplified-2"), positive_inputs()

    def two_convs(as_printed: bool) -> Tensor:
        middle = theory.conv2d(x, *folded(block, x, as_printed))
        return x + theory.conv2d(middle, block.conv2.weight, block.conv2.bias)

    faithful = as_equation("simplified-2", block, x)
    error = distance(block(x), two_convs(as_printed=True))
    corrected = agree_inside(block(x), two_convs(as_printed=False))
    make_nonnegative(block, x)
    conditions = faithful and agree_inside(block(x), two_convs(as_printed=False))
    return Finding(
        under_conditions(error <= TOLERANCE, corrected, conditions),
        "For positive inputs the two forms differ, with the corrected fold too. They agree to within 1e-10 only where "
        "BN(X) is not negative, away from the two outermost pixels.",
        numbers={"error as printed": error},
    )


@check(explains=CORRECTED)
def eq_compose_convs(evidence: Evidence) -> Finding:
    """At strides 1 and 2 of the first convolution, as in the network, and which kernels a pair reaches."""
    x, channels = random_tensor(2, 3, SIZE, SIZE), 2
    w1, b1 = random_tensor(4, 3, 3, 3, seed=1), random_tensor(4, seed=2)
    w2, b2 = random_tensor(5, 4, 3, 3, seed=3), random_tensor(5, seed=4)
    whole, right, five = {}, True, None
    for stride in (1, 2):
        steps = theory.conv2d(theory.conv2d(x, w1, b1, stride), w2, b2)
        composed = theory.conv2d(x, *theory.compose_convs(w1, b1, w2, b2, stride), stride)
        whole[stride] = distance(composed, steps)
        right &= agree_inside(composed, steps, 1)
        right &= agree(composed + theory.border_correction(x, w1, b1, w2, b2, stride), steps)
        five = theory.conv2d(x, *theory.compose_convs(w1, b1, w2, b2), stride)
    reached, kernels = theory.reachable_dimension(channels), 25 * channels**2
    printed = max(whole.values()) <= TOLERANCE and agree_inside(five, steps, 1) and reached == kernels
    return Finding(
        judge(printed, right and reached == 17 * channels**2, NOT_REPRODUCED),
        "With a sum over the middle channels, which is not printed, it is exact in the interior. On the one-pixel "
        "border it is not, as the map between the two is padded with zeros (the difference is known in closed form); "
        "where the first convolution has stride 2 the single kernel is 7x7, not 5x5. Two 3x3 kernels of C channels "
        "reach 17 of the 25 C^2 dimensions of a 5x5 kernel.",
        numbers={
            "border error, stride 1": whole[1],
            "border error, stride 2": whole[2],
            f"dimensions reached, of {kernels}": reached,
        },
    )


@check(explains=WRONG)
def eq_simplified_2_as_one_conv(evidence: Evidence) -> Finding:
    block, x = random_block("simplified-2"), positive_inputs()
    pair = block.conv2.weight, block.conv2.bias

    def one_conv(as_printed: bool) -> Tensor:
        return x + theory.conv2d(x, *theory.compose_convs(*folded(block, x, as_printed), *pair))

    error = distance(block(x), one_conv(as_printed=True))
    corrected = agree_inside(block(x), one_conv(as_printed=False))
    five = theory.compose_convs(block.conv1.weight, block.conv1.bias, *pair)
    remains = agree_inside(block(x), x + theory.conv2d(block.f1(x), *five))
    faithful = as_equation("simplified-2", block, x)
    make_nonnegative(block, x)
    conditions = faithful and remains and agree_inside(block(x), one_conv(as_printed=False))
    return Finding(
        under_conditions(error <= TOLERANCE, corrected, conditions),
        "For positive inputs the block is X plus one 5x5 convolution of ReLU(BN(X)), not of X: a ReLU remains, which "
        "is what the statement denies. It disappears only where BN(X) is not negative, and then in the interior at "
        "stride 1.",
        numbers={"error as printed": error},
    )
