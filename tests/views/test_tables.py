"""Rows of runs beside the paper's, and how a table is shown and saved."""

import io
import math
import re

import pandas as pd
import pytest
from made_up import record

from fastres import paths
from fastres.views import tables


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
    assert frame["paper error %"].tolist() == ["6.03 (single run)", "5.09 (single run)"]


def test_only_the_papers_recipe_stands_beside_the_paper():
    paper_run = record(tuple([10.0] * 159 + [7.5]), dataset="cifar10")
    others = [record((9.0, 8.0)), record((9.0, 8.0), dataset="cifar10", structure="simplified-1")]
    frame = tables.beside_paper("table1", [paper_run, *others])
    assert frame["our error %"].tolist()[0].startswith("7.50")
    assert frame["our error %"].tolist()[1:] == [tables.NOT_YET] * 2
    assert frame["95 % interval"][0].endswith("(binomial)")
    assert len(tables.other_settings("table1", [paper_run, *others])) == 2


def test_differences_are_paired_within_a_setting():
    runs = [record((9.0, error), seed=seed) for seed, error in enumerate((10.0, 11.0, 12.0))]
    runs += [record((9.0, error), seed=seed, structure="simplified-2") for seed, error in enumerate((12.0, 14.0, 13.0))]
    runs += [record((9.0, 50.0), structure="simplified-2", precision="bf16")]  # no partner in its setting
    frame = tables.differences("table1", runs)
    assert len(frame) == 1
    assert frame["mean difference"].item() == "+2.00" and frame["pairs"].item() == 3


def cells(markdown: str) -> list[list[str]]:
    """Header, alignment and rows of a pipe table, without the padding."""
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in markdown.splitlines()]


def test_a_table_is_shown_and_saved_in_three_forms():
    frame = tables.beside_paper("table1", [])
    shown = tables.show(frame, "t_1")
    texts = {suffix: (paths.tables() / f"t_1.{suffix}").read_text(encoding="utf-8") for suffix in ("csv", "md", "tex")}
    assert pd.read_csv(io.StringIO(texts["csv"])).iloc[0]["paper error %"] == "7.62 ± 0.15 (n = 5)"
    assert texts["md"] == shown.data and cells(shown.data)[2][:4] == ["basic", "20", "cifar10", "7.62 ± 0.15 (n = 5)"]
    assert r"7.62 $\pm$ 0.15" in texts["tex"] and r"paper error \%" in texts["tex"] and r"\toprule" in texts["tex"]


def test_without_a_name_nothing_is_saved(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path))
    tables.show(pd.DataFrame({"n": [1]}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../t", "T", "a b", ""])
def test_a_name_of_a_table_is_no_path(name):
    with pytest.raises(ValueError, match="table name"):
        tables.show(pd.DataFrame({"n": [1]}), name)


def test_an_empty_table_is_one_line_with_the_command_that_fills_it():
    text = tables.show(tables.differences("table1", []), "none").data
    assert len(text.splitlines()) == 1 and "`make reproduce PROFILE=paper`" in text
    assert "`make it`" in tables.show(pd.DataFrame(), command="make it").data


def test_numbers_stand_to_the_right_and_a_bar_ends_no_cell():
    columns = {
        "integer": [1, 20],
        "saving": ["16.0 % [14.8, 17.0]", "–"],
        "mean": ["7.62 ± 0.15 (n = 5)", "not yet run"],
        "interval": ["[-0.1, 2.0]", "–"],
        "p": ["2e-08", "nan"],
        "size": ["1,024", "+0.5"],
        "text": ["3 kinds", "4 kinds"],
        "seeds": ["0, 1", "2"],
        "none": ["–", "–"],
        "bar": ["a|b", "1"],
    }
    header, align, first, _ = cells(tables.to_markdown(pd.DataFrame(columns)))
    right = [name for name, rule in zip(header, align, strict=True) if rule.endswith(":")]
    assert right == ["integer", "saving", "mean", "interval", "p", "size"]
    assert first[-1] == r"a\|b"
    assert r"{rrrrrrllll}" in tables.to_latex(pd.DataFrame(columns))


def test_what_pdflatex_lacks_is_written_as_commands():
    text = tables.to_latex(pd.DataFrame({"a − b": ["1 ± 2", "–"], "c_d & e": ["50 %", "#"]}))
    assert r"a $-$ b & c\_d \& e" in text and r"1 $\pm$ 2 & 50 \%" in text and r"-- & \#" in text
    assert not set("±−–") & set(text)


def test_notice_names_smoke_runs():
    assert "SMOKE" in tables.notice([record(), record(dataset="digits", depth=8)])
    assert "SMOKE" not in tables.notice([record()])
    assert tables.notice([]).startswith("No run")


def test_seconds_of_runs_that_shared_a_machine_are_not_shown():
    alone = record((30.0, 20.0))
    shared = alone.model_copy(update={"environment": {**alone.environment, "runs_at_once": 2}})
    assert tables.one_row([alone])[tables.SECONDS] != "–" == tables.one_row([shared])[tables.SECONDS]
