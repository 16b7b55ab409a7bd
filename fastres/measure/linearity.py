"""How nearly affine the activations of a trained network are, measured on test images from its weights."""

from pathlib import Path

import torch
from torch import Tensor, nn

from fastres.datasets.dataset import Dataset
from fastres.measure.activations import trained
from fastres.models.blocks import BNReLU, ResidualBlock
from fastres.models.resnet import ResNet
from fastres.records import store
from fastres.records.linearity import FILE_NAME, ActivationLinearity, BlockLinearity, LinearityRecord
from fastres.theory import conv2d, fold_affine, ring
from fastres.theory.linearity import best_affine, explained


def measure_linearity(run_folder: str | Path, dataset: Dataset, limit: int = 500) -> LinearityRecord:
    """Measure a finished run on the first `limit` test images, on the CPU, and save RUN_FOLDER/linearity.json.

    Raises RecordError if the folder lacks the record or its weights, or the dataset is not the run's.
    """
    folder = Path(run_folder)
    run, model, images = trained(folder, dataset, limit)
    record = LinearityRecord(
        config=run.config,
        data=run.data,
        environment=run.environment,
        images=len(images),
        blocks=linearity_of_blocks(model, images),
    )
    store.save(record, folder / FILE_NAME)
    return record


@torch.no_grad()
def linearity_of_blocks(model: ResNet, images: Tensor) -> list[BlockLinearity]:
    """Of every block of a network of two-convolution blocks, in evaluation mode, on images (B, 3, H, W)."""
    model.eval()
    x, found = model.stem(images), []
    for block in model.blocks:
        middle = block.conv1(block.f1(x))
        found.append(
            BlockLinearity(
                first=_of_activation(block.f1, x, block.conv1),
                second=_of_activation(block.f2, middle, block.conv2),
                branch_r2=_of_branch(block, x),
            )
        )
        x = block(x)
    return found


def _of_activation(f: nn.Module, x: Tensor, conv: nn.Conv2d) -> ActivationLinearity | None:
    if not isinstance(f, BNReLU):
        return None
    norm = f[0]
    z = norm(x)
    on = (z > 0).flatten(2).double().mean((0, 2))  # per channel
    y = torch.relu(z)
    fit = best_affine(x, y)
    truth = conv(y)
    scale, shift = fit.scale.to(x.dtype), fit.shift.to(x.dtype)
    stride = conv.stride[0]
    gap = conv2d(x, *fold_affine(conv.weight, None, scale, shift), stride) - truth
    edge = ring(*truth.shape[-2:])
    inside, border = (float(gap[..., where].norm() / truth[..., where].norm()) for where in (~edge, edge))
    return ActivationLinearity(
        r2=fit.r2,
        positive=float((z > 0).double().mean()),
        always_on=float((on == 1).double().mean()),
        always_off=float((on == 0).double().mean()),
        beta_over_gamma=float((norm.bias / norm.weight.abs().clamp_min(1e-12)).median()),
        folded_inside=inside,
        folded_border=border,
    )


def _of_branch(block: ResidualBlock, x: Tensor) -> float | None:
    if not isinstance(block.f2, nn.Identity) or not isinstance(block.f1, BNReLU):
        return None
    fit = best_affine(x, block.f1(x))
    scale, shift = (values.to(x.dtype).view(1, -1, 1, 1) for values in (fit.scale, fit.shift))
    branch = block.conv2(block.conv1(block.f1(x)))
    return explained(branch, branch - block.conv2(block.conv1(scale * x + shift)))
