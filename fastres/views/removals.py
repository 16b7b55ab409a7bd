"""What each removal of BN or ReLU from the basic block costs in error, and how much less time it takes."""

import math
from collections.abc import Iterable

import pandas as pd

from fastres.claims.checks.errors import ENOUGH_PAIRS
from fastres.claims.timings import decides
from fastres.records.timings import TimingRecord
from fastres.stats import Interval, signed
from fastres.views.ablation import DEPTH, NOT_HERE, REFERENCE, Runs, difference_of

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
    """What each removal from the basic block costs in error, and its time; the cheapest per second first.

    record: of `quiet`. A removal that takes no less time, by its interval, or was not timed, has no points per second.
    """
    rows = []
    for what, name in REMOVALS.items():
        apart, less = difference_of(runs, name, REFERENCE), _seconds_less(record, name)
        per_second = _cost(apart, less)
        rows.append(
            {
                "removed": what,
                "left": name,
                "error, points more": f"{apart:+.2f}" if apart else "–",
                "n": apart.n if apart else 0,
                "s/epoch less": f"{less:.1f}" if less else "not timed",
                "points per second": f"{per_second:+.2f}" if per_second else "–",
                "cost": per_second.value if per_second else math.nan,
            }
        )
    return pd.DataFrame(rows).sort_values("cost", na_position="last").drop(columns="cost").reset_index(drop=True)


def cheapest(runs: Runs, record: TimingRecord | None) -> str:
    """Which removal costs least error for each second less, or that the intervals do not tell."""
    costs = {
        what: _cost(difference_of(runs, name, REFERENCE), _seconds_less(record, name))
        for what, name in REMOVALS.items()
    }
    found = {what: cost for what, cost in costs.items() if cost}
    if len(found) < 2:
        return "Fewer than two removals have an error and take less time: nothing to compare."
    first, *others = sorted(found, key=lambda what: found[what].value)
    near = [what for what in others if found[what].low <= found[first].high]
    if near:
        return f"Which removal costs least is not shown: the interval of {first} overlaps those of {'; '.join(near)}."
    return f"Least error for each second less: {first} removed, {found[first]:+.2f} points per second."


def parts(where: str, runs: Runs) -> list[str]:
    """Which of BN and ReLU matters: for f1 and f2 how the error changes without one, without the other, without both.

    where: the setting. Each change with the number of seeds, its interval, and whether this excludes 0.
    """
    told = [f"Changes of the test error in the setting D = {DEPTH}, {where}:"] if runs else []
    for place in ("f1", "f2") if runs else ():
        removed = {"only its ReLU": f"ReLU of {place}", "only its BN": f"BN of {place}", "both": f"{place}, both"}
        changes = {what: difference_of(runs, REMOVALS[name], REFERENCE) for what, name in removed.items()}
        told.append(
            f"{place}: " + "; ".join(f"without {what}, {_change(apart)}" for what, apart in changes.items()) + "."
        )
    return told


def _change(apart: Interval | None) -> str:
    """ "+1.54 points [+0.31, +2.77] (n = 1, binomial; excludes 0)"."""
    if apart is None:
        return NOT_HERE
    kind = f"n = {apart.n}" + ("" if apart.n >= ENOUGH_PAIRS else ", binomial")
    zero = "contains" if apart.low <= 0 <= apart.high else "excludes"
    return f"{signed(apart.value, '+.2f')} points {apart.ends('+.2f')} ({kind}; {zero} 0)"


def _seconds_less(record: TimingRecord | None, name: str) -> Interval | None:
    """Per epoch, against the basic network."""
    if record is None or name not in record.seconds:
        return None
    return record.ratio(name, REFERENCE).reduction().times(record.seconds_per_epoch(REFERENCE) / 100)


def _cost(apart: Interval | None, less: Interval | None) -> Interval | None:
    """Points of test error for each second less; None where either is not known, or the time is not less."""
    return _quotient(apart, less) if apart and less and less.low > 0 else None


def _quotient(points: Interval, seconds: Interval) -> Interval:
    """Of two intervals, the second above 0: as wide as both allow."""
    ends = [end / by for end in (points.low, points.high) for by in (seconds.low, seconds.high)]
    return Interval(points.value / seconds.value, min(ends), max(ends), points.n)
