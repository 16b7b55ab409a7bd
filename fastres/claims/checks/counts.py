"""Counts: operations, layers, parameters, saved activations, the recipe and the images."""

from fastres import paper, theory
from fastres.claims.check import check
from fastres.claims.evidence import ABSOLUTE, Evidence
from fastres.claims.finding import (
    CORRECTED,
    NOT_REPRODUCED,
    OPEN,
    REPRODUCED,
    TRAIN_PAPER,
    WRONG,
    Finding,
    combine,
    judge,
    unsettled,
)
from fastres.config import RunConfig
from fastres.models.structures import blocks_per_stage
from fastres.theory import Costs


def saved_percent(structure: str, reference: str, depth: int, count: str) -> float:
    """100 (1 - structure / reference), in %, of one of the counts of Costs."""
    value, of = (getattr(theory.costs(name, depth), count) for name in (structure, reference))
    return 100 * (1 - value / of)


@check(explains=WRONG)
def count_operations(evidence: Evidence, structures: list[str], depths: list[int], per_normalised: int) -> Finding:
    """Floating-point operations of a forward pass: two per multiply-accumulate, `per_normalised` per number that
    batch normalisation reads. The backward pass has about twice as many of both kinds.
    """

    def operations(cost: Costs) -> int:
        return 2 * cost.macs + per_normalised * cost.bn_elements

    saved, equal_macs, enough, half = {}, True, True, True
    for depth in depths:
        basic, *others = (theory.costs(structure, depth) for structure in structures)
        equal_macs &= {other.macs for other in others} == {basic.macs}
        share = 100 * (1 - min(operations(other) for other in others) / operations(basic))
        saved[f"saved % D{depth}"] = share
        enough &= share >= paper.reduction("time", depth)
        half &= share >= 0.5 * paper.reduction("time", depth)
    low, high = min(saved.values()), max(saved.values())
    verdict = REPRODUCED if enough else CORRECTED if half else WRONG if equal_macs and low > 0 else NOT_REPRODUCED
    times = [paper.reduction("time", depth) for depth in depths]
    return Finding(
        verdict,
        "The convolutions need the same multiply-accumulates in all three structures. Of all floating-point operations "
        f"{low:.1f} to {high:.1f} % are saved, while the printed times fall by {min(times):.0f} to {max(times):.0f} %: "
        "less arithmetic does not explain them.",
        numbers=saved,
    )


@check(explains=WRONG)
def count_bn_operations(
    evidence: Evidence, structure: str, depths: list[int], per_normalised: int, huge: float, small: float
) -> Finding:
    """What normalisations add to the other operations of a forward pass, in %. huge, small: bounds of the rule."""
    added = {}
    for depth in depths:
        cost = theory.costs(structure, depth)
        added[f"added % D{depth}"] = 100 * per_normalised * cost.bn_elements / (2 * cost.macs)
    low, high = min(added.values()), max(added.values())
    return Finding(
        REPRODUCED if low >= huge else WRONG if high < small else OPEN,
        f"Normalisations and their ReLUs add {low:.1f} to {high:.1f} % to the floating-point operations of the "
        f"convolutions and the classifier, counted at {per_normalised} per number that they read.",
        numbers=added,
    )


@check(explains=REPRODUCED)
def count_activation_layers(evidence: Evidence, depths: list[int], least: float, most: float) -> Finding:
    """Layers, and numbers that normalisations read; least, most: % saved of both."""
    agreed, layers, numbers = True, [], {}
    for depth in depths:
        n = blocks_per_stage("basic", depth)
        expected = {"basic": 6 * n + 1, "simplified-1": 3 * n + 1, "simplified-2": 3 * n + 1}
        for structure, count in expected.items():
            counted = theory.costs(structure, depth)
            agreed &= counted.bn_layers == counted.relu_layers == count
        layers.append(100 * (1 - (3 * n + 1) / (6 * n + 1)))
        for structure in ("simplified-1", "simplified-2"):
            numbers[f"numbers saved % {structure} D{depth}"] = saved_percent(structure, "basic", depth, "bn_elements")
    saved = [*layers, *numbers.values()]
    return Finding(
        judge(agreed and least <= min(saved) and max(saved) <= most),
        f"A network of n blocks per stage has 6n + 1 activations in basic form and 3n + 1 in either simplified form: "
        f"{min(layers):.1f} to {max(layers):.1f} % fewer at D = {', '.join(map(str, depths))}. They read "
        f"{min(numbers.values()):.1f} to {max(numbers.values()):.1f} % fewer numbers.",
        numbers={f"layers saved % D{depth}": value for depth, value in zip(depths, layers, strict=True)} | numbers,
    )


