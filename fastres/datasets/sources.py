"""The datasets of the catalogue, one loader each, and `load_dataset`, which calls them."""

import contextlib
import http.client
import socket
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fastres import paths
from fastres.datasets.catalogue import CATALOGUE, EMBEDDED_SIDE, FOLDER, canonical
from fastres.datasets.dataset import DataError, Dataset
from fastres.datasets.folder import read_folder
from fastres.errors import reason
from fastres.files import locked

Loader = Callable[[str, Path], Dataset]
LOADERS: dict[str, Loader] = {}

STALLED = 60.0  # seconds without a byte after which a download is given up


def load_dataset(name: str, root: str | Path | None = None, device: str | torch.device = "cpu") -> Dataset:
    """A dataset by name, its tensors on the device.

    "cifar10", "cifar100": searched for under `root`, else downloaded there by torchvision, checksums verified.
    "digits": scikit-learn's handwritten digits, 16x16, three equal channels; no network.
    "synthetic", "synthetic100": seeded patterns in noise, 16x16, of 10 or 100 classes; no network.
    "folder:PATH": images of one size in class folders under PATH/train and PATH/test; a relative PATH is
        taken from the current folder, then from `root`.
    root: default fastres.paths.datasets().

    Raises DataError saying what was expected, what was found and how to go on; ConfigError for an unknown name.
    """
    name = canonical(name)
    folder = paths.expanded(root, "the data folder") if root is not None else paths.datasets()
    load = read_folder if name.startswith(FOLDER) else LOADERS[name]
    return load(name, folder).to(device)


def loads(*names: str) -> Callable[[Loader], Loader]:
    """Register the loader of datasets of the catalogue; it is called with a name and the data folder."""

    def register(loader: Loader) -> Loader:
        LOADERS.update(dict.fromkeys(names, loader))
        return loader

    return register


@loads("cifar10", "cifar100")
def _cifar(name: str, root: Path) -> Dataset:
    from torchvision import datasets  # here, since everything else works without torchvision

    loader = datasets.CIFAR10 if name == "cifar10" else datasets.CIFAR100
    archive = root / loader.filename
    try:
        root.mkdir(parents=True, exist_ok=True)
        try:
            train, test = (loader(root, train=part) for part in (True, False))  # the unpacked files; nothing is written
        except RuntimeError:  # none, or damaged
            train, test = _unpacked(loader, root, name)
    except (OSError, RuntimeError, EOFError, http.client.HTTPException) as error:
        found = f"{archive.stat().st_size:,} bytes there" if archive.is_file() else "nothing there"
        raise DataError(
            f"{name}: cannot read or download it ({type(error).__name__}: {reason(error)}). Expected {archive} "
            f"with MD5 {loader.tgz_md5}; found {found}. Offline: put that archive there, or use --dataset digits, "
            "synthetic or folder:PATH."
        ) from error

    def tensors(part: datasets.CIFAR10) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(part.data), torch.tensor(part.targets, device="cpu")

    source = f"{loader.url} (MD5 {loader.tgz_md5})"
    return Dataset(name, *tensors(train), *tensors(test), tuple(train.classes), source)


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Sockets opened within it time out after `seconds` without a byte; torchvision sets no timeout."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _unpacked(loader: Any, root: Path, name: str) -> list[Any]:
    """The training and test images from the archive, which is downloaded if need be; one process at a time."""
    with locked(root, f"{name} in {root}"), _socket_timeout(STALLED), warnings.catch_warnings():
        # Python 3.12 and 3.13 warn of an extraction without a filter; this archive's checksum has been verified.
        warnings.simplefilter("ignore", DeprecationWarning)
        return [loader(root, train=part, download=True) for part in (True, False)]


@loads("digits")
def _digits(name: str, root: Path) -> Dataset:
    from sklearn.datasets import load_digits

    row, digits = CATALOGUE[name], load_digits()
    levels = torch.from_numpy(digits.images).float() * (255 / 16)  # 8x8, 0 to 16
    images = F.interpolate(levels[:, None], size=(row.side, row.side), mode="bilinear").round().to(torch.uint8)
    images = images.permute(0, 2, 3, 1).expand(-1, -1, -1, 3).contiguous()
    labels = torch.from_numpy(digits.target).long()
    first = row.train_size  # four fifths, in the order in which the digits were collected
    source = f"scikit-learn's digits (8x8), enlarged to {row.side}x{row.side}"
    return Dataset(name, images[:first], labels[:first], images[first:], labels[first:], tuple("0123456789"), source)


@loads("synthetic", "synthetic100")
def _synthetic(name: str, root: Path) -> Dataset:
    row = CATALOGUE[name]
    return synthetic(row.classes, row.train_size, row.test_size, side=row.side)


def synthetic(
    num_classes: int = 10, train_size: int = 1280, test_size: int = 256, seed: int = 0, side: int = EMBEDDED_SIDE
) -> Dataset:
    """A seeded stand-in, `side` x `side` pixels: each class is a smooth random pattern, seen through noise.

    Device and dtype are explicit throughout, so that the caller's defaults change no pixel.
    """
    host: dict[str, Any] = {"device": "cpu", "generator": torch.Generator("cpu").manual_seed(seed)}
    coarse = torch.randn(num_classes, 3, 4, 4, dtype=torch.float32, **host)
    patterns = F.interpolate(coarse, size=(side, side), mode="bilinear").permute(0, 2, 3, 1)

    def part(size: int) -> tuple[Tensor, Tensor]:
        labels = torch.randint(num_classes, (size,), **host)
        noise = torch.randn(size, side, side, 3, dtype=torch.float32, **host)
        return (128 + 40 * patterns[labels] + 40 * noise).clamp(0, 255).to(torch.uint8), labels

    name = "synthetic" if num_classes == 10 else f"synthetic{num_classes}"
    classes = tuple(map(str, range(num_classes)))
    return Dataset(name, *part(train_size), *part(test_size), classes, f"seeded patterns in noise, seed {seed}")
