from itertools import product

import pytest
from made_up import record

from fastres import paper
from fastres.config import RunConfig
from fastres.errors import ConfigError
from fastres.experiments import EXPERIMENTS, PROFILES, SQUARE, Grid, as_in_paper, planned_runs, select
from fastres.models.structures import activations


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
    assert len(smoke) == 16
    for experiment in EXPERIMENTS.values():
        if "paper" in experiment.grids:
            ours, theirs = experiment.runs("smoke"), experiment.runs("paper")
            assert {run.structure for run in ours} == {run.structure for run in theirs}
            for field in ("dataset", "depth"):
                assert len({getattr(run, field) for run in ours}) == len({getattr(run, field) for run in theirs})
    assert {run.dataset for run in smoke} == {"digits", "synthetic100"}
    assert len({run.seed for run in smoke if run.depth == 8}) == 2


def test_quick_and_extended():
    quick = planned_runs("quick")
    assert len(quick) == 9 and {run.epochs for run in quick} == {15}
    assert set(planned_runs("paper")) < set(planned_runs("extended"))
    assert count(planned_runs("extended"), structure="bn/bn-relu", depth=20) == 5


def test_the_ablation_has_every_pair_of_activations_and_a_neighbour():
    for profile, fields in (("extended", {"epochs": 160}), ("recoded", {"epochs": 160}), ("beyond", {"epochs": 5})):
        names = {run.structure for run in EXPERIMENTS["ablation"].runs(profile)}
        assert len(names) == 17 and {*SQUARE, "bn/bn-relu/end-bn"} == names
        assert {activations(name) for name in SQUARE} == set(product(("none", "bn", "relu", "bn-relu"), repeat=2))
        assert count(EXPERIMENTS["ablation"].runs(profile), **fields) == len(EXPERIMENTS["ablation"].runs(profile))
    small = planned_runs("beyond", dataset="folder:photos", precision="bf16")
    assert all(EXPERIMENTS["ablation"].owns(run) for run in small if run.depth == 20 and not run.stochastic_depth)
    # Four structures of the ablation have three seeds; basic among them serves "depth" too. Basic at the paper's rate
    # and scale serves every experiment on what the paper cites.
    assert len(small) == (17 + 2 * 4) + 3 + 3 * (1 + 1 + 2 + 3 + 9 + 1 + 1)
    assert len(small) == len(set(small))


def test_what_an_experiment_varies_is_owned_only_where_it_is_named():
    for fields in ({"lr": 0.01}, {"init_scale": 0.5}, {"flip": False}, {"crop_padding": 0}):
        assert not EXPERIMENTS["table1"].owns(RunConfig(**fields))
    assert EXPERIMENTS["normalisation"].owns(RunConfig(lr=0.01, epochs=15))
    assert EXPERIMENTS["augmentation"].owns(RunConfig(crop_padding=0, flip=False, epochs=40))


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


def test_an_experiment_owns_its_runs_by_configuration():
    runs = [record(depth=20), record(depth=56), record(depth=8, dataset="digits", batch_size=64, epochs=3, flip=False)]
    assert [run.config.depth for run in select(runs, "table1")] == [20, 8]
    other = [record(depth=20, structure="bn/bn-relu"), record(depth=20, structure="bn/relu"), record(depth=8)]
    assert select(other, "table1") == []
    assert [r.config.structure for r in select(other, "ablation")] == ["bn/bn-relu", "bn/relu"]
    assert select([record(depth=20)], "table1") == select([record(depth=20)], "ablation")  # basic serves both


def test_a_recipe_that_an_experiment_names_tells_its_runs_from_others():
    fast = Grid(("cifar10",), ("basic",), (20,), 1, {"epochs": 40, "lr": 1.0})
    assert fast.owns(RunConfig(epochs=160, lr=1.0, seed=7, precision="bf16"))
    assert not fast.owns(RunConfig(epochs=40)) and not fast.owns(RunConfig(lr=1.0, dataset="cifar100"))
    plain = Grid(("cifar10",), ("basic",), (20,), 1)
    for other in ({"shortcut": "B"}, {"momentum": 0.0}, {"weight_decay": 0.0}, {"stochastic_depth": 0.5}):
        assert plain.owns(RunConfig()) and not plain.owns(RunConfig(**other))


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_has_runs_that_its_experiments_own(profile):
    assert planned_runs(profile)
    for experiment in EXPERIMENTS.values():
        assert set(experiment.grids) <= set(PROFILES)
        assert all(experiment.owns(run) for run in experiment.runs(profile))


def test_a_profile_has_the_epochs_that_a_rule_asks_for():
    (claim,) = (claim for claim in paper.claims() if claim.id == "relu-converges-faster")
    runs = EXPERIMENTS["activation-functions"].runs("extended")
    assert min(run.milestones[0] for run in runs) >= claim.args["least_epochs"]


def test_one_command_trains_all_that_images_at_hand_can_decide():
    runs = planned_runs("recoded", dataset="folder:photos", precision="bf16")
    assert count(runs, depth=20, epochs=160) == 15 + 14 and count(runs, depth=56, epochs=40) == 6
    assert len(runs) == len(set(runs)) == 15 + 14 + 6 + 2


def test_a_changed_recipe_is_not_the_papers():
    assert as_in_paper(RunConfig(seed=3, precision="bf16"))
    for fields in ({"epochs": 159}, {"dataset": "digits"}, {"flip": False}, {"batch_size": 64}):
        assert not as_in_paper(RunConfig(**fields))
