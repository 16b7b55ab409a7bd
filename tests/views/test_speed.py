import pytest

from fastres.records.benchmarks import DATA, PUBLIC, BenchmarkRecord
from fastres.records.timings import save_timing
from fastres.views import speed


def benchmark(device: str = "Some CPU", rounds: int = 6, **changes) -> BenchmarkRecord:
    """The compiled loop takes a quarter of the public loop's time, twice the floor."""
    fields = {
        "structure": "basic",
        "depth": 20,
        "batch_size": 128,
        "steps": 10,
        "seconds": {PUBLIC: [4.0] * rounds, DATA: [0.1] * rounds, "fastres, fp32, compiled": [1.0] * rounds},
        "warmup_seconds": {PUBLIC: 5.0, DATA: 0.1, "fastres, fp32, compiled": 30.0},
        "floors": {"fastres, fp32, compiled": 0.05},
        "packages": {"torchvision": "0.0"},
        "environment": {"device": "cpu", "device_name": device, "threads": 2, "torch": "0.0"},
        "commit": "0" * 40,
        "finished": f"2026-01-0{rounds}T00:00:00+00:00",
    }
    return BenchmarkRecord(**{**fields, **changes})


def test_numbers_by_hand():
    record = benchmark()
    assert record.seconds_of_step("fastres, fp32, compiled") == pytest.approx(0.1)
    assert record.speedup("fastres, fp32, compiled", PUBLIC).value == pytest.approx(4)
    assert record.floors_above("fastres, fp32, compiled") == pytest.approx(2)


def test_a_column_is_a_device_and_a_loop_that_was_not_timed_there_is_told():
    other = benchmark("Other CPU", seconds={PUBLIC: [2.0, 2.0], "peer": [1.0, 1.0]})
    table = speed.table([benchmark(), other]).set_index(speed.LOOP)
    mine, others = "Some CPU, 2 threads, D = 20", "Other CPU, 2 threads, D = 20"
    assert list(table.columns) == [others, mine]
    both_depths = speed.table([benchmark(depth=110), benchmark()])
    assert list(both_depths.columns)[1:] == [mine, mine.replace("D = 20", "D = 110")]
    assert table.loc["fastres, fp32, compiled", mine].startswith("100.0 ms; 4.00")
    assert table.loc["fastres, fp32, compiled", others] == "not timed" == table.loc["peer", mine]
    assert table.loc[DATA, mine] == "10.0 ms"  # it trains no network: no ratio


def test_of_two_records_the_one_of_most_rounds_is_shown():
    short = benchmark(seconds={PUBLIC: [9.0], DATA: [1.0], "fastres, fp32, compiled": [1.0]})
    assert speed.table([benchmark(rounds=3), short]).equals(speed.table([benchmark(rounds=3)]))


def test_the_readmes_table_is_of_the_records(tmp_path, monkeypatch):
    save_timing(benchmark(), tmp_path)
    monkeypatch.setattr("fastres.paths.RECORDED_BENCHMARKS", tmp_path)
    block = speed.readme_block()
    assert "6 interleaved rounds; torch 0.0, torchvision 0.0" in block
    assert "fastres, fp32, compiled: 2.00" in block and "4.00 [4.00, 4.00] times as fast" in block
    save_timing(benchmark("Other CPU", rounds=5), tmp_path)
    assert "5 interleaved rounds (too few for an interval)" in speed.readme_block()
