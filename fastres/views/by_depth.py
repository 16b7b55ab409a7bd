"""Time and error against depth: the paper's, our runs', our timings'.

Seconds of two machines, or of two sets of images, never share an axis; nor do errors of two recipes.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastres import paper, stats
from fastres.experiments import as_in_paper, is_smoke
from fastres.records.comparable import setting
from fastres.records.provenance import was_shared
from fastres.records.runs import RunRecord, finished
from fastres.records.timings import TimingRecord, device_of, way
from fastres.views import style

STRUCTURES = REFERENCE, FASTER = ("basic", "simplified-1")
DEPTHS = [20, 56, 110, 668]  # the paper's
DEPTH, SECONDS, ERROR = "depth D", "training seconds per epoch", "test error / %"
Points = dict[int, stats.Interval]  # by depth: mean, and the least and largest of the runs


@style.styled
def seconds_and_errors(runs: Iterable[RunRecord]) -> Figure:
    """The paper's training seconds per epoch and test error on CIFAR-10 against depth.

    Work per layer is constant, so seconds should be affine in depth. The dotted line is the fit through the paper's
    D = 20 and 56; its points at 110 and 668 lie above it. Errors of our runs of the paper's recipe (open markers)
    stand beside the paper's; our seconds, of other machines, do not.
    """
    full = [run for run in finished(runs) if as_in_paper(run.config) and run.config.dataset == "cifar10"]
    theirs = [row for row in paper.results() if row.dataset == "cifar10" and row.structure in STRUCTURES]
    figure = style.new_figure(height=3.2)
    time_ax, error_ax = figure.subplots(1, 2)
    for structure in STRUCTURES:
        rows = {row.depth: row for row in theirs if row.structure == structure}
        seconds = [row.seconds_per_epoch for row in rows.values()]
        slope, start = np.polyfit(list(rows)[:2], seconds[:2], 1)
        line = [start + slope * depth for depth in rows]
        time_ax.plot(list(rows), line, ":", color=style.colour(structure), linewidth=1)
        _line(time_ax, structure, {depth: stats.Interval(row.seconds_per_epoch) for depth, row in rows.items()})
        _line(error_ax, structure, {depth: stats.Interval(row.error) for depth, row in rows.items()})
        for depth, found in _points([run for run in full if run.config.structure == structure], error=True).items():
            look = {**style.look(structure).line(), "linestyle": "none", "fillstyle": "none", "markersize": 8}
            error_ax.plot(depth * 1.06, found.value, **look)
    time_ax.set(yscale="log", ylabel=SECONDS)
    error_ax.margins(y=0.12)
    error_ax.set(ylim=(0, None), ylabel=ERROR)
    where = "CIFAR-10, 160 epochs"
    style.title(time_ax, f"the paper: {where}, GTX 1070", 60)
    style.title(error_ax, f"the paper: {where}" + ("; open markers: ours" if full else ""), 60)
    _finish(time_ax, error_ax)
    return figure


@style.styled
def settings_by_depth(runs: Iterable[RunRecord]) -> Figure | None:
    """The same of our other settings, a row of axes for each that has more than one depth; None where none has.

    Points are means over the seeds, bars their range. Seconds of a machine that runs shared are left out. Nothing here
    is comparable with the paper.
    """
    runs = [run for run in finished(runs) if run.config.structure in STRUCTURES]
    settings: dict[str, list[RunRecord]] = defaultdict(list)
    for run in runs:
        settings[setting(run)].append(run)
    rows = {where: each for where, each in settings.items() if len({run.config.depth for run in each}) > 1}
    if not rows:
        return None
    figure = style.new_figure(height=3.0 * len(rows))
    grid = figure.subplots(len(rows), 2, squeeze=False)
    for (time_ax, error_ax), (where, members) in zip(grid, sorted(rows.items()), strict=True):
        for structure in STRUCTURES:
            of = [run for run in members if run.config.structure == structure]
            _line(time_ax, structure, _points(of, error=False))
            _line(error_ax, structure, _points(of, error=True))
        time_ax.set(yscale="log", ylabel=SECONDS)
        error_ax.margins(y=0.2)
        error_ax.set(ylim=(0, None), ylabel=ERROR)
        style.title(time_ax, where, 58)
        _finish(time_ax, error_ax)
    if all(is_smoke(run.config) for each in rows.values() for run in each):
        style.watermark(figure)
    return figure


def _points(runs: Iterable[RunRecord], error: bool) -> Points:
    values = defaultdict(list)
    for run in runs:
        if error or not was_shared(run.environment):
            values[run.config.depth].append(run.last.test_error if error else run.seconds_per_epoch)
    return {d: stats.Interval(float(np.mean(each)), min(each), max(each)) for d, each in sorted(values.items())}


def _line(ax: Axes, structure: str, points: Points) -> None:
    look = style.look(structure).line()
    values = [each.value for each in points.values()]
    ax.plot(list(points), values, **look, linewidth=1.1, markersize=5, label=structure)
    for depth, found in points.items():
        if found.high > found.low:
            ax.plot([depth, depth], [found.low, found.high], color=look["color"], linewidth=1.1)


def _finish(*axes: Axes) -> None:
    """Depths on a logarithmic scale, and each line's name at its end."""
    for ax in axes:
        named = [line for line in ax.get_lines() if not line.get_label().startswith("_") and len(line.get_xdata())]
        _depths(ax, sorted({int(depth) for line in named for depth in line.get_xdata()}))
        style.label_ends(ax, [(line.get_ydata()[-1], line.get_label(), line.get_color()) for line in named])


