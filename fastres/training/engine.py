"""Faster execution of a training step: its blocks compiled, and on CUDA the whole step captured in one graph.

Neither changes what a step computes, beyond rounding, nor the network itself.
"""

import copy
import logging
import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch._functorch.config
from torch import Tensor, nn

from fastres.datasets.augmentation import EpochPlan
from fastres.device import memory_bytes
from fastres.models.blocks import BNReLU
from fastres.models.resnet import Part, ResNet
from fastres.training.bn_relu import OnePassBNReLU

Forward = Callable[..., Tensor]  # images (B, 3, H, W), and `kept` by name -> logits
PARTITIONED = "aot_eager_decomp_partition"  # the partition that decides what backward recomputes, without code
Step = Callable[[EpochPlan], tuple[Tensor, ...]]


def compile_network(model: ResNet, images: Tensor, backend: str = "inductor") -> Forward:
    """The forward pass of a network for training on batches like `images` (B, 3, H, W): images -> logits.

    Like the network itself, it takes `kept` by name.

    Blocks and head are compiled once for each shape of a block, whatever the number of blocks, so that a deep
    network starts almost as fast as a shallow one. Compilation happens here, in one step of a copy of the network.
    backend: torch's; PARTITIONED stores the same activations, compiles in a quarter of the time, and computes as eager.
    Raises RuntimeError on other devices than CPU and CUDA, and whatever the compiler raises (no C++ compiler).
    """
    if images.device.type not in ("cpu", "cuda"):
        raise RuntimeError(f"blocks are compiled for cpu and cuda, not for {images.device.type}")
    if not torch.cuda.is_available():  # or the compiler warns where CUDA's tools are installed without a card
        logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    # Every shape of a block, precision and batch size is a variant; torch's default of 8 is for unforeseen ones.
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 256)
    on_cpu = images.device.type == "cpu"
    # Writing over what was just read stalls a CPU's loads where a pixel has fewer channels than a register has room.
    options = {"inplace_buffers": False} if on_cpu and backend == "inductor" else None
    # Shapes are fixed: loops of known length are faster.
    how: dict[str, Any] = {"dynamic": False, "backend": backend, "options": options}
    block = torch.compile(type(model.blocks[0]).forward, **how)
    head = torch.compile(type(model).head, **how)

    def run(part: Part, x: Tensor) -> Tensor:
        return block(part, x) if isinstance(part, nn.Module) else head(part.__self__, x)  # type: ignore[attr-defined]

    twin = _twin(model, BNReLU, OnePassBNReLU) if on_cpu else _twin(model)
    # A CPU step is bound by memory traffic: recomputing a convolution's input costs less than saving and loading it.
    with torch._functorch.config.patch(ban_recompute_materialized_backward=not on_cpu), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the compiler itself does, such as looking for gradients
        copy.deepcopy(twin)(images, run).sum().backward()
    return lambda images, kept=None: twin(images, run, kept)


def _twin(model: ResNet, *replace: type[nn.Module]) -> ResNet:
    """A copy of the network's modules with the same parameters and buffers, in training mode.

    replace: a kind of module, and the subclass of it that takes its place.
    """
    tensors = [*model.parameters(), *model.buffers()]
    twin = copy.deepcopy(model, {id(tensor): tensor for tensor in tensors}).train()
    for module in twin.modules():
        if replace and type(module) is replace[0]:
            module.__class__ = replace[1]
    return twin


class CapturedStep:
    """A training step as one CUDA graph: captured at the second call, replayed from then on with other images.

    Networks this narrow are launch-bound; a graph launches all kernels of a step at once. A step that cannot be
    captured is run without a graph, and a line says why. A graph has its own memory pool: the short last batch of an
    epoch needs the memory of an ordinary step in addition, so a device without room for two steps captures none.
    """

    def __init__(self, device: torch.device):
        self.device = device
        self.problem = ""
        self._stream: torch.cuda.Stream | None = None
        self._graph: torch.cuda.CUDAGraph | None = None

    @property
    def is_captured(self) -> bool:
        return self._graph is not None

    def __call__(self, step: Step, batch: EpochPlan) -> tuple[Tensor, ...]:
        """What step(batch) returns, in tensors that the next call overwrites.

        step: always the same, of a full batch; may not wait for the device, nor depend on numbers of the host that
            change. What it reads and writes beside the batch must stay where it is.
        """
        if self._stream is None:
            return self._first(step, batch)
        if self._graph is None and not self.problem:
            if (needed := 2 * torch.cuda.max_memory_allocated(self.device)) > memory_bytes(self.device):
                self._tell(f"its memory and that of another step, {needed / 2**30:.1f} GiB, are not there")
            else:
                self._capture(step, batch)
        if self._graph is None:
            return step(batch)
        for name, choice in vars(batch).items():
            getattr(self._batch, name).copy_(choice)
        self._graph.replay()
        return self._results

    def _first(self, step: Step, batch: EpochPlan) -> tuple[Tensor, ...]:
        """On a side stream, as CUDA requires before a capture; allocates momentum and workspaces."""
        here = torch.cuda.current_stream(self.device)
        self._stream = torch.cuda.Stream(self.device)
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream):
            results = step(batch)
        here.wait_stream(self._stream)
        return results

    def _capture(self, step: Step, batch: EpochPlan) -> None:
        self._batch = EpochPlan(**{name: choice.clone() for name, choice in vars(batch).items()})
        graph = torch.cuda.CUDAGraph()
        try:
            # A capture that fails does not give the stream back that it took; the outer context does.
            here = torch.cuda.stream(torch.cuda.current_stream(self.device))
            with here, torch.cuda.graph(graph, stream=self._stream):
                self._results = step(self._batch)
            self._graph = graph
        except RuntimeError as error:  # out of memory among them
            first: BaseException = error  # the error in the step; the end of the capture failed as a consequence
            while first.__context__ is not None:
                first = first.__context__
            self._tell(str(first).strip().splitlines()[0])

    def _tell(self, problem: str) -> None:
        self.problem = problem
        print(f"The step is not captured in a CUDA graph: {problem}", flush=True)
