"""The floor of a step: counts by hand on the smallest network, its order, and what the counts predict."""

import pytest

from fastres.errors import ConfigError
from fastres.measure.rates import rates
from fastres.theory.counts import costs
from fastres.theory.roofline import (
    COMMON_LAUNCHES,
    Rates,
    compiled_work,
    eager_work,
    least_work,
    predicted_saving,
    predicted_seconds,
    step_floor,
)

NAMES = ("basic", "simplified-1", "simplified-2")
IMAGE = 3 * 32 * 32
MAPS = FIRST, SECOND, THIRD = 16 * 32 * 32, 32 * 16 * 16, 64 * 8 * 8  # elements of a map of each stage
RATES = Rates(flops_per_second=1e12, bytes_per_second=1e10, launch_seconds=2e-6)


def traffic(elements: int, depth: int, structure: str, batch_size: int = 1, width: int = 4) -> int:
    """With the image's own byte in and number out, and the eight passes over the parameters."""
    parameters = costs(structure, depth).parameters
    return batch_size * (width * elements + (1 + width) * IMAGE) + 32 * parameters


def test_least_traffic_of_the_smallest_basic_network_by_hand():
    stem = 2 * IMAGE + 2 * FIRST  # image read, map written; gradient and image read
    same = 5 + 8 + 5 + 8  # convolution, BN-ReLU before it, twice: reads and writes of a map
    first = (same + 3 + 1) * FIRST  # the sum; the shortcut's gradient
    # The stage's first: conv1 reads the larger map and makes two passes over its own; half of the smaller map
    # is what the shortcut hands on, forward and backward; statistics come with the sum before.
    second = (3 + 7) * FIRST + (2 + 5 + 8 + 2 + 0.5 + 0.5) * SECOND
    third = (3 + 7) * SECOND + (2 + 5 + 8 + 2 + 0.5 + 0.5) * THIRD
    end = 4 * THIRD
    elements = int(stem + first + second + third + end)
    assert elements == 1_013_760
    assert least_work("basic", 8, 1).bytes == traffic(elements, 8, "basic")
    assert least_work("basic", 8, 7, "bf16").bytes == traffic(elements, 8, "basic", batch_size=7, width=2)


@pytest.mark.parametrize("depth", [8, 20, 668])
def test_what_the_simplified_structures_save_by_hand(depth):
    n = (depth - 2) // 6
    basic, first, second = (least_work(name, depth, 1).bytes - 32 * costs(name, depth).parameters for name in NAMES)
    # Each block sees its input, of the size of its stage's maps; a stage's first block sees the one before.
    inputs = n * FIRST + FIRST + (n - 1) * SECOND + SECOND + (n - 1) * THIRD
    outputs = n * sum(MAPS)
    # Without f1: seven passes less (eight in the first block, whose input no sum has formed), but the two
    # gradients are then added in a pass of their own, which reads one and writes one more.
    assert basic - first == 4 * ((7 - 2) * inputs + FIRST)
    assert basic - second == 4 * 8 * outputs
    # Compiled block by block, an f1 never joins the addition before it: one pass more is saved, in all but the first.
    basic, first = (compiled_work(name, depth, 1).bytes - 32 * costs(name, depth).parameters for name in NAMES[:2])
    assert basic - first == 4 * 6 * inputs


def test_arithmetic_by_hand_and_equal():
    cost = costs("basic", 8)
    stem = 9 * 3 * FIRST
    for name in NAMES:
        assert least_work(name, 8, 5).flops == 2 * 5 * (2 * stem + 3 * (cost.macs - stem))
        assert eager_work(name, 8, 5).flops == least_work(name, 8, 5).flops


def test_eager_work_of_the_smallest_network_by_hand():
    stem = 3 * IMAGE + 3 * FIRST - IMAGE - FIRST
    same = 2 * (6 + 8 + 5) + 3 + 3  # two convolutions, two BN, two ReLU, the sum, the gradients' sum
    second = (3 + 13 + 3 + 1 + 0.5) * FIRST + (3 + 6 + 13 + 3 + 1 + 0.5) * SECOND
    third = (3 + 13 + 3 + 1 + 0.5) * SECOND + (3 + 6 + 13 + 3 + 1 + 0.5) * THIRD
    elements = int(stem + same * FIRST + second + third + 15 * THIRD)
    work = eager_work("basic", 8, 1)
    assert work.bytes == traffic(elements, 8, "basic")
    blocks = 3 * (2 * (3 + 3 + 2) + 2) + 2 * 4
    assert work.launches == 2 + blocks + 5 + COMMON_LAUNCHES


