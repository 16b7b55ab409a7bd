import pytest

from fastres.errors import RecordError
from fastres.measure import probe as measured
from fastres.measure.bench import synthetic_trainer
from fastres.records.probes import PLAIN, ProbeRecord, load_probe
from fastres.records.provenance import describe
from fastres.records.timings import save_timing


@pytest.fixture
def eager(monkeypatch):
    """Nothing is compiled: where it fails, the trainer goes on in eager execution."""
    monkeypatch.setattr(measured, "synthetic_trainer", lambda *given: synthetic_trainer(*given[:-1], False))


def test_ways_are_timed_on_this_machine(eager, tmp_path):
    record = measured.probe("cpu", depth=8, batch_size=8, steps=1, rounds=2)
    assert PLAIN in record.seconds and not any("compiled" in way for way in record.seconds)
    assert all(len(rounds) == 2 for rounds in record.seconds.values())
    save_timing(record, tmp_path)
    assert load_probe(record.environment, tmp_path) == record


def probe_record(**changes) -> ProbeRecord:
    fields = {
        "depth": 20,
        "batch_size": 128,
        "steps": 1,
        "seconds": {PLAIN: [4.0] * 6, "bf16, compiled": [1.0] * 6, f"{PLAIN}, 1 thread": [0.5] * 6},
        "warmup_seconds": {},
        "environment": {"device": "cpu", "device_name": "Some CPU", "cpu_count": 2, "torch": "0", "system": "Linux"},
        "commit": "0" * 40,
        "finished": "2026-01-01T00:00:00+00:00",
    }
    return ProbeRecord(**{**fields, **changes})


def test_the_fastest_way_is_one_of_the_whole_device():
    assert probe_record().fastest == "bf16, compiled"
    assert "bf16, compiled, 4.00 [4.00, 4.00] times as fast as fp32, eager" in probe_record().sentence()


def test_the_probe_of_another_machine_is_none_of_this_one(tmp_path):
    save_timing(probe_record(), tmp_path)
    here = probe_record().environment
    assert load_probe(here, tmp_path) is not None
    for key, other in {"device_name": "Other CPU", "cpu_count": 4, "torch": "1"}.items():
        assert load_probe({**here, key: other}, tmp_path) is None


def test_the_newest_probe_counts_and_a_damaged_one_is_named(tmp_path):
    save_timing(probe_record(), tmp_path)
    save_timing(probe_record(finished="2026-02-01T00:00:00+00:00", depth=8), tmp_path)
    assert load_probe(probe_record().environment, tmp_path).depth == 8
    (tmp_path / "damaged.json").write_text("{", encoding="utf-8")
    with pytest.raises(RecordError, match=r"damaged\.json"):
        load_probe(probe_record().environment, tmp_path)


def test_a_machine_has_what_tells_machines_apart():
    import torch

    from fastres.records.probes import SAME_MACHINE

    assert set(SAME_MACHINE) <= set(describe(torch.device("cpu")))
