"""The ledger on made-up records with known answers, and on none; every check does decide."""

import dataclasses
import json
import math
import shlex

import pytest
import torch
import typer

from fastres import paper, paths, stats
from fastres.claims import ledger
from fastres.claims import verdicts as claims
from fastres.claims.checks import CHECKS, arithmetic, equations_1_to_8
from fastres.claims.checks.activations import MEASURE
from fastres.claims.finding import (
    CORRECTED,
    FASTRES,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
    THEN,
    UNDECIDABLE,
    VERDICTS,
    Finding,
    combine,
    overall,
)
from fastres.cli import app
from fastres.config import RunConfig
from fastres.datasets.sources import synthetic
from fastres.errors import RecordError
from fastres.experiments import PROFILES
from fastres.measure.probes import measure_activations, positive_shares, update_drifts
from fastres.models.resnet import build_model
from fastres.paper import Claim
from fastres.records.activations import ActivationRecord, BlockActivations, load_activations
from fastres.records.runs import DataSource, Epoch, RunRecord, load_runs
from fastres.records.timings import TimingRecord
from fastres.training.run import train

COPY = "folder:cifar10-jpeg"


def run(
    structure="basic", error=7.0, *, device="a GPU", curve=None, train_error=0.1, train_size=50000, **fields
) -> RunRecord:
    """A record whose last test error is `error` and whose best one, at epoch 1, is always 1 %."""
    config = RunConfig(structure=structure, **fields)
    errors = curve or [1.0, *[50.0] * (config.epochs - 2), error]
    epochs = [
        Epoch(epoch=i, lr=0.1, train_loss=0, train_error=train_error, test_error=e, train_seconds=1, test_seconds=1)
        for i, e in enumerate(errors, start=1)
    ]
    classes = 100 if config.dataset == "cifar100" else 10
    data = DataSource(source="x", sha256="0" * 64, train_size=train_size, test_size=10000, num_classes=classes)
    environment = {"device_name": device}
    return RunRecord(config=config, epochs=epochs, environment=environment, data=data, commit="c", finished="f")


def timing(depth=20, device="a GPU", precision="fp32", batch_size=128, **seconds) -> TimingRecord:
    """Rounds of made-up seconds; names have "_" for "-"."""
    return TimingRecord(
        depth=depth,
        batch_size=batch_size,
        precision=precision,
        steps=1,
        seconds={name.replace("_", "-"): values for name, values in seconds.items()},
        warmup_seconds={},
        environment={"device": "cpu" if "CPU" in device else "cuda", "device_name": device},
        commit="c",
        finished="f",
    )


def verdict(claim_id: str, *runs, timings=(), activations=()) -> claims.Verdict:
    wanted = [claim for claim in paper.claims() if claim.id == claim_id]
    (found,) = claims.decide(runs, timings, wanted, activations)
    return found


def pairs(first: list[float], second: list[float], name="simplified-1", reference="basic", **fields) -> list[RunRecord]:
    return [
        run(structure, error, seed=seed, **fields)
        for structure, errors in ((name, first), (reference, second))
        for seed, error in enumerate(errors)
    ]


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> list[claims.Verdict]:
    return claims.decide(load_runs(tmp_path_factory.mktemp("none")))


def test_without_records_every_claim_has_a_verdict_or_a_command(empty):
    assert [found.claim for found in empty] == paper.claims()
    needs_records = {"error", "time"}
    for found in empty:
        assert found.verdict in VERDICTS
        assert found.statement.endswith(".")
        assert bool(found.command) == (found.verdict == NOT_RUN)
        assert not found.records
        if found.claim.kind in needs_records and found.claim.check != "not_decidable":
            assert found.verdict == NOT_RUN
        if found.claim.kind in ("equation", "arithmetic", "memory"):
            assert found.verdict != NOT_RUN
            assert "expects" not in found.statement  # as our reading of the paper says


