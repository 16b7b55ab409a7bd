"""What the paper cites from other work, as experiments: differences to the basic block in small networks.

A structure is compared with basic in the same recipe; stochastic depth and no augmentation, with basic as it is.
"""

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastres.claims.checks.errors import difference, training_difference
from fastres.claims.checks.study import base_setting
from fastres.experiments import CITED, VARIED, select
from fastres.records.runs import RunRecord, finished
from fastres.stats import Interval
from fastres.views import style

REFERENCE, DEPTH = "basic", 8
TRAINING, TEST = "training error", "test error"
POINTS = "difference to basic / points"


class Row(NamedTuple):
    """A structure and recipe against basic; n: common seeds with an error; ended: diverged runs of both."""

    place: str
    structure: str
    recipe: str  # "lr 0.01"; empty for the paper's
    n: int
    ended: int
    training: Interval | None
    test: Interval | None


def chosen(runs: Iterable[RunRecord], depth: int = DEPTH) -> tuple[str, list[RunRecord]]:
    """The setting with most runs of these experiments at a depth; ("", []) without runs.

    The fields that the experiments vary do not tell settings apart here.
    """
    settings: dict[str, list[RunRecord]] = defaultdict(list)
    there = [run for run in runs if run.config.depth == depth]
    known = {run.run_id: run for cited in CITED for run in select(there, cited.name)}
    for run in known.values():
        settings[base_setting(run)].append(run)
    return max(settings.items(), key=lambda entry: (len(entry[1]), entry[0]), default=("", []))


def rows(runs: Iterable[RunRecord]) -> list[Row]:
    """Every structure and recipe of these experiments that has runs. The runs are of one setting (`chosen`)."""
    runs, found = list(runs), []
    for cited in CITED:
        alone = cited.structures == (REFERENCE,)
        for recipe, structure in product(cited.recipes, cited.structures):
            members, basic = _of(runs, structure, recipe), _of(runs, REFERENCE, {} if alone else recipe)
            if members and basic and (structure != REFERENCE or (alone and recipe)):
                found.append(_row(cited.place, structure, recipe, members, basic))
    return found


def _of(runs: list[RunRecord], structure: str, recipe: Mapping[str, Any]) -> list[RunRecord]:
    wanted = VARIED | dict(recipe)
    there = [run for run in runs if run.config.structure == structure]
    return [run for run in there if all(getattr(run.config, name) == value for name, value in wanted.items())]


def _row(place: str, structure: str, recipe: Mapping[str, Any], runs: list[RunRecord], basic: list[RunRecord]) -> Row:
    known, reference = finished(runs), finished(basic)
    training, test = training_difference(known, reference), difference(known, reference)
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in recipe.items())
    ended = len(runs) + len(basic) - len(known) - len(reference)
    return Row(place, structure, told, test.n if test else 0, ended, training, test)


@style.styled
def differences(found: list[Row]) -> Figure | None:
    """Errors against basic, a row for each structure and recipe, with 95 % intervals; None without rows.

    Filled markers are test errors, hollow ones below them training errors.
    """
    if not found:
        return None
    places = list(dict.fromkeys(row.place for row in found))
    figure = style.new_figure(height=0.9 + 0.27 * (len(found) + len(places)))
    heights: dict[float, Row] = {}
    ax, at = figure.subplots(), 0.0
    ax.axvline(0, color=style.OTHER_COLOUR, linewidth=0.9)
    for place in places:
        here = [row for row in found if row.place == place]
        lines = textwrap.wrap(style.drawable(place), 80)
        at += 0.5 * (len(lines) - 1)
        heights |= {at + number: row for number, row in enumerate(here, start=1)}
        plain = {"fontsize": 7.5, "va": "center", "bbox": {"color": "white", "pad": 1}, "zorder": 4}
        title = ax.annotate("\n".join(lines), (0, at), (4, 0), ("axes fraction", "data"), "offset points", **plain)
        title.set_in_layout(False)  # it may reach beyond the axes without moving them
        at += len(here) + 1
    for height, row in heights.items():
        _mark(ax, height - 0.17, row.test, row.structure, {"label": TEST})
        _mark(ax, height + 0.17, row.training, row.structure, {"label": TRAINING, "markerfacecolor": "white"})
    ax.set(xlabel=POINTS, ylim=(at - 0.3, -0.6))
    ax.set_yticks(list(heights), [_label(row) for row in heights.values()], fontsize=8)
    ax.grid(visible=False, axis="y")
    handles = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", fontsize=8, ncols=2)
    return figure


def _label(row: Row) -> str:
    ended = f", {row.ended} diverged" if row.ended else ""
    return f"{row.structure}{f', {row.recipe}' if row.recipe else ''} (n = {row.n}{ended})"


def _mark(ax: Axes, height: float, found: Interval | None, structure: str, look: Mapping[str, str]) -> None:
    if found is not None:
        bars = [[found.value - found.low], [found.high - found.value]]  # NaN, without an interval: nothing is drawn
        shared = {"fmt": "o", "color": style.colour(structure), "capsize": 2, "markersize": 4.5, "linewidth": 1}
        ax.errorbar(found.value, height, xerr=bars, **shared, **look)


def describe(found: Iterable[Row]) -> str:
    """`differences` in words."""
    told = [
        f"{_label(row)}: training {f'{row.training:+.2f}' if row.training else 'no pair'}, "
        f"test {f'{row.test:+.2f}' if row.test else 'no pair'}"
        for row in found
    ]
    return f"Differences to basic in points, with 95 % intervals. {'; '.join(told)}."
