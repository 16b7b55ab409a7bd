"""Figures 1, 3, 4 and 5 of the paper, as diagrams of our own modules.

They are drawn from built modules by following `forward`, so that a picture cannot disagree with the code. Every
function returns a matplotlib Figure; lengths are in inches.
"""

import copy
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import fx, nn

from fastres import theory
from fastres.models.blocks import Shortcut, build_block, module_of
from fastres.models.resnet import ResNet, build_model
from fastres.models.structures import OPERATIONS, STEM, blocks_per_stage, convs_per_block, parts
from fastres.theory.counts import IMAGE
from fastres.views import drawing as draw
from fastres.views import style

HEIGHT, GAP, WIDTH = 0.27, 0.17, 1.45  # of a box


@dataclass(frozen=True)
class Step:
    """One box of a diagram: its text, its symbol in Eq (2), and whether it touches the box before it."""

    text: str
    symbol: str = ""
    joined: bool = False

    @property
    def removed(self) -> bool:
        return not self.text


class _Tracer(fx.Tracer):
    """Traces the `forward` of a block, taking its shortcut and every normalisation and module of torch as one step."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return isinstance(module, Shortcut | nn.BatchNorm2d) or super().is_leaf_module(module, name)


def block_steps(block: nn.Module) -> list[Step]:
    """The residual branch of a block as its `forward` computes it, from X to the addition."""
    graph = _Tracer().trace(block)
    (addition,) = (node for node in graph.nodes if node.op == "call_function" and node.target is operator.add)
    modules, node = [], addition.args[1]
    while node.op != "placeholder":
        modules.append(block.get_submodule(node.target))
        node = node.args[0]
    if isinstance(modules[0], nn.Identity):  # nothing was ever at the end of the branch
        del modules[0]
    steps, index, opens = [], 1, True  # opens: the next box is the first after X or after a convolution
    for module in reversed(modules):
        is_conv = isinstance(module, nn.Conv2d)
        symbol = f"$W_{index}$" if is_conv else f"$f_{index}$" if opens else ""
        steps.append(Step(_text(module), symbol, joined=not (is_conv or opens)))
        index, opens = index + is_conv, is_conv
    return steps


def _text(module: nn.Module) -> str:
    """The text of a box; empty for a removed activation."""
    if isinstance(module, nn.Conv2d):
        k, stride = module.kernel_size[0], module.stride[0]
        return f"{k}×{k} conv, {module.in_channels}→{module.out_channels}" + (f", /{stride}" if stride > 1 else "")
    labels = {module_of(operation): operation.label for operation in OPERATIONS.values()}
    return "" if isinstance(module, nn.Identity) else labels[type(module)]


def after_sum(block: nn.Module) -> str:
    """The text of the box between the addition and Y; empty in pre-activation blocks."""
    return "–".join(_text(part) for part in block.sum.modules() if not list(part.children()))


def describe(structures: Sequence[str]) -> str:
    """A picture's alternative text: the boxes of each structure in order, then the shortcut."""
    blocks = []
    for name in structures:
        block = build_block(name)
        branch = ", ".join(step.text or "no activation" for step in block_steps(block))
        blocks.append(f"{name}: {branch}{', after the sum ' * bool(after_sum(block))}{after_sum(block)}")
    return f"Block diagrams from X down to Y. {'; '.join(blocks)}. At the end the shortcut adds X."


@style.styled
def blocks_figure(structures: Sequence[str] = ("basic", "bottleneck")) -> Figure:
    """Figure 1 (basic and bottleneck) or 3 (the simplified structures): one column for each structure."""
    columns = [(style.label(name), block_steps(build_block(name)), style.colour(name)) for name in structures]
    return _columns_figure(columns, [after_sum(build_block(name)) for name in structures])


@style.styled
def degeneration_figure(channels: int = 16) -> Figure:
    """Figure 4: simplified-2, what it is exactly (all but the border), and what the paper says it becomes."""
    block = build_block("simplified-2", channels, channels)
    steps = block_steps(block)
    kernel, _ = theory.compose_convs(block.conv1.weight, None, block.conv2.weight, None)
    text = f"{kernel.shape[2]}×{kernel.shape[3]} conv, {kernel.shape[1]}→{kernel.shape[0]}"
    one, folded = Step(text, "$W_3$"), Step(text, "$W_3'$")  # the second has the affine map folded in
    colour = style.colour("simplified-2")
    columns = [
        ("the block, Eq (8)", steps, colour),
        ("the same in the interior,\nby Eq (12) alone", [*steps[:2], one], colour),
        ("the paper's Eq (13):\nif ReLU(BN(X)) is affine", [folded], style.OTHER_COLOUR),
    ]
    return _columns_figure(columns)


