"""Every check can fail: what it looks at is altered, in the library or in the data, and its verdict changes."""

import dataclasses
from collections.abc import Callable

import pytest
import torch
from made_up import activations, found, linearity, pairs, record, run, study, timing
from torch import nn

from fastres import paper, theory
from fastres.claims.check import CHECKS
from fastres.experiments import EXPERIMENTS, SQUARE
from fastres.models import blocks, resnet, structures

Patch = pytest.MonkeyPatch


def operation(name: str, module: str) -> Callable[[Patch], None]:
    """Another module of torch.nn in place of an operation's."""
    changed = structures.OPERATIONS[name]._replace(module=module)
    return lambda patch: patch.setitem(structures.OPERATIONS, name, changed)


def entry(table: str, name: str, value: tuple) -> Callable[[Patch], None]:
    """Another row in one of the tables of fastres.models.structures."""
    return lambda patch: patch.setitem(getattr(structures, table), name, value)


def attribute(owner: object, name: str, change: Callable) -> Callable[[Patch], None]:
    """A function of the library in terms of the old one: change(old)."""
    return lambda patch: patch.setattr(owner, name, change(getattr(owner, name)))


def stem_of_8(patch: Patch) -> None:
    for module in (structures, resnet):
        patch.setattr(module, "STEM", structures.STEM._replace(out_channels=8))


def of_setup(section: str, **values) -> Callable[[Patch], None]:
    changed = paper.setup() | {section: paper.setup()[section] | values}
    return lambda patch: patch.setattr(paper, "setup", lambda: changed)


def printed(**values) -> Callable[[Patch], None]:
    """Other values in every printed reduction."""
    rows = [dataclasses.replace(row, **values) for row in paper.claimed_reductions()]
    return lambda patch: patch.setattr(paper, "claimed_reductions", lambda: rows)


def skip_last_activation(head: Callable) -> Callable:
    return lambda self, x: self.classifier(self.pool(x).flatten(1))


def set_by_statistics(forward: Callable) -> Callable:
    def changed(self: nn.BatchNorm2d, x: torch.Tensor) -> torch.Tensor:
        y = forward(self, x)
        self.weight.data += x.std()
        return y

    return changed


def halved(fold: Callable) -> Callable:
    return lambda *tensors: tuple(part / 2 for part in fold(*tensors))


def two_blocks(stages: Callable) -> Callable:
    return lambda *network: [stage._replace(blocks=2) for stage in stages(*network)]


def unbiased(batch_norm: Callable) -> Callable:
    def changed(x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor, eps: float = 0.0) -> torch.Tensor:
        n = x.numel() / x.shape[1]
        return batch_norm(x, gamma * ((n - 1) / n) ** 0.5, beta, eps)

    return changed


def more_bn_numbers(costs: Callable) -> Callable:
    def changed(structure: str, depth: int) -> theory.Costs:
        cost = costs(structure, depth)
        return dataclasses.replace(cost, bn_elements=100 * cost.bn_elements)

    return changed


def more_bn_parameters(costs: Callable) -> Callable:
    def changed(structure: str, depth: int) -> theory.Costs:
        cost = costs(structure, depth)
        return dataclasses.replace(cost, bn_parameters=2 + cost.bn_parameters)

    return changed


IDENTITY, LEAKY = operation("relu", "Identity"), operation("relu", "LeakyReLU")
NO_SHORTCUT = attribute(blocks.Shortcut, "forward", lambda forward: lambda self, x: 0 * forward(self, x))
AS_BASIC = entry("STRUCTURES", "simplified-1", ("bn-relu", "bn-relu"))
ONE_CONV_WRONG = attribute(theory, "conv2d", lambda conv: lambda x, w, *rest: conv(x, w.flip(2), *rest))

