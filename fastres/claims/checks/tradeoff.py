"""Time and error together: whether a structure is worth its time among all pairs of activations."""

import dataclasses
import math

from fastres.claims.check import check
from fastres.claims.checks.errors import difference
from fastres.claims.evidence import COMPARES, Evidence, first_complete, scope_of, settings
from fastres.claims.finding import (
    DEVICE,
    NOT_REPRODUCED,
    OPEN,
    REPRODUCED,
    SHORT,
    TRAIN_BEYOND,
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
    evidence: Evidence, structure: str, reference: str, depth: int, dataset: str, least: float
) -> Finding:
    """Whether `structure` saves time, and every other pair of activations is slower or errs more.

    least: saving in % that counts as great.
    """
    others = [name for name in SQUARE if name != structure]
    timed_together = list(dict.fromkeys([reference, structure, *others]))
    records = choose(evidence, [depth], timed_together)
    if not records:
        return not_timed(evidence, [depth], timed_together)
    saved = records[0].ratio(structure, reference).reduction()
    text = f"D = {depth}: {structure} takes {saved.percent()} less time than {reference}"
    cells = [(depth, name) for name in SQUARE]
    chosen = first_complete(settings(evidence.runs, dataset, (*COMPARES, SHORT)), cells)
    if chosen is None:
        lacking = f"runs of all {len(SQUARE)} pairs of activations in one setting"
        return unsettled(lacking, [TRAIN_BEYOND], [f"{text} ({described(records[0], structure)})"], (DEVICE,))
    where, runs = chosen
    ours = runs[depth, structure]
    better, undecided = _rivals(records[0], structure, {name: runs[depth, name] for name in SQUARE})
    rest = NOT_REPRODUCED if better else OPEN if undecided else REPRODUCED
    text += f"; of the other pairs, faster and of less error: {', '.join(better) or 'none'}; "
    text += (
        f"neither clearly slower nor of clearly larger error: {', '.join(undecided) or 'none'} (n = {len(ours)} seeds)."
    )
    verdict = overall([effect(saved, least), rest])
    finding = timed(verdict, text, records, {f"reduction D{depth}": saved})
    ids = tuple(run.run_id for cell in cells for run in runs[cell])
    return dataclasses.replace(
        finding,
        scope=(*finding.scope, scope_of(ours[0], dataset)),
        where=f"{finding.where}; {where}",
        records=finding.records + ids,
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
