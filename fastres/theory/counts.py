"""What a network costs: counts in closed form, and the same counts measured on a built network.

Costs are per network or per 32 x 32 image. The closed form uses one fact: every convolution, and the
classifier, is preceded by one activation ("none" before the stem), so all counts are sums over these
places; in a stage all blocks but the first are alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from fastres.models.blocks import EXPANSION
from fastres.models.resnet import WIDTHS
from fastres.models.structures import activations, blocks_per_stage, convs_per_block

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
    saved_elements: numbers kept from the forward for the backward pass, per image: distinct storages
        (a tensor that two layers keep, or that an in-place ReLU overwrote, counts once) of the eager
        float32 network in training mode on the CPU, the image included. Parameters and running
        statistics are not counted, nor the mean and deviation of each BN channel (bn_parameters
        numbers in all, whatever the batch), nor what the loss keeps.
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
        """Bytes kept for the backward pass of one float32 batch, batch statistics included."""
        return BYTES * (batch_size * self.saved_elements + self.bn_parameters)


class _Place(NamedTuple):
    """`times` convolutions alike: the activation before them, and their shapes (area in pixels)."""

    times: int
    activation: str
    channels: int
    area: int
    taps: int
    out_channels: int
    out_area: int


def costs(structure: str, depth: int, num_classes: int = 10) -> Costs:
    """All counts in closed form, for any structure that build_model knows; nothing is built.

    Raises ValueError for an unknown structure, a depth of another form or fewer than two classes.
    """
    if num_classes < 2:
        raise ValueError(f"num_classes is {num_classes}: a classifier needs at least 2")
    convs = list(places(structure, depth))
    width, area = convs[-1].out_channels, convs[-1].out_area  # what the last BN and ReLU see
    normalised = [place for place in convs if place.activation.startswith("bn")]
    bn_parameters = 2 * (sum(p.times * p.channels for p in normalised) + width)
    weights = sum(p.times * p.taps * p.channels * p.out_channels for p in convs)
    relus = sum(p.times for p in convs if p.activation.endswith("relu")) + 1
    bn_elements = sum(p.times * p.channels * p.area for p in normalised) + width * area
    return Costs(
        parameters=weights + bn_parameters + (width + 1) * num_classes,
        bn_parameters=bn_parameters,
        bn_layers=sum(p.times for p in normalised) + 1,
        relu_layers=relus,
        conv_layers=sum(p.times for p in convs),
        relu_path=relus,  # no ReLU stands on a shortcut: the path through every branch meets them all
        macs=sum(p.times * p.taps * p.channels * p.out_channels * p.out_area for p in convs) + width * num_classes,
        bn_elements=bn_elements,
        # every BN keeps its input; every convolution, the last ReLU and the classifier keep theirs or their output
        saved_elements=bn_elements + sum(p.times * p.channels * p.area for p in convs) + width * area + width,
    )


def places(structure: str, depth: int) -> Iterator[_Place]:
    n = blocks_per_stage(structure, depth)
    channels, area = WIDTHS[0], IMAGE**2
    yield _Place(1, "none", 3, area, 9, channels, area)
    for width in WIDTHS:
        out_area = area if width == WIDTHS[0] else area // 4
        out_channels = width * (EXPANSION if convs_per_block(structure) == 3 else 1)
        yield from _block(structure, 1, channels, area, width, out_channels, out_area)
        yield from _block(structure, n - 1, out_channels, out_area, width, out_channels, out_area)
        channels, area = out_channels, out_area


def _block(
    structure: str, times: int, channels: int, area: int, width: int, out_channels: int, out_area: int
) -> list[_Place]:
    """The convolutions of `times` equal blocks: 3 x 3, 3 x 3, or 1 x 1, 3 x 3, 1 x 1 (Fig. 1)."""
    f1, f2, *f3 = activations(structure)
    if not f3:
        return [
            _Place(times, f1, channels, area, 9, width, out_area),
            _Place(times, f2, width, out_area, 9, out_channels, out_area),
        ]
    return [
        _Place(times, f1, channels, area, 1, width, area),
        _Place(times, f2, width, area, 9, width, out_area),
        _Place(times, f3[0], width, out_area, 1, out_channels, out_area),
    ]