def _depths(ax: Axes, depths: list[int]) -> None:
    ax.set(xscale="log", xlabel=DEPTH)
    ax.set_xticks(depths, [str(depth) for depth in depths])
    ax.minorticks_off()


@style.styled
def reductions(records: Iterable[TimingRecord]) -> Figure:
    """Time that simplified-1 saves against basic, in %, by depth: a panel per device, the paper's points in each.

    A line is one way of computing, told by its marker; the colour is that of simplified-1, the paper's black. Timings
    of a machine that other processes shared are left out.
    """
    alone = [record for record in records if not was_shared(record.environment)]
    records = [record for record in alone if {REFERENCE, FASTER} <= record.seconds.keys()]
    devices = sorted({device_of(record) for record in records}) or ["no timing recorded yet"]
    ways = sorted({way(record) for record in records}, reverse=True)
    figure = style.new_figure(height=3.4)
    for ax, device in zip(figure.subplots(1, len(devices), sharey=True, squeeze=False)[0], devices, strict=True):
        theirs = [paper.reduction("time", depth) for depth in DEPTHS]
        ax.plot(DEPTHS, theirs, "D--", color=style.PAPER_COLOUR, label="paper, GTX 1070", linewidth=0.9, markersize=5)
        for place, how in enumerate(ways):
            mine = [record for record in records if (device_of(record), way(record)) == (device, how)]
            if mine:
                _savings(ax, mine, place, {"fmt": f"{'os^vPX*'[place % 7]}-", "label": how, "alpha": 1 - 0.15 * place})
        ax.axhline(0, color=style.OTHER_COLOUR, linewidth=0.8)
        ax.set_title(device, fontsize=9, loc="left")
        _depths(ax, DEPTHS)
    figure.axes[0].set(ylabel="time saved by simplified-1 / %", ylim=(-2, 60))
    handles = {
        label: handle for ax in figure.axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", fontsize=8, ncols=5)
    return figure


def _savings(ax: Axes, records: Iterable[TimingRecord], place: int, look: Mapping[str, object]) -> None:
    records = sorted(records, key=lambda record: record.depth)
    saved = [record.ratio(FASTER, REFERENCE).reduction() for record in records]
    errors = [[each.value - each.low for each in saved], [each.high - each.value for each in saved]]
    depths = [record.depth * 1.05**place for record in records]  # side by side, not overlapping
    values = [each.value for each in saved]
    ax.errorbar(depths, values, yerr=errors, capsize=3, linewidth=1, markersize=5, color=style.colour(FASTER), **look)
