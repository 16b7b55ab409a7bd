"""The closed forms equal what is measured on the built networks, and the formulas quoted in the text."""

import pytest
import torch

from fastres.measure.counts import measure_costs
from fastres.models.resnet import build_model, count_layers
from fastres.models.structures import ACTIVATIONS, OPERATIONS, Operation
from fastres.theory.counts import costs
from fastres.views.diagrams import block_steps

DEPTHS = (20, 56, 110, 668)
NAMES = ("basic", "simplified-1", "simplified-2")


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("structure", NAMES)
def test_closed_form_equals_the_built_network(structure, depth):
    assert costs(structure, depth) == measure_costs(build_model(structure, depth))


@pytest.mark.parametrize(
    "structure",
    [
        "bottleneck",
        "bn/bn-relu",
        "relu/bn-relu",
        "none/none",
        "relu/bn",
        "none/relu",
        "bn-relu/none/bn",
        "bn/relu/none",
        "frozen-bn-relu/frozen-bn-relu",
        "bn/bn-relu/end-bn",
        "basic/end-relu",
        "simplified-2/end-bn-relu",
        "bottleneck/end-sigmoid",
        "post-activation",
        "bn/relu/end-bn/sum-bn-relu",
        "bottleneck/sum-sigmoid",
        "relu/bn-relu/sum-relu",
        "bn-tanh/sigmoid",
    ],
)
def test_closed_form_holds_for_any_activations(structure):
    assert costs(structure, 20, num_classes=100) == measure_costs(build_model(structure, 20, num_classes=100))


@pytest.mark.parametrize("depth", DEPTHS)
def test_formulas_in_n(depth):
    n = (depth - 2) // 6
    basic, simplified_1, simplified_2 = (costs(name, depth) for name in NAMES)
    for cost, layers, parameters in [
        (basic, 6 * n + 1, 448 * n + 32),
        (simplified_1, 3 * n + 1, 224 * n + 128),
        (simplified_2, 3 * n + 1, 224 * n + 32),
    ]:
        assert cost.bn_layers == cost.relu_layers == cost.relu_path == layers
        assert cost.bn_parameters == parameters
        assert cost.conv_layers + 1 == depth
        assert cost.macs == basic.macs
        assert cost.parameters - cost.bn_parameters == basic.parameters - basic.bn_parameters


@pytest.mark.parametrize(
    "depth, parameters",
    [
        (20, (269_722, 269_146, 269_050)),
        (56, (853_018, 851_098, 851_002)),
        (110, (1_727_962, 1_724_026, 1_723_930)),
        (668, (10_769_050, 10_744_282, 10_744_186)),
    ],
)
def test_parameters(depth, parameters):
    assert tuple(costs(name, depth).parameters for name in NAMES) == parameters


def test_saved_elements_shrink_by_a_quarter_and_normalised_ones_by_half():
    basic, simplified = costs("basic", 668), costs("simplified-1", 668)
    assert 1 - simplified.saved_elements / basic.saved_elements == pytest.approx(0.25, abs=0.01)
    assert 1 - simplified.bn_elements / basic.bn_elements == pytest.approx(0.5, abs=0.01)


def test_saved_bytes_add_the_batch_statistics():
    cost = costs("basic", 20)
    assert cost.saved_bytes(128) == 4 * (128 * cost.saved_elements + cost.bn_parameters)


@pytest.mark.parametrize("structure", ["silu/bn-silu", "relu-bn/bn-relu", "none/silu-relu", "bn-relu/relu-bn/bn-silu"])
def test_an_activation_is_added_by_one_row(structure, monkeypatch):
    """Module, diagram and all counts follow; a box of the diagram has the operation's label."""
    monkeypatch.setitem(OPERATIONS, "silu", Operation("SiLU", "SiLU", False, False, 5, 2, "input"))
    for name in ("silu", "bn-silu", "relu-bn", "silu-relu"):
        monkeypatch.setitem(ACTIVATIONS, name, tuple(name.split("-")))
    model = build_model(structure, 20 if structure.count("/") == 1 else 29)
    assert costs(structure, count_layers(model)) == measure_costs(model)
    model(torch.randn(2, 3, 8, 8)).sum().backward()  # nothing that backward needs was overwritten
    x = torch.randn(2, 16, 8, 8)
    before = x.clone()
    model.blocks[0].f1(x)
    assert torch.equal(x, before)  # the shortcut reads the same tensor
    labels = [step.text for step in block_steps(model.blocks[0])]
    assert labels.count("SiLU") == structure.count("silu")


def test_depth_of_the_paper_counts_the_classifier():
    assert count_layers(build_model("simplified-1", 20)) == costs("simplified-1", 20).conv_layers + 1 == 20


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("basic", 21), "depth 21 is not of the form"),
        (("bottleneck", 21), "nearest: 20 and 29"),
        (("plain", 20), "unknown structure 'plain'"),
        (("basic", 20, 1), "num_classes is 1"),
        (("basic", 20.0), "depth is 20.0: expected an integer"),
        (("basic", "20"), "depth is '20': expected an integer"),
        (("basic", 20, 10.5), "num_classes is 10.5: expected an integer"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        costs(*arguments)
