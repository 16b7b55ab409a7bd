"""Datasets as tensors on the device, and the augmentation of Section 3.1, drawn per sample.

Images are uint8 (N, H, W, 3), decoded once. A batch gathered from them is a channels-last tensor for free.
"""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fastres import paths
from fastres.config import DATASETS, FOLDER, ConfigError, RunConfig


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
        levels = torch.arange(256, dtype=torch.float64)
        mean, std = torch.empty(3, dtype=torch.float64), torch.empty(3, dtype=torch.float64)
        for channel in range(3):
            counts = torch.bincount(self.train_images[..., channel].flatten().cpu(), minlength=256).double()
            mean[channel] = (counts * levels).sum() / counts.sum()
            std[channel] = ((counts * (levels - mean[channel]) ** 2).sum() / counts.sum()).sqrt()
        return mean, std

    def checksum(self) -> str:
        """SHA-256 over every image and label, so that a record tells which pixels it was trained on."""
        digest = hashlib.sha256()
        for tensor in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(tensor.cpu().contiguous().numpy())
        return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class EpochPlan:
    """One epoch's random choices for every sample, each (N,), in the order in which samples are used."""

    index: Tensor  # which image: every one exactly once
    row: Tensor  # crop offsets, 0 to 2 padding
    column: Tensor
    mirrored: Tensor  # bool

    @classmethod
    def draw(cls, size: int, config: RunConfig, generator: torch.Generator, device: torch.device) -> "EpochPlan":
        """Drawn on the CPU, so that every device sees the same epoch, and moved once."""
        offsets = 2 * config.crop_padding + 1
        index = torch.randperm(size, generator=generator)
        row = torch.randint(offsets, (size,), generator=generator)
        column = torch.randint(offsets, (size,), generator=generator)
        mirrored = torch.rand(size, generator=generator) < (0.5 if config.flip else 0.0)
        return cls(*(choice.to(device) for choice in (index, row, column, mirrored)))

    def __getitem__(self, batch: slice) -> "EpochPlan":
        return EpochPlan(self.index[batch], self.row[batch], self.column[batch], self.mirrored[batch])

    def __len__(self) -> int:
        return len(self.index)


def pad_images(images: Tensor, padding: int) -> Tensor:
    """Black pixels around each image: (N, H, W, 3) -> (N, H + 2 padding, W + 2 padding, 3)."""
    return F.pad(images, (0, 0, padding, padding, padding, padding))


def crop_and_flip(padded: Tensor, plan: EpochPlan, padding: int) -> Tensor:
    """The crops of a batch in one gather: padded uint8 (N, H + 2p, W + 2p, 3) -> uint8 (B, 3, H, W), channels last.

    Each sample has its own offset and its own coin for the mirror.
    """
    height, width = (side - 2 * padding for side in padded.shape[1:3])
    rows = plan.row[:, None] + torch.arange(height, device=padded.device)
    columns = torch.arange(width, device=padded.device)
    columns = torch.where(plan.mirrored[:, None], width - 1 - columns, columns) + plan.column[:, None]
    crops = padded[plan.index[:, None, None], rows[:, :, None], columns[:, None, :]]
    return crops.permute(0, 3, 1, 2)


class Normalizer:
    """uint8 (B, 3, H, W) -> float32, zero mean and unit variance per channel over the training images."""

    def __init__(self, dataset: Dataset):
        mean, std = dataset.mean_and_std()
        std = std.clamp_min(1.0)  # a constant channel stays finite
        self.scale = (1 / std).float().to(dataset.device).view(1, 3, 1, 1)
        self.shift = (-mean / std).float().to(dataset.device).view(1, 3, 1, 1)

    def __call__(self, images: Tensor) -> Tensor:
        return torch.addcmul(self.shift, images.float(), self.scale)


def load_dataset(name: str, root: str | Path | None = None, device: str | torch.device = "cpu") -> Dataset:
    """A dataset by name, its tensors on the device.

    "cifar10", "cifar100": looked for under `root`, else downloaded there by torchvision, checksums verified.
    "digits": scikit-learn's handwritten digits, 32x32, three equal channels; no network.
    "synthetic", "synthetic100": seeded patterns in noise, of 10 or 100 classes; no network.
    "folder:PATH": images of one size in class folders under PATH/train and PATH/test; a relative PATH is
        taken from the current folder, then from `root`.
    root: default fastres.paths.datasets().

    Raises DataError saying what was expected, what was found and how to go on; ConfigError for an unknown name.
    """
    root = Path(root) if root is not None else paths.datasets()
    if name in ("cifar10", "cifar100"):
        dataset = _cifar(name, root)
    elif name == "digits":
        dataset = _digits()
    elif name == "synthetic":
        dataset = synthetic(10)
    elif name == "synthetic100":
        dataset = synthetic(100)
    elif name.startswith(FOLDER):
        dataset = _folder(name, root)
    else:
        raise ConfigError(f"unknown dataset {name!r}: use one of {', '.join(DATASETS)}, or folder:PATH")
    return dataset.to(device)


