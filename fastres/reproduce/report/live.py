"""Pictures of a notebook that the reader of its page can change: every state is drawn when the report is written.

The page shows the notebook's own figure. Its controls and a script put the picture and the table of another state in
their place; without the script the figure stays and the controls stay hidden.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from bs4 import BeautifulSoup, Tag

from fastres.experiments import PARTS
from fastres.views import explained, explore, figures, tables

FOLDER = "pictures"  # beside the pages


@dataclass(frozen=True)
class Piece:
    """draw: of the values of the controls, in order. choices: of each control; numbers make it a slider.

    first: the values of the notebook's figure.
    """

    draw: Callable[..., explore.Drawn]
    choices: Mapping[str, tuple[str | float, ...]]
    first: tuple[str | float, ...]


PIECES = {  # by the name of their figure
    "explore_structure": Piece(
        functools.partial(explore.structure_drawn, depth=20),
        {"activation f₁": PARTS, "activation f₂": PARTS},
        ("none", "bn-relu"),
    ),
    "explore_kernels": Piece(
        explore.kernels_drawn,
        {"first kernel": tuple(explained.KERNELS), "second kernel": tuple(explained.KERNELS)},
        ("mean", "Laplace"),
    ),
    "explore_affine": Piece(
        explore.affine_drawn, {"β / γ": tuple(float(ratio) for ratio in np.arange(-2, 4.25, 0.5))}, (0.0,)
    ),
}


@dataclass(frozen=True)
class State:
    """A picture as SVG, its size in CSS pixels, its words, and the HTML of the table below it ("" for none)."""

    picture: bytes
    width: int
    height: int
    alt: str
    table: str


@functools.cache
def states(name: str) -> dict[str, State]:
    """Every state of a piece by the values of its controls, as "none bn-relu"."""
    return {_key(values): _state(PIECES[name], values) for values in product(*PIECES[name].choices.values())}


def _state(piece: Piece, values: tuple[str | float, ...]) -> State:
    figure, alt, frame = piece.draw(*values)
    width, height = (round(100 * inches) for inches in figure.get_size_inches())
    table = "" if frame is None else tables.show(frame).markup
    return State(figures.rendered(figure, "svg"), width, height, alt, table)


def _key(values: tuple[str | float, ...]) -> str:
    return " ".join(f"{value:g}" if isinstance(value, float) else value for value in values)


def attach(soup: BeautifulSoup) -> dict[str, bytes]:
    """Give the figures of PIECES their controls and states; the pictures of the states, by path beside the page."""
    pictures = {}
    for name, piece in PIECES.items():
        figure = soup.find("figure", id=f"figure-{name}")
        if not isinstance(figure, Tag) or not isinstance(figure.parent, Tag):
            continue
        figure.parent["class"] = "live"
        figure.insert_before(_controls(soup, name, piece))
        for number, (key, state) in enumerate(states(name).items()):
            path = f"{FOLDER}/{name.removeprefix('explore_')}-{number}.svg"
            pictures[path] = state.picture
            size = {"width": str(state.width), "height": str(state.height)}
            template = soup.new_tag("template", attrs={"data-state": key})
            template.append(soup.new_tag("img", attrs={"alt": state.alt, "src": path, **size}))
            template.append(BeautifulSoup(state.table, "html.parser"))
            figure.parent.append(template)
    return pictures


def _controls(soup: BeautifulSoup, name: str, piece: Piece) -> Tag:
    """A form that the script shows: a menu for words, a slider with its value for numbers."""
    form = soup.new_tag("form", attrs={"class": "controls", "autocomplete": "off", "hidden": ""})
    for (words, choices), first in zip(piece.choices.items(), piece.first, strict=True):
        label = soup.new_tag("label", string=f"{words} ")
        if isinstance(first, float):
            ends = {"min": f"{choices[0]:g}", "max": f"{choices[-1]:g}", "step": "0.5"}
            label.append(soup.new_tag("input", attrs={"type": "range", **ends, "value": f"{first:g}"}))
            label.append(soup.new_tag("output", string=f"{first:g}"))
        else:
            menu = soup.new_tag("select")
            for choice in choices:
                chosen = {"selected": ""} if choice == first else {}
                menu.append(soup.new_tag("option", attrs=chosen, string=str(choice)))
            label.append(menu)
        form.append(label)
    return form
