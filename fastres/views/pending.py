"""What is shown where nothing is recorded yet: one line with the command, and the time that it would take."""

from collections.abc import Iterable

from fastres import paths
from fastres.config import RunConfig
from fastres.experiments import EXPERIMENTS, as_in_paper
from fastres.records.runs import RunRecord
from fastres.records.timings import TimingRecord, device_of, duration, load_timings, way
from fastres.views import html

REPRODUCE = "make reproduce PROFILE=paper"


def line(what: str, command: str = REPRODUCE, experiment: str = "") -> html.Shown:
    """ "Not run yet. `make reproduce PROFILE=paper` runs it: about 16 days of training on ...", in one line."""
    time = estimate(EXPERIMENTS[experiment].runs("paper")) if experiment else ""
    return html.line(f"{what} `{command}` runs it{f': {time}' if time else ''}.")


def recipe(experiment: str, runs: Iterable[RunRecord]) -> html.Shown:
    """How many of an experiment's runs of the paper's recipe are recorded; what is missing, and its time."""
    there = {_network(run.config) for run in runs if as_in_paper(run.config)}
    planned = EXPERIMENTS[experiment].runs("paper")
    missing = [config for config in planned if _network(config) not in there]
    recorded = f"Of the paper's recipe {len(planned) - len(missing)} of {len(planned)} runs are recorded"
    if not missing:
        return html.line(f"{recorded}.")
    time = estimate(missing)
    return html.line(f"{recorded}. `{REPRODUCE}` runs the rest{f': {time}' if time else ''}.")


def _network(config: RunConfig) -> tuple[str, str, int, int]:
    return config.dataset, config.structure, config.depth, config.seed


def estimate(runs: Iterable[RunConfig], records: Iterable[TimingRecord] | None = None) -> str:
    """Training time of runs from the committed timings of their networks, on the fastest device that was timed.

    Only timings in the precision of the runs count. A structure that was not timed takes the time of basic. Empty where
    a depth was not timed. All images are taken to be as many as CIFAR's.
    """
    runs = list(runs)
    precisions = {run.precision for run in runs}
    records = load_timings(paths.RECORDED_TIMINGS) if records is None else records
    records = [record for record in records if precisions == {record.precision}]
    totals = {}
    for device, how in {(device_of(record), way(record)) for record in records}:
        found = {record.depth: record for record in records if (device_of(record), way(record)) == (device, how)}
        if runs and all(run.depth in found for run in runs):
            totals[f"{device} ({how})"] = sum(run.epochs * _seconds(found[run.depth], run) for run in runs)
    if not totals:
        return ""
    where, seconds = min(totals.items(), key=lambda entry: (entry[1], entry[0]))
    return f"{len(runs)} runs, about {duration(seconds)} of training on {where}"


def _seconds(record: TimingRecord, run: RunConfig) -> float:
    return record.seconds_per_epoch(run.structure if run.structure in record.seconds else "basic")
