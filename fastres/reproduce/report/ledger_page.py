"""The ledger as a page: every claim with what it rests on and where it is shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fastres.claims import ledger
from fastres.claims.compared import comparisons
from fastres.claims.decide import Entry
from fastres.records.comparable import setting
from fastres.records.runs import RunRecord
from fastres.reproduce.report import charts
from fastres.reproduce.report.first_screen import Card, card
from fastres.reproduce.report.notebook_page import NotebookPage
from fastres.reproduce.report.records_page import anchor_of
from fastres.reproduce.report.shown_in import Place, places
from fastres.stats import Interval


@dataclass(frozen=True)
class Evidence:
    """What other records show of a claim, and the anchor of their rows; None where no row is known."""

    text: str
    anchor: str | None


@dataclass(frozen=True)
class Row:
    entry: Entry
    section: str
    group: str
    charts: tuple[Card, ...]
    numbers: tuple[tuple[str, str], ...]
    places: tuple[Place, ...]
    so_far: tuple[Evidence, ...]


def rows(entries: Sequence[Entry], pages: Iterable[NotebookPage], runs: Iterable[RunRecord]) -> list[Row]:
    """In the paper's order."""
    pages, claims = list(pages), [entry.claim for entry in entries]
    settings = {setting(run): anchor_of(setting(run)) for run in runs}
    found = []
    for entry in entries:
        compared = comparisons(entry)
        axes = {unit: charts.axis_of(c for c in compared if c.unit == unit) for unit in {c.unit for c in compared}}
        drawn = [interval for comparison in compared for interval in comparison.ours.values()]
        rest = {name: i for name, i in entry.finding.intervals.items() if not any(i is shown for shown in drawn)}
        found.append(
            Row(
                entry,
                ledger.section(entry.claim),
                charts.group_of(entry.verdict),
                tuple(card(entry, comparison, axes) for comparison in compared),
                tuple((name, number(value)) for name, value in {**entry.finding.numbers, **rest}.items()),
                tuple(places(entry.claim, pages, claims)),
                tuple(_evidence(text, settings) for text in entry.finding.so_far),
            )
        )
    return found


def _evidence(text: str, settings: dict[str, str]) -> Evidence:
    return Evidence(text, next((anchor for where, anchor in settings.items() if where in text), None))


def number(value: float | int | str | Interval) -> str:
    """Four digits of a float, all of an integer; an interval with its ends."""
    if isinstance(value, Interval):
        return f"{value:.3g}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def by_section(found: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each part of the paper, in its order; parts without a claim are left out."""
    found = list(found)
    parts = {title: [row for row in found if row.section == title] for title in ledger.SECTIONS}
    return {title: members for title, members in parts.items() if members}


def shown_on(found: Iterable[Row]) -> dict[str, list[Entry]]:
    """The claims that each notebook shows, by the notebook's name."""
    pages: dict[str, list[Entry]] = {}
    for row in found:
        for name in dict.fromkeys(place.page.name for place in row.places):
            pages.setdefault(name, []).append(row.entry)
    return pages
