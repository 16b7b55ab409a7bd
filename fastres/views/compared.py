"""Tables 1 and 2, structures side by side: basic | simplified-1 | difference [95 %] in one row, beside the paper.

A row holds runs of one setting. The paper's rows and those of its recipe are one table; other settings are another, as
they are compared with each other and never with the paper.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from fastres import paper, stats
from fastres.claims import ledger
from fastres.claims.checks.errors import ENOUGH_PAIRS, difference
from fastres.claims.compared import papers_difference
from fastres.datasets.catalogue import shown
from fastres.experiments import EXPERIMENTS, select
from fastres.records.comparable import panels
from fastres.records.runs import RunRecord, finished
from fastres.records.timings import TimingRecord, described
from fastres.views.kinds import apart, last_error

REFERENCE = "basic"
WELCH, ALONE = "Welch's interval, n = {n} each", "binomial interval of the test images alone, both errors independent"
BINOMIAL, FEW = f"single runs: {ALONE}", f"fewer than {{n}} common seeds: {ALONE}"


def with_paper(experiment: str, runs: Iterable[RunRecord]) -> pd.DataFrame:
    """Last test errors in %: the paper's of each depth and dataset, and below them ours of the same recipe."""
    chosen = [row for row in paper.results() if row.depth in EXPERIMENTS[experiment].depths]
    rows: list[dict[str, object]] = []
    for depth, dataset in dict.fromkeys((row.depth, row.dataset) for row in chosen):
        theirs: dict[str, paper.Result] = {
            row.structure: row for row in chosen if (row.depth, row.dataset) == (depth, dataset)
        }
        errors = {name: _papers(row).with_sd() for name, row in theirs.items()}
        apart_by = {name: papers_difference(row, theirs[REFERENCE]) for name, row in theirs.items()}
        basic = theirs[REFERENCE]
        note = WELCH.format(n=basic.n) if basic.n > 1 else BINOMIAL
        about: dict[str, object] = {"D": depth, "dataset": dataset, "by": "paper"}
        rows.append(about | _cells(errors, apart_by) | {"setting": note})
        ours = [run for run in apart(runs).paper if (run.config.depth, run.config.dataset) == (depth, dataset)]
        rows += [row | {"by": "ours"} for row in _ours(select(ours, experiment))]
    return pd.DataFrame(rows).fillna("–")


def other_settings(experiment: str, runs: Iterable[RunRecord]) -> pd.DataFrame:
    """The same of runs on other images, schedules or depths, and of smoke runs: one row per setting and depth."""
    return pd.DataFrame(_ours(select(runs, experiment))).fillna("–")


def seconds(depths: Sequence[int], timings: Iterable[TimingRecord]) -> pd.DataFrame:
    """Training seconds per epoch of 50,000 images, and how much less simplified-1 takes; a row is one timing record.

    Only reductions may be compared between rows: seconds are of one machine. A reduction is the median of the ratios
    within rounds, which need not be the ratio of the medians beside it.
    """
    rows = []
    for depth in depths:
        there = [row for row in paper.results() if row.depth == depth and row.dataset == "cifar10"]
        theirs: dict[str, str] = {row.structure: f"{row.seconds_per_epoch:.2f}" for row in there}
        less = f"{paper.reduction('time', depth):.1f} %"
        rows.append(_seconds(depth, theirs, less, "paper", "GTX 1070, MatConvNet"))
        for record in timings:
            if record.depth == depth and {REFERENCE, "simplified-1"} <= record.seconds.keys():
                ours = {name: f"{record.seconds_per_epoch(name):.2f}" for name in record.seconds}
                reduction = record.ratio("simplified-1", REFERENCE).reduction().percent()
                rows.append(_seconds(depth, ours, reduction, "ours", described(record, REFERENCE)))
    return pd.DataFrame(rows)


def published() -> pd.DataFrame:
    """Test errors that others published for such networks, beside the paper's basic network. n: their runs."""
    rows = []
    for row in paper.neighbours():
        theirs = [f"{one.error:.2f}" for one in paper.results()
                  if (one.structure, one.depth, one.dataset) == ("basic", row.depth, row.dataset)]  # fmt: skip
        rows.append((row.depth, row.network, f"{row.error:.2f}", row.n or "–", *theirs, row.source, row.note or "–"))
    columns = ["D", "network", "error %", "n", "the paper's basic, error %", "source", "note"]
    return pd.DataFrame(rows, columns=columns).sort_values(["D", "network", "source"], ignore_index=True)


def deciding(claim: str, timings: Iterable[TimingRecord], folders: Sequence[Path]) -> list[TimingRecord]:
    """The timings on which the ledger's verdict on a claim rests. folders: of paths.record_folders."""
    chosen = [each for each in paper.claims() if each.id == claim]
    (entry,) = ledger.entries(*folders[1:], claims=chosen)
    return [record for record in timings if record.identity in entry.finding.records]


def _seconds(depth: int, of: Mapping[str, str], less: str, by: str, where: str) -> dict[str, object]:
    cells = {"basic, s": of[REFERENCE], "simplified-1, s": of["simplified-1"], "less time [95 %]": less}
    return {"D": depth, "by": by, **cells, "measured": where}


def _papers(row: paper.Result) -> stats.Interval:
    return stats.Interval(row.error, n=row.n, sd=row.error_sd or math.nan)


def paper_welch() -> pd.DataFrame:
    """Welch's test between the structures of Table 1, from the paper's own mean, deviation and n."""
    basic = paper.result(REFERENCE, 20)
    rows = []
    for structure in ("simplified-1", "simplified-2"):
        other = paper.result(structure, 20)
        assert other.error_sd is not None and basic.error_sd is not None  # Table 1 has both
        test = stats.welch(other.error, other.error_sd, other.n, basic.error, basic.error_sd, basic.n)
        rows.append(
            {
                "difference": f"{structure} − {REFERENCE}",
                "points [95 %]": f"{test.difference:+.2f}",
                "Welch's t": f"{test.t:.2f}",
                "degrees of freedom": f"{test.degrees:.1f}",
                "p": f"{test.p:.2g}",
            }
        )
    return pd.DataFrame(rows)


def _ours(runs: Iterable[RunRecord]) -> list[dict[str, object]]:
    """One row per setting and depth, with every structure that has runs there."""
    found = []
    for (where, depth), structures in panels(runs, diverged=True).items():
        basic = finished(structures.get(REFERENCE, []))
        differences = {
            name: difference(finished(each), basic) for name, each in structures.items() if name != REFERENCE
        }
        pairs = [apart_by.n if apart_by else 0 for apart_by in differences.values()]
        interval = "paired by seed" if min(pairs, default=0) >= ENOUGH_PAIRS else FEW.format(n=ENOUGH_PAIRS)
        first = next(iter(structures.values()))[0]
        about = {"D": depth, "dataset": shown(first.config.dataset)}
        cells = _cells({name: last_error(each) for name, each in structures.items()}, differences)
        found.append(about | cells | {"setting": f"{where}; {interval}"})
    return found


def _cells(errors: Mapping[str, str], differences: Mapping[str, stats.Interval | None]) -> dict[str, str]:
    """ "basic, %", "simplified-1, %", "simplified-1 − basic [95 %]", ...: basic first."""
    names = sorted(errors, key=lambda name: (name != REFERENCE, name))
    cells = {}
    for name in names:
        cells[f"{name}, %"] = errors[name]
        if name != REFERENCE:
            apart_by = differences[name]
            cells[f"{name} − {REFERENCE} [95 %]"] = f"{apart_by:+.2f}" if apart_by else "–"
    return cells
