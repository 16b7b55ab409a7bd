"""Geometry of the report's drawings: values on one axis, the coverage meter, and Figure 3. Templates draw them."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fastres.claims.compared import Comparison
from fastres.claims.finding import BUILT, NOT_RUN, OPEN, OUTSIDE, VERDICTS
from fastres.models.blocks import build_block
from fastres.stats import Interval, signed
from fastres.views import style
from fastres.views.diagrams import block_steps

GROUPS = {  # of verdicts, as the meter shows them
    "decided": tuple(word for word in VERDICTS if word not in (OPEN, NOT_RUN, OUTSIDE, BUILT)),
    "open": (OPEN,),
    "not yet run": (NOT_RUN,),
    "outside": (OUTSIDE,),
}
FIGURE_3 = ("basic", "simplified-1", "simplified-2")


def group_of(verdict: str) -> str:
    """The group of a verdict; what was built as stated is counted apart, in none of the meter's."""
    return next((name for name, words in GROUPS.items() if verdict in words), BUILT)


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, with round ticks; positions on it are in percent of its length."""

    low: float
    high: float
    ticks: tuple[float, ...]
    decimals: int

    def at(self, value: float) -> float:
        return round(100 * (value - self.low) / (self.high - self.low), 2)

    def label(self, tick: float) -> str:
        return signed(tick, f".{self.decimals}f")


def axis_of(compared: Iterable[Comparison]) -> Axis:
    """One axis for all: its ends are ticks, at steps of 1, 2, 2.5 or 5 times a power of ten."""
    ends = [comparison.ends() for comparison in compared]
    low, high = min(pair[0] for pair in ends), max(pair[1] for pair in ends)
    high = high if high > low else low + 1
    wanted = (high - low) / 3
    power = 10 ** math.floor(math.log10(wanted))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= wanted)
    first, last = math.floor(low / step), math.ceil(high / step)
    decimals = max(0, -math.floor(math.log10(step)), len(f"{step:g}".partition(".")[2]))
    return Axis(first * step, last * step, tuple(step * i for i in range(first, last + 1)), decimals)


@dataclass(frozen=True)
class Mark:
    """One line of a chart: a point and its interval, in percent of the axis; the number in words beside it."""

    who: str
    text: str
    x: float
    start: float
    width: float
    ours: bool


def marks(comparison: Comparison, axis: Axis) -> list[Mark]:
    """The paper's, then ours."""
    rows = [
        (f"paper, {comparison.source}", comparison.printed, False),
        *((who, i, True) for who, i in comparison.ours.items()),
    ]
    return [_mark(short(who), interval, comparison.unit, axis, ours) for who, interval, ours in rows]


def _mark(who: str, interval: Interval, unit: str, axis: Axis, ours: bool) -> Mark:
    sign, end = ("", " %") if unit.startswith("%") else ("+", "")
    spec = f"{sign}.1f" if end else f"{sign}.2f"
    known = not math.isnan(interval.low)
    text = f"{signed(interval.value, spec)}{end}" + (f" {interval.ends(spec)}" if known else "")
    start = axis.at(interval.low) if known else axis.at(interval.value)
    width = axis.at(interval.high) - start if known else 0.0
    return Mark(who, text, axis.at(interval.value), start, round(width, 2), ours)


def short(device: str) -> str:
    """Processors' names without marks: "Intel(R) Xeon(R) Processor" is "Intel Xeon"."""
    return re.sub(r"\(R\)|\(TM\)| Processor\b", "", device)


@dataclass(frozen=True)
class Box:
    """A step of a block: text (empty for a removed activation), left edge, width, kind for its colour."""

    text: str
    x: float
    width: float
    kind: str
    arrow: float  # where the arrow before it begins; its own left edge where it touches the step before


@dataclass(frozen=True)
class Row:
    """A structure as a line of boxes from X to Y."""

    name: str
    label: str
    boxes: tuple[Box, ...]


WIDTHS = {"conv": 84.0, "activation": 46.0, "removed": 92.0}
LEFT, GAP = 52.0, 22.0  # of the first arrow's tail; length of an arrow


def figure_3(structures: Sequence[str] = FIGURE_3) -> list[Row]:
    """The structures as their built modules compute them; a removed activation keeps its place."""
    rows = []
    for name in structures:
        boxes, x = [], LEFT
        for step in block_steps(build_block(name)):
            kind = "removed" if step.removed else "conv" if "conv" in step.text else "activation"
            arrow, x = x, x + (0 if step.joined else GAP)
            boxes.append(Box(step.text.partition(",")[0], x, WIDTHS[kind], kind, arrow))
            x += WIDTHS[kind]
        rows.append(Row(name, style.label(name), tuple(boxes)))
    return rows


@dataclass(frozen=True)
class Segment:
    """A part of the meter: how many claims have a verdict, and the look that figures give it."""

    verdict: str
    group: str
    count: int
    start: float  # percent
    width: float


def meter(verdicts: Sequence[str]) -> list[Segment]:
    """The verdicts in the order of the groups; the parts are percentages of all that the meter counts."""
    counted = [verdict for verdict in verdicts if verdict != BUILT]
    segments, start = [], 0.0
    for group, words in GROUPS.items():
        for word in words:
            width = 100 * counted.count(word) / max(len(counted), 1)
            segments.append(Segment(word, group, counted.count(word), round(start, 3), round(width, 3)))
            start += width
    return segments
