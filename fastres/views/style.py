"""The one look of every picture: colours and names of the structures, sizes, and how a figure is saved."""

import io
import textwrap

import matplotlib
from matplotlib.figure import Figure

from fastres import paths
from fastres.files import atomic_write

# Okabe-Ito colours: distinct in grey print and for colour-blind readers.
COLOURS = {"basic": "#0072B2", "simplified-1": "#D55E00", "simplified-2": "#009E73", "bottleneck": "#CC79A7"}


LABELS = {
    "basic": "basic (ResNet)",
    "simplified-1": "simplified-1 (FastResNet)",
    "simplified-2": "simplified-2",
}


VERDICT_COLOURS = ("#1b7837", "#5aae61", "#b2182b", "#8c8c8c", "#4a6fa5")  # in the order of the verdicts


OTHER_COLOUR = "#666666"


PAPER_COLOUR = "#000000"  # what the paper reports, wherever it stands beside ours


PAGE_WIDTH = 7.2  # inches


RC = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "figure.facecolor": "white",  # opaque, so that a figure stays legible on a dark page
    "svg.hashsalt": "fastres",  # the same figure is the same file
}


# Decorator of a function that draws: matplotlib reads its settings as each part is made.
styled = matplotlib.rc_context(RC)


def colour(structure: str) -> str:
    return COLOURS.get(structure, OTHER_COLOUR)


def label(structure: str) -> str:
    return LABELS.get(structure, structure)


def new_figure(height: float = 3.2, width: float = PAGE_WIDTH) -> Figure:
    """An empty figure in the project's style, sizes in inches, outside pyplot's global state."""
    with matplotlib.rc_context(RC):
        return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, name: str, alt: str):
    """Write outputs/figures/NAME.png and NAME.svg; return the picture for a notebook, with its alt text.

    The returned IPython Image holds the PNG itself, so that a figure is never lost to the matplotlib
    backend of whoever runs the notebook.
    """
    from IPython.display import Image  # only notebooks display; drawing works without IPython

    folder = paths.figures()
    png, svg = io.BytesIO(), io.BytesIO()
    with matplotlib.rc_context(RC):
        figure.savefig(png, format="png", dpi=150, metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None})
    for suffix, content in (("png", png), ("svg", svg)):
        with atomic_write(folder / f"{name}.{suffix}", "wb") as file:
            file.write(content.getvalue())
    width = round(figure.get_figwidth() * 100)
    return Image(png.getvalue(), format="png", width=width, alt=textwrap.dedent(alt).replace("\n", " ").strip())