def test_compiled_work_of_the_smallest_network_by_hand():
    stem = 2 * IMAGE + 2 * FIRST
    same = (8 + 6) + (8 + 6) + 3 + 1  # BN-ReLU and convolution, twice; the sum; the shortcut's gradient
    second = (8 + 3) * FIRST + (3 + (8 + 6) + 2 + 0.5 + 0.5) * SECOND
    third = (8 + 3) * SECOND + (3 + (8 + 6) + 2 + 0.5 + 0.5) * THIRD
    elements = int(stem + same * FIRST + second + third + 5 * THIRD)
    work = compiled_work("basic", 8, 1)
    assert work.launches == 2 + 3 * (2 * 5 + 1) + COMMON_LAUNCHES
    assert work.bytes == traffic(elements, 8, "basic")


ANY = [*NAMES, "relu/bn-relu", "bn/bn", "bottleneck", "bn/bn-relu/end-bn", "basic/end-relu", "post-activation"]


@pytest.mark.parametrize("name", ANY)
def test_compiled_work_is_between_the_least_and_eager(name):
    least, fewer, every = least_work(name, 20, 8), compiled_work(name, 20, 8), eager_work(name, 20, 8)
    assert least.flops == fewer.flops == every.flops
    assert least.bytes < fewer.bytes < every.bytes
    assert fewer.launches < every.launches


@pytest.mark.parametrize("structure", NAMES)
def test_floor_grows_with_depth_batch_and_bytes(structure):
    floor = step_floor(structure, 20, 32, "fp32", RATES)
    assert floor.seconds == floor.arithmetic_seconds + floor.traffic_seconds
    deeper, larger = step_floor(structure, 26, 32, "fp32", RATES), step_floor(structure, 20, 64, "fp32", RATES)
    assert all(new > old for other in (deeper, larger) for new, old in zip(other, floor, strict=True))
    half = step_floor(structure, 20, 32, "bf16", RATES)
    assert half.arithmetic_seconds == floor.arithmetic_seconds
    assert 0.5 < half.traffic_seconds / floor.traffic_seconds < 0.53  # the parameters stay float32
    faster = step_floor(structure, 20, 32, "fp32", RATES._replace(flops_per_second=2e12))
    assert faster.arithmetic_seconds == floor.arithmetic_seconds / 2


def test_predicted_savings():
    for depth in (20, 110):
        for compiled in (False, True):
            first, second = (predicted_saving(n, "basic", depth, 128, "fp32", RATES, compiled) for n in NAMES[1:])
            assert 0 < first < 0.5 and 0 < second < 0.5
            # The first drops the larger maps of a stage's start; compiled, what is left there joins no pass.
            assert (first < second) == compiled
        assert predicted_saving("basic", "basic", depth, 128, "fp32", RATES) == 0
    launches_only = Rates(float("inf"), float("inf"), 1.0)
    seconds = predicted_seconds(eager_work("basic", 8, 2), launches_only)
    assert seconds == eager_work("basic", 8, 2).launches
    arithmetic_only = Rates(1.0, float("inf"), 0.0)
    assert predicted_saving("simplified-1", "basic", 20, 2, "fp32", arithmetic_only) == 0


def test_rates_of_this_machine():
    found = rates("cpu", batch_size=2)
    assert all(1e-9 < rate < 1e16 for rate in found)
    assert Rates(1.0, 4.0, 5.0).best(Rates(2.0, 3.0, 6.0)) == Rates(2.0, 4.0, 5.0)
    with pytest.raises(ConfigError, match="tf32"):
        rates("cpu", "tf32")


@pytest.mark.parametrize(("end", "fused", "passes", "launches"), [("relu", 3, 5, 2), ("bn", 6, 8, 3)])
def test_what_an_activation_at_the_end_of_a_branch_adds_by_hand(end, fused, passes, launches):
    """Fused with the addition, it has a write and a read less: ReLU's backward, BN's statistics and backward."""
    name = f"basic/end-{end}"
    parameters = 32 * (costs(name, 8).parameters - costs("basic", 8).parameters)
    assert parameters == (32 * 2 * (16 + 32 + 64) if end == "bn" else 0)
    for work, adds, more in ((least_work, fused, 0), (compiled_work, fused, 2), (eager_work, passes, launches)):
        ended, without = work(name, 8, 1), work("basic", 8, 1)
        assert ended.bytes - without.bytes == 4 * adds * sum(MAPS) + parameters
        assert ended.launches - without.launches == 3 * more and ended.flops == without.flops


def test_post_activation_by_hand():
    """Against none/bn-relu/end-bn: ReLU of the sum fused with it, BN-ReLU moved from the head to the stem."""
    parameters = 32 * 2 * (16 - 64)  # the scales and shifts that moved
    for work, of_sum, stem, head, launches in (
        (least_work, 3, 8, 4 - 2, 0),
        (compiled_work, 3, 13, 4 - 2 + 1, 3 * 2 + 5),
        (eager_work, 5, 13, 15 - 2, 3 * 2 + 5 - 5),
    ):
        post, without = work("post-activation", 8, 1), work("simplified-1/end-bn", 8, 1)
        elements = of_sum * sum(MAPS) + stem * MAPS[0] - head * MAPS[2]
        assert post.bytes - without.bytes == 4 * elements + parameters
        assert post.launches - without.launches == launches and post.flops == without.flops