def test_what_needs_no_run_comes_out_as_a_careful_reader_finds(empty):
    by_id = {found.claim.id: found for found in empty}
    assert by_id["bn-gaussian"].verdict == by_id["bn-parameters-many"].verdict == NOT_REPRODUCED
    for claim_id in ("eq9-fold", "eq12-composed-kernel", "eq13-single-convolution", "speed-increase-printed"):
        assert by_id[claim_id].verdict == CORRECTED
    for claim_id in ("eq4-relu", "eq6-to-8-blocks", "depth-formula", "activation-layers-halved"):
        assert by_id[claim_id].verdict == REPRODUCED
    assert by_id["bn-parameters-many"].numbers["bn_parameters"] == 448 * 111 + 32
    assert by_id["saving-grows-printed"].numbers["limit"] == pytest.approx(32.1, abs=0.05)
    assert by_id["speed-increase-printed"].numbers["increase D110"] == pytest.approx(56.04, abs=0.01)


def test_commands_exist(empty):
    known = typer.main.get_command(app).commands
    commands = {command for found in empty if found.command for command in found.command.split(THEN)}
    for command in {*commands, MEASURE}:
        if command.startswith("make"):
            assert command.removeprefix("make reproduce PROFILE=") in PROFILES
        else:
            assert command.startswith(f"{FASTRES} ")
            name, *arguments = shlex.split(command.removeprefix(FASTRES))
            known[name].make_context(name, arguments)  # fails on an unknown option or a bad value
    assert FASTRES in (paths.ROOT / "README.md").read_text(encoding="utf-8")
    with pytest.raises(Exception, match="No such option"):
        known["time"].make_context("time", ["--layers", "20"])


def test_all_commands_are_given_each_once(empty):
    by_id = {found.claim.id: found for found in empty}
    both = by_id["accuracy-kept"]
    steps = both.command.split(THEN)
    assert steps[0] == "make reproduce PROFILE=paper" and len(steps) == len(set(steps)) == 5
    assert [step.split()[5] for step in steps[1:]] == ["20", "56", "110", "668"]
    assert f"`{steps[0]}`; then `{steps[1]}`" in ledger.found(both)
    assert len(by_id["saving-grows"].command.split(THEN)) == 4


def test_what_is_reproduced_has_numbers(empty):
    for found in empty:
        if found.verdict in (REPRODUCED, CORRECTED):
            assert found.numbers, found.claim.id


def test_every_check_is_registered_and_used():
    assert {claim.check for claim in paper.claims()} == set(CHECKS)


def test_an_unknown_check_is_named():
    claim = Claim(id="a", place="Eq. (1)", paraphrase="x", kind="count", check="no_such", rule="x")
    with pytest.raises(claims.UnknownCheckError, match=r"claim a: unknown check 'no_such'.*eq_relu"):
        claims.decide([], claims=[claim])


def test_a_failing_check_surfaces_and_hides_no_other(monkeypatch):
    monkeypatch.setitem(CHECKS, "eq_relu", lambda evidence: 1 / 0)
    chosen = [claim for claim in paper.claims() if claim.id in ("eq4-relu", "conv-affine")]
    with pytest.raises(claims.ClaimsError, match="claim eq4-relu: ZeroDivisionError") as caught:
        claims.decide([], claims=chosen)
    assert [found.claim.id for found in caught.value.verdicts] == ["conv-affine"]


def test_a_corrupted_number_flips_an_arithmetic_verdict(monkeypatch):
    assert verdict("t2-error-gain-printed").verdict == REPRODUCED
    rows = [dataclasses.replace(row, percent=18.0) for row in paper.claimed_reductions()]
    monkeypatch.setattr(arithmetic.paper, "claimed_reductions", lambda: rows)
    assert verdict("t2-error-gain-printed").verdict == NOT_REPRODUCED


def test_a_wrong_equation_is_found_and_said(monkeypatch):
    monkeypatch.setattr("fastres.theory.relu", lambda x: x)
    found = verdict("eq6-to-8-blocks")
    assert found.verdict == NOT_REPRODUCED
    assert "expects 'reproduced'" in found.statement


def test_a_wrong_relu_is_found(monkeypatch):
    monkeypatch.setattr("fastres.theory.relu", lambda x: x)
    assert verdict("eq4-relu").verdict == NOT_REPRODUCED


