"""A whole reproduction: training, all other notebooks, and the report, in one locked folder."""

from pathlib import Path

from fastres import paths
from fastres.config import RunConfig
from fastres.device import choose_device
from fastres.files import locked, make_folder
from fastres.reproduce import notebooks
from fastres.reproduce.executors import jobs_that_fit, run_local
from fastres.reproduce.inputs import check_inputs
from fastres.reproduce.notebooks import Outcome
from fastres.reproduce.ray_executor import Cluster


def reproduce(
    configs: list[RunConfig], device: str, runs_dir: Path, workers: int | None = None, cluster: Cluster | None = None
) -> tuple[list[Outcome], Path]:
    """Outcomes of all notebooks, training first, and the path of the report.

    workers: notebooks executed at once; default: as executors.jobs_that_fit.
    cluster: trains in place of this machine; notebooks and report are made here.
    Raises ConfigError, DataError or RecordError before anything is executed.
    """
    notebooks.require_notebook_stack()
    from fastres.reproduce.report.build import write_report

    make_folder(paths.outputs())
    make_folder(runs_dir)
    with locked(paths.outputs(), "this reproduction"):
        notebooks.remove_unfinished(runs_dir)
        checksums = check_inputs(configs, runs_dir)
        jobs = notebooks.training_jobs(configs, device, runs_dir)
        if cluster:
            by_run = {job.output.stem: job for job in jobs}
            outcomes = list(cluster.train(by_run, configs, runs_dir, checksums))
        else:
            outcomes = list(run_local(jobs, workers or jobs_that_fit(configs, choose_device(device)), "Training"))
        outcomes += run_local(notebooks.result_jobs(runs_dir, device), workers or jobs_that_fit(), "Notebooks")
        outcomes.sort(key=lambda outcome: (not outcome.name.startswith(notebooks.TRAIN), outcome.name))
        print("\nReport", flush=True)
        return outcomes, write_report(outcomes, runs_dir)
