"""The notebooks as jobs: which exist, what each depends on, and how one is executed (papermill).

04_train is executed once for each planned run, then every other notebook. A notebook whose source, code, parameters
and records are those of its last good execution is not executed again if all its output files still exist.
"""

import contextlib
import dataclasses
import hashlib
import json
import logging
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from fastres import paths
from fastres.config import RunConfig
from fastres.errors import ConfigError
from fastres.files import WRITTEN_FILES, atomic_write, is_locked
from fastres.reproduce.shares import work

TRAIN = "04_train"
ROUNDS = "rounds"  # the parameter of a notebook that measures time
RUNNING = ".running.ipynb"  # suffix of a notebook that is being executed
# In the metadata of an executed notebook: of its inputs, the files that it wrote, and of its own cells.
FINGERPRINT, FILES, CHECKSUM = "fastres_fingerprint", "fastres_files", "fastres_checksum"


@dataclasses.dataclass(frozen=True)
class Job:
    """One notebook to execute. Paths and parameters are plain, so that a job can be sent to another process."""

    name: str
    source: Path
    output: Path
    parameters: dict
    read: tuple[Path, ...]  # all files that the result depends on
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    work: float = 1.0  # in proportion to the time it takes, to begin with the longest and to tell what is left
    alone: bool = False  # it measures time: nothing else may be executed beside it
    live: bool = False  # show what the notebook prints while it runs

    @property
    def fingerprint(self) -> str:
        digest = hashlib.sha256(json.dumps(self.parameters, sort_keys=True).encode())
        for path in self.read:
            digest.update(path.name.encode() + (path.read_bytes() if path.is_file() else b""))
        return digest.hexdigest()

    @property
    def is_done(self) -> bool:
        """Whether its last execution had the same inputs, its output is whole, and all files that it wrote exist."""
        metadata = metadata_of(self.output)
        return metadata.get(FINGERPRINT) == self.fingerprint and all(map(os.path.exists, metadata.get(FILES, [])))


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of one notebook: `status` is "done", "kept" (nothing had changed) or "failed"."""

    name: str
    status: str
    seconds: float
    output: Path
    problem: str = ""


def training_jobs(configs: list[RunConfig], device: str, runs_dir: Path) -> list[Job]:
    """One job per run. It does not repeat a run that has a record."""
    source = paths.NOTEBOOKS / f"{TRAIN}.ipynb"
    jobs = []
    for config in configs:
        parameters = {**config.model_dump(), "device": device, "runs_dir": str(runs_dir.resolve())}
        output = paths.executed_notebooks() / "train" / f"{config.run_id}.ipynb"
        read = (source, runs_dir / config.run_id / "record.json")
        jobs.append(Job(f"{TRAIN} {config.run_id}", source, output, parameters, read, work=work(config)))
    return jobs


def result_jobs(runs_dir: Path, device: str = "auto") -> list[Job]:
    """Every notebook but 04_train; those with a parameter `runs_dir` or `device` are given it."""
    jobs = []
    for source in sorted(paths.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        if source.stem == TRAIN:
            continue
        known = _parameters(source)
        given = {"runs_dir": str(runs_dir.resolve()), "device": device}
        parameters = {name: value for name, value in given.items() if name in known}
        read = [source, *sorted(paths.PACKAGE.rglob("*.py")), *sorted(paths.PAPER.glob("*"))]
        for folder in (paths.RECORDED, *((runs_dir, paths.timings_beside(runs_dir)) if "runs_dir" in known else ())):
            read += sorted(folder.rglob("*.json"))
        output = paths.executed_notebooks() / source.name
        jobs.append(Job(source.stem, source, output, parameters, tuple(read), alone=ROUNDS in known))
    return jobs


def execute(job: Job) -> Outcome:
    """Execute one notebook; its output file, with the error if it failed, is replaced only at the end."""
    job.output.parent.mkdir(parents=True, exist_ok=True)
    working = job.output.with_suffix(f".{secrets.token_hex(4)}{RUNNING}")  # another shard may execute the same job
    logging.getLogger("papermill").setLevel(logging.WARNING)
    start, inputs = time.perf_counter(), job.fingerprint
    problem = ""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "written"
        with environment({**job.environment, WRITTEN_FILES: str(written)}):
            problem = _run(job, working)
        files = sorted(set(written.read_text(encoding="utf-8").splitlines())) if written.exists() else []
    if working.exists():
        if not problem:
            # Training has just written the record that its fingerprint covers; results are of what they have read.
            mark(working, job.fingerprint if job.source.stem == TRAIN else inputs, files)
        os.replace(working, job.output)
    return Outcome(job.name, "failed" if problem else "done", time.perf_counter() - start, job.output, problem)


def _run(job: Job, working: Path) -> str:
    """Execute the notebook into `working`; what went wrong, "" for nothing."""
    import papermill

    try:
        papermill.execute_notebook(
            str(job.source),
            str(working),
            job.parameters,
            kernel_name="python3",  # whatever kernel it was saved with
            cwd=str(job.source.parent),
            progress_bar=False,
            log_output=False,
            stdout_file=sys.stdout if job.live else None,
            extra_arguments=["--log-level=ERROR"],  # a kernel warns at every start of its local socket
        )
    except papermill.PapermillExecutionError as error:
        return f"cell {error.cell_index}: {error.ename}: {error.evalue}"
    except Exception as error:  # a dead kernel, a notebook that is no notebook: the others still run
        return f"{type(error).__name__}: {error}"
    return ""


@contextlib.contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Within it, the environment has these variables, which a kernel inherits."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def remove_unfinished(runs_dir: Path) -> None:
    """Delete the files left by killed executions. Call it with the outputs locked; shards may still be training."""
    for path in paths.executed_notebooks().rglob(f"*{RUNNING}"):
        if not is_locked(runs_dir / path.name.partition(".")[0]):
            path.unlink(missing_ok=True)


def require_notebook_stack() -> None:
    """Raise ConfigError if papermill and the rest of the extra `notebooks` are not installed."""
    try:
        import nbconvert  # noqa: F401
        import papermill  # noqa: F401
    except ModuleNotFoundError as error:
        raise ConfigError(f"{error.name} is not installed: pip install 'fastres[notebooks]'") from error


def _parameters(source: Path) -> set[str]:
    import papermill

    try:
        return set(papermill.inspect_notebook(str(source)))
    except Exception:  # not a valid notebook, which its execution will report
        return set()


def metadata_of(path: Path) -> dict:
    """Metadata of an executed notebook; empty if it is missing or damaged, were it by one bit."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        return notebook["metadata"] if notebook["metadata"][CHECKSUM] == _checksum(notebook["cells"]) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _checksum(cells: list) -> str:
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()


def mark(path: Path, fingerprint: str, files: list[str]) -> None:
    """Note in an executed notebook what it was made from, and which files it wrote."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    notebook.metadata[FINGERPRINT], notebook.metadata[FILES] = fingerprint, files
    # Of the cells as they are read from the file, where texts are lists of lines.
    notebook.metadata[CHECKSUM] = _checksum(json.loads(nbformat.writes(notebook))["cells"])
    with atomic_write(path) as file:
        nbformat.write(notebook, file)
