"""Counts: layers, parameters, multiply-accumulates, kept activations, of built networks and in closed form."""

import torch
from torch import nn

from fastres import paper
from fastres.claims.finding import (
    CORRECTED,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
    TRAIN_PAPER,
    Evidence,
    Finding,
    combine,
    expecting,
    judge,
)
from fastres.config import RunConfig
from fastres.models.blocks import BottleneckBlock, ResidualBlock, Shortcut, batch_norms, relu_count
from fastres.models.resnet import ResNet, build_model, count_layers
from fastres.models.structures import STRUCTURES, WIDTHS, blocks_per_stage
from fastres.theory.counts import costs


def skeleton(structure: str, depth: int) -> ResNet:
    """The built network without memory for its weights, so that the deepest one costs nothing."""
    with torch.device("meta"):
        return ResNet(structure, depth)


@expecting(CORRECTED)
def count_macs(evidence: Evidence, structures: list[str], depths: list[int]) -> Finding:
    ratios, fewer = [], True
    for depth in depths:
        basic, *others = (costs(structure, depth) for structure in structures)
        ratios += [other.macs / basic.macs for other in others]
        fewer &= all(other.bn_layers < basic.bn_layers for other in others)
    least, most = min(ratios), max(ratios)
    return Finding(
        judge(most <= 0.95, min(least, 2 - most) > 0.95 and fewer),
        f"At D = {', '.join(map(str, depths))} the simplified networks need as many multiply-accumulates as basic "
        f"({100 * least:.1f} %): their convolutions do the same work. What is saved is normalisations and ReLUs, which "
        "move data rather than multiply.",
        {"least ratio": least, "largest ratio": most},
    )


@expecting(REPRODUCED)
def count_block_layers(evidence: Evidence, layers: dict[str, int]) -> Finding:
    found = {}
    for structure, count in layers.items():
        kind = BottleneckBlock if structure == "bottleneck" else ResidualBlock
        block = kind(STRUCTURES[structure], 16, 16)
        parts = [type(part) for part in block.modules() if not list(part.children()) and not isinstance(part, Shortcut)]
        found[structure] = parts == [nn.BatchNorm2d, nn.ReLU, nn.Conv2d] * count
    shown = ", ".join(f"{name}: {layers[name]} times BN-ReLU-convolution" for name in layers)
    return Finding(judge(all(found.values())), f"The built blocks: {shown}.", dict(layers))


def count_bn_initial(evidence: Evidence, scale: float, shift: float) -> Finding:
    norms = [norm for name in ("basic", "simplified-1", "simplified-2") for norm in batch_norms(build_model(name, 20))]
    off = sum(bool((n.weight != scale).any() or (n.bias != shift).any()) for n in norms)
    text = f"All {len(norms)} normalisations of the three fresh networks of depth 20 have scale {scale}, shift {shift}."
    numbers = {"normalisations": len(norms), "otherwise": off}
    return Finding(judge(off == 0), f"{off} of {len(norms)} normalisations start otherwise." if off else text, numbers)


@expecting(REPRODUCED)
def count_activations(evidence: Evidence, activations: dict[str, list[int]]) -> Finding:
    agree, convolutions = True, set()
    pairs: dict[str, int] = {}
    for structure, expected in activations.items():
        block = ResidualBlock(STRUCTURES[structure], 16, 32, 2)
        counts = [[len(batch_norms(f)), relu_count(f)] for f in (block.f1, block.f2)]
        agree &= counts == [[count, count] for count in expected]
        pairs |= {f"BN {structure}": len(batch_norms(block)), f"ReLU {structure}": relu_count(block)}
        convolutions.add(tuple(str(part) for part in (block.conv1, block.conv2)))
    shown = "; ".join(f"{name}: {first} and {second}" for name, (first, second) in activations.items())
    return Finding(
        judge(agree and len(convolutions) == 1),
        f"BN-ReLU pairs before the first and the second convolution: {shown}. The convolutions are the same.",
        pairs,
    )


@expecting(REPRODUCED)
def count_activation_layers(evidence: Evidence, depths: list[int]) -> Finding:
    agree, saved = True, {}
    for depth in depths:
        n = blocks_per_stage("basic", depth)
        expected = {"basic": 6 * n + 1, "simplified-1": 3 * n + 1, "simplified-2": 3 * n + 1}
        for structure, count in expected.items():
            model = skeleton(structure, depth)
            agree &= len(batch_norms(model)) == relu_count(model) == count
        saved[f"saved % D{depth}"] = 100 * (1 - (3 * n + 1) / (6 * n + 1))
    low, high = min(saved.values()), max(saved.values())
    return Finding(
        judge(agree and low >= 40 and high <= 50),
        f"A network of n blocks per stage has 6n + 1 activations in basic form and 3n + 1 in either simplified form: "
        f"{low:.1f} to {high:.1f} % fewer at D = {', '.join(map(str, depths))}.",
        saved,
    )


@expecting(CORRECTED)
def memory_activations(evidence: Evidence, structures: list[str], reference: str, depths: list[int]) -> Finding:
    saved = {}
    for depth in depths:
        kept = costs(reference, depth).saved_elements
        for structure in structures:
            saved[f"saved % {structure} D{depth}"] = 100 * (1 - costs(structure, depth).saved_elements / kept)
    low, high = min(saved.values()), max(saved.values())
    return Finding(
        judge(low >= 40 and high <= 50, low > 0),
        f"Of the activations kept for the backward pass, {low:.0f} to {high:.0f} % are saved, not nearly half: the "
        "inputs of the convolutions must be kept in every structure.",
        saved,
    )


