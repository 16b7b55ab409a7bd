"""How much of the gradient takes paths of each length through a trained network (Veit et al., arXiv 1605.06431).

A path goes, at every block, through the branch or along the shortcut. Paths through k of the L branches number
L! / (k! (L - k)!); the gradient along one is the backward pass in which every other branch, and the shortcuts beside
these k, pass nothing on.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from fastres.models.resnet import Part, ResNet

IMAGES, SAMPLES = 16, 8  # of test images, and of paths of each length


def path_gradients(model: ResNet, images: Tensor, labels: Tensor, samples: int = SAMPLES, seed: int = 0) -> list[float]:
    """Mean norm of the loss's gradient at the stem's output along random paths through k = 0, 1 ... L branches.

    images (B, 3, H, W), normalised. In evaluation mode; the forward pass is that of the whole network.
    """
    model.eval()
    blocks, generator = model.blocks, torch.Generator().manual_seed(seed)
    found = []
    for k in range(len(blocks) + 1):
        norms = []
        for _ in range(samples):
            through = {id(blocks[int(i)]) for i in torch.randperm(len(blocks), generator=generator)[:k]}
            norms.append(_norm(model, images, labels, through))
        found.append(sum(norms) / samples)
    return found


def _norm(model: ResNet, images: Tensor, labels: Tensor, through: set[int]) -> float:
    """Norm of the gradient at the stem's output along the path through the branches of these blocks."""
    start: list[Tensor] = []

    def run(part: Part, x: Tensor) -> Tensor:
        if not isinstance(part, torch.nn.Module):
            return part(x)
        if not start:
            x = x.detach().requires_grad_()
            start.append(x)
        shortcut, branch = part.shortcut(x), part.branch(x)
        # The value is that of the block; the gradient goes through one of its two terms.
        return part.sum(shortcut.detach() + branch if id(part) in through else shortcut + branch.detach())

    loss = F.cross_entropy(model(images, run), labels)
    (gradient,) = torch.autograd.grad(loss, start)
    return float(gradient.norm())
