"""Tables from run records: the paper's rows beside ours, paired differences; and how any table is shown and saved.

Runs share a row only if they differ in nothing but the seed: not in data, schedule, precision or device.
"""

import math
import re
from collections.abc import Iterable

import pandas as pd

from fastres import paper, paths, stats
from fastres.datasets.catalogue import shown
from fastres.experiments import EXPERIMENTS, as_in_paper, is_smoke, select
from fastres.files import atomic_write, note_written
from fastres.records.comparable import MixedRunsError, errors_by_seed, group, setting
from fastres.records.runs import RunRecord

NOT_YET = "not yet run"
SECONDS = "our s/epoch, not interleaved"  # so no basis for comparing structures: see fastres.records.timings
BEST = "best epoch, chosen on the test set"
NETWORK = ["structure", "D", "dataset"]
OURS = ["our error %", "95 % interval", BEST, "training error %", SECONDS, "seeds", "setting"]


def one_row(runs: list[RunRecord]) -> dict[str, object]:
    """The numbers of runs that differ only in the seed: last epoch's errors in %, seconds per epoch.

    Raises MixedRunsError if they differ in more, or a seed comes twice.
    """
    keys = {(setting(run), run.config.depth, run.config.structure) for run in runs}
    if len(keys) > 1:
        raise MixedRunsError("these runs may not share a row: " + " | ".join(f"{s}, D = {d}, {n}" for s, d, n in keys))
    seeds = [run.config.seed for run in runs]
    if len(set(seeds)) < len(seeds):
        raise MixedRunsError(f"a seed comes twice: {seeds}")
    test = stats.mean([run.last.test_error for run in runs])
    interval = test.ends()
    shared = any(run.environment.get("runs_at_once", 1) != 1 for run in runs)  # seconds of a machine that they shared
    if len(runs) == 1:
        interval = stats.binomial_interval(test.value, runs[0].data.test_size).ends() + " (binomial)"
    return {
        "our error %": test.with_sd(),
        "95 % interval": interval,
        BEST: stats.mean([run.best.test_error for run in runs]).with_sd(),
        "training error %": stats.mean([run.last.train_error for run in runs]).with_sd(),
        SECONDS: "–" if shared else f"{stats.mean([run.seconds_per_epoch for run in runs]).value:.1f}",
        "seeds": ", ".join(map(str, seeds)),
        "setting": setting(runs[0]),
    }


def rows_of(runs: Iterable[RunRecord]) -> pd.DataFrame:
    """One row per network, dataset and setting, as `one_row` has it."""
    rows = [
        {"structure": structure, "D": depth, "dataset": shown(members[0].config.dataset), **one_row(members)}
        for (_, depth, structure), members in group(runs).items()
    ]
    return pd.DataFrame(rows, columns=[*NETWORK, *OURS]).astype({"D": int})


def overview(runs: Iterable[RunRecord]) -> pd.DataFrame:
    """One row per network and setting of all records: an overview."""
    return rows_of(runs)[["structure", "D", "our error %", "seeds", SECONDS, "setting"]]


def beside_paper(experiment: str, runs: Iterable[RunRecord]) -> pd.DataFrame:
    """Every result that the paper reports for an experiment, with ours beside it or "not yet run"."""
    reported = [
        {
            "structure": row.structure,
            "D": row.depth,
            "dataset": row.dataset,
            "paper error %": stats.Interval(row.error, n=row.n, sd=row.error_sd or math.nan).with_sd(),
            "paper s/epoch": f"{row.seconds_per_epoch:.2f}",
        }
        for row in paper.results()
        if row.depth in EXPERIMENTS[experiment].depths
    ]
    ours = rows_of(run for run in select(runs, experiment) if as_in_paper(run.config))
    rows = pd.DataFrame(reported).merge(ours.drop(columns=[BEST, "seeds"]), how="left", on=NETWORK)
    return rows.fillna({"our error %": NOT_YET}).fillna("–")


def other_settings(experiment: str, runs: Iterable[RunRecord]) -> pd.DataFrame:
    """Runs of an experiment's networks on other images, schedules or depths: never comparable with the paper's."""
    return rows_of(run for run in select(runs, experiment) if not as_in_paper(run.config)).drop(columns="dataset")


