"""How a step is run: the compiler's form of BN-ReLU, compiled networks, and the step captured on CUDA."""

import contextlib
import copy

import pytest
import torch
from torch import nn
from torch._dynamo.utils import counters

from fastres.config import RunConfig
from fastres.datasets.augmentation import EpochPlan
from fastres.datasets.sources import synthetic
from fastres.device import arithmetic
from fastres.measure.counts import saved_bytes
from fastres.training import bn_relu as fused
from fastres.training import engine
from fastres.training.loop import Trainer
from fastres.training.recipe import learning_rate
from fastres.training.run import train


def maps(*shape, scale=1.0, shift=0.0, seed=0):
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale + shift
    return x.to(memory_format=torch.channels_last).requires_grad_()


# A mean of 100 deviations that was never seen before would cost digits; running means follow in training.
@pytest.mark.parametrize(("shift", "running_is_near"), [(0.0, False), (5.0, False), (5.0, True), (100.0, True)])
def test_bn_relu_equals_batch_norm_and_relu(shift, running_is_near):
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
    y.backward(grad.contiguous())  # a gradient need not lie as its map does
    y_plain.backward(grad)
    torch.testing.assert_close(y, y_plain, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(x.grad, x_plain.grad, rtol=1e-3, atol=1e-4)
    for name in ("weight", "bias"):
        torch.testing.assert_close(getattr(bn, name).grad, getattr(plain, name).grad, rtol=1e-4, atol=1e-3)
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        torch.testing.assert_close(getattr(bn, name), getattr(plain, name), rtol=1e-4, atol=1e-4)


def test_a_zero_scale_or_a_constant_channel_stays_finite():
    x, bn = maps(4, 3, 4, 4), nn.BatchNorm2d(3)
    with torch.no_grad():
        bn.weight[0] = 0
        x[:, 1] = 7.0
    fused.bn_relu(x, bn).sum().backward()
    assert x.grad.isfinite().all() and bn.weight.grad.isfinite().all()
    assert x.grad[:, 0].abs().max() == 0


def run_steps(compiled: bool, precision: str = "fp32", steps: int = 20, depth: int = 8) -> tuple[list[float], Trainer]:
    data = synthetic(10, train_size=16 * steps + 8, test_size=16)  # and a short last batch
    config = RunConfig(dataset="synthetic", depth=depth, batch_size=16, lr=0.01, precision=precision)
    trainer = Trainer(config, data, compiled)
    assert trainer.compiled == compiled
    with arithmetic(precision, data.device):
        losses, _ = trainer.train_pass()
    return (losses[:-1] / 16).tolist(), trainer


def test_compiled_equals_eager_for_20_steps():
    """To rounding: the sign of a ReLU's input near 0 may differ, and training lets such differences grow."""
    (eager, plain), (compiled, trainer) = run_steps(False), run_steps(True)
    assert compiled[:3] == pytest.approx(eager[:3], rel=1e-4)
    assert compiled == pytest.approx(eager, rel=2e-2)
    assert list(trainer.model.state_dict()) == list(plain.model.state_dict())
    for name, value in plain.model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            assert value == trainer.model.state_dict()[name] == 21  # the trial step counts in a copy alone


def test_only_full_batches_in_training_are_compiled():
    _, trainer = run_steps(True, steps=1)
    sizes, graphs = [], counters["stats"]["unique_graphs"]
    forward = trainer.forward
    trainer.forward = lambda images, kept: sizes.append(len(images)) or forward(images)
    trainer.run_epoch()
    assert sizes == [16]  # neither the last batch of 8, nor the test images
    assert counters["stats"]["unique_graphs"] == graphs  # all of it was done before the first step


def test_a_shape_of_a_block_is_compiled_once_at_every_depth(without_code):
    """Five shapes of blocks in a basic network, and the head."""
    torch.compiler.reset()
    graphs = []
    for depth in (14, 20):
        before = counters["stats"]["unique_graphs"]
        run_steps(True, depth=depth, steps=1)
        graphs.append(counters["stats"]["unique_graphs"] - before)
    assert graphs == [6, 0]


def test_the_compiler_saves_the_same_with_and_without_its_code():
    _, trainer = run_steps(True, steps=1)
    images = torch.zeros(16, *trainer.dataset.train_images.shape[1:]).permute(0, 3, 1, 2)
    with arithmetic("fp32", trainer.dataset.device):
        partitioned = engine.compile_network(trainer.model, images, engine.PARTITIONED)
        ways = (trainer.forward, partitioned, trainer.model)
        saved = [saved_bytes(trainer.model.train(), images, way)[0] for way in ways]
    assert saved[0] == saved[1] < saved[2]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("no C++ compiler found\nand much more", "no C++ compiler found"),
        (
            "C++ compile error\n\nCommand:\ng++ x.cpp\nx.cpp:1: fatal error: Python.h: No such file",
            "fatal error: Python.h",
        ),
    ],
)
def test_without_a_compiler_training_goes_on_and_says_why(tmp_path, monkeypatch, capsys, message, reason):
    def fails(*_, **__):
        raise RuntimeError(message)

    monkeypatch.setattr(torch, "compile", lambda *_, **__: fails)
    config = RunConfig(dataset="synthetic", depth=8, epochs=1, batch_size=32)
    record = train(config, synthetic(10, train_size=64, test_size=16), "cpu", tmp_path, compiled=True)
    assert record.environment["compiled"] is False
    said = capsys.readouterr().out
    assert "The network is not compiled: RuntimeError" in said and reason in said


