"""The paper's numbers and claims: spot values typed again from the paper, recomputed percentages, bad entries."""

import dataclasses
import math
from itertools import product

import pytest

from fastres import paper, paths

RESULT = """
[[result]]
place = "Table 1"
structure = "basic"
depth = 20
dataset = "cifar10"
error = 7.62
n = 5
seconds_per_epoch = 30.07
"""
CLAIM = """
[[claim]]
id = "a-claim"
place = "Eq. (1)"
paraphrase = "Words."
kind = "equation"
check = "eq_something"
rule = "Equal."
"""
HISTORY = """
[[claim.history]]
date = 2026-11-25
reason = "It was wrong."
rule = "Nearly equal."
verdict = "reproduced"
"""


@pytest.mark.parametrize(
    ("structure", "depth", "dataset", "error", "sd", "n", "seconds", "place"),
    [
        ("basic", 20, "cifar10", 7.62, 0.15, 5, 30.07, "Table 1"),
        ("simplified-1", 20, "cifar10", 7.68, 0.20, 5, 22.08, "Table 1"),
        ("simplified-2", 20, "cifar10", 10.04, 0.18, 5, 22.10, "Table 1"),
        ("basic", 56, "cifar10", 6.31, None, 1, 84.22, "Table 2"),
        ("basic", 56, "cifar100", 27.93, None, 1, 84.22, "Table 2"),
        ("simplified-1", 56, "cifar10", 5.81, None, 1, 58.84, "Table 2"),
        ("simplified-1", 56, "cifar100", 26.91, None, 1, 58.84, "Table 2"),
        ("basic", 110, "cifar10", 5.75, None, 1, 208.26, "Table 2"),
        ("basic", 110, "cifar100", 26.02, None, 1, 208.26, "Table 2"),
        ("simplified-1", 110, "cifar10", 5.29, None, 1, 133.47, "Table 2"),
        ("simplified-1", 110, "cifar100", 24.80, None, 1, 133.47, "Table 2"),
        ("basic", 668, "cifar10", 6.03, None, 1, 3953.02, "Section 3.4"),
        ("simplified-1", 668, "cifar10", 5.09, None, 1, 2020.92, "Section 3.4"),
    ],
)
def test_results_are_as_printed(structure, depth, dataset, error, sd, n, seconds, place):
    row = paper.result(structure, depth, dataset)
    assert (row.error, row.error_sd, row.n, row.seconds_per_epoch, row.place) == (error, sd, n, seconds, place)


def test_every_result_is_in_the_list_and_in_the_frame():
    rows, frame = paper.results(), paper.results_frame()
    assert len(rows) == len(frame) == 13
    assert list(frame.columns) == [column.name for column in dataclasses.fields(paper.Result)]
    assert math.isnan(frame.set_index(["structure", "depth", "dataset"]).loc[("basic", 668, "cifar10"), "error_sd"])


def test_a_network_that_the_paper_does_not_have():
    with pytest.raises(KeyError, match=r"simplified-2.*56"):
        paper.result("simplified-2", 56)


def test_printed_reductions_against_recomputed_ones():
    """Two of the printed reductions of time are wrong by 0.1 percentage points: 26.68 and 30.04 %."""
    printed = {(r.quantity, r.depth): r.percent for r in paper.claimed_reductions()}
    assert printed == {
        ("time", 20): 26.68,
        ("time", 56): 30.04,
        ("time", 110): 35.91,
        ("time", 668): 48.88,
        ("error", 110): 8,
    }
    assert round(100 * (1 - 22.08 / 30.07), 2) == 26.57

    def recomputed(quantity, depth):
        field = {"time": "seconds_per_epoch", "error": "error"}[quantity]
        first, second = (getattr(paper.result(name, depth), field) for name in ("simplified-1", "basic"))
        return round(100 * (1 - first / second), 0 if quantity == "error" else 2)

    assert {key: recomputed(*key) for key in printed} == printed | {("time", 20): 26.57, ("time", 56): 30.14}


def test_neighbours_name_their_source():
    for neighbour in paper.neighbours():
        assert neighbour.source
        assert neighbour.url.startswith("https://")


def test_setup_is_the_recipe_of_the_paper_and_not_shared():
    training = paper.setup()["training"]
    assert (training["batch_size"], training["momentum"], training["weight_decay"]) == (128, 0.9, 1e-4)
    assert (training["epochs"], training["milestones"]) == (160, [81, 121])
    assert all(int(depth) == 6 * n + 2 for depth, n in paper.setup()["network"]["blocks_per_stage"].items())
    for data in paper.setup()["datasets"].values():
        assert data["classes"] * data["train_per_class"] == data["train_images"]
        assert data["classes"] * data["test_per_class"] == data["test_images"]
    training["epochs"] = 0
    assert paper.setup()["training"]["epochs"] == 160


