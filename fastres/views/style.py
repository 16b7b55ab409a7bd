"""The style of all figures: colour, marker and dashes of a structure; colour and symbol of a verdict; sizes.

Nothing is encoded by colour alone: structures differ in marker and dashes too, verdicts in symbol and lightness. No
colour of a structure means anything else.
"""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox


class Look(NamedTuple):
    """How a structure is drawn; dashes: lengths of line and gap in points, "" for a solid line."""

    colour: str
    marker: str
    dashes: tuple[float, ...] | str

    def line(self) -> dict[str, Any]:
        """The same as keyword arguments of matplotlib's `plot`."""
        return {"color": self.colour, "marker": self.marker, "linestyle": (0, self.dashes) if self.dashes else "-"}


# Okabe and Ito's colours, distinguishable with deuteranopia.
STRUCTURES = {
    "basic": Look("#0072B2", "o", ""),
    "simplified-1": Look("#D55E00", "s", (5, 1.5)),
    "simplified-2": Look("#009E73", "^", (1.5, 1.2)),
    "bottleneck": Look("#CC79A7", "D", (5, 1.5, 1.5, 1.5)),
    "bn/bn-relu": Look("#E69F00", "v", (8, 2)),
    "relu/bn-relu": Look("#56B4E9", "P", (3, 1, 1, 1)),
}
LABELS = {"basic": "basic (ResNet)", "simplified-1": "simplified-1 (FastResNet)"}
OTHER_COLOUR = "#666666"
PAPER_COLOUR = "#000000"  # the paper's values beside ours

# Blue for what holds, darker the more of it does; brown for what does not. In grey, "reproduced" is by far the darkest.
VERDICTS = {  # colour, symbol
    "reproduced": ("#08306B", "✓"),
    "smaller effect": ("#4A90C8", "↓"),
    "holds once corrected": ("#B4D6EE", "≈"),
    "not reproduced": ("#E89C4F", "✗"),
    "wrong as stated": ("#B35806", "≠"),
    "open": ("#FFF0A8", "?"),
    "not yet run": ("#C4C4C4", "…"),
    "outside what a run can show": ("#EDEDED", "○"),
    "built as stated": ("#D9F0E3", "="),
}

PAGE_WIDTH = 7.2  # inches
RC = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.prop_cycle": matplotlib.cycler(color=[each.colour for each in STRUCTURES.values()]),
    "legend.frameon": False,
    "figure.facecolor": "white",  # opaque, so that a figure stays legible on a dark page
    "svg.hashsalt": "fastres",  # the same figure is the same file
}

# Decorator of a function that draws, and context manager: matplotlib reads its settings as each part is made. They
# start from its defaults, not from a user's matplotlibrc.
styled = matplotlib.style.context(["default", RC])


# Of a name beside its point: offset in points, and which end of the text stands there.
PLACES = {
    (5, 3): ("left", "bottom"),
    (5, -3): ("left", "top"),
    (-5, 3): ("right", "bottom"),
    (-5, -3): ("right", "top"),
    (0, 7): ("center", "bottom"),
    (0, -7): ("center", "top"),
    (5, 13): ("left", "bottom"),
    (5, -13): ("left", "top"),
    (-5, 13): ("right", "bottom"),
    (-5, -13): ("right", "top"),
}


def look(structure: str) -> Look:
    return STRUCTURES.get(structure, Look(OTHER_COLOUR, "X", (1, 2)))


def colour(structure: str) -> str:
    return look(structure).colour


def label(structure: str) -> str:
    return LABELS.get(structure, structure)


def title(ax: Axes, text: str, width: int = 95) -> None:
    """A small title from the left edge, wrapped after `width` characters, as settings are long."""
    ax.set_title("\n".join(textwrap.wrap(drawable(text), width)), fontsize=8, loc="left")


def drawable(text: str) -> str:
    """The text with "?" for every letter that the figures' font lacks, which a user's name may have."""
    font = get_font(findfont("DejaVu Sans"))
    return "".join(letter if letter.isspace() or font.get_char_index(ord(letter)) else "?" for letter in text)


