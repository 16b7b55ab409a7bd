"""The second half of the argument of Section 2.2, Eqs. (11) to (13): simplified-2 as two convolutions, then as one.

Eqs. (11) and (13) are tested given the first line of Eq. (9) (fastres.claims.checks.argument).
"""

from torch import Tensor

from fastres import theory
from fastres.claims.check import check
from fastres.claims.checks.argument import (
    SIZE,
    agree_inside,
    folded,
    make_nonnegative,
    positive_inputs,
    random_block,
)
from fastres.claims.checks.blocks import as_equation
from fastres.claims.evidence import Evidence
from fastres.claims.finding import CORRECTED, NOT_REPRODUCED, Finding, judge
from fastres.theory.agreement import TOLERANCE, agree, distance, random_tensor


@check(explains=CORRECTED)
def eq_simplified_2_as_two_convs(evidence: Evidence) -> Finding:
    block, x = random_block("simplified-2"), positive_inputs()
    faithful = as_equation("simplified-2", block, x)
    make_nonnegative(block, x)

    def two_convs(as_printed: bool) -> Tensor:
        middle = theory.conv2d(x, *folded(block, x, as_printed))
        return x + theory.conv2d(middle, block.conv2.weight, block.conv2.bias)

    error = distance(block(x), two_convs(as_printed=True))
    return Finding(
        judge(error <= TOLERANCE, faithful and agree_inside(block(x), two_convs(as_printed=False))),
        "Where BN(X) is not negative, block and two convolutions agree to within 1e-10 with the corrected fold, away "
        "from the two outermost pixels.",
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


@check(explains=CORRECTED)
def eq_simplified_2_as_one_conv(evidence: Evidence) -> Finding:
    block, x = random_block("simplified-2"), positive_inputs()
    pair = block.conv2.weight, block.conv2.bias
    five = theory.compose_convs(block.conv1.weight, block.conv1.bias, *pair)
    faithful = as_equation("simplified-2", block, x)
    remains = agree_inside(block(x), x + theory.conv2d(block.f1(x), *five))
    make_nonnegative(block, x)

    def one_conv(as_printed: bool) -> Tensor:
        return x + theory.conv2d(x, *theory.compose_convs(*folded(block, x, as_printed), *pair))

    error = distance(block(x), one_conv(as_printed=True))
    return Finding(
        judge(error <= TOLERANCE, faithful and remains and agree_inside(block(x), one_conv(as_printed=False))),
        "Where BN(X) is not negative, it is so with the corrected fold, in the interior and at stride 1. Elsewhere the "
        "block is X plus one 5x5 convolution of ReLU(BN(X)), not of X: a ReLU remains.",
        numbers={"error as printed": error},
    )
