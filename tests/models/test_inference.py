"""Merged networks are the trained ones, to within rounding, border included."""

import pytest
import torch

from fastres import theory
from fastres.models.blocks import batch_norms
from fastres.models.inference import CollapsedConv, collapsed, folded
from fastres.models.resnet import build_model


def trained(structure: str, depth: int):
    """Weights, scales, shifts and running statistics as a trained network could have them, in float64."""
    model = build_model(structure, depth, seed=0).double().eval()
    generator = torch.Generator().manual_seed(1)
    for norm in batch_norms(model):
        for tensor in (norm.weight.data, norm.running_var):
            tensor.uniform_(0.5, 2, generator=generator)
        for tensor in (norm.bias.data, norm.running_mean):
            tensor.normal_(generator=generator)
    return model


STRUCTURES = {  # BN layers left in the blocks of D = 14 (two blocks in a stage) or 20
    "basic": (14, 6),
    "simplified-1": (14, 0),
    "simplified-2": (14, 6),
    "bn/bn-relu/end-bn": (14, 6),
    "bn-tanh/bn/end-bn-relu": (14, 6),
    "none/none": (14, 0),
    "bottleneck": (20, 6),
    "bn-relu/none/bn/end-bn": (20, 6),
}


@pytest.mark.parametrize(("structure", "depth", "left"), [(name, *row) for name, row in STRUCTURES.items()])
@pytest.mark.parametrize("merge", [folded, collapsed])
def test_merged_networks_put_out_the_same(merge, structure, depth, left):
    model = trained(structure, depth)
    merged, x = merge(model), torch.randn(3, 3, 12, 16, dtype=torch.float64)
    torch.testing.assert_close(merged(x), model(x), rtol=1e-9, atol=1e-9)
    assert sum(len(batch_norms(block)) for block in merged.blocks) == left
    assert not merged.training and all(block.conv1.weight.requires_grad for block in model.blocks)  # it is a copy


def test_two_convolutions_become_one_where_they_meet():
    kinds = [[type(block.conv2) for block in stage] for stage in collapsed(trained("simplified-2", 14)).stages]
    conv = torch.nn.Conv2d
    assert kinds == [[CollapsedConv] * 2, [conv, CollapsedConv], [conv, CollapsedConv]]  # a stride keeps its two
    assert not any(isinstance(block.conv2, CollapsedConv) for block in collapsed(trained("basic", 14)).blocks)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 2), (3, 4), (7, 6)])
def test_the_border_is_that_of_theory(size):
    x, w1, w2 = (torch.randn(*shape, dtype=torch.float64) for shape in ((2, 3, *size), (5, 3, 3, 3), (4, 5, 3, 3)))
    merged = CollapsedConv(w1, w2, None)
    assert torch.allclose(merged.weight, theory.compose_convs(w1, None, w2, None)[0])
    interior, border = theory.collapse(x, w1, None, w2, None)
    torch.testing.assert_close(merged(x), interior + border)
    assert not torch.allclose(merged(x), interior)
