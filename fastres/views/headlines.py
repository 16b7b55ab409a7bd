"""The claims that the paper's title and argument rest on, as the READMEs, notebook 00 and the report show them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from fastres.claims.compared import SAVED, Comparison, comparisons
from fastres.claims.decide import Entry
from fastres.claims.finding import number_in
from fastres.stats import Interval
from fastres.views.style import VERDICTS

CLAIMS = (  # errors, times, what is said to save the time, memory, the two equations of the argument
    "t1-error-equal",
    "t1-error-worse",
    "t1-time",
    "deep-time",
    "saves-computation",
    "memory-saved",
    "eq9-fold",
    "eq12-composed-kernel",
)
_SETTING = re.compile(r" \((?=[^()]+, \d+ epochs, )(.*)\)$")  # of runs, at the end of what is told of them


@dataclass(frozen=True)
class Row:
    """A claim with the paper's number and ours in words. setting: of the runs behind ours; empty for other evidence."""

    entry: Entry
    printed: str
    ours: str
    setting: str = ""

    @property
    def symbol(self) -> str:
        return VERDICTS[self.entry.verdict][1]


def rows(entries: Iterable[Entry]) -> list[Row]:
    """One for each of CLAIMS. Raises KeyError where one has no entry."""
    of = {entry.claim.id: entry for entry in entries}
    return [_row(of[claim]) for claim in CLAIMS]


def frame(entries: Iterable[Entry]) -> pd.DataFrame:
    """The rows as a table whose settings become footnotes (tables.show)."""
    return pd.DataFrame(
        {
            "claim": row.entry.claim.paraphrase,
            "paper": row.printed,
            "here [95 %]": row.ours,
            "verdict": f"{row.symbol} {row.entry.verdict}",
            "scope": row.entry.finding.scope_with_way or "–",
            "setting": row.setting or "–",
        }
        for row in rows(entries)
    )


def _row(entry: Entry) -> Row:
    finding, compared = entry.finding, comparisons(entry)
    printed = "; ".join(_printed(each) for each in compared) or "no number"
    ours = "; ".join(f"{where}: {number}" for each in compared for where, number in _ours(each).items())
    ours = ours or number_in(next(iter(finding.so_far), finding.brief))
    setting = _SETTING.search(ours)
    return Row(entry, printed, _SETTING.sub("", ours), setting[1] if setting else "")


def _printed(compared: Comparison) -> str:
    return f"{_number(compared, compared.printed)} {compared.unit.removeprefix('% ')} ({compared.source})"


def _ours(compared: Comparison) -> dict[str, str]:
    counted = "rounds" if compared.unit == SAVED else "seeds"
    return {
        f"{where}, {interval.n} {counted}": _number(compared, interval) for where, interval in compared.ours.items()
    }


def _number(compared: Comparison, interval: Interval) -> str:
    return interval.percent() if compared.unit.startswith("%") else f"{interval:+.2f}"
