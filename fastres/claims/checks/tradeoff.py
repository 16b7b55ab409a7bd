"""Time and error together: whether a structure is worth its time among all pairs of activations."""

import dataclasses
import math

from fastres.claims.check import check
from fastres.claims.checks.errors import difference, no_higher
from fastres.claims.evidence import COMPARES, Evidence, first_complete, scope_of, settings
from fastres.claims.finding import (
    DEVICE,
    NOT_REPRODUCED,
    OPEN,
    REPRODUCED,
    SHORT,
    TRAIN_EXTENDED,
    Finding,
    effect,
    overall,
    unsettled,
)
from fastres.claims.timings import choose, each_device, not_timed, timed
from fastres.experiments import SQUARE
from fastres.records.runs import RunRecord
from fastres.records.timings import TimingRecord, described
from fastres.stats import Interval


@check()
@each_device
def worth_its_time(
    evidence: Evidence, structure: str, reference: str, depth: int, dataset: str, least: float, margin: float
) -> Finding:
    """Whether `structure` saves time and keeps the error, and every other pair of activations is slower or errs more.

    least: saving in % that counts as great. margin: points by which the error may rise.
    """
    together = list(dict.fromkeys([reference, structure, *SQUARE]))
    records = choose(evidence, [depth], together)
    if not records:
        return not_timed(evidence, [depth], together)
    saved = records[0].ratio(structure, reference).reduction()
    text = f"D = {depth}: {structure} takes {saved.percent()} less time than {reference}"
    cells = [(depth, name) for name in SQUARE]
    chosen = first_complete(settings(evidence.runs, dataset, COMPARES), cells)
    if chosen is None:
        so_far = [f"{text} ({described(records[0], structure)})"]
        short = first_complete(settings(evidence.runs, dataset, (SHORT,)), cells)
        if short is not None:
            so_far.append(f"{_told(records[0], structure, reference, short[1], depth)} ({short[0]})")
        scope = (DEVICE, SHORT) if short else (DEVICE,)
        return unsettled(f"full runs of all {len(SQUARE)} pairs of activations", [TRAIN_EXTENDED], so_far, scope)
    where, runs = chosen
    better, undecided = _rivals(records[0], structure, {name: runs[depth, name] for name in SQUARE})
    rest = NOT_REPRODUCED if better else OPEN if undecided else REPRODUCED
    apart = difference(runs[depth, structure], runs[depth, reference]) or Interval(math.nan)
    verdict = overall([effect(saved, least), no_higher(margin)(apart), rest])
    text = f"{text}; {_told(records[0], structure, reference, runs, depth)}."
    finding = timed(verdict, text, records, {f"reduction D{depth}": saved, "error": apart})
    return dataclasses.replace(
        finding,
        scope=(*finding.scope, scope_of(runs[cells[0]][0], dataset)),
        where=f"{finding.where}; {where}",
        records=finding.records + tuple(run.run_id for cell in cells for run in runs[cell]),
    )


def _told(record: TimingRecord, structure: str, reference: str, runs: dict, depth: int) -> str:
    better, undecided = _rivals(record, structure, {name: runs[depth, name] for name in SQUARE})
    apart = difference(runs[depth, structure], runs[depth, reference]) or Interval(math.nan)
    return (
        f"its error is {apart:+.2f} points higher; of the other pairs, faster and of less error: "
        f"{', '.join(better) or 'none'}; neither clearly slower nor of clearly larger error: "
        f"{', '.join(undecided) or 'none'} (n = {len(runs[depth, structure])} seeds)"
    )


def _rivals(record: TimingRecord, structure: str, runs: dict[str, list[RunRecord]]) -> tuple[list[str], list[str]]:
    """The other structures that are faster and of less error, and those that neither time nor error tells apart."""
    better, undecided = [], []
    for name in (name for name in runs if name != structure):
        ratio, apart = record.ratio(name, structure), difference(runs[name], runs[structure])
        apart = apart or Interval(math.nan)
        ended = any(run.diverged for run in runs[name])
        if ratio.high < 1 and apart.high < 0:
            better.append(name)
        elif not (ratio.low > 1 or apart.low > 0 or ended):
            undecided.append(name)
    return better, undecided
