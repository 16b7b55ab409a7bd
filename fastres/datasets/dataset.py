"""A dataset as tensors on the device, and its normalisation."""

import dataclasses
import hashlib

import torch
from torch import Tensor, nn

from fastres.errors import ConfigError


class DataError(ConfigError):
    """A dataset that is missing or unreadable; the message says what was expected, found, and what to do."""


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A training and a test set: images uint8 (N, H, W, 3), labels int64 (N,)."""

    name: str
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    classes: tuple[str, ...]
    source: str  # where the images came from, in words

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            images, labels = getattr(self, f"{part}_images"), getattr(self, f"{part}_labels")
            if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[-1] != 3:
                raise DataError(f"{part} images of {self.name}: uint8 (N, H, W, 3) expected, not {tuple(images.shape)}")
            if labels.shape != images.shape[:1] or len(labels) == 0:
                raise DataError(f"{part} labels of {self.name}: {len(images)} expected, not {len(labels)}")

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    @property
    def device(self) -> torch.device:
        return self.train_images.device

    def to(self, device: str | torch.device) -> "Dataset":
        tensors = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.type is Tensor}
        return dataclasses.replace(self, **{name: tensor.to(device) for name, tensor in tensors.items()})

    def mean_and_std(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation per channel over all training pixels, (3,) each, on the scale 0-255.

        Exact: computed in float64 from the 256 counts of each channel.
        """
        levels = torch.arange(256, dtype=torch.float64, device="cpu")
        mean, std = torch.empty_like(levels[:3]), torch.empty_like(levels[:3])
        for channel in range(3):
            counts = torch.bincount(self.train_images[..., channel].flatten().cpu(), minlength=256).double()
            mean[channel] = (counts * levels).sum() / counts.sum()
            std[channel] = ((counts * (levels - mean[channel]) ** 2).sum() / counts.sum()).sqrt()
        return mean, std

    def checksum(self) -> str:
        """SHA-256 over every image and label, so that a record identifies the training images."""
        digest = hashlib.sha256()
        for tensor in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(tensor.cpu().contiguous().numpy().data)
        return digest.hexdigest()


def check_last_batch(dataset: Dataset, batch_size: int) -> None:
    """Raise ConfigError where the last batch of an epoch leaves BN a single value per channel.

    That is one image whose map is 1 x 1 in the last stage, after two convolutions of stride 2.
    """
    images, height, width, _ = dataset.train_images.shape
    if images % batch_size == 1 and max(height, width) <= 4:
        raise ConfigError(
            f"batch_size = {batch_size}: of {images} training images one is left for the last batch, and at "
            f"{height} x {width} pixels it has one value per channel in the last stage, where BN needs two or more"
        )


class Normalizer(nn.Module):
    """uint8 (B, 3, H, W) -> float32, of zero mean and unit variance per channel over the images that it was made from.

    mean, std: (3,) in float64, of `Dataset.mean_and_std`.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, mean: Tensor, std: Tensor):
        super().__init__()
        std = std.clamp_min(1.0)  # a constant channel stays finite
        self.register_buffer("scale", (1 / std).float().view(1, 3, 1, 1))
        self.register_buffer("shift", (-mean / std).float().view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return torch.addcmul(self.shift, images.float(), self.scale)
