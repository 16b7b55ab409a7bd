"""A step's time by kind of operation: names to kinds, sums, and a real step."""

import pytest

from fastres.errors import ConfigError
from fastres.measure.profile import KINDS, OTHER, Operation, breakdown, kind_of, tabulate, to_frame

NODE = "autograd::engine::evaluate_function: "
# Innermost name first, as the profiler gives them, with the kind that each belongs to.
NAMES = [
    (("aten::mkldnn_convolution", "aten::_convolution", "aten::convolution", "aten::conv2d"), "convolution, forward"),
    (("aten::copy_", "aten::_to_copy", "aten::to", "aten::conv2d"), "convolution, forward"),
    (("aten::convolution_backward", "ConvolutionBackward0", NODE + "ConvolutionBackward0"), "convolution, backward"),
    (("aten::copy_", "aten::_to_copy", "aten::to", "ToCopyBackward0"), "convolution, backward"),
    (("aten::empty", "aten::native_batch_norm", "aten::_batch_norm_impl_index", "aten::batch_norm"), "BN"),
    ((NODE + "NativeBatchNormBackward0",), "BN"),
    (("aten::cudnn_batch_norm_backward", "CudnnBatchNormBackward0"), "BN"),
    (("aten::clamp_min_", "aten::relu_"), "ReLU"),
    (("aten::threshold_backward", "ReluBackward0", NODE + "ReluBackward0"), "ReLU"),
    (("## Call CompiledFxGraph abc", "CompiledFunction"), "between convolutions, compiled"),
    (("aten::add",), "additions"),
    (("aten::add_", NODE + "NativeBatchNormBackward0"), "additions"),  # gradients meet: the engine, not the node
    (("aten::fill_", "aten::zeros", "aten::slice_backward", "SliceBackward0"), "additions"),
    (("aten::copy_", "aten::_to_copy", "aten::to"), "augmentation"),
    (("aten::addcmul",), "augmentation"),
    (("aten::div", "MeanBackward1", NODE + "MeanBackward1"), "head and loss"),
    (("aten::mm", "AddmmBackward0"), "head and loss"),
    (("aten::add_", "Optimizer.step#SGD.step"), "optimiser"),
    (("Optimizer.zero_grad#SGD.zero_grad",), "optimiser"),
    (("aten::argmax",), OTHER),
    (("triton_poi_fused_7",), OTHER),
]


@pytest.mark.parametrize("names, kind", NAMES, ids=[names[0] + " in " + names[-1] for names, _ in NAMES])
def test_kind_of_a_name(names, kind):
    assert kind_of(names) == kind


def test_a_table_adds_up_and_lists_what_it_does_not_know():
    operations = [Operation(names, 2.0**-place) for place, (names, _) in enumerate(NAMES)]
    operations.append(Operation(("aten::empty", "triton_poi_fused_7"), 4.0))
    seconds, unknown = tabulate(operations)
    assert tuple(seconds) == KINDS
    assert sum(seconds.values()) == sum(operation.seconds for operation in operations)
    assert seconds["ReLU"] == 2.0**-7 + 2.0**-8
    assert unknown == {"aten::argmax": 2.0**-19, "triton_poi_fused_7": 4.0 + 2.0**-20}
    assert sum(unknown.values()) == seconds[OTHER]


def test_a_real_step():
    found = [breakdown(name, 8, device="cpu", batch_size=4, steps=1) for name in ("basic", "none/none")]
    basic, linear = found
    for one in found:  # of one step the kinds add up to the profiler's total
        assert sum(one.seconds.values()) == pytest.approx(one.total_seconds)
        assert sum(one.unknown.values()) == pytest.approx(one.seconds[OTHER])
        assert sum(one.share(kind) for kind in KINDS) == pytest.approx(1)
        assert one.share(OTHER) < 0.25 and one.step_seconds > 0
        for kind in ("convolution, forward", "convolution, backward", "additions", "optimiser", "head and loss"):
            assert one.seconds[kind] > 0, kind
    norms = [one.seconds["BN"] + one.seconds["ReLU"] + one.seconds["between convolutions, compiled"] for one in found]
    assert norms[0] > norms[1] > 0  # the last BN-ReLU stays
    frame = to_frame(found)
    assert list(frame) == ["ms per step", basic.structure, linear.structure]
    assert list(frame["ms per step"])[-2:] == ["all operations", "step, not profiled"]


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match="at least one step"):
        breakdown("basic", 8, steps=0)
    with pytest.raises(ConfigError, match="tf32"):
        breakdown("basic", 8, precision="tf32", device="cpu")
