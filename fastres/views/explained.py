"""Eqs (9) and (12) as pictures of chosen values: two kernels and their product, and how affine a ReLU is."""

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor

from fastres import theory
from fastres.stats import signed
from fastres.theory.linearity import relu_of_normal
from fastres.views import style

MAP = 10  # pixels on a side of the map on which the border is shown
KERNELS = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "mean": [[1 / 9] * 3] * 3,
    "Laplace": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "edge": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "shift": [[0, 0, 0], [0, 0, 1], [0, 0, 0]],
}


def _composed(first: str, second: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Both kernels, their 5x5 kernel, and two convolutions minus one on a random map; all (H, W)."""
    w1, w2 = (torch.tensor(KERNELS[name], dtype=torch.float64)[None, None] for name in (first, second))
    x = torch.randn(1, 1, MAP, MAP, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    w3, _ = theory.compose_convs(w1, None, w2, None)
    error = theory.border_correction(x, w1, None, w2, None)
    return w1[0, 0], w2[0, 0], w3[0, 0], error[0, 0]


@style.styled
def kernels_figure(first: str, second: str) -> Figure:
    """The kernels with their weights, and the error of the single one on a random map, which is its outermost ring.

    A kernel is coloured by its own largest weight, as its numbers stand in it; the error has a colour bar.
    """
    w1, w2, w3, error = _composed(first, second)
    figure = style.new_figure(2.6)
    axes = figure.subplots(1, 4, width_ratios=(3, 3, 4, 4.6))
    largest = f"two 3×3 minus one 5×5 on\na {MAP}×{MAP} map: at most {float(error.abs().max()):.2g}"
    titles = (f"first: {first}", f"second: {second}", "one 5×5 kernel", largest)
    for ax, values, title in zip(axes, (w1, w2, w3, error), titles, strict=True):
        image = _squares(ax, values, numbers=values is not error)
        ax.set_title(title, fontsize=8.5)
    figure.colorbar(image, ax=axes[-1], shrink=0.7).ax.tick_params(labelsize=7)
    return figure


def _squares(ax: Axes, values: Tensor, numbers: bool) -> AxesImage:
    limit = float(values.abs().max())
    limit = limit if limit > 1e-12 else 1.0
    image = ax.imshow(values.numpy(), cmap="RdBu_r", vmin=-limit, vmax=limit)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[["top", "right"]].set_visible(True)
    for (row, column), value in np.ndenumerate(values.numpy() if numbers else np.empty((0, 0))):
        ink = "white" if abs(value) > 0.6 * limit else "black"
        text = signed(value, ".2g").replace("0.", ".")
        ax.text(column, row, text, ha="center", va="center", color=ink, fontsize=6.5)
    return image


def describe_kernels(first: str, second: str) -> str:
    error = _composed(first, second)[3]
    ring = theory.ring(MAP, MAP)
    inside, border = (float(error[where].abs().max()) for where in (~ring, ring))
    return (
        f"The 3x3 kernels {first} and {second}, the 5x5 kernel that they make in a row, and the error of that "
        f"kernel on a map: at most {inside:.2g} inside, {border:.2g} on the outermost ring of pixels."
    )


@style.styled
def affine_figure(ratio: float) -> Figure:
    """Left: ReLU(BN(X)) of a normal X and the nearest affine map; right: what that explains, by the ratio."""
    fit = relu_of_normal(ratio)
    figure = style.new_figure(2.9)
    curve_ax, share_ax = figure.subplots(1, 2)
    z = np.linspace(-3.2, 3.2, 129)
    density = np.exp(-(z**2) / 2)
    output, line = np.maximum(0, z + ratio), fit.scale * z + fit.shift
    curve_ax.fill_between(z, 0, density * output.max() / 2, color="#DDDDDD", linewidth=0)
    curve_ax.plot(z, output, color=style.PAPER_COLOUR, linewidth=1.8)
    curve_ax.plot(z, line, "--", color=style.OTHER_COLOUR, linewidth=1.4)
    curve_ax.set(xlabel="normalised input (grey: how often)", ylabel="output")
    style.title(curve_ax, f"β / γ = {signed(ratio, '.1f')}: {100 * fit.positive:.0f} % of BN(X) are positive")
    ends = [(output[-1], "ReLU(BN(X))", style.PAPER_COLOUR), (line[-1], "nearest\naffine map", style.OTHER_COLOUR)]
    ratios = np.linspace(-2, 4, 121)
    share_ax.plot(ratios, [100 * relu_of_normal(each).r2 for each in ratios], color=style.OTHER_COLOUR)
    share_ax.plot([ratio], [100 * fit.r2], "o", color=style.PAPER_COLOUR, markersize=7)
    share_ax.axhline(100, color=style.PAPER_COLOUR, linewidth=0.9)
    share_ax.set(xlabel="β / γ", ylabel="variance explained / %", ylim=(0, 108))
    style.title(share_ax, f"explained: {100 * fit.r2:.1f} %; Eq (9) needs 100 %", 60)
    style.label_ends(curve_ax, ends)
    return figure


def describe_affine(ratio: float) -> str:
    fit = relu_of_normal(ratio)
    return (
        f"Left: ReLU(BN(X)) of a normal X at beta over gamma {ratio:.1f}, and the nearest affine map. "
        f"Right: the share of variance that it explains against that ratio, here {100 * fit.r2:.1f} percent."
    )
