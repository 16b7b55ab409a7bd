"""The recipe of Section 3.2: optimiser and learning-rate schedule. Its numbers are the defaults of RunConfig."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from fastres.config import RunConfig


def learning_rate(config: RunConfig, epoch: int) -> float:
    """Rate of an epoch, counted from 1. In the paper: 0.1 up to epoch 80, 0.01 up to 120, then 0.001.

    >>> [learning_rate(RunConfig(), epoch) for epoch in (1, 80, 81, 121)]
    [0.1, 0.1, 0.01, 0.001]
    """
    drops = sum(epoch > milestone for milestone in config.milestones)
    return config.lr / 10**drops


def optimizer(parameters: Iterable[nn.Parameter], config: RunConfig, lr: float | Tensor) -> torch.optim.SGD:
    """SGD with Nesterov momentum and weight decay on all parameters.

    lr: the rate, as a number or as a tensor on the device (a captured step reads it from there).
    """
    parameters = list(parameters)
    return torch.optim.SGD(
        parameters,
        lr=lr,
        momentum=config.momentum,
        nesterov=config.momentum > 0,
        weight_decay=config.weight_decay,
        fused=parameters[0].device.type in ("cpu", "cuda"),
    )
