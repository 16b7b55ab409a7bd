"""The ablation: error, time and memory of every pair of activations, as squares, a Pareto plot and tables."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fastres import stats
from fastres.claims.checks.errors import ENOUGH_PAIRS, difference, training_difference
from fastres.experiments import PARTS, PYRAMID, SQUARE, THREE, select
from fastres.models.structures import activations, canonical
from fastres.records.comparable import panels
from fastres.records.provenance import was_shared
from fastres.records.runs import RunRecord, finished
from fastres.records.timings import TimingRecord, device_of, way
from fastres.stats import Interval
from fastres.theory.memory import kept_bytes
from fastres.views import style

REFERENCE, DEPTH, BATCH = "basic", 20, 128
NOT_HERE = "not run in this setting"
NEAR = 1.25  # times the least error, the largest that is enlarged
Runs = dict[str, list[RunRecord]]  # by structure, all of one setting
CONTROLS = {  # (first, second) of a difference, and what it shows
    ("none/none", "simplified-2"): "nothing at all, against an activation before the first convolution only",
    ("bn/none", "simplified-2"): "of that one activation, BN alone",
    ("relu/none", "simplified-2"): "of that one activation, ReLU alone",
    ("simplified-1", "simplified-2"): "W₂ReLU(BN(W₁X)) against W₂W₁ReLU(BN(X))",
    ("bn/bn-relu", "relu/bn-relu"): "f1 without its ReLU, against f1 without its BN",
    (PYRAMID, "bn/bn-relu"): "PyramidNet's block, against the same without BN at the end",
}


def chosen(runs: Iterable[RunRecord], depth: int = DEPTH) -> tuple[str, Runs]:
    """The setting with most structures of the ablation, of these the longest schedule; ("", {}) without runs."""
    found = panels(select(runs, "ablation"), diverged=True)
    settings = {where: structures for (where, at), structures in found.items() if at == depth}
    if not settings:
        return "", {}
    return max(settings.items(), key=lambda row: (len(row[1]), next(iter(row[1].values()))[0].config.epochs, row[0]))


def timed(records: Iterable[TimingRecord], depth: int = DEPTH) -> list[TimingRecord]:
    """The timing records that have every pair of activations, so that all are compared round by round.

    Those of a machine that nothing else used come first, then those of most rounds.
    """
    found = [record for record in records if record.depth == depth and set(SQUARE) <= record.seconds.keys()]
    return sorted(found, key=lambda record: (was_shared(record.environment), -len(record.seconds[REFERENCE])))


def error_of(runs: Sequence[RunRecord]) -> Interval:
    """Last test error in %, of the runs that did not diverge: Student's interval, binomial for a single run."""
    known = finished(runs)
    found = stats.mean([run.last.test_error for run in known])
    return stats.binomial_interval(found.value, known[0].data.test_size) if found.n == 1 else found


def difference_of(runs: Runs, name: str, reference: str) -> Interval | None:
    """Of the test errors, in points; None where one has no run that ended."""
    return difference(*(finished(runs.get(each, [])) for each in (name, reference)))


def names_of(runs: Runs) -> list[str]:
    """The structures of the ablation, those without a run too."""
    return [*SQUARE, *([PYRAMID] if PYRAMID in runs else [])]


def frame(runs: Runs, records: Sequence[TimingRecord]) -> pd.DataFrame:
    """One row per structure, least error first: error, difference to basic, how much less time and memory."""
    rows = []
    for name in names_of(runs):
        members = runs.get(name, [])
        known = finished(members)
        row = {"structure": name, "f1": activations(name)[0], "f2": activations(name)[1]}
        row["test error %"] = f"{error_of(members):.2f}" if known else "diverged" if members else NOT_HERE
        apart = difference_of(runs, name, REFERENCE) if name != REFERENCE else None
        row["difference to basic, points"] = f"{apart:+.2f}" if apart else "–"
        row["n"] = f"{len(known)} of {len(members)}"
        for record in records:
            there = name in record.seconds and name != REFERENCE
            saved = record.ratio(name, REFERENCE).reduction().percent() if there else "–"
            shared = ", shared with other processes" * was_shared(record.environment)
            row.setdefault(f"less time, {device_of(record)}, {way(record)}{shared}", saved)  # the best comes first
        row["less activation memory"] = f"{100 - memory(name):.1f} %"
        rows.append((error_of(members).value if known else math.inf, row))
    return pd.DataFrame([row for _, row in sorted(rows, key=lambda pair: pair[0])])


