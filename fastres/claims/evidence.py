"""Evidence: which run records a claim may rest on, in what order of preference.

A run of the paper's full recipe decides: on the dataset of the claim, everything; on re-encoded images (a folder
with as many classes and images), comparisons between networks. Other runs on photographs are shown and decide
nothing. Runs on embedded or synthetic images are not evidence.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from fastres import paper
from fastres.claims.finding import COPY, PAPER, SHORT, Finding
from fastres.datasets.catalogue import FOLDER
from fastres.experiments import as_in_paper, is_smoke
from fastres.records.activations import ActivationRecord
from fastres.records.comparable import group
from fastres.records.linearity import LinearityRecord
from fastres.records.runs import RunRecord
from fastres.records.timings import TimingRecord

Cell = tuple[int, str]  # depth and structure
Cells = dict[Cell, list[RunRecord]]

COMPARES = (PAPER, COPY)  # scopes that decide differences and curves
ABSOLUTE = (PAPER,)  # scopes that decide printed errors
LESSER = (COPY, SHORT)  # scopes that decide no printed error, and are shown


@dataclass(frozen=True)
class Evidence:
    """All records at hand, and the findings on other claims, by id."""

    runs: tuple[RunRecord, ...]
    timings: tuple[TimingRecord, ...]
    activations: tuple[ActivationRecord, ...]
    linearity: tuple[LinearityRecord, ...]
    finding: Callable[[str], Finding]


def scope_of(run: RunRecord | ActivationRecord | LinearityRecord, dataset: str) -> str:
    """The scope in which a run bears on a claim about "cifar10" or "cifar100"; empty: it does not."""
    counts = paper.setup()["datasets"][dataset]
    expected = (counts["classes"], counts["train_images"], counts["test_images"])
    whole = (run.data.num_classes, run.data.train_size, run.data.test_size) == expected
    copy = run.config.dataset.startswith(FOLDER)
    if is_smoke(run.config) or not whole or not (copy or run.config.dataset == dataset):
        return ""
    if not as_in_paper(run.config.changed(dataset=dataset)):
        return SHORT
    return COPY if copy else PAPER


def rank(run: RunRecord) -> tuple[bool, int, bool]:
    """Sort key of settings: original images before a copy, long schedules first, fp32 before other precisions."""
    return run.config.dataset.startswith(FOLDER), -run.config.epochs, run.config.precision != "fp32"


def settings(runs: Iterable[RunRecord], dataset: str, scopes: Sequence[str] = COMPARES) -> dict[str, Cells]:
    """The runs of some scopes, by setting and then by cell; within one setting all may be compared.

    Settings come in the order of `rank`, which all runs of one share, then of their names; seeds in their own.
    """
    found: dict[str, Cells] = defaultdict(dict)
    chosen = [run for run in runs if scope_of(run, dataset) in scopes]
    for (where, depth, structure), members in group(chosen, diverged=True).items():
        found[where][depth, structure] = members
    return dict(sorted(found.items(), key=lambda row: (rank(next(iter(row[1].values()))[0]), row[0])))


def first_complete(found: dict[str, Cells], cells: Sequence[Cell]) -> tuple[str, Cells] | None:
    """The preferred setting that has a run in every cell: by `rank`, then the one with most seeds in each."""
    complete = [
        (where, {cell: runs[cell] for cell in cells})
        for where, runs in found.items()
        if all(runs.get(cell) for cell in cells)
    ]
    return min(complete, key=lambda row: (rank(row[1][cells[0]][0]), -min(map(len, row[1].values()))), default=None)


def names(structures: Iterable[str], depths: Iterable[int], dataset: str) -> str:
    """ "basic, simplified-1 at D = 56, 110 on cifar10" """
    return f"{', '.join(structures)} at D = {', '.join(map(str, depths))} on {dataset}"