LIBRARY = [  # (claim, what is altered, how)
    ("eq1-residual-sum", "the shortcut is 0", NO_SHORTCUT),
    ("eq3-convolution", "the kernel is reversed", ONE_CONV_WRONG),
    ("eq3-gradients", "halved", attribute(theory, "conv2d_gradients", lambda f: lambda *a: [g / 2 for g in f(*a)])),
    ("eq4-relu", "theory's is the identity", attribute(theory, "relu", lambda relu: lambda x: x)),
    ("eq4-relu", "the networks' is leaky", LEAKY),
    ("eq5-batch-norm", "unbiased variance", attribute(theory, "batch_norm", unbiased)),
    ("bn-gaussian", "another normalisation", operation("bn", "InstanceNorm2d")),
    ("bn-initial", "scales start at 0", attribute(nn.BatchNorm2d, "reset_parameters", lambda f: lambda self: None)),
    ("bn-parameters-adjusted", "set by statistics", attribute(nn.BatchNorm2d, "forward", set_by_statistics)),
    ("relu-last-nonnegative", "the branch ends in BN", entry("ACTIVATIONS", "bn-relu", ("bn",))),
    ("eq6-to-8-blocks", "the shortcut is 0", NO_SHORTCUT),
    ("eq6-to-8-blocks", "leaky", LEAKY),
    ("eq6-to-8-blocks", "simplified-1 is basic", AS_BASIC),
    ("conv-affine", "a square", attribute(theory, "conv2d", lambda conv: lambda x, *rest: conv(x * x, *rest))),
    ("eq9-activation-affine", "identity", IDENTITY),
    ("eq9-activation-affine", "leaky", LEAKY),
    ("eq9-fold", "as printed", lambda patch: patch.setattr(theory, "fold_affine", theory.fold_affine_as_printed)),
    ("eq10-same-form", "identity", IDENTITY),
    ("eq10-same-form", "leaky", LEAKY),
    ("eq10-equal-at-one-zero", "halved", attribute(theory, "fold_affine_as_printed", halved)),
    ("eq11-two-convolutions", "identity", IDENTITY),
    ("eq11-two-convolutions", "leaky", LEAKY),
    ("eq12-composed-kernel", "no correction", attribute(theory, "border_correction", lambda f: lambda *a: 0 * f(*a))),
    ("eq12-composed-kernel", "one dimension", attribute(theory, "reachable_dimension", lambda f: lambda channels: 1)),
    ("eq13-single-convolution", "identity", IDENTITY),
    ("eq13-single-convolution", "leaky", LEAKY),
    ("first-input-nonlinear", "identity", IDENTITY),
    ("block-layers", "ReLU before BN", entry("ACTIVATIONS", "bn-relu", ("relu", "bn"))),
    ("one-activation-per-block", "BN stays", entry("STRUCTURES", "simplified-1", ("bn", "bn-relu"))),
    ("depth-formula", "two blocks per stage", attribute(resnet, "stages", two_blocks)),
    ("network-parts", "maximum pooling", lambda patch: patch.setattr(nn, "AdaptiveAvgPool2d", nn.AdaptiveMaxPool2d)),
    ("network-parts", "no last BN-ReLU", attribute(resnet.ResNet, "head", skip_last_activation)),
    ("stem-kernels", "a stem of 8 kernels", stem_of_8),
    ("saves-computation", "both are basic", lambda patch: [
        entry("STRUCTURES", name, ("bn-relu", "bn-relu"))(patch) for name in ("simplified-1", "simplified-2")
    ]),
    ("activation-layers-halved", "simplified-1 is basic", AS_BASIC),
    ("memory-saved", "simplified-1 is basic", AS_BASIC),
    ("simplified-2-otherwise-same", "it is simplified-1", entry("STRUCTURES", "simplified-2", ("none", "bn-relu"))),
    ("bn-computation-huge", "100 times as many", attribute(theory, "costs", more_bn_numbers)),
    ("bn-parameters-many", "more in closed form", attribute(theory, "costs", more_bn_parameters)),
    ("same-training", "milestones 101 and 141", of_setup("training", milestones=[101, 141])),
    ("time-reductions-printed", "18 % printed", printed(percent=18.0)),
    ("t2-error-gain-printed", "18 % printed", printed(percent=18.0)),
    ("speed-increase-printed", "18 % printed", printed(percent=18.0)),
    ("saving-grows-printed", "no saving", lambda patch: patch.setattr(paper, "reduction", lambda *a: 20.0)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "alter"), [row[::2] for row in LIBRARY], ids=[f"{claim}: {what}" for claim, what, _ in LIBRARY]
)
def test_an_altered_library_changes_the_verdict(claim, alter, monkeypatch):
    before = found(claim)
    alter(monkeypatch)
    after = found(claim)
    assert after.verdict != before.verdict, after.text


NOISY, STILL = [50.0 + 9 * (epoch % 2) for epoch in range(80)], [50.0] * 80
LATE = [*[9.0] * 40, *[7.6 + 0.01 * (epoch % 2) for epoch in range(40)]]
THREE = ("basic", "simplified-1", "simplified-2")
GAPS = {20: 0.7, 56: 0.6, 110: 0.5, 668: 0.4}


def curves(last: list[float]) -> list:
    """fig6's claims need one curve of each structure; `last` is that of simplified-2."""
    return [
        run(name, curve=last if name == "simplified-2" else NOISY + LATE, seed=s) for name in THREE for s in (0, 1, 2)
    ]


def by_depth(errors: dict[int, float], structure: str = "basic", **fields) -> list:
    return [run(structure, error, depth=depth, **fields) for depth, error in errors.items()]


