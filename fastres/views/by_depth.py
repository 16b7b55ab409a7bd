"""Time and error against depth: the paper's, our runs', our timings'.

Seconds of two machines, or of two sets of images, never share an axis; nor do errors of two recipes.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise, product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastres import paper, stats
from fastres.claims.checks.errors import difference, training_difference
from fastres.experiments import as_in_paper, is_smoke
from fastres.records.comparable import group, setting
from fastres.records.provenance import engine_of, was_shared
from fastres.records.runs import RunRecord, finished
from fastres.records.timings import TimingRecord, device_of, way
from fastres.views import style

STRUCTURES = REFERENCE, FASTER = ("basic", "simplified-1")
DEPTHS = [20, 56, 110, 668]  # the paper's
DEPTH, SECONDS, TRAINING, ERROR = "depth D", "training seconds per epoch", "training error / %", "test error / %"
DATASETS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}
Points = Mapping[float, stats.Interval]  # by depth: mean or value, and its ends
Value = Callable[[RunRecord], float]


@style.styled
def errors_by_depth(runs: Iterable[RunRecord]) -> Figure:
    """The paper's test errors against depth, a panel for each dataset, with binomial intervals of its test images.

    Errors of our runs of the paper's recipe (hollow markers) stand beside the paper's. Seconds are left out: those of
    two machines share no axis.
    """
    full = [run for run in finished(runs) if as_in_paper(run.config)]
    figure = style.new_figure(height=3.2)
    for ax, dataset in zip(figure.subplots(1, 2), ("cifar10", "cifar100"), strict=True):
        ours, images = [run for run in full if run.config.dataset == dataset], _test_images(dataset)
        for structure, aside in zip(STRUCTURES, (0.97, 1.03), strict=True):
            rows = [row for row in paper.results() if (row.dataset, row.structure) == (dataset, structure)]
            theirs = {row.depth * aside: stats.binomial_interval(row.error, images) for row in rows}
            _line(ax, structure, theirs)
            for depth, found in _points(
                [run for run in ours if run.config.structure == structure], _test_error
            ).items():
                look = {**style.look(structure).line(), "linestyle": "none", "fillstyle": "none", "markersize": 8}
                ax.plot(depth * aside**3, found.value, **look)
        ax.margins(x=0.1, y=0.08)
        ax.set(ylabel=ERROR)
        style.title(ax, f"the paper: {DATASETS[dataset]}, 160 epochs" + ("; hollow markers: ours" if ours else ""), 60)
        _finish(ax, depths=[row.depth for row in paper.results() if row.dataset == dataset])
    return figure


def _test_images(dataset: str) -> int:
    return paper.setup()["datasets"][dataset]["test_images"]


def series(runs: Iterable[RunRecord]) -> dict[str, list[RunRecord]]:
    """The finished runs of basic and simplified-1 by setting, of settings that have more than one depth."""
    settings: dict[str, list[RunRecord]] = defaultdict(list)
    for run in finished(runs):
        if run.config.structure in STRUCTURES:
            settings[setting(run)].append(run)
    return {where: of for where, of in sorted(settings.items()) if len({run.config.depth for run in of}) > 1}


@style.styled
def settings_by_depth(rows: Mapping[str, list[RunRecord]]) -> Figure | None:
    """Training error, test error and seconds of our other settings, a row of axes for each of `series`; None without.

    Points are means over the seeds, bars their range. Seconds of a machine that runs shared are left out, and all where
    no structure has them at two depths. Nothing here is comparable with the paper.
    """
    if not rows:
        return None
    timed = any(
        len(_points([run for run in of if run.config.structure == name], _seconds)) > 1
        for of, name in product(rows.values(), STRUCTURES)
    )
    quantities = {TRAINING: _training_error, ERROR: _test_error} | ({SECONDS: _seconds} if timed else {})
    figure = style.new_figure(height=3.0 * len(rows))
    grid = figure.subplots(len(rows), len(quantities), squeeze=False)
    for axes, (where, members) in zip(grid, rows.items(), strict=True):
        for ax, (name, value) in zip(axes, quantities.items(), strict=True):
            for structure in STRUCTURES:
                _line(ax, structure, _points([run for run in members if run.config.structure == structure], value))
            ax.margins(y=0.2)
            ax.set(ylabel=name, **({"yscale": "log"} if name == SECONDS else {"ylim": (0, None)}))
        style.title(axes[0], where, 58)
        _finish(*axes, depths=[run.config.depth for run in members])
    if all(is_smoke(run.config) for each in rows.values() for run in each):
        style.watermark(figure)
    return figure


def steps(rows: Mapping[str, list[RunRecord]]) -> pd.DataFrame:
    """How the errors change from each depth to the next, in points, paired over seeds. rows: of `series`."""
    found = []
    for where, members in rows.items():
        cells = group(members)
        for structure in STRUCTURES:
            depths = sorted({depth for _, depth, name in cells if name == structure})
            for shallow, deep in pairwise(depths):
                one, other = cells[where, deep, structure], cells[where, shallow, structure]
                found.append(
                    {
                        "network": structure,
                        "step": f"D = {shallow} to {deep}",
                        "training error, points": _told(training_difference(one, other)),
                        "test error, points": _told(apart := difference(one, other)),
                        "n": apart.n if apart else 0,
                        "setting": where,
                    }
                )
    return pd.DataFrame(found)


def _told(apart: stats.Interval | None) -> str:
    return f"{apart:+.2f}" if apart else "–"


def _training_error(run: RunRecord) -> float:
    return run.last.train_error


def _test_error(run: RunRecord) -> float:
    return run.last.test_error


def _seconds(run: RunRecord) -> float:
    """NaN, which nothing draws, where others ran beside it."""
    return math.nan if was_shared(run.environment) else run.seconds_per_epoch


def _points(runs: Iterable[RunRecord], value: Value) -> Points:
    """By depth: the mean, and the least and largest of the runs."""
    values = defaultdict(list)
    for run in runs:
        if math.isfinite(value(run)):
            values[run.config.depth].append(value(run))
    return {d: stats.Interval(float(np.mean(each)), min(each), max(each)) for d, each in sorted(values.items())}


def _line(ax: Axes, structure: str, points: Points) -> None:
    look = style.look(structure).line()
    values = [each.value for each in points.values()]
    ax.plot(list(points), values, **look, linewidth=1.1, markersize=5, label=structure)
    for depth, found in points.items():
        if found.high > found.low:
            ax.plot([depth, depth], [found.low, found.high], color=look["color"], linewidth=1.1)


def _finish(*axes: Axes, depths: Iterable[int]) -> None:
    """Depths on a logarithmic scale, and each line's name at its end."""
    for ax in axes:
        named = [line for line in ax.get_lines() if not line.get_label().startswith("_") and len(line.get_xdata())]
        _depths(ax, sorted(set(depths)))
        style.label_ends(ax, [(line.get_ydata()[-1], line.get_label(), line.get_color()) for line in named])


