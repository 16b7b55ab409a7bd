"""Images in class folders: every file is used for training, named in an error, or reported as ignored."""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fastres import paths
from fastres.datasets.catalogue import FOLDER, shown
from fastres.datasets.dataset import DataError, Dataset
from fastres.device import memory_bytes
from fastres.errors import reason

LAYOUT = "expected PATH/train/CLASS/image and PATH/test/CLASS/image"
# Pillow reads more, some of it by calling other programs, some without a signature to know it by.
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "AVIF", "GIF", "BMP", "PPM", "TIFF", "JPEG2000")


def read_folder(name: str, root: Path) -> Dataset:
    """The images of folder:PATH, PATH taken from the current folder, then from `root`.

    Classes are the folders under train and test, sorted; images are in the order of their file names.

    Raises DataError naming the file or folder that cannot be used.
    """
    given = paths.expanded(name.removeprefix(FOLDER), "the image folder")
    folder = given if given.is_dir() else root / given
    train_images, train_labels, classes = _read_part(folder / "train")
    test_images, test_labels, test_classes = _read_part(folder / "test")
    if test_classes != classes:
        different = sorted(set(classes) ^ set(test_classes))
        raise DataError(f"{folder}: train and test must have the same classes; only in one: {', '.join(different)}")
    if test_images.shape[1:] != train_images.shape[1:]:
        raise DataError(f"{folder}: train images are {_size(train_images[0])}, test images {_size(test_images[0])}")
    source = f"image folder {shown(os.path.basename(os.path.abspath(folder)))}"
    return Dataset(name, train_images, train_labels, test_images, test_labels, classes, source)


def _read_part(folder: Path) -> tuple[Tensor, Tensor, tuple[str, ...]]:
    """Images (N, H, W, 3), labels (N,) and classes of one part."""
    if not folder.is_dir():
        raise DataError(f"no folder {folder}: {LAYOUT}")
    entries, ignored = _entries(folder)
    class_folders = [entry for entry in entries if entry.is_dir()]
    ignored += [entry for entry in entries if not entry.is_dir()]
    if len(class_folders) < 2:
        found = ", ".join(entry.name for entry in class_folders) or "none"
        raise DataError(f"{folder}: at least two class folders expected, found {found}")
    files, labels = [], []
    for label, class_folder in enumerate(class_folders):
        images, hidden = _entries(class_folder)
        ignored += hidden
        if not images:
            raise DataError(f"{class_folder}: a class folder without an image")
        files += images
        labels += [label] * len(images)
    if ignored:
        names = ", ".join(str(path.relative_to(folder)) for path in ignored[:5])
        more = f" and {len(ignored) - 5} more" if len(ignored) > 5 else ""
        warnings.warn(f"{folder}: not read, being hidden or outside a class folder: {names}{more}", stacklevel=4)
    classes = tuple(path.name for path in class_folders)
    return torch.from_numpy(_decode_all(files)), torch.tensor(labels, device="cpu"), classes


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """The visible and the hidden entries of a folder, each sorted by name."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed ({error.strerror})") from error
    hidden = [entry for entry in entries if entry.name.startswith(".")]
    return [entry for entry in entries if not entry.name.startswith(".")], hidden


def _decode_all(files: list[Path]) -> np.ndarray:
    """uint8 (N, H, W, 3), decoded on every core."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)  # an image larger than a bomb's threshold
        first = _decode(files[0])
        needed, there = len(files) * first.nbytes, memory_bytes(torch.device("cpu"))
        if needed > there:
            raise DataError(
                f"{files[0]}: {len(files)} images of its size {_size(first)} need {needed / 2**30:.0f} GiB; "
                f"this machine has {there / 2**30:.0f} GiB"
            )
        images = np.empty((len(files), *first.shape), np.uint8)

        def decode(number: int) -> None:
            image = _decode(files[number])
            if image.shape != first.shape:
                raise DataError(
                    f"{files[number]}: images must have one size; this one is {_size(image)}, "
                    f"{files[0].name} is {_size(first)}"
                )
            images[number] = image

        with ThreadPoolExecutor() as pool:
            list(pool.map(decode, range(len(files))))
    return images


def _decode(path: Path) -> np.ndarray:
    """One image as uint8 (H, W, 3), turned upright as its EXIF orientation says."""
    from PIL import Image, ImageOps

    if path.is_dir():
        raise DataError(f"{path}: a folder within a class folder; {LAYOUT}")
    try:
        Image.init()
        with Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as image:
            # A phone's JPEG (MPO) holds a preview beside its image.
            if getattr(image, "is_animated", False) and image.format != "MPO":
                raise ValueError("more than one frame")
            if image.mode.startswith(("I", "F")):  # Pillow would clip them to white
                raise ValueError(f"pixels of mode {image.mode}: 8 bits per channel expected")
            image.apply_transparency()  # of a palette; converting it directly warns
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except Exception as error:  # Pillow's decoders raise many kinds: OSError, SyntaxError, ValueError, struct.error
        raise DataError(f"{path}: not a readable image ({reason(error)}); readable are {', '.join(FORMATS)}") from error


def _size(image: np.ndarray | Tensor) -> str:
    return f"{image.shape[0]} x {image.shape[1]}"
