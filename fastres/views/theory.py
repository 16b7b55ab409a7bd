"""Charts and tables of the theory notebooks (01 to 03)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor

from fastres import theory
from fastres.claims.ledger import word_of
from fastres.theory.counts import costs
from fastres.views import style, tables

NAMES = ("basic", "simplified-1", "simplified-2")
GIB = 2**30


def table(rows: Sequence[Sequence[object]], *columns: str):
    """Rows shown as `tables.show` shows a frame. Raises ValueError where a row has another length than the columns."""
    return tables.show(pd.DataFrame(rows, columns=columns))


def findings(rows: Sequence[tuple[str, str, object, object]], what: str):
    """What a theory notebook found, as a table: rows of (name, claim, what is needed, measured error).

    The verdict on the claim is the ledger's; an empty claim is a statement that the paper does not make.
    """
    shown = [(name, word_of(claim) if claim else "–", needed, error) for name, claim, needed, error in rows]
    return table(shown, what, "verdict", "what is needed", "measured error")


@style.styled
def relu_figure(extent: float = 3.0) -> Figure:
    """Figure 2: f(x) = max(0, x), Eq (4), and its slope."""
    x = torch.linspace(-extent, extent, 601, dtype=torch.float64)
    figure = style.new_figure(2.6, 4.4)
    axes = figure.subplots()
    axes.plot(x, theory.relu(x), color=style.PAPER_COLOUR, lw=2)
    axes.plot(x, (x > 0).double(), color=style.OTHER_COLOUR, lw=1.2, ls="--")
    axes.text(1.9, 2.1, "f(x) = max(0, x)", ha="right")
    axes.text(extent, 0.72, "its slope, 0 or 1", ha="right", color=style.OTHER_COLOUR)
    axes.set(xlabel="x", ylabel="f(x)", aspect="equal", ylim=(-0.3, extent))
    return figure


@style.styled
def maps_figure(maps: Mapping[str, Tensor], unit: str) -> Figure:
    """Signed maps (H, W) side by side on one colour scale, blue below zero, red above; one title each."""
    limit = max(values.abs().max().item() for values in maps.values())
    figure = style.new_figure(2.75)
    columns = figure.subplots(1, len(maps), squeeze=False)[0]
    for axes, (title, values) in zip(columns, maps.items(), strict=True):
        image = axes.imshow(values.numpy(), cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set_title(title, fontsize=9)
        axes.set(xticks=[], yticks=[])
        axes.grid(False)
        axes.spines[["top", "right"]].set_visible(True)
    figure.colorbar(image, ax=columns, shrink=0.8).ax.set_title(unit, fontsize=8)
    return figure


@style.styled
def costs_figure(depths: Sequence[int], batch_size: int = 128) -> Figure:
    """Work and activation memory against depth, and each count as a share of the basic structure's."""
    counts = {name: [costs(name, depth) for depth in depths] for name in NAMES}
    figure = style.new_figure(3.1)
    work, memory, shares = figure.subplots(1, 3, width_ratios=(1, 1, 1.25))
    for name, ours in counts.items():
        look = {**style.look(name).line(), "ms": 5, "label": name}
        work.plot(depths, [cost.macs / 1e9 for cost in ours], **look)
        memory.plot(depths, [cost.saved_bytes(batch_size) / GIB for cost in ours], **look)
    for axes, title, ticks in (
        (work, "multiply-accumulates\nper image, 10⁹", (0.05, 0.1, 0.2, 0.5, 1)),
        (memory, f"stored for backward, GiB\nper batch of {batch_size}", (0.2, 0.5, 1, 2, 5)),
    ):
        axes.set(xscale="log", yscale="log", xlabel="depth D", title=title)
        axes.set_xticks(depths, [str(depth) for depth in depths])
        axes.set_yticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
    figure.legend(*work.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    _share_bars(shares, [counts[name][-1] for name in NAMES])
    shares.set_title(f"share of the basic network's,\n%, D = {depths[-1]}")
    return figure


def _share_bars(axes, ours: Sequence[theory.Costs]) -> None:
    rows = {
        "MACs": "macs",
        "parameters": "parameters",
        "stored for\nbackward": "saved_elements",
        "normalised\nnumbers": "bn_elements",
        "ReLUs on the\nlongest path": "relu_path",
    }
    places = np.arange(len(rows))
    for i, (name, cost) in enumerate(zip(NAMES[1:], ours[1:], strict=True)):
        share = [100 * getattr(cost, field) / getattr(ours[0], field) for field in rows.values()]
        bars = axes.barh(places + 0.38 * (i - 0.5), share, 0.36, color=style.colour(name), label=name)
        axes.bar_label(bars, fmt="%.1f", fontsize=7, padding=2)
    axes.set(xlim=(0, 125), xticks=(0, 50, 100))
    axes.set_yticks(places, list(rows), fontsize=8)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)


@style.styled
def times_figure(seconds: pd.DataFrame, cap: float, predicted: Mapping[int, float]) -> Figure:
    """The paper's seconds per epoch (index: depth, columns: structures), per layer and as reductions.

    predicted (by depth): the reduction, in %, of times affine in n through the two shallowest networks; cap: its limit.
    """
    figure = style.new_figure(2.8)
    layers, reductions = figure.subplots(1, 2)
    for name in NAMES[:2]:
        layers.plot(seconds.index, seconds[name] / seconds.index, **style.look(name).line(), ms=5)
    layers.set(title="the paper's seconds per epoch and layer", ylim=(0, None))
    reduction = 100 * (1 - seconds["simplified-1"] / seconds["basic"])
    reductions.plot(seconds.index, reduction, color=style.PAPER_COLOUR, marker="D", ms=5)
    line = {"color": style.OTHER_COLOUR, "ls": "--"}
    reductions.plot(list(predicted), list(predicted.values()), **line)
    reductions.axhline(cap, color=style.OTHER_COLOUR, lw=0.8, ls=":")
    reductions.set(title="reduction of the time, %", ylim=(0, 60))
    last = seconds.iloc[-1] / seconds.index[-1]
    for axes in (layers, reductions):
        axes.set(xscale="log", xlabel="depth D")
        axes.set_xticks(list(seconds.index), [str(depth) for depth in seconds.index])
        axes.minorticks_off()
    style.label_ends(layers, [(last[name], name, style.colour(name)) for name in NAMES[:2]])
    ends = [(reduction.iloc[-1], "printed\nseconds", style.PAPER_COLOUR)]
    ends += [(predicted[max(predicted)], f"affine in n:\nbelow {cap:.1f} %", style.OTHER_COLOUR)]
    style.label_ends(reductions, ends)
    return figure
