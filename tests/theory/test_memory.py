"""Bytes kept for the backward pass, in closed form and measured, and the batch that fits."""

import pytest
import torch

from fastres.errors import ConfigError
from fastres.measure.memory import measured_kept_bytes, peak_bytes
from fastres.theory.counts import costs, places
from fastres.theory.memory import batch_that_fits, kept_bytes, needed_bytes

NAMES = ("basic", "simplified-1", "simplified-2")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("structure", [*NAMES, "bn/bn-relu", "none/none", "bn/bn-relu/end-bn", "post-activation"])
def test_closed_form_is_what_autograd_keeps(structure, precision):
    for depth, batch_size in ((8, 3), (20, 2)):
        found = measured_kept_bytes(structure, depth, batch_size, precision)
        assert found == kept_bytes(structure, depth, batch_size, precision)


def test_kept_in_float32_is_what_costs_says():
    assert kept_bytes("basic", 20, 128) == costs("basic", 20).saved_bytes(128)
    assert kept_bytes("basic", 20, 128, "bf16") < 0.51 * kept_bytes("basic", 20, 128)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("structure", NAMES)
def test_batch_that_fits_is_the_largest(structure, precision):
    for depth in (8, 110):
        size = batch_that_fits(structure, depth, 4 * 2**30, precision)
        assert needed_bytes(structure, depth, size, precision) <= 4 * 2**30
        assert needed_bytes(structure, depth, size + 1, precision) > 4 * 2**30


def test_less_memory_or_a_deeper_network_fits_fewer():
    fits = [batch_that_fits("basic", depth, 2**33) for depth in (20, 56, 110, 668)]
    assert fits == sorted(fits, reverse=True) and fits[-1] > 0
    assert batch_that_fits("simplified-1", 668, 2**33) > fits[-1]
    assert batch_that_fits("basic", 20, 2**20) == 0
    with pytest.raises(ValueError, match="not of the form"):
        batch_that_fits("basic", 21, 2**33)


def test_the_estimate_holds_parameters_gradients_and_momentum():
    cost = costs("basic", 20)
    assert needed_bytes("basic", 20, 1) > 12 * cost.parameters + cost.saved_bytes(1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="tests/gpu measures it")
def test_no_peak_without_cuda():
    assert peak_bytes("basic", 8, device="cpu") is None
    with pytest.raises(ConfigError):
        peak_bytes("basic", 8, precision="tf32", device="cpu")


def test_compiled_blocks_on_a_cpu_save_one_map_before_each_convolution():
    """BN-ReLU is computed again in the backward pass; the statistics of the batch add little."""
    convs = list(places("basic", 8))
    maps = sum(place.times * place.read for place in convs) + convs[-1].written  # the head's map is the last
    assert measured_kept_bytes("basic", 8, 8, compiled=True) == pytest.approx(4 * 8 * maps, rel=0.005)


def test_larger_images_need_more_memory():
    """224 by 224 pixels are 49 times 32 by 32, and so is what grows with the batch."""
    small, large = (needed_bytes("basic", 20, 128, pixels=side**2) - needed_bytes("basic", 20, 0) for side in (32, 224))
    assert large == pytest.approx(49 * small, rel=1e-6)
    assert batch_that_fits("basic", 20, 2**33, pixels=224**2) == pytest.approx(
        batch_that_fits("basic", 20, 2**33) / 49, abs=1
    )
