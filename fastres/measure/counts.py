"""The counts of fastres.theory.counts, measured on a built network."""

import torch
from torch import Tensor, nn

from fastres.models.blocks import batch_norms, relu_count
from fastres.models.resnet import ResNet, count_parameters
from fastres.theory.counts import IMAGE, Costs


def measure_costs(model: ResNet) -> Costs:
    """The same counts, taken from a built network: its modules, hooks on its layers, autograd's own record.

    Runs three forward passes in training mode (running statistics are put back); the network is left in
    the mode it was in.
    """
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    training, threads = model.training, torch.get_num_threads()
    torch.set_num_threads(1)  # on one or two images threads gain nothing, and on busy cores they wait for each other
    model.train()
    macs, normalised = _count_work(model)
    one, _ = _saved(model, 1)
    two, logits = _saved(model, 2)
    relu_path = _longest_relu_path(logits)
    model.load_state_dict(state)
    model.train(training)
    torch.set_num_threads(threads)
    norms = batch_norms(model)
    return Costs(
        parameters=count_parameters(model),
        bn_parameters=sum(count_parameters(norm) for norm in norms),
        bn_layers=len(norms),
        relu_layers=relu_count(model),
        conv_layers=sum(isinstance(module, nn.Conv2d) for module in model.modules()),
        relu_path=relu_path,
        macs=macs,
        bn_elements=normalised,
        saved_elements=two - one,  # what does not grow with the batch falls out
    )


def _images(model: ResNet, batch_size: int) -> Tensor:
    weight = model.stem.weight
    return torch.zeros(batch_size, weight.shape[1], IMAGE, IMAGE, dtype=weight.dtype, device=weight.device)


def _count_work(model: ResNet) -> tuple[int, int]:
    """MACs of convolutions and classifier, and elements that BN layers read, for one image."""
    counts = {"macs": 0, "normalised": 0}

    def weighted(module, inputs, output):
        counts["macs"] += output.numel() * module.weight[0].numel()

    def normalising(module, inputs, output):
        counts["normalised"] += inputs[0].numel()

    hooks = [m.register_forward_hook(weighted) for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    hooks += [norm.register_forward_hook(normalising) for norm in batch_norms(model)]
    with torch.no_grad():
        model(_images(model, 1))
    for hook in hooks:
        hook.remove()
    return counts["macs"], counts["normalised"]


def _saved(model: ResNet, batch_size: int) -> tuple[int, Tensor]:
    """Elements in the distinct storages that autograd keeps, parameters and buffers aside; and the logits."""
    own = {tensor.untyped_storage().data_ptr() for tensor in [*model.parameters(), *model.buffers()]}
    kept = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes() // tensor.element_size()
        return tensor.detach()  # the tensor itself would tie the graph into a cycle

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        logits = model(_images(model, batch_size))
    return sum(kept.values()), logits


def _longest_relu_path(logits: Tensor) -> int:
    """The largest number of ReLUs on one path through autograd's graph."""
    longest = {}
    stack = [logits.grad_fn]
    while stack:  # not recursive: the graph of a deep network is deeper than Python's stack
        node = stack[-1]
        waiting = [parent for parent, _ in node.next_functions if parent is not None and parent not in longest]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        parents = [longest[parent] for parent, _ in node.next_functions if parent is not None]
        longest[node] = max(parents, default=0) + node.name().startswith("Relu")
    return longest[logits.grad_fn]
