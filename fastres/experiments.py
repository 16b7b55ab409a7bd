"""The experiments as data: the networks that each one trains, for every size of a reproduction (profile).

Adding an experiment is one row of EXPERIMENTS; adding a profile is one row of PROFILES, and its grids in the rows.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, NamedTuple

from fastres.config import RunConfig
from fastres.datasets.catalogue import FOLDER, is_embedded
from fastres.errors import ConfigError
from fastres.models.structures import canonical
from fastres.records.runs import RunRecord

PROFILES = {
    "smoke": "every experiment at small size, on embedded data: tests the pipeline, not the paper",
    "quick": "CIFAR-10, D = 20, three structures, three seeds, 15 epochs: the direction of Table 1",
    "paper": "every run of the paper: 160 epochs, five seeds for Table 1, one for the rest",
    "extended": "the paper, with three seeds in place of one; the ablation of BN and ReLU, and what the paper cites",
    "recoded": "for class folders of CIFAR-10 (DATASET=folder:PATH): Table 1 and the ablation in full, depth in short",
    "beyond": "in short: the ablation and depth (D = 20 and 8, 5 epochs), what the paper cites (D = 8, 4 epochs)",
}


STUDIED = ("lr", "momentum", "weight_decay", "init_scale", "shortcut", "crop_padding", "flip", "stochastic_depth")
# What makes a recipe another one, at any schedule: only a grid that names another value owns such runs.
VARIED = {name: RunConfig.model_fields[name].default for name in STUDIED}


@dataclasses.dataclass(frozen=True)
class Grid:
    """All combinations of datasets, structures, depths and seeds 0 to `seeds` - 1, with one recipe.

    recipe: fields of RunConfig that differ from the paper's. The first dataset is the one that a user may replace.
    A grid owns its networks at any schedule, precision and batch size.
    """

    datasets: tuple[str, ...]
    structures: tuple[str, ...]
    depths: tuple[int, ...]
    seeds: int
    recipe: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def runs(self) -> list[RunConfig]:
        """Seeds in the outermost loop, so that runs that are compared with each other finish together."""
        return [
            RunConfig(dataset=dataset, structure=structure, depth=depth, seed=seed, **self.recipe)
            for seed, dataset, depth, structure in product(
                range(self.seeds), self.datasets, self.depths, self.structures
            )
        ]

    def owns(self, config: RunConfig) -> bool:
        """Whether a run is one of the grid's networks, with its recipe; a class folder is CIFAR-10."""
        dataset = "cifar10" if config.dataset.startswith(FOLDER) else config.dataset
        return (
            dataset in self.datasets
            and config.structure in self.structures
            and config.depth in self.depths
            and all(getattr(config, name) == self.recipe.get(name, value) for name, value in VARIED.items())
        )


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A table, figure or statement of the paper that training runs decide: its grids by profile."""

    name: str
    place: str
    grids: Mapping[str, tuple[Grid, ...]]

    def runs(self, profile: str) -> list[RunConfig]:
        return [run for grid in self.grids.get(profile, ()) for run in grid.runs()]

    def owns(self, config: RunConfig) -> bool:
        return any(grid.owns(config) for grids in self.grids.values() for grid in grids)

    @property
    def depths(self) -> tuple[int, ...]:
        """Of the paper's own networks."""
        return tuple(depth for grid in self.grids.get("paper", ()) for depth in grid.depths)


THREE, PAIR, BASIC = ("basic", "simplified-1", "simplified-2"), ("basic", "simplified-1"), ("basic",)
# Before the first convolution: nothing (simplified-1), BN alone, ReLU alone, both (basic).
ABLATION = ("bn/bn-relu", "relu/bn-relu")
PARTS = ("none", "bn", "relu", "bn-relu")
SQUARE = tuple(canonical(f"{first}/{second}") for first in PARTS for second in PARTS)  # every pair of activations
PYRAMID = "bn/bn-relu/end-bn"  # PyramidNet's block (arXiv 1610.02915)
FIRST, ABLATED = (*PAIR, *ABLATION), (*SQUARE, PYRAMID)  # of FIRST, f2 is BN-ReLU and f1 is varied
C10, BOTH = ("cifar10",), ("cifar10", "cifar100")
DIGITS, EMBEDDED = ("digits",), ("digits", "synthetic100")
# Digits are not mirrored: a mirrored 2 is not a digit. Small batches, few epochs: minutes on two cores.
SMOKE = {"batch_size": 64, "epochs": 3, "flip": False}
LONG, SHORT, BRIEF = {"epochs": 16}, {"epochs": 5}, {"epochs": 4}


class Cited(NamedTuple):
    """A small experiment on what the paper cites: every structure by every recipe. schedule: in `extended`."""

    name: str
    place: str
    structures: tuple[str, ...]
    recipes: tuple[dict[str, Any], ...] = ({},)
    schedule: dict[str, Any] = LONG


