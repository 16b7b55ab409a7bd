"""Tables from run records, one row per network and setting; and how any table is shown and saved.

Runs share a row only if they differ in nothing but the seed: not in data, schedule, precision or device.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from fastres import paths, stats
from fastres.datasets.catalogue import shown
from fastres.files import note_written, write
from fastres.records.comparable import group, setting
from fastres.records.provenance import was_shared
from fastres.records.runs import RunRecord, finished, load_runs
from fastres.views import html, pending
from fastres.views.kinds import last_error

NOT_YET = "not yet run"
SECONDS = "s/epoch, each run by itself"  # no basis for comparing structures: see fastres.records.timings
BEST = "best epoch, chosen on the test set"
NETWORK = ["structure", "D", "dataset"]
OURS = ["our error %", "95 % interval", BEST, "training error %", SECONDS, "seeds", "setting"]


def one_row(runs: list[RunRecord]) -> dict[str, object]:
    """The numbers of runs that differ only in the seed: last epoch's errors in %, seconds per epoch.

    Of runs that diverged only the number is told. `group` says which runs these are.
    """
    known = finished(runs)
    test = stats.mean([run.last.test_error for run in known])
    interval = test.ends()
    shared = any(was_shared(run.environment) for run in runs)
    if len(known) == 1:
        interval = stats.binomial_interval(test.value, runs[0].data.test_size).ends() + " (binomial)"
    return {
        "our error %": last_error(runs),
        "95 % interval": interval,
        BEST: stats.mean([run.best.test_error for run in known]).with_sd() if known else "–",
        "training error %": stats.mean([run.last.train_error for run in known]).with_sd() if known else "–",
        SECONDS: "–" if shared or not known else f"{stats.mean([run.seconds_per_epoch for run in known]).value:.1f}",
        "seeds": ", ".join(str(run.config.seed) for run in runs),
        "setting": setting(runs[0]),
    }


def rows_of(runs: Iterable[RunRecord]) -> pd.DataFrame:
    """One row per network, dataset and setting, as `one_row` has it."""
    rows = [
        {"structure": structure, "D": depth, "dataset": shown(members[0].config.dataset), **one_row(members)}
        for (_, depth, structure), members in group(runs, diverged=True).items()
    ]
    return pd.DataFrame(rows, columns=[*NETWORK, *OURS]).astype({"D": int})


def overview(runs: Iterable[RunRecord]) -> pd.DataFrame:
    """One row per network and setting of all records: an overview."""
    return rows_of(runs)[["structure", "D", "our error %", "seeds", "setting"]]


def sources(folders: Sequence[Path]) -> str:
    """ "Records read: data/recorded (12 runs), outputs/runs (3 runs, yours)." """
    told = [f"{paths.told(folder)} ({len(load_runs(folder))} runs{', yours' * (place > 0)})" for place, folder in
            enumerate(folders)]  # fmt: skip
    return f"Records read: {', '.join(told)}."


def show(
    frame: pd.DataFrame,
    name: str | None = None,
    command: str = pending.REPRODUCE,
    experiment: str = "",
    notes: Sequence[str] = ("setting",),
) -> html.Shown:
    """A table for a notebook; with a name, saved as outputs/tables/NAME.csv, .md and .tex.

    Numbers are aligned on their decimal points. The columns `notes` become letters with a footnote each. An empty frame
    is one line with the command that fills it, and the time of the experiment, where one is named.
    """
    if name is not None and not re.fullmatch(r"[a-z0-9_-]+", name):
        raise ValueError(f"table name {name!r}: use lower-case letters, digits, '-' and '_'")
    plain = frame.astype(str).map(html.typeset)
    empty = pending.line("Not run yet.", command, experiment) if frame.empty else None
    markdown = f"{empty.text}\n" if empty else to_markdown(plain)
    if name is not None:
        texts = {"csv": frame.to_csv(index=False, lineterminator="\n"), "md": markdown, "tex": to_latex(frame)}
        for suffix, text in texts.items():
            path = paths.tables() / f"{name}.{suffix}"
            write(path, text)
            note_written(path)
    if empty:
        return empty
    rows = list(plain.itertuples(index=False, name=None))
    places = [place for place, column in enumerate(frame) if column in notes]
    return html.Shown(html.table(list(frame), rows, _numeric(plain), places), markdown)


def to_markdown(frame: pd.DataFrame) -> str:
    """A pipe table, as GitHub and Jupyter read it."""
    cells = frame.astype(str).map(_one_cell).rename(columns=_one_cell)
    align = ["right" if right else "left" for right in _numeric(frame)]
    return cells.to_markdown(index=False, disable_numparse=True, colalign=align) + "\n"


def _one_cell(text: str) -> str:
    return text.replace("|", "\\|")


def to_latex(frame: pd.DataFrame) -> str:
    """A booktabs tabular for pdfLaTeX."""
    align = "".join("r" if right else "l" for right in _numeric(frame))
    text = frame.astype(str).map(html.minus).to_latex(index=False, escape=True, column_format=align)
    return re.sub("|".join(_LATEX), lambda match: _LATEX[match[0]], text)


_LATEX = {"±": r"$\pm$", "−": "$-$", "–": "--"}
# With its unit, interval and n.
_NUMBER = re.compile(r"[-+−]?(\d[\d,]*(\.\d+)?(e[-+]?\d+|·10[⁻⁰¹²³⁴-⁹]+)?|nan)%?( [%±\[(].*)?|\[.*\].*")


def _numeric(frame: pd.DataFrame) -> list[bool]:
    """For each column, whether it holds numbers; cells for missing values are ignored."""
    columns = [column.astype(str) for _, column in frame.items()]  # two may have one name
    present = [cells[~cells.isin(["–", NOT_YET])] for cells in columns]
    return [bool(len(cells) and cells.map(_NUMBER.fullmatch).notna().all()) for cells in present]
