"""What the networks are made of, as data: activations, blocks, stages. Nothing here needs torch.

A structure is the list of activations f1, f2 (, f3) of Eq (2), F(X) = W2 f2(W1 f1(X)). Two activations make the
basic block (two 3x3 convolutions), three the bottleneck block (1x1, 3x3, 1x1; Fig. 1, right). A last part "end-..."
names an activation after the last convolution, before the addition: "bn/bn-relu/end-bn" is PyramidNet's block. A part
"sum-..." names one after the addition: "post-activation" is the block of the first ResNets. The modules, the
closed-form costs, the roofline and the diagrams all read these lists.
"""

from numbers import Integral
from typing import Literal, NamedTuple


class Operation(NamedTuple):
    """An elementary operation on a map: how it is built, its name in diagrams, and its cost as separate kernels.

    passes: reads and writes of the map by its eager kernels, forward and backward; launches: of those kernels.
    saves: the tensor that autograd saves for backward, the operation's input or its output.
    """

    label: str
    module: str  # class in torch.nn, or in fastres.models.blocks
    per_channel: bool  # it is built with the number of channels
    in_place: bool  # torch has an in-place form
    passes: int
    launches: int
    saves: Literal["input", "output"]


OPERATIONS = {
    "bn": Operation("BN", "BatchNorm2d", True, False, passes=8, launches=3, saves="input"),
    # A control: the cost of BN without statistics. Forward it reads and writes; backward as ReLU.
    "frozen-bn": Operation("frozen BN", "FrozenBatchNorm2d", True, False, passes=5, launches=2, saves="input"),
    "relu": Operation("ReLU", "ReLU", False, True, passes=5, launches=2, saves="output"),
    "sigmoid": Operation("σ", "Sigmoid", False, False, passes=5, launches=2, saves="output"),
    "tanh": Operation("tanh", "Tanh", False, False, passes=5, launches=2, saves="output"),
}

ACTIVATIONS = {
    "none": (),
    "bn": ("bn",),
    "relu": ("relu",),
    "bn-relu": ("bn", "relu"),
    "frozen-bn-relu": ("frozen-bn", "relu"),
    "sigmoid": ("sigmoid",),
    "tanh": ("tanh",),
    "bn-sigmoid": ("bn", "sigmoid"),
    "bn-tanh": ("bn", "tanh"),
}
END = "end-"  # begins the name of the activation after the last convolution
SUM = "sum-"  # begins the name of the activation after the addition

STRUCTURES = {
    "basic": ("bn-relu", "bn-relu"),  # Eq (6)
    "simplified-1": ("none", "bn-relu"),  # Eq (7); networks of it are the paper's FastResNet
    "simplified-2": ("bn-relu", "none"),  # Eq (8)
    "bottleneck": ("bn-relu", "bn-relu", "bn-relu"),  # Fig. 1, right
}

# The block of He et al. (2015), the paper's reference 1: convolution, BN, ReLU, convolution, BN, addition, ReLU.
WHOLE = {"post-activation": "simplified-1/end-bn/sum-relu"}

# S(X) of Eq (1) where a block changes the shape: the paper does not say. A subsamples X and adds zero channels, B is
# a 1x1 convolution. All counts are for A.
SHORTCUTS = ("A", "B")

WIDTHS = (16, 32, 64)  # of the three stages; the second and third halve the map
HEAD_ACTIVATION = "bn-relu"  # between the last block and the pooling; in post-activation networks after the stem


class Conv(NamedTuple):
    """A convolution without bias and the activation before it."""

    activation: str
    kernel: int
    channels: int
    out_channels: int
    stride: int = 1


# Nothing before it; after it `outer_activations`: in pre-activation networks the first block's input is linear in the
# image.
STEM = Conv("none", 3, 3, WIDTHS[0])


class Parts(NamedTuple):
    """The activations of a structure: before each convolution, at the end of the branch, after the addition."""

    before: tuple[str, ...]
    end: str
    sum: str


class Stage(NamedTuple):
    """Blocks of one width: `channels` enter the first, which has the stride; `out_channels` enter the others."""

    blocks: int
    channels: int
    width: int
    out_channels: int
    stride: int


def activations(structure: str) -> tuple[str, ...]:
    """The activations f1, f2 (, f3) of a structure: a name, or activations joined by "/".

    >>> activations("simplified-1")
    ('none', 'bn-relu')
    >>> activations("bn/bn-relu/end-bn")
    ('bn', 'bn-relu')

    Raises ValueError for anything else, listing what exists.
    """
    return parts(structure).before


