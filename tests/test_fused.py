import pytest
import torch
from torch import nn

from fastres import fused
from fastres.blocks import BNReLU
from fastres.config import RunConfig
from fastres.data import synthetic
from fastres.models import build_model
from fastres.progress import Progress
from fastres.train import train
from fastres.trainer import Trainer


@pytest.fixture
def uncompiled(monkeypatch):
    """The functions as they are written: their algebra is tested without a compiler."""
    for name in ("moments", "rectified_affine", "sums", "grad_x"):
        monkeypatch.setattr(fused, f"_{name}", getattr(fused, name))


def maps(*shape, scale=1.0, shift=0.0, seed=0):
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale + shift
    return x.to(memory_format=torch.channels_last).requires_grad_()


# A mean of 100 deviations that was never seen before would cost digits; running means follow in training.
@pytest.mark.parametrize(("shift", "running_is_near"), [(0.0, False), (5.0, False), (5.0, True), (100.0, True)])
def test_fused_equals_batch_norm_and_relu(uncompiled, shift, running_is_near):
    x, bn = maps(8, 5, 6, 6, shift=shift), nn.BatchNorm2d(5)
    with torch.no_grad():
        bn.weight.uniform_(-1, 2, generator=torch.Generator().manual_seed(1))
        bn.bias.uniform_(-1, 1, generator=torch.Generator().manual_seed(2))
        bn.running_mean.fill_(shift if running_is_near else 0.0)
    plain = nn.BatchNorm2d(5)
    plain.load_state_dict(bn.state_dict())
    grad = maps(8, 5, 6, 6, seed=3).detach()
    x_plain = x.detach().clone().requires_grad_()
    y, y_plain = fused.bn_relu(x, bn), torch.relu(plain(x_plain))
    y.backward(grad)
    y_plain.backward(grad)
    torch.testing.assert_close(y, y_plain, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(x.grad, x_plain.grad, rtol=1e-3, atol=1e-4)
    for name in ("weight", "bias"):
        torch.testing.assert_close(getattr(bn, name).grad, getattr(plain, name).grad, rtol=1e-4, atol=1e-3)
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        torch.testing.assert_close(getattr(bn, name), getattr(plain, name), rtol=1e-4, atol=1e-4)


def test_a_zero_scale_or_a_constant_channel_stays_finite(uncompiled):
    x, bn = maps(4, 3, 4, 4), nn.BatchNorm2d(3)
    with torch.no_grad():
        bn.weight[0] = 0
        x[:, 1] = 7.0
    fused.bn_relu(x, bn).sum().backward()
    assert x.grad.isfinite().all() and bn.weight.grad.isfinite().all()
    assert x.grad[:, 0].abs().max() == 0


def run_steps(model_fused: bool, precision: str = "fp32", steps: int = 20) -> list[float]:
    data = synthetic(10, train_size=16 * steps + 8, test_size=16)  # and a short last batch
    config = RunConfig(dataset="synthetic", depth=8, batch_size=16, lr=0.01, precision=precision)
    trainer = Trainer(config, data, model_fused)
    assert trainer.fused == model_fused
    losses, _ = trainer.train_pass(Progress(config, steps))
    return (losses[:-1] / 16).tolist()


def test_compiled_equals_eager_for_20_steps():
    """To rounding: the sign of a ReLU's input near 0 may differ, and training lets such differences grow."""
    eager, compiled = run_steps(False), run_steps(True)
    assert compiled[:3] == pytest.approx(eager[:3], rel=1e-4)
    assert compiled == pytest.approx(eager, rel=2e-2)


def test_only_full_batches_in_training_are_fused(monkeypatch):
    seen = []
    monkeypatch.setattr("fastres.blocks.bn_relu", lambda x, bn: seen.append(len(x)) or torch.relu(bn(x)))
    pair = BNReLU(3)
    pair.fused_batch = 4
    for size in (4, 2):
        pair(torch.randn(size, 3, 2, 2))
    pair.eval()
    pair(torch.randn(4, 3, 2, 2))
    assert seen == [4]


def test_fusing_keeps_names_and_evaluation():
    model = build_model("basic", 8, seed=0)
    names = list(model.state_dict())
    x = torch.randn(4, 3, 8, 8)
    before = model.eval()(x)
    assert fused.fuse(model, 4) == ""
    assert list(model.state_dict()) == names
    assert torch.equal(model(x), before)


def test_without_a_compiler_training_goes_on_and_says_why(tmp_path, monkeypatch, capsys):
    def fails(*_):
        raise RuntimeError("no C++ compiler found\nand much more")

    monkeypatch.setattr(fused, "_moments", fails)
    config = RunConfig(dataset="synthetic", depth=8, epochs=1, batch_size=32)
    record = train(config, synthetic(10, train_size=64, test_size=16), "cpu", tmp_path, fused=True)
    assert record.environment["fused_bn_relu"] is False
    assert "not fused: compilation failed (RuntimeError: no C++ compiler found)" in capsys.readouterr().out


def test_short_runs_are_not_compiled(tmp_path):
    config = RunConfig(dataset="synthetic", depth=8, epochs=1, batch_size=32)
    record = train(config, synthetic(10, train_size=64, test_size=16), "cpu", tmp_path)
    assert record.environment["fused_bn_relu"] is False
