"""The argument of Section 2.2, Eqs. (9) and (10), and what it shares with (11) to (13), on random float64 blocks.

Its premise is that the inputs X of a block are positive, in training, where BN takes its statistics from X. The first
line of Eq. (9) draws from it that the activation is affine. What follows from that line is tested given the line, which
is exact where the normalised values BN(X) are not negative: as printed, then with the corrected fold.
"""

import torch
from torch import Tensor, nn

from fastres import theory
from fastres.claims.check import check
from fastres.claims.checks.blocks import activated, as_equation
from fastres.claims.evidence import Evidence
from fastres.claims.finding import CORRECTED, NOT_REPRODUCED, REPRODUCED, WRONG, Finding, judge
from fastres.models.blocks import ResidualBlock, activation, batch_norms, build_block
from fastres.theory.agreement import TOLERANCE, agree, distance, random_tensor
from fastres.theory.linearity import best_affine

CHANNELS, SIZE = 6, 12  # of the random blocks and maps
SHIFTS = (-2, -1, 0, 1, 2)  # of BN, in standard deviations
FURTHER = 30  # added to positive inputs
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
    """Shift the first BN so that BN(x) is nowhere negative: the first line of Eq. (9) is then exact."""
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


@check(explains=WRONG)
def eq_activation_affine(evidence: Evidence) -> Finding:
    """Whether positive inputs make the activation nearly affine, or a constant added to them does, or the shift."""
    x, left, further, moved, faithful = positive_inputs(), {}, [], 0.0, True
    for shift in SHIFTS:
        f1 = activation("bn-relu", CHANNELS).double().requires_grad_(False)
        f1[0].bias.fill_(shift)
        y, y_further = f1(x), f1(x + FURTHER)
        left[shift] = 1 - best_affine(x, y).r2
        further.append(1 - best_affine(x + FURTHER, y_further).r2)
        moved = max(moved, distance(y, y_further))
        faithful &= agree(y, activated(x, f1[0]))
    nearly = [share <= NEARLY for share in left.values()]
    by_shift = any(nearly) and not all(nearly) and moved <= TOLERANCE and faithful
    shown = ", ".join(f"{100 * share:.0f} % (shift {shift})" for shift, share in left.items())
    return Finding(
        judge(all(nearly), max(further) <= NEARLY, WRONG if by_shift else NOT_REPRODUCED),
        f"Of the same positive inputs the best affine map leaves {shown} of the activation's variance unexplained: the "
        "shift decides, not the sign of X. A constant added to X changes nothing, as BN(X + c) = BN(X).",
        numbers={f"unexplained share, shift {shift}": share for shift, share in left.items()}
        | {"change by a constant": moved},
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
        judge(
            agree(printed, steps),
            agree_inside(by_input, steps, 1),
            WRONG if right and agree(printed, after) else NOT_REPRODUCED,
        ),
        "The printed fold is that of an affine map after the convolution; here the map stands before it. So the scale "
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


@check(explains=CORRECTED)
def eq_basic_as_simplified_1(evidence: Evidence) -> Finding:
    x, printed, faithful, errors = positive_inputs(), True, True, {}
    for name, block in (("training", random_block("basic")), ("frozen", random_block("basic", frozen=True))):
        make_nonnegative(block, x)
        faithful &= as_equation("basic", block, x)
        printed &= agree(block(x), as_simplified_1(block, x, as_printed=True))
        errors[name] = distance(*(interior(y, 2) for y in (block(x), as_simplified_1(block, x, as_printed=False))))
    return Finding(
        judge(printed, faithful and errors["frozen"] <= TOLERANCE),
        "Where BN(X) is not negative, the blocks agree to within 1e-10 with the corrected fold and frozen statistics, "
        "away from the two outermost pixels. In training, the second BN's batch statistics carry the border inward "
        f"(interior error {errors['training']:.2g} here).",
        numbers={f"interior error, {name}": error for name, error in errors.items()},
    )


def checkerboard(eps: float) -> Tensor:
    """Channels of two values, 0 and c, half each: max(0, BN(X)) = X, as c = (c - c / 2) / sqrt(c^2 / 4 + eps)."""
    fields = (torch.arange(SIZE).view(-1, 1) + torch.arange(SIZE)) % 2
    return (1 - 4 * eps) ** 0.5 * fields.double().expand(2, CHANNELS, SIZE, SIZE)


@check(explains=REPRODUCED)
def eq_equal_at_unit_affine(evidence: Evidence) -> Finding:
    """The printed fold at scale 1 and shift 0; and, told, what it takes for a basic block to equal simplified-1."""
    w, b = random_tensor(CHANNELS, CHANNELS, 3, 3, seed=1), random_tensor(CHANNELS, seed=2)
    one, zero = torch.ones(CHANNELS, dtype=torch.float64), torch.zeros(CHANNELS, dtype=torch.float64)
    formulas = max(map(distance, theory.fold_affine_as_printed(w, b, one, zero), (w, b)))
    errors = _errors_at_unit_affine()
    return Finding(
        judge(formulas <= TOLERANCE),
        "As printed, Eq. (10) is then Eq. (7). The blocks, Eqs. (6) and (7), are not equal there: for positive inputs "
        f"they differ by {errors['positive inputs']:.2g}. In training they agree for channels of two values, 0 and one "
        f"other (to {errors['two-valued inputs']:.0e}), which pass the first activation unchanged; else with "
        "statistics frozen at mean 0 and variance 1, and inputs that are not negative (to "
        f"{errors['frozen statistics']:.0e}).",
        numbers={"difference of the formulas": formulas} | {f"blocks, {name}": e for name, e in errors.items()},
    )


def _errors_at_unit_affine() -> dict[str, float]:
    """Difference of a basic and a simplified-1 block with equal other parameters, by kind of input."""
    errors = {}
    for frozen in (False, True):
        basic, other = random_block("basic", frozen), random_block("simplified-1", frozen)
        norm = batch_norms(basic.f1)[0]
        norm.weight.fill_(1)
        norm.bias.zero_()
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
        other.conv1, other.f2, other.conv2 = basic.conv1, basic.f2, basic.conv2
        x = positive_inputs()
        inputs = {"positive inputs": x, "normalised inputs": norm(x), "two-valued inputs": checkerboard(norm.eps)}
        for name, entering in ({"frozen statistics": x} if frozen else inputs).items():
            errors[name] = distance(basic(entering), other(entering))
    return errors
