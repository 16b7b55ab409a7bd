"""Measured rates of a machine: matrix product, copy, kernel launch."""

from collections.abc import Callable

import torch

from fastres.device import arithmetic, check_precision, choose_device
from fastres.models.structures import WIDTHS
from fastres.theory.counts import IMAGE
from fastres.theory.roofline import Rates
from fastres.timers import Timer


def rates(device: str | torch.device = "auto", precision: str = "fp32", batch_size: int = 128) -> Rates:
    """Measured now: the best of several tries, since a disturbance only makes a try slower.

    The product is of square matrices in the precision. The copy is of the largest map of a batch, so that a cache
    that helps the step also helps the copy. The launch time is that of ReLU on one number, forward and backward
    through autograd. Raises ConfigError for an unavailable device or precision.
    """
    device = choose_device(device)
    check_precision(precision, device)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    # A GPU needs large products and many calls in a row; on a CPU short tries avoid interference by other processes.
    sides, calls = ((8192,), 20) if device.type == "cuda" else ((512, 1024), 1)
    source = torch.rand(batch_size * WIDTHS[0] * IMAGE**2, device=device).to(dtype)
    target = torch.empty_like(source)
    number = torch.rand(1, device=device, requires_grad=True)
    with arithmetic(precision, device):
        product_rate = max(_product_rate(side, dtype, device, calls) for side in sides)
        copy_seconds = _best(lambda: target.copy_(source), device, calls)
        launch_seconds = _best(lambda: _chain(number), device, calls=1) / 200
    return Rates(product_rate, 2 * source.nbytes / copy_seconds, launch_seconds)


def _product_rate(side: int, dtype: torch.dtype, device: torch.device, calls: int) -> float:
    """Operations per second, two for each multiply-accumulate, of a product of square matrices."""
    left, right, product = (torch.rand(side, side, device=device).to(dtype) for _ in range(3))
    return 2 * side**3 / _best(lambda: torch.mm(left, right, out=product), device, calls)


def _chain(number: torch.Tensor) -> None:
    result = number
    for _ in range(100):
        result = result.relu()
    result.backward()


def _best(call: Callable[[], object], device: torch.device, calls: int, tries: int = 25) -> float:
    """Seconds of one call: the best of `tries` tries of `calls` calls in a row, after a warm-up."""
    call()
    timer, found = Timer(device), []
    for _ in range(tries):
        with timer("calls"):
            for _ in range(calls):
                call()
        found.append(timer.last["calls"] / calls)
    return min(found)
