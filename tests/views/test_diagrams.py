"""Diagrams say what the modules are, are saved as PNG and SVG, and no text of theirs touches another."""

import itertools

import pandas as pd
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from torch import nn

from fastres.models.blocks import build_block
from fastres.models.resnet import build_model
from fastres.theory.counts import costs
from fastres.views import diagrams, figures
from fastres.views import theory as theory_views

CONV = "3×3 conv, 16→16"
SECONDS = pd.DataFrame({"basic": [30, 84, 4000], "simplified-1": [22, 59, 2000]}, index=[20, 56, 668])
FIGURES = {
    "blocks": diagrams.blocks_figure,
    "structures": lambda: diagrams.blocks_figure(theory_views.NAMES),
    "degeneration": diagrams.degeneration_figure,
    "network": diagrams.network_figure,
    "network-basic": lambda: diagrams.network_figure("basic", 20),
    "relu": theory_views.relu_figure,
    "maps": lambda: theory_views.maps_figure({"left": torch.eye(4), "right": -torch.eye(4)}, "error"),
    "times": lambda: theory_views.times_figure(SECONDS, 32.1, {20: 26, 668: 32}),
    "costs": lambda: theory_views.costs_figure((20, 56, 110, 668)),
}


@pytest.mark.parametrize(
    "structure, texts",
    [
        ("basic", ["BN", "ReLU", CONV, "BN", "ReLU", CONV]),
        ("simplified-1", ["", CONV, "BN", "ReLU", CONV]),
        ("simplified-2", ["BN", "ReLU", CONV, "", CONV]),
        ("bn/relu", ["BN", CONV, "ReLU", CONV]),
        ("frozen-bn-relu/tanh", ["frozen BN", "ReLU", CONV, "tanh", CONV]),
        ("bottleneck", ["BN", "ReLU", "1×1 conv, 64→16", "BN", "ReLU", CONV, "BN", "ReLU", "1×1 conv, 16→64"]),
    ],
)
def test_steps_are_those_of_the_block(structure, texts):
    assert [step.text for step in diagrams.block_steps(diagrams.build_block(structure))] == texts


def test_steps_follow_a_changed_block():
    block = diagrams.build_block("basic", 16, 32, stride=2)
    block.f2 = nn.ReLU()
    steps = diagrams.block_steps(block)
    assert [step.text for step in steps] == ["BN", "ReLU", "3×3 conv, 16→32, /2", "ReLU", "3×3 conv, 32→32"]
    assert [step.symbol for step in steps] == ["$f_1$", "", "$W_1$", "$f_2$", "$W_2$"]


@pytest.mark.parametrize("structure, depth", [("simplified-1", 110), ("basic", 20), ("bottleneck", 29)])
def test_the_network_diagram_counts_the_blocks(structure, depth):
    boxes = diagrams.network_boxes(build_model(structure, depth))
    stages = [(text.splitlines()[0], tuple(shape)[2:]) for name, text, shape in boxes if name.startswith("stage")]
    n = (depth - 2) // (9 if structure == "bottleneck" else 6)
    assert stages == [(f"{n} blocks", (size, size)) for size in (32, 16, 8)]
    assert [text for _, text, _ in boxes if "first" in text] == [f"{n} blocks\nfirst: /2"] * 2
    assert [text for _, text, _ in boxes][-4:-2] == ["BN", "ReLU"]


def test_the_network_figure_refuses_what_has_no_room():
    with pytest.raises(ValueError, match="structure is 'bottleneck'"):
        diagrams.network_figure("bottleneck", 29)
    with pytest.raises(ValueError, match="structure is 'post-activation'"):
        diagrams.network_figure("post-activation", 20)


@pytest.mark.parametrize("name", FIGURES)
def test_texts_do_not_touch_and_lie_on_the_page(name, tmp_path, monkeypatch):
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path))
    figure = FIGURES[name]()
    assert 'alt="a picture"' in figures.show(figure, name, alt="a picture").markup
    assert (tmp_path / "figures" / f"{name}.png").stat().st_size > 5_000
    assert (tmp_path / "figures" / f"{name}.svg").stat().st_size > 5_000

    FigureCanvasAgg(figure).draw()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure) if text.get_text().strip()]
    assert len(boxes) > 3
    for text, box in boxes:
        page = figure.bbox
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1, text
    for (first, a), (second, b) in itertools.combinations(boxes, 2):
        assert not a.overlaps(b), (first, second)


def texts(figure: Figure) -> list[Text]:
    """Every text that is drawn: in the figure and its axes, without the labels of ticks off the scale."""
    found = [text for legend in figure.legends for text in legend.get_texts()]
    for axes in figure.axes:
        found += [*axes.texts, axes.title]
        found += axes.get_legend().get_texts() if axes.get_legend() else []
        if axes.axison:
            for axis in (axes.xaxis, axes.yaxis):
                low, high = sorted(axis.get_view_interval())
                found += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
                found += [tick.label2 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
                found.append(axis.label)
    return [text for text in found if text.get_visible()]


def test_the_two_kernels_of_figure_4_have_two_names():
    shown = [text.get_text() for text in texts(diagrams.degeneration_figure(4))]
    assert shown.count("$W_3$") == shown.count("$W_3'$") == 1 and shown.count("5×5 conv, 4→4") == 2


def test_a_table_as_text_is_markdown():
    shown = theory_views.table([[1, "a"], [2, "b"]], "n", "x").text
    assert [line.split()[1::2] for line in shown.splitlines()[2:]] == [["1", "a"], ["2", "b"]]
    with pytest.raises(ValueError, match="columns"):
        theory_views.table([[1]], "n", "x")


def test_the_box_after_the_addition_is_the_activation_of_the_sum():
    assert "BN, after the sum ReLU. At the end" in diagrams.describe(["post-activation"])
    (axes,) = diagrams.blocks_figure(["post-activation", "basic"]).axes
    assert [text.get_text() for text in axes.texts].count("ReLU") == 2 + 2
    assert diagrams.after_sum(build_block("bn/bn/sum-bn-relu")) == "BN–ReLU"


def test_a_picture_is_described_from_the_block():
    text = diagrams.describe(["simplified-1"])
    assert "simplified-1: no activation, 3×3 conv, 16→16, BN, ReLU, 3×3 conv, 16→16." in text


def test_the_share_bars_are_those_of_costs():
    figure = theory_views.costs_figure((20, 56))
    labels = {text.get_text() for text in figure.axes[2].texts}
    share = 100 * costs("simplified-1", 56).saved_elements / costs("basic", 56).saved_elements
    assert f"{share:.1f}" in labels
