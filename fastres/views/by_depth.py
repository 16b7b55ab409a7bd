"""Time and error against depth: the paper's, our runs', our timings'.

Seconds of two machines, or of two sets of images, never share an axis.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastres import paper, stats
from fastres.experiments import as_in_paper
from fastres.records.comparable import group, setting
from fastres.records.runs import RunRecord
from fastres.records.timings import TimingRecord, device_of, way
from fastres.views import style

STRUCTURES = REFERENCE, FASTER = ("basic", "simplified-1")
DEPTHS = [20, 56, 110, 668]  # the paper's


@style.styled
def seconds_and_errors(runs: Iterable[RunRecord]) -> Figure:
    """Training seconds per epoch and test error against depth: the paper's on CIFAR-10, and our settings' below.

    Work per layer is constant, so seconds should be affine in depth. The line is the fit through the paper's
    D = 20 and 56; its points at 110 and 668 lie above it. Errors of our runs of the paper's recipe (open markers)
    stand beside the paper's. Seconds have an axis for each setting that has more than one depth.
    """
    runs = [run for run in runs if run.config.structure in STRUCTURES]
    full = [run for run in runs if as_in_paper(run.config) and run.config.dataset == "cifar10"]
    ours = {where: [run for run in runs if setting(run) == where] for where in sorted(map(setting, runs))}
    ours = {where: members for where, members in ours.items() if len({run.config.depth for run in members}) > 1}
    figure = style.new_figure(height=3.0 * (1 + len(ours)))
    (first, *rest) = figure.subplots(1 + len(ours), 2, squeeze=False)
    _points(first[1], full, _last_error, "ours, ", fillstyle="none", markersize=8, linestyle="none")
    _paper_against_depth(*first)
    for (time_ax, error_ax), (where, members) in zip(rest, ours.items(), strict=True):
        _points(time_ax, members, lambda run: run.seconds_per_epoch)
        _points(error_ax, members, _last_error)
        _depth_axes(time_ax, error_ax, where, sorted({run.config.depth for run in members}))
    return figure


def _paper_against_depth(time_ax: Axes, error_ax: Axes) -> None:
    for structure in STRUCTURES:
        reported = [row for row in paper.results() if row.structure == structure and row.dataset == "cifar10"]
        depths, seconds = np.array([(row.depth, row.seconds_per_epoch) for row in reported]).T
        line = {**style.look(structure).line(), "markersize": 5, "linewidth": 0.9}
        slope, start = np.polyfit(depths[:2], seconds[:2], 1)
        time_ax.plot(depths, seconds, **{**line, "linestyle": "none"}, label=f"paper, {style.label(structure)}")
        time_ax.plot(depths, start + slope * depths, "--", color=line["color"], linewidth=0.9)
        error_ax.plot(depths, [row.error for row in reported], **line)
    time_ax.plot([], [], "--", color="#444444", linewidth=0.9, label="affine, from D = 20 and 56")
    _depth_axes(time_ax, error_ax, "the paper: CIFAR-10, 160 epochs, GTX 1070", DEPTHS)


def _points(ax: Axes, runs: list[RunRecord], quantity: Callable[[RunRecord], float], prefix: str = "", **look) -> None:
    """The mean over seeds at each depth, one line per structure and setting."""
    lines: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for (where, depth, structure), members in group(runs).items():
        lines[where, structure][depth] = stats.mean(list(map(quantity, members))).value
    for (_, structure), points in lines.items():
        line = {
            **style.look(structure).line(),
            "markersize": 5,
            "linewidth": 0.9,
            "label": prefix + style.label(structure),
        }
        ax.plot(list(points), list(points.values()), **{**line, **look})


def _last_error(run: RunRecord) -> float:
    return run.last.test_error


def _depth_axes(time_ax: Axes, error_ax: Axes, title: str, depths: list[int]) -> None:
    time_ax.set(yscale="log", ylabel="training seconds per epoch")
    style.title(time_ax, title, 60)
    error_ax.margins(y=0.2)
    error_ax.set(ylabel="test error / %", ylim=(0, None))
    for ax in (time_ax, error_ax):
        if ax.get_legend_handles_labels()[1]:
            ax.legend(fontsize=7)
        ax.set(xscale="log", xlabel="depth D")
        ax.set_xticks(depths, [str(depth) for depth in depths])
        ax.minorticks_off()


@style.styled
def reductions(records: Iterable[TimingRecord]) -> Figure:
    """Time that simplified-1 saves against basic, in %, by depth: the paper's points, and every record's."""
    records = [record for record in records if {REFERENCE, FASTER} <= record.seconds.keys()]
    figure = style.new_figure(height=2.9)
    ax = figure.subplots()
    theirs = [paper.reduction("time", depth) for depth in DEPTHS]
    ax.plot(DEPTHS, theirs, "D--", color=style.PAPER_COLOUR, label="paper, GTX 1070", linewidth=0.9)
    groups = defaultdict(list)
    for record in records:
        groups[f"{device_of(record)}, {way(record)}"].append(record)
    for place, ((name, members), marker) in enumerate(zip(groups.items(), itertools.cycle("osv^PX"))):
        saved = [record.ratio(FASTER, REFERENCE).reduction() for record in members]
        errors = [[each.value - each.low for each in saved], [each.high - each.value for each in saved]]
        depths = [record.depth * 1.03 ** (place + 1) for record in members]  # beside each other, not one over another
        look = {"fmt": f"{marker}-", "capsize": 3, "linewidth": 0.9, "markersize": 5, "label": name}
        ax.errorbar(depths, [each.value for each in saved], yerr=errors, **look)
    if not records:
        ax.plot([], [], " ", label="no timing recorded yet")
    ax.set(xscale="log", xlabel="depth D", ylabel="time saved by simplified-1 / %", ylim=(0, 60))
    ax.set_xticks(DEPTHS, [str(depth) for depth in DEPTHS])
    ax.minorticks_off()
    ax.legend(fontsize=7)
    return figure
