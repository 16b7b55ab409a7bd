"""A roofline for a training step: a reference time on a machine, and the saving that counts predict.

The reference time is that of the convolutions' arithmetic at the rate of a large matrix product, plus that of the
step's least memory traffic at the rate of a copy, without overlap. Convolutions are direct, and read and write
materialised maps. Everything between two of them is fused into as few passes over its maps as the data dependencies
allow, and the kernel that writes a map also accumulates its statistics. Fusing a normalisation into a convolution,
overlap, or another algorithm for convolutions would save more, and is not counted.

Passes over a map, counted in reads and writes of its elements:

=========================  ==============================================  ==========================================
                           forward                                         backward
=========================  ==============================================  ==========================================
convolution                read input, write output                        read output's gradient and input, write
                                                                           input's gradient (the stem: does not)
BN, BN-ReLU                read (statistics), read, write                  read gradient and map (two sums over the
                                                                           batch), read both again, write
ReLU                       read, write                                     read gradient and map, write
addition of a block        read branch and shortcut, write                 read the shortcut's gradient; without f1
                                                                           read the branch's and write as well
f1 after an addition       one read less: the addition has the map in
                           registers
activation at the end of   its own, less a write and a read: the addition  its own
a branch, or of the sum    has the map in registers
BN-ReLU-pool at the end    read (statistics come with the last addition)   read map; read map, write gradient
pool at the end            read                                            write gradient
=========================  ==============================================  ==========================================
"""

import dataclasses
from typing import NamedTuple

from fastres.models.structures import STEM, outer_activations, parts
from fastres.theory.counts import IMAGE, Place, blocks, costs, operations

MAP_BYTES = {"fp32": 4, "tf32": 4, "bf16": 2}  # of an element of a map, or of its gradient

# float32 throughout: read forward and backward, gradient written; then SGD reads weight, gradient and
# momentum and writes weight and momentum.
PARAMETER_BYTES = 8 * 4

HEAD_PASSES = {"bn-relu": 4, "none": 2}  # over the last block's output, by the table above

# Augmentation, pooling, classifier, loss, optimiser and the log: about so many kernels in every structure.
COMMON_LAUNCHES = 40


class Rates(NamedTuple):
    """Rates of a machine: matrix product, copy (bytes read plus bytes written), seconds per kernel launch."""

    flops_per_second: float
    bytes_per_second: float
    launch_seconds: float

    def best(self, other: "Rates") -> "Rates":
        """The faster of each of two measurements of one machine: a disturbance can only slow it down."""
        return Rates(
            max(self.flops_per_second, other.flops_per_second),
            max(self.bytes_per_second, other.bytes_per_second),
            min(self.launch_seconds, other.launch_seconds),
        )


class Floor(NamedTuple):
    arithmetic_seconds: float
    traffic_seconds: float

    @property
    def seconds(self) -> float:
        return self.arithmetic_seconds + self.traffic_seconds


class Work(NamedTuple):
    """What a step does, as counts: floating-point operations, bytes of memory traffic, kernel launches."""

    flops: int
    bytes: int
    launches: int


def step_floor(structure: str, depth: int, batch_size: int, precision: str, rates: Rates) -> Floor:
    """The reference time of a training step at these rates. Raises ValueError for an invalid structure or depth."""
    work = least_work(structure, depth, batch_size, precision)
    return Floor(work.flops / rates.flops_per_second, work.bytes / rates.bytes_per_second)


def least_work(structure: str, depth: int, batch_size: int, precision: str = "fp32") -> Work:
    """Arithmetic of convolutions and classifier, and the least memory traffic (see the table above); no launches.

    Two floating-point operations for each multiply-accumulate; three products (output, gradients of weights and of
    input) of equal size, but for the image, which needs no gradient. Products with padding zeros count.
    """
    listed = _blocks(structure, depth)
    first, last = outer_activations(structure)
    outside = _fused(first) * listed[0].read + HEAD_PASSES[last] * listed[-1].written
    elements = sum(block.times * _least_passes(block) for block in listed) + outside
    return _work(structure, depth, batch_size, precision, elements, launches=0)


def eager_work(structure: str, depth: int, batch_size: int, precision: str = "fp32") -> Work:
    """The same arithmetic with one kernel per operation, as PyTorch runs it without a compiler.

    The two gradients of a convolution read its output's gradient twice, a ReLU reads and writes its map again,
    gradients are summed in a separate pass where paths join, shortcuts that change shape are subsampled and padded.
    """
    listed = _blocks(structure, depth)
    first, last = outer_activations(structure)
    head = _passes(last) + 2  # pooling reads its map and writes its gradient
    outside = _passes(first) * listed[0].read + head * listed[-1].written
    elements = sum(block.times * _eager_passes(block) for block in listed) + outside
    stem = 2 + _launches(first)  # forward, and the gradient of its weights
    launches = stem + sum(block.times * _eager_launches(block) for block in listed) + _launches(last)
    return _work(structure, depth, batch_size, precision, elements, launches + COMMON_LAUNCHES)


