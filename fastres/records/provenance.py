"""Provenance of a record: the code and the machine."""

import os
import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from fastres import paths

if TYPE_CHECKING:
    import torch

SHARED_BY = "FASTRES_JOBS"  # environment variable: how many runs share this machine

SHARES = "runs_at_once"  # in a record's environment: the same number

CPU_MODEL = {"cpu family": "family", "model": "model", "stepping": "stepping"}  # in /proc/cpuinfo, and here

Environment = dict[str, str | int | bool]


def was_shared(environment: Environment) -> bool:
    """Whether other processes of the same work took part of the machine, so that seconds are not those of the work."""
    return environment.get(SHARES, 1) != 1


def engine_of(environment: Environment) -> str:
    """How a record's steps were run: "compiled" (fastres.training.engine) or "eager"."""
    return "compiled" if environment.get("compiled") else "eager"


def describe(device: "torch.device") -> Environment:
    """What a record says of the machine: device, driver, versions, threads. No host or user name."""
    import torch

    from fastres.device import memory_bytes

    description: Environment = {
        "device": device.type,
        "device_name": _device_name(device),
        "threads": torch.get_num_threads(),
        "cpu_count": os.cpu_count() or 0,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    if device.type == "cpu" and (about := _cpuinfo()).get("cpu family"):
        # What tells processors apart that a virtual machine gives one name.
        description["cpu_model"] = ", ".join(f"{word} {about.get(name, '–')}" for name, word in CPU_MODEL.items())
    if shared_by := os.environ.get(SHARED_BY):
        description[SHARES] = int(shared_by)
    if device.type == "cuda":
        description["cuda"] = str(torch.version.cuda)
        description["cudnn"] = torch.backends.cudnn.version() or 0
        description["memory_gib"] = memory_bytes(device) // 2**30
    return description


def _device_name(device: "torch.device") -> str:
    """As the vendor names it; a processor with its vector instructions, as virtual machines hide its product name."""
    import torch

    from fastres.device import vector_instructions

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = _cpuinfo().get("model name") or platform.processor() or platform.machine()
    return f"{name}, {vector_instructions()}" if device.type == "cpu" else name


def _cpuinfo() -> dict[str, str]:
    """What Linux says of the first processor; platform.processor() is empty there. Elsewhere nothing."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0]
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())}


def code_commit() -> str:
    """The commit of this checkout, "+changes" appended if it was edited.

    Outside its own checkout (installed, unpacked in another repository) "version" and a hash of the sources.
    """
    try:
        if os.path.samefile(_git("rev-parse", "--show-toplevel"), paths.ROOT):
            changed = _git("status", "--porcelain", "--untracked-files=normal", "--", "fastres")
            return _git("rev-parse", "HEAD") + ("+changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        pass
    return f"version {_version()}, sources {sources_hash()}"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=paths.ROOT, capture_output=True, text=True, encoding="utf-8", check=True
    )
    return done.stdout.strip()


def _version() -> str:
    from fastres import __version__

    return __version__


def sources_hash(*others: Path) -> str:
    """Of all modules of the package, and of other files."""
    import hashlib

    digest = hashlib.sha256()
    for path in (*sorted(paths.PACKAGE.rglob("*.py")), *others):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
