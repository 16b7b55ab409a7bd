"""The whole reproduction: executes the notebooks with papermill, then binds them into the report.

04_train runs once for each planned run that has no record, then every other notebook. A notebook whose
source, code, parameters and records are those of its last good execution is not executed again.
"""

import dataclasses
import hashlib
import json
import logging
import os
import sys
import time
from pathlib import Path

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError

from fastres import paths
from fastres.config import RunConfig
from fastres.datasets.sources import load_dataset
from fastres.files import atomic_write, make_folder
from fastres.records.runs import load_runs, record_path

TRAIN = "04_train"


FINGERPRINT = "fastres_fingerprint"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one notebook: `status` is "done", "kept" (nothing had changed) or "failed"."""

    name: str
    status: str
    seconds: float
    output: Path
    problem: str = ""


def check_inputs(configs: list[RunConfig], runs_dir: Path) -> None:
    """Refuse here what would fail in the middle: unreadable records, missing images, a folder not to be written to.

    Relative folders in the environment are made absolute, for notebooks run in a folder of their own.
    Raises RecordError, DataError or ConfigError.
    """
    for name, folder in (("FASTRES_OUTPUTS", paths.outputs()), ("FASTRES_DATA", paths.datasets())):
        os.environ[name] = str(folder)
    for folder in (runs_dir, paths.executed_notebooks()):
        make_folder(folder)
    load_runs(paths.RECORDED, runs_dir)
    for name in sorted({config.dataset for config in configs if not record_path(config, runs_dir).exists()}):
        load_dataset(name)


def run_training(configs: list[RunConfig], device: str, runs_dir: Path) -> list[Outcome]:
    """Execute 04_train for every config that has no record yet."""
    outcomes = []
    for number, config in enumerate(configs, start=1):
        output = paths.executed_notebooks() / "train" / f"{config.run_id}.ipynb"
        name = f"{TRAIN} {config.run_id}"
        if record_path(config, runs_dir).exists():
            outcomes.append(Outcome(name, "kept", 0.0, output))
            continue
        print(f"[{number}/{len(configs)}] {name}", flush=True)
        parameters = {**config.model_dump(), "device": device, "runs_dir": str(runs_dir.resolve())}
        outcomes.append(_execute(name, paths.NOTEBOOKS / f"{TRAIN}.ipynb", output, parameters))
    return outcomes


def run_notebooks(runs_dir: Path) -> list[Outcome]:
    """Execute every notebook but 04_train; those with a parameter `runs_dir` are given the records there."""
    outcomes = []
    for source in sorted(paths.NOTEBOOKS.glob("*.ipynb")):
        if source.stem == TRAIN:
            continue
        output = paths.executed_notebooks() / source.name
        known = papermill.inspect_notebook(str(source))
        parameters = {"runs_dir": str(runs_dir.resolve())} if "runs_dir" in known else {}
        mark = _fingerprint(source, parameters, runs_dir)
        if output.exists() and nbformat.read(output, as_version=4).metadata.get(FINGERPRINT) == mark:
            outcomes.append(Outcome(source.stem, "kept", 0.0, output))
            continue
        print(source.stem, flush=True)
        outcomes.append(_execute(source.stem, source, output, parameters, mark))
    return outcomes


def _execute(name: str, source: Path, output: Path, parameters: dict, mark: str = "") -> Outcome:
    """One notebook through papermill; its output file, with the error if it failed, is replaced only at the end."""
    output.parent.mkdir(parents=True, exist_ok=True)
    working = output.with_suffix(".running.ipynb")
    logging.getLogger("papermill").setLevel(logging.WARNING)
    start = time.perf_counter()
    problem = ""
    try:
        papermill.execute_notebook(
            str(source),
            str(working),
            parameters,
            cwd=str(paths.NOTEBOOKS),
            progress_bar=False,
            log_output=False,
            stdout_file=sys.stdout if source.stem == TRAIN else None,
            extra_arguments=["--log-level=ERROR"],  # a kernel warns at every start of its local socket
        )
    except PapermillExecutionError as error:
        problem = f"cell {error.cell_index}: {error.ename}: {error.evalue}"
    except Exception as error:  # a dead kernel, a notebook that is no notebook: the others still run
        problem = f"{type(error).__name__}: {error}"
    if working.exists():
        if not problem:
            _write_fingerprint(working, mark)
        os.replace(working, output)
    return Outcome(name, "failed" if problem else "done", time.perf_counter() - start, output, problem)


def _fingerprint(source: Path, parameters: dict, runs_dir: Path) -> str:
    """Hash of all that an executed notebook depends on: itself, the package, data/, parameters, records."""
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode())
    read = [source, *sorted((paths.ROOT / "fastres").rglob("*.py")), *sorted(paths.PAPER.glob("*"))]
    for folder in (paths.RECORDED, runs_dir, paths.timings_beside(runs_dir)) if parameters else ():
        read += sorted(path for path in folder.rglob("*.json") if path.is_file())
    for path in read:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _write_fingerprint(path: Path, mark: str) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata[FINGERPRINT] = mark
    with atomic_write(path) as file:
        nbformat.write(notebook, file)
