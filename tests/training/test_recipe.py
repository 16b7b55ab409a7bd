import pytest
import torch
from torch import nn

from fastres.config import RunConfig
from fastres.training import recipe


def test_learning_rate_of_all_160_epochs():
    rates = [recipe.learning_rate(RunConfig(), epoch) for epoch in range(1, 161)]
    assert rates == pytest.approx([0.1] * 80 + [0.01] * 40 + [0.001] * 40)
    assert recipe.learning_rate(RunConfig(epochs=1), 1) == 0.1


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_one_update_by_hand(momentum):
    """SGD with Nesterov momentum: the velocity starts as the decayed gradient, and is looked ahead along once."""
    weight = nn.Parameter(torch.tensor([1.0, -2.0]))
    config = RunConfig(momentum=momentum, weight_decay=0.5)
    weight.grad = torch.tensor([0.25, 0.5])
    recipe.optimizer([weight], config, lr=0.1).step()
    gradient = torch.tensor([0.25 + 0.5, 0.5 - 1.0])
    torch.testing.assert_close(weight.detach(), torch.tensor([1.0, -2.0]) - 0.1 * (1 + momentum) * gradient)
