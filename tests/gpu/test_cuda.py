"""What only a CUDA device can show. Skipped elsewhere."""

import pytest
import torch

from fastres.config import RunConfig
from fastres.datasets.sources import synthetic
from fastres.device import arithmetic
from fastres.measure.memory import peak_bytes
from fastres.measure.steps import measure_steps
from fastres.theory.memory import kept_bytes
from fastres.timers import Timer
from fastres.training.loop import Trainer
from fastres.training.run import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

DATA = synthetic(10, train_size=1000, test_size=200, side=32)  # the last batch has 104 images


def losses(tmp_path, name: str, **options) -> list[float]:
    fields = {key: options.pop(key) for key in ("precision", "structure") if key in options}
    config = RunConfig(dataset="synthetic", depth=20, epochs=3, lr=0.02, **fields)
    device = options.pop("device", "cuda")
    record = train(config, DATA, device, tmp_path / name, **options)
    assert record.environment["compiled"] is options.get("compiled", False)
    return [epoch.train_loss for epoch in record.epochs]


def test_cuda_follows_the_cpu(tmp_path):
    assert losses(tmp_path, "cuda") == pytest.approx(losses(tmp_path, "cpu", device="cpu"), rel=0.05)


@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_other_precisions_follow_fp32(tmp_path, precision):
    assert losses(tmp_path, "a", precision=precision) == pytest.approx(losses(tmp_path, "b"), rel=0.05)


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
@pytest.mark.parametrize("structure", ["basic", "simplified-1"])
def test_compiled_and_captured_follows_eager(tmp_path, precision, structure):
    fast = losses(tmp_path, "a", precision=precision, structure=structure, compiled=True)
    eager = losses(tmp_path, "b", precision=precision, structure=structure, compiled=False)
    assert fast == pytest.approx(eager, rel=0.05)


def trained(captured: bool, epochs: int = 3) -> Trainer:
    config = RunConfig(dataset="synthetic", depth=20, epochs=epochs, lr=0.02)
    trainer = Trainer(config, DATA.to("cuda"), compiled=True)
    if not captured:
        trainer.captured = None
    for _ in range(epochs):
        trainer.run_epoch()
    return trainer


def test_a_captured_step_trains_as_one_that_is_not():
    captured, plain = trained(True), trained(False)
    assert captured.compiled and captured.environment()["cuda_graph"] is True
    assert captured.captured.problem == ""
    assert [e.train_loss for e in captured.epochs] == pytest.approx([e.train_loss for e in plain.epochs], rel=0.02)
    counts = [value for name, value in captured.model.state_dict().items() if name.endswith("num_batches_tracked")]
    assert all(int(value) == 3 * 8 for value in counts)  # capturing itself is no step


def test_a_captured_run_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    config = RunConfig(dataset="synthetic", depth=8, epochs=4, lr=0.02)
    whole = train(config, DATA, "cuda", tmp_path / "whole", compiled=True)
    run_epoch = Trainer.run_epoch

    def stops(self, after_step):
        if len(self.epochs) == 2:
            raise KeyboardInterrupt
        return run_epoch(self, after_step)

    monkeypatch.setattr(Trainer, "run_epoch", stops)
    with pytest.raises(KeyboardInterrupt):
        train(config, DATA, "cuda", tmp_path / "parts", compiled=True)
    monkeypatch.undo()
    parts = train(config, DATA, "cuda", tmp_path / "parts", compiled=True)
    assert [e.train_loss for e in parts.epochs] == pytest.approx([e.train_loss for e in whole.epochs], rel=0.02)


def test_timer_waits_for_the_device():
    a = torch.randn(4096, 4096, device="cuda")
    timer = Timer(torch.device("cuda"))
    with timer("nothing"):
        pass
    with timer("products"):
        for _ in range(50):
            a @ a
    assert timer.last["products"] > 50 * 2 * 4096**3 / 2e15 > timer.last["nothing"] / 10


@pytest.mark.parametrize("compiled", [False, True])
def test_timing_record_names_the_card(compiled):
    record = measure_steps(["basic", "simplified-1"], depth=20, device="cuda", rounds=3, compiled=compiled)
    assert record.environment["device_name"] == torch.cuda.get_device_name()
    assert record.environment["cuda_graph"] is compiled
    assert record.ratio("simplified-1").value < 1.1


@pytest.mark.parametrize("compiled", [False, True])
def test_peak_memory_is_at_least_what_is_kept(compiled):
    peak = peak_bytes("basic", 20, 128, "fp32", "cuda", compiled)
    assert peak > kept_bytes("basic", 20, 128, "fp32") / (2 if compiled else 1)


def test_a_step_that_waits_for_the_device_is_not_captured(capsys):
    config = RunConfig(dataset="synthetic", depth=8, lr=0.02)
    trainer = Trainer(config, DATA.to("cuda"), compiled=True)
    step, stream = trainer.step, torch.cuda.current_stream()

    def waits(batch, kept=None):
        loss, errors = step(batch)
        return loss, errors + int(errors)

    trainer.step = waits
    with arithmetic("fp32", torch.device("cuda")):
        losses, _ = trainer.train_pass()
    assert losses.isfinite().all() and trainer.captured.problem
    assert torch.cuda.current_stream() == stream
    assert "not captured in a CUDA graph" in capsys.readouterr().out
