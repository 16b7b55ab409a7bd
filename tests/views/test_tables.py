import math

import pytest
from made_up import record

from fastres import paths, stats
from fastres.views import figures, tables


def test_mean_by_hand():
    mean = stats.mean([1.0, 2.0, 6.0])
    assert (mean.n, mean.mean) == (3, 3.0)
    assert mean.sd == pytest.approx(math.sqrt(7))
    assert mean.high - mean.mean == pytest.approx(4.302653 * math.sqrt(7) / math.sqrt(3), rel=1e-6)  # t(0.975, 2)


def test_one_value_has_no_spread_and_says_so():
    mean = stats.mean([6.31])
    assert math.isnan(mean.sd) and mean.interval == "–" and str(mean) == "6.31 (single run)"
    assert str(stats.mean([])) == "not yet run"


def test_paired_difference_by_hand_uses_common_seeds_only():
    difference = stats.paired_difference({0: 10.0, 1: 12.0, 2: 11.0, 9: 99.0}, {0: 9.0, 1: 10.0, 2: 8.0, 5: 0.0})
    assert (difference.n, difference.mean, difference.sd) == (3, 2.0, 1.0)
    assert stats.paired_difference({0: 1.0}, {1: 1.0}).n == 0


def test_welch_of_table_1():
    near = stats.welch(7.68, 0.20, 5, 7.62, 0.15, 5)
    assert near.t == pytest.approx(0.06 / math.sqrt((0.04 + 0.0225) / 5)) and near.low < 0 < near.high
    assert stats.welch(10.04, 0.18, 5, 7.62, 0.15, 5).t == pytest.approx(23.1, abs=0.1)
    with pytest.raises(ValueError, match="at least two runs"):
        stats.welch(1, 1, 1, 2, 2, 5)


def test_binomial_interval_holds_the_error():
    low, high = stats.binomial_interval(6.31, 10_000)
    assert low == pytest.approx(5.85, abs=0.01) and high == pytest.approx(6.80, abs=0.01)


def test_rows_show_the_last_epoch_not_the_best():
    row = tables.one_row([record((30.0, 10.0, 20.0), seed=0), record((30.0, 12.0, 22.0), seed=1)])
    assert row["our error %"].startswith("21.00 ±") and row["seeds"] == "0, 1"
    assert row["best epoch, chosen on the test set"].startswith("11.00 ±")


@pytest.mark.parametrize(
    "other",
    [
        {"device_name": "Other CPU"},
        {"compiled": True},
        {"precision": "bf16"},
        {"sha256": "b" * 64},
        {"lr": 0.2},
        {"structure": "simplified-1"},
    ],
)
def test_unlike_runs_never_share_a_row(other):
    runs = [record(seed=0), record(seed=1, **other)]
    with pytest.raises(tables.MixedRunsError, match="may not share a row"):
        tables.one_row(runs)
    assert len(tables.other_settings("table1", runs)) == 2


def test_a_seed_may_not_come_twice():
    with pytest.raises(tables.MixedRunsError, match="twice"):
        tables.one_row([record(), record()])


def test_nan_is_shown_as_nan():
    assert "nan" in tables.one_row([record((30.0, math.nan)), record(seed=1)])["our error %"]
    assert "nan" in tables.one_row([record((30.0, math.nan))])["our error %"]  # a single run


def test_beside_paper_without_runs_says_not_yet_run():
    for experiment, rows in (("table1", 3), ("table2", 8), ("very-deep", 2)):
        frame = tables.beside_paper(experiment, [])
        assert len(frame) == rows
        assert set(frame["our error %"]) == {tables.NOT_YET}
    assert frame["paper error %"].tolist() == ["6.03 (n = 1)", "5.09 (n = 1)"]


def test_only_the_papers_recipe_stands_beside_the_paper():
    paper_run = record(tuple([10.0] * 159 + [7.5]), dataset="cifar10")
    frame = tables.beside_paper("table1", [paper_run, record((9.0, 8.0))])
    assert frame["our error %"].tolist()[0].startswith("7.50")
    assert frame["our error %"].tolist()[1:] == [tables.NOT_YET] * 2
    assert frame["95 % interval"][0].endswith("(binomial)")
    assert len(tables.other_settings("table1", [paper_run, record((9.0, 8.0))])) == 1


def test_differences_are_paired_within_a_setting():
    runs = [record((9.0, error), seed=seed) for seed, error in enumerate((10.0, 11.0, 12.0))]
    runs += [record((9.0, error), seed=seed, structure="simplified-2") for seed, error in enumerate((12.0, 14.0, 13.0))]
    runs += [record((9.0, 50.0), structure="simplified-2", precision="bf16")]  # no partner in its setting
    frame = tables.differences("table1", runs)
    assert len(frame) == 1
    assert frame["mean difference"].item() == "+2.00" and frame["pairs"].item() == 3


def test_tables_are_saved_in_three_forms():
    frame = tables.beside_paper("table1", [])
    tables.save(frame, "t_1")
    texts = {suffix: (paths.tables() / f"t_1.{suffix}").read_text(encoding="utf-8") for suffix in ("csv", "md", "tex")}
    assert "7.62 ± 0.15" in texts["csv"] and "| basic | 20 |" in texts["md"]
    assert r"7.62 $\pm$ 0.15" in texts["tex"] and r"paper error \%" in texts["tex"]
    with pytest.raises(ValueError, match="table name"):
        tables.save(frame, "../t")
    assert "No run" in tables.to_markdown(tables.differences("table1", []))


def test_notice_names_smoke_runs():
    assert "SMOKE" in tables.notice([record(), record(dataset="digits", depth=8)])
    assert "SMOKE" not in tables.notice([record()])
    assert tables.notice([]).startswith("No run")


def test_figures_of_no_one_and_many_runs():
    many = [
        record((30.0, 20.0 + seed), seed=seed, structure=name) for seed in (0, 1) for name in ("basic", "bn/bn-relu")
    ]
    for runs in ([], many[:1], many):
        for draw in (figures.error_curves, figures.error_dots, figures.against_depth):
            assert draw(runs).axes
    curve = figures.error_curves(many).axes[0]
    lines = {line.get_label(): line.get_ydata() for line in curve.get_lines()}
    assert list(lines["basic (ResNet), best of 2"]) == [30.0, 20.0]  # the best run, as the paper draws it