def test_a_branch_without_a_last_relu_is_found(monkeypatch):
    found = verdict("relu-last-nonnegative")
    assert found.numbers["least addition, ReLU last"] == 0
    assert found.numbers["least addition, convolution last"] < 0
    assert verdict("relu-last-nonnegative") == found  # the same on every call
    monkeypatch.setattr(equations_1_to_8, "activation", lambda name, channels: torch.nn.BatchNorm2d(channels))
    assert verdict("relu-last-nonnegative").verdict == NOT_REPRODUCED


def test_a_paired_difference_by_hand():
    """Differences 0.1, 0.2, 0.3: mean 0.2, sd 0.1, half-width 4.3027 x 0.1 / sqrt(3) = 0.2484."""
    found = verdict("t1-error-equal", *pairs([7.1, 7.2, 7.3], [7.0, 7.0, 7.0]))
    label = "simplified-1 − basic at D = 20, cifar10"
    assert found.numbers[f"difference {label}"] == pytest.approx(0.2)
    assert found.numbers[f"low {label}"] == pytest.approx(0.2 - 0.2484, abs=1e-4)
    assert found.numbers[f"high {label}"] == pytest.approx(0.2 + 0.2484, abs=1e-4)
    assert found.numbers[f"n {label}"] == 3
    assert found.verdict == REPRODUCED
    assert len(found.records) == 6
    assert "a GPU" in found.statement


@pytest.mark.parametrize(
    ("claim", "first", "second", "expected"),
    [
        ("t1-error-equal", [7.20, 7.21, 7.22], [7.0, 7.0, 7.0], CORRECTED),  # inside the margin, 0 outside
        ("t1-error-equal", [9.0, 9.1, 9.2], [7.0, 7.0, 7.0], NOT_REPRODUCED),
        ("t1-error-equal", [7.0, 8.0, 9.0], [7.0, 7.0, 7.0], UNDECIDABLE),
        ("t1-error-worse", [9.4, 9.5, 9.3], [7.0, 7.0, 7.0], REPRODUCED),  # the paper has 2.42 points
        ("t1-error-worse", [7.4, 7.5, 7.3], [7.0, 7.0, 7.0], CORRECTED),  # higher, by much less
        ("t1-error-worse", [7.0, 7.1, 6.9], [7.0, 7.0, 7.0], NOT_REPRODUCED),
        ("t1-error-worse", [7.20, 7.21, 7.22], [7.0, 7.0, 7.0], NOT_REPRODUCED),  # worse, but not clearly
        ("t1-error-worse", [6.0, 8.0, 9.0], [7.0, 7.0, 7.0], UNDECIDABLE),
    ],
)
def test_the_rules_for_differences(claim, first, second, expected):
    name = "simplified-2" if claim == "t1-error-worse" else "simplified-1"
    assert verdict(claim, *pairs(first, second, name)).verdict == expected


def test_the_last_epoch_counts_and_not_the_best():
    found = verdict("t1-error-worse", *pairs([9.4, 9.5, 9.3], [7.0, 7.0, 7.0], "simplified-2"))
    assert found.numbers["difference simplified-2 − basic at D = 20, cifar10"] == pytest.approx(2.4)


def test_one_run_each_has_a_binomial_interval():
    found = verdict("deep-error", *pairs([5.0], [6.5], depth=668))
    half = 196 * math.sqrt((0.05 * 0.95 + 0.065 * 0.935) / 10000)
    assert found.numbers["high simplified-1 − basic at D = 668, cifar10"] == pytest.approx(-1.5 + half, abs=1e-3)
    assert found.verdict == REPRODUCED
    assert "single run" in found.statement
    assert verdict("deep-error", *pairs([5.9], [6.1], depth=668)).verdict == UNDECIDABLE


def test_a_second_pair_of_runs_does_not_narrow_the_binomial_interval():
    one = verdict("deep-error", *pairs([5.0], [6.5], depth=668)).numbers
    two = verdict("deep-error", *pairs([5.0, 5.0], [6.5, 6.5], depth=668)).numbers
    label = "high simplified-1 − basic at D = 668, cifar10"
    assert two[label] == pytest.approx(one[label])