def timed(depth: int = 20, **seconds) -> list:
    return [timing(depth, rounds=6, **seconds)]


def saved(ratios: dict[int, float]) -> list:
    return [timing(depth, rounds=6, basic=1.0, simplified_1=ratio) for depth, ratio in ratios.items()]


def augmented(with_it: float, without: float) -> list:
    configs = EXPERIMENTS["augmentation"].runs("extended")
    errors = [with_it if config.flip else without for config in configs]
    fields = [config.model_dump(exclude={"epochs"}) for config in configs]
    return [record([e] * 40, train_error=1.0, **f) for e, f in zip(errors, fields, strict=True)]


def square(**seconds: float) -> list:
    names = {name.replace("-", "_"): 10.0 for name in SQUARE}
    return timed(**names | seconds)


PLACED = {"basic": 20.0, "basic/end-relu": 30.0, "simplified-1/end-bn-relu": 30.0, "bn/bn": 40.0}
CURVED = ("basic", "bn-sigmoid/bn-sigmoid", "bn-tanh/bn-tanh")
LEVELS = dict(zip(CURVED, (20.0, 60.0, 50.0), strict=True))
MEANS = dict(zip(THREE, (7.6, 7.7, 10.0), strict=True))
WHOLE = [run(), run(dataset="cifar100")]
SHARE = {"basic": 10.0, "simplified_1": 7.0}

