"""Claims that experiments with recipes of their own decide."""

import pytest
from made_up import found, record, run, study

from fastres.claims.finding import NOT_REPRODUCED, NOT_RUN, OPEN, REPRODUCED, SHORT, TRAIN_BEYOND, TRAIN_EXTENDED
from fastres.experiments import EXPERIMENTS

PLACED = {"basic": 20.0, "basic/end-relu": 30.0, "simplified-1/end-bn-relu": 30.0}
EVERY = PLACED | {"bn/bn": 40.0}  # of the experiment; the claim needs no networks without ReLU
CURVED = ("basic", "bn-sigmoid/bn-sigmoid", "bn-tanh/bn-tanh")


def test_nothing_is_decided_by_two_seeds_or_by_runs_of_another_setting():
    runs = study("relu-placement", EVERY)
    assert found("relu-placement").verdict == NOT_RUN and found("relu-placement").commands == (TRAIN_BEYOND,)
    assert found("relu-placement", *runs).verdict == REPRODUCED and found("relu-placement", *runs).scope == (SHORT,)
    two = [run for run in runs if run.config.seed < 2]
    assert found("relu-placement", *two).verdict == OPEN
    elsewhere = study("relu-placement", EVERY, device_name="Other CPU")
    mixed = [a if a.config.structure == "basic" else b for a, b in zip(runs, elsewhere, strict=True)]
    assert found("relu-placement", *mixed).verdict == NOT_RUN
    smoke = study("relu-placement", EVERY, dataset="synthetic")
    assert found("relu-placement", *smoke).verdict == NOT_RUN


def test_a_recipe_of_another_experiment_is_not_evidence():
    runs = study("normalisation", {"basic": 20.0, "relu/relu": 30.0}, ended="relu/relu")
    assert found("bn-eases-training", *runs).verdict == REPRODUCED
    paper_only = [run for run in runs if run.config.lr == 0.1 and run.config.init_scale == 1]
    assert found("bn-eases-training", *paper_only).verdict == NOT_RUN


def test_runs_of_any_schedule_decide_what_the_paper_cites():
    """Epochs that no profile plans are as good; a recipe that nobody compares is not."""

    def verdict(**recipe) -> str:
        return found(
            "relu-placement",
            *(
                record([error + seed / 100] * 7, structure=name, depth=8, seed=seed, dataset="cifar10", **recipe)
                for name, error in PLACED.items()
                for seed in range(3)
            ),
        ).verdict

    assert verdict() == REPRODUCED
    assert verdict(shortcut="B") == verdict(weight_decay=0.0) == verdict(momentum=0.0) == NOT_RUN


def test_a_measure_that_the_claim_does_not_name_is_reported():
    """Training error lower and test error equal, with a ReLU at the end of the branch."""
    runs = study("relu-placement", EVERY | {"basic/end-relu": 20.0})
    lower = [
        slower(run, -2 - run.config.seed / 100) if run.config.structure == "basic/end-relu" else run for run in runs
    ]
    finding = found("relu-placement", *lower)
    assert finding.verdict == OPEN and "training error −2.01" in finding.statement
    assert "reported, not judged" in finding.statement
    assert "training error, basic/end-relu − basic" not in finding.intervals


def test_a_relu_after_the_convolutions_must_be_worse_than_before_them():
    after = found("relu-placement", *study("relu-placement", EVERY | {"simplified-1/end-bn-relu": 19.0}))
    assert after.verdict == NOT_REPRODUCED and len(after.intervals) == 3


def test_post_activation_must_converge_slower_and_classify_worse():
    def verdict(post: float) -> str:
        return found(
            "pre-activation-better", *study("post-activation", {"basic": 20.0, "post-activation": post})
        ).verdict

    assert [verdict(22.0), verdict(20.0), verdict(18.0)] == [REPRODUCED, OPEN, NOT_REPRODUCED]
    assert found("pre-activation-better").verdict == NOT_RUN