def test_statistics_at_their_limits():
    assert (stats.welch(2.0, 0, 3, 1.0, 0, 3).t, stats.welch(2.0, 0, 3, 1.0, 0, 3).difference.low) == (math.inf, 1.0)
    assert stats.welch(1.0, 0, 3, 2.0, 0, 3).t == -math.inf
    assert math.isnan(stats.welch(1.0, 0, 3, 1.0, 0, 3).t)
    assert math.isnan(stats.binomial_interval(math.nan, 10_000).low)


def test_devices_are_never_mixed():
    ours = [run("simplified-1", seed=seed, device="a GPU") for seed in range(3)]
    theirs = [run("basic", seed=seed, device="another GPU") for seed in range(3)]
    assert verdict("t1-error-equal", *ours, *theirs).verdict == NOT_RUN


def test_the_setting_of_most_pairs_decides_and_the_others_are_told():
    few = pairs([9.0], [7.0], device="a GPU")
    many = pairs([7.1, 7.2, 7.3], [7.0, 7.0, 7.0], device="b GPU")
    found = verdict("t1-error-equal", *few, *many)
    assert found.numbers["n simplified-1 − basic at D = 20, cifar10"] == 3
    assert "In other settings: +2.00 points" in found.statement


def test_only_common_seeds_are_paired():
    runs = pairs([7.0, 7.1, 7.2, 9.9], [7.0, 7.0, 7.0])
    found = verdict("t1-error-equal", *runs)
    assert found.numbers["n simplified-1 − basic at D = 20, cifar10"] == 3
    assert not any("_s3_" in record for record in found.records)
    apart = [run("simplified-1", seed=0), run("basic", seed=1)]
    assert verdict("t1-error-equal", *apart).verdict == NOT_RUN


def test_a_diverged_run_never_reproduces_anything():
    runs = pairs([7.0, math.nan, 7.2], [7.0, 7.0, 7.0])
    assert verdict("t1-error-equal", *runs).verdict == UNDECIDABLE
    assert "diverged" in verdict("t1-error-equal", *runs).statement
    all_runs = [*runs, *[run("simplified-2", math.nan, seed=seed) for seed in range(3)]]
    for claim in paper.claims():
        if claim.kind == "error" and claim.check != "not_decidable":
            assert verdict(claim.id, *all_runs).verdict in (UNDECIDABLE, NOT_RUN, NOT_REPRODUCED), claim.id


def test_short_runs_are_told_and_decide_nothing():
    runs = pairs([30.0, 31.0, 32.0], [20.0, 20.0, 20.0], "simplified-2", epochs=15, dataset=COPY)
    found = verdict("t1-error-worse", *runs)
    assert found.verdict == NOT_RUN
    assert found.command
    assert "Evidence so far, not a verdict" in found.statement
    assert "+11.00 points" in found.statement
    assert "15 epochs" in found.statement
    smoke = pairs([30.0, 31.0, 32.0], [20.0, 20.0, 20.0], "simplified-2", epochs=3, dataset="digits")
    assert "Evidence" not in verdict("t1-error-worse", *smoke).statement


def test_a_copy_of_the_images_decides_differences_and_no_values():
    runs = pairs([9.4, 9.5, 9.3], [7.0, 7.0, 7.0], "simplified-2", dataset=COPY)
    found = verdict("t1-error-worse", *runs)
    assert found.verdict == REPRODUCED
    assert COPY in found.statement
    assert verdict("t1-values", *runs, *pairs([7.0] * 3, [], dataset=COPY)).verdict == NOT_RUN


def test_a_part_of_the_images_is_not_the_dataset():
    runs = pairs([9.4, 9.5, 9.3], [7.0, 7.0, 7.0], "simplified-2", train_size=128)
    assert verdict("t1-error-worse", *runs).verdict == NOT_RUN
    assert verdict("cifar-counts", *runs).verdict == NOT_REPRODUCED
    whole = run(), run(dataset="cifar100", depth=56)
    assert verdict("cifar-counts", *whole, *runs).verdict == REPRODUCED


