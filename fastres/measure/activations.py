"""Activations of a trained network's residual blocks: signs of their values, and drifts in one update.

Section 2 argues from both: that most values are positive late in training, and that the input of a block's first
activation is stable while that of the second shifts with the first convolution. Measured on test images, from the
weights that a run leaves beside its record, and saved there as activations.json.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastres.datasets.dataset import Dataset, Normalizer
from fastres.errors import RecordError
from fastres.measure.gradient_paths import IMAGES, path_gradients
from fastres.models.blocks import batch_norms
from fastres.models.resnet import ResNet, build_model
from fastres.records import store
from fastres.records.activations import FILE_NAME, ActivationRecord, BlockActivations
from fastres.records.runs import FILE_NAME as RECORD
from fastres.records.runs import RunRecord, load_run
from fastres.training.weights import load_network

UPDATE_IMAGES = 128  # of the one update, as in a training step
UPDATE_RATE = 0.1  # of that update: the paper's first learning rate


def trained(folder: Path, dataset: Dataset, limit: int) -> tuple[RunRecord, ResNet, Tensor]:
    """(record, network, its first `limit` test images (B, 3, H, W), normalised) of a finished run, on the CPU.

    Raises RecordError if the folder lacks the record or the weights, or the dataset is not the run's.
    """
    run = load_run(folder / RECORD)
    if dataset.checksum() != run.data.sha256:
        raise RecordError(f"{folder}: the run was trained on {run.data.source}, not on these images ({dataset.source})")
    dataset = dataset.to("cpu")
    images = dataset.test_images[:limit].permute(0, 3, 1, 2)
    return run, load_network(folder, run), Normalizer(*dataset.mean_and_std())(images)


def measure_activations(run_folder: str | Path, dataset: Dataset, limit: int = 1000) -> ActivationRecord:
    """Measure a finished run on the first `limit` test images, on the CPU, and save RUN_FOLDER/activations.json.

    Raises RecordError if the folder lacks the record or the weights, or the dataset is not the run's.
    """
    folder = Path(run_folder)
    run, model, images = trained(folder, dataset, limit)
    config = run.config
    classes, labels = run.data.num_classes, dataset.test_labels[:limit].cpu()
    start = build_model(config.structure, config.depth, classes, config.seed, config.shortcut, config.init_scale)
    paths = path_gradients(model, images[:IMAGES], labels[:IMAGES])  # before the update below changes the network
    record = ActivationRecord(
        config=run.config,
        data=run.data,
        environment=run.environment,
        images=len(images),
        blocks=_blocks(model, start, images, labels),
        path_gradients=paths,
    )
    store.save(record, folder / FILE_NAME)
    return record


def _blocks(model: ResNet, start: ResNet, images: Tensor, labels: Tensor) -> list[BlockActivations]:
    trained, initial = positive_shares(model.eval(), images), positive_shares(start.train(), images)
    drifts = update_drifts(model, images[:UPDATE_IMAGES], labels[:UPDATE_IMAGES])
    return [
        BlockActivations(
            outputs=after["outputs"],
            input_positive=after["input"],
            normalised_positive=after.get("normalised"),
            output_positive=after["output"],
            output_positive_at_start=before["output"],
            first_drift=first,
            second_drift=second,
        )
        for after, before, (first, second) in zip(trained, initial, drifts, strict=True)
    ]


@torch.no_grad()
def positive_shares(model: ResNet, images: Tensor) -> list[dict]:
    """Per block: shares of positive values at its input, after its first BN where it has one, at its output."""
    found: list[dict] = [{} for _ in model.blocks]
    hooks = []
    for block, shares in zip(model.blocks, found, strict=True):

        def around(module: nn.Module, inputs: tuple, output: Tensor, shares: dict = shares) -> None:
            shares |= {"input": _positive(inputs[0]), "output": _positive(output), "outputs": output[0].numel()}

        def normalised(module: nn.Module, inputs: tuple, output: Tensor, shares: dict = shares) -> None:
            shares["normalised"] = _positive(output)  # read here: the ReLU after it works in place

        hooks.append(block.register_forward_hook(around))
        hooks += [norm.register_forward_hook(normalised) for norm in batch_norms(block.f1)]
    model(images)
    for hook in hooks:
        hook.remove()
    return found


def update_drifts(model: ResNet, images: Tensor, labels: Tensor) -> list[tuple[float, ...]]:
    """Per block, how far one gradient step moves the inputs of the first and of the second activation.

    Mean over channels of |change of the mean| / standard deviation, on the same images before and after a plain
    step at rate UPDATE_RATE, with batch statistics. The model is changed by it.
    """
    model.train()
    before = _channel_means(model, images)
    F.cross_entropy(model(images), labels).backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= UPDATE_RATE * parameter.grad
            parameter.grad = None
    after = _channel_means(model, images)
    return [
        tuple(
            float(((new - old).abs() / spread).mean()) for (old, spread), (new, _) in zip(earlier, later, strict=True)
        )
        for earlier, later in zip(before, after, strict=True)
    ]


@torch.no_grad()
def _channel_means(model: ResNet, images: Tensor) -> list[list[tuple[Tensor, Tensor]]]:
    """Per block: (mean, standard deviation) per channel, of its input and of its first convolution's output."""
    found: list[list] = [[] for _ in model.blocks]
    hooks = []
    for block, places in zip(model.blocks, found, strict=True):

        def of_input(module: nn.Module, inputs: tuple, places: list = places) -> None:
            places.append(_mean_and_std(inputs[0]))

        def of_output(module: nn.Module, inputs: tuple, output: Tensor, places: list = places) -> None:
            places.append(_mean_and_std(output))

        hooks += [block.register_forward_pre_hook(of_input), block.conv1.register_forward_hook(of_output)]
    model(images)
    for hook in hooks:
        hook.remove()
    return found


def _mean_and_std(x: Tensor) -> tuple[Tensor, Tensor]:
    std, mean = torch.std_mean(x, dim=(0, 2, 3))
    return mean, std.clamp_min(1e-12)  # avoids division by zero in a constant channel


def _positive(x: Tensor) -> float:
    return float((x > 0).double().mean())
