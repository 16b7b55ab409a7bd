"""Table 1 as figures: the last error of every run, and the difference of two structures seed by seed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastres import paper, stats
from fastres.claims.checks.errors import paired
from fastres.experiments import is_smoke
from fastres.records.comparable import errors_by_seed, group
from fastres.records.runs import RunRecord
from fastres.views import style
from fastres.views.kinds import apart

ERROR, POINTS = "test error / %", "difference to basic in test error / points"
REFERENCE = "basic"
Panels = dict[tuple[str, int], dict[str, list[RunRecord]]]


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
def setting_dots(runs: Iterable[RunRecord]) -> Figure | None:
    """The last error of every run, one panel per setting and depth: compared within a panel, never with the paper's."""
    runs = list(runs)
    panels = _panels(runs)
    if not panels:
        return None
    figure, axes = _stacked([len(members) for members in panels.values()])
    for ax, ((where, depth), members) in zip(axes, panels.items(), strict=True):
        _rows(ax, {(where, depth, name): each for name, each in members.items()})
        style.title(ax, f"D = {depth}: {where}", 88)
    return _marked(figure, runs)


@style.styled
def difference_dots(runs: Iterable[RunRecord]) -> Figure | None:
    """Differences to basic, seed by seed, with mean and 95 % interval, one panel per setting and depth.

    Left of 0 a structure has the smaller error. None where no two runs form a pair.
    """
    runs = list(runs)
    panels = {key: members for key, members in _panels(runs).items() if len(_pairs(members)) > 0}
    if not panels:
        return None
    figure, axes = _stacked([len(_pairs(members)) for members in panels.values()])
    for ax, ((where, depth), members) in zip(axes, panels.items(), strict=True):
        _differences(ax, members)
        style.title(ax, f"D = {depth}: {where}", 88)
    return _marked(figure, runs)


def describe_errors(runs: Iterable[RunRecord]) -> str:
    """`setting_dots` in words."""
    found = []
    for (where, depth), members in _panels(runs).items():
        means = [
            f"{name} {stats.mean([run.last.test_error for run in each]).with_sd()}" for name, each in members.items()
        ]
        found.append(f"D = {depth}, {where}: {', '.join(means)}")
    return f"The last test error of every run in %, with mean and interval. {'; '.join(found)}."


def describe_differences(runs: Iterable[RunRecord]) -> str:
    """`difference_dots` in words."""
    found = []
    for (where, depth), members in _panels(runs).items():
        apart_by = [f"{name} {_difference(members, name):+.2f}" for name in _pairs(members)]
        found.append(f"D = {depth}, {where}: {', '.join(apart_by)}")
    return f"Differences to basic in test error, in points, with 95 % intervals. {'; '.join(found)}."


def _panels(runs: Iterable[RunRecord]) -> Panels:
    panels: Panels = defaultdict(dict)
    for (where, depth, structure), members in group(runs).items():
        panels[where, depth][structure] = members
    return panels


def _stacked(rows: Sequence[int]) -> tuple[Figure, Sequence[Axes]]:
    heights = [0.8 + 0.34 * n for n in rows]
    figure = style.new_figure(height=0.2 + sum(heights))
    return figure, figure.subplots(len(rows), height_ratios=heights, squeeze=False)[:, 0]


def _marked(figure: Figure, runs: Sequence[RunRecord]) -> Figure:
    if all(is_smoke(run.config) for run in runs):
        style.watermark(figure)
    return figure


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


def _dots(ax: Axes, place: int, values: Sequence[float], found: stats.Interval, structure: str) -> None:
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


def _difference(members: dict[str, list[RunRecord]], name: str) -> stats.Interval:
    errors, reference = errors_by_seed(members[name]), errors_by_seed(members[REFERENCE])
    return paired(errors, reference, members[name][0].data.test_size)


def _differences(ax: Axes, members: dict[str, list[RunRecord]]) -> None:
    reference, names = errors_by_seed(members[REFERENCE]), []
    for place, (name, seeds) in enumerate(_pairs(members).items()):
        errors, found = errors_by_seed(members[name]), _difference(members, name)
        _dots(ax, place, [errors[seed] - reference[seed] for seed in seeds], found, name)
        counted = f"{len(seeds)} pairs" if len(seeds) > 1 else "1 pair, binomial"
        names.append(f"{style.drawable(name)}\n{counted}")
    ax.axvline(0, color=style.OTHER_COLOUR, linewidth=0.9)
    low, high = ax.get_xlim()
    reach = max(abs(low), abs(high))
    ax.set(xlim=(-reach, reach), xlabel=POINTS, ylim=(len(names) - 0.5, -0.5))
    ax.set_yticks(range(len(names)), names)
