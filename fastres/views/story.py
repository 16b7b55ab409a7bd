"""The overview's summary and a notebook's verdicts, whose numbers and conditions come from records and ledger."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from fastres import paper
from fastres.claims import ledger
from fastres.claims.checks import errors
from fastres.claims.decide import Entry
from fastres.claims.finding import BUILT, COUNTING, NOT_RUN, OPEN, OUTSIDE, SHORT, UNSETTLED
from fastres.datasets.catalogue import shown
from fastres.experiments import select
from fastres.records.comparable import group
from fastres.records.runs import RunRecord
from fastres.stats import Interval
from fastres.views import html
from fastres.views.compared import REFERENCE
from fastres.views.kinds import apart
from fastres.views.style import VERDICTS

ERRORS = {"t1-error-equal": "simplified-1", "t1-error-worse": "simplified-2"}  # claims on differences at D = 20
TIME = "t1-time"


def verdicts(names: Sequence[str], folders: Sequence[Path]) -> pd.DataFrame:
    """The ledger's verdicts on some claims, by id, from the records of some folders (paths.record_folders).

    setting: the data, recipe and devices that the scope speaks of; a note below the table, as it is long.
    """
    claims = [claim for claim in paper.claims() if claim.id in names]
    rows = [
        {
            "claim": entry.claim.paraphrase,
            "verdict": f"{VERDICTS[entry.verdict][1]} {entry.verdict}",
            "scope": "; ".join(entry.finding.scope) or "–",
            "id": entry.claim.id,
            "setting": entry.finding.where or "–",
        }
        for entry in ledger.entries(*folders[1:], claims=claims)
    ]
    return pd.DataFrame(rows)


def difference(runs: Iterable[RunRecord], structure: str) -> tuple[Interval, RunRecord] | None:
    """Error to basic's in points at D = 20 on photographs, in the setting with most common seeds; and one of its runs.

    Runs of the paper's recipe come first. None where nothing is recorded.
    """
    kinds = apart(select(runs, "table1"))
    for chosen in (kinds.paper, kinds.other):
        cells = group(run for run in chosen if run.config.depth == 20)
        found = [
            (apart_by, ours[0])
            for (where, depth, name), ours in cells.items()
            if name == structure and (apart_by := errors.difference(ours, cells.get((where, depth, REFERENCE), [])))
        ]
        if found:
            return max(found, key=lambda pair: pair[0].n)
    return None


def savings(entry: Entry) -> list[tuple[str, Interval]]:
    """(device, reduction of the time in %) that the verdict on a time rests on."""
    found = entry.finding  # its intervals name their device where there are several
    return [(name.partition(", ")[2] or found.where, each) for name, each in found.intervals.items()]


def summary(entries: Sequence[Entry], runs: Iterable[RunRecord]) -> html.Shown:
    """What the evidence says, in which scope, and what it cannot say: one paragraph."""
    of, runs = {entry.claim.id: entry for entry in entries}, list(runs)
    sentences = [*_errors(of, runs), *_times(of[TIME]), *_counts(entries), *_limits(entries, runs)]
    return html.line(" ".join(sentences))


def _errors(of: dict[str, Entry], runs: Sequence[RunRecord]) -> list[str]:
    sentences = []
    for claim, structure in ERRORS.items():
        if found := difference(runs, structure):
            interval, run = found
            recipe = f"{shown(run.config.dataset)}, {run.config.epochs} epochs, {run.config.precision}"
            sentences.append(
                f"{structure} differs from {REFERENCE} in test error at D = 20 by {interval:+.2f} points "
                f"({recipe}, n = {interval.n} seeds); the claim is “{of[claim].verdict}”."
            )
    if any(SHORT in of[claim].finding.scope for claim in ERRORS):
        epochs = paper.setup()["training"]["epochs"]
        sentences.append(f"These runs are shorter than the paper's {epochs} epochs, so they decide neither claim.")
    return sentences


def _times(entry: Entry) -> list[str]:
    saved = ", ".join(f"{each.percent()} on {where}" for where, each in savings(entry))
    theirs = f"{paper.reduction('time', 20):.1f} %"
    said = f"Of the time of an epoch at D = 20, simplified-1 saves {saved} (95 % intervals), and {theirs} in the paper"
    return [f"{said}; the claim is “{entry.verdict}”."] if saved else []


def _counts(entries: Sequence[Entry]) -> list[str]:
    """What our own modules guarantee is no claim that could have failed, so it is counted apart."""
    number = ledger.counts(entries)
    built = number.pop(BUILT)
    unsettled = number[OPEN] + number[NOT_RUN] + number[OUTSIDE]
    claims = sum(number.values())
    calculated = sum(e.finding.scope == (COUNTING,) and e.verdict not in (*UNSETTLED, OUTSIDE, BUILT) for e in entries)
    return [
        f"Of {claims} claims {claims - unsettled} are decided, {calculated} of them by mathematics and counting alone; "
        f"{number[OPEN]} are open, {number[NOT_RUN]} are not yet run, and {number[OUTSIDE]} no run can decide. "
        f"{built} further statements hold by construction of our modules."
    ]


def _limits(entries: Sequence[Entry], runs: Sequence[RunRecord]) -> list[str]:
    """What is not recorded, and so cannot be said."""
    kinds = apart(runs)
    deepest = max((run.config.depth for run in [*kinds.paper, *kinds.other]), default=0)
    missing = []
    if not kinds.paper:
        missing.append("no run follows the paper's recipe in full")
    if deepest < 668:
        missing.append(f"no network deeper than D = {deepest} was trained" if deepest else "no network was trained")
    if not any("cuda" in str(run.environment.get("device")) for run in runs):
        missing.append("no run used a GPU")
    said = f"What these records cannot say follows from what is missing: {'; '.join(missing)}."
    return [said] if missing else []