def label_ends(ax: Axes, lines: Sequence[tuple[float, str, str]]) -> None:
    """Write (y, text, colour) at the right edge of the axes, each beside its line's end, apart enough to be read.

    Call it when everything is drawn. Texts are kept 11 points from each other, in the order of their y.
    """
    ax.get_ylim()  # settles limits that follow from the data: matplotlib leaves them open until it is asked
    height = ax.get_window_extent().height * 72 / ax.figure.dpi  # of a layout not yet made, so of the whole place
    place, line = ax.transData + ax.transAxes.inverted(), 11 / max(height, 1)
    wanted = sorted((float(place.transform((1, y))[1]), text, colour) for y, text, colour in lines)
    tall = [line * (text.count("\n") + 1) for _, text, _ in wanted]
    heights = [at for at, _, _ in wanted]
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + (tall[i - 1] + tall[i]) / 2)
    shift = max(0.0, heights[-1] + tall[-1] / 2 - 1 - line) if heights else 0.0
    for at, (_, text, colour) in zip(heights, wanted, strict=True):
        ax.annotate(
            text, (1, at - shift), (4, 0), xycoords="axes fraction", textcoords="offset points", color=colour,
            fontsize=8, va="center",
        )  # fmt: skip


def label_points(ax: Axes, points: Mapping[str, tuple[float, float]], bold: Collection[str] = ()) -> None:
    """Write each point's name beside it, at the place of PLACES where it covers least: no marker, name, bar or line.

    Call it when everything is drawn.
    """
    ax.figure.draw_without_rendering()  # settles the layout, and with it what covers what
    taken = [Bbox([at - 5, at + 5]) for at in map(ax.transData.transform, points.values())] + _drawn(ax)
    for name, at in points.items():
        weight = "bold" if name in bold else "normal"
        found: list[tuple[int, int, Annotation, Bbox]] = []
        for (right, up), (across, along) in PLACES.items():
            look = {"textcoords": "offset points", "fontsize": 7, "weight": weight, "ha": across, "va": along}
            text = ax.annotate(name, at, (right, up), **look)
            box = text.get_window_extent()
            outside = not all(ax.bbox.contains(*corner) for corner in box.corners())
            found.append((outside * 100 + sum(box.overlaps(other) for other in taken), len(found), text, box))
        best = min(found, key=lambda each: each[:2])
        for each in found:
            if each is not best:
                each[2].remove()
        taken.append(best[3])


def _drawn(ax: Axes) -> list[Bbox]:
    """Small boxes along every line and error bar of the axes, in pixels."""
    bars = [path for collection in ax.collections for path in collection.get_paths()]
    boxes = []
    for path in [*bars, *(line.get_path() for line in ax.get_lines())]:
        corners = ax.transData.transform(path.vertices)
        for start, end in pairwise(corners):
            steps = np.linspace(start, end, 2 + int(np.hypot(*(end - start)) / 3))
            boxes += [Bbox([at - 1, at + 1]) for at in steps]
    return boxes


def watermark(figure: Figure, text: str = "SMOKE RUN") -> None:
    """Across the whole figure: these numbers are not the paper's."""
    look = {"fontsize": 44, "color": "#B35806", "alpha": 0.13, "rotation": 20, "ha": "center", "va": "center"}
    figure.text(0.5, 0.5, text, **look)


def ink_on(colour: str) -> str:
    """Black or white, whichever is legible on a colour."""
    return "black" if np.dot(to_rgb(colour), (0.299, 0.587, 0.114)) > 0.5 else "white"


def new_figure(height: float = 3.2, width: float = PAGE_WIDTH) -> Figure:
    """An empty figure in the project's style, sizes in inches, outside pyplot's global state."""
    with matplotlib.style.context(["default", RC]):
        return Figure(figsize=(width, height), layout="constrained")
