"""The argument of Section 2.2, Eqs. (9) to (13), tried on random blocks in float64 with fixed BN statistics."""

import torch
from torch import Tensor, nn

from fastres import theory
from fastres.claims.finding import CORRECTED, Evidence, Finding, expecting, judge
from fastres.models.blocks import ResidualBlock, batch_norms
from fastres.models.structures import STRUCTURES
from fastres.theory.agreement import TOLERANCE, agree, distance, random_tensor

CHANNELS, SIZE = 6, 12  # of the random blocks and maps


def random_block(structure: str, seed: int = 0) -> ResidualBlock:
    """A block of both biases, in evaluation mode, its statistics, scales and shifts all random."""
    generator = torch.Generator().manual_seed(seed)
    block = ResidualBlock(STRUCTURES[structure], CHANNELS, CHANNELS).double().eval().requires_grad_(False)
    for conv in (block.conv1, block.conv2):
        nn.init.normal_(conv.weight, std=0.2, generator=generator)
        conv.bias = nn.Parameter(torch.randn(CHANNELS, generator=generator, dtype=torch.float64), requires_grad=False)
    for norm in batch_norms(block):
        for tensor in (norm.weight, norm.running_var):
            tensor.uniform_(0.5, 2, generator=generator)
        for tensor in (norm.bias, norm.running_mean):
            tensor.normal_(generator=generator)
    return block


def first_affine(block: ResidualBlock) -> tuple[Tensor, Tensor]:
    """(scale, shift) of the block's first BN with its running statistics: BN(x) = scale x + shift."""
    norm = block.f1[0]
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias - scale * norm.running_mean


def inputs(block: ResidualBlock) -> tuple[Tensor, Tensor]:
    """Any input, and one that the block's first BN makes non-negative."""
    scale, shift = first_affine(block)
    anything = random_tensor(2, CHANNELS, SIZE, SIZE, seed=5)
    return anything, (anything.abs() - shift.view(1, -1, 1, 1)) / scale.view(1, -1, 1, 1)


def interior(x: Tensor, margin: int) -> Tensor:
    return x[..., margin:-margin, margin:-margin]


@expecting(CORRECTED)
def eq_activation_affine(evidence: Evidence) -> Finding:
    block = random_block("basic")
    scale, shift = first_affine(block)
    gamma, beta = block.f1[0].weight, block.f1[0].bias
    anything, suitable = inputs(block)
    positive = anything.abs()

    def affine(x: Tensor, factor: Tensor, constant: Tensor) -> Tensor:
        return x * factor.view(1, -1, 1, 1) + constant.view(1, -1, 1, 1)

    printed = agree(block.f1(positive), affine(positive, gamma, beta))
    corrected = agree(block.f1(suitable), affine(suitable, scale, shift))
    return Finding(
        judge(printed, corrected),
        "For positive inputs the printed map gamma X + beta does not hold: BN first subtracts the mean and divides by "
        "the deviation, and positive inputs do not stay positive. Where BN(X) is not negative, the activation is "
        "exactly affine, with scale gamma / sigma and shift beta - gamma mu / sigma.",
        {"error as printed": distance(block.f1(positive), affine(positive, gamma, beta))},
    )


@expecting(CORRECTED)
def eq_fold_affine(evidence: Evidence) -> Finding:
    x, w = random_tensor(2, CHANNELS, SIZE, SIZE), random_tensor(CHANNELS, CHANNELS, 3, 3, seed=1)
    b, scale, shift = (random_tensor(CHANNELS, seed=seed) for seed in (2, 3, 4))
    steps = theory.conv2d(x * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1), w, b)
    printed = theory.conv2d(x, *theory.fold_affine_as_printed(w, b, scale, shift))
    folded = theory.conv2d(x, *theory.fold_affine(w, b, scale, shift))
    exact = theory.conv_of_affine(x, w, b, scale, shift)
    after = theory.conv2d(x, w, b) * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)
    corrected = agree(interior(folded, 1), interior(steps, 1)) and agree(exact, steps) and agree(printed, after)
    return Finding(
        judge(agree(printed, steps), corrected),
        "The printed fold is that of an affine map after the convolution. The map stands before it: the scale "
        "multiplies the weights per input channel, and each bias gains the shifts times the kernel's sums. This is "
        "exact in the interior; on the zero-padded border the sums run over the taps inside the map only.",
        {"error as printed": distance(printed, steps), "border error of the fold": distance(folded, steps)},
    )


def _folded(block: ResidualBlock, as_printed: bool) -> tuple[Tensor, Tensor]:
    """The first convolution with the first BN folded in: as the paper prints it, or as it should be."""
    if as_printed:
        norm = block.f1[0]
        return theory.fold_affine_as_printed(block.conv1.weight, block.conv1.bias, norm.weight, norm.bias)
    return theory.fold_affine(block.conv1.weight, block.conv1.bias, *first_affine(block))


