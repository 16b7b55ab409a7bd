import math

import pytest
import torch

from fastres.theory.linearity import best_affine, explained


def maps(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_an_affine_map_is_found_exactly():
    x = maps(3, 2, 4, 4)
    fit = best_affine(x, torch.tensor([2.0, -1.0]).view(1, 2, 1, 1) * x + torch.tensor([0.5, 3.0]).view(1, 2, 1, 1))
    torch.testing.assert_close(fit.scale, torch.tensor([2.0, -1.0], dtype=torch.float64))
    torch.testing.assert_close(fit.shift, torch.tensor([0.5, 3.0], dtype=torch.float64))
    assert fit.r2 == pytest.approx(1.0)


def test_relu_of_a_standard_normal_is_affine_to_a_known_share():
    """Cov(x, relu(x)) = 1/2, Var(relu(x)) = 1/2 - 1/(2 pi): the best affine map explains 1/4 over that, 73.3 %."""
    x = maps(64, 1, 64, 64)
    assert best_affine(x, torch.relu(x)).r2 == pytest.approx(0.25 / (0.5 - 0.5 / math.pi), abs=5e-3)


def test_half_the_channels_always_on_and_half_always_off_is_exactly_affine():
    """Though only half of the values are positive: a share of positive values says nothing about linearity."""
    x = maps(4, 2, 8, 8)
    shifted = x + torch.tensor([100.0, -100.0]).view(1, 2, 1, 1)
    fit = best_affine(x, torch.relu(shifted))
    assert (shifted > 0).double().mean() == 0.5
    assert fit.r2 == pytest.approx(1.0) and fit.scale.tolist() == pytest.approx([1.0, 0.0])


def test_what_does_not_vary():
    x = maps(2, 1, 3, 3)
    assert math.isnan(best_affine(x, torch.ones_like(x)).r2)
    assert best_affine(torch.ones_like(x), x).r2 == pytest.approx(0.0)
    assert explained(x, torch.zeros_like(x)) == 1.0


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 1, 3, 3\), y \(2, 2, 3, 3\)"):
        best_affine(maps(2, 1, 3, 3), maps(2, 2, 3, 3))
