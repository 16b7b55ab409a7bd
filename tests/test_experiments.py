import pytest
from made_up import record

from fastres.config import RunConfig
from fastres.errors import ConfigError
from fastres.experiments import EXPERIMENTS, PROFILES, as_in_paper, planned_runs, select


def count(runs, **fields):
    return sum(all(getattr(run, name) == value for name, value in fields.items()) for run in runs)


def test_paper_profile_is_every_run_of_the_paper():
    runs = planned_runs("paper")
    assert len(runs) == len(set(runs)) == 15 + 8 + 2
    assert count(runs, depth=20) == 15 and count(runs, depth=20, structure="simplified-2") == 5
    assert count(runs, dataset="cifar100", depth=110, structure="simplified-1") == 1
    assert count(runs, depth=668) == 2
    assert all(as_in_paper(run) for run in runs)


def test_smoke_walks_every_path_of_the_paper_profile():
    smoke = planned_runs("smoke")
    for experiment in EXPERIMENTS.values():
        members = [run for run in smoke if run.depth in experiment.smoke_depths]
        assert {run.structure for run in members} == set(experiment.structures)
        assert len({run.dataset for run in members}) == len(experiment.datasets)
    assert {run.dataset for run in smoke} == {"digits", "synthetic100"}
    assert len({run.seed for run in smoke if run.depth == 8}) == 2


def test_quick_and_extended():
    quick = planned_runs("quick")
    assert len(quick) == 9 and {run.epochs for run in quick} == {15}
    assert set(planned_runs("paper")) < set(planned_runs("extended"))
    assert count(planned_runs("extended"), structure="bn/bn-relu") == 5


def test_overrides():
    runs = planned_runs("paper", dataset="folder:photos", precision="bf16")
    assert {run.dataset for run in runs} == {"folder:photos"} and {run.precision for run in runs} == {"bf16"}
    assert len(runs) == 15 + 4 + 2
    assert not any(as_in_paper(run) for run in runs)


def test_unknown_profile_lists_what_exists():
    with pytest.raises(ConfigError, match=", ".join(PROFILES)):
        planned_runs("fast")
    with pytest.raises(ConfigError, match="folder:PATH"):
        planned_runs("quick", dataset="nothing")


def test_experiments_are_told_apart_by_depth():
    depths = [depth for experiment in EXPERIMENTS.values() for depth in experiment.depths + experiment.smoke_depths]
    assert len(depths) == len(set(depths))
    runs = [record(depth=20), record(depth=56), record(depth=8, dataset="digits")]
    assert [run.config.depth for run in select(runs, "table1")] == [20, 8]


def test_a_changed_recipe_is_not_the_papers():
    assert as_in_paper(RunConfig(seed=3, precision="bf16"))
    for fields in ({"epochs": 159}, {"dataset": "digits"}, {"flip": False}, {"batch_size": 64}):
        assert not as_in_paper(RunConfig(**fields))