RECORDS: dict[str, tuple[str, dict, dict]] = {  # check: (claim, records, altered records)
    "error_difference": (
        "t1-error-worse",
        {"runs": pairs([9.9, 10.0, 10.1], [7.6, 7.6, 7.6], "simplified-2")},
        {"runs": pairs([7.6, 7.6, 7.6], [9.9, 10.0, 10.1], "simplified-2")},
    ),
    "error_by_depth": (
        "basic-degrades",
        {"runs": by_depth({110: 5.0, 668: 8.0})},
        {"runs": by_depth({110: 8.0, 668: 5.0})},
    ),
    "error_values": (
        "t1-values",
        {"runs": [run(name, MEANS[name] + s / 10, seed=s) for name in THREE for s in range(3)]},
        {"runs": [run(name, 1 + MEANS[name] + s / 10, seed=s) for name in THREE for s in range(3)]},
    ),
    "curve_drops": ("fig6-drops", {"runs": curves(NOISY + LATE)}, {"runs": curves(STILL + STILL)}),
    "curve_overlap": (
        "fig6-overlap",
        {"runs": [run(name, curve=STILL + LATE) for name in THREE[:2]]},
        {"runs": [run("basic", curve=STILL + LATE), run("simplified-1", curve=STILL + STILL)]},
    ),
    "curve_fluctuation": ("fig6-calms-down", {"runs": curves(NOISY + LATE)}, {"runs": curves(NOISY + NOISY)}),
    "curve_fluctuation_compared": (
        "fig6-simplified-2-unstable",
        {"runs": curves([2 * error for error in NOISY] + LATE)},
        {"runs": curves(STILL + LATE)},
    ),
    "curve_level": (
        "fig6-level",
        {"runs": [run(name, curve=STILL + [MEANS[name]] * 80) for name in THREE]},
        {"runs": [run(name, curve=STILL + [1 + MEANS[name]] * 80) for name in THREE]},
    ),
    "overfitting": (
        "basic-overfits",
        {"runs": [run(error=5.0, depth=110, train_error=0.1), run(error=8.0, depth=668, train_error=0.0)]},
        {"runs": [run(error=5.0, depth=110, train_error=0.1), run(error=8.0, depth=668, train_error=4.0)]},
    ),
    "overfitting_compared": (
        "simplified-1-avoids-overfitting",
        {"runs": pairs([5.0], [8.0], depth=668, train_error=0.0)},
        {"runs": pairs([8.0], [5.0], depth=668, train_error=0.0)},
    ),
    "time_reduction": ("t1-time", {"timings": saved({20: 0.73})}, {"timings": saved({20: 0.99})}),
    "time_reduction_grows": (
        "saving-grows",
        {"timings": saved(GAPS)},
        {"timings": saved(dict.fromkeys(GAPS, 0.7))},
    ),
    "time_bounds": (
        "bn-costs-time",
        {"timings": timed(basic=10.0, **{"frozen_bn_relu/frozen_bn_relu": 9.0, "relu/relu": 8.0})},
        {"timings": timed(basic=10.0, **{"frozen_bn_relu/frozen_bn_relu": 9.9, "relu/relu": 9.8})},
    ),
    "time_share": (
        "statistics-cause-saving",
        {"timings": timed(**SHARE, **{"frozen_bn_relu/bn_relu": 8.0})},
        {"timings": timed(**SHARE, **{"frozen_bn_relu/bn_relu": 9.9})},
    ),
    "time_per_block": (
        "bottleneck-slower",
        {"timings": timed(56, basic=3.0, bottleneck=2.5)},
        {"timings": timed(56, basic=3.0, bottleneck=1.5)},
    ),
    "time_equal": (
        "t1-time-simplified-2",
        {"timings": timed(simplified_1=1.0, simplified_2=1.0)},
        {"timings": timed(simplified_1=1.0, simplified_2=1.1)},
    ),
    "time_by_depth": (
        "depth-costs-time",
        {"timings": [t for d in (20, 56, 110) for t in timed(d, basic=float(d), simplified_1=0.7 * d)]},
        {"timings": [t for d in (20, 56, 110) for t in timed(d, basic=1.0, simplified_1=0.7 * d)]},
    ),
    "positive_outputs": (
        "block-inputs-positive",
        {"activations": [activations(0.7)]},
        {"activations": [activations(0.4)]},
    ),
    "path_lengths": (
        "ensemble-10-to-34",
        {"activations": [activations(0.7, depth=110, paths=[1.0] * 18 + [0.0] * 37)]},
        {"activations": [activations(0.7, depth=110, paths=[1.0] * 55)]},  # most paths have about 27 branches
    ),
    "input_stability": (
        "first-input-stable",
        {"activations": [activations(0.7)]},
        {"activations": [activations(0.7, first_drift=0.3)]},
    ),
    "linearity": ("eq9-trained-affine", {"linearity": [linearity(0.95)]}, {"linearity": [linearity(0.6)]}),
    "count_dataset": ("cifar-counts", {"runs": WHOLE}, {"runs": [run(train_size=49_000), WHOLE[1]]}),
    "converges_faster": (
        "relu-converges-faster",
        {"runs": [run(name, curve=[error] * 16, depth=8, seed=s) for name, error in LEVELS.items() for s in range(3)]},
        {"runs": study("activation-functions", dict.fromkeys(CURVED, 50.0))},
    ),
    "worse_than": (
        "relu-placement",
        {"runs": study("relu-placement", PLACED)},
        {"runs": study("relu-placement", PLACED | {"simplified-1/end-bn-relu": 10.0})},
    ),
    "less_sensitive": (
        "bn-eases-training",
        {"runs": study("normalisation", {"basic": 20.0, "relu/relu": 30.0}, ended="relu/relu")},
        {"runs": study("normalisation", {"basic": 40.0, "relu/relu": 30.0})},
    ),
    "no_worse_than": (
        "stochastic-depth-keeps-error",
        {"runs": [run(error=8.0, seed=seed, stochastic_depth=p) for p in (0.0, 0.5) for seed in range(3)]},
        {"runs": [run(error=8.0 + 2 * p, seed=seed, stochastic_depth=p) for p in (0.0, 0.5) for seed in range(3)]},
    ),
    "less_overfitting": (
        "augmentation-helps",
        {"runs": augmented(with_it=7.0, without=9.0)},
        {"runs": augmented(with_it=9.0, without=7.0)},
    ),
    "worth_its_time": (
        "practical-value",
        {"timings": square(simplified_1=7.0), "runs": [run(name, 8.0 - (name == "simplified-1")) for name in SQUARE]},
        {"timings": square(simplified_1=11.0), "runs": [run(name, 8.0) for name in SQUARE]},
    ),
    "follows_from": (
        "simplified-1-replaces-basic",
        {"runs": pairs([7.0, 7.1, 7.2], [7.1, 7.1, 7.1])},
        {"runs": pairs([9.0, 9.1, 9.2], [7.1, 7.1, 7.1])},
    ),
    "faster_and_accurate": (
        "accuracy-kept",
        {"timings": saved(GAPS), "runs": pairs([5.0], [6.5], depth=668)},
        {"timings": saved(dict.fromkeys(GAPS, 1.1)), "runs": pairs([5.0], [6.5], depth=668)},
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_altered_records_change_the_verdict(name):
    claim, records, altered = RECORDS[name]
    assert next(each for each in paper.claims() if each.id == claim).check == name
    verdicts = [found(claim, *given.pop("runs", []), **given).verdict for given in (dict(records), dict(altered))]
    assert verdicts[0] != verdicts[1]


def test_every_check_is_broken_here():
    """But that of what no run can show, which looks at nothing."""
    by_id = {claim.id: claim.check for claim in paper.claims()}
    assert {by_id[claim] for claim, _, _ in LIBRARY} | set(RECORDS) == set(CHECKS) - {"outside"}