@check(explains=REPRODUCED)
def memory_activations(evidence: Evidence, structures: list[str], reference: str, depths: list[int]) -> Finding:
    saved = {
        f"saved % {structure} D{depth}": saved_percent(structure, reference, depth, "saved_elements")
        for depth in depths
        for structure in structures
    }
    return Finding(
        judge(min(saved.values()) > 0),
        f"Of the activations saved for the backward pass, {min(saved.values()):.0f} to {max(saved.values()):.0f} % "
        "fewer are needed (the paper gives no size): the inputs of the convolutions must be saved in every structure.",
        numbers=saved,
    )


@check(explains=CORRECTED)
def count_alike(evidence: Evidence, first: str, second: str, depths: list[int]) -> Finding:
    """Whether two structures cost the same in every count but that of the error."""
    work, others = (
        {(count, depth): -saved_percent(first, second, depth, count) for depth in depths for count in counts}
        for counts in (("macs", "conv_layers", "bn_layers", "relu_layers"), ("bn_elements", "saved_elements"))
    )
    read, saved = (others[count, depths[0]] for count in ("bn_elements", "saved_elements"))
    same_work = not any(work.values())
    return Finding(
        judge(same_work and not any(others.values()), same_work),
        f"Layers and multiply-accumulates are equal. At D = {depths[0]} {first} normalises {read:.1f} % more numbers "
        f"than {second} and saves {saved:.1f} % more for the backward pass, as its activations stand before the "
        "convolutions that halve the map; the excess falls with depth.",
        numbers={f"{count} more % D{depth}": value for (count, depth), value in (work | others).items()},
    )


@check(explains=CORRECTED)
def count_recipe(evidence: Evidence, published: dict, rates: list[float], epochs: list[int]) -> Finding:
    """The paper's recipe against that of He et al. (2015), Section 4.2, given in the claim.

    rates, epochs: the schedule as the claim states it, each rate up to and including its epoch. It must be that of
    setup.toml, and both must be the defaults of a run here.
    """
    stated, ours = paper.setup()["training"], RunConfig()
    same = ["batch_size", "momentum", "weight_decay"]
    ours_as_stated = all(stated[name] == getattr(ours, name) for name in [*same, "epochs"])
    schedules = (
        (rates, [last + 1 for last in epochs[:-1]], epochs[-1]),
        (stated["learning_rates"], stated["milestones"], stated["epochs"]),
        ([ours.lr / 10**drop for drop in range(3)], [last + 1 for last in ours.milestones], ours.epochs),
    )
    if not ours_as_stated or any(schedule != schedules[0] for schedule in schedules):
        return Finding(NOT_REPRODUCED, "The paper's recipe is not that of a run here.")
    shared = all(stated[name] == published[name] for name in same) and rates[0] == published["lr"]
    steps = -(-paper.setup()["datasets"]["cifar10"]["train_images"] // stated["batch_size"])
    ends = [steps * last for last in epochs]
    equal = shared and ends == published["iterations"] and not published["warm_up_depth"]
    return Finding(
        judge(equal, shared),
        "Batch size, first learning rate, momentum 0.9 and weight decay are those of He et al. (2015), Section 4.2. "
        f"The rate falls after {ends[0]} and {ends[1]} iterations and training ends after {ends[2]}, there after "
        f"{', '.join(map(str, published['iterations']))}; there momentum is not said to be Nesterov's, images have "
        f"their per-pixel mean subtracted, and depth {published['warm_up_depth']} is warmed up at a rate of 0.01. If "
        "the paper means its own ResNets, trained beside FastResNet, the sentence holds by its design.",
        numbers={f"iterations {name}": value for name, value in zip(("first", "second", "end"), ends, strict=True)},
    )


@check()
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
            parts.append(unsettled(f"a run on the original {dataset}, whose record gives the counts", [TRAIN_PAPER]))
            continue
        largest = max(runs, key=lambda run: run.data.train_size)
        found = (largest.data.num_classes, largest.data.train_size, largest.data.test_size)
        text = f"{dataset}: {found[0]} classes, {found[1]:,} training and {found[2]:,} test images in all."
        numbers = dict(zip((f"{name} {dataset}" for name in ("classes", "training", "test")), found, strict=True))
        parts.append(Finding(judge(found == expected), text, ABSOLUTE, "", numbers, records=(largest.run_id,)))
    return combine(parts)