def synthetic(num_classes: int = 10, train_size: int = 1280, test_size: int = 256, seed: int = 0) -> Dataset:
    """A seeded stand-in of 32x32 images: each class is a smooth random pattern, seen through noise."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(num_classes, 3, 4, 4, generator=generator)
    patterns = F.interpolate(coarse, size=(32, 32), mode="bilinear").permute(0, 2, 3, 1)
    parts = []
    for size in (train_size, test_size):
        labels = torch.randint(num_classes, (size,), generator=generator)
        noise = torch.randn(size, 32, 32, 3, generator=generator)
        images = (128 + 40 * patterns[labels] + 40 * noise).clamp(0, 255).to(torch.uint8)
        parts += [images, labels]
    name = "synthetic" if num_classes == 10 else f"synthetic{num_classes}"
    return Dataset(name, *parts, tuple(map(str, range(num_classes))), f"seeded patterns in noise, seed {seed}")


def _cifar(name: str, root: Path) -> Dataset:
    from torchvision import datasets  # here, since everything else works without torchvision

    loader = datasets.CIFAR10 if name == "cifar10" else datasets.CIFAR100
    archive = root / loader.filename
    try:
        root.mkdir(parents=True, exist_ok=True)
        # torchvision takes the unpacked files if their checksums hold, else the archive, else the network.
        train, test = (loader(root, train=part, download=True) for part in (True, False))
    except (OSError, RuntimeError, EOFError) as error:
        found = f"{archive.stat().st_size:,} bytes there" if archive.is_file() else "nothing there"
        raise DataError(
            f"{name}: cannot read or download it ({type(error).__name__}: {error}). Expected {archive} with MD5 "
            f"{loader.tgz_md5}; found {found}. Offline: put that archive there, or use --dataset digits, "
            "synthetic or folder:PATH."
        ) from error
    tensors = []
    for part in (train, test):
        tensors += [torch.from_numpy(part.data), torch.tensor(part.targets)]
    return Dataset(name, *tensors, tuple(train.classes), f"{loader.url} (MD5 {loader.tgz_md5})")


def _digits() -> Dataset:
    from sklearn.datasets import load_digits

    digits = load_digits()
    levels = torch.from_numpy(digits.images).float() * (255 / 16)  # 8x8, 0 to 16
    images = F.interpolate(levels[:, None], size=(32, 32), mode="bilinear").round().to(torch.uint8)
    images = images.permute(0, 2, 3, 1).expand(-1, -1, -1, 3).contiguous()
    labels = torch.from_numpy(digits.target).long()
    last = 360  # a fifth, in the order in which the digits were collected
    source = "scikit-learn's digits (8x8), enlarged to 32x32"
    return Dataset(
        "digits", images[:-last], labels[:-last], images[-last:], labels[-last:], tuple("0123456789"), source
    )


def _folder(name: str, root: Path) -> Dataset:
    given = Path(name.removeprefix(FOLDER)).expanduser()
    folder = given if given.is_dir() else root / given
    train_images, train_labels, classes = _image_folder(folder / "train")
    test_images, test_labels, test_classes = _image_folder(folder / "test")
    if test_classes != classes:
        different = sorted(set(classes) ^ set(test_classes))
        raise DataError(f"{folder}: train and test must have the same classes; only in one: {', '.join(different)}")
    if test_images.shape[1:] != train_images.shape[1:]:
        raise DataError(f"{folder}: train images are {train_images.shape[1:3]}, test images {test_images.shape[1:3]}")
    source = f"image folder {folder.name}"
    return Dataset(name, train_images, train_labels, test_images, test_labels, classes, source)


def _image_folder(folder: Path) -> tuple[Tensor, Tensor, tuple[str, ...]]:
    from concurrent.futures import ThreadPoolExecutor

    from torchvision.datasets import ImageFolder

    if not folder.is_dir():
        raise DataError(f"no folder {folder}: expected PATH/train/CLASS/image and PATH/test/CLASS/image")
    try:
        listed = ImageFolder(folder)
    except FileNotFoundError as error:
        raise DataError(f"{folder}: {str(error).splitlines()[0]}") from error
    if len(listed.classes) < 2:
        raise DataError(f"{folder}: at least two class folders expected, found {', '.join(listed.classes)}")
    with ThreadPoolExecutor() as pool:
        images = list(pool.map(_decode, [path for path, _ in listed.samples]))
    shapes = {image.shape[:2] for image in images}
    if len(shapes) > 1:
        raise DataError(f"{folder}: images must have one size; found {', '.join(map(str, sorted(shapes)))}")
    return torch.from_numpy(np.stack(images)), torch.tensor(listed.targets), tuple(listed.classes)


def _decode(path: str) -> np.ndarray:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise DataError(f"{path}: not a readable image ({error})") from error