def memory(structure: str) -> float:
    """Activation memory, stored for the backward pass, in % of basic's (fp32, D = 20)."""
    return 100 * kept_bytes(structure, DEPTH, BATCH) / kept_bytes(REFERENCE, DEPTH, BATCH)


def controls(runs: Runs) -> pd.DataFrame:
    """The comparisons that the paper's argument calls for, in points of training and test error."""
    rows = []
    for (first, second), what in CONTROLS.items():
        apart = difference_of(runs, first, second)
        ended = [name for name in (first, second) if runs.get(name) and not finished(runs[name])]
        shown = f"{apart:+.2f}" if apart else f"{', '.join(ended)} diverged" if ended else NOT_HERE
        kind = ("Student" if apart.n >= ENOUGH_PAIRS else "binomial") if apart else "–"
        row: dict[str, object] = {
            "difference": f"{first} − {second}",
            "what it shows": what,
            "points of test error": shown,
        }
        fitted = training_difference(finished(runs.get(first, [])), finished(runs.get(second, [])))
        row |= {"n": apart.n if apart else 0, "interval": kind}
        rows.append(row | {"points of training error": f"{fitted:+.2f}" if fitted else "–"})
    return pd.DataFrame(rows)


def findings(runs: Runs) -> list[str]:
    """Which structure has the least error, and which others cannot be told from it, in sentences."""
    errors = {name: error_of(members) for name, members in runs.items() if finished(members)}
    if not errors:
        return []
    best = min(errors, key=lambda name: errors[name].value)
    apart = {name: difference_of(runs, name, best) for name in errors if name != best}
    near = [name for name, found in apart.items() if found and not found.low > 0]
    told = [f"Of {len(errors)} structures with an error, {best} has the least: {errors[best].percent('.2f')}."]
    if near:
        told.append(f"Not distinguishable from it: {', '.join(near)}.")
    if REFERENCE in errors:
        told.append(f"The basic block: {errors[REFERENCE].percent('.2f')}.")
    return told


@style.styled
def squares(runs: Runs, record: TimingRecord | None) -> Figure:
    """Error, time and memory of the 16 pairs, f1 from top to bottom, f2 from left to right; the paper's are framed."""
    errors = {name: error_of(runs[name]).value for name in runs if finished(runs[name])}
    ended = dict.fromkeys((name for name in runs if name not in errors), "diverged")
    seeds = {len(finished(members)) for members in runs.values() if finished(members)}
    n = "–" if not seeds else f"{min(seeds)}" if len(seeds) == 1 else f"{min(seeds)} to {max(seeds)}"
    panels = [(f"test error / % (n = {n})", errors, ended)]
    if record is not None:
        ratio = {name: 100 * record.ratio(name, REFERENCE).value for name in SQUARE}
        panels.append(
            (f"time of a step, % of basic's\n{way(record)}, {len(record.seconds[REFERENCE])} rounds", ratio, {})
        )
    panels.append(
        ("activation memory, % of basic's\nfp32, in closed form", {name: memory(name) for name in SQUARE}, {})
    )
    figure = style.new_figure(height=2.9)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for ax, (title, values, words) in zip(axes, panels, strict=True):
        _square(ax, values, words)
        ax.set_title(title, fontsize=8)
    return figure


