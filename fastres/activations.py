"""What the residual blocks of a trained network see: signs of their inputs, and how these move in one update.

Section 2 argues from both: that most values are positive late in training, and that the input of a block's first
activation is stable while that of the second shifts with the first convolution. Measured on test images, from the
weights that a run leaves beside its record, and saved there as activations.json.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from fastres.blocks import batch_norms
from fastres.config import RunConfig
from fastres.data import Dataset, Normalizer
from fastres.models import ResNet, build_model
from fastres.records import FILE_NAME as RECORD
from fastres.records import DataSource, RecordError, atomic_write, load_run
from fastres.train import WEIGHTS

FILE_NAME = "activations.json"
UPDATE_IMAGES = 128  # of the one update, as in a training step
UPDATE_RATE = 0.1  # of that update: the paper's first learning rate


class BlockActivations(BaseModel):
    """One block, in its order from the image. Shares are of all values of a map, between 0 and 1.

    outputs: values that the block puts out for one image, the weight of its share among all blocks.
    drifts: how far one update moves the mean of a channel, in standard deviations, averaged over channels.
    None: the structure has no such place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    outputs: int
    input_positive: float
    normalised_positive: float | None  # of BN(X), which the first ReLU reads
    output_positive: float
    output_positive_at_start: float  # of the same network before training, in training mode
    first_drift: float  # of X, the input of the first activation or, without one, of the first convolution
    second_drift: float  # of the first convolution's output


class ActivationRecord(BaseModel):
    """Measurements on one finished run."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    config: RunConfig
    data: DataSource
    environment: dict[str, str | int | bool]  # of the run
    images: int
    blocks: list[BlockActivations]

    @property
    def run_id(self) -> str:
        return self.config.run_id

    def output_share(self, at_start: bool = False) -> float:
        """Share of positive values among the outputs of all blocks."""
        shares = [(b.outputs, b.output_positive_at_start if at_start else b.output_positive) for b in self.blocks]
        return sum(count * share for count, share in shares) / sum(count for count, _ in shares)

    def normalised_share(self) -> float:
        """Mean over blocks of the share of positive values that enter the first ReLU; NaN where there is none."""
        shares = [block.normalised_positive for block in self.blocks if block.normalised_positive is not None]
        return sum(shares) / len(shares) if shares else float("nan")


def measure_activations(run_folder: str | Path, dataset: Dataset, limit: int = 1000) -> ActivationRecord:
    """Measure a finished run on the first `limit` test images, on the CPU, and save RUN_FOLDER/activations.json.

    Raises RecordError if the folder lacks the record or the weights, or the dataset is not the run's.
    """
    from safetensors.torch import load_file

    folder = Path(run_folder)
    run = load_run(folder / RECORD)
    if dataset.checksum() != run.data.sha256:
        raise RecordError(f"{folder}: the run was trained on {run.data.source}, not on these images ({dataset.source})")
    model = build_model(run.config.structure, run.config.depth, run.data.num_classes)
    try:
        model.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, RuntimeError) as error:
        raise RecordError(f"{folder / WEIGHTS}: not the weights of {run.run_id} ({error})") from error
    dataset = dataset.to("cpu")
    images = Normalizer(dataset)(dataset.test_images[:limit].permute(0, 3, 1, 2))
    start = build_model(run.config.structure, run.config.depth, run.data.num_classes, seed=run.config.seed)
    record = ActivationRecord(
        config=run.config,
        data=run.data,
        environment=run.environment,
        images=len(images),
        blocks=_blocks(model, start, images, dataset.test_labels[:limit]),
    )
    with atomic_write(folder / FILE_NAME) as file:
        file.write(record.model_dump_json(indent=1) + "\n")
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


def update_drifts(model: ResNet, images: Tensor, labels: Tensor) -> list[tuple[float, float]]:
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
    return mean, std.clamp_min(1e-12)  # a channel that is constant does not divide by zero


def _positive(x: Tensor) -> float:
    return float((x > 0).double().mean())


def load_activations(*folders: str | Path) -> list[ActivationRecord]:
    """Every activations.json below the folders, by run id; the first folder's where a run comes twice.

    Raises RecordError naming a file that is not one.
    """
    found: dict[str, ActivationRecord] = {}
    for folder in folders:
        for path in sorted(Path(folder).rglob(FILE_NAME)):
            try:
                record = ActivationRecord.model_validate_json(path.read_text())
            except (OSError, ValueError) as error:
                raise RecordError(f"{path}: not a record of activations ({error})") from error
            found.setdefault(record.run_id, record)
    return [found[run_id] for run_id in sorted(found)]
