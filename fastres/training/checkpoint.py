"""Checkpoints: the whole state of a run after an epoch, with a checksum of all of it.

The previous checkpoint is kept until the next one is complete, and is used if the newest is damaged.
"""

import contextlib
import hashlib
import io
import os
import shutil
from pathlib import Path
from typing import Any

import torch

from fastres.errors import ConfigError
from fastres.files import atomic_write

FILE_NAME = "checkpoint.pt"
PREVIOUS = "checkpoint.previous.pt"
DAMAGED = "checkpoint.damaged.pt"
_MARK = b"fastres checkpoint 1\n"  # then SHA-256 of the rest, 32 bytes, then torch's file


def save(state: dict[str, Any], folder: Path) -> None:
    """Write the state; the file that was there becomes the previous one. Raises OSError naming the file."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    path = folder / FILE_NAME
    with atomic_write(path, "wb") as file:
        file.write(_MARK + hashlib.sha256(content).digest() + content)
        file.flush()
        os.fsync(file.fileno())  # the new one is whole on the disk before the old one moves
        if path.exists():
            os.replace(path, folder / PREVIOUS)


def load(folder: Path) -> dict[str, Any] | None:
    """The newest undamaged state, or None where there is no checkpoint.

    A damaged file is named in a line, and renamed. Raises ConfigError if there are only damaged ones.
    """
    state, problems = newest(folder)
    if state is None and problems:
        raise ConfigError(f"{'; '.join(problems.values())}. Move it away, or start again with --no-resume.")
    for damaged, problem in problems.items():
        damaged.replace(damaged.with_name(DAMAGED))  # or it would replace the good one at the next save
        print(f"{problem}, now {DAMAGED}; resuming from the one before.", flush=True)
    return state


def newest(folder: Path) -> tuple[dict[str, Any] | None, dict[Path, str]]:
    """The newest undamaged state, None for none, and the newer files that are damaged; nothing is changed."""
    problems: dict[Path, str] = {}
    for path in (folder / FILE_NAME, folder / PREVIOUS):
        if not path.exists():
            continue
        content = path.read_bytes() if path.is_file() else b""
        start = len(_MARK) + 32
        if content.startswith(_MARK) and hashlib.sha256(content[start:]).digest() == content[len(_MARK) : start]:
            return torch.load(io.BytesIO(content[start:]), map_location="cpu", weights_only=True), problems
        problems[path] = f"{path}: not a whole checkpoint of this version"
    return None, problems


def written(folder: Path) -> float | None:
    """When the newest file was written, in seconds since 1970; None for none."""
    times = []
    for name in (FILE_NAME, PREVIOUS):
        with contextlib.suppress(FileNotFoundError):  # it may have just been replaced
            times.append((folder / name).stat().st_mtime)
    return max(times, default=None)


def exists(folder: Path) -> bool:
    return any((folder / name).exists() for name in (FILE_NAME, PREVIOUS))


def remove(folder: Path) -> None:
    for path in (folder / name for name in (FILE_NAME, PREVIOUS, DAMAGED)):
        if path.is_dir():  # whatever it was, it is no checkpoint
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
