import platform

import pytest
import torch

from fastres.device import choose_device, emulates_bf16, native_precisions, vector_instructions
from fastres.errors import ConfigError
from fastres.records.provenance import describe

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("amx", "avx512_bf16", "widest", "name", "emulated"),
    [
        (True, True, "AVX512", "AMX", False),
        (False, True, "AVX512", "AVX512-BF16", False),
        (False, False, "AVX512", "AVX512", True),
        (False, False, "AVX2", "AVX2", True),
    ],
)
def test_a_processor_is_named_with_what_decides_its_speed(monkeypatch, amx, avx512_bf16, widest, name, emulated):
    """Virtual machines give several kinds of processors one name."""
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: widest)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert vector_instructions() == name and describe(CPU)["device_name"].endswith(f", {name}")
    assert emulates_bf16(CPU) == emulated
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert not emulates_bf16(CPU)


def test_bf16_is_timed_where_a_device_computes_in_it(monkeypatch):
    """A GPU without bf16, as the paper's, must not end a probe or a benchmark."""
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "GTX 1070")
    for native in (False, True):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, native=native: native)
        assert native_precisions(torch.device("cuda")) == ["fp32", "bf16"][: 1 + native]
    assert native_precisions(torch.device("mps")) == ["fp32"]
    assert native_precisions(CPU) == (["fp32"] if emulates_bf16(CPU) else ["fp32", "bf16"])


@pytest.mark.parametrize(
    ("capability", "archs", "usable"),
    [
        ((6, 1), ["sm_75", "sm_80", "sm_86", "sm_90", "compute_120"], False),  # the paper's GTX 1070
        ((8, 9), ["sm_75", "sm_86"], True),
        ((8, 0), ["sm_75", "sm_86"], False),
        ((10, 3), ["sm_90", "compute_90"], True),
        ((9, 0), ["sm_90a"], True),
    ],
)
def test_a_card_without_kernels_is_not_chosen(monkeypatch, capability, archs, usable):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Some GPU")
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: archs)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto").type == ("cuda" if usable else "cpu")
    if usable:
        assert choose_device("cuda:0").index == 0
    else:
        with pytest.raises(ConfigError, match=r"Some GPU has compute capability \d\.\d; .* sm_75.* or use cpu"):
            choose_device("cuda")