def _as_simplified_1(block: ResidualBlock, x: Tensor, as_printed: bool) -> Tensor:
    """What a simplified-1 block gives that has basic's second half and the folded first convolution."""
    other = random_block("simplified-1")
    other.f2, other.conv2 = block.f2, block.conv2
    weight, bias = _folded(block, as_printed)
    other.conv1.weight.copy_(weight)
    other.conv1.bias.copy_(bias)
    return other(x)


@expecting(CORRECTED)
def eq_basic_as_simplified_1(evidence: Evidence) -> Finding:
    block = random_block("basic")
    anything, suitable = inputs(block)
    printed = agree(block(anything), _as_simplified_1(block, anything, as_printed=True))
    pairs = block(suitable), _as_simplified_1(block, suitable, as_printed=False)
    corrected = agree(*(interior(y, 2) for y in pairs))
    return Finding(
        judge(printed, corrected),
        "For any input the blocks differ. With the corrected fold they agree to within 1e-10 where BN(X) is not "
        "negative, away from the two outermost pixels.",
        {"error on the border": distance(*pairs)},
    )


@expecting(CORRECTED)
def eq_equal_at_unit_affine(evidence: Evidence) -> Finding:
    basic, other = random_block("basic"), random_block("simplified-1")
    norm = basic.f1[0]
    norm.weight.fill_(1)
    norm.bias.zero_()
    other.conv1, other.f2, other.conv2 = basic.conv1, basic.f2, basic.conv2
    x = inputs(basic)[0]
    error = distance(basic(x), other(x))
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
    corrected = agree(basic(x.abs()), other(x.abs())) and not agree(basic(x), other(x))
    return Finding(
        judge(error <= TOLERANCE, corrected),
        "Not with scale 1 and shift 0 alone: the first activation still subtracts the mean, divides by the deviation "
        "and cuts off negative values. The blocks are equal if also the mean is 0, the variance 1 and no input "
        "negative.",
        {"error as printed": error},
    )


@expecting(CORRECTED)
def eq_simplified_2_as_two_convs(evidence: Evidence) -> Finding:
    block = random_block("simplified-2")
    anything, suitable = inputs(block)

    def two_convs(x: Tensor, as_printed: bool) -> Tensor:
        middle = theory.conv2d(x, *_folded(block, as_printed))
        return x + theory.conv2d(middle, block.conv2.weight, block.conv2.bias)

    error = distance(block(anything), two_convs(anything, as_printed=True))
    corrected = agree(*(interior(y, 2) for y in (block(suitable), two_convs(suitable, as_printed=False))))
    return Finding(
        judge(error <= TOLERANCE, corrected),
        "For any input the two forms differ. With the corrected fold they agree to within 1e-10 where BN(X) is not "
        "negative, away from the two outermost pixels.",
        {"error as printed": error},
    )


@expecting(CORRECTED)
def eq_compose_convs(evidence: Evidence) -> Finding:
    """At strides 1 and 2 of the first convolution, as in the blocks of the network."""
    x = random_tensor(2, 3, SIZE, SIZE)
    w1, b1 = random_tensor(4, 3, 3, 3, seed=1), random_tensor(4, seed=2)
    w2, b2 = random_tensor(5, 4, 3, 3, seed=3), random_tensor(5, seed=4)
    whole, inside, five = {}, {}, None
    for stride in (1, 2):
        steps = theory.conv2d(theory.conv2d(x, w1, b1, stride), w2, b2)
        composed = theory.conv2d(x, *theory.compose_convs(w1, b1, w2, b2, stride), stride)
        whole[stride] = distance(composed, steps)
        inside[stride] = agree(interior(composed, 1), interior(steps, 1))
        five = theory.conv2d(x, *theory.compose_convs(w1, b1, w2, b2), stride)
    stride_2_is_five = agree(interior(five, 1), interior(steps, 1))
    return Finding(
        judge(max(whole.values()) <= 1e-10 and stride_2_is_five, all(inside.values())),
        "With a sum over the middle channels, which is not printed, it is exact in the interior. On the one-pixel "
        "border it is not, as the map between the two is padded with zeros; and where the first convolution has "
        "stride 2 the single kernel is 7x7, not 5x5.",
        {"border error, stride 1": whole[1], "border error, stride 2": whole[2]},
    )


@expecting(CORRECTED)
def eq_simplified_2_as_one_conv(evidence: Evidence) -> Finding:
    block = random_block("simplified-2")
    anything = inputs(block)[0]
    w1, b1 = _folded(block, as_printed=True)
    pair = block.conv2.weight, block.conv2.bias
    printed = anything + theory.conv2d(anything, *theory.compose_convs(w1, b1, *pair))
    five = theory.compose_convs(block.conv1.weight, block.conv1.bias, *pair)
    corrected = anything + theory.conv2d(block.f1(anything), *five)
    exact = block(anything)
    return Finding(
        judge(agree(printed, exact), agree(interior(corrected, 1), interior(exact, 1))),
        "The block is X plus one 5x5 convolution of ReLU(BN(X)), not of X: a ReLU remains. It holds to within 1e-10 in "
        "the interior at stride 1.",
        {"error as printed": distance(printed, exact)},
    )