def test_values_beside_the_papers():
    errors = {"basic": [7.5, 7.6, 7.8], "simplified-1": [7.6, 7.7, 7.8], "simplified-2": [9.9, 10.0, 10.2]}
    runs = [run(name, e, seed=seed) for name, values in errors.items() for seed, e in enumerate(values)]
    assert verdict("t1-values", *runs).verdict == REPRODUCED
    assert verdict("t1-values", *runs[:-1]).verdict == NOT_RUN  # three seeds of each are needed
    off = [run(name, e + 0.7, seed=seed) for name, values in errors.items() for seed, e in enumerate(values)]
    assert verdict("t1-values", *off).verdict == CORRECTED


def test_a_part_that_is_contradicted_decides_and_missing_parts_wait():
    assert overall([REPRODUCED, NOT_RUN, CORRECTED]) == NOT_RUN
    assert overall([REPRODUCED, NOT_RUN, NOT_REPRODUCED]) == NOT_REPRODUCED
    assert overall([REPRODUCED, UNDECIDABLE, CORRECTED]) == UNDECIDABLE
    both = combine([Finding(REPRODUCED, "A."), Finding(NOT_RUN, "B.", command="c")])
    assert (both.verdict, both.statement, both.command) == (NOT_RUN, "A. B.", "c")
    with pytest.raises(ValueError, match="command"):
        Finding(REPRODUCED, "A.", command="c")
    with pytest.raises(ValueError, match="unknown verdict 'true'"):
        Finding("true", "A.")


def test_a_known_ratio_of_times():
    seconds = {
        "basic": [1.0, 2.0, 1.5] * 2,
        "simplified_1": [0.74, 1.48, 1.11] * 2,
        "simplified_2": [0.74, 1.48, 1.11] * 2,
    }
    found = verdict("t1-time", timings=[timing(**seconds)])
    assert found.verdict == REPRODUCED
    assert found.numbers["reduction D20"] == pytest.approx(26)
    assert "a GPU" in found.statement
    assert verdict("t1-time-simplified-2", timings=[timing(**seconds)]).verdict == REPRODUCED
    slower = timing(basic=[1.0] * 6, simplified_1=[1.1] * 6)
    assert verdict("t1-time", timings=[slower]).verdict == NOT_REPRODUCED
    farther = timing(basic=[1.0] * 6, simplified_1=[0.9] * 6)
    assert verdict("t1-time", timings=[farther]).verdict == CORRECTED


def test_fp32_decides_and_other_precisions_are_told():
    fp32 = timing(basic=[1.0] * 6, simplified_1=[0.74] * 6)
    bf16 = timing(precision="bf16", basic=[1.0] * 6, simplified_1=[1.5] * 6)
    assert verdict("t1-time", timings=[bf16]).verdict == NOT_RUN
    found = verdict("t1-time", timings=[bf16, fp32])
    assert found.verdict == REPRODUCED
    assert "bf16, batch 128, 6 rounds: -50.0 %" in found.statement
    assert found.records == (fp32.timing_id,)


def test_few_rounds_or_another_batch_are_told_and_decide_nothing():
    few = timing(basic=[1.0] * 5, simplified_1=[0.74] * 5)
    small = timing(batch_size=64, basic=[1.0] * 6, simplified_1=[0.74] * 6)
    for record in (few, small):
        found = verdict("t1-time", timings=[record])
        assert found.verdict == NOT_RUN
        assert f"batch {record.batch_size}, {len(record.seconds['basic'])} rounds: 26.0 %" in found.statement


def test_savings_at_several_depths_come_from_one_device():
    saved = {20: 0.8, 56: 0.7, 110: 0.6, 668: 0.5}
    records = [timing(depth, basic=[1.0] * 6, simplified_1=[ratio] * 6) for depth, ratio in saved.items()]
    assert verdict("saving-grows", timings=records).verdict == REPRODUCED
    elsewhere = timing(668, device="some CPU", basic=[1.0] * 6, simplified_1=[0.5] * 6)
    assert verdict("saving-grows", timings=[*records[:-1], elsewhere]).verdict == NOT_RUN
    constant = [timing(depth, basic=[1.0] * 6, simplified_1=[0.7] * 6) for depth in saved]
    assert verdict("saving-grows", timings=constant).verdict == NOT_REPRODUCED
    wide = [0.6] * 3 + [0.75] * 3 + [0.8] * 3  # [20, 40] %: growth is neither shown nor excluded
    records = [
        timing(depth, basic=[1.0] * 9, simplified_1=rounds)
        for depth, rounds in {20: wide, 56: wide, 110: wide, 668: [0.59] * 3 + [0.62] * 3 + [0.74] * 3}.items()
    ]
    assert verdict("saving-grows", timings=records).verdict == UNDECIDABLE


