"""The least time that a training step needs on a machine, and the saving that counts alone predict.

The floor is the time of the convolutions' arithmetic at the rate of a large matrix product, plus the time of
the step's least memory traffic at the rate of a copy. Convolutions are closed: they read finished maps and
write finished maps. All that stands between two convolutions is done in as few passes over its maps as the
data allows; whatever forms a map takes its statistics on the way. What a convolution could do while it
reads or writes (a normalisation inside it) would save more, and is not counted; nor is any overlap of the two parts.

Passes over a map, counted in reads and writes of its elements:

=========================  ==============================================  ==========================================
                           forward                                         backward
=========================  ==============================================  ==========================================
convolution                read input, write output                        read output's gradient and input, write
                                                                           input's gradient (the stem: does not)
BN, BN-ReLU                read (statistics), read, write                  read gradient and map (two sums over the
                                                                           batch), read both again, write
ReLU                       read, write                                     read gradient and map, write
sum of a block             read branch and shortcut, write                 read the shortcut's gradient; without f1
                                                                           read the branch's and write as well
f1 after such a sum        one read less: the sum has it at hand
BN-ReLU-pool at the end    read (its statistics come with the last sum)    read map; read map, write gradient
=========================  ==============================================  ==========================================
"""

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

from fastres.models.resnet import WIDTHS
from fastres.models.structures import convs_per_block
from fastres.theory.counts import costs, places

MAP_BYTES = {"fp32": 4, "tf32": 4, "bf16": 2}  # of an element of a map, or of its gradient


# float32 throughout: read forward and backward, gradient written; then SGD reads weight, gradient and
# momentum and writes weight and momentum.
PARAMETER_BYTES = 8 * 4


# Augmentation, pooling, classifier, loss, optimiser and the log: about so many operations in every structure.
COMMON_LAUNCHES = 40


class Rates(NamedTuple):
    """What a machine reaches: matrix product, copy (bytes read plus bytes written), seconds to start an operation."""

    flops_per_second: float
    bytes_per_second: float
    launch_seconds: float

    def best(self, other: "Rates") -> "Rates":
        """Of two measurements of one machine, the faster of each: a disturbance only ever slows."""
        return Rates(*map(max, self[:2], other[:2]), min(self.launch_seconds, other.launch_seconds))


class Floor(NamedTuple):
    """The least seconds of one training step."""

    arithmetic_seconds: float
    traffic_seconds: float

    @property
    def seconds(self) -> float:
        return self.arithmetic_seconds + self.traffic_seconds


class Work(NamedTuple):
    """What a step does, as counts: floating-point operations, bytes read and written, operations started."""

    flops: int
    bytes: int
    launches: int


@dataclasses.dataclass(frozen=True)
class _Layer:
    """`times` convolutions alike, with what stands before them; sizes in elements of one image's maps."""

    times: int
    activation: str
    read: int  # the convolution's input
    written: int  # its output
    opens: bool  # a block: its input is also the shortcut's
    closes: bool  # a block: its output is added to the shortcut
    follows_sum: bool  # its input was formed by the sum of the block before
    shortcut: int  # elements that the block's shortcut hands on, zeros left out
    reshapes: bool  # the shortcut subsamples and pads


def step_floor(structure: str, depth: int, batch_size: int, precision: str, rates: Rates) -> Floor:
    """The least seconds of a training step at these rates. Raises ValueError for a structure or depth that is none."""
    work = least_work(structure, depth, batch_size, precision)
    return Floor(work.flops / rates.flops_per_second, work.bytes / rates.bytes_per_second)


def least_work(structure: str, depth: int, batch_size: int, precision: str = "fp32") -> Work:
    """Arithmetic of convolutions and classifier, and the least traffic (see the table above); no launches.

    Two operations for each multiply-accumulate; three products (output, gradients of weights and of input)
    of equal size, but for the image, which needs no gradient. Padding zeros are multiplied, as a product does.
    """
    cost, layers = costs(structure, depth), list(_layers(structure, depth))
    stem = layers[0]
    flops = 2 * batch_size * (3 * cost.macs - 9 * WIDTHS[0] * stem.read)
    elements = sum(layer.times * _least_passes(layer) for layer in layers) - stem.read + 4 * layers[-1].written
    image = stem.read * (1 + MAP_BYTES[precision])  # a byte read, a number written; the stem's reads are counted
    traffic = batch_size * (elements * MAP_BYTES[precision] + image) + PARAMETER_BYTES * cost.parameters
    return Work(flops, traffic, 0)


