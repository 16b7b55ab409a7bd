"""Counts on our own modules, which could come out otherwise only if the modules were built differently."""

import torch
from torch import nn

from fastres import theory
from fastres.claims.check import check
from fastres.claims.checks.blocks import activated
from fastres.claims.evidence import Evidence
from fastres.claims.finding import BUILT, CORRECTED, NOT_REPRODUCED, Finding, judge
from fastres.models.blocks import Shortcut, batch_norms, build_block, relu_count
from fastres.models.resnet import ResNet, build_model, count_layers
from fastres.theory.agreement import TOLERANCE, agree, random_tensor


def skeleton(structure: str, depth: int) -> ResNet:
    """The built network on the meta device, without memory for its weights, so that the deepest one costs nothing."""
    with torch.device("meta"):
        return ResNet(structure, depth)


def built(as_stated: bool) -> str:
    return BUILT if as_stated else NOT_REPRODUCED


@check(explains=BUILT)
def count_block_layers(evidence: Evidence, layers: dict[str, int]) -> Finding:
    found = {}
    for structure, count in layers.items():
        block = build_block(structure)
        leaves = [part for part in block.modules() if not list(part.children())]
        parts = [type(part) for part in leaves if not isinstance(part, Shortcut | nn.Identity)]
        found[structure] = parts == [nn.BatchNorm2d, nn.ReLU, nn.Conv2d] * count
    shown = ", ".join(f"{name}: {layers[name]} times BN-ReLU-convolution" for name in layers)
    return Finding(built(all(found.values())), f"The built blocks: {shown}.", numbers=dict(layers))


@check(explains=BUILT)
def count_bn_initial(evidence: Evidence, scale: float, shift: float) -> Finding:
    norms = [norm for name in ("basic", "simplified-1", "simplified-2") for norm in batch_norms(build_model(name, 20))]
    off = sum(bool((n.weight != scale).any() or (n.bias != shift).any()) for n in norms)
    text = f"All {len(norms)} normalisations of the three fresh networks of depth 20 have scale {scale}, shift {shift}."
    return Finding(built(off == 0), text, numbers={"normalisations": len(norms), "otherwise": off})


@check(explains=BUILT)
def count_activations(evidence: Evidence, activations: dict[str, list[int]]) -> Finding:
    agreed, convolutions = True, set()
    pairs: dict[str, int] = {}
    for structure, expected in activations.items():
        block = build_block(structure, 16, 32, 2)
        counts = [[len(batch_norms(f)), relu_count(f)] for f in (block.f1, block.f2)]
        agreed &= counts == [[count, count] for count in expected]
        pairs |= {f"BN {structure}": len(batch_norms(block)), f"ReLU {structure}": relu_count(block)}
        convolutions.add(tuple(str(part) for part in (block.conv1, block.conv2)))
    shown = "; ".join(f"{name}: {first} and {second}" for name, (first, second) in activations.items())
    text = f"BN-ReLU pairs before the first and the second convolution: {shown}. The convolutions are the same."
    return Finding(built(agreed and len(convolutions) == 1), text, numbers=pairs)


@check(explains=BUILT)
def count_depth(evidence: Evidence, blocks: list[int], depths: list[int]) -> Finding:
    found = [count_layers(skeleton("basic", 6 * n + 2)) for n in blocks]
    shown = ", ".join(f"n = {n}: {count}" for n, count in zip(blocks, found, strict=True))
    text = f"Convolutions and fully connected layers of the built networks: {shown}."
    numbers = {f"layers n{n}": count for n, count in zip(blocks, found, strict=True)}
    return Finding(built(found == depths), text, numbers=numbers)


