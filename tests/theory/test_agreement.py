"""How errors are measured and stated."""

import pytest
import torch

from fastres import theory
from fastres.theory.agreement import (
    TOLERANCE,
    agree,
    bound,
    collapse_errors,
    distance,
    gap,
    random_tensor,
)


def test_distance_is_the_largest_difference_of_equal_shapes():
    first, second = torch.zeros(2, 3), torch.tensor([[0.0, 1.0, -2.0], [0.5, 0.0, 0.0]])
    assert distance(first, second) == distance(second, first) == 2
    assert agree(first, first) and agree(first, first + TOLERANCE / 2) and not agree(first, first + 2 * TOLERANCE)
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(1, 3\)"):  # would be broadcast
        distance(first, second[:1])


def test_an_error_is_shown_with_the_digits_that_last():
    assert bound(3e-16) == "< 1e-12"
    assert bound(0.012345) == "0.012"


def test_a_gap_tells_the_border_from_the_interior():
    truth, found = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    found[0, 0, 0, 2], found[0, 0, 1, 2] = -2.0, 0.5
    result = gap(found, truth)
    assert result == (0.5, 2.0)
    assert str(result) == "inside 0.5, border 2"
    assert not result.exact and gap(truth, truth).exact


@pytest.mark.parametrize("stride1", [1, 2])
def test_a_collapse_is_as_predicted_only_for_the_two_convolutions(stride1):
    x, w1, w2 = random_tensor(2, 3, 8, 8), random_tensor(4, 3, 3, 3, seed=1), random_tensor(2, 4, 3, 3, seed=2)
    two = theory.conv2d(theory.conv2d(x, w1, None, stride1), w2)
    assert collapse_errors(two, x, w1, None, w2, None, stride1=stride1).as_predicted
    assert not collapse_errors(two + 1e-6, x, w1, None, w2, None, stride1=stride1).as_predicted
    single, _ = theory.collapse(x, w1, None, w2, None, stride1)
    assert not collapse_errors(single, x, w1, None, w2, None, stride1=stride1).as_predicted