CITED = (
    Cited(
        "post-activation",
        "Introduction: the block of the first residual networks, with its activations after the convolutions",
        ("basic", "post-activation"),
    ),
    Cited(
        "activation-functions",
        "Section 1.2.1: ReLU against sigmoid and tanh",
        ("basic", "bn-sigmoid/bn-sigmoid", "bn-tanh/bn-tanh"),
    ),
    Cited(
        "relu-placement",
        "Section 1.2.1: a ReLU at the end of the branch, BN-ReLU after the convolutions, and no ReLU in the blocks",
        ("basic", "basic/end-relu", "simplified-1/end-bn-relu", "bn/bn"),
    ),
    Cited(
        "normalisation",
        "Section 1.2.2: with and without BN in the blocks, over learning rates and initial scales",
        ("basic", "relu/relu"),
        ({}, {"lr": 0.01}, {"lr": 1.0}, {"init_scale": 0.5}, {"init_scale": 2.0}),
    ),
    Cited(
        "stochastic-depth",
        "Introduction (reference 18): leaving out blocks at random, another way to save time",
        BASIC,
        ({}, {"stochastic_depth": 0.5}),
        {},  # in full: it leaves out a part of the training, and a short schedule shows that above all
    ),
    Cited(
        "augmentation",
        "Section 3.1: without random crops and flips",
        BASIC,
        ({}, {"crop_padding": 0, "flip": False}),
        {"epochs": 40},  # to fit the training images without augmentation
    ),
)

EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            "table1",
            "Table 1 and Fig. 6",
            {
                "smoke": (Grid(DIGITS, THREE, (8,), 2, SMOKE),),
                "quick": (Grid(C10, THREE, (20,), 3, {"epochs": 15}),),
                "paper": (Grid(C10, THREE, (20,), 5),),
                "extended": (Grid(C10, THREE, (20,), 5),),
                "recoded": (Grid(C10, THREE, (20,), 5),),
            },
        ),
        Experiment(
            "table2",
            "Table 2, Figs. 7 and 8",
            {
                "smoke": (Grid(EMBEDDED, PAIR, (14, 26), 1, SMOKE),),
                "paper": (Grid(BOTH, PAIR, (56, 110), 1),),
                "extended": (Grid(BOTH, PAIR, (56, 110), 3),),
                "recoded": (Grid(C10, PAIR, (56,), 3, {"epochs": 40}), Grid(C10, PAIR, (110,), 1, {"epochs": 15})),
            },
        ),
        Experiment(
            "very-deep",
            "Section 3.4, D = 668",
            {
                "smoke": (Grid(DIGITS, PAIR, (44,), 1, SMOKE),),
                "paper": (Grid(C10, PAIR, (668,), 1),),
                "extended": (Grid(C10, PAIR, (668,), 3),),
            },
        ),
        Experiment(
            "ablation",
            "beyond the paper: each of f1 and f2 none, BN, ReLU or both, D = 20",
            {
                "extended": (Grid(C10, FIRST, (20,), 5), Grid(C10, ABLATED, (20,), 3)),
                "recoded": (Grid(C10, ABLATED, (20,), 1),),
                "beyond": (Grid(C10, FIRST, (20,), 3, SHORT), Grid(C10, ABLATED, (20,), 1, SHORT)),
            },
        ),
        Experiment(
            "depth",
            "Section 3.4: training and test error of the basic network against depth",
            {"extended": (Grid(C10, BASIC, (20, 56, 110), 3),), "beyond": (Grid(C10, BASIC, (8, 20), 3, SHORT),)},
        ),
        Experiment(
            "deep-ablation",
            "Section 3.4: which part of the first activation over-fits",
            {"extended": (Grid(C10, ABLATION, (110,), 3),), "beyond": (Grid(C10, ABLATION, (20,), 3, SHORT),)},
        ),
        *(
            Experiment(
                cited.name,
                cited.place,
                {
                    "extended": tuple(Grid(C10, cited.structures, (20,), 3, cited.schedule | r) for r in cited.recipes),
                    "beyond": tuple(Grid(C10, cited.structures, (8,), 3, BRIEF | r) for r in cited.recipes),
                },
            )
            for cited in CITED
        ),
    )
}

# Structures to time together at each depth: a claim needs all its structures in one timing record.
TIMED = {20: (*THREE, "relu/relu", *ABLATION), 56: (*THREE, "bottleneck"), 110: THREE, 668: PAIR}


def planned_runs(profile: str, dataset: str | None = None, precision: str | None = None) -> list[RunConfig]:
    """Every run of a profile once, in order.

    dataset: replaces CIFAR-10 (then runs on CIFAR-100 are left out), for local images.
    precision: replaces fp32.

    Raises ConfigError for an unknown profile, listing what exists.
    """
    if profile not in PROFILES:
        raise ConfigError(f"unknown profile {profile!r}: use one of {', '.join(PROFILES)}")
    runs = []
    for grid in (grid for experiment in EXPERIMENTS.values() for grid in experiment.grids.get(profile, ())):
        for run in grid.runs():
            if dataset is None or run.dataset == grid.datasets[0]:
                changes = {"dataset": dataset, "precision": precision}
                runs.append(run.changed(**{name: value for name, value in changes.items() if value is not None}))
    return list(dict.fromkeys(runs))


def select(runs: Iterable[RunRecord], experiment: str) -> list[RunRecord]:
    """The records of an experiment's networks, at any size and schedule."""
    return [run for run in runs if EXPERIMENTS[experiment].owns(run.config)]


def is_smoke(config: RunConfig) -> bool:
    """Whether a run only tests the pipeline: its images are embedded or synthetic."""
    return is_embedded(config.dataset)


def as_in_paper(config: RunConfig) -> bool:
    """Whether a run follows the paper's recipe in full, so that its error is comparable with the paper's."""
    recipe = RunConfig(dataset=config.dataset, structure=config.structure, depth=config.depth, seed=config.seed)
    return config.dataset in BOTH and config == recipe.changed(precision=config.precision)
