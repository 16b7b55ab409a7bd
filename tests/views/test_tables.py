"""Rows of runs beside the paper's, and how a table is shown and saved."""

import io
import math
import re

import pandas as pd
import pytest
from made_up import record

from fastres import paths
from fastres.records.runs import save_run
from fastres.views import compared, tables


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
        {"momentum": 0.8},
        {"structure": "simplified-1"},
    ],
)
def test_unlike_runs_never_share_a_row(other):
    assert len(tables.rows_of([record(seed=0), record(seed=1, **other)])) == 2


def test_diverged_runs_are_counted_and_enter_no_mean():
    runs = [record(seed=0), record(seed=1, diverged="soon"), record(seed=2, errors=(30.0, 22.0))]
    runs[1] = runs[1].model_copy(update={"config": record(seed=1).config})
    row = tables.one_row(runs)
    assert row["our error %"] == "21.00 ± 1.41 (n = 2), 1 diverged" and "nan" not in str(row)
    alone = tables.one_row([runs[1]])
    assert alone["our error %"] == "1 diverged" and "nan" not in str(alone)


def test_nan_is_shown_as_nan():
    assert "nan" in tables.one_row([record((30.0, math.nan)), record(seed=1)])["our error %"]
    assert "nan" in tables.one_row([record((30.0, math.nan))])["our error %"]  # a single run


def cells(markdown: str) -> list[list[str]]:
    """Header, alignment and rows of a pipe table, without the padding."""
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in markdown.splitlines()]


def test_a_table_is_shown_and_saved_in_three_forms():
    frame = compared.with_paper("table1", [])
    shown = tables.show(frame, "t_1")
    texts = {suffix: (paths.tables() / f"t_1.{suffix}").read_text(encoding="utf-8") for suffix in ("csv", "md", "tex")}
    assert pd.read_csv(io.StringIO(texts["csv"])).iloc[0]["basic, %"] == "7.62 ± 0.15 (n = 5)"
    assert texts["md"] == shown.text and cells(shown.text)[2][:4] == ["20", "cifar10", "paper", "7.62 ± 0.15 (n = 5)"]
    assert "+0.06 [−0.20, +0.32]" in shown.text and "+0.06 [−0.20, +0.32]" in texts["csv"]
    assert (
        r"7.62 $\pm$ 0.15" in texts["tex"]
        and r"basic, \%" in texts["tex"]
        and "$-$0.20" in texts["tex"]
        and r"\toprule" in texts["tex"]
    )


def test_without_a_name_nothing_is_saved(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path))
    tables.show(pd.DataFrame({"n": [1]}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../t", "T", "a b", ""])
def test_a_name_of_a_table_is_no_path(name):
    with pytest.raises(ValueError, match="table name"):
        tables.show(pd.DataFrame({"n": [1]}), name)


def test_an_empty_table_is_one_line_with_the_command_that_fills_it():
    text = tables.show(compared.other_settings("table1", []), "none", experiment="table1").text
    assert len(text.splitlines()) == 1 and "`make reproduce PROFILE=paper` runs it: 15 runs" in text
    assert "<code>make it</code>" in tables.show(pd.DataFrame(), command="make it").markup


def test_numbers_stand_to_the_right_and_a_bar_ends_no_cell():
    columns = {
        "integer": [1, 20],
        "saving": ["16.0 % [14.8, 17.0]", "–"],
        "mean": ["7.62 ± 0.15 (n = 5)", "not yet run"],
        "interval": ["[-0.1, 2.0]", "–"],
        "p": ["2·10⁻⁸", "nan"],
        "share": ["12%", "4%"],
        "size": ["1,024", "+0.5"],
        "text": ["3 kinds", "4 kinds"],
        "seeds": ["0, 1", "2"],
        "none": ["–", "–"],
        "bar": ["a|b", "1"],
    }
    header, align, first, _ = cells(tables.to_markdown(pd.DataFrame(columns)))
    right = [name for name, rule in zip(header, align, strict=True) if rule.endswith(":")]
    assert right == ["integer", "saving", "mean", "interval", "p", "share", "size"]
    assert first[-1] == r"a\|b"
    assert r"{rrrrrrrllll}" in tables.to_latex(pd.DataFrame(columns))


def test_what_pdflatex_lacks_is_written_as_commands():
    text = tables.to_latex(pd.DataFrame({"a − b": ["1 ± 2", "–"], "c_d & e": ["50 %", "#"]}))
    assert r"a $-$ b & c\_d \& e" in text and r"1 $\pm$ 2 & 50 \%" in text and r"-- & \#" in text
    assert not set("±−–") & set(text)


def test_seconds_of_runs_that_shared_a_machine_are_not_shown():
    alone = record((30.0, 20.0))
    shared = alone.model_copy(update={"environment": {**alone.environment, "runs_at_once": 2}})
    assert tables.one_row([alone])[tables.SECONDS] != "–" == tables.one_row([shared])[tables.SECONDS]


def test_where_records_come_from_is_told(tmp_path):
    save_run(record(), tmp_path)
    recorded = len(list((paths.RECORDED / "runs").iterdir()))
    assert tables.sources([paths.RECORDED, tmp_path]) == (
        f"Records read: data/recorded ({recorded} runs), {tmp_path} (1 runs, yours)."
    )
