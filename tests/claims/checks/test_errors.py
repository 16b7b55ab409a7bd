import math

import pytest
from made_up import found, pairs, run

from fastres import paper
from fastres.claims.finding import (
    COPY,
    CORRECTED,
    NOT_REPRODUCED,
    NOT_RUN,
    OPEN,
    PAPER,
    REPRODUCED,
    SHORT,
    SMALLER,
    TRAIN_EXTENDED,
)

COPIED = "folder:cifar10-jpeg"
EQUAL, WORSE = "simplified-1 − basic at D = 20, cifar10", "simplified-2 − basic at D = 20, cifar10"
DEEP = "simplified-1 − basic at D = 668, cifar10"


def test_a_paired_difference_by_hand():
    """Differences 0.1, 0.2, 0.3: mean 0.2, sd 0.1, half-width 4.3027 x 0.1 / sqrt(3) = 0.2484."""
    finding = found("t1-error-equal", *pairs([7.1, 7.2, 7.3], [7.0, 7.0, 7.0]))
    interval = finding.intervals[EQUAL]
    assert interval.value == pytest.approx(0.2) and interval.n == 3
    assert (interval.low, interval.high) == pytest.approx((0.2 - 0.2484, 0.2 + 0.2484), abs=1e-4)
    assert (finding.verdict, finding.scope, len(finding.records)) == (REPRODUCED, (PAPER,), 6)
    assert "Some CPU" in finding.where


@pytest.mark.parametrize(
    ("claim", "first", "expected"),
    [
        ("t1-error-equal", [7.20, 7.21, 7.22], CORRECTED),  # inside the margin, 0 outside
        ("t1-error-equal", [9.0, 9.1, 9.2], NOT_REPRODUCED),
        ("t1-error-equal", [7.0, 8.0, 9.0], OPEN),
        ("t1-error-worse", [9.4, 9.5, 9.3], REPRODUCED),  # the paper has 2.42 points
        ("t1-error-worse", [11.4, 11.5, 11.3], REPRODUCED),
        ("t1-error-worse", [8.4, 8.5, 8.3], SMALLER),
        ("t1-error-worse", [7.0, 7.1, 6.9], NOT_REPRODUCED),
        ("t1-error-worse", [7.20, 7.21, 7.22], NOT_REPRODUCED),  # worse, but not clearly
        ("t1-error-worse", [6.0, 8.0, 9.0], OPEN),
    ],
)
def test_the_rules_for_differences(claim, first, expected):
    name = "simplified-2" if claim == "t1-error-worse" else "simplified-1"
    assert found(claim, *pairs(first, [7.0, 7.0, 7.0], name)).verdict == expected


def test_the_last_epoch_counts_and_not_the_best():
    finding = found("t1-error-worse", *pairs([9.4, 9.5, 9.3], [7.0, 7.0, 7.0], "simplified-2"))
    assert finding.intervals[WORSE].value == pytest.approx(2.4)


def test_one_run_each_has_a_binomial_interval():
    finding = found("deep-error", *pairs([5.0], [6.5], depth=668))
    half = 196 * math.sqrt((0.05 * 0.95 + 0.065 * 0.935) / 10000)
    assert finding.intervals[DEEP].high == pytest.approx(-1.5 + half, abs=1e-3)
    assert finding.verdict == REPRODUCED and "single run" in finding.statement
    assert found("deep-error", *pairs([5.9], [6.1], depth=668)).verdict == OPEN
    assert found("deep-error", *pairs([5.5, 5.5, 5.6], [5.9, 5.9, 6.0], depth=668)).verdict == SMALLER  # 0.4 of 0.94


def test_a_second_pair_of_runs_does_not_narrow_the_binomial_interval():
    one = found("deep-error", *pairs([5.0], [6.5], depth=668)).intervals[DEEP]
    two = found("deep-error", *pairs([5.0, 5.0], [6.5, 6.5], depth=668)).intervals[DEEP]
    assert two.high == pytest.approx(one.high) and two.n == 2


def test_devices_are_never_mixed():
    ours = [run("simplified-1", seed=seed) for seed in range(3)]
    theirs = [run("basic", seed=seed, device_name="another") for seed in range(3)]
    assert found("t1-error-equal", *ours, *theirs).verdict == NOT_RUN


def test_the_setting_of_most_pairs_decides_and_the_others_are_told():
    few = pairs([9.0], [7.0], device_name="A")
    many = pairs([7.1, 7.2, 7.3], [7.0, 7.0, 7.0], device_name="B")
    finding = found("t1-error-equal", *few, *many)
    assert finding.intervals[EQUAL].n == 3 and "B" in finding.where
    assert len(finding.so_far) == 1 and "+2.00 points" in finding.so_far[0]


