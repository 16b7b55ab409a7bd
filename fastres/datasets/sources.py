"""Datasets as tensors on the device, and the augmentation of Section 3.1, drawn per sample.

Images are uint8 (N, H, W, 3), decoded once. A batch gathered from them is a channels-last tensor for free.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fastres import paths
from fastres.config import DATASETS, FOLDER
from fastres.datasets.dataset import DataError, Dataset
from fastres.errors import ConfigError


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
