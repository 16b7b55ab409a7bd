"""Where a record comes from: code and machine."""

import os
import platform
import subprocess

import torch

from fastres import paths
from fastres.device import memory_bytes


def engine_of(environment: dict[str, str | int | bool]) -> str:
    """How a record's steps were run: "compiled" (fastres.training.engine), or "eager", operation by operation."""
    return "compiled" if environment.get("compiled") else "eager"


def code_commit() -> str:
    """The commit of this checkout, "+changes" appended if it was edited; "unknown" outside git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + ("+changes" if _git("status", "--porcelain", "--", "fastres") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=paths.ROOT, capture_output=True, encoding="utf-8", check=True)
    return done.stdout.strip()


def describe(device: torch.device) -> dict[str, str | int]:
    """What a record says of the machine: device, driver, versions, threads. No host or user name."""
    description = {
        "device": device.type,
        "device_name": _device_name(device),
        "threads": torch.get_num_threads(),
        "cpu_count": os.cpu_count() or 0,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    if device.type == "cuda":
        description["cuda"] = str(torch.version.cuda)
        description["cudnn"] = torch.backends.cudnn.version() or 0
        description["memory_gib"] = memory_bytes(device) // 2**30
    return description


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        # platform.processor() is empty on Linux
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as cpuinfo:
            names = [line.split(":", 1)[1].strip() for line in cpuinfo if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
