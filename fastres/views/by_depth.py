"""Time and error against depth: the paper's, our runs', our timings'.

Seconds of two machines, or of two sets of images, never share an axis.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastres import paper
from fastres.experiments import as_in_paper
from fastres.records.comparable import setting
from fastres.records.runs import RunRecord, to_frame
from fastres.records.timings import TimingRecord, device_of, way
from fastres.views import style

STRUCTURES = REFERENCE, FASTER = ("basic", "simplified-1")
DEPTHS = [20, 56, 110, 668]  # the paper's
DEPTH, SECONDS, ERROR = "depth D", "training seconds per epoch", "test error / %"
NAMES = {"depth": DEPTH, "seconds_per_epoch": SECONDS, "test_error": ERROR, "error": ERROR}


@style.styled
def seconds_and_errors(runs: Iterable[RunRecord]) -> Figure:
    """Training seconds per epoch and test error against depth: the paper's on CIFAR-10, and our settings' below.

    Work per layer is constant, so seconds should be affine in depth. The dotted line is the fit through the paper's
    D = 20 and 56; its points at 110 and 668 lie above it. Errors of our runs of the paper's recipe (open markers)
    stand beside the paper's. Each of our settings that has more than one depth has its own axes.
    """
    runs = [run for run in runs if run.config.structure in STRUCTURES]
    ours = to_frame(runs).assign(setting=list(map(setting, runs))).rename(columns=NAMES)
    full = ours[np.array([as_in_paper(run.config) and run.config.dataset == "cifar10" for run in runs], dtype=bool)]
    theirs = paper.results_frame().query("dataset == 'cifar10' and structure in @STRUCTURES").rename(columns=NAMES)
    panels = {"the paper: CIFAR-10, 160 epochs, GTX 1070": theirs}
    panels |= {where: part for where, part in ours.groupby("setting") if part[DEPTH].nunique() > 1}
    figure = style.new_figure(height=3.0 * len(panels))
    rows = figure.subplots(len(panels), 2, squeeze=False)
    for structure, part in full.groupby("structure"):
        colour, marker, _ = style.look(structure)
        rows[0, 1].plot(part[DEPTH], part[ERROR], marker, color=colour, fillstyle="none", label=f"ours, {structure}")
        rows[0, 1].legend(fontsize=7)
    for structure, part in theirs.groupby("structure"):
        slope, start = np.polyfit(part[DEPTH][:2], part[SECONDS][:2], 1)
        label = f"{structure}, affine from D = 20 and 56"
        rows[0, 0].plot(part[DEPTH], start + slope * part[DEPTH], ":", color=style.colour(structure), label=label)
    for (time_ax, error_ax), (where, part) in zip(rows, panels.items(), strict=True):
        _lines(time_ax, part, SECONDS)
        _lines(error_ax, part, ERROR, legend=False)
        style.title(time_ax, where, 60)
        time_ax.set(yscale="log")
        time_ax.legend(title=None, fontsize=7)
        error_ax.margins(y=0.2)
        error_ax.set(ylim=(0, None))
    return figure


def _lines(ax: Axes, frame: pd.DataFrame, quantity: str, legend: bool = True) -> None:
    """The mean of a quantity at each depth, with bars over the range of the seeds, one line per structure."""
    looks = {structure: style.look(structure) for structure in frame["structure"]}
    seaborn.lineplot(
        frame,
        x=DEPTH,
        y=quantity,
        hue="structure",
        style="structure",
        palette={structure: look.colour for structure, look in looks.items()},
        markers={structure: look.marker for structure, look in looks.items()},
        dashes={structure: look.dashes for structure, look in looks.items()},
        errorbar=("pi", 100),
        err_style="bars",
        linewidth=0.9,
        legend="auto" if legend else False,
        ax=ax,
    )
    ax.set(xscale="log")
    depths = sorted({*frame[DEPTH]})
    ax.set_xticks(depths, [str(depth) for depth in depths])
    ax.minorticks_off()


@style.styled
def reductions(records: Iterable[TimingRecord]) -> Figure:
    """Time that simplified-1 saves against basic, in %, by depth: the paper's points, and every record's."""
    records = [record for record in records if {REFERENCE, FASTER} <= record.seconds.keys()]
    figure = style.new_figure(height=3.4)
    ax = figure.subplots()
    theirs = [paper.reduction("time", depth) for depth in DEPTHS]
    ax.plot(DEPTHS, theirs, "D--", color=style.PAPER_COLOUR, label="paper, GTX 1070", linewidth=0.9)
    groups = defaultdict(list)
    for record in records:
        groups[device_of(record), way(record)].append(record)
    devices, ways = (list(dict.fromkeys(names)) for names in zip(*sorted(groups), strict=True)) if groups else ([], [])
    colours = [look.colour for look in style.STRUCTURES.values()]
    for place, ((device, how), members) in enumerate(sorted(groups.items())):
        saved = [record.ratio(FASTER, REFERENCE).reduction() for record in members]
        errors = [[each.value - each.low for each in saved], [each.high - each.value for each in saved]]
        depths = [record.depth * 1.03 ** (place + 1) for record in members]  # side by side, not overlapping
        look = {"capsize": 3, "linewidth": 0.9, "markersize": 5, "label": f"{device}, {how}"}
        look["color"] = colours[devices.index(device) % len(colours)]  # one colour per device, one marker per way
        look["fmt"] = f"{'osv^PXD*'[ways.index(how) % 8]}-"
        ax.errorbar(depths, [each.value for each in saved], yerr=errors, **look)
    if not records:
        ax.plot([], [], " ", label="no timing recorded yet")
    ax.set(xscale="log", xlabel="depth D", ylabel="time saved by simplified-1 / %", ylim=(0, 60))
    ax.set_xticks(DEPTHS, [str(depth) for depth in DEPTHS])
    ax.minorticks_off()
    figure.legend(loc="outside lower center", fontsize=7, ncols=3)
    return figure