def _depths(ax: Axes, depths: list[int]) -> None:
    ax.set(xscale="log", xlabel=DEPTH)
    ax.set_xticks(depths, [str(depth) for depth in depths])
    ax.minorticks_off()


@style.styled
def reductions(records: Iterable[TimingRecord]) -> Figure:
    """How much less time simplified-1 takes than basic, in %, by depth: a panel per device, the paper's points in each.

    Marker: squares are fp32, triangles another precision; hollow: compiled. A line joins the depths of one session,
    that is of one commit, as a machine is not equally fast from session to session. Depths stand side by side at equal
    distances. Timings of a machine that other processes shared are left out.
    """
    alone = [record for record in records if not was_shared(record.environment)]
    records = [record for record in alone if {REFERENCE, FASTER} <= record.seconds.keys()]
    devices = sorted({device_of(record) for record in records}) or ["no timing recorded yet"]
    ways = sorted({way(record) for record in records}, key=lambda how: ("fp32" not in how, "eager" not in how, how))
    depths = sorted({*DEPTHS, *(record.depth for record in records)})
    figure = style.new_figure(height=3.6)
    for ax, device in zip(figure.subplots(1, len(devices), sharey=True, squeeze=False)[0], devices, strict=True):
        theirs = [paper.reduction("time", depth) for depth in DEPTHS]
        look = {"color": style.PAPER_COLOUR, "linewidth": 0.9, "markersize": 5, "label": "the paper, GTX 1070"}
        ax.plot(list(map(depths.index, DEPTHS)), theirs, "D--", **look)
        for place, how in enumerate(ways):
            aside = (place - (len(ways) - 1) / 2) * 0.2
            mine = [record for record in records if (device_of(record), way(record)) == (device, how)]
            for number, session in enumerate(_sessions(mine)):
                _reductions(ax, session, [depths.index(record.depth) + aside + 0.1 * number for record in session])
        ax.axhline(0, color=style.OTHER_COLOUR, linewidth=0.8)
        ax.set_title(device, fontsize=9, loc="left")
        ax.grid(visible=False, axis="x")
        ax.set(xlabel=DEPTH, xlim=(-0.5, len(depths) - 0.5))
        ax.set_xticks(range(len(depths)), [str(depth) for depth in depths])
    figure.axes[0].set(ylabel="simplified-1: less time than basic / %", ylim=(-10, 55))
    handles = {
        label: handle for ax in figure.axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", fontsize=8, ncols=5)
    return figure


def _sessions(records: Iterable[TimingRecord]) -> list[list[TimingRecord]]:
    """Records of one commit together, that of most depths first; a session has one record of each depth."""
    sessions: dict[str, dict[int, TimingRecord]] = defaultdict(dict)
    for record in sorted(records, key=lambda record: len(record.seconds[FASTER])):
        sessions[record.commit][record.depth] = record  # the one of most rounds stays
    return [[of[depth] for depth in sorted(of)] for of in sorted(sessions.values(), key=len, reverse=True)]


def _reductions(ax: Axes, session: Sequence[TimingRecord], places: Sequence[float]) -> None:
    found = [record.ratio(FASTER, REFERENCE).reduction() for record in session]
    bars = [[each.value - each.low for each in found], [each.high - each.value for each in found]]
    precision, engine = session[0].precision, engine_of(session[0].environment)
    look = {"marker": "s" if precision == "fp32" else "^", "linestyle": "-" if precision == "fp32" else ":"}
    look |= {"markerfacecolor": "white"} if engine != "eager" else {}
    label = {"label": f"{precision}, {engine}", "color": style.colour(FASTER)}
    ax.errorbar(
        places, [each.value for each in found], yerr=bars, capsize=2, linewidth=1, markersize=5, **label, **look
    )