def test_short_runs_are_not_compiled(tmp_path):
    config = RunConfig(dataset="synthetic", depth=8, epochs=1, batch_size=32)
    record = train(config, synthetic(10, train_size=64, test_size=16), "cpu", tmp_path)
    assert record.environment["compiled"] is False


class FakeGraph:
    """What CUDA does, on the host: while a graph is captured nothing is computed, a replay computes all of it."""

    capturing = None

    @classmethod
    @contextlib.contextmanager
    def capture(cls, graph, stream):
        cls.capturing = graph
        yield
        cls.capturing = None

    def replay(self):
        self.work()


@pytest.fixture
def fake_cuda(monkeypatch):
    class Stream:
        def __init__(self, device=None):
            pass

        def wait_stream(self, other):
            assert isinstance(other, Stream)

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream())
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", FakeGraph)
    monkeypatch.setattr(torch.cuda, "graph", FakeGraph.capture)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 3 * 2**30)
    monkeypatch.setattr(engine, "memory_bytes", lambda device: 8 * 2**30)


def plans(count: int, size: int = 4) -> list[EpochPlan]:
    config, generator = RunConfig(dataset="synthetic"), torch.Generator().manual_seed(0)
    plan = EpochPlan.draw(count * size, config, generator, torch.device("cpu"))
    return [plan[start : start + size] for start in range(0, count * size, size)]


def test_a_captured_step_is_replayed_with_each_batch(fake_cuda):
    made = []

    def step(batch: EpochPlan) -> tuple[torch.Tensor, torch.Tensor]:
        """Sums that tell the batches apart; captured, it only notes what a replay has to compute."""
        results = torch.zeros(()), torch.zeros(())

        def work():
            results[0].copy_((batch.index * (1 + batch.row)).sum())
            results[1].copy_((batch.column * batch.mirrored).sum())

        made.append("captured" if FakeGraph.capturing else "eager")
        if FakeGraph.capturing:
            FakeGraph.capturing.work = work
        else:
            work()
        return results

    given = plans(5)
    wanted = [tuple(map(float, step(batch))) for batch in given]
    made.clear()
    captured = engine.CapturedStep(torch.device("cuda"))
    assert [tuple(map(float, captured(step, batch))) for batch in given] == wanted
    assert made == ["eager", "captured"]
    assert captured.is_captured and not captured.problem


def test_a_step_that_cannot_be_captured_goes_on_as_it_is(fake_cuda, monkeypatch, capsys):
    def fails(graph, stream):
        raise RuntimeError("operation not permitted when stream is capturing\nand more")

    monkeypatch.setattr(torch.cuda, "graph", fails)

    def step(batch):
        return (batch.index.sum(),)

    captured = engine.CapturedStep(torch.device("cuda"))
    given = plans(4)
    assert [int(captured(step, batch)[0]) for batch in given] == [int(batch.index.sum()) for batch in given]
    told = "The step is not captured in a CUDA graph: operation not permitted when stream is capturing\n"
    assert capsys.readouterr().out == told and not captured.is_captured


def test_a_step_is_not_captured_where_the_last_batch_would_not_fit_beside_it(fake_cuda, monkeypatch, capsys):
    monkeypatch.setattr(engine, "memory_bytes", lambda device: 5 * 2**30)
    captured, given = engine.CapturedStep(torch.device("cuda")), plans(4)
    assert [int(captured(lambda batch: (batch.index.sum(),), batch)[0]) for batch in given] == [
        int(batch.index.sum()) for batch in given
    ]
    assert not captured.is_captured and "6.0 GiB, are not there" in capsys.readouterr().out


def test_the_learning_rate_follows_the_schedule_where_it_lives_on_the_device(tmp_path):
    """As on CUDA, where a captured step reads it from there; and it is there again after a checkpoint."""
    config = RunConfig(dataset="synthetic", depth=8, epochs=4, batch_size=32, lr=0.2)
    data = synthetic(10, train_size=64, test_size=16)
    trainers = [Trainer(config, data) for _ in range(2)]
    plain, tensor = trainers
    tensor.lr = torch.tensor(config.lr)
    home = tensor.lr
    for number in range(1, 5):
        for trainer in trainers:
            trainer.run_epoch()
        assert tensor.lr is home and home == pytest.approx(learning_rate(config, number))
        assert tensor.optimizer.param_groups[0]["lr"] is home
        assert plain.optimizer.param_groups[0]["lr"] == learning_rate(config, number)
        tensor.load_state(copy.deepcopy(tensor.state()))
    assert [epoch.train_loss for epoch in tensor.epochs] == pytest.approx([e.train_loss for e in plain.epochs])