def count_depth(evidence: Evidence, blocks: list[int], depths: list[int]) -> Finding:
    found = [count_layers(skeleton("basic", 6 * n + 2)) for n in blocks]
    shown = ", ".join(f"n = {n}: {count}" for n, count in zip(blocks, found, strict=True))
    text = f"Convolutions and fully connected layers of the built networks: {shown}."
    numbers = {f"layers n{n}": count for n, count in zip(blocks, found, strict=True)}
    return Finding(judge(found == depths), text, numbers)


@expecting(REPRODUCED)
def count_network_parts(evidence: Evidence, widths: list[int], kernel: int, depth: int) -> Finding:
    model = skeleton("basic", depth)
    convolutions = [part for part in model.modules() if isinstance(part, nn.Conv2d)]
    stages = [{block.conv2.out_channels for block in stage} for stage in model.stages]
    ends = [type(part) for part in (model.stem, *model.activation, model.pool, model.classifier)]
    agree = (
        ends == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.AdaptiveAvgPool2d, nn.Linear]
        and len(list(model.children())) == 5
        and stages == [{width} for width in widths]
        and {part.kernel_size for part in convolutions} == {(kernel, kernel)}
        and len({len(stage) for stage in model.stages}) == 1
    )
    return Finding(
        judge(agree),
        f"The built network of depth {depth}: one convolution, stages of {', '.join(map(str, WIDTHS))} channels with "
        f"{len(model.stages[0])} blocks each, then BN, ReLU, average pooling and a fully connected layer; "
        f"all {len(convolutions)} kernels are {kernel}x{kernel}.",
        {"stages": len(stages), "blocks per stage": len(model.stages[0]), "convolutions": len(convolutions)},
    )


@expecting(CORRECTED)
def count_recipe(evidence: Evidence, published: dict) -> Finding:
    """The paper's recipe against that of He et al. (2015), Section 4.2, given in the claim."""
    stated, ours = paper.setup()["training"], RunConfig()
    recipe = {name: stated[name] for name in ("batch_size", "momentum", "weight_decay", "epochs")}
    if recipe != {name: getattr(ours, name) for name in recipe}:
        return Finding(NOT_REPRODUCED, "The defaults of a run here are not the paper's recipe.")
    same = ["batch_size", "momentum", "weight_decay"]
    shared = all(stated[name] == published[name] for name in same) and stated["learning_rates"][0] == published["lr"]
    steps = -(-paper.setup()["datasets"]["cifar10"]["train_images"] // stated["batch_size"])
    ends = [steps * (first - 1) for first in stated["milestones"]] + [steps * stated["epochs"]]
    equal = shared and ends == published["iterations"] and not published["warm_up_depth"]
    return Finding(
        judge(equal, shared),
        "Batch size, first learning rate, momentum 0.9 and weight decay are those of He et al. (2015), Section 4.2. "
        f"The rate falls after {ends[0]} and {ends[1]} iterations and training ends after {ends[2]}, there after "
        f"{', '.join(map(str, published['iterations']))}; there momentum is not said to be Nesterov's, images have "
        f"their per-pixel mean subtracted, and depth {published['warm_up_depth']} is warmed up at a rate of 0.01. If "
        "the paper means its own ResNets, trained beside FastResNet, the sentence holds by its design.",
        {f"iterations {name}": value for name, value in zip(("first", "second", "end"), ends, strict=True)},
    )


def count_bn_parameters(evidence: Evidence, depth: int, structure: str, share: float) -> Finding:
    counted = costs(structure, depth)
    percent = 100 * counted.bn_parameters / counted.parameters
    return Finding(
        judge(percent > share),
        f"At D = {depth} the {structure} network has {counted.bn_parameters:,} scales and shifts among "
        f"{counted.parameters:,} parameters: {percent:.2f} %.",
        {"bn_parameters": counted.bn_parameters, "parameters": counted.parameters, "percent": percent},
    )


def count_dataset(evidence: Evidence, datasets: dict[str, dict[str, int]]) -> Finding:
    """Totals of the original images, from the records of runs on them.

    A record holds neither counts per class nor the size of an image.
    """
    parts = []
    for dataset, claimed in datasets.items():
        classes = claimed["classes"]
        expected = (classes, classes * claimed["train_per_class"], classes * claimed["test_per_class"])
        runs = [run for run in evidence.runs if run.config.dataset == dataset]
        if not runs:
            text = f"No run on the original {dataset} is recorded, whose record would give the counts."
            parts.append(Finding(NOT_RUN, text, command=TRAIN_PAPER))
            continue
        largest = max(runs, key=lambda run: run.data.train_size)
        data = largest.data
        found = (data.num_classes, data.train_size, data.test_size)
        text = f"{dataset}: {found[0]} classes, {found[1]:,} training and {found[2]:,} test images in all."
        numbers = dict(zip((f"{name} {dataset}" for name in ("classes", "training", "test")), found, strict=True))
        parts.append(Finding(judge(found == expected), text, numbers, (largest.run_id,)))
    return combine(parts)
