"""Run records in, pictures out: Figs. 6-8, Table 1 as a plot, time and error against depth."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastres import paper, stats
from fastres.records.comparable import group, setting
from fastres.records.runs import RunRecord
from fastres.views import style

if TYPE_CHECKING:
    import pandas as pd


DEEP = ("basic", "simplified-1")


@style.styled
def error_curves(runs: Iterable[RunRecord], depth: int | None = None, dataset: str | None = None) -> Figure:
    """Test error in % against epoch, one panel per setting and depth (the paper's Figs. 6, 7 and 8).

    Drawn as the paper does: the run of each structure with the least test error, as a line; around it the
    range over all seeds as a band. Dashed lines mark where the learning rate falls.
    depth, dataset: draw only these. Without a run, the figure says so.
    """
    chosen = [run for run in runs if depth in (None, run.config.depth) and dataset in (None, run.config.dataset)]
    panels = sorted({(setting(run), run.config.depth) for run in chosen})
    figure = style.new_figure(height=3.2 * max(len(panels), 1))
    if not panels:
        return _nothing(figure, "no run recorded yet")
    axes = figure.subplots(len(panels), squeeze=False)[:, 0]
    for ax, (where, panel_depth) in zip(axes, panels, strict=True):
        members = [run for run in chosen if (setting(run), run.config.depth) == (where, panel_depth)]
        _curves(ax, members)
        ax.set_title(f"D = {panel_depth}: {where}", fontsize=8)
    return figure


def _curves(ax: Axes, runs: list[RunRecord]) -> None:
    for (_, _, structure), members in group(runs).items():
        curves = np.array([[epoch.test_error for epoch in run.epochs] for run in members])
        best = min(members, key=lambda run: run.best.test_error)
        epochs = [epoch.epoch for epoch in best.epochs]
        colour = style.colour(structure)
        if len(members) > 1:
            ax.fill_between(epochs, curves.min(axis=0), curves.max(axis=0), color=colour, alpha=0.18, linewidth=0)
        shown = f"{style.label(structure)}, best of {len(members)}" if len(members) > 1 else style.label(structure)
        ax.plot(epochs, [epoch.test_error for epoch in best.epochs], color=colour, label=shown, linewidth=1.4)
    config = runs[0].config
    for milestone in config.milestones:
        if milestone < config.epochs:
            ax.axvline(milestone + 0.5, color="#888888", linestyle="--", linewidth=0.8)
    ax.set(xlabel="epoch", ylabel="test error / %", xlim=(1, max(config.epochs, 2)), ylim=(0, None))
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend(loc="upper right")


@style.styled
def error_dots(runs: Iterable[RunRecord]) -> Figure:
    """Table 1 as a plot: the last test error of each run, its mean with a 95 % interval, the paper's beside it."""
    groups = group(runs)
    rows = [
        (f"{style.label(structure)}\nD = {depth}", where, structure, members)
        for (where, depth, structure), members in sorted(groups.items())
    ]
    figure = style.new_figure(height=1.2 + 0.5 * (3 + len(rows)))
    ax = figure.subplots()
    names = []
    for place, reported in enumerate([paper.result(name, 20) for name in ("basic", "simplified-1", "simplified-2")]):
        ax.errorbar(
            reported.error, place, xerr=reported.error_sd, fmt="D", color=style.PAPER_COLOUR, markersize=5, capsize=3
        )
        names.append(f"paper: {reported.structure}\nD = {reported.depth}")
    for place, (name, _, structure, members) in enumerate(rows, start=len(names)):
        errors = [run.last.test_error for run in members]
        mean = stats.mean(errors)
        colour = style.colour(structure)
        ax.plot(errors, [place] * len(errors), "o", color=colour, alpha=0.45, markersize=5, markeredgewidth=0)
        half = None if np.isnan(mean.low) else mean.high - mean.value
        ax.errorbar(mean.value, place, xerr=half, fmt="|", color=colour, markersize=14, capsize=4, linewidth=1.6)
        names.append(name)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set(xlabel="test error of the last epoch / %")
    ax.set_xlim(0, None)
    where = sorted({row[1] for row in rows})
    read = "paper: mean ± sd of 5 runs. Ours: every run, mean, 95 % interval."
    ax.set_title("\n".join([*where, read] if where else [read, "No run recorded yet."]), fontsize=8)
    return figure


@style.styled
def against_depth(runs: Iterable[RunRecord]) -> Figure:
    """Seconds per epoch and test error against depth: the paper's points, its affine fit, and our runs.

    Only runs on ten classes are drawn, one marker per setting. Work per layer is constant, so seconds should be
    affine in depth. The line is the fit through the paper's
    D = 20 and 56; its points at 110 and 668 lie above it.
    """
    figure = style.new_figure(height=3.4)
    time_ax, error_ax = figure.subplots(1, 2)
    for structure in DEEP:
        reported = [r for r in paper.results() if r.structure == structure and r.dataset == "cifar10"]
        depths = np.array([r.depth for r in reported])
        seconds = np.array([r.seconds_per_epoch for r in reported])
        colour, name = style.colour(structure), style.label(structure)
        time_ax.plot(depths, seconds, "D", color=colour, markersize=5, label=f"paper, {name}")
        slope, start = np.polyfit(depths[:2], seconds[:2], 1)
        line = np.array([20, 668])
        time_ax.plot(line, start + slope * line, "--", color=colour, linewidth=0.9)
        error_ax.plot(depths, [r.error for r in reported], "D-", color=colour, markersize=5, linewidth=0.9)
    ours = {
        key: members
        for key, members in group(run for run in runs if run.data.num_classes == 10).items()
        if key[2] in DEEP
    }
    markers = dict(zip(sorted({where for where, _, _ in ours}), "o^sv<>ph", strict=False))
    for (where, depth, structure), members in ours.items():
        look = {"marker": markers.get(where, "x"), "markerfacecolor": "none", "color": style.colour(structure)}
        time_ax.plot(depth, np.median([run.seconds_per_epoch for run in members]), **look)
        error_ax.plot(depth, stats.mean([run.last.test_error for run in members]).value, **look)
    time_ax.set(xscale="log", yscale="log", xlabel="depth D", ylabel="training seconds per epoch")
    error_ax.set(xscale="log", xlabel="depth D", ylabel="test error / %", ylim=(0, None))
    for ax in (time_ax, error_ax):
        ax.set_xticks([20, 56, 110, 668], ["20", "56", "110", "668"])
        ax.minorticks_off()
    for where, marker in markers.items():
        shown = "ours: " + ", ".join(where.split(", ")[:3])
        time_ax.plot([], [], marker, markerfacecolor="none", color="#444444", label=shown)
    time_ax.plot([], [], "--", color="#444444", linewidth=0.9, label="affine, from D = 20 and 56")
    time_ax.legend(fontsize=7)
    return figure


@style.styled
def training_curves(run: RunRecord) -> Figure:
    """One run: its training loss, and its training and test errors, against the epoch."""
    figure = style.new_figure(height=2.6)
    loss_ax, error_ax = figure.subplots(1, 2)
    epochs = [epoch.epoch for epoch in run.epochs]
    colour = style.colour(run.config.structure)
    loss_ax.plot(epochs, [epoch.train_loss for epoch in run.epochs], color=colour)
    loss_ax.set(xlabel="epoch", ylabel="training loss", ylim=(0, None))
    error_ax.plot(epochs, [epoch.train_error for epoch in run.epochs], color=colour, linestyle=":", label="training")
    error_ax.plot(epochs, [epoch.test_error for epoch in run.epochs], color=colour, label="test")
    error_ax.set(xlabel="epoch", ylabel="error / %", ylim=(0, None))
    error_ax.legend()
    for ax in (loss_ax, error_ax):
        ax.xaxis.get_major_locator().set_params(integer=True)
    return figure


@style.styled
def verdicts_by_section(ledger: "pd.DataFrame", order: Sequence[str]) -> Figure:
    """How many claims of each part of the paper have each verdict: one bar per section of `claims.to_frame`."""
    sections = list(dict.fromkeys(ledger["section"]))
    figure = style.new_figure(height=0.9 + 0.36 * len(sections))
    ax = figure.subplots()
    left = np.zeros(len(sections))
    for verdict, colour in zip(order, style.VERDICT_COLOURS, strict=True):
        counts = np.array([((ledger["section"] == name) & (ledger["verdict"] == verdict)).sum() for name in sections])
        bars = ax.barh(sections, counts, left=left, color=colour, label=f"{verdict} ({counts.sum()})", height=0.7)
        ax.bar_label(bars, [str(n) if n else "" for n in counts], label_type="center", color="white", fontsize=8)
        left += counts
    ax.invert_yaxis()
    ax.grid(visible=False)
    ax.set(xlabel="claims")
    ax.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(loc="outside upper center", ncols=3, fontsize=8)
    return figure


def _nothing(figure: Figure, text: str) -> Figure:
    ax = figure.subplots()
    ax.text(0.5, 0.5, text, ha="center", va="center", color="#666666")
    ax.set_axis_off()
    return figure
