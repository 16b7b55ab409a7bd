"""How any figure is shown and saved; and curves against the epoch (Figs. 6 to 8), and the verdicts."""

import io
from collections.abc import Iterable, Sequence

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastres import paths
from fastres.config import RunConfig
from fastres.experiments import is_smoke
from fastres.files import note_written, write
from fastres.records.comparable import panels
from fastres.records.runs import Epoch, RunRecord
from fastres.views import html, pending, style

EPOCH, ERROR = "epoch", "test error / %"
LARGEST_SVG = 600_000  # bytes; a larger drawing is embedded as PNG
MILESTONE = "#888888"  # of the line that marks a fall of the learning rate


def show(
    figure: Figure | None,
    name: str,
    alt: str,
    caption: str = "",
    command: str = pending.REPRODUCE,
    experiment: str = "",
) -> html.Shown:
    """Write outputs/figures/NAME.svg and .png; return the picture for a notebook, with its alternative text.

    caption: "Figure 5.1. What it shows", numbered within a notebook. For None, no run to draw: one line that names
    the command, and the time of the experiment where one is named.
    """
    if figure is None:
        return pending.line(f"{caption} Not run yet.".strip(), command, experiment)
    alt = " ".join(alt.split())
    picture, kind = written(figure, name)
    return html.figure(picture, kind, round(figure.get_figwidth() * 100), name, alt, " ".join(caption.split()))


def written(figure: Figure, name: str) -> tuple[bytes, str]:
    """Save a figure in both forms; the one to embed: SVG, or PNG where that would be large."""
    forms = {"svg": rendered(figure, "svg"), "png": rendered(figure, "png")}
    for suffix, content in forms.items():
        path = paths.figures() / f"{name}.{suffix}"
        write(path, content)
        note_written(path)
    return (forms["svg"], "svg+xml") if len(forms["svg"]) <= LARGEST_SVG else (forms["png"], "png")


def rendered(figure: Figure, suffix: str) -> bytes:
    """The bytes of a figure, the same for the same figure: without a date, whatever a user's matplotlibrc says."""
    buffer, metadata = io.BytesIO(), {"svg": {"Date": None}, "png": {"Software": None}}[suffix]
    with matplotlib.style.context(["default", style.RC]):
        figure.savefig(buffer, format=suffix, dpi=150, metadata=metadata)
    return buffer.getvalue()


@style.styled
def error_curves(runs: Iterable[RunRecord]) -> Figure | None:
    """Test error in % against epoch, and its last epochs enlarged, a row for each setting and depth (Figs. 6 to 8).

    Drawn as the paper does: the run of each structure with the least test error, as a line; around it the
    range over all seeds as a band. Dashed vertical lines mark where the learning rate falls. None without runs.
    """
    runs = list(runs)
    rows = panels(runs)
    if not rows:
        return None
    figure = style.new_figure(height=3.1 * len(rows))
    grid = figure.subplots(len(rows), 2, squeeze=False, width_ratios=(1.6, 1))
    for (whole, last), ((where, depth), structures) in zip(grid, rows.items(), strict=True):
        config = next(iter(structures.values()))[0].config
        ends = _curves(whole, structures, config)
        _curves(last, structures, config)
        _enlarge(last, structures, config)
        style.label_ends(last, ends)
        style.title(whole, f"D = {depth}: {where}", 62)
        style.title(last, "the last epochs, enlarged")
    if all(is_smoke(run.config) for run in runs):
        style.watermark(figure)
    return figure


def describe_curves(runs: Iterable[RunRecord]) -> str:
    """The same in words: where the lines end."""
    ends = []
    for (where, depth), structures in panels(runs).items():
        best = {name: _best(members).last.test_error for name, members in structures.items()}
        ends.append(f"D = {depth}, {where}: {', '.join(f'{name} {error:.2f} %' for name, error in best.items())}")
    return f"Test error against epoch, and the last epochs enlarged. The lines end at: {'; '.join(ends)}."


def _best(members: Iterable[RunRecord]) -> RunRecord:
    """The run whose line is drawn."""
    return min(members, key=lambda run: np.nan_to_num(run.best.test_error, nan=np.inf))