def test_every_run_diverged_counts_as_worse_and_some_leave_it_open():
    runs = study("relu-placement", EVERY)
    ended = [
        run.model_copy(update={"diverged": "soon"}) if run.config.structure == "basic/end-relu" else run for run in runs
    ]
    finding = found("relu-placement", *ended)
    assert finding.verdict == REPRODUCED and "every run of basic/end-relu diverged" in finding.statement
    some = [b if b.config.seed == 1 else a for a, b in zip(runs, ended, strict=True)]
    assert found("relu-placement", *some).verdict == OPEN


@pytest.mark.parametrize(
    ("ours", "epochs", "verdict"),
    [
        ([20.0, 9.0], 16, REPRODUCED),
        ([45.0, 25.0], 16, OPEN),  # lower at the end, but not in half of the epochs
        ([20.0, 9.0], 4, OPEN),  # of two epochs half is one: too coarse
        ([55.0, 52.0], 16, NOT_REPRODUCED),
    ],
)
def test_much_faster_is_half_of_the_epochs(ours, epochs, verdict):
    """Curves of two levels, half of the epochs at the first rate each; then the rate falls."""
    levels = {"basic": ours, CURVED[1]: [50.0, 40.0], CURVED[2]: [45.0, 30.0]}
    runs = [
        record(
            [level + seed / 10 for level in high_low for _ in range(epochs // 4)] + [5.0] * (epochs // 2),
            structure=name,
            depth=8,
            seed=seed,
            dataset="cifar10",
        )
        for name, high_low in levels.items()
        for seed in range(3)
    ]
    assert found("relu-converges-faster", *runs).verdict == verdict


def test_one_seed_that_is_slow_is_not_hidden_by_the_mean():
    runs = [
        record(
            [50.0 if name == "basic" and seed == 0 else low] * 4 + [low - 1] * 4 + [5.0] * 8,
            structure=name,
            depth=8,
            seed=seed,
            dataset="cifar10",
        )
        for name, low in {"basic": 10.0, CURVED[1]: 40.0, CURVED[2]: 41.0}.items()
        for seed in range(3)
    ]
    finding = found("relu-converges-faster", *runs)
    assert finding.verdict == OPEN and "in epoch 5 at the latest" in finding.statement


def slower(run, points):
    """A run with so much more training error in its last epoch."""
    last = run.last.model_copy(update={"train_error": run.last.train_error + points})
    return run.model_copy(update={"epochs": [*run.epochs[:-1], last]})


def changed(runs, structure, points: dict[float, float]):
    """Training errors of a structure at the learning rates moved by so many points, a little apart for each seed."""
    return [
        slower(run, points[run.config.lr] + run.config.seed / 100)
        if run.config.structure == structure and run.config.lr in points
        else run
        for run in runs
    ]


def test_bn_eases_training_if_it_is_lower_everywhere_and_rises_less():
    flat = study("normalisation", {"basic": 20.0, "relu/relu": 30.0})
    assert found("bn-eases-training", *flat).verdict == OPEN  # no rise in either
    steep = changed(flat, "relu/relu", {0.01: 6.0, 1.0: 9.0})
    assert found("bn-eases-training", *steep).verdict == REPRODUCED
    assert found("bn-eases-training", *changed(flat, "basic", {0.01: 3.0, 1.0: 4.0})).verdict == NOT_REPRODUCED
    # The largest rise is that of BN, the mean rise that of the network without: they disagree.
    both = changed(changed(flat, "basic", {0.01: 4.0}), "relu/relu", {0.01: 3.0, 1.0: 3.0})
    assert found("bn-eases-training", *both).verdict == OPEN
    better = study("normalisation", {"basic": 30.0, "relu/relu": 20.0})
    assert found("bn-eases-training", *better).verdict == NOT_REPRODUCED


def test_where_a_network_diverges_the_other_trains_more_easily_and_both_decide_nothing():
    errors = {"basic": 20.0, "relu/relu": 30.0}
    alone = study("normalisation", errors, ended="basic")
    assert found("bn-eases-training", *alone).verdict == NOT_REPRODUCED
    without = study("normalisation", errors, ended="relu/relu")
    finding = found("bn-eases-training", *without)
    assert finding.verdict == REPRODUCED and "relu/relu diverged" in finding.statement
    both = [
        run.model_copy(update={"diverged": "soon"}) if run.config.lr == 1.0 else run
        for run in study("normalisation", errors)
    ]
    finding = found("bn-eases-training", *both)
    assert finding.verdict == OPEN and "lr 1.0: basic and relu/relu diverged" in finding.statement
    every = [run.model_copy(update={"diverged": "soon"}) for run in study("normalisation", errors)]
    finding = found("bn-eases-training", *every)
    assert finding.verdict == OPEN and "nan" not in finding.statement and not finding.intervals


def test_stochastic_depth_may_cost_half_a_point():
    def finding(points: float, epochs: int = 160):
        runs = [
            run(error=10.0 + seed / 100 + points * bool(dropped), seed=seed, stochastic_depth=dropped, epochs=epochs)
            for dropped in (0.0, 0.5)
            for seed in range(3)
        ]
        return found("stochastic-depth-keeps-error", *runs)

    verdicts = [finding(points).verdict for points in (-1.0, 0.4, 0.6)]
    assert verdicts == [REPRODUCED, REPRODUCED, NOT_REPRODUCED]
    short = finding(0.6, epochs=4)
    assert short.verdict == OPEN and "160 epochs" in short.missing[0] and "+0.60" in short.statement
    assert short.commands == found("stochastic-depth-keeps-error").commands == (TRAIN_EXTENDED,)


def test_a_deeper_study_that_is_too_short_hides_no_full_one():
    def runs(depth: int, epochs: int, points: float) -> list:
        return [
            run(error=10.0 + points * p, seed=seed, stochastic_depth=p, epochs=epochs, depth=depth)
            for p in (0.0, 0.5)
            for seed in range(3)
        ]

    finding = found("stochastic-depth-keeps-error", *runs(8, 160, 0.0), *runs(20, 5, 9.0))
    assert finding.verdict == REPRODUCED and "D = 8" in finding.where


def test_augmentation_is_judged_where_the_network_fits_its_images():
    def runs(training: float) -> list:
        return [
            record([7.0 if c.flip else 9.0] * 40, train_error=training, **c.model_dump(exclude={"epochs"}))
            for c in EXPERIMENTS["augmentation"].runs("extended")
        ]

    assert found("augmentation-helps", *runs(1.0)).verdict == REPRODUCED
    assert found("augmentation-helps", *runs(9.0)).verdict == OPEN


def test_a_deeper_short_study_does_not_hide_one_that_fits_its_images():
    def runs(profile: str, depth: int, training: float) -> list:
        return [
            record([7.0 if c.flip else 9.0] * c.epochs, train_error=training, depth=depth, **fields)
            for c in EXPERIMENTS["augmentation"].runs(profile)
            for fields in [c.model_dump(exclude={"epochs", "depth"})]
        ]

    finding = found("augmentation-helps", *runs("beyond", 20, 40.0), *runs("extended", 8, 1.0))
    assert finding.verdict == REPRODUCED and "40 epochs" in finding.where


@pytest.mark.parametrize(
    ("depth", "training", "without_bn", "verdict", "lacking"),
    [
        (110, 1.0, 6.0, REPRODUCED, ()),
        (110, 1.0, 8.0, NOT_REPRODUCED, ()),
        (110, 9.0, 6.0, OPEN, ("training errors below 5 %",)),
        (20, 1.0, 6.0, OPEN, ("networks of depth 110",)),
        (20, 9.0, 6.0, OPEN, ("networks of depth 110 and training errors below 5 %",)),
    ],
)
def test_bn_parameters_are_judged_in_deep_networks_that_fit_their_images(depth, training, without_bn, verdict, lacking):
    fields = {"depth": depth, "train_error": training}
    errors = {"bn/bn-relu": 7.0, "relu/bn-relu": without_bn}
    finding = found(
        "bn-parameters-overfit",
        *[run(name, error, seed=seed, **fields) for name, error in errors.items() for seed in range(3)],
    )
    assert (finding.verdict, finding.missing) == (verdict, lacking)
    assert "bn/bn-relu − relu/bn-relu" in finding.text and f"D = {depth}" in finding.where
