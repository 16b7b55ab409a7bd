import made_up
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastres.config import RunConfig
from fastres.errors import ConfigError
from fastres.experiments import planned_runs
from fastres.records.runs import save_run
from fastres.records.timings import save_timing
from fastres.reproduce import worked_plan
from fastres.reproduce.plan import makespan, plan_runs
from fastres.reproduce.shares import gpu_share, is_compiled
from fastres.reproduce.speed import epoch_seconds, of_device, recorded_speeds

GIB = 2**30


@given(st.lists(st.floats(0.1, 1e6), min_size=1, max_size=40), st.integers(1, 70))
def test_a_makespan_lies_between_its_bounds(seconds, workers):
    took = makespan(seconds, workers)
    lower = max(max(seconds), sum(seconds) / workers)
    assert lower <= took * (1 + 1e-9) and took <= (sum(seconds) + workers * max(seconds)) / workers
    assert makespan(seconds, 1) == pytest.approx(sum(seconds))


def test_a_recorded_run_costs_nothing_more(tmp_path):
    configs = [RunConfig(dataset="digits", depth=8, seed=seed) for seed in (0, 1)]
    save_run(made_up.record([20.0] * 160, dataset="digits", depth=8), tmp_path)
    rows = plan_runs(configs, tmp_path, lambda config: 2.0)
    assert list(rows.state) == ["recorded", "to do"] and list(rows.seconds) == [0.0, 320.0]


def test_times_of_the_paper_are_those_of_its_tables():
    speeds = of_device(recorded_speeds(), "gtx 1070")
    basic = RunConfig(depth=20)
    assert epoch_seconds(basic, speeds) == pytest.approx(30.07)
    assert epoch_seconds(RunConfig(depth=110, dataset="cifar100"), speeds) == pytest.approx(208.26)
    assert epoch_seconds(RunConfig(depth=32), speeds) == pytest.approx(30.07 * 5 / 3)  # from D = 20, by its blocks
    assert epoch_seconds(RunConfig(structure="relu/bn-relu"), speeds) == epoch_seconds(basic, speeds)  # not timed


def test_a_time_serves_runs_of_its_precision_and_engine_alone(tmp_path):
    save_timing(made_up.timing(device_name="Made-up CPU", basic=2.0), tmp_path / "timings")  # fp32, eager
    save_timing(made_up.timing(device_name="Made-up", basic=2.0), tmp_path / "timings")
    assert {speed.device for speed in of_device(recorded_speeds(tmp_path / "runs"), "made-up")} == {"Made-up"}
    speeds = of_device(recorded_speeds(tmp_path / "runs"), "made-up cpu")
    short = RunConfig(dataset="digits", epochs=3)
    assert not is_compiled(short, "cpu") and is_compiled(RunConfig(), "cpu") and not is_compiled(RunConfig(), "mps")
    assert epoch_seconds(short, speeds) == pytest.approx(391 * 1437 / 50_000 / 4)  # of 2 steps in 2 s; 16x16 pixels
    with pytest.raises(ConfigError, match="fp32, compiled was not timed on Made-up CPU; there: fp32, eager"):
        epoch_seconds(RunConfig(), speeds)
    for device in ("nothing like it", ""):
        with pytest.raises(ConfigError, match=r"recorded device.*GTX 1070"):
            of_device(recorded_speeds(tmp_path / "runs"), device)


def test_the_part_of_a_gpu_follows_from_memory_and_depth():
    assert gpu_share(RunConfig(depth=20), 80 * GIB) == gpu_share(RunConfig(depth=20), 8 * GIB) == 0.25
    assert gpu_share(RunConfig(depth=110), 8 * GIB) == 0.5
    assert gpu_share(RunConfig(depth=110, batch_size=1024), 8 * GIB) == 1.0
    assert gpu_share(RunConfig(depth=668), 80 * GIB) == 1.0  # it would fit into a quarter, but bounds the whole


def test_the_worked_plan_of_the_page_is_that_of_the_records():
    page = worked_plan.PAGE.read_text(encoding="utf-8")
    assert worked_plan.table() in page, "make readme"
    assert f"{len(planned_runs('extended'))} runs" in page