def test_other_claims_on_times():
    bottleneck = timing(56, basic=[3.0] * 6, bottleneck=[2.5] * 6)  # of 9 and 6 blocks: 2.5 / 6 over 3 / 9 = 1.25
    found = verdict("bottleneck-slower", timings=[bottleneck])
    assert found.verdict == REPRODUCED
    assert found.numbers["ratio"] == pytest.approx(1.25)
    shares = {"basic": [10.0] * 6, "simplified_1": [7.0] * 6, "relu/bn_relu": [8.0] * 6, "relu/relu": [6.0] * 6}
    found = verdict("statistics-cause-saving", timings=[timing(**shares)])
    assert found.verdict == REPRODUCED
    assert found.numbers["share"] == pytest.approx(2 / 3)
    assert verdict("bn-costs-time", timings=[timing(**shares)]).verdict == REPRODUCED
    stalled = {name: [*values, *values[:4], 10.0] for name, values in shares.items()}  # no saving in one of 11 rounds
    assert verdict("statistics-cause-saving", timings=[timing(**stalled)]).verdict == REPRODUCED
    none = shares | {"simplified_1": [10.0] * 6}
    assert verdict("statistics-cause-saving", timings=[timing(**none)]).verdict == UNDECIDABLE
    growing = [timing(depth, basic=[float(depth)] * 6, simplified_1=[0.7 * depth] * 6) for depth in (20, 56, 110)]
    assert verdict("depth-costs-time", timings=growing).verdict == REPRODUCED


def test_error_by_depth():
    deeper = {20: 7.7, 56: 5.8, 110: 4.5, 668: 3.5}
    runs = [run("simplified-1", error, depth=depth) for depth, error in deeper.items()]
    runs += [run("simplified-1", error, depth=d, dataset="cifar100") for d, error in ((56, 27.0), (110, 24.0))]
    assert verdict("deeper-better", *runs).verdict == REPRODUCED
    assert verdict("deeper-better", *runs[:-1]).verdict == NOT_RUN
    assert verdict("deeper-better", *runs[:-1], run("simplified-1", 30.0, depth=110, dataset="cifar100")).verdict == (
        NOT_REPRODUCED
    )


def test_curves():
    noisy = [50.0 + 5 * (epoch % 2) for epoch in range(80)]
    calm = [*noisy, *[8.6] * 40, *[7.6 + 0.01 * (epoch % 2) for epoch in range(40)]]
    wild = [*[50.0 + 20 * (epoch % 2) for epoch in range(80)], *[11.0] * 40, *[10.0] * 40]
    runs = [run(name, curve=calm, seed=seed) for name in ("basic", "simplified-1") for seed in range(3)]
    runs += [run("simplified-2", curve=wild, seed=seed) for seed in range(3)]
    assert verdict("fig6-drops", *runs).verdict == REPRODUCED
    assert verdict("fig6-overlap", *runs).verdict == REPRODUCED
    assert verdict("fig6-level", *runs).verdict == CORRECTED  # near 7.6 % from epoch 121 on only
    unstable = verdict("fig6-simplified-2-unstable", *runs)
    assert unstable.verdict == REPRODUCED
    assert unstable.numbers["difference"] == pytest.approx(15)


