"""What only a CUDA device can show. Skipped elsewhere."""

import pytest
import torch

from fastres.config import RunConfig
from fastres.data import synthetic
from fastres.memory import kept_bytes, peak_bytes
from fastres.timers import Timer
from fastres.timings import measure
from fastres.train import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

DATA = synthetic(10, train_size=1000, test_size=200)  # the last batch has 104 images


def losses(tmp_path, name: str, **options) -> list[float]:
    fields = {key: options.pop(key) for key in ("precision", "structure") if key in options}
    config = RunConfig(dataset="synthetic", depth=20, epochs=3, lr=0.02, **fields)
    device = options.pop("device", "cuda")
    return [epoch.train_loss for epoch in train(config, DATA, device, tmp_path / name, **options).epochs]


def test_cuda_follows_the_cpu(tmp_path):
    assert losses(tmp_path, "cuda") == pytest.approx(losses(tmp_path, "cpu", device="cpu"), rel=0.05)


@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_other_precisions_follow_fp32(tmp_path, precision):
    assert losses(tmp_path, "a", precision=precision) == pytest.approx(losses(tmp_path, "b"), rel=0.05)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_fused_follows_eager(tmp_path, precision):
    fused = losses(tmp_path, "a", precision=precision, fused=True)
    assert fused == pytest.approx(losses(tmp_path, "b", precision=precision, fused=False), rel=0.05)


def test_timer_waits_for_the_device():
    a = torch.randn(4096, 4096, device="cuda")
    timer = Timer(torch.device("cuda"))
    with timer("nothing"):
        pass
    with timer("products"):
        for _ in range(50):
            a @ a
    assert timer.last["products"] > 50 * 2 * 4096**3 / 2e15 > timer.last["nothing"] / 10


def test_timing_record_names_the_card():
    record = measure(["basic", "simplified-1"], depth=20, device="cuda", rounds=3)
    assert record.environment["device_name"] == torch.cuda.get_device_name()
    assert record.ratio("simplified-1").median < 1.1


def test_peak_memory_is_at_least_what_is_kept():
    assert peak_bytes("basic", 20, 128, "fp32", "cuda") > kept_bytes("basic", 20, 128, "fp32")