def _columns_figure(columns: list[tuple[str, list[Step], str]], after: Sequence[str] = ()) -> Figure:
    height = 1.25 + max(_length(steps) for _, steps, _ in columns) + (HEIGHT + GAP) * any(after)
    figure, axes = draw.canvas(height + 0.1)
    for i, (title, steps, colour) in enumerate(columns):
        x = style.PAGE_WIDTH * (i + 0.5) / len(columns) + 0.06  # symbols need more room than the shortcut
        axes.text(x, height - 0.1, title, ha="center", va="center", color=colour, weight="bold", fontsize=9)
        _column(axes, steps, x, height - 0.5, 0.35, colour, after[i] if after else "")
    return figure


def _length(steps: Sequence[Step]) -> float:
    return sum(HEIGHT + (0 if step.joined else GAP) for step in steps) + GAP


def _column(axes: Axes, steps: list[Step], x: float, top: float, bottom: float, colour: str, after: str = "") -> None:
    """A residual block from X at `top` to Y at `bottom`, the shortcut on the right; after: a box below the sum."""
    axes.text(x, top, "$X$", ha="center", va="center", fontsize=11)
    fork, addition = top - 0.22, bottom + 0.38 + (HEIGHT + GAP) * bool(after)
    spare = (fork - addition - 0.09 - _length(steps)) / (1 + sum(not step.joined for step in steps))
    draw.line(axes, [(x, top - 0.12), (x, fork)])
    y = fork
    for step in steps:
        gap = 0 if step.joined else GAP + spare
        if gap:
            draw.arrow(axes, (x, y), (x, y - gap))
        y -= gap + HEIGHT
        draw.box(axes, x, y + HEIGHT / 2, WIDTH, HEIGHT, step.text, colour)
        axes.text(x - WIDTH / 2 - 0.08, y + HEIGHT / 2, step.symbol, ha="right", va="center", fontsize=9.5)
    draw.arrow(axes, (x, y), (x, addition + 0.09))
    side = x + WIDTH / 2 + 0.22
    draw.line(axes, [(x, fork), (side, fork), (side, addition)])
    draw.arrow(axes, (side, addition), (x + 0.09, addition))
    draw.plus(axes, x, addition)
    y = addition - 0.09
    if after:
        draw.arrow(axes, (x, y), (x, y - GAP))
        y -= GAP + HEIGHT
        draw.box(axes, x, y + HEIGHT / 2, WIDTH, HEIGHT, after, colour)
    draw.arrow(axes, (x, y), (x, bottom + 0.1))
    axes.text(x, bottom, "$Y$", ha="center", va="center", fontsize=11)


@style.styled
def network_figure(structure: str = "simplified-1", depth: int = 110) -> Figure:
    """Figure 5: the network from image to logits, and below it the first block of its second stage.

    Raises ValueError for bottleneck and post-activation structures, for which the page has no room.
    """
    if convs_per_block(structure) != 2 or parts(structure).sum != "none":
        raise ValueError(f"structure is {structure!r}: Figure 5 has room for pre-activation blocks of two convolutions")
    model = build_model(structure, depth)
    stages = network_boxes(model)
    figure, axes = draw.canvas(3.3)
    colour = style.colour(structure)
    title = f"{style.label(structure)}, D = {depth} = 6 · {blocks_per_stage(structure, depth)} + 2"
    axes.text(0.1, 3.15, title, color=colour, weight="bold", fontsize=9, va="center")
    widths = [1.0 if name.startswith("stage") else 0.5 for name, _, _ in stages]
    gap = (style.PAGE_WIDTH - 0.2 - sum(widths)) / (len(stages) - 1)
    left, y, ends = 0.1, 2.3, []
    for (name, text, shape), width in zip(stages, widths, strict=True):
        draw.box(axes, left + width / 2, y, width, 0.8, text, colour if "conv" in text or "block" in text else draw.INK)
        axes.text(left + width / 2, y + 0.52, name, ha="center", va="center", fontsize=8, color=colour)
        axes.text(left + width / 2, y - 0.52, _shape(shape), ha="center", va="center", fontsize=7)
        ends.append((left, left + width))
        left += width + gap
    for (_, right), (next_left, _) in pairwise(ends):
        draw.arrow(axes, (right, y), (next_left, y))
    _network_block(axes, model.stages[1][0], ends[[name for name, _, _ in stages].index("stage 2")], colour)
    return figure


