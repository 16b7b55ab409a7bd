"""The paper's number and ours for a claim, where both are numbers of one kind: on one axis."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from fastres import paper, stats
from fastres.claims.decide import Entry
from fastres.stats import Interval

SAVED, POINTS = "% less time", "points of test error"


@dataclass(frozen=True)
class Comparison:
    """One quantity: what the paper prints and what was measured, by device or setting (empty: none decides yet).

    source: what the printed number rests on, "GTX 1070" or "5 runs".
    within: half the width of the range around 0 that the claim's rule takes for equal; 0 where it has none.
    """

    what: str
    unit: str
    printed: Interval
    source: str
    ours: dict[str, Interval] = field(default_factory=dict)
    within: float = 0.0

    def ends(self) -> tuple[float, float]:
        """The least and greatest number to be drawn, 0 included."""
        intervals = [self.printed, *self.ours.values()]
        numbers = [0.0, -self.within, self.within, *(x for i in intervals for x in (i.value, i.low, i.high))]
        finite = [number for number in numbers if math.isfinite(number)]
        return min(finite), max(finite)


def comparisons(entry: Entry) -> list[Comparison]:
    """Empty for a claim that is not about times or differences of errors."""
    within = entry.claim.args["margin"] if entry.claim.check == "time_equal" else 0.0
    return [
        Comparison(what, unit, printed, source, _ours(entry, key), within)
        for what, unit, key, printed, source in _printed(entry)
    ]


def _printed(entry: Entry) -> Iterator[tuple[str, str, str, Interval, str]]:
    """What each is, unit, beginning of our intervals' names in the finding, what is printed, what this rests on."""
    args, check = entry.claim.args, entry.claim.check
    gpu = paper.setup()["machine"]["gpu"].removeprefix("NVIDIA ")
    if check in ("time_reduction", "time_reduction_grows"):
        for depth in args["depths"]:
            saved = paper.reduction("time", depth, args["structure"])
            yield f"D = {depth}", SAVED, f"reduction D{depth}", Interval(saved), gpu
    elif check == "time_equal":
        first, second = (paper.result(args[name], args["depth"]) for name in ("first", "second"))
        less = Interval(100 * (1 - first.seconds_per_epoch / second.seconds_per_epoch))
        yield f"D = {args['depth']}", SAVED, f"reduction D{args['depth']}", less, gpu
    elif check == "error_difference" and "/" not in args["first"]:  # the paper trains no other pair
        for depth, dataset in product(args["depths"], args["datasets"]):
            first, second = (paper.result(args[name], depth, dataset) for name in ("first", "second"))
            key = f"{args['first']} − {args['second']} at D = {depth}, {dataset}"
            runs = "single runs" if first.n == 1 else f"{first.n} runs each"
            yield f"D = {depth}, {dataset}", POINTS, key, papers_difference(first, second), runs


def papers_difference(first: paper.Result, second: paper.Result) -> Interval:
    """Of two of the paper's errors, in points: Welch's interval from means, deviations and n, else binomial."""
    if first.error_sd is None or second.error_sd is None:
        images = paper.setup()["datasets"][first.dataset]["test_images"]
        return stats.binomial_difference(first.error, second.error, images)
    test = stats.welch(first.error, first.error_sd, first.n, second.error, second.error_sd, second.n)
    return test.difference


def _ours(entry: Entry, key: str) -> dict[str, Interval]:
    """By device, or "measured here" where the name gives none."""
    found = {name: i for name, i in entry.finding.intervals.items() if name == key or name.startswith(f"{key}, ")}
    return {name.removeprefix(key).removeprefix(", ") or "measured here": interval for name, interval in found.items()}
