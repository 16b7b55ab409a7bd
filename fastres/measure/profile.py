"""Where the time of a training step goes: seconds per kind of operation, from torch's profiler.

On CUDA the seconds are the device's (kernels, attributed to the operation that launched them), elsewhere the host's
self time of each operation. The step is the Trainer's; operations that a compiler or a CUDA graph has fused
beyond recognition count as "other" and are listed.
"""

import dataclasses
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from fastres.measure.bench import one_pass, synthetic_trainer
from fastres.timers import Timer
from fastres.training.loop import Trainer

if TYPE_CHECKING:
    from pandas import DataFrame


CONV_FORWARD, CONV_BACKWARD = "convolution, forward", "convolution, backward"
BN, RELU, COMPILED = "BN", "ReLU", "between convolutions, compiled"
ADDITIONS, AUGMENTATION, HEAD = "additions", "augmentation", "head and loss"
OPTIMISER, OTHER = "optimiser", "other"
KINDS = (CONV_FORWARD, CONV_BACKWARD, BN, RELU, COMPILED, ADDITIONS, AUGMENTATION, HEAD, OPTIMISER, OTHER)
# Names of torch's operations and autograd nodes, without "aten::" and what autograd's engine puts before a node.
_NAMES = {
    # A cast to or from bf16 made for a convolution counts with it; autograd casts the weights' gradients back apart.
    CONV_FORWARD: "conv2d convolution _convolution mkldnn_convolution cudnn_convolution thnn_conv2d",
    CONV_BACKWARD: "ConvolutionBackward0 convolution_backward ToCopyBackward0",
    BN: "batch_norm _batch_norm_impl_index native_batch_norm cudnn_batch_norm _batch_norm_with_update "
    "NativeBatchNormBackward0 CudnnBatchNormBackward0 BatchNormWithUpdateBackward0",
    RELU: "relu relu_ clamp_min_ threshold_backward ReluBackward0",
    # The compiled code between convolutions, the head's included.
    COMPILED: "CompiledFunction CompiledFunctionBackward",
    # Additions of maps (shortcuts, summed gradients), accumulation into parameters, subsampling and padding.
    ADDITIONS: "add add_ AddBackward0 torch::autograd::AccumulateGrad pad constant_pad_nd ConstantPadNdBackward0 "
    "SliceBackward0 slice_backward",
    AUGMENTATION: "index arange where randperm randint rand lt rsub addcmul",
    HEAD: "adaptive_avg_pool2d mean MeanBackward1 AsStridedBackward1 flatten ViewBackward0 linear addmm AddmmBackward0 "
    "TBackward0 cross_entropy_loss log_softmax LogSoftmaxBackward0 nll_loss_nd nll_loss NllLossBackward0",
    OPTIMISER: "_fused_sgd_",
}


_KIND_OF = {name: kind for kind, names in _NAMES.items() for name in names.split()}
_OUTSIDE = "outside any operation"


class Operation(NamedTuple):
    """One operation's self time; names: its own, then its caller's, and so on outwards."""

    names: tuple[str, ...]
    seconds: float


@dataclasses.dataclass(frozen=True)
class Breakdown:
    """Median seconds of one training step per kind of operation, over `steps` profiled steps.

    seconds: by kind, every one of KINDS. Medians add up to the total only approximately, a step's seconds exactly.
    unknown: seconds by name of what counts as "other", most first.
    total_seconds: of all operations, the profiler's own sum.
    step_seconds: of whole steps without the profiler, by the clock.
    """

    structure: str
    depth: int
    batch_size: int
    precision: str
    device: str
    steps: int
    seconds: dict[str, float]
    unknown: dict[str, float]
    total_seconds: float
    step_seconds: float

    def share(self, kind: str) -> float:
        """Of the total, 0 to 1."""
        return self.seconds[kind] / sum(self.seconds.values())


def kind_of(names: Sequence[str]) -> str:
    """The kind of an operation, from its innermost known name; all that an optimiser calls counts as its own.

    >>> kind_of(["aten::copy_", "aten::to", "aten::conv2d"])
    'convolution, forward'
    """
    bare = [name.removeprefix("autograd::engine::evaluate_function: ").removeprefix("aten::") for name in names]
    if any(name.startswith("Optimizer.") for name in bare):
        return OPTIMISER
    if bare[-1] == "to":  # without a caller: the cast of images from uint8
        return AUGMENTATION
    return next((_KIND_OF[name] for name in bare if name in _KIND_OF), OTHER)