def _square(ax: Axes, values: dict[str, float], words: dict[str, str]) -> None:
    """words: what is written where there is no value."""
    names = np.array([[canonical(f"{first}/{second}") for second in PARTS] for first in PARTS])
    numbers = np.vectorize(lambda name: values.get(name, math.nan), otypes=[float])(names)
    texts = np.vectorize(lambda name: f"{values[name]:.1f}" if name in values else words.get(name, "–"))(names)
    shared = {"ax": ax, "cbar": False, "square": True, "linewidths": 1, "xticklabels": PARTS, "yticklabels": PARTS}
    if np.isfinite(numbers).any():
        seaborn.heatmap(numbers, annot=texts, fmt="", cmap="cividis_r", annot_kws={"size": 7.5}, **shared)
    for (row, column), name in np.ndenumerate(names):
        if name not in values:
            ax.text(column + 0.5, row + 0.5, words.get(name, "–"), ha="center", va="center", fontsize=6)
        if name in THREE:
            for colour, width in (("white", 4.5), (style.PAPER_COLOUR, 2.0)):  # outlined, to be seen on dark colours
                corner = (column + 0.06, row + 0.06)
                ax.add_patch(Rectangle(corner, 0.88, 0.88, fill=False, edgecolor=colour, lw=width))
    ax.grid(visible=False)
    ax.tick_params(labelsize=7, length=0)
    ax.set(xlabel="f2", ylabel="f1")


def front(points: dict[str, tuple[float, float]]) -> list[str]:
    """The names of points (time, error) that no other beats in one without losing in the other, fastest first.

    >>> front({"a": (1.0, 9.0), "b": (2.0, 7.0), "c": (2.5, 8.0)})
    ['a', 'b']
    """
    best = math.inf
    kept: list[str] = []
    for name, (_, error) in sorted(points.items(), key=lambda point: point[1]):
        if error < best:
            best = error
            kept.append(name)
    return kept


@style.styled
def pareto(runs: Runs, record: TimingRecord) -> Figure | None:
    """Test error against time; a line joins the structures that no other beats in both. Bars: 95 % intervals.

    None where no structure has both.
    The right panel enlarges the structures whose error is at most NEAR times the least; they are named there.
    """
    found = {
        name: (record.ratio(name, REFERENCE).times(100), error_of(runs[name]))
        for name in names_of(runs)
        if name in record.seconds and finished(runs.get(name, []))
    }
    points = {name: (time.value, error.value) for name, (time, error) in found.items()}
    if not points:
        return None
    limit = NEAR * min(error for _, error in points.values())
    near = {name: at for name, at in points.items() if at[1] <= limit}
    figure = style.new_figure(height=3.8)
    panels = [near] if near == points else [{name: at for name, at in points.items() if name not in near}, near]
    axes = figure.subplots(1, len(panels), squeeze=False, width_ratios=(1, 1.35)[: len(panels)])[0]
    for ax, named in zip(axes, panels, strict=True):
        _points(ax, found if ax is axes[0] else {name: found[name] for name in near})
        line = [points[name] for name in front(points)]
        ax.plot(*zip(*line, strict=True), color=style.OTHER_COLOUR, linewidth=0.9, zorder=1)
        if named is near:
            _around(ax, [found[name] for name in near])
        style.label_points(ax, named, bold=THREE)
    if len(panels) > 1:
        (left, right), (low, high) = axes[1].get_xlim(), axes[1].get_ylim()
        look = {"fill": False, "edgecolor": style.OTHER_COLOUR, "linewidth": 0.7, "linestyle": ":"}
        axes[0].add_patch(Rectangle((left, low), right - left, high - low, **look))
        style.title(axes[1], "dotted rectangle, enlarged")
    figure.supxlabel(f"time of a training step, % of basic's ({device_of(record)}, {way(record)})", fontsize=9)
    axes[0].set(ylabel="test error / %")
    return figure


def _points(ax: Axes, found: dict[str, tuple[Interval, Interval]]) -> None:
    """The time and error of each structure, with bars."""
    for name, (time, error) in found.items():
        look = style.look(name)
        ends = [[[at.value - at.low], [at.high - at.value]] for at in (time, error)]
        size = 8 if name in THREE else 4
        bars = {"xerr": ends[0], "yerr": ends[1], "elinewidth": 0.7, "zorder": 3 if name in THREE else 2}
        ax.errorbar(time.value, error.value, fmt=look.marker, color=look.colour, markersize=size, **bars)


def _around(ax: Axes, found: Sequence[tuple[Interval, Interval]]) -> None:
    """Limits that leave some room around the bars."""
    for set_limits, of in ((ax.set_xlim, [time for time, _ in found]), (ax.set_ylim, [error for _, error in found])):
        low = min(min(each.low, each.value) for each in of)
        high = max(max(each.high, each.value) for each in of)
        set_limits(low - 0.06 * (high - low), high + 0.06 * (high - low))
