"""Activation memory of a training step in closed form, and the batch that fits.

Activation memory is what autograd saves for backward, every storage once. Parameters, running statistics and what
the loss saves (a few numbers per image) are left out. fastres.measure.memory measures it.
"""

from fastres.theory.counts import BYTES, costs

CIFAR_PIXELS = 32 * 32  # of an image, for which all counts are
SAFETY = 1.25  # on what grows with the batch: live gradients, workspaces, fragmentation


def kept_bytes(structure: str, depth: int, batch_size: int, precision: str = "fp32", num_classes: int = 10) -> int:
    """Bytes saved for the backward pass of one batch, in closed form (fastres.theory.counts).

    In bf16 a map takes two bytes per number, and the cast weights of convolutions and classifier are saved as
    well; the statistics of a batch stay float32.
    """
    cost = costs(structure, depth, num_classes)
    if precision != "bf16":
        return cost.saved_bytes(batch_size)
    weights = cost.parameters - cost.bn_parameters - num_classes
    return 2 * (batch_size * cost.saved_elements + weights) + BYTES * cost.bn_parameters


def needed_bytes(
    structure: str,
    depth: int,
    batch_size: int,
    precision: str = "fp32",
    num_classes: int = 10,
    pixels: int = CIFAR_PIXELS,
) -> int:
    """Estimate of a training step's peak: parameters, gradients, momentum, and what grows with the batch, with SAFETY.

    pixels: of an image, height times width. Images and framework are left out: the memory to compare with is what is
    free once they are loaded.
    """
    fixed, per_image = _fixed_and_per_image(structure, depth, precision, num_classes, pixels)
    return fixed + batch_size * per_image


def batch_that_fits(
    structure: str,
    depth: int,
    available_bytes: int,
    precision: str = "fp32",
    num_classes: int = 10,
    pixels: int = CIFAR_PIXELS,
) -> int:
    """The largest batch whose training step is estimated to fit (0: not even one image). Nothing is built.

    Raises ValueError for an invalid structure or depth, or fewer than two classes.
    """
    fixed, per_image = _fixed_and_per_image(structure, depth, precision, num_classes, pixels)
    return max(0, int(available_bytes - fixed) // per_image)


def _fixed_and_per_image(structure: str, depth: int, precision: str, num_classes: int, pixels: int) -> tuple[int, int]:
    parameters = costs(structure, depth, num_classes).parameters
    one, two = (kept_bytes(structure, depth, size, precision, num_classes) for size in (1, 2))
    per_image = two - one  # what does not grow with the batch, 2 one - two, cancels
    return 3 * BYTES * parameters + 2 * one - two, int(SAFETY * per_image * pixels / CIFAR_PIXELS)
