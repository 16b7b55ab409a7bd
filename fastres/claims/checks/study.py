"""The runs of an experiment whose recipe is not the paper's, variant by variant.

A variant is a structure with changes to the recipe; variants are compared at equal depth, schedule, precision, device,
images and seeds.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastres.claims.checks.errors import ENOUGH_PAIRS
from fastres.claims.evidence import Evidence, rank, scope_of
from fastres.claims.finding import TRAIN_BEYOND, TRAIN_EXTENDED, Finding, unsettled
from fastres.config import RunConfig
from fastres.experiments import EXPERIMENTS, VARIED
from fastres.records.comparable import setting
from fastres.records.runs import RunRecord
from fastres.stats import Interval, paired_difference

Variant = Mapping[str, Any]  # "structure" and other fields of RunConfig
Measure = Callable[[RunRecord], float]
MEASURES: dict[str, Measure] = {
    "training error": lambda run: run.last.train_error,
    "test error": lambda run: run.last.test_error,
    "gap": lambda run: run.last.test_error - run.last.train_error,
}


@dataclass(frozen=True)
class Study:
    """The runs of every variant by seed, over the seeds that all have, in one setting."""

    variants: list[dict[int, RunRecord]]
    scope: tuple[str, ...]
    where: str

    def difference(self, first: int, second: int, measure: Measure) -> Interval:
        """Of two variants, paired over seeds: a t-interval. NaN if a run diverged."""
        found = ({seed: measure(run) for seed, run in self.variants[i].items()} for i in (first, second))
        return paired_difference(*found)

    def finding(self, verdict: str, text: str, intervals: dict[str, Interval], lacking: str = "") -> Finding:
        """lacking: what would decide the claim, by the runs of the profile `extended`."""
        ids = tuple(run.run_id for runs in self.variants for run in runs.values())
        text = f"{text.removesuffix('.')} (n = {len(self.variants[0])} seeds)."
        missing, commands = ((lacking,), (TRAIN_EXTENDED,)) if lacking else ((), ())
        return Finding(
            verdict, text, self.scope, self.where, {}, intervals, missing=missing, records=ids, commands=commands
        )

    @property
    def config(self) -> RunConfig:
        """Of any of the runs: what all of them share."""
        return next(iter(self.variants[0].values())).config

    def all_diverged(self, variant: int) -> bool:
        return all(run.diverged for run in self.variants[variant].values())


def study(
    evidence: Evidence, dataset: str, experiment: str, variants: Sequence[Variant], least_epochs: int = 0
) -> Study | Finding:
    """The deepest and longest setting with three seeds of every variant; or the finding that there is none.

    least_epochs: settings of fewer come last.
    """
    found: dict[tuple[int, str], list[dict[int, RunRecord]]] = defaultdict(lambda: [{} for _ in variants])
    for run in evidence.runs:
        if scope_of(run, dataset) and EXPERIMENTS[experiment].owns(run.config):
            for i, variant in enumerate(variants):
                if {name: getattr(run.config, name) for name in (*VARIED, "structure")} == {**VARIED, **variant}:
                    found[run.config.depth, base_setting(run)][i][run.config.seed] = run
    studies = [_study(dataset, *key, rows) for key, rows in sorted(found.items()) if all(rows)]
    complete = [row for row in studies if len(row.variants[0]) >= ENOUGH_PAIRS]
    if complete:
        return min(complete, key=lambda row: (row.config.epochs < least_epochs, -row.config.depth, _rank(row)))
    planned = [run.epochs for run in EXPERIMENTS[experiment].runs("beyond")]
    profile = TRAIN_BEYOND if planned and min(planned) >= least_epochs else TRAIN_EXTENDED
    so_far = [f"runs of all, {len(row.variants[0])} common seeds ({row.where})" for row in studies]
    names = ", ".join(name_of(variant) for variant in variants)
    return unsettled(f"{ENOUGH_PAIRS} seeds of {names} in one setting", [profile], so_far)


def base_setting(run: RunRecord) -> str:
    """The setting of a run, but for what experiments vary."""
    return setting(run.model_copy(update={"config": run.config.changed(**VARIED)}))


def _study(dataset: str, depth: int, where: str, rows: list[dict[int, RunRecord]]) -> Study:
    seeds = sorted(set.intersection(*(set(row) for row in rows)))
    scopes = tuple(dict.fromkeys(scope_of(run, dataset) for row in rows for run in row.values()))
    return Study([{seed: row[seed] for seed in seeds} for row in rows], scopes, f"D = {depth}, {where}")


def _rank(found: Study) -> tuple[bool, int, bool]:
    return rank(next(iter(found.variants[0].values())))


def name_of(variant: Variant) -> str:
    changes = [f"{name} {value}" for name, value in variant.items() if name != "structure"]
    return " ".join([variant["structure"], *changes])
