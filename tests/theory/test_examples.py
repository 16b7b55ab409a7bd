"""The worked examples of notebook 02: what is exact is exact, and what is not is told."""

import pytest
import torch
from torch import nn

from fastres.models.resnet import build_model
from fastres.theory import examples
from fastres.theory.agreement import TOLERANCE, agree, random_tensor


@pytest.fixture(autouse=True)
def in_float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_an_example_block_has_no_neutral_values(generator):
    block = examples.example_block("basic", 4, generator)
    for norm in (block.f1[0], block.f2[0]):
        assert not norm.weight.eq(1).any() and not norm.bias.eq(0).any()


@pytest.mark.parametrize("structure", ["basic", "simplified-1", "simplified-2", "none/none"])
def test_a_block_by_its_equations(structure, generator):
    block, x = examples.example_block(structure, 4, generator), random_tensor(2, 4, 6, 6)
    assert agree(examples.block_by_equations(block, x), block(x))
    block.conv2.bias = nn.Parameter(torch.ones(4))
    assert agree(examples.block_by_equations(block, x), block(x))
    assert not agree(examples.block_by_equations(block, x), examples.example_block(structure, 4, generator)(x))


def test_shares_of_the_border(generator):
    small, large = (examples.border_shares(pixels, 4, generator) for pixels in (8, 32))
    assert small.pixels == 28 / 64 and large.pixels == 124 / 1024
    assert 0 < large.error < small.error < small.error_there < 1
    assert large.error_there == pytest.approx(small.error_there, rel=0.2)  # per pixel of the ring, whatever the size


def test_an_activation_that_is_affine_leaves_no_linear_error(generator):
    block, x = examples.example_block("simplified-2", 3, generator).requires_grad_(False), random_tensor(4, 3, 9, 9)
    found = examples.linear_errors(block, x)
    assert 0.5 < found.r2 < 1 and 0.1 < found.two_convs < 1 and 0.1 < found.one_conv < 1
    block.f1[0].bias.fill_(100)  # BN(X) > 0: affine, and what is left is the border, in the fold and in the 5x5 kernel
    found = examples.linear_errors(block, x)
    assert found.r2 == pytest.approx(1) and 0.1 < found.two_convs < 0.7  # without the shift of the fold: about 1
    block.f1 = nn.BatchNorm2d(3).eval().requires_grad_(False)  # a scale without a shift: nothing is lost at the border
    block.f1.weight.copy_(torch.tensor([0.5, 2.0, 3.0]))
    found = examples.linear_errors(block, x)
    assert found.r2 == pytest.approx(1) and found.two_convs < TOLERANCE < 0.1 < found.one_conv < 1


def test_deviation_of_a_network_from_an_affine_map():
    x, y = random_tensor(2, 2, 3, 8, 8)
    with torch.no_grad():
        assert examples.deviation_from_affine(build_model("bn/none", 8, seed=0).eval(), x, y) < 1e-12
        assert examples.deviation_from_affine(build_model("simplified-2", 8, seed=0).eval(), x, y) > 0.01


def test_relu_cuts_by_beta_over_gamma_and_not_by_the_sign_of_the_input(generator):
    x = torch.randn(2, 3, 12, 12, generator=generator)
    plain, shifted, raised = (examples.relu_cut(x, *case) for case in ((0, 0), (9, 0), (0, 3)))
    assert shifted.input_positive == 1 and shifted.cut == pytest.approx(plain.cut) and raised.cut < 0.01 < plain.cut
    assert raised.bn_positive > 0.99


def test_kernels_of_pairs_span_all_5x5_kernels(generator):
    assert examples.spanned_dimension(10, generator) == 10 and examples.spanned_dimension(40, generator) == 25


def test_simplified_1_collapses_inside(generator):
    images = torch.randn(1, 3, 12, 12, generator=generator)
    assert all(each.as_predicted for each in examples.inner_collapses(build_model("simplified-1", 14), images))
    assert not examples.inner_collapses(build_model("basic", 14), images)[0].as_predicted
