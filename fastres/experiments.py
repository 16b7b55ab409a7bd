"""The paper's experiments as lists of RunConfig, in the sizes that a reproduction can have (profiles).

An experiment is told by its depths alone: no two experiments share a depth, in full or in small.
"""

import dataclasses
from collections.abc import Iterable
from itertools import product

from fastres.config import RunConfig
from fastres.errors import ConfigError
from fastres.records.runs import RunRecord

# What one timing of a depth should have, so that it serves every claim: a record has all structures of its depth.
TIMED = {
    20: ("basic", "simplified-1", "simplified-2", "relu/relu", "relu/bn-relu", "bn/bn-relu"),
    56: ("basic", "simplified-1", "simplified-2", "bottleneck"),
    110: ("basic", "simplified-1", "simplified-2"),
    668: ("basic", "simplified-1"),
}


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A table, figure or sentence of the paper that training runs reproduce."""

    name: str
    place: str
    structures: tuple[str, ...]
    depths: tuple[int, ...]  # the paper's
    smoke_depths: tuple[int, ...]  # in their place in the smoke profile
    datasets: tuple[str, ...]
    seeds: int  # runs of each network in the paper


EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            name="table1",
            place="Table 1 and Fig. 6",
            structures=("basic", "simplified-1", "simplified-2"),
            depths=(20,),
            smoke_depths=(8,),
            datasets=("cifar10",),
            seeds=5,
        ),
        Experiment(
            name="table2",
            place="Table 2, Figs. 7 and 8",
            structures=("basic", "simplified-1"),
            depths=(56, 110),
            smoke_depths=(14, 26),
            datasets=("cifar10", "cifar100"),
            seeds=1,
        ),
        Experiment(
            name="very-deep",
            place="Section 3.4, D = 668",
            structures=("basic", "simplified-1"),
            depths=(668,),
            smoke_depths=(44,),
            datasets=("cifar10",),
            seeds=1,
        ),
    )
}


PROFILES = {
    "smoke": "every path of the paper in small, on embedded data: proves the pipeline, not the paper",
    "quick": "CIFAR-10, D = 20, three structures, three seeds, 15 epochs: the direction of Table 1",
    "paper": "every run of the paper: 160 epochs, five seeds for Table 1, one for the rest",
    "extended": "the paper, with three seeds in place of one, and the ablation of BN and ReLU at D = 20",
}


SMOKE_DATASETS = {"cifar10": "digits", "cifar100": "synthetic100"}


# Digits are not mirrored: a mirrored 2 is no digit. Steps are small and few: minutes on two cores.
SMOKE_RECIPE = {"batch_size": 64, "epochs": 3, "flip": False}


# What stands before the first convolution: nothing (simplified-1), BN alone, ReLU alone, both (basic).
ABLATION = ("bn/bn-relu", "relu/bn-relu")


def runs_of(experiment: Experiment, profile: str) -> list[RunConfig]:
    """The runs of one experiment in a profile, seeds outermost so that comparable runs end together."""
    structures, depths, datasets, seeds = (
        experiment.structures,
        experiment.depths,
        experiment.datasets,
        experiment.seeds,
    )
    recipe: dict = {}
    if profile == "smoke":
        depths = experiment.smoke_depths
        datasets = tuple(SMOKE_DATASETS[name] for name in datasets)
        seeds = min(seeds, 2)
        recipe = SMOKE_RECIPE
    elif profile == "quick":
        seeds = 3 if experiment.name == "table1" else 0
        recipe = {"epochs": 15}
    elif profile == "extended":
        seeds = max(seeds, 3)
        structures += ABLATION if experiment.name == "table1" else ()
    return [
        RunConfig(dataset=dataset, structure=structure, depth=depth, seed=seed, **recipe)
        for seed, dataset, depth, structure in product(range(seeds), datasets, depths, structures)
    ]


def planned_runs(profile: str, dataset: str | None = None, precision: str | None = None) -> list[RunConfig]:
    """Every run of a profile, in order.

    dataset: replaces CIFAR-10 (then runs on CIFAR-100 are left out), for images that are here.
    precision: replaces fp32.

    Raises ConfigError for an unknown profile, listing what exists.
    """
    if profile not in PROFILES:
        raise ConfigError(f"unknown profile {profile!r}: use one of {', '.join(PROFILES)}")
    runs = [run for experiment in EXPERIMENTS.values() for run in runs_of(experiment, profile)]
    if dataset is not None:
        first = SMOKE_DATASETS["cifar10"] if profile == "smoke" else "cifar10"
        runs = [_changed(run, dataset=dataset) for run in runs if run.dataset == first]
    if precision is not None:
        runs = [_changed(run, precision=precision) for run in runs]
    return runs


def _changed(config: RunConfig, **fields: str) -> RunConfig:
    return RunConfig(**{**config.model_dump(), **fields})


def select(runs: Iterable[RunRecord], experiment: str) -> list[RunRecord]:
    """The records that belong to an experiment, in full or in small: those of its depths and structures."""
    wanted = EXPERIMENTS[experiment]
    depths = wanted.depths + wanted.smoke_depths
    structures = wanted.structures + (ABLATION if experiment == "table1" else ())
    return [run for run in runs if run.config.depth in depths and run.config.structure in structures]


def is_smoke(config: RunConfig) -> bool:
    """Whether a run only proves the pipeline: it has embedded or made-up images."""
    return config.dataset in ("digits", "synthetic", "synthetic100")


def as_in_paper(config: RunConfig) -> bool:
    """Whether a run follows the paper's recipe in full, so that its error may stand beside the paper's."""
    recipe = RunConfig(dataset=config.dataset, structure=config.structure, depth=config.depth, seed=config.seed)
    return config.dataset in ("cifar10", "cifar100") and config == _changed(recipe, precision=config.precision)