def test_claims_cover_every_kind_and_every_printed_percentage():
    claims = paper.claims()
    assert {claim.kind for claim in claims} == set(paper.KINDS)
    assert len({claim.id for claim in claims}) == len(claims) >= 35
    checks = ("arithmetic_reduction", "arithmetic_speed")
    decided = {depth for claim in claims if claim.check in checks for depth in claim.args["depths"]}
    assert decided == {reduction.depth for reduction in paper.claimed_reductions()}


@pytest.mark.parametrize("claim", paper.claims(), ids=lambda claim: claim.id)
def test_each_claim_can_be_read_and_points_at_what_exists(claim):
    for text in (claim.paraphrase, claim.rule):
        assert text[0].isupper()
        assert text.endswith(".")
        assert text.isascii()  # our own words, not the paper's
    assert claim.place.startswith(("Abstract", "Introduction", "Section", "Eq", "Table", "Conclusion"))
    rests_on = {other for name in ("claims", "errors", "times") for other in claim.args.get(name, [])}
    assert rests_on <= {other.id for other in paper.claims()} - {claim.id}
    if claim.check == "error_values":
        for structure, depth, dataset in product(*(claim.args[name] for name in ("structures", "depths", "datasets"))):
            assert paper.result(structure, depth, dataset)
    if claim.check == "outside":
        assert claim.args["reason"].endswith(".")
    for change in claim.history:
        assert change.reason.endswith(".") and change.rule != claim.rule and change.paraphrase != claim.paraphrase


def test_a_callers_change_does_not_reach_the_next_caller():
    paper.claims()[0].args["depths"] = "gone"
    paper.results().clear()
    assert paper.claims()[0].args["depths"] != "gone"
    assert len(set(paper.claims())) == len(paper.claims())  # hashable, in spite of args
    assert paper.results()


def test_another_folder_can_be_read(tmp_path):
    (tmp_path / "results.toml").write_text(RESULT.replace("7.62", "7"), encoding="utf-8")
    assert [row.error for row in paper.results(tmp_path)] == [7]
    assert paper.result("basic", 20, folder=tmp_path).error_sd is None
    assert paper.results() == paper.results(paths.PAPER)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("error = 7.62", "", "result 1: field 'error': Field required"),
        ("error = 7.62", 'error = "7.62"', "result 1: field 'error'.*number.*'7.62'"),
        ("error = 7.62", "error = 762", "result 1: field 'error'.*less than 100.*762"),
        ("n = 5", "n = true", "result 1: field 'n'.*integer.*True"),
        ("n = 5", "n = 0", "result 1: field 'n'.*0"),
        ('"basic"', '"fast"', "result 1: field 'structure'.*'simplified-1'.*'fast'"),
        ("n = 5", "runs = 5", "result 1: field 'n': Field required; field 'runs': Unexpected"),
        (RESULT, RESULT + RESULT, "result 2: another entry has the same structure, depth, dataset"),
        (RESULT, "", r"no \[\[result\]\] entry"),
        ("n = 5", "n = ", "not valid TOML.*line 8"),
    ],
)
def test_a_wrong_result_names_file_entry_and_field(tmp_path, old, new, message):
    (tmp_path / "results.toml").write_text(RESULT.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"^results\.toml: {message}"):
        paper.results(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('rule = "Equal."', "", r"claim 1 \(a-claim\): field 'rule': Field required"),
        ('rule = "Equal."', 'rule = ""', r"claim 1 \(a-claim\): field 'rule'"),
        ('"equation"', '"hunch"', r"claim 1 \(a-claim\): field 'kind'.*'explanation'.*'hunch'"),
        ("eq_something", "eq something", r"claim 1 \(a-claim\): field 'check'.*'eq something'"),
        ("a-claim", "A claim", r"claim 1 \(A claim\): field 'id'.*'A claim'"),
        ('id = "a-claim"', "", "claim 1: field 'id': Field required"),
        (CLAIM, CLAIM + CLAIM, r"claim 2 \(a-claim\): another entry has the same id"),
        (CLAIM, CLAIM + HISTORY.replace("reason", "why"), r"claim 1 \(a-claim\): field 'history'.*required"),
        (CLAIM, CLAIM + HISTORY.replace("2026-11-25", "2026"), r"claim 1 \(a-claim\): field 'history'.*date"),
    ],
)
def test_a_wrong_claim_names_file_entry_and_field(tmp_path, old, new, message):
    (tmp_path / "claims.toml").write_text(CLAIM.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"^claims\.toml: {message}"):
        paper.claims(tmp_path)


def test_amendments_are_read_with_their_date(tmp_path):
    (tmp_path / "claims.toml").write_text(CLAIM + HISTORY, encoding="utf-8")
    (change,) = paper.claims(tmp_path)[0].history
    assert (str(change.date), change.rule, change.paraphrase) == ("2026-11-25", "Nearly equal.", "")
