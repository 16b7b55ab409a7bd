"""Pictures with controls: static without a live front end, drawn again when a control moves."""

import pytest
import torch
from made_up import timing
from matplotlib.backends.backend_agg import FigureCanvasAgg

from fastres.models.structures import ACTIVATIONS
from fastres.theory.counts import costs
from fastres.theory.linearity import best_affine, relu_of_normal
from fastres.views import explained, explore, html

MOVES = [
    (explore.structure, {"f1": "bn", "depth": 56}),
    (explore.kernels, {"first": "edge"}),
    (explore.affine, {"ratio": 1.5}),
]


@pytest.mark.parametrize("show", [show for show, _ in MOVES])
@pytest.mark.parametrize("interactive", ["auto", "no"])
def test_without_a_front_end_it_is_a_figure(show, interactive):
    shown = show("Figure 2.1. A picture.", interactive)
    assert isinstance(shown, html.Shown) and shown.markup.count("<img") == 1 and "<b>Figure 2.1.</b>" in shown.markup


@pytest.mark.parametrize(("show", "moves"), MOVES)
def test_a_moved_control_draws_the_same_as_a_figure_of_its_value(show, moves):
    widget = show("Figure 2.1. A picture.", "yes")
    controls, picture = widget.children
    of = dict(zip(names(show), controls.children, strict=True))
    assert picture.value == show("Figure 2.1. A picture.", "no").markup
    for name, value in moves.items():
        before = picture.value
        of[name].value = value
        assert picture.value != before
    assert picture.value == show("Figure 2.1. A picture.", "no", **moves).markup


def names(show) -> list[str]:
    return list(show.__annotations__)[2:]


def test_a_front_end_is_live_if_it_names_the_cell(monkeypatch):
    class Shell:
        def __init__(self):
            self.metadata = {}

        @property
        def kernel(self):
            return self

        def get_parent(self, channel):
            return {"metadata": self.metadata}

    shell = Shell()
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: shell)
    assert not explore.is_live()
    shell.metadata = {"cellId": "c1"}
    assert explore.is_live()
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: None)
    assert not explore.is_live()


def test_a_structure_is_told_by_its_counts_and_its_timings(monkeypatch):
    monkeypatch.setattr(explore, "load_timings", lambda folder: [timing(20, rounds=6, basic=4.0, simplified_1=3.0)])
    _, alt, frame = explore.structure_drawn("none", "bn-relu", 20)
    assert "simplified-1: no activation" in alt
    rows, rounds = frame.set_index("D = 20"), 6
    assert rows.loc["multiply-accumulates per image", "reduction [95 %]"] == "0.0 %"
    assert rows.loc["batch normalisations", "simplified-1"] == str(costs("simplified-1", 20).bn_layers)
    ours = rows.loc[f"s/epoch: Some CPU, fp32, eager, batch 128, {rounds} rounds"]
    assert ours["reduction [95 %]"] == "25.0 % [25.0, 25.0]"
    assert rows.loc["s/epoch: the paper, GTX 1070", "reduction [95 %]"] == "26.6 %"
    assert explore.structure_drawn("bn", "bn", 20)[2].iloc[-1, -1] == "not timed"
    assert list(explore.structure_drawn("bn-relu", "bn-relu", 20)[2].iloc[-1]) == ["s/epoch", "–", "–", "–"]


@pytest.mark.parametrize("name", [*ACTIVATIONS])
def test_every_choice_of_the_menu_is_drawn(name):
    assert explore.structure("Figure 2.1.", "no", name, name).markup.count("<img") == 1


def test_the_error_of_two_kernels_lies_on_the_ring_alone():
    *_, composed, error = explained._composed("mean", "Laplace")
    assert composed.shape == (5, 5) and error[1:-1, 1:-1].abs().max() == 0 < error.abs().max()
    assert explained._composed("mean", "identity")[3].abs().max() == 0
    assert "at most 0 inside, 0.54 on the outermost ring" in explained.describe_kernels("mean", "Laplace")


@pytest.mark.parametrize("ratio", [-2.0, -0.5, 0.0, 1.0, 4.0])
def test_the_affine_fit_of_a_normal_input_is_that_of_least_squares(ratio):
    z = torch.randn(1, 1, 1000, 1000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = (z + ratio).relu()
    found, exact = best_affine(z, y), relu_of_normal(ratio)
    assert exact.scale == pytest.approx(float(found.scale), abs=0.005)
    assert exact.shift == pytest.approx(float(found.shift), abs=0.005)
    assert exact.r2 == pytest.approx(found.r2, abs=0.005)
    assert exact.positive == pytest.approx(float((y > 0).double().mean()), abs=0.005)


@pytest.mark.parametrize("ratio", [-2.0, 0.0, 2.5, 4.0])
def test_the_labels_of_the_affine_figure_do_not_touch(ratio):
    figure = explained.affine_figure(ratio)
    FigureCanvasAgg(figure).draw()
    first, second = (text.get_window_extent() for text in figure.axes[0].texts)
    assert not first.overlaps(second)
