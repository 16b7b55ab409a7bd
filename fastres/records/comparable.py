"""Which runs may be compared: those that differ in nothing but structure, depth and seed."""

from collections import defaultdict
from collections.abc import Iterable

from fastres.datasets.catalogue import shown
from fastres.records.provenance import engine_of
from fastres.records.runs import RunRecord, finished


def setting(run: RunRecord) -> str:
    """All that must be equal for two runs to be compared, but their structure, depth and seed."""
    config = run.config
    recipe = config.model_dump(exclude={"dataset", "structure", "depth", "seed", "epochs", "precision"})
    default = type(config).model_fields
    changed = [f"{name} {value}" for name, value in recipe.items() if value != default[name].default]
    parts = [shown(config.dataset), f"{config.epochs} epochs", config.precision, *changed]
    parts += [engine_of(run.environment)] * (engine_of(run.environment) != "eager")
    parts += [str(run.environment.get("device_name", "unknown device")), f"images {run.data.sha256[:8]}"]
    return ", ".join(parts)


def group(runs: Iterable[RunRecord], diverged: bool = False) -> dict[tuple[str, int, str], list[RunRecord]]:
    """Runs that may share a row, by (setting, depth, structure) in that order, seeds in order.

    diverged: with those that have no error. Of runs that differ in the path of the same images alone, one is taken.
    """
    rows: dict[tuple[str, int, str], dict[int, RunRecord]] = defaultdict(dict)
    for run in sorted(runs if diverged else finished(runs), key=lambda run: (run.config.seed, run.run_id)):
        rows[setting(run), run.config.depth, run.config.structure].setdefault(run.config.seed, run)
    return {key: list(by_seed.values()) for key, by_seed in sorted(rows.items())}


def panels(runs: Iterable[RunRecord], diverged: bool = False) -> dict[tuple[str, int], dict[str, list[RunRecord]]]:
    """`group` by (setting, depth): the runs of each structure."""
    found: dict[tuple[str, int], dict[str, list[RunRecord]]] = defaultdict(dict)
    for (where, depth, structure), members in group(runs, diverged).items():
        found[where, depth][structure] = members
    return dict(found)


def errors_by_seed(runs: Iterable[RunRecord]) -> dict[int, float]:
    return {run.config.seed: run.last.test_error for run in runs}
