"""Residual structures by name: which activations stand before the convolutions of a block.

A structure is the list of activations f1, f2 (, f3) of Eq (2), F(X) = W2 f2(W1 f1(X)). Two
activations make the basic block (two 3x3 convolutions), three the bottleneck block (1x1, 3x3, 1x1;
Fig. 1, right). Nothing here needs torch.
"""

ACTIVATIONS = ("none", "bn", "relu", "bn-relu")


STRUCTURES = {
    "basic": ("bn-relu", "bn-relu"),  # Eq (6)
    "simplified-1": ("none", "bn-relu"),  # Eq (7); networks of it are the paper's FastResNet
    "simplified-2": ("bn-relu", "none"),  # Eq (8)
    "bottleneck": ("bn-relu", "bn-relu", "bn-relu"),  # Fig. 1, right
}


def activations(structure: str) -> tuple[str, ...]:
    """The activations f1, f2 (, f3) of a structure: a name, or activations joined by "/".

    >>> activations("simplified-1")
    ('none', 'bn-relu')
    >>> activations("bn/bn-relu")
    ('bn', 'bn-relu')

    Raises ValueError for anything else, listing what exists.
    """
    if structure in STRUCTURES:
        return STRUCTURES[structure]
    parts = tuple(structure.split("/"))
    if len(parts) in (2, 3) and all(part in ACTIVATIONS for part in parts):
        return parts
    raise ValueError(
        f"unknown structure {structure!r}: use one of {', '.join(STRUCTURES)}, or two (bottleneck: three) "
        f"activations joined by '/', each one of {', '.join(ACTIVATIONS)}, such as 'bn/bn-relu'"
    )


def canonical(structure: str) -> str:
    """The one name of a structure, so that "none/bn-relu" and "simplified-1" are the same run."""
    parts = activations(structure)
    return next((name for name, known in STRUCTURES.items() if known == parts), structure)


def convs_per_block(structure: str) -> int:
    """Convolutions in one block: 2 for basic blocks, 3 for bottleneck blocks."""
    return len(activations(structure))


def blocks_per_stage(structure: str, depth: int) -> int:
    """n of D = 6n + 2 (basic blocks) or D = 9n + 2 (bottleneck blocks), Section 3.2.

    Raises ValueError for a depth of another form, naming the nearest valid ones.
    """
    layers = 3 * convs_per_block(structure)
    n, rest = divmod(depth - 2, layers)
    if rest == 0 and n >= 1:
        return n
    below, above = layers * n + 2, layers * (n + 1) + 2
    nearest = f"{below} and {above}" if n >= 1 else f"{layers + 2} (the smallest)"
    raise ValueError(f"depth {depth} is not of the form {layers}n + 2 that {structure!r} needs; nearest: {nearest}")