def test_a_curve_that_calms_down():
    structures = ("basic", "simplified-1", "simplified-2")
    noisy = [50.0 + 5 * (epoch % 2) for epoch in range(80)]

    def found(tail: list[float], start: list[float] = noisy, others: tuple[str, ...] = structures) -> str:
        return verdict("fig6-calms-down", *[run(name, curve=[*start, *tail]) for name in others]).verdict

    assert found([8.0 + 0.1 * (epoch % 2) for epoch in range(80)]) == REPRODUCED
    assert found([8.0 + 5.0 * (epoch % 2) for epoch in range(80)]) == NOT_REPRODUCED
    assert found([8.0] * 80) == REPRODUCED  # a late change of 0
    assert found([8.0] * 80, [50.0] * 80) == UNDECIDABLE
    assert found([8.0] * 80, others=structures[:2]) == NOT_RUN


def test_the_setting_of_most_seeds_gives_the_curves():
    calm = [*[50.0] * 80, *[8.0] * 80]
    few = [run(name, curve=calm, device="a GPU") for name in ("basic", "simplified-1")]
    many = [run(n, curve=calm, device="b GPU", seed=seed) for n in ("basic", "simplified-1") for seed in range(3)]
    assert "b GPU" in verdict("fig6-overlap", *few, *many).statement


def test_overfitting_needs_the_training_error():
    shallow, deep = run("basic", 5.0, depth=110, train_error=0.1), run("basic", 8.0, depth=668, train_error=0.05)
    assert verdict("basic-degrades", shallow, deep).verdict == REPRODUCED
    assert verdict("basic-overfits", shallow, deep).verdict == REPRODUCED
    underfit = run("basic", 8.0, depth=668, train_error=2.0)
    assert verdict("basic-overfits", shallow, underfit).verdict == NOT_REPRODUCED
    near = [run("basic", e, depth=d, train_error=t) for e, d, t in ((5.0, 110, 0.020), (8.0, 668, 0.022))]
    assert verdict("basic-overfits", *near).verdict == UNDECIDABLE
    fast = run("simplified-1", 5.0, depth=668, train_error=0.05)
    assert verdict("simplified-1-avoids-overfitting", deep, fast).verdict == REPRODUCED


def test_what_follows_from_other_claims():
    runs = [
        *pairs([6.9, 6.91, 6.92], [7.0, 7.0, 7.0]),
        *[r for d in (56, 110) for name in ("cifar10", "cifar100") for r in pairs([4.0], [7.0], depth=d, dataset=name)],
        *pairs([4.0], [7.0], depth=668),
    ]
    times = [timing(depth, basic=[1.0] * 6, simplified_1=[0.7] * 6) for depth in (20, 56, 110, 668)]
    better = verdict("conclusion-faster-better", *runs, timings=times)
    assert better.verdict == REPRODUCED and better.numbers["largest upper end"] < 0
    assert verdict("accuracy-kept", *runs, timings=times).verdict == REPRODUCED
    assert verdict("accuracy-kept", *runs, timings=times[1:]).verdict == NOT_RUN
    assert verdict("simplified-1-replaces-basic", *runs).verdict == CORRECTED  # the proof of it does not hold
    worse = [*runs[6:], *pairs([8.0, 8.01, 8.02], [7.0, 7.0, 7.0])]
    assert verdict("accuracy-kept", *worse, timings=times).verdict == NOT_REPRODUCED


def activations(share: float, **fields) -> ActivationRecord:
    of_run = run(**fields)
    block = BlockActivations(
        outputs=10,
        input_positive=share,
        normalised_positive=share,
        output_positive=share,
        output_positive_at_start=0.5,
        first_drift=0.1,
        second_drift=0.2,
    )
    return ActivationRecord(
        config=of_run.config, data=of_run.data, environment=of_run.environment, images=10, blocks=[block, block]
    )


def test_claims_on_activations():
    positive = activations(0.7)
    assert verdict("block-inputs-positive", activations=[positive]).verdict == REPRODUCED
    assert verdict("first-input-stable", activations=[positive]).verdict == REPRODUCED
    assert verdict("block-inputs-positive", activations=[activations(0.4)]).verdict == NOT_REPRODUCED
    assert verdict("simplified-2-nearly-linear", activations=[activations(0.7, structure="simplified-2")]).verdict == (
        NOT_REPRODUCED
    )
    short = verdict("block-inputs-positive", activations=[activations(0.7, epochs=15)])
    assert short.verdict == NOT_RUN
    assert "70 %" in short.statement
    assert short.command.startswith("make")
    assert verdict("block-inputs-positive", run()).command == MEASURE  # trained, and only to be measured


