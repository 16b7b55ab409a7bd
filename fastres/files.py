"""Files written whole or not at all, and locks between processes."""

import contextlib
import datetime
import errno
import json
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from fastres.errors import ConfigError

WRITTEN_FILES = "FASTRES_WRITTEN_FILES"  # environment variable: a file that lists what a notebook has written
_NOT_WRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS)
_TEMPORARY = ".writing"  # suffix of a file that is not whole yet
_HOLDER = ".holder"  # beside a lock: who holds it


def make_folder(folder: Path) -> None:
    """Create a writable folder before any work is done for it. Raises ConfigError if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(f"cannot write to {folder}: {error.strerror or error}") from error


@contextlib.contextmanager
def atomic_write(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Write a file beside `path` and rename it at the end: `path` is whole, old or new, at every moment.

    Text is UTF-8. Raises OSError naming `path` (no space, no permission); the old file then remains.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_TEMPORARY}")
    encoding, newline = (None, None) if "b" in mode else ("utf-8", "\n")  # the same bytes on every system
    try:
        with open(temporary, mode.replace("w", "x"), encoding=encoding, newline=newline) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.errno in _NOT_WRITABLE:
            raise OSError(error.errno, f"cannot write: {os.strerror(error.errno)}", str(path)) from error
        raise


def write(path: Path, content: str | bytes) -> None:
    """A whole file, by `atomic_write`."""
    with atomic_write(path, "wb" if isinstance(content, bytes) else "w") as file:
        file.write(content)


def note_written(path: Path) -> None:
    """Report a file to the executor of this notebook, which is executed again if the file is deleted."""
    if listing := os.environ.get(WRITTEN_FILES):
        with open(listing, "a", encoding="utf-8") as file:
            file.write(f"{path.absolute()}\n")


def remove_unfinished(folder: Path) -> None:
    """Delete what a process that was killed while writing has left in a folder. Call it with the folder locked."""
    for path in folder.glob(f".*{_TEMPORARY}"):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: Path, what: str) -> Iterator[None]:
    """Hold the lock of a folder; where another process holds it, say so in one line and wait.

    The lock ends with its process, however that ends. what: name of the work, for that line.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        found = holder(folder)
        who = f" ({found['host']}, process {found['pid']}, since {found['since']} UTC)" if found else ""
        print(f"Another process works on {what}{who}: waiting for it.", flush=True)
        lock.acquire()
    try:
        _sign(folder)
        yield
    finally:
        with contextlib.suppress(OSError):
            (folder / _HOLDER).unlink()
        lock.release()


def _sign(folder: Path) -> None:
    """Leave beside a lock who holds it. It is of use to people alone, so a full disk is no reason to stop."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M")
    with contextlib.suppress(OSError), atomic_write(folder / _HOLDER) as file:
        json.dump({"host": socket.gethostname(), "pid": os.getpid(), "since": now}, file)


def holder(folder: Path) -> dict[str, Any] | None:
    """Host, process and beginning (UTC) of the last process that held the lock of a folder and did not release it."""
    try:
        found = json.loads((folder / _HOLDER).read_text(encoding="utf-8"))
        return {name: found[name] for name in ("host", "pid", "since")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_locked(folder: Path) -> bool:
    """Whether some process holds the lock of a folder now. Nothing is created where there is none."""
    from filelock import FileLock, Timeout

    path = folder / ".lock"
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True
