"""The device of a run: choice by name, a context manager for the precision, synchronisation, memory."""

import contextlib
import ctypes
import platform
from collections.abc import Iterator

import psutil
import torch

from fastres.errors import ConfigError


def choose_device(name: str | torch.device = "auto") -> torch.device:
    """ "auto" is CUDA, else MPS, else the CPU; any other name must be a device of this machine.

    "auto" passes over a card that this build of torch has no kernels for. Raises ConfigError naming the devices of this
    machine, or what such a card lacks.
    """
    here = ["cpu"]
    if torch.backends.mps.is_available():
        here.insert(0, "mps")
    if torch.cuda.is_available():
        here.insert(0 if has_kernels(0) else len(here), "cuda")
    if name == "auto":
        return torch.device(here[0])
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    available = device is not None and device.type in here
    if available and device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        available = False
    if device is None or not available:
        raise ConfigError(f"device {str(name)!r} is not on this machine; it has: auto, {', '.join(here)}")
    if device.type == "cuda" and not has_kernels(device.index or 0):
        version = ".".join(map(str, torch.cuda.get_device_capability(device)))
        kernels = ", ".join(torch.cuda.get_arch_list())
        raise ConfigError(
            f"{torch.cuda.get_device_name(device)} has compute capability {version}; torch {torch.__version__} has "
            f"kernels for {kernels} alone: install a build of it for an older CUDA, or use cpu"
        )
    return device


def has_kernels(index: int) -> bool:
    """Whether this build of torch has kernels for a CUDA card, or code that the driver can compile for it.

    torch.cuda.is_available() says only that there is a card and a driver.
    """
    if torch.version.hip:
        return True
    capability = torch.cuda.get_device_capability(index)
    for arch in torch.cuda.get_arch_list():  # sm_86: kernels for 8.6 and later 8.x; compute_90: code for 9.0 and later
        kind, _, number = arch.partition("_")
        digits = number.rstrip("af")
        built = int(digits[:-1]), int(digits[-1])
        if built <= capability and (kind == "compute" or built[0] == capability[0]):
            return True
    return False


def check_precision(precision: str, device: torch.device) -> None:
    """Raise ConfigError if the device lacks the arithmetic: TF32 is CUDA's (compute capability 8.0 on)."""
    if precision == "tf32" and (device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 0)):
        raise ConfigError(f"precision 'tf32' needs a CUDA device of compute capability 8.0 or more, not {device.type}")
    if precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise ConfigError(f"precision 'bf16' is not supported by {torch.cuda.get_device_name(device)}; use fp32")


def emulates_bf16(device: torch.device) -> bool:
    """Whether the processor lacks instructions for bfloat16 (AVX-512 BF16 or AMX), so that fp32 is faster.

    Known for x86 processors alone; False elsewhere.
    """
    x86 = device.type == "cpu" and platform.machine() in ("x86_64", "AMD64")
    return x86 and vector_instructions() not in ("AMX", "AVX512-BF16")


def native_precisions(device: torch.device) -> list[str]:
    """fp32, and bf16 where the device computes in it: what is worth timing. On MPS bf16 has not been tried."""
    try:
        check_precision("bf16", device)
    except ConfigError:
        return ["fp32"]
    return ["fp32"] if emulates_bf16(device) or device.type == "mps" else ["fp32", "bf16"]


def vector_instructions() -> str:
    """The widest that torch uses on this processor: AMX, AVX512-BF16, AVX512, AVX2, or what torch calls others."""
    if torch.cpu._is_amx_tile_supported():
        return "AMX"
    return "AVX512-BF16" if torch.cpu._is_avx512_bf16_supported() else torch.backends.cpu.get_cpu_capability()


@contextlib.contextmanager
def arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """Context manager for the precision of convolutions and matrix products: fp32 (IEEE), tf32, or bf16 by autocast.

    It restores the previous flags on exit. Autocast's cache of cast weights is off: it lives as long as the context,
    and would reuse the weights of the first step in all later ones.
    """
    mode = "tf32" if precision == "tf32" else "ieee"
    flags = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)
    before = [flag.fp32_precision for flag in flags]
    for flag in flags:
        flag.fp32_precision = mode
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False):
            yield
    finally:
        for flag, value in zip(flags, before, strict=True):
            flag.fp32_precision = value


@contextlib.contextmanager
def threads(number: int) -> Iterator[None]:
    """Context manager for the threads of torch's operations on the CPU; it restores the previous number."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def synchronize(device: torch.device) -> None:
    """Wait until all work submitted to the device is done; on the CPU it always is."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def keep_freed_memory() -> None:
    """Let glibc reuse freed blocks of up to 32 MiB instead of returning them to the system.

    By default every new activation map causes page faults, which take 8 % of a step's time on a CPU. Without glibc
    this does nothing.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        mmap_threshold, trim_threshold = -3, -1  # of malloc.h
        libc.mallopt(mmap_threshold, 32 * 2**20)
        libc.mallopt(trim_threshold, 2**31 - 1)


def memory_bytes(device: torch.device) -> int:
    """All memory of the device: the card's, or the machine's."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return psutil.virtual_memory().total