def tabulate(operations: Iterable[Operation]) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds by kind, and seconds by outermost name of what counts as "other"."""
    seconds = dict.fromkeys(KINDS, 0.0)
    unknown: dict[str, float] = defaultdict(float)
    for operation in operations:
        kind = kind_of(operation.names)
        seconds[kind] += operation.seconds
        if kind == OTHER:
            unknown[operation.names[-1]] += operation.seconds
    return seconds, dict(unknown)


def breakdown(
    structure: str,
    depth: int,
    precision: str = "fp32",
    device: str | torch.device = "auto",
    batch_size: int = 128,
    steps: int = 5,
    compiled: bool = False,
) -> Breakdown:
    """Profile `steps` training steps on synthetic images, after two warm-up steps.

    compiled: with fastres.training.engine, but without a CUDA graph, whose operations are not visible.
    Raises ConfigError for a structure, depth, precision or device that cannot be used, ValueError for steps < 1.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}: at least one step is profiled")
    trainer = synthetic_trainer(structure, depth, batch_size, precision, device, compiled=compiled)
    trainer.captured = None
    whole = [_timed_step(trainer) for _ in range(steps + 2)][2:]
    tables = [_profiled_step(trainer) for _ in range(steps + 1)][1:]  # the first starts the profiler
    names = {name for _, unknown in tables for name in unknown}
    unknown = {name: float(np.median([table.get(name, 0.0) for _, table in tables])) for name in names}
    return Breakdown(
        structure=trainer.config.structure,
        depth=depth,
        batch_size=batch_size,
        precision=precision,
        device=trainer.dataset.device.type,
        steps=steps,
        seconds={kind: float(np.median([seconds[kind] for seconds, _ in tables])) for kind in KINDS},
        unknown=dict(sorted(unknown.items(), key=lambda item: -item[1])),
        total_seconds=float(np.median([sum(seconds.values()) for seconds, _ in tables])),
        step_seconds=float(np.median(whole)),
    )


def to_frame(breakdowns: Iterable[Breakdown]) -> "DataFrame":
    """One row per kind that takes time, one column per structure: "milliseconds (share of the operations)"."""
    import pandas as pd

    breakdowns = list(breakdowns)
    kinds = [kind for kind in KINDS if any(one.seconds[kind] > 0 for one in breakdowns)]
    columns = {
        one.structure: [f"{1e3 * one.seconds[kind]:.2f} ({100 * one.share(kind):.0f} %)" for kind in kinds]
        + [f"{1e3 * one.total_seconds:.2f}", f"{1e3 * one.step_seconds:.2f}"]
        for one in breakdowns
    }
    return pd.DataFrame({"ms per step": [*kinds, "all operations", "step, not profiled"], **columns})


def _timed_step(trainer: Trainer) -> float:
    timer = Timer(trainer.dataset.device)
    with timer("step"):
        one_pass(trainer)()
    return timer.last["step"]


def _profiled_step(trainer: Trainer) -> tuple[dict[str, float], dict[str, float]]:
    """One step's table, checked to add up to the profiler's total."""
    from torch.profiler import ProfilerActivity, profile

    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # silences the profiler's messages on stderr
    on_cuda = trainer.dataset.device.type == "cuda"
    with profile(activities=[ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * on_cuda) as profiled:
        _timed_step(trainer)
    events = profiled.events()
    host = [event for event in events if event.device_type == torch.autograd.DeviceType.CPU]
    if on_cuda:
        operations = [Operation(_names(event), 1e-6 * event.self_device_time_total) for event in host]
        kernels = [e for e in events if e.device_type == torch.autograd.DeviceType.CUDA and not e.is_user_annotation]
        total = 1e-6 * sum(event.self_device_time_total for event in kernels)
        outside = total - sum(operation.seconds for operation in operations)
        assert outside > -1e-3 * total, f"operations have {-outside:.3g} s more than their kernels"
        operations.append(Operation((_OUTSIDE,), max(outside, 0.0)))
    else:
        operations = [Operation(_names(event), 1e-6 * event.self_cpu_time_total) for event in host]
        total = 1e-6 * events.self_cpu_time_total
    seconds, unknown = tabulate(operations)
    assert np.isclose(sum(seconds.values()), total, rtol=2e-3), (sum(seconds.values()), total)
    return seconds, unknown


def _names(event) -> tuple[str, ...]:
    names = []
    while event is not None:
        names.append(event.name)
        event = event.cpu_parent
    return tuple(names)
