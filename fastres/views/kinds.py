"""Which runs may stand together: the paper's recipe beside the paper; other recipes apart; smoke runs apart."""

from collections.abc import Iterable
from typing import NamedTuple

from fastres.experiments import as_in_paper, is_smoke
from fastres.records.runs import RunRecord


class Kinds(NamedTuple):
    """paper: the paper's recipe in full. other: other photographs, schedules, depths. smoke: embedded images."""

    paper: list[RunRecord]
    other: list[RunRecord]
    smoke: list[RunRecord]


def apart(runs: Iterable[RunRecord]) -> Kinds:
    kinds = Kinds([], [], [])
    for run in runs:
        kinds[0 if as_in_paper(run.config) else 2 if is_smoke(run.config) else 1].append(run)
    return kinds
