"""What is drawn, and beside what: read back from the artists of each figure."""

import math

import pandas as pd
from made_up import record
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from fastres import paper, paths
from fastres.claims.finding import VERDICTS
from fastres.views import figures, style


def full(structure: str = "basic", seed: int = 0, error: float = 7.5, **fields):
    """A run of the paper's recipe."""
    return record((20.0,) * 159 + (error,), **{"dataset": "cifar10", "structure": structure, "seed": seed, **fields})


def drawn_x(ax) -> set[float]:
    """The x of every marker: lines, and seaborn's dots."""
    found = {float(x) for line in ax.get_lines() for x in line.get_xdata() if line.get_marker() not in ("None", "")}
    return found | {float(x) for dots in ax.collections for x, _ in dots.get_offsets()}


def test_a_figure_is_shown_with_its_words_and_saved_twice():
    figure = style.new_figure()
    figure.subplots().plot([0, 1])
    picture = figures.show(
        figure,
        "a",
        alt="""Two
        points.""",
    )
    assert picture.alt == "Two points." and picture.data == (paths.figures() / "a.png").read_bytes()
    assert "<svg" in (paths.figures() / "a.svg").read_text(encoding="utf-8")
    again = figures.show(figure, "a", alt="Two points.")
    assert again.data == picture.data


def curves(ax) -> list[list[float]]:
    """What each visible line is drawn through, but for the marks where the rate falls."""
    lines = [line for line in ax.get_lines() if line.get_linewidth() > 0 and line.get_color() != "#888888"]
    return [list(line.get_ydata()) for line in lines if len(line.get_ydata())]


def test_the_best_run_is_the_line_and_the_range_the_band():
    runs = [record((30.0, 20.0 + seed), seed=seed) for seed in range(3)]
    (ax,) = figures.error_curves(runs).axes
    assert curves(ax) == [[30.0, 20.0]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["basic (ResNet), best of 3"]
    (band,) = ax.collections
    assert band.get_paths()[0].get_extents().y0 == 20 and {22.0, 30.0} <= set(band.get_paths()[0].vertices[:, 1])


def test_settings_and_depths_have_curves_of_their_own():
    runs = [record(), record(structure="simplified-1"), record(depth=8), record(precision="bf16")]
    axes = figures.error_curves(runs).axes
    assert len(axes) == 3
    assert sorted(len(ax.get_legend().get_texts()) for ax in axes) == [1, 1, 2]
    texts = [text.get_text() for text in figures.error_curves([]).axes[0].texts]
    assert texts == ["no run recorded yet"]


def test_a_diverged_run_is_never_the_best():
    runs = [record((math.nan, math.nan)), record((30.0, 20.0), seed=1)]
    (ax,) = figures.error_curves(runs).axes
    assert curves(ax) == [[30.0, 20.0]]


def test_only_runs_of_the_papers_recipe_share_its_axis():
    theirs = {paper.result(name, 20).error for name in ("basic", "simplified-1", "simplified-2")}
    runs = [full(seed=0, error=7.5), full(seed=1, error=7.7), full(dataset="cifar100", error=33.0)]
    runs += [record((40.0, 17.0)), record((40.0, 3.0), dataset="digits", depth=8), full(depth=56, error=5.0)]
    runs += [record((40.0, 19.0), dataset="cifar10")]  # the paper's images and depth, but a short schedule
    first, *rest = figures.error_dots(runs).axes
    assert theirs <= drawn_x(first) and {7.5, 7.6, 7.7} <= {round(x, 6) for x in drawn_x(first)}
    assert not {17.0, 3.0, 33.0, 5.0, 19.0} & drawn_x(first)
    assert len(rest) == 5 and set().union(*map(drawn_x, rest)) >= {17.0, 3.0, 33.0, 5.0, 19.0}
    assert not any(theirs & drawn_x(ax) for ax in rest)


def test_without_runs_the_paper_stands_alone():
    (ax,) = figures.error_dots([]).axes
    bars = [bar for bar in ax.containers if isinstance(bar, ErrorbarContainer)]
    assert len(bars) == 3 and "no run of this recipe" in ax.get_title(loc="left").replace("\n", " ")


def test_rows_of_two_machines_are_told_apart():
    runs = [full(), full(device_name="Other CPU")]
    names = [label.get_text() for label in figures.error_dots(runs).axes[0].get_yticklabels()]
    assert len(names) == len(set(names)) == 5


def test_verdicts_are_counted_in_the_callers_order():
    order = ["reproduced", "a new verdict", "not yet run"]
    ledger = pd.DataFrame({"section": ["B", "A", "A"], "verdict": ["reproduced", "not yet run", "not yet run"]})
    figure = figures.verdicts_by_section(ledger, order)
    (ax,) = figure.axes
    assert [[bar.get_width() for bar in bars] for bars in ax.containers] == [[1, 0], [0, 0], [0, 2]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["B", "A"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["✓ reproduced (1)", "• a new verdict (0)", "… not yet run (2)"]


def test_training_curves_draw_every_epoch():
    loss, error = figures.training_curves(record((30.0, 20.0))).axes
    assert list(loss.get_lines()[0].get_ydata()) == [3.0, 2.0]
    assert {line.get_label(): list(line.get_ydata()) for line in error.get_lines()} == {
        "training": [15.0, 10.0],
        "test": [30.0, 20.0],
    }


def test_no_two_look_alike_without_colour():
    for told in ([look[1:] for look in style.STRUCTURES.values()], [style.VERDICTS[name][1] for name in VERDICTS]):
        assert len(set(told)) == len(told)


def test_an_unknown_structure_is_drawn_too():
    assert style.colour("bn/bn") == style.OTHER_COLOUR and style.label("bn/bn") == "bn/bn"
    assert isinstance(figures.error_curves([record(structure="bn/bn")]), Figure)
    assert style.ink_on("#08519C") == "white" and style.ink_on("#FED976") == "black"