def test_only_common_seeds_are_paired():
    finding = found("t1-error-equal", *pairs([7.0, 7.1, 7.2, 9.9], [7.0, 7.0, 7.0]))
    assert finding.intervals[EQUAL].n == 3
    assert not any("_s3_" in record for record in finding.records)
    assert found("t1-error-equal", run("simplified-1", seed=0), run("basic", seed=1)).verdict == NOT_RUN


def test_a_diverged_run_never_reproduces_anything():
    runs = pairs([7.0, math.nan, 7.2], [7.0, 7.0, 7.0])
    finding = found("t1-error-equal", *runs)
    assert finding.verdict == OPEN and "diverged" in finding.statement
    runs += [run("simplified-2", math.nan, seed=seed) for seed in range(3)]
    for claim in paper.claims():
        if claim.kind == "error" and claim.check != "outside":
            assert found(claim.id, *runs).verdict in (OPEN, NOT_RUN, NOT_REPRODUCED), claim.id


def test_short_runs_are_told_and_leave_the_claim_open():
    runs = pairs([30.0, 31.0, 32.0], [20.0, 20.0, 20.0], "simplified-2", epochs=15, dataset=COPIED)
    finding = found("t1-error-worse", *runs)
    assert (finding.verdict, finding.scope) == (OPEN, (SHORT,))
    assert finding.commands and finding.missing
    assert "+11.00 points" in finding.so_far[0] and "15 epochs" in finding.so_far[0]
    smoke = pairs([30.0, 31.0, 32.0], [20.0, 20.0, 20.0], "simplified-2", epochs=3, dataset="digits")
    assert found("t1-error-worse", *smoke).verdict == NOT_RUN


def test_of_short_runs_the_longest_are_told_first():
    """One pair of five epochs in fp32 must not stand before three of fifteen in bf16."""
    brief = pairs([35.0], [20.0], "simplified-2", epochs=5, dataset=COPIED)
    longer = pairs([30.0, 31.0, 32.0], [20.0, 20.0, 20.0], "simplified-2", epochs=15, dataset=COPIED, precision="bf16")
    told = found("t1-error-worse", *brief, *longer).so_far
    assert ["+11.00 points" in told[0], "+15.00 points" in told[1]] == [True, True]


def test_re_encoded_images_decide_differences_and_leave_values_open():
    runs = pairs([9.4, 9.5, 9.3], [7.0, 7.0, 7.0], "simplified-2", dataset=COPIED)
    finding = found("t1-error-worse", *runs)
    assert (finding.verdict, finding.scope) == (REPRODUCED, (COPY,)) and COPIED in finding.where
    values = found("t1-values", *runs, *pairs([7.0] * 3, [], dataset=COPIED))
    assert (values.verdict, values.scope) == (OPEN, (COPY,))


def test_a_part_of_the_images_is_not_the_dataset():
    runs = pairs([9.4, 9.5, 9.3], [7.0, 7.0, 7.0], "simplified-2", train_size=128)
    assert found("t1-error-worse", *runs).verdict == NOT_RUN


def test_values_beside_the_papers():
    def verdict(shift: float, seeds: int = 3, spread: float = 1.0) -> str:
        errors = {"basic": 7.6, "simplified-1": 7.7, "simplified-2": 10.0}
        offsets = [-0.1 * spread, 0.0, 0.1 * spread][:seeds]
        runs = [run(s, e + shift + o, seed=i) for s, e in errors.items() for i, o in enumerate(offsets)]
        return found("t1-values", *runs).verdict

    assert verdict(0) == REPRODUCED
    assert verdict(0, seeds=2) == OPEN  # three seeds of each are needed
    assert verdict(0.7) == NOT_REPRODUCED  # though within 1 point
    assert verdict(0, spread=20) == OPEN  # too wide to exclude anything


def test_the_ablation_needs_the_extended_profile():
    assert found("first-activation-useless").commands == (TRAIN_EXTENDED,)
    runs = pairs([7.1, 7.0, 7.2], [7.1, 7.1, 7.1], "bn/bn-relu")
    assert found("first-activation-useless", *runs).verdict == REPRODUCED


def test_error_by_depth():
    deeper = {20: 7.7, 56: 5.8, 110: 4.5, 668: 3.5}
    runs = [run("simplified-1", error, depth=depth) for depth, error in deeper.items()]
    runs += [run("simplified-1", error, depth=d, dataset="cifar100") for d, error in ((56, 27.0), (110, 24.0))]
    assert found("deeper-better", *runs).verdict == REPRODUCED
    assert found("deeper-better", *runs[:-1]).verdict == OPEN
    worse = run("simplified-1", 30.0, depth=110, dataset="cifar100")
    assert found("deeper-better", *runs[:-1], worse).verdict == NOT_REPRODUCED
    basic = [run(error=error, depth=depth) for depth, error in ((110, 5.0), (668, 8.0))]
    assert found("basic-degrades", *basic).verdict == REPRODUCED
