from itertools import chain, combinations

import pytest
import torch
import torch.nn.functional as F

from fastres.measure.gradient_paths import _norm, path_gradients
from fastres.models.resnet import build_model


def gradient(model, images, labels, through) -> torch.Tensor:
    """Along one path, with every other map cut by hand."""
    start = model.stem(images).detach().requires_grad_()
    x = start
    for block in model.blocks:
        shortcut = block.shortcut(x)
        branch = block.end(block.conv2(block.f2(block.conv1(block.f1(x)))))
        x = block.sum(branch + shortcut.detach() if block in through else branch.detach() + shortcut)
    return torch.autograd.grad(F.cross_entropy(model.head(x), labels), start)[0]


@pytest.mark.parametrize("structure", ["basic", "simplified-1", "post-activation"])
def test_the_paths_add_up_to_the_gradient(structure):
    model = build_model(structure, 8, seed=0).eval().requires_grad_(False)
    images, labels = torch.randn(2, 3, 8, 8), torch.arange(2)
    every = chain.from_iterable(combinations(model.blocks, k) for k in range(4))
    paths = {through: gradient(model, images, labels, through) for through in every}
    assert len(paths) == 8
    start = model.stem(images).requires_grad_()
    x = start
    for block in model.blocks:
        x = block(x)
    (whole,) = torch.autograd.grad(F.cross_entropy(model.head(x), labels), start)
    torch.testing.assert_close(sum(paths.values()), whole)
    for through, along in paths.items():
        found = _norm(model, images, labels, {id(block) for block in through})
        assert found == pytest.approx(float(along.norm()), rel=1e-4)
    found = path_gradients(model, images, labels, samples=3)
    assert len(found) == 4 and found == path_gradients(model, images, labels, samples=3)
    assert found[0] == pytest.approx(float(paths[()].norm()), rel=1e-4)
    assert found[3] == pytest.approx(float(paths[tuple(model.blocks)].norm()), rel=1e-4)