@pytest.mark.parametrize("structure", ["basic", "simplified-1"])
def test_activations_are_measured_and_read_again(tmp_path, structure):
    dataset = synthetic(10, train_size=64, test_size=32)
    config = RunConfig(dataset="synthetic", structure=structure, depth=8, epochs=1, batch_size=32)
    train(config, dataset, device="cpu", runs_dir=tmp_path)
    folder = tmp_path / config.run_id
    record = measure_activations(folder, dataset, limit=16)
    assert load_activations(tmp_path, tmp_path) == [record]
    assert (record.images, len(record.blocks)) == (16, 3)
    assert [block.outputs for block in record.blocks] == [16 * 1024, 32 * 256, 64 * 64]
    assert (record.blocks[0].normalised_positive is None) == (structure == "simplified-1")
    assert all(0 <= block.output_positive <= 1 and block.second_drift > 0 for block in record.blocks)
    assert measure_activations(folder, dataset, limit=16) == record
    with pytest.raises(RecordError, match="not on these images"):
        measure_activations(folder, synthetic(10, train_size=64, test_size=32, seed=1))
    (folder / "activations.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RecordError, match="not a record of activations"):
        load_activations(tmp_path)


def test_shares_and_drifts_by_hand():
    model = build_model("basic", 8, seed=0)
    images, labels = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)), torch.arange(8)
    with torch.no_grad():
        x = model.train().stem(images)
        y = model.blocks[0](x)
        normalised = torch.nn.functional.batch_norm(x, None, None, training=True)
    shares = positive_shares(model, images)[0]
    assert shares["input"] == pytest.approx(float((x > 0).double().mean()))
    assert shares["output"] == pytest.approx(float((y > 0).double().mean()))
    assert shares["normalised"] == pytest.approx(float((normalised > 0).double().mean()), abs=1e-4)
    before = x.mean(dim=(0, 2, 3)), x.std(dim=(0, 2, 3))
    drifts = update_drifts(model, images, labels)
    with torch.no_grad():
        after = model.stem(images).mean(dim=(0, 2, 3))  # of the model after its one step
    assert drifts[0][0] == pytest.approx(float(((after - before[0]).abs() / before[1]).mean()), rel=1e-4)


def test_the_ledger_can_be_read_and_parsed(empty):
    text = ledger.to_markdown(empty)
    frame = ledger.to_frame(empty)
    rows = json.loads(ledger.to_json(empty))
    assert len(frame) == len(rows) == len(empty) == sum(ledger.counts(empty).values())
    assert list(ledger.counts(empty)) == list(VERDICTS)
    assert text.count("\n### ") == len(ledger.SECTIONS)
    for found, row in zip(empty, rows, strict=True):
        assert found.claim.paraphrase in text
        assert (row["id"], row["verdict"]) == (found.claim.id, found.verdict)
    nan = verdict("t1-error-equal", *pairs([math.nan] * 3, [7.0] * 3))
    assert json.loads(ledger.to_json([nan]))[0]["numbers"]["difference simplified-1 − basic at D = 20, cifar10"] is None


def test_a_verdict_names_its_records(empty):
    found = verdict("t1-error-equal", *pairs([7.1, 7.2, 7.3], [7.0, 7.0, 7.0]))
    assert ledger.records_of(found) == f"Records: `{found.records[0]}` and 5 more."
    assert ledger.records_of(found) in ledger.to_markdown([found])
    one = verdict("t1-time", timings=[timing(basic=[1.0] * 6, simplified_1=[0.74] * 6)])
    assert ledger.records_of(one) == f"Records: `{one.records[0]}`."
    assert "Records:" not in ledger.to_markdown(empty)


def test_readme_block_is_made_from_the_committed_records():
    """Stale? `make readme`."""
    text = (paths.ROOT / "README.md").read_text(encoding="utf-8")
    block = text.split(ledger.START)[1].split(ledger.END)[0].strip()
    assert block == ledger.readme_block()
