"""Which run records a claim may rest on, and in what order of preference.

A run decides if it has the paper's full recipe (160 epochs) on the dataset of the claim, or on a copy of it: a
folder with as many classes and images. Other real runs are evidence that is told, and decides nothing. Runs on
embedded or made-up images are neither.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from fastres import paper
from fastres.config import FOLDER, RunConfig
from fastres.experiments import as_in_paper, is_smoke
from fastres.records.activations import ActivationRecord
from fastres.records.comparable import setting
from fastres.records.runs import RunRecord

Cell = tuple[int, str]  # depth and structure


Cells = dict[Cell, list[RunRecord]]


def is_copy(run: RunRecord | ActivationRecord) -> bool:
    return run.config.dataset.startswith(FOLDER)


def stands_for(run: RunRecord | ActivationRecord, dataset: str) -> bool:
    """Whether a run's images are those of "cifar10" or "cifar100", or a copy of them, in full number."""
    counts = paper.setup()["datasets"][dataset]
    expected = (counts["classes"], counts["train_images"], counts["test_images"])
    same_size = (run.data.num_classes, run.data.train_size, run.data.test_size) == expected
    return same_size and (run.config.dataset == dataset or is_copy(run))


def has_full_recipe(run: RunRecord | ActivationRecord) -> bool:
    """Whether all but the images is as in the paper."""
    return as_in_paper(RunConfig(**{**run.config.model_dump(), "dataset": "cifar10"}))


def rank(run: RunRecord) -> tuple[bool, bool, int]:
    """Sorts settings: the original before a copy, fp32 before other precisions, long schedules before short ones."""
    return is_copy(run), run.config.precision != "fp32", -run.config.epochs


def settings(runs: Iterable[RunRecord], dataset: str, full: bool = True, copies: bool = True) -> dict[str, Cells]:
    """The runs for a dataset, by setting and then by cell; within one setting all may be compared.

    full: those of the full recipe (else: those of any other). copies: whether copies of the dataset count.
    Settings come in the order of `rank`, then of their names; seeds in their own.
    """
    found: dict[str, Cells] = defaultdict(lambda: defaultdict(list))
    chosen = [
        run
        for run in runs
        if not is_smoke(run.config)
        and stands_for(run, dataset)
        and has_full_recipe(run) == full
        and (copies or not is_copy(run))
    ]
    for run in sorted(chosen, key=lambda run: (rank(run), setting(run), run.config.seed)):
        found[setting(run)][run.config.depth, run.config.structure].append(run)
    return {where: dict(cells) for where, cells in found.items()}


def first_complete(found: dict[str, Cells], cells: Sequence[Cell]) -> tuple[str, Cells] | None:
    """The preferred setting that has a run in every cell: by `rank`, then the one with most seeds in each."""
    complete = [
        (where, {cell: runs[cell] for cell in cells})
        for where, runs in found.items()
        if all(runs.get(cell) for cell in cells)
    ]
    return min(complete, key=lambda row: (rank(row[1][cells[0]][0]), -min(map(len, row[1].values()))), default=None)


def names(structures: Iterable[str], depths: Iterable[int], datasets: Iterable[str] = ()) -> str:
    """ "basic, simplified-1 at D = 56, 110 on cifar10" """
    on = ", ".join(datasets)
    text = f"{', '.join(structures)} at D = {', '.join(map(str, depths))}"
    return f"{text} on {on}" if on else text
