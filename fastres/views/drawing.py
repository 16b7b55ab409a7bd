"""Drawing primitives of the diagrams: boxes, lines, arrows and plus signs, in inches on one page."""

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

from fastres.models.structures import OPERATIONS
from fastres.views import style

# Of the operations of an activation, the same in every structure: normalisations are lighter.
FILL = {operation.label: "#E8E8E8" if operation.per_channel else "#CFCFCF" for operation in OPERATIONS.values()}
INK = "#222222"


def canvas(height: float) -> tuple[Figure, Axes]:
    """A page-wide figure with one invisible Axes, whose units are inches."""
    figure = style.new_figure(height)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, style.PAGE_WIDTH), ylim=(0, height))
    axes.axis("off")
    return figure, axes


def box(axes: Axes, x: float, y: float, width: float, height: float, text: str, colour: str) -> None:
    """A rounded box around (x, y): filled in the colour, grey for an activation, dashed for a removed step."""
    removed = not text
    face = FILL.get(text, "white" if removed else matplotlib.colors.to_rgba(colour, 0.16))
    edge = "#999999" if removed else INK if text in FILL else colour
    corner = (x - width / 2, y - height / 2)
    shape = "round,pad=0,rounding_size=0.05"
    dashes = (0, (3, 3)) if removed else "-"
    axes.add_patch(FancyBboxPatch(corner, width, height, shape, fc=face, ec=edge, lw=0.9, ls=dashes, zorder=3))
    text, ink = ("none", "#777777") if removed else (text, INK)
    axes.text(x, y, text, ha="center", va="center", color=ink, fontsize=8.5, zorder=4)


def plus(axes: Axes, x: float, y: float) -> None:
    axes.add_patch(Circle((x, y), 0.09, fc="white", ec=INK, lw=0.9, zorder=3))
    axes.plot([x - 0.05, x + 0.05], [y, y], color=INK, lw=0.9, zorder=4)
    axes.plot([x, x], [y - 0.05, y + 0.05], color=INK, lw=0.9, zorder=4)


def line(axes: Axes, points: list[tuple[float, float]]) -> None:
    axes.plot(*zip(*points, strict=True), color=INK, lw=0.9, solid_joinstyle="miter", zorder=2)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    look = {"arrowstyle": "-|>,head_width=0.12,head_length=0.25", "color": INK, "lw": 0.9, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=look, zorder=2)