def compiled_work(structure: str, depth: int, batch_size: int, precision: str = "fp32") -> Work:
    """The same arithmetic with blocks compiled (fastres.training.engine): the least traffic, and what is not fused.

    Compiled block by block, an addition cannot hand its statistics to the next block's f1, nor can the last one to
    the head; and the two gradients of a convolution read its output's gradient twice. The stem is not compiled. What a
    CPU recomputes is not counted.
    """
    listed = _blocks(structure, depth)
    first, last = outer_activations(structure)
    least = _passes(first) * listed[0].read + HEAD_PASSES[last] * listed[-1].written
    launches = 2 + _launches(first) + COMMON_LAUNCHES
    unfused = bool(operations(last)) * listed[-1].written
    for block in listed:
        active = [bool(operations(place.conv.activation)) for place in block.places]
        ends = sum(bool(operations(name)) for name in block.after)
        least += block.times * _least_passes(block)
        unfused += block.times * (block.follows_addition * active[0] * block.read)
        unfused += block.times * sum(place.written for place in block.places)
        launches += block.times * (3 * len(active) + 2 * sum(active) + 2 * ends + 1)
    return _work(structure, depth, batch_size, precision, least + unfused, launches)


def predicted_seconds(work: Work, rates: Rates) -> float:
    """Seconds of a step with this work, each part at its best rate, without overlap."""
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

    Every part is taken at its best rate. Less is saved than predicted where small convolutions fall further short of
    a large matrix product than activations fall short of a copy, and more where activations do.
    compiled: the work is compiled_work, else eager_work.
    """
    count = compiled_work if compiled else eager_work
    seconds, whole = (
        predicted_seconds(count(name, depth, batch_size, precision), rates) for name in (structure, reference)
    )
    return 1 - seconds / whole


@dataclasses.dataclass(frozen=True)
class _Block:
    """`times` residual blocks alike; sizes in elements of one image's maps."""

    places: list[Place]
    follows_addition: bool  # its input is the output of another block
    after: tuple[str, str]  # the activations after its last convolution and after its addition

    @property
    def times(self) -> int:
        return self.places[0].times

    @property
    def read(self) -> int:
        return self.places[0].read

    @property
    def written(self) -> int:
        return self.places[-1].written

    @property
    def shortcut(self) -> int:
        """Elements that the shortcut passes on, zeros left out."""
        return min(self.places[0].conv.channels, self.places[-1].conv.out_channels) * self.places[-1].out_area

    @property
    def reshapes(self) -> bool:
        """The shortcut subsamples or pads."""
        return not self.read == self.shortcut == self.written


def _blocks(structure: str, depth: int) -> list[_Block]:
    return [_Block(places, i > 0, parts(structure)[1:]) for i, places in enumerate(blocks(structure, depth))]


def _work(structure: str, depth: int, batch_size: int, precision: str, elements: int, launches: int) -> Work:
    """With the stem's and the parameters' traffic; elements: read and written by blocks and head for one image."""
    cost, stem = costs(structure, depth), Place(1, STEM, IMAGE**2)
    flops = 2 * batch_size * (3 * cost.macs - stem.weights * stem.out_area)
    elements += 2 * (stem.read + stem.written)  # no gradient of the image
    image = stem.read * (1 + MAP_BYTES[precision])  # a byte read, a number written: augmentation
    traffic = batch_size * (elements * MAP_BYTES[precision] + image) + PARAMETER_BYTES * cost.parameters
    return Work(flops, traffic, launches)


def _least_passes(block: _Block) -> int:
    """Elements read and written for one image, forward and backward, by the table above."""
    elements = 2 * block.written + 2 * block.shortcut  # the addition, and its gradient
    elements += sum(max(_fused(name) - 2, 0) for name in block.after) * block.written
    for place in block.places:
        elements += (3 + _fused(place.conv.activation)) * place.read + 2 * place.written
    if not operations(block.places[0].conv.activation):
        return elements + 2 * block.read
    return elements - block.follows_addition * block.read


def _fused(activation: str) -> int:
    """Passes of an activation in one kernel: those of its most expensive operation."""
    return max((operation.passes for operation in operations(activation)), default=0)


def _eager_passes(block: _Block) -> int:
    elements = 3 * block.read + 3 * block.written  # the sum of gradients; the addition
    elements += sum(_passes(name) for name in block.after) * block.written
    for place in block.places:
        elements += (3 + _passes(place.conv.activation)) * place.read + 3 * place.written
    if block.reshapes:  # the shortcut is written out; its gradient is first spread over zeros
        elements += block.written + 3 * block.shortcut + block.read
    return elements


def _eager_launches(block: _Block) -> int:
    """Three kernels per convolution, one for the addition, one to sum gradients, four for a new shape."""
    before = sum(3 + _launches(place.conv.activation) for place in block.places)
    return before + sum(_launches(name) for name in block.after) + 2 + 4 * block.reshapes


def _passes(activation: str) -> int:
    return sum(operation.passes for operation in operations(activation))


def _launches(activation: str) -> int:
    return sum(operation.launches for operation in operations(activation))
