"""Which runs may stand together: the paper's recipe beside the paper; other recipes apart; smoke runs apart."""

from collections.abc import Iterable
from typing import NamedTuple

from fastres import stats
from fastres.experiments import as_in_paper, is_smoke
from fastres.records.runs import RunRecord, finished


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


def last_error(runs: Iterable[RunRecord]) -> str:
    """ "7.62 ± 0.15 (n = 5), 1 diverged": the last test errors in %, and how many runs have none."""
    runs = list(runs)
    known = finished(runs)
    ended = [f"{len(runs) - len(known)} diverged"] * (len(known) < len(runs))
    return ", ".join([stats.mean([run.last.test_error for run in known]).with_sd()] * bool(known) + ended)
