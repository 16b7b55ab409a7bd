"""The records as a page: every training run and timing, with an anchor by its id and the claims that rest on it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fastres.claims.decide import Entry
from fastres.datasets.catalogue import shown
from fastres.experiments import is_smoke
from fastres.records.comparable import group
from fastres.records.runs import RunRecord
from fastres.records.timings import TimingRecord, device_of, way


def anchor_of(text: str) -> str:
    return "setting-" + re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


@dataclass(frozen=True)
class Setting:
    """Runs that may be compared with each other, and what they share."""

    title: str
    anchor: str
    dataset: str
    runs: tuple[RunRecord, ...]

    @property
    def environment(self) -> dict[str, str]:
        """Each field of all runs: its value, or the different ones in a row."""
        seen = [run.environment for run in self.runs]
        names = dict.fromkeys(name for environment in seen for name in environment)
        values = {name: dict.fromkeys(str(each.get(name, "–")) for each in seen) for name in names}
        return {name: ", ".join(found) for name, found in values.items()}


def settings(runs: Iterable[RunRecord], smoke: bool) -> list[Setting]:
    """The runs on embedded images, or all others, by setting; depth and structure in order."""
    found: dict[str, list[RunRecord]] = {}
    chosen = [run for run in runs if is_smoke(run.config) == smoke]
    for (where, _, _), members in group(chosen, diverged=True).items():
        found.setdefault(where, []).extend(members)
    return [
        Setting(where, anchor_of(where), shown(members[0].config.dataset), tuple(members))
        for where, members in found.items()
    ]


def labels(records: Iterable[TimingRecord]) -> dict[str, str]:
    """Short names of timing records by their identities, which are long."""
    return {record.identity: f"timing at D = {record.depth}, {device_of(record)}, {way(record)}" for record in records}


def used_by(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """The claims that rest on each record, by its id."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        for record in entry.finding.records:
            found.setdefault(record, []).append(entry)
    return found