def parts(structure: str) -> Parts:
    """All activations of a structure; end and sum are "none" without a part "end-..." or "sum-...".

    >>> parts("post-activation")
    Parts(before=('none', 'bn-relu'), end='bn', sum='relu')

    Raises ValueError as activations does.
    """
    if not isinstance(structure, str):
        raise ValueError(f"structure is {structure!r}, a {type(structure).__name__}: give its name, as 'simplified-1'")
    words, after = WHOLE.get(structure, structure).split("/"), {}
    for prefix in (SUM, END):
        if words and words[-1].startswith(prefix):
            after[prefix] = words.pop().removeprefix(prefix)
    before = STRUCTURES.get("/".join(words), tuple(words))
    known = all(name in ACTIVATIONS for name in (*before, *after.values()))
    if len(before) in (2, 3) and known and "none" not in after.values():
        return Parts(before, after.get(END, "none"), after.get(SUM, "none"))
    raise ValueError(
        f"unknown structure {structure!r}: use one of {', '.join([*STRUCTURES, *WHOLE])}, or two (bottleneck: three) "
        f"activations joined by '/', each one of {', '.join(ACTIVATIONS)}, such as 'bn/bn-relu'; either may be "
        f"followed by '/{END}' and an activation at the end of the branch, such as 'bn/bn-relu/{END}bn', and by "
        f"'/{SUM}' and one after the addition"
    )


def outer_activations(structure: str) -> tuple[str, str]:
    """The activations after the stem and after the last block.

    Where blocks have one after their addition, BN-ReLU follows the stem, as each block's input is activated already.
    """
    return ("none", HEAD_ACTIVATION) if parts(structure).sum == "none" else (HEAD_ACTIVATION, "none")


def canonical(structure: str) -> str:
    """The one name of a structure, so that "none/bn-relu" and "simplified-1" are the same run."""
    before, end, total = parts(structure)
    name = next((name for name, known in STRUCTURES.items() if known == before), "/".join(before))
    name += "".join(f"/{prefix}{after}" for prefix, after in ((END, end), (SUM, total)) if after != "none")
    return next((short for short, whole in WHOLE.items() if whole == name), name)


def block_convs(activations: tuple[str, ...], channels: int, width: int, stride: int = 1) -> list[Conv]:
    """The convolutions of one block in order: two 3x3 (Eq (2)), or 1x1, 3x3 and 1x1 to four times the width (Fig. 1).

    >>> [conv.kernel for conv in block_convs(("bn-relu",) * 3, 64, 16)]
    [1, 3, 1]
    """
    if len(activations) == 2:
        shapes = [(3, channels, width, stride), (3, width, width)]
    else:
        shapes = [(1, channels, width), (3, width, width, stride), (1, width, 4 * width)]
    return [Conv(name, *shape) for name, shape in zip(activations, shapes, strict=True)]


def stages(structure: str, depth: int) -> list[Stage]:
    """The three stages of a network, Section 3.2. Raises ValueError as activations and blocks_per_stage do.

    >>> stages("basic", 20)[1]
    Stage(blocks=3, channels=16, width=32, out_channels=32, stride=2)
    """
    blocks, channels, listed = blocks_per_stage(structure, depth), STEM.out_channels, []
    for width in WIDTHS:
        out_channels = block_convs(activations(structure), channels, width)[-1].out_channels
        listed.append(Stage(blocks, channels, width, out_channels, stride=1 if width == WIDTHS[0] else 2))
        channels = out_channels
    return listed


def convs_per_block(structure: str) -> int:
    """Convolutions in one block: 2 for basic blocks, 3 for bottleneck blocks."""
    return len(activations(structure))


def blocks_per_stage(structure: str, depth: int) -> int:
    """n of D = 6n + 2 (basic blocks) or D = 9n + 2 (bottleneck blocks), Section 3.2.

    Raises ValueError for a depth that is not an integer, or of another form, naming the nearest valid ones.
    """
    if not isinstance(depth, Integral):
        raise ValueError(f"depth is {depth!r}: expected an integer")
    layers = len(WIDTHS) * convs_per_block(structure)
    n, rest = divmod(depth - 2, layers)
    if rest == 0 and n >= 1:
        return n
    below, above = layers * n + 2, layers * (n + 1) + 2
    nearest = f"{below} and {above}" if n >= 1 else f"{layers + 2} (the smallest)"
    raise ValueError(f"depth {depth} is not of the form {layers}n + 2 that {structure!r} needs; nearest: {nearest}")


def check_classes(num_classes: int) -> None:
    """Raises ValueError for a num_classes that is not an integer of at least 2."""
    if not isinstance(num_classes, Integral) or num_classes < 2:
        raise ValueError(f"num_classes is {num_classes!r}: expected an integer, at least 2")
