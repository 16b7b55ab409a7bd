"""What each removal of BN or ReLU from the basic block costs in error, for the time that it saves."""

import math
from collections.abc import Iterable

import pandas as pd

from fastres.claims.timings import decides
from fastres.records.timings import TimingRecord
from fastres.stats import Interval
from fastres.views.ablation import DEPTH, REFERENCE, Runs, difference_of

REMOVALS = {  # what is removed from the basic block: what is left
    "BN of f1": "relu/bn-relu",
    "ReLU of f1": "bn/bn-relu",
    "f1, both": "simplified-1",
    "BN of f2": "bn-relu/relu",
    "ReLU of f2": "bn-relu/bn",
    "f2, both": "simplified-2",
}


def quiet(records: Iterable[TimingRecord], depth: int = DEPTH) -> TimingRecord | None:
    """The timing on which a claim may rest with most of the removals, of these the one of most rounds; or None."""

    def rank(record: TimingRecord) -> tuple[int, int]:
        return len(record.seconds.keys() & REMOVALS.values()), len(record.seconds[REFERENCE])

    usable = [record for record in records if record.depth == depth and REFERENCE in record.seconds]
    return max((record for record in usable if decides(record, [REFERENCE])), key=rank, default=None)


def removals(runs: Runs, record: TimingRecord | None) -> pd.DataFrame:
    """What each removal from the basic block costs in error and saves in time; the cheapest per second first.

    record: of `quiet`. A removal that saves no time, by its interval, or was not timed, has no points per second.
    """
    rows = []
    for what, name in REMOVALS.items():
        apart, saved = difference_of(runs, name, REFERENCE), _seconds_saved(record, name)
        per_second = _cost(apart, saved)
        rows.append(
            {
                "removed": what,
                "left": name,
                "error, points more": f"{apart:+.2f}" if apart else "–",
                "n": apart.n if apart else 0,
                "s/epoch saved": f"{saved:.1f}" if saved else "not timed",
                "points per second": f"{per_second:+.2f}" if per_second else "–",
                "cost": per_second.value if per_second else math.nan,
            }
        )
    return pd.DataFrame(rows).sort_values("cost", na_position="last").drop(columns="cost").reset_index(drop=True)


def cheapest(runs: Runs, record: TimingRecord | None) -> str:
    """Which removal costs least error per second saved, or that the intervals do not tell."""
    costs = {
        what: _cost(difference_of(runs, name, REFERENCE), _seconds_saved(record, name))
        for what, name in REMOVALS.items()
    }
    found = {what: cost for what, cost in costs.items() if cost}
    if len(found) < 2:
        return "Fewer than two removals have an error and a saving of time: nothing to compare."
    first, *others = sorted(found, key=lambda what: found[what].value)
    near = [what for what in others if found[what].low <= found[first].high]
    if near:
        return f"Which removal costs least is not shown: the interval of {first} overlaps those of {'; '.join(near)}."
    return f"Least error per second saved: {first} removed, {found[first]:+.2f} points per second."


def _seconds_saved(record: TimingRecord | None, name: str) -> Interval | None:
    """Per epoch, against the basic network."""
    if record is None or name not in record.seconds:
        return None
    return record.ratio(name, REFERENCE).reduction().times(record.seconds_per_epoch(REFERENCE) / 100)


def _cost(apart: Interval | None, saved: Interval | None) -> Interval | None:
    """Points of test error per second saved; None where either is not known, or no time is saved."""
    return _quotient(apart, saved) if apart and saved and saved.low > 0 else None


def _quotient(points: Interval, seconds: Interval) -> Interval:
    """Of two intervals, the second above 0: as wide as both allow."""
    ends = [end / by for end in (points.low, points.high) for by in (seconds.low, seconds.high)]
    return Interval(points.value / seconds.value, min(ends), max(ends), points.n)