def _curves(ax: Axes, structures: dict[str, list[RunRecord]], config: RunConfig) -> list[tuple[float, str, str]]:
    """Draw each structure; where each line ends, its label and colour."""
    ends = []
    for structure, members in structures.items():
        best = _best(members)
        look = style.look(structure).line()
        epochs = [epoch.epoch for epoch in best.epochs]
        errors = np.array([[epoch.test_error for epoch in run.epochs] for run in members])
        ax.fill_between(epochs, errors.min(axis=0), errors.max(axis=0), color=look["color"], alpha=0.15, linewidth=0)
        curve = [epoch.test_error for epoch in best.epochs]
        ax.plot(epochs, curve, **look, linewidth=1.4, markersize=4, markevery=max(1, len(epochs) // 8))
        ends.append((curve[-1], structure + (f",\nbest of {len(members)}" if len(members) > 1 else ""), look["color"]))
    for milestone in config.milestones:
        if milestone < config.epochs:
            ax.axvline(milestone + 0.5, color=MILESTONE, linestyle="--", linewidth=0.8)
    ax.set(xlim=(1, max(config.epochs, 2)), ylim=(0, None), xlabel=EPOCH, ylabel=ERROR)
    ax.xaxis.get_major_locator().set_params(integer=True)
    return ends


def _enlarge(ax: Axes, structures: dict[str, list[RunRecord]], config: RunConfig) -> None:
    """Limits around the epochs from the last fall of the learning rate on."""
    start = max(1, min(config.milestones[-1] + 1, config.epochs - 1))
    shown = [e.test_error for runs in structures.values() for run in runs for e in run.epochs if e.epoch >= start]
    finite = [error for error in shown if np.isfinite(error)] or [0.0]
    margin = 0.08 * (max(finite) - min(finite)) + 0.1
    ax.set(xlim=(start, max(config.epochs, 2)), ylim=(min(finite) - margin, max(finite) + margin), ylabel="")


def training_curves(run: RunRecord) -> Figure:
    """One run: its training loss, and its training and test errors, against the epoch."""
    return epoch_curves(run.config, run.epochs)


@style.styled
def epoch_curves(config: RunConfig, log: Sequence[Epoch]) -> Figure:
    """The same of the epochs that a run has finished; the axes reach to its last."""
    figure = style.new_figure(height=2.6)
    loss_ax, error_ax = figure.subplots(1, 2)
    epochs = [epoch.epoch for epoch in log]
    colour, marker, _ = style.look(config.structure)
    look = {"color": colour, "markersize": 3.5, "linewidth": 1.2}
    loss_ax.plot(epochs, [epoch.train_loss for epoch in log], marker=marker, **look)
    loss_ax.set(xlabel=EPOCH, ylabel="training loss", ylim=(0, None))
    curves = {"training": [epoch.train_error for epoch in log], "test": [epoch.test_error for epoch in log]}
    for (name, values), line in zip(curves.items(), (":", "-"), strict=True):
        error_ax.plot(epochs, values, linestyle=line, marker=marker, label=name, **look)
    error_ax.set(xlabel=EPOCH, ylabel="error / %", ylim=(0, None))
    for ax in (loss_ax, error_ax):
        ax.set(xlim=(0.8, max(config.epochs, 2) + 0.2))
        ax.xaxis.get_major_locator().set_params(integer=True)
    if epochs and epochs[-1] == config.epochs:
        style.label_ends(error_ax, [(values[-1], name, colour) for name, values in curves.items()])
    else:
        error_ax.legend()
    if is_smoke(config):
        style.watermark(figure)
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
        colour, symbol = style.VERDICTS[verdict]
        shown = f"{symbol} {verdict} ({column.sum()})"
        bars = ax.barh(sections, column, left=left, color=colour, edgecolor="#555555", lw=0.4, label=shown, height=0.7)
        texts = [f"{symbol} {n}" if n > 1 else symbol * n for n in column]
        ax.bar_label(bars, texts, label_type="center", color=style.ink_on(colour), fontsize=7.5)
        left += column.to_numpy()
    ax.invert_yaxis()
    ax.grid(visible=False)
    ax.set(xlabel="claims")
    ax.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(loc="outside upper center", ncols=3, fontsize=8)
    return figure
