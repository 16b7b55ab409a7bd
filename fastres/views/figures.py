"""Figures from run records: Figs. 6-8, Table 1 as a plot; and how any figure is shown and saved.

What the paper reports is drawn only beside runs of its recipe; other runs have panels of their own.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import matplotlib.style
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastres import paper, paths, stats
from fastres.experiments import as_in_paper
from fastres.files import atomic_write, note_written
from fastres.records.comparable import group
from fastres.records.runs import RunRecord
from fastres.views import style

if TYPE_CHECKING:
    from IPython.display import Image

EPOCH, ERROR = "epoch", "test error / %"


def show(figure: Figure, name: str, alt: str) -> "Image":
    """Write outputs/figures/NAME.png and .svg; return the picture for a notebook, with its alternative text.

    The returned IPython Image holds the PNG itself, so that a figure does not depend on the matplotlib backend
    of whoever runs the notebook.
    """
    from IPython.display import Image  # only notebooks display; drawing works without IPython

    with matplotlib.style.context(["default", style.RC]):
        for suffix, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=suffix, dpi=150, metadata=metadata)
            path = paths.figures() / f"{name}.{suffix}"
            with atomic_write(path, "wb") as file:
                file.write(buffer.getvalue())
            note_written(path)
    width = round(figure.get_figwidth() * 100)
    return Image(buffer.getvalue(), format="png", width=width, alt=" ".join(alt.split()))


@style.styled
def error_curves(runs: Iterable[RunRecord]) -> Figure:
    """Test error in % against epoch, one panel per setting and depth (the paper's Figs. 6, 7 and 8).

    Drawn as the paper does: the run of each structure with the least test error, as a line; around it the
    range over all seeds as a band. Dashed vertical lines mark where the learning rate falls.
    """
    panels = _panels(runs)
    figure = style.new_figure(height=3.2 * max(len(panels), 1))
    axes = figure.subplots(max(len(panels), 1), squeeze=False)[:, 0]
    if not panels:
        axes[0].text(0.5, 0.5, "no run recorded yet", ha="center", va="center", color=style.OTHER_COLOUR)
        axes[0].set_axis_off()
    for ax, ((where, depth), members) in zip(axes, panels.items(), strict=False):
        _curves(ax, members)
        style.title(ax, f"D = {depth}: {where}", 110)
    return figure


def _panels(runs: Iterable[RunRecord]) -> dict[tuple[str, int], list[RunRecord]]:
    """Runs by (setting, depth)."""
    panels: dict[tuple[str, int], list[RunRecord]] = defaultdict(list)
    for (where, depth, _), members in group(runs).items():
        panels[where, depth] += members
    return panels


def _curves(ax: Axes, runs: list[RunRecord]) -> None:
    rows, palette, dashes = [], {}, {}
    for (_, _, structure), members in group(runs).items():
        best = min(members, key=lambda run: np.nan_to_num(run.best.test_error, nan=np.inf))
        name = style.label(structure) + (f", best of {len(members)}" if len(members) > 1 else "")
        palette[name], _, dashes[name] = style.look(structure)
        rows += [
            {"structure": name, EPOCH: epoch.epoch, ERROR: epoch.test_error, "best": run is best}
            for run in members
            for epoch in run.epochs
        ]
    frame = pd.DataFrame(rows)
    shared = {"x": EPOCH, "y": ERROR, "hue": "structure", "palette": palette, "ax": ax}
    everything = ("pi", 100)  # the interval of all seeds: their range
    seaborn.lineplot(frame, **shared, estimator="median", errorbar=everything, linewidth=0, legend=False)
    seaborn.lineplot(frame[frame["best"]], **shared, style="structure", dashes=dashes, estimator=None, linewidth=1.4)
    config = runs[0].config
    for milestone in config.milestones:
        if milestone < config.epochs:
            ax.axvline(milestone + 0.5, color="#888888", linestyle="--", linewidth=0.8)
    ax.set(xlim=(1, max(config.epochs, 2)), ylim=(0, None))
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend(loc="upper right", title=None)


@style.styled
def error_dots(runs: Iterable[RunRecord], depth: int = 20, dataset: str = "cifar10") -> Figure:
    """Table 1 as a plot: the last test error of each run, and their mean with its 95 % interval.

    The first panel has what the paper reports of this depth and dataset. Runs of the paper's recipe on that
    dataset stand below it; those of every other setting and depth have separate panels.
    """
    runs = list(runs)
    full = [
        run for run in runs if as_in_paper(run.config) and (run.config.dataset, run.config.depth) == (dataset, depth)
    ]
    reported = [row for row in paper.results() if (row.dataset, row.depth) == (dataset, depth)]
    others = _panels(run for run in runs if run not in full)
    sizes = [len(reported) + len(group(full)), *(len(group(members)) for members in others.values())]
    figure = style.new_figure(height=0.5 + sum(0.75 + 0.33 * size for size in sizes))
    first, *rest = figure.subplots(len(sizes), height_ratios=[0.75 + 0.33 * s for s in sizes], squeeze=False)[:, 0]
    names = [f"paper: {row.structure}" for row in reported]
    _dots(first, full, names)
    for place, row in enumerate(reported):
        first.errorbar(row.error, place, xerr=row.error_sd, capsize=3, fmt="D", color=style.PAPER_COLOUR, markersize=5)
    ours = "; ours: every run, mean, 95 % interval" if full else "; no run of this recipe recorded yet"
    style.title(first, f"D = {depth}, {dataset}, 160 epochs: the paper's mean ± sd of 5 runs{ours}")
    for ax, ((where, at), members) in zip(rest, others.items(), strict=True):
        _dots(ax, members)
        style.title(ax, f"D = {at}: {where}")
    return figure


def _dots(ax: Axes, runs: list[RunRecord], above: Sequence[str] = ()) -> None:
    """One row for each structure and setting, below rows that are left empty for others."""
    groups = group(runs)
    many = len({where for where, _, _ in groups}) > 1
    rows = [
        (style.label(structure) + (f"\n{where}" if many else ""), structure, run.last.test_error)
        for (where, _, structure), members in groups.items()
        for run in members
    ]
    frame = pd.DataFrame(rows, columns=["network", "structure", ERROR]).astype({ERROR: float})
    order = [*above, *dict.fromkeys(frame["network"])]
    palette = {structure: style.colour(structure) for structure in frame["structure"]}
    shared = {"x": ERROR, "y": "network", "hue": "structure", "palette": palette, "order": order, "ax": ax}
    if rows:
        seaborn.stripplot(frame, **shared, jitter=False, alpha=0.45, size=5, legend=False)
        seaborn.pointplot(
            frame, **shared, errorbar=_student, linestyle="none", marker="|", markersize=14, capsize=0.3, legend=False,
            err_kws={"linewidth": 1.6},
        )  # fmt: skip
    ax.set_yticks(range(len(order)), order)
    ax.set(ylabel="", xlabel=ERROR, ylim=(len(order) - 0.5, -0.5))


def _student(values: pd.Series) -> tuple[float, float]:
    found = stats.mean(list(values))
    return found.low, found.high


@style.styled
def training_curves(run: RunRecord) -> Figure:
    """One run: its training loss, and its training and test errors, against the epoch."""
    figure = style.new_figure(height=2.6)
    loss_ax, error_ax = figure.subplots(1, 2)
    epochs = [epoch.epoch for epoch in run.epochs]
    colour = style.colour(run.config.structure)
    loss_ax.plot(epochs, [epoch.train_loss for epoch in run.epochs], color=colour)
    loss_ax.set(xlabel=EPOCH, ylabel="training loss", ylim=(0, None))
    error_ax.plot(epochs, [epoch.train_error for epoch in run.epochs], color=colour, linestyle=":", label="training")
    error_ax.plot(epochs, [epoch.test_error for epoch in run.epochs], color=colour, label="test")
    error_ax.set(xlabel=EPOCH, ylabel="error / %", ylim=(0, None))
    error_ax.legend()
    for ax in (loss_ax, error_ax):
        ax.xaxis.get_major_locator().set_params(integer=True)
    return figure


@style.styled
def verdicts_by_section(ledger: pd.DataFrame, order: Sequence[str]) -> Figure:
    """How many claims of each part of the paper have each verdict: one bar per section of `claims.to_frame`."""
    sections = list(dict.fromkeys(ledger["section"]))
    counts = pd.crosstab(ledger["section"], ledger["verdict"]).reindex(index=sections, columns=order, fill_value=0)
    figure = style.new_figure(height=1.1 + 0.36 * len(sections))
    ax = figure.subplots()
    left = np.zeros(len(sections))
    for verdict, column in counts.items():
        colour, symbol = style.VERDICTS.get(verdict, style.OTHER_VERDICT)
        shown = f"{symbol} {verdict} ({column.sum()})"
        bars = ax.barh(sections, column, left=left, color=colour, edgecolor="white", label=shown, height=0.7)
        texts = [f"{symbol} {n}" if n else "" for n in column]
        ax.bar_label(bars, texts, label_type="center", color=style.ink_on(colour), fontsize=7.5)
        left += column.to_numpy()
    ax.invert_yaxis()
    ax.grid(visible=False)
    ax.set(xlabel="claims")
    ax.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(loc="outside upper center", ncols=3, fontsize=8)
    return figure
