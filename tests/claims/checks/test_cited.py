"""Claims that experiments with recipes of their own decide."""

import math

import pytest
from made_up import found, record, study

from fastres.claims.finding import NOT_REPRODUCED, NOT_RUN, OPEN, REPRODUCED, SHORT, SMALLER, TRAIN_BEYOND
from fastres.experiments import EXPERIMENTS

CURVED = ("basic", "bn-sigmoid/bn-sigmoid", "bn-tanh/bn-tanh")


def test_nothing_is_decided_by_two_seeds_or_by_runs_of_another_setting():
    runs = study("relu-placement", {"basic": 20.0, "basic/end-relu": 30.0, "bn/bn": 40.0})
    assert found("relu-placement").verdict == NOT_RUN and found("relu-placement").commands == (TRAIN_BEYOND,)
    assert found("relu-placement", *runs).verdict == REPRODUCED and found("relu-placement", *runs).scope == (SHORT,)
    two = [run for run in runs if run.config.seed < 2]
    assert found("relu-placement", *two).verdict == OPEN
    elsewhere = study("relu-placement", {"basic": 20.0, "basic/end-relu": 30.0, "bn/bn": 40.0}, device_name="Other CPU")
    mixed = [a if a.config.structure == "basic" else b for a, b in zip(runs, elsewhere, strict=True)]
    assert found("relu-placement", *mixed).verdict == NOT_RUN
    smoke = study("relu-placement", {"basic": 20.0, "basic/end-relu": 30.0, "bn/bn": 40.0}, dataset="synthetic")
    assert found("relu-placement", *smoke).verdict == NOT_RUN


def test_a_recipe_of_another_experiment_is_not_evidence():
    runs = study("normalisation", {"basic": 20.0, "relu/relu": 30.0}, ended="relu/relu")
    assert found("bn-eases-training", *runs).verdict == OPEN
    assert "smoothness" in found("bn-eases-training", *runs).missing[0]
    paper_only = [run for run in runs if run.config.lr == 0.1 and run.config.init_scale == 1]
    assert found("bn-eases-training", *paper_only).verdict == NOT_RUN


def test_every_run_diverged_counts_as_worse_and_some_leave_it_open():
    runs = study("relu-placement", {"basic": 20.0, "basic/end-relu": 30.0, "bn/bn": 40.0})
    ended = [
        run.model_copy(update={"diverged": "soon"}) if run.config.structure == "basic/end-relu" else run for run in runs
    ]
    finding = found("relu-placement", *ended)
    assert finding.verdict == REPRODUCED and "every run of basic/end-relu diverged" in finding.statement
    some = [b if b.config.seed == 1 else a for a, b in zip(runs, ended, strict=True)]
    assert found("relu-placement", *some).verdict == OPEN


@pytest.mark.parametrize(
    ("ours", "verdict"), [([20.0, 9.0], REPRODUCED), ([45.0, 25.0], SMALLER), ([55.0, 52.0], NOT_REPRODUCED)]
)
def test_much_faster_is_half_of_the_epochs(ours, verdict):
    theirs = {CURVED[1]: [50.0, 40.0], CURVED[2]: [45.0, 30.0]}
    curves = {"basic": ours, **theirs}
    runs = [
        record([e + seed / 10 for e in (*curve, 5.0, 5.0)], structure=name, depth=8, seed=seed, dataset="cifar10")
        for name, curve in curves.items()
        for seed in range(3)
    ]
    assert found("relu-converges-faster", *runs).verdict == verdict


def slower(run, points):
    """A run with so much more training error in its last epoch."""
    last = run.last.model_copy(update={"train_error": run.last.train_error + points})
    return run.model_copy(update={"epochs": [*run.epochs[:-1], last]})


def test_without_bn_better_somewhere_or_steadier_contradicts():
    neither = study("normalisation", {"basic": 20.0, "relu/relu": 30.0})
    assert found("bn-eases-training", *neither).verdict == OPEN
    for worse, verdict in (([4.0, 4.0, 4.0], NOT_REPRODUCED), ([4.0, 0.5, 0.2], OPEN)):  # the second within its noise
        runs = [
            slower(run, worse[run.config.seed]) if (run.config.structure, run.config.lr) == ("basic", 0.01) else run
            for run in neither
        ]
        assert found("bn-eases-training", *runs).verdict == verdict
    better = study("normalisation", {"basic": 30.0, "relu/relu": 20.0})
    assert found("bn-eases-training", *better).verdict == NOT_REPRODUCED
    alone = study("normalisation", {"basic": 20.0, "relu/relu": 30.0}, ended="basic")
    assert found("bn-eases-training", *alone).verdict == NOT_REPRODUCED
    both = study("normalisation", {"basic": 20.0, "relu/relu": 30.0}, ended="relu/relu")
    finding = found("bn-eases-training", *both)
    assert finding.verdict == OPEN and "relu/relu diverged" in finding.statement
    assert not any(math.isnan(interval.value) for interval in finding.intervals.values())


def test_augmentation_is_judged_where_the_network_fits_its_images():
    def runs(training: float) -> list:
        return [
            record([7.0 if c.flip else 9.0] * 40, train_error=training, **c.model_dump(exclude={"epochs"}))
            for c in EXPERIMENTS["augmentation"].runs("extended")
        ]

    assert found("augmentation-helps", *runs(1.0)).verdict == REPRODUCED
    assert found("augmentation-helps", *runs(9.0)).verdict == OPEN
