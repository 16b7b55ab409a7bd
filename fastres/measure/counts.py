"""The counts of fastres.theory.counts, measured on a built network."""

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from fastres.device import threads
from fastres.models.blocks import batch_norms, relu_count
from fastres.models.resnet import ResNet, count_parameters
from fastres.theory.counts import IMAGE, Costs


def measure_costs(model: ResNet) -> Costs:
    """The same counts, taken from a built network: its modules, torch's count of operations, autograd's own record.

    Three forward passes in training mode; the network is left as it was.
    """
    norms, normalised = batch_norms(model), []
    # More threads would gain nothing on one or two images, and on busy cores they wait for each other.
    with threads(1), _training(model):
        with contextlib.ExitStack() as hooks, FlopCounterMode(display=False) as flops, torch.no_grad():
            for norm in norms:
                hook = norm.register_forward_pre_hook(lambda _, x: normalised.append(x[0].numel()))
                hooks.callback(hook.remove)
            model(_images(model, 1))
        (one, _), (two, logits) = (saved_bytes(model, _images(model, size)) for size in (1, 2))
    return Costs(
        parameters=count_parameters(model),
        bn_parameters=sum(count_parameters(norm) for norm in norms),
        bn_layers=len(norms),
        relu_layers=relu_count(model),
        conv_layers=sum(isinstance(module, nn.Conv2d) for module in model.modules()),
        relu_path=_longest_relu_path(logits),
        macs=flops.get_total_flops() // 2,  # convolutions and matrix products, two operations each
        bn_elements=sum(normalised),
        saved_elements=(two - one) // logits.element_size(),  # what does not grow with the batch cancels
    )


@contextlib.contextmanager
def _training(model: ResNet) -> Iterator[None]:
    """Training mode; at the end modes and running statistics are those of before. A copy would take longer."""
    modes = {module: module.training for module in model.modules()}
    statistics = {buffer: buffer.clone() for buffer in model.buffers()}
    model.train()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
        for buffer, before in statistics.items():
            buffer.copy_(before)


def _images(model: ResNet, batch_size: int) -> Tensor:
    weight = next(model.parameters())  # of the stem
    return torch.zeros(batch_size, weight.shape[1], IMAGE, IMAGE, dtype=weight.dtype, device=weight.device)


def saved_bytes(
    model: nn.Module, images: Tensor, forward: Callable[[Tensor], Tensor] | None = None
) -> tuple[int, Tensor]:
    """Bytes of the distinct storages that autograd saves in one forward pass, the module's own aside; and its output.

    forward: computes the output in place of the module itself. A storage that several layers save, or that an in-place
    operation overwrote, counts once; parameters and buffers do not count.
    """
    own = {tensor.untyped_storage().data_ptr() for tensor in [*model.parameters(), *model.buffers()]}
    saved: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()  # keeps the storage, so that its address is not reused, but not the graph: a cycle

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = (forward or model)(images)
    return sum(saved.values()), output


def _longest_relu_path(logits: Tensor) -> int:
    """The largest number of ReLUs on one path through autograd's graph."""
    longest: dict[object, int] = {}
    stack = [logits.grad_fn]
    while stack:  # not recursive: the graph of a deep network is deeper than Python's stack
        node = stack[-1]
        waiting = [parent for parent, _ in node.next_functions if parent is not None and parent not in longest]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        parents = [longest[parent] for parent, _ in node.next_functions if parent is not None]
        longest[node] = max(parents, default=0) + (node.name() == "ReluBackward0")
    return longest[logits.grad_fn]
