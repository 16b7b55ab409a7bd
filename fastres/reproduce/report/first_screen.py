"""The first screen: the claims that the paper's title and abstract rest on, and how much of all is decided."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fastres import paper
from fastres.claims.compared import Comparison, comparisons
from fastres.claims.decide import Entry
from fastres.claims.finding import BUILT, DEVICE, number_in
from fastres.experiments import as_in_paper, planned_runs
from fastres.records.comparable import setting
from fastres.records.runs import RunRecord
from fastres.reproduce.report import charts
from fastres.stats import signed
from fastres.views import headlines


@dataclass(frozen=True)
class Card:
    """An entry of the ledger, with the paper's number and ours where both are numbers."""

    entry: Entry
    comparison: Comparison | None
    axis: charts.Axis | None
    marks: tuple[charts.Mark, ...]
    decides_nothing: str = ""  # what the first of the other records shows, where none decides

    @property
    def scope(self) -> str:
        """Where the verdict holds: of a timing, the devices."""
        finding = self.entry.finding
        return charts.short(finding.where if finding.scope == (DEVICE,) and finding.where else finding.scope_text)

    @property
    def found(self) -> str:
        """ "8.6 to 16.0 %" of a saving, over the devices that decide it; "" where none does."""
        values = sorted(interval.value for interval in self.comparison.ours.values()) if self.comparison else []
        ends = dict.fromkeys(signed(value, ".1f") for value in values[:: max(len(values) - 1, 1)])
        return f"{' to '.join(ends)} %" if ends else ""

    @property
    def equal(self) -> tuple[float, float] | None:
        """Start and width, in percent of the axis, of the range that the rule takes for equal."""
        if self.axis is None or self.comparison is None or not self.comparison.within:
            return None
        start = self.axis.at(-self.comparison.within)
        return start, self.axis.at(self.comparison.within) - start


def cards(ledger: Iterable[Entry], runs: Iterable[RunRecord], ids: Sequence[str] = headlines.CLAIMS) -> list[Card]:
    """One for each id, those of one unit on one axis. Raises KeyError for an id that is not in the ledger."""
    places = {setting(run) for run in runs}
    entries = {entry.claim.id: entry for entry in ledger}
    found = {claim_id: comparisons(entries[claim_id]) for claim_id in ids}
    units: dict[str, list[Comparison]] = {}
    for compared in found.values():
        for comparison in compared:
            units.setdefault(comparison.unit, []).append(comparison)
    axes = {unit: charts.axis_of(members) for unit, members in units.items()}
    chosen = [card(entries[claim_id], next(iter(found[claim_id]), None), axes) for claim_id in ids]
    return [replace(each, decides_nothing=_so_far(each.entry, places)) for each in chosen]


def _so_far(entry: Entry, places: Iterable[str]) -> str:
    """The first number that other records show, without what it is of and the setting, which the ledger gives."""
    if entry.finding.statement or not entry.finding.so_far:
        return ""
    text = entry.finding.so_far[0]
    text = next((text.removesuffix(f" ({place})") for place in places if text.endswith(f" ({place})")), text)
    return number_in(text)


def card(entry: Entry, comparison: Comparison | None, axes: dict[str, charts.Axis]) -> Card:
    if comparison is None:
        return Card(entry, None, None, ())
    axis = axes[comparison.unit]
    return Card(entry, comparison, axis, tuple(charts.marks(comparison, axis)))


@dataclass(frozen=True)
class Coverage:
    """How many claims are in each group of the meter, and how many of the paper's networks were trained as it says."""

    segments: tuple[charts.Segment, ...]
    groups: dict[str, int]
    claims: int
    built: int
    planned: int
    trained: int


def coverage(ledger: Iterable[Entry], runs: Iterable[RunRecord]) -> Coverage:
    verdicts = [entry.verdict for entry in ledger]
    segments = tuple(charts.meter(verdicts))
    groups = {name: sum(s.count for s in segments if s.group == name) for name in charts.GROUPS}
    planned = {config.run_id for config in planned_runs("paper")}
    trained = {run.config.model_copy(update={"precision": "fp32"}).run_id for run in runs if as_in_paper(run.config)}
    built = verdicts.count(BUILT)
    return Coverage(segments, groups, len(verdicts) - built, built, len(planned), len(planned & trained))


def printed_savings() -> tuple[float, float]:
    """The least and the greatest share of time, in %, that simplified-1 saves by the paper's printed times."""
    depths = {row.depth for row in paper.results()}
    saved = [paper.reduction("time", depth) for depth in depths]
    return min(saved), max(saved)
