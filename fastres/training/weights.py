"""Trained weights as part of the product: written beside a record, checked against it, loaded as a classifier."""

import hashlib
import json
from pathlib import Path

import torch
from torch import Tensor, nn

from fastres import paths
from fastres.config import RunConfig
from fastres.datasets.dataset import Dataset, Normalizer
from fastres.device import arithmetic
from fastres.errors import ConfigError, RecordError
from fastres.files import write
from fastres.models.resnet import ResNet, build_model
from fastres.records.runs import FILE_NAME, RunRecord, load_run
from fastres.training.evaluation import evaluate

WEIGHTS = "model.safetensors"


def save_weights(model: ResNet, dataset: Dataset, config: RunConfig, path: Path) -> str:
    """Write a network's weights and what its use needs (mean, deviation and names of the training data).

    Returns the file's SHA-256, for the record.
    """
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    mean, std = (part.tolist() for part in dataset.mean_and_std())
    about = {"config": config.model_dump(), "classes": dataset.classes, "mean": mean, "std": std}
    content = save(tensors, {"fastres": json.dumps(about)})
    write(path, content)
    return hashlib.sha256(content).hexdigest()


def read_weights(folder: Path, record: RunRecord) -> tuple[dict[str, Tensor], dict]:
    """(tensors, what `save_weights` wrote about them) of a finished run.

    Raises RecordError naming the file if it is missing, damaged, or not the one that the record was written with.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / WEIGHTS
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if record.weights_sha256 not in (None, found):
            raise RecordError(f"{path}: not the weights of {record.run_id} (their SHA-256 is not the record's)")
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {}).get("fastres", "{}"))
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118, no mapping
    except (OSError, SafetensorError) as error:
        raise RecordError(f"{path}: not the weights of {record.run_id} ({error})") from error


def load_network(folder: Path, record: RunRecord) -> ResNet:
    """The trained network of a finished run, which takes normalised float images. Raises RecordError."""
    tensors, _ = read_weights(folder, record)
    config = record.config
    model = build_model(config.structure, config.depth, record.data.num_classes, shortcut=config.shortcut)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise RecordError(f"{folder / WEIGHTS}: not the weights of {record.run_id} ({error})") from error
    return model.eval()


class Classifier(nn.Module):
    """A trained network that normalises its images itself: uint8 (B, 3, H, W) or (B, H, W, 3) -> logits (B, classes).

    record: of the run that trained it; classes: their names.
    """

    def __init__(self, network: ResNet, record: RunRecord, classes: list[str], mean: list[float], std: list[float]):
        super().__init__()
        self.network, self.record, self.classes = network, record, classes
        self.normalize = Normalizer(*(torch.tensor(part, dtype=torch.float64) for part in (mean, std)))

    def forward(self, images: Tensor) -> Tensor:
        if images.dtype != torch.uint8 or images.dim() != 4 or 3 not in (images.shape[1], images.shape[-1]):
            given = f"{images.dtype}, {tuple(images.shape)}"
            raise ValueError(f"images are {given}: expected uint8 of shape (B, 3, H, W) or (B, H, W, 3)")
        if images.shape[-1] == 3:
            images = images.permute(0, 3, 1, 2)
        return self.network(self.normalize(images))


def error_of(network: Classifier, dataset: Dataset) -> float:
    """Test error in percent, in the precision of the run.

    Raises ConfigError if the dataset has other classes than the network was trained on.
    """
    if len(dataset.classes) != len(network.classes):
        raise ConfigError(f"{dataset.name} has {len(dataset.classes)} classes, the network {len(network.classes)}")
    network = network.to(dataset.device, memory_format=torch.channels_last)
    with arithmetic(network.record.config.precision, dataset.device):
        wrong = evaluate(network.network, dataset, network.normalize)
    return 100 * wrong / len(dataset.test_labels)


def load_trained(run: str | Path) -> Classifier:
    """A trained network in evaluation mode, from a run's folder, its id, or the beginning of one.

    Ids are looked for in data/recorded/ and outputs/runs/. Raises ConfigError listing the runs with weights if none or
    several match, RecordError if the weights are damaged, or older than version 0.2 and so without their mean.
    """
    folder = _find(run)
    record = load_run(folder / FILE_NAME)
    _, about = read_weights(folder, record)
    if not about:
        raise RecordError(f"{folder / WEIGHTS}: written before version 0.2, without the mean of its images")
    return Classifier(load_network(folder, record), record, about["classes"], about["mean"], about["std"]).eval()


def _find(run: str | Path) -> Path:
    if (Path(run) / FILE_NAME).is_file():
        return Path(run)
    homes = (paths.RECORDED / "runs", paths.runs())
    known = {path.parent.name: path.parent for home in reversed(homes) for path in sorted(home.glob(f"*/{WEIGHTS}"))}
    matching = [name for name in known if name == str(run)] or [name for name in known if name.startswith(str(run))]
    if len(matching) != 1:
        every = [path.parent.name for home in homes for path in sorted(home.glob(f"*/{FILE_NAME}"))]
        without = [name for name in every if name.startswith(str(run))]
        if without and not matching:
            raise ConfigError(f"{without[0]} is recorded without weights; with weights: {', '.join(known) or 'none'}")
        found = "more than one run" if matching else "no run"
        raise ConfigError(f"{str(run)!r}: {found} with weights has this id; there are: {', '.join(known) or 'none'}")
    return known[matching[0]]