def eager_work(structure: str, depth: int, batch_size: int, precision: str = "fp32") -> Work:
    """The same arithmetic with every operation by itself, as PyTorch runs it without a compiler.

    The two gradients of a convolution read its output's gradient twice, a ReLU reads and writes its map again,
    gradients that meet are added in a pass of their own, shortcuts that change shape are subsampled and padded.
    """
    cost, layers = costs(structure, depth), list(_layers(structure, depth))
    stem, last = layers[0], layers[-1].written
    passes, launches = _activation("bn-relu")
    elements = sum(layer.times * _eager_passes(layer) for layer in layers) - stem.read - stem.written
    elements += (passes + 2) * last  # the last BN-ReLU; pooling reads its map and writes its gradient
    started = sum(layer.times * _eager_launches(layer) for layer in layers) - 1 + launches + COMMON_LAUNCHES
    image = stem.read * (1 + MAP_BYTES[precision])
    traffic = batch_size * (elements * MAP_BYTES[precision] + image) + PARAMETER_BYTES * cost.parameters
    return Work(least_work(structure, depth, batch_size, precision).flops, traffic, started)


def compiled_work(structure: str, depth: int, batch_size: int, precision: str = "fp32") -> Work:
    """The same arithmetic with blocks compiled (fastres.training.engine): the least traffic, and what is not joined.

    Compiled block by block, a sum cannot hand its statistics to the next block's f1, nor can the last one to the head;
    and the two gradients of a convolution read its output's gradient twice. What a CPU forms again is not counted.
    """
    least, layers = least_work(structure, depth, batch_size, precision), list(_layers(structure, depth))
    apart = (layer.times * layer.read for layer in layers if layer.follows_sum and layer.activation != "none")
    elements = sum(apart) + sum(layer.times * layer.written for layer in layers)
    elements += layers[-1].written - layers[0].written  # the stem has one gradient
    launches = sum(layer.times * (3 + 2 * (layer.activation != "none") + layer.closes) for layer in layers) - 1
    return Work(least.flops, least.bytes + batch_size * elements * MAP_BYTES[precision], launches + COMMON_LAUNCHES)


def predicted_seconds(work: Work, rates: Rates) -> float:
    """Of a step that does this work, each part at its best rate, one after the other."""
    return (
        work.flops / rates.flops_per_second + work.bytes / rates.bytes_per_second + work.launches * rates.launch_seconds
    )


def predicted_saving(
    structure: str,
    reference: str,
    depth: int,
    batch_size: int,
    precision: str,
    rates: Rates,
    compiled: bool = False,
) -> float:
    """Predicted share of the reference's step time that a structure saves (0.25 is a quarter less).

    Every part is taken at its best rate. Where small convolutions stay further below that of a large product than
    activations stay below that of a copy, less is saved than predicted; where activations do, more.
    compiled: the work is compiled_work, else eager_work.
    """
    count = compiled_work if compiled else eager_work
    seconds, whole = (
        predicted_seconds(count(name, depth, batch_size, precision), rates) for name in (structure, reference)
    )
    return 1 - seconds / whole


def _layers(structure: str, depth: int) -> Iterator[_Layer]:
    stem, *convs = places(structure, depth)
    size = stem.channels * stem.area, stem.out_channels * stem.out_area
    yield _Layer(1, "none", *size, opens=False, closes=False, follows_sum=False, shortcut=0, reshapes=False)
    per_block = convs_per_block(structure)
    for start in range(0, len(convs), per_block):
        block = convs[start : start + per_block]
        first, last = block[0], block[-1]
        channels = (first.channels, last.out_channels)
        for place in block:
            yield _Layer(
                times=place.times,
                activation=place.activation,
                read=place.channels * place.area,
                written=place.out_channels * place.out_area,
                opens=place is first,
                closes=place is last,
                follows_sum=place is first and start > 0,
                shortcut=min(channels) * last.out_area,
                reshapes=first.area != last.out_area or channels[0] != channels[1],
            )


def _least_passes(layer: _Layer) -> int:
    """Elements read and written for one image, forward and backward, by the table above."""
    elements = 3 * layer.read + 2 * layer.written
    if layer.activation != "none":
        elements += (8 if layer.activation.startswith("bn") else 5) * layer.read - layer.follows_sum * layer.read
    if layer.opens:
        elements += layer.shortcut + (2 * layer.read if layer.activation == "none" else 0)
    if layer.closes:
        elements += 2 * layer.written + layer.shortcut
    return elements


def _eager_passes(layer: _Layer) -> int:
    elements = 3 * layer.read + 3 * layer.written + _activation(layer.activation)[0] * layer.read
    if layer.opens:  # gradients meet; one that was subsampled is first spread over zeros
        elements += 3 * layer.read + layer.reshapes * (layer.read + 2 * layer.shortcut)
    if layer.closes:  # the sum; a shortcut that changes shape is first written out
        elements += 3 * layer.written + layer.reshapes * (layer.written + layer.shortcut)
    return elements


def _eager_launches(layer: _Layer) -> int:
    """A convolution starts three operations, a sum one, where gradients meet one, a new shape four."""
    return 3 + _activation(layer.activation)[1] + layer.opens + layer.closes + 4 * layer.opens * layer.reshapes


def _activation(name: str) -> tuple[int, int]:
    """Passes over the map, and operations started, forward and backward; a BN also counts its batches."""
    return 8 * name.startswith("bn") + 5 * name.endswith("relu"), 3 * name.startswith("bn") + 2 * name.endswith("relu")
