import numpy as np
import pytest
import torch

from fastres import timers
from fastres.errors import ConfigError
from fastres.measure import steps
from fastres.measure.bench import synthetic_trainer
from fastres.measure.steps import measure_steps
from fastres.records.timings import TimingRecord, load_timings, save_timing
from fastres.stats import ratio_of
from fastres.timers import Timer, compare


class FakeMachine:
    """A clock on a machine that slows down steadily and sometimes stalls for a hundred steps' time."""

    def __init__(self, drift: float, stalls: float, seed: int = 0):
        self.now = 0.0
        self.rng = np.random.default_rng(seed)
        self.drift = drift
        self.stalls = stalls
        self.speed = 1.0

    def clock(self) -> float:
        return self.now

    def work(self, seconds: float):
        def run() -> None:
            self.speed *= 1 + self.drift
            self.now += seconds * self.speed * (1 + 0.02 * self.rng.standard_normal())
            if self.rng.random() < self.stalls:
                self.now += 100 * seconds

        return run


def test_the_true_ratio_is_recovered_from_a_machine_that_drifts_and_stalls():
    machine = FakeMachine(drift=0.01, stalls=0.08)
    result = compare(
        {"basic": machine.work(1.0), "fast": machine.work(0.7)}, rounds=41, device="cpu", clock=machine.clock
    )
    ratio = result.ratio("fast", to="basic")
    assert ratio.value == pytest.approx(0.7, rel=0.02)
    assert ratio.low < 0.7 < ratio.high
    assert ratio.high - ratio.low < 0.05
    means = np.mean(result.seconds["fast"]) / np.mean(result.seconds["basic"])
    assert abs(means - 0.7) > 0.1  # what a ratio of means would have said


def test_candidates_are_interleaved_and_warm_up_is_apart():
    calls = []
    result = compare({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3, device="cpu", warmup=2)
    assert "".join(calls) == "aabb" + "ab" + "ba" + "ab"
    assert [len(seconds) for seconds in result.seconds.values()] == [3, 3]
    assert set(result.warmup_seconds) == {"a", "b"}


def test_the_device_is_waited_for_before_each_reading(monkeypatch):
    waited = []
    monkeypatch.setattr(timers, "synchronize", lambda device: waited.append(device.type))
    compare({"a": lambda: None}, rounds=3, device="cuda", warmup=1)
    assert waited == ["cuda"] * 2 * (1 + 3)  # before and after
    with pytest.raises(TypeError, match="device"):
        compare({"a": lambda: None}, rounds=3)


def test_timer_adds_nothing_up_between_calls():
    times = iter([1.0, 3.0, 10.0, 10.5])
    timer = Timer(torch.device("cpu"), clock=lambda: next(times))
    with timer("train"):
        pass
    with timer("test"):
        pass
    assert timer.last == {"train": 2.0, "test": 0.5}


def test_bad_comparisons_are_refused():
    with pytest.raises(ValueError, match="at least one round"):
        compare({"a": lambda: None}, rounds=0, device="cpu")
    with pytest.raises(ValueError, match="needs candidates"):
        compare({}, rounds=3, device="cpu")
    with pytest.raises(ValueError, match="same rounds"):
        ratio_of([1.0, 2.0], [1.0])


def test_timing_record_of_real_steps(tmp_path):
    record = measure_steps(["basic", "none/bn-relu"], depth=8, device="cpu", rounds=2, batch_size=8)
    assert set(record.seconds) == {"basic", "simplified-1"}
    assert all(seconds > 0 for rounds in record.seconds.values() for seconds in rounds)
    save_timing(record, tmp_path)
    assert load_timings(tmp_path, tmp_path / "missing") == [record]


def test_structures_that_are_computed_in_different_ways_are_not_compared(monkeypatch):
    """If compiling fails for one structure alone, its trainer goes on eagerly."""
    monkeypatch.setattr(
        steps, "synthetic_trainer", lambda name, *rest: synthetic_trainer(name, *rest[:-1], compiled=False)
    )
    assert not measure_steps(["basic"], 8, device="cpu", rounds=1, batch_size=8).environment["compiled"]

    def one_compiled(name: str, *rest):
        trainer = synthetic_trainer(name, *rest[:-1], compiled=False)
        trainer.compiled = name == "basic"
        return trainer

    monkeypatch.setattr(steps, "synthetic_trainer", one_compiled)
    with pytest.raises(
        ConfigError, match=r"not compared: basic: .*'compiled': True.*simplified-1: .*'compiled': False"
    ):
        measure_steps(["basic", "simplified-1"], 8, device="cpu", rounds=1, batch_size=8, compiled=True)


def test_a_graph_that_could_not_be_captured_is_seen_after_the_steps(monkeypatch):
    ended = []

    def made(name: str, *rest):
        trainer = synthetic_trainer(name, *rest[:-1], compiled=False)
        trainer.environment = lambda: {"compiled": True, "cuda_graph": name == "basic" or not ended}
        return trainer

    def then(*given, **options):
        ended.append(compare(*given, **options))
        return ended[0]

    monkeypatch.setattr(steps, "synthetic_trainer", made)
    monkeypatch.setattr(steps, "compare", then)
    with pytest.raises(ConfigError, match=r"not compared: .*'cuda_graph': True.*'cuda_graph': False"):
        measure_steps(["basic", "simplified-1"], 8, device="cpu", rounds=1, batch_size=8, compiled=True)


def test_seconds_per_epoch_counts_the_short_last_batch_as_a_step():
    record = TimingRecord(
        depth=20,
        batch_size=128,
        precision="fp32",
        steps=2,
        seconds={"basic": [2.0, 4.0, 9.0]},
        warmup_seconds={"basic": 1.0},
        environment={"device": "cpu"},
        commit="",
        finished="",
    )
    assert record.seconds_per_epoch("basic") == 2.0 * 391
