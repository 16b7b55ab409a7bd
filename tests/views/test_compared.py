"""Tables 1 and 2 with structures side by side: which runs share a row, and beside what."""

import pytest
from made_up import record, timing

from fastres import paper, paths
from fastres.records.timings import load_timings
from fastres.views import compared

DIFFERENCE = "simplified-1 − basic [95 %]"


def full(structure="basic", seed=0, error=7.5):
    return record((10.0,) * 159 + (error,), dataset="cifar10", structure=structure, seed=seed)


@pytest.mark.parametrize(("experiment", "rows"), [("table1", 1), ("table2", 4), ("very-deep", 1)])
def test_without_runs_the_paper_stands_alone(experiment, rows):
    frame = compared.with_paper(experiment, [])
    assert len(frame) == rows and set(frame["by"]) == {"paper"}


def test_the_papers_differences_have_the_interval_that_its_runs_allow():
    (row,) = compared.with_paper("table1", []).to_dict("records")
    assert row["basic, %"] == "7.62 ± 0.15 (n = 5)" and row[DIFFERENCE] == "+0.06 [−0.20, +0.32]"
    first = compared.with_paper("table2", []).iloc[0]
    assert first["basic, %"] == "6.31 (single run)" and first[DIFFERENCE].startswith("−0.50 [−1.16")
    assert "binomial" in first["setting"]
    assert list(compared.paper_welch()["points [95 %]"].str.split().str[0]) == ["+0.06", "+2.42"]


def test_only_the_papers_recipe_stands_beside_the_paper():
    short = [record((9.0, 8.0)), record((9.0, 8.0), dataset="cifar10", structure="simplified-1")]
    runs = [full(), full("simplified-1", error=7.0), *short]
    frame = compared.with_paper("table1", runs)
    assert list(frame["by"]) == ["paper", "ours"] and frame["basic, %"][1] == "7.50 (single run)"
    assert frame[DIFFERENCE][1].startswith("−0.50 [") and frame["simplified-2, %"][1] == "–"
    assert len(compared.other_settings("table1", short)) == 2


def test_differences_are_paired_within_a_setting():
    runs = [record((9.0, error), seed=seed) for seed, error in enumerate((10.0, 11.0, 12.0))]
    runs += [record((9.0, error), seed=seed, structure="simplified-2") for seed, error in enumerate((12.0, 14.0, 13.0))]
    runs += [record((9.0, 50.0), structure="simplified-2", precision="bf16")]  # no partner in its setting
    frame = compared.other_settings("table1", runs)
    assert sorted(frame["simplified-2 − basic [95 %]"]) == ["+2.00 [−0.48, +4.48]", "–"]
    assert [text.endswith("paired by seed") for text in frame["setting"]] == [False, True]


def test_the_interval_is_named_by_the_seeds_that_both_have():
    """Three runs each, but two common seeds: the interval is binomial, and says so."""
    runs = [record((9.0, 10.0 + seed / 10), seed=seed) for seed in (0, 1, 2)]
    runs += [record((9.0, 12.0 + seed / 10), seed=seed, structure="simplified-2") for seed in (1, 2, 3)]
    (row,) = compared.other_settings("table1", runs).to_dict("records")
    assert row["setting"].endswith(compared.FEW.format(n=3))
    assert row["simplified-2 − basic [95 %]"].startswith("+2.00 [+1.1")


def test_seconds_of_a_row_are_of_one_device():
    records = [timing(d, rounds=6, basic=4.0, simplified_1=3.0) for d in (20, 56)] + [timing(20, basic=1.0)]
    frame = compared.seconds([20], records)
    assert list(frame["by"]) == ["paper", "ours"] and list(frame["less time [95 %]"]) == [
        "26.6 %",
        "25.0 % [25.0, 25.0]",
    ]
    assert frame["measured"][1] == "Some CPU, fp32, eager, batch 128, 6 rounds"
    assert frame["measured"][0] == "GTX 1070, MatConvNet"  # the paper does not say in which precision


def test_the_timings_that_decide_a_claim_are_those_of_the_ledger():
    recorded = load_timings(paths.RECORDED_TIMINGS)
    found = compared.deciding("t1-time", recorded, [paths.RECORDED])
    assert found and {(record.depth, record.precision) for record in found} == {(20, "fp32")}
    assert compared.deciding("t1-time", [timing(20, basic=1.0)], [paths.RECORDED]) == []


def test_published_errors_stand_beside_the_papers_with_their_source():
    table = compared.published()
    assert list(table.D) == sorted(table.D) and len(table) == len(paper.neighbours())
    first = table[(table.D == 20) & table.network.str.startswith("post-activation")].iloc[0]
    assert (first["error %"], first["the paper's basic, error %"]) == (
        "8.75",
        "7.62",
    ) and "He et al. 2015" in first.source
