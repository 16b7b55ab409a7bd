"""What is drawn of single runs, and how any figure is shown: read back from the artists."""

import math
import re
from itertools import pairwise

import pandas as pd
from made_up import record
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from fastres import paths
from fastres.claims.finding import VERDICTS
from fastres.views import figures, style


def line() -> Figure:
    figure = style.new_figure()
    figure.subplots().plot([0, 1])
    return figure


def test_a_figure_is_shown_with_its_words_and_saved_twice():
    shown = figures.show(line(), "a", "Two\n        points.", "Figure 1.1. A line")
    assert 'alt="Two points."' in shown.markup and "<b>Figure 1.1.</b> A line" in shown.markup
    assert (paths.figures() / "a.png").stat().st_size and "<svg" in (paths.figures() / "a.svg").read_text(
        encoding="utf-8"
    )
    assert figures.show(line(), "a", "Two points.", "Figure 1.1. A line") == shown


def test_a_drawing_that_is_large_as_svg_is_embedded_as_png(monkeypatch):
    monkeypatch.setattr(figures, "LARGEST_SVG", 10)
    assert "data:image/png;base64" in figures.show(line(), "a", "Two points.").markup


def test_nothing_to_draw_is_one_line_with_the_command_and_the_time():
    shown = figures.show(figures.error_curves([]), "a", "x", "Figure 5.4. Curves.", "make it", "table1")
    assert re.fullmatch(r"Figure 5.4. Curves. Not run yet. `make it` runs it: 15 runs, about .+", shown.text)
    assert "img" not in shown.markup


def curves(ax) -> list[list[float]]:
    """What each line is drawn through, but for the marks where the rate falls."""
    return [list(line.get_ydata()) for line in ax.get_lines() if line.get_color() != figures.MILESTONE]


def labels(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_the_best_run_is_the_line_and_the_range_the_band():
    runs = [record((30.0, 20.0 + seed), seed=seed) for seed in range(3)]
    whole, last = figures.error_curves(runs).axes
    assert curves(whole) == curves(last) == [[30.0, 20.0]] and labels(last) == ["basic,\nbest of 3"]
    (band,) = whole.collections
    assert band.get_paths()[0].get_extents().y0 == 20 and {22.0, 30.0} <= set(band.get_paths()[0].vertices[:, 1])
    assert "basic 20.00 %" in figures.describe_curves(runs)


def test_the_last_epochs_are_enlarged_around_what_is_drawn_there():
    runs = [record((50.0,) * 14 + (20.0 + seed,), seed=seed) for seed in range(2)]
    whole, last = figures.error_curves(runs).axes
    assert whole.get_xlim() == (1, 15) and last.get_xlim() == (runs[0].config.milestones[-1] + 1, 15)
    assert 15 < last.get_ylim()[0] < 20 and 50 < last.get_ylim()[1] < 55


def test_settings_and_depths_have_curves_of_their_own():
    runs = [record(), record(structure="simplified-1"), record(depth=8), record(precision="bf16")]
    axes = figures.error_curves(runs).axes
    assert len(axes) == 6 and sorted(len(labels(ax)) for ax in axes[1::2]) == [1, 1, 2]


def test_a_diverged_run_is_never_the_best():
    runs = [record((math.nan, math.nan)), record((30.0, 20.0), seed=1)]
    assert curves(figures.error_curves(runs).axes[0]) == [[30.0, 20.0]]
    assert len(figures.error_curves(runs[:1]).axes) == 2
    assert figures.error_curves([record((30.0, 1.0), diverged="soon")]) is None


def test_smoke_runs_are_marked_and_others_are_not():
    assert [text.get_text() for text in figures.error_curves([record(dataset="digits")]).texts] == ["SMOKE RUN"]
    assert not figures.error_curves([record()]).texts and not figures.training_curves(record()).texts
    assert figures.training_curves(record(dataset="digits")).texts


def test_verdicts_are_counted_in_the_callers_order():
    order = ["reproduced", "open", "not yet run"]
    ledger = pd.DataFrame({"section": ["B", "A", "A"], "verdict": ["reproduced", "not yet run", "not yet run"]})
    figure = figures.verdicts_by_section(ledger, order)
    (ax,) = figure.axes
    assert [[bar.get_width() for bar in bars] for bars in ax.containers] == [[1, 0], [0, 0], [0, 2]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["B", "A"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["✓ reproduced (1)", "? open (0)", "… not yet run (2)"]


def test_training_curves_draw_every_epoch():
    loss, error = figures.training_curves(record((30.0, 20.0))).axes
    assert list(loss.get_lines()[0].get_ydata()) == [3.0, 2.0]
    assert {line.get_label(): list(line.get_ydata()) for line in error.get_lines()} == {
        "training": [15.0, 10.0],
        "test": [30.0, 20.0],
    }
    begun = record((30.0, 20.0))
    _, error = figures.epoch_curves(begun.config, begun.epochs[:1]).axes
    assert error.get_xlim()[1] > 2 and list(error.get_lines()[0].get_ydata()) == [15.0]


def test_no_two_look_alike_without_colour():
    for told in ([look[1:] for look in style.STRUCTURES.values()], [style.VERDICTS[name][1] for name in VERDICTS]):
        assert len(set(told)) == len(told)


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG defines it."""
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in to_rgb(colour)]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_what_holds_and_what_does_not_differ_in_grey():
    """The contrast of two colours by WCAG, which sees lightness alone, as a printer and most colour blindness do."""
    light = {name: luminance(colour) + 0.05 for name, (colour, _) in style.VERDICTS.items()}
    for other in ("not reproduced", "wrong as stated", "open", "not yet run"):
        assert light[other] / light["reproduced"] > 2.5
    ordered = sorted(light[name] for name in ("reproduced", "smaller effect", "not reproduced", "wrong as stated"))
    assert all(above / below > 1.3 for below, above in pairwise(ordered))


def test_no_colour_of_a_structure_means_anything_else():
    from fastres.views.timings import KIND_COLOURS

    others = {colour for colour, _ in style.VERDICTS.values()} | set(KIND_COLOURS)
    others |= {style.PAPER_COLOUR, style.OTHER_COLOUR}
    assert not others & {look.colour for look in style.STRUCTURES.values()}


def test_labels_beside_lines_are_apart_and_within_the_axes():
    ax = style.new_figure().subplots()
    ax.set(ylim=(0, 1))
    style.label_ends(ax, [(1.0, "a\nb", "k"), (0.99, "c", "k"), (0.98, "d", "k")])
    heights = {text.get_text(): text.xy[1] for text in ax.texts}
    assert heights["d"] < heights["c"] < heights["a\nb"] <= 1.02
    open_ = style.new_figure().subplots()
    open_.plot([0, 4])  # the limits follow from the data, and are not settled yet
    style.label_ends(open_, [(4.0, "end", "k"), (2.0, "middle", "k")])
    assert {t.get_text(): round(t.xy[1], 1) for t in open_.texts} == {"end": 1.0, "middle": 0.5}
    assert heights["a\nb"] - heights["c"] > 1.4 * (heights["c"] - heights["d"])


def test_an_unknown_structure_is_drawn_too():
    assert style.colour("bn/bn") == style.OTHER_COLOUR and style.label("bn/bn") == "bn/bn"
    assert isinstance(figures.error_curves([record(structure="bn/bn")]), Figure)
    assert style.ink_on("#08519C") == "white" and style.ink_on("#FED976") == "black"