def network_boxes(model: ResNet) -> list[tuple[str, str, torch.Size]]:
    """(heading, text, shape of the output for two images) for each box of Figure 5, in the order of `forward`."""
    model = copy.deepcopy(model).to("meta")  # shapes only, no numbers
    leaves = [part for part in model.activation.modules() if not list(part.children())]
    ran = []
    for part in (model.stem, *model.blocks, *leaves, model.pool, model.classifier):
        part.register_forward_hook(lambda part, _, y: ran.append((part, y.shape)))
    images = torch.zeros(2, STEM.channels, IMAGE, IMAGE, device="meta")
    model(images)
    boxes, fixed = [("", "image", images.shape)], {model.classifier: ("logits", "fully\nconn.")}
    fixed |= {model.stem: ("stem", "3×3\nconv"), model.pool: ("", "mean\nover\npixels")}
    stages = {block: i for i, stage in enumerate(model.stages, 1) for block in stage}
    for stage, group in groupby(ran, lambda entry: stages.get(entry[0])):
        parts, shapes = zip(*group, strict=True)
        if stage is None:
            headed = [fixed[part] if part in fixed else ("", _text(part)) for part in parts]
            boxes += [(*texts, shape) for texts, shape in zip(headed, shapes, strict=True)]
        else:
            stride = max(conv.stride[0] for conv in parts[0].modules() if isinstance(conv, nn.Conv2d))
            text = f"{len(parts)} blocks" + (f"\nfirst: /{stride}" if stride > 1 else "")
            boxes.append((f"stage {stage}", text, shapes[-1]))
    return boxes


def _network_block(axes: Axes, block: nn.Module, above: tuple[float, float], colour: str) -> None:
    """The block in a row at the foot of Figure 5, tied to the stage that it opens."""
    steps = block_steps(block)
    y, top, left, right = 0.72, 1.25, 0.55, style.PAGE_WIDTH - 0.55
    for start, end in ((above[0], left - 0.35), (above[1], right + 0.35)):
        axes.plot([start, end], [1.66, 1.45], color=colour, lw=0.7, ls=":")
    frame = FancyBboxPatch((0.1, 0.1), style.PAGE_WIDTH - 0.2, 1.35, "round,pad=0,rounding_size=0.05")
    axes.add_patch(frame)
    frame.set(facecolor="none", edgecolor=colour, linewidth=0.8, linestyle=":")
    widths = [(1.5 if "conv" in step.text else 0.62) for step in steps]
    slots = sum(not step.joined for step in steps) + 1
    gap = (right - 0.3 - left - 0.2 - sum(widths)) / slots
    axes.text(left - 0.12, y, "$X$", ha="center", va="center", fontsize=11)
    draw.line(axes, [(left, y), (left + 0.2, y)])
    x = left + 0.2
    for i, (step, width) in enumerate(zip(steps, widths, strict=True)):
        if not step.joined:
            draw.arrow(axes, (x, y), (x + gap, y))
            x += gap
        draw.box(axes, x + width / 2, y, width, HEIGHT, step.text, colour)
        paired = i + 1 < len(steps) and steps[i + 1].joined  # BN and ReLU share one symbol
        middle = x + width if paired else x + width / 2
        axes.text(middle, y - 0.3, step.symbol, ha="center", va="center", fontsize=9.5)
        x += width
    plus = right - 0.3
    draw.arrow(axes, (x, y), (plus - 0.09, y))
    draw.plus(axes, plus, y)
    draw.line(axes, [(left + 0.2, y), (left + 0.2, top - 0.1), (plus, top - 0.1)])
    draw.arrow(axes, (plus, top - 0.1), (plus, y + 0.09))
    shortcut = block.shortcut
    text = f"$S(X)$: every {shortcut.stride}nd pixel, {shortcut.new_channels} zero channels"
    axes.text((left + plus) / 2, top, text, ha="center", va="center", fontsize=8)
    draw.arrow(axes, (plus + 0.09, y), (right + 0.05, y))
    axes.text(right + 0.17, y, "$Y$", ha="center", va="center", fontsize=11)


def _shape(shape: Sequence[int]) -> str:
    """(2, 16, 32, 32) as "16×32×32"; the batch and sizes of 1 are left out."""
    return "×".join(str(size) for size in shape[1:] if size > 1)