def differences(experiment: str, runs: Iterable[RunRecord], reference: str = "basic") -> pd.DataFrame:
    """Paired differences of the last test error (points of %) to the reference structure, over equal seeds."""
    groups = group(select(runs, experiment))
    rows = []
    for (where, depth, structure), members in groups.items():
        others = groups.get((where, depth, reference), [])
        if structure == reference or not others:
            continue
        difference = stats.paired_difference(errors_by_seed(members), errors_by_seed(others))
        rows.append(
            {
                "difference": f"{structure} − {reference}",
                "D": depth,
                "mean difference": f"{difference.value:+.2f}" if difference.n else "no common seed",
                "95 % interval": difference.ends(),
                "pairs": difference.n,
                "setting": where,
            }
        )
    return pd.DataFrame(rows)


def paper_welch() -> pd.DataFrame:
    """Welch's test between the structures of Table 1, from the paper's own mean, deviation and n."""
    basic = paper.result("basic", 20)
    rows = []
    for structure in ("simplified-1", "simplified-2"):
        other = paper.result(structure, 20)
        assert other.error_sd is not None and basic.error_sd is not None  # Table 1 has both
        test = stats.welch(other.error, other.error_sd, other.n, basic.error, basic.error_sd, basic.n)
        rows.append(
            {
                "difference": f"{structure} − basic",
                "points of %": f"{test.difference.value:+.2f}",
                "95 % interval": test.difference.ends(),
                "Welch's t": f"{test.t:.2f}",
                "degrees of freedom": f"{test.degrees:.1f}",
                "p": f"{test.p:.2g}",
            }
        )
    return pd.DataFrame(rows)


def notice(runs: Iterable[RunRecord]) -> str:
    """The line that a notebook prints before its numbers: whether they are of a smoke run."""
    runs = list(runs)
    if not runs:
        return "No run is recorded for this page yet."
    if any(is_smoke(run.config) for run in runs):
        return (
            "SMOKE RUN: records on embedded or synthetic images are shown here. "
            "They show that the pipeline works; they are not the paper's numbers."
        )
    return "Every record shown here was trained on photographs (see the setting column for which)."


def show(frame: pd.DataFrame, name: str | None = None, command: str = "make reproduce PROFILE=paper"):
    """A table as an IPython Markdown display; with a name, saved as outputs/tables/NAME.csv, .md and .tex.

    Columns of numbers are right-aligned. An empty frame is shown as one line with the command that fills it.
    """
    from IPython.display import Markdown  # only notebooks display

    markdown = to_markdown(frame) if len(frame) else f"No record for this table yet; `{command}` makes it.\n"
    if name is not None:
        if not re.fullmatch(r"[a-z0-9_-]+", name):
            raise ValueError(f"table name {name!r}: use lower-case letters, digits, '-' and '_'")
        for suffix, text in {
            "csv": frame.to_csv(index=False, lineterminator="\n"),
            "md": markdown,
            "tex": to_latex(frame),
        }.items():
            path = paths.tables() / f"{name}.{suffix}"
            with atomic_write(path) as file:
                file.write(text)
            note_written(path)
    return Markdown(markdown)


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
    text = frame.astype(str).to_latex(index=False, escape=True, column_format=align)
    return re.sub("|".join(_LATEX), lambda match: _LATEX[match[0]], text)


_LATEX = {"±": r"$\pm$", "−": "$-$", "–": "--"}
_NUMBER = re.compile(r"[-+−]?(\d[\d,]*(\.\d+)?(e[-+]?\d+)?|nan)( [%±\[(].*)?|\[.*\].*")  # its unit, interval and n too


def _numeric(frame: pd.DataFrame) -> list[bool]:
    """For each column, whether it holds numbers; cells for missing values are ignored."""
    columns = [frame[name].astype(str) for name in frame]
    present = [cells[~cells.isin(["–", NOT_YET])] for cells in columns]
    return [bool(len(cells)) and cells.map(_NUMBER.fullmatch).notna().all() for cells in present]