@check(explains=BUILT)
def count_network_parts(evidence: Evidence, widths: list[int], kernel: int, depth: int) -> Finding:
    """The parts of the deep network by their types and shapes, and those of a shallow one by what they compute."""
    model = skeleton("basic", depth)
    convolutions = [part for part in model.modules() if isinstance(part, nn.Conv2d)]
    stages = [{block.conv2.out_channels for block in stage} for stage in model.stages]
    holds = (
        isinstance(model.stem, nn.Conv2d)
        and stages == [{width} for width in widths]
        and len({len(stage) for stage in model.stages}) == 1
        and {part.kernel_size for part in convolutions} == {(kernel, kernel)}
        and _computes_as_stated()
    )
    return Finding(
        built(holds),
        f"The built network of depth {depth}: one convolution, stages of {', '.join(map(str, widths))} channels with "
        f"{len(model.stages[0])} blocks each, then BN, ReLU, average pooling and a fully connected layer; "
        f"all {len(convolutions)} kernels are {kernel}x{kernel}.",
        numbers={"stages": len(stages), "blocks per stage": len(model.stages[0]), "convolutions": len(convolutions)},
    )


@torch.no_grad()
def _computes_as_stated() -> bool:
    """A small network equals the composition of stem, blocks, BN, ReLU, mean over the map, fully connected layer."""
    model, images = build_model("basic", 8, seed=0).double(), random_tensor(2, 3, 16, 16)
    y = model.stem(images)
    for block in model.blocks:
        y = block(y)
    (norm,) = [norm for norm in batch_norms(model) if norm not in batch_norms(model.stages)]
    pooled = activated(y, norm).mean(dim=(2, 3))
    return agree(model(images), pooled @ model.classifier.weight.T + model.classifier.bias)


@check(explains=BUILT)
def count_stem(evidence: Evidence, kernels: int) -> Finding:
    model = skeleton("basic", 20)
    widths = model.stem.out_channels, model.stages[0][0].conv1.in_channels, model.stages[0][0].conv1.out_channels
    text = f"The stem has {kernels} kernels, as many as each convolution of the first stage."
    numbers = {"stem": widths[0], "first block, in": widths[1], "first block, out": widths[2]}
    return Finding(built(set(widths) == {kernels}), text, numbers=numbers)


@check(explains=BUILT)
def count_bn_parameters(evidence: Evidence, depths: list[int], structure: str) -> Finding:
    """Normalisations, scales and shifts of the deepest network as built, and their share at every depth."""
    counted = {depth: theory.costs(structure, depth) for depth in depths}
    deepest, norms = counted[depths[-1]], batch_norms(skeleton(structure, depths[-1]))
    found = len(norms), sum(norm.weight.numel() + norm.bias.numel() for norm in norms)
    shares = {depth: 100 * cost.bn_parameters / cost.parameters for depth, cost in counted.items()}
    return Finding(
        built(found == (deepest.bn_layers, deepest.bn_parameters)),
        f"At D = {depths[-1]} the {structure} network has {found[0]} normalisations with {found[1]:,} scales and "
        f"shifts, {shares[depths[-1]]:.2f} % of its {deepest.parameters:,} parameters; "
        f"{', '.join(f'{share:.2f} % at {depth}' for depth, share in list(shares.items())[:-1])}.",
        numbers={"normalisations": found[0], "bn_parameters": found[1], "parameters": deepest.parameters}
        | {f"percent D{depth}": share for depth, share in shares.items()},
    )


@check(explains=CORRECTED)
def inputs_nonlinear(evidence: Evidence, depth: int) -> Finding:
    """How far the input X of each block of a fresh network is from an affine map of the image, by superposition.

    The defect is |X(a + b) - X(a) - X(b) + X(0)| over |X(a + b) - X(0)|, 0 for an affine map, in evaluation mode.
    """
    model, (a, b) = build_model("basic", depth, seed=0).double().eval(), random_tensor(2, 1, 3, 16, 16)
    x, defects = model.stem(torch.cat([a + b, a, b, 0 * a])), []
    with torch.no_grad():
        for block in model.blocks:
            both, one, other, none = x
            defects.append(float((both - one - other + none).norm() / (both - none).norm()))
            x = block(x)
    affine = [defect <= TOLERANCE for defect in defects]
    return Finding(
        judge(not any(affine), affine[0] and not any(affine[1:])),
        "Not that of the first block, which is the stem's output: a convolution of the image, with no ReLU before it. "
        f"From the second block on it is nonlinear: it misses superposition by {100 * min(defects[1:]):.0f} to "
        f"{100 * max(defects[1:]):.0f} % of its norm in a fresh network.",
        numbers={f"defect, block {number}": defect for number, defect in enumerate(defects, start=1)},
    )
