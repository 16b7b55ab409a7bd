"""What a network costs, in closed form (fastres.measure.counts takes the same counts from a built network).

Costs are per network or per 32 x 32 image. The closed form uses one fact: every convolution follows activations (none
before the stem), so all counts are sums over these places, and over the ends of the branches and the head; in a stage
all blocks but the first are alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from fastres.models.structures import (
    ACTIVATIONS,
    OPERATIONS,
    STEM,
    Conv,
    Operation,
    activations,
    block_convs,
    check_classes,
    outer_activations,
    parts,
    stages,
)

IMAGE = 32  # pixels on a side, Section 3.1

BYTES = 4  # of a float32


@dataclass(frozen=True)
class Costs:
    """Counts of one network.

    parameters: all trainable ones; bn_parameters: batch normalisation's, two per channel.
    bn_layers, relu_layers, conv_layers: modules; the classifier is not among the convolutions.
    relu_path: ReLUs on the path from image to logits that meets most of them.
    macs: multiply-accumulates of convolutions and classifier for one image, padding zeros included;
        normalisation, ReLU, pooling and additions are left out.
    bn_elements: numbers that batch normalisations read for one image, in the forward pass.
    saved_elements: numbers saved for backward, per image: distinct storages (a tensor that two layers save, or
        that an in-place ReLU overwrote, counts once) of the eager float32 network in training mode on
        the CPU, the image included. Parameters and running statistics are not counted, nor the mean and
        deviation of each BN channel (bn_parameters numbers in all, whatever the batch), nor what the loss saves.
    """

    parameters: int
    bn_parameters: int
    bn_layers: int
    relu_layers: int
    conv_layers: int
    relu_path: int
    macs: int
    bn_elements: int
    saved_elements: int

    def saved_bytes(self, batch_size: int) -> int:
        """Bytes saved for the backward pass of one float32 batch, batch statistics included."""
        return BYTES * (batch_size * self.saved_elements + self.bn_parameters)


class Place(NamedTuple):
    """`times` convolutions alike, each with the activation before it, on maps of `area` pixels."""

    times: int
    conv: Conv
    area: int

    @property
    def read(self) -> int:
        """Elements of the convolution's input for one image, and of the maps of the activation before it."""
        return self.conv.channels * self.area

    @property
    def out_area(self) -> int:
        return self.area // self.conv.stride**2

    @property
    def written(self) -> int:
        """Elements of the convolution's output for one image."""
        return self.conv.out_channels * self.out_area

    @property
    def weights(self) -> int:
        return self.conv.kernel**2 * self.conv.channels * self.conv.out_channels


class _Map(NamedTuple):
    """`times` maps of `size` numbers in `channels` channels, what acts on them in a row, and whether a convolution
    follows (else an addition or the pooling, which save nothing).
    """

    times: int
    activations: tuple[str, ...]
    channels: int
    size: int
    convolved: bool = True

    def total(self, name: str) -> int:
        return self.times * sum(ACTIVATIONS[activation].count(name) for activation in self.activations)

    @property
    def normalisations(self) -> int:
        """Of one such map: operations with parameters per channel."""
        return sum(operation.per_channel for operation in operations(*self.activations))


def operations(*activations: str) -> list[Operation]:
    """The elementary operations of activations in a row, in order; none for "none"."""
    return [OPERATIONS[name] for activation in activations for name in ACTIVATIONS[activation]]


def saved_maps(*activations: str, convolved: bool = True) -> int:
    """Maps that autograd saves for activations in a row and, if convolved, the convolution after: distinct tensors.

    >>> saved_maps("none"), saved_maps("relu"), saved_maps("bn-relu"), saved_maps("relu", "none")
    (1, 1, 2, 1)
    >>> saved_maps("bn-relu", convolved=False), saved_maps("bn", convolved=False)
    (2, 1)
    """
    sequence = operations(*activations)
    saved = {i if operation.saves == "input" else i + 1 for i, operation in enumerate(sequence)}
    return len(saved | ({len(sequence)} if convolved else set()))  # the last is the convolution's input


def costs(structure: str, depth: int, num_classes: int = 10) -> Costs:
    """All counts in closed form, for any structure that build_model knows; nothing is built.

    Raises ValueError for an unknown structure, a depth of another form, or a num_classes that is not an integer of
    at least 2.
    """
    check_classes(num_classes)
    convs, maps = list(places(structure, depth)), list(_maps(structure, depth))
    width = convs[-1].conv.out_channels
    bn_parameters = 2 * sum(m.times * m.normalisations * m.channels for m in maps)
    relu_layers = sum(m.total("relu") for m in maps)
    saved = sum(m.times * saved_maps(*m.activations, convolved=m.convolved) * m.size for m in maps)
    return Costs(
        parameters=sum(p.times * p.weights for p in convs) + bn_parameters + (width + 1) * num_classes,
        bn_parameters=bn_parameters,
        bn_layers=sum(m.times * m.normalisations for m in maps),
        relu_layers=relu_layers,
        conv_layers=sum(p.times for p in convs),
        relu_path=relu_layers,  # shortcuts have no ReLU: the path through every branch meets all of them
        macs=sum(p.times * p.weights * p.out_area for p in convs) + width * num_classes,
        bn_elements=sum(m.times * m.normalisations * m.size for m in maps),
        saved_elements=saved + width,  # the pooled map, which the classifier saves
    )


def _maps(structure: str, depth: int) -> Iterator[_Map]:
    """The maps between the convolutions of a network, with the activations on each."""
    _, end, after = parts(structure)
    incoming, head = outer_activations(structure)
    yield _Map(1, (STEM.activation,), STEM.channels, STEM.channels * IMAGE**2)
    for block in blocks(structure, depth):
        first, *others = block
        yield _Map(first.times, (incoming, first.conv.activation), first.conv.channels, first.read)
        yield from (_Map(p.times, (p.conv.activation,), p.conv.channels, p.read) for p in others)
        yield _Map(first.times, (end,), block[-1].conv.out_channels, block[-1].written, convolved=False)
        incoming = after
    yield _Map(1, (after, head), block[-1].conv.out_channels, block[-1].written, convolved=False)


def blocks(structure: str, depth: int) -> Iterator[list[Place]]:
    """The convolutions of each kind of block, in order; those of one block have the same `times`, which may be 0."""
    before, area = activations(structure), IMAGE**2
    for n, channels, width, out_channels, stride in stages(structure, depth):
        for times, convs in (
            (1, block_convs(before, channels, width, stride)),
            (n - 1, block_convs(before, out_channels, width)),
        ):
            block = []
            for conv in convs:
                block.append(Place(times, conv, area))
                area = block[-1].out_area
            yield block


def places(structure: str, depth: int) -> Iterator[Place]:
    """Every convolution of a network, from the image to the head."""
    yield Place(1, STEM, IMAGE**2)
    for block in blocks(structure, depth):
        yield from block
