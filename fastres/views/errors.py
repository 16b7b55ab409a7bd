"""Table 1 as figures: the last error of every run, and the difference of two structures seed by seed."""

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastres import paper, stats
from fastres.claims.checks.errors import difference
from fastres.experiments import is_smoke
from fastres.records.comparable import errors_by_seed, group, panels
from fastres.records.runs import RunRecord
from fastres.views import style
from fastres.views.kinds import apart

ERROR, POINTS = "test error / %", "difference to basic in test error / points"
REFERENCE = "basic"


@style.styled
def error_dots(runs: Iterable[RunRecord], depth: int = 20, dataset: str = "cifar10") -> Figure:
    """The paper's mean ± sd of each structure, and below it every run of its recipe with mean and 95 % interval."""
    full = [run for run in apart(runs).paper if (run.config.dataset, run.config.depth) == (dataset, depth)]
    reported = [row for row in paper.results() if (row.dataset, row.depth) == (dataset, depth)]
    groups = group(full)
    figure = style.new_figure(height=0.9 + 0.36 * (len(reported) + len(groups)))
    ax = figure.subplots()
    for place, row in enumerate(reported):
        ax.errorbar(row.error, place, xerr=row.error_sd, capsize=3, fmt="D", color=style.PAPER_COLOUR, markersize=5)
    _rows(ax, groups, [f"paper: {row.structure}" for row in reported])
    ours = "ours: every run, mean, 95 % interval" if full else "no run of this recipe recorded yet"
    style.title(ax, f"D = {depth}, {dataset}, 160 epochs. The paper's mean ± sd of 5 runs; {ours}")
    return figure


@style.styled
def difference_dots(runs: Iterable[RunRecord]) -> Figure | None:
    """Differences to basic, seed by seed, with mean and 95 % interval; below each setting a row for each structure.

    Settings share the axis, as each difference is within one. Left of 0 a structure has the smaller error. None where
    no two runs form a pair.
    """
    runs = list(runs)
    found = {key: members for key, members in panels(runs).items() if len(_pairs(members)) > 0}
    if not found:
        return None
    figure = style.new_figure(height=0.8 + sum(0.26 + 0.24 * len(_pairs(members)) for members in found.values()))
    ax, names, at = figure.subplots(), {}, 0.0
    ax.axvline(0, color=style.OTHER_COLOUR, linewidth=0.9)
    for (where, depth), members in found.items():
        text = style.drawable(f"D = {depth}: {where}")
        plain = {"fontsize": 7.5, "va": "center", "bbox": {"color": "white", "pad": 1}}
        ax.annotate(text, (0, at), (4, 0), ("axes fraction", "data"), "offset points", **plain)
        for place, (name, told) in enumerate(_differences(ax, members, at + 1).items(), start=1):
            names[at + place] = f"{style.drawable(name)}, {told}"
        at += len(_pairs(members)) + 1.15
    ax.set(xlabel=POINTS, ylim=(at - 0.5, -0.6))
    ax.set_yticks(list(names), list(names.values()), fontsize=8)
    ax.grid(visible=False, axis="y")
    if all(is_smoke(run.config) for run in runs):
        style.watermark(figure)
    return figure


def describe_differences(runs: Iterable[RunRecord]) -> str:
    """`difference_dots` in words."""
    found = []
    for (where, depth), members in panels(runs).items():
        apart_by = [f"{name} {difference(members[name], members[REFERENCE]):+.2f}" for name in _pairs(members)]
        found.append(f"D = {depth}, {where}: {', '.join(apart_by)}")
    return f"Differences to basic in test error, in points, with 95 % intervals. {'; '.join(found)}."


def _rows(ax: Axes, groups: dict[tuple[str, int, str], list[RunRecord]], above: Sequence[str] = ()) -> None:
    """One row for each structure and setting, below rows that are left for others."""
    many = len({where for where, _, _ in groups}) > 1
    names = list(above)
    for (where, _, structure), members in groups.items():
        names.append(style.drawable(structure + (f"\n{where}" if many else "")))
        errors = [run.last.test_error for run in members]
        _dots(ax, len(names) - 1, errors, stats.mean(errors), structure)
    ax.set_yticks(range(len(names)), names)
    ax.margins(x=0.1)
    ax.set(xlabel=ERROR, ylim=(len(names) - 0.5, -0.5))


def _dots(ax: Axes, place: float, values: Sequence[float], found: stats.Interval, structure: str) -> None:
    colour, marker, _ = style.look(structure)
    ax.plot(values, [place] * len(values), marker, color=colour, alpha=0.5, markersize=5, linestyle="none")
    if np.isfinite(found.low):
        bars = [[found.value - found.low], [found.high - found.value]]
        ax.errorbar([found.value], [place], xerr=bars, fmt="|", markersize=14, capsize=4, color=colour, linewidth=1.6)


def _pairs(members: dict[str, list[RunRecord]]) -> dict[str, list[int]]:
    """The seeds that each structure has in common with the reference; structures without any are left out."""
    reference = errors_by_seed(members.get(REFERENCE, []))
    common = {name: sorted(errors_by_seed(runs).keys() & reference) for name, runs in members.items()}
    return {name: seeds for name, seeds in common.items() if seeds and name != REFERENCE}


def _differences(ax: Axes, members: dict[str, list[RunRecord]], first: float) -> dict[str, str]:
    """Draw a row for each structure, the first at this y; how many pairs each has."""
    reference, pairs = errors_by_seed(members[REFERENCE]), _pairs(members)
    for place, (name, seeds) in enumerate(pairs.items()):
        errors = errors_by_seed(members[name])
        if found := difference(members[name], members[REFERENCE]):
            _dots(ax, first + place, [errors[seed] - reference[seed] for seed in seeds], found, name)
    return {name: f"{len(seeds)} pair{'s' * (len(seeds) > 1)}" for name, seeds in pairs.items()}
