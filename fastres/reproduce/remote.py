"""A training run on another machine: what the machine must have, the execution there, and what comes back.

Nothing here knows how a request travels. Requests and answers are JSON; files come back as one zip archive, and
only from a machine that does not see the head's folder of outputs.
"""

import contextlib
import dataclasses
import io
import json
import os
import platform
import secrets
import socket
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from fastres import __version__, paths
from fastres.datasets.sources import load_dataset
from fastres.device import check_precision, choose_device, memory_bytes
from fastres.errors import ConfigError, reason
from fastres.files import write
from fastres.records.provenance import SHARED_BY, sources_hash
from fastres.records.runs import FILE_NAME
from fastres.reproduce.executors import cores
from fastres.reproduce.notebooks import FILES, TRAIN, Job, Outcome, execute, mark, metadata_of
from fastres.training import checkpoint


@dataclasses.dataclass(frozen=True)
class Head:
    """What a machine is told of the head: its code, its folders, and files by which shared folders are known."""

    code: str
    outputs: str
    data: str
    markers: list[str]

    @property
    def is_shared(self) -> bool:
        """Asked on another machine: whether it sees the head's outputs and records."""
        return all(map(os.path.exists, self.markers))


@contextlib.contextmanager
def as_head(runs_dir: Path) -> Iterator[Head]:
    """Within it, this machine's outputs and `runs_dir` carry markers."""
    name = f".head-{secrets.token_hex(8)}"
    markers = [paths.outputs() / name, runs_dir / name]
    try:
        for marker in markers:
            marker.touch()
        yield Head(code_of_this_machine(), str(paths.outputs()), str(paths.datasets()), list(map(str, markers)))
    finally:
        for marker in markers:
            marker.unlink(missing_ok=True)


def code_of_this_machine() -> str:
    """What decides the bits of a run beside its config and the device: the code, torch and Python."""
    code = sources_hash(paths.NOTEBOOKS / f"{TRAIN}.ipynb")
    version = torch.__version__.partition("+")[0]  # a head without a GPU may have another build
    return f"fastres {__version__} (sources {code}), torch {version}, Python {platform.python_version()}"


def check_machine(request: str) -> str:
    """Whether runs can be executed here: {"host", "problem" ("" for none), "shared", "memory" of its device in bytes}.

    request: {"head", "device", "precisions", "datasets": {name: checksum}}.
    """
    asked = json.loads(request)
    head = Head(**asked["head"])
    answer: dict[str, Any] = {"host": socket.gethostname(), "problem": "", "shared": head.is_shared, "memory": 0}
    try:
        answer["memory"] = _checked(head, asked)
    except (ConfigError, OSError) as error:
        answer["problem"] = reason(error)
    return json.dumps(answer)


def _checked(head: Head, asked: dict[str, Any]) -> int:
    """Memory of the device in bytes. Raises ConfigError (DataError) for what would stop a run."""
    if (here := code_of_this_machine()) != head.code:
        raise ConfigError(f"other code or versions: {here}; the head has {head.code}")
    device = choose_device(asked["device"])
    for precision in asked["precisions"]:
        check_precision(precision, device)
    for name, checksum in asked["datasets"].items():
        if load_dataset(name, _data(head)).checksum() != checksum:
            raise ConfigError(f"other images than the head's: {name}")
    return memory_bytes(device)


def _data(head: Head) -> str:
    """The head's folder of datasets where this machine sees it, else its own."""
    return head.data if Path(head.data).is_dir() else str(paths.datasets())


def execute_here(request: str, at_once: int) -> tuple[str, bytes]:
    """Execute a job for the head: its outcome as JSON, and an archive of what it wrote, empty in a shared folder.

    request: {"head", "name", "output", "parameters", "threads"}; at_once: runs that share this machine.
    """
    asked = json.loads(request)
    head = Head(**asked["head"])
    if (here := code_of_this_machine()) != head.code:  # of a machine that joined later
        return _failed(asked["name"], f"other code or versions on {socket.gethostname()}: {here}"), b""
    threads = str(asked["threads"])
    if asked["parameters"]["device"] == "cpu" and asked["threads"] < cores():
        at_once = max(at_once, 2)  # seconds with a part of the cores are not those of the machine
    environment = {
        "OMP_NUM_THREADS": threads,  # in place of Ray's
        "MKL_NUM_THREADS": threads,
        "FASTRES_DATA": _data(head),
        "FASTRES_OUTPUTS": head.outputs,
        **({SHARED_BY: str(at_once)} if at_once > 1 else {}),
    }
    output, parameters = Path(asked["output"]), asked["parameters"]
    if head.is_shared:
        return _executed(asked["name"], output, parameters, environment), b""
    with tempfile.TemporaryDirectory(prefix="fastres-") as folder:
        root = Path(folder)
        environment["FASTRES_OUTPUTS"] = folder
        outcome = _executed(asked["name"], root / output.name, parameters | {"runs_dir": f"{folder}/runs"}, environment)
        return outcome, _archive(root)


def _executed(name: str, output: Path, parameters: dict, environment: dict[str, str]) -> str:
    source = paths.NOTEBOOKS / f"{TRAIN}.ipynb"
    outcome = execute(Job(name, source, output, parameters, (source,), environment))
    return json.dumps({**dataclasses.asdict(outcome), "output": str(output)})


def _failed(name: str, problem: str) -> str:
    return json.dumps({"name": name, "status": "failed", "seconds": 0.0, "output": "", "problem": problem})


def _archive(root: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.name.startswith("."):  # locks
                archive.write(path, path.relative_to(root))
    return buffer.getvalue()


def received(job: Job, answer: str, archive: bytes) -> Outcome:
    """The outcome of a job that was executed elsewhere; what it wrote is put where it belongs."""
    outcome = Outcome(**{**json.loads(answer), "output": job.output})
    written = _unpack(job, zipfile.ZipFile(io.BytesIO(archive)), outcome.status == "done") if archive else None
    if outcome.status == "done":  # the machine had another name for the device, and perhaps for the folder
        mark(job.output, job.fingerprint, metadata_of(job.output).get(FILES, []) if written is None else written)
    return outcome


def _unpack(job: Job, archive: zipfile.ZipFile, done: bool) -> list[str]:
    """Weights and figures first, then the record, then the notebook. Of a failed run, the notebook alone.

    Returns the files beside those of the run.
    """
    run = job.output.stem
    runs_dir = Path(job.parameters["runs_dir"])
    record, notebook = f"runs/{run}/{FILE_NAME}", job.output.name
    others = [name for name in archive.namelist() if name not in (record, notebook)]
    written = []
    for name in [*others, record] if done else []:
        inside = name.removeprefix("runs/")
        target = runs_dir / inside if inside != name else paths.outputs() / name
        written += [str(target)] * (inside == name)
        write(target, archive.read(name))
    if done:
        checkpoint.remove(runs_dir / run)  # of an attempt on the head: the record has replaced it
    if notebook in archive.namelist():
        write(job.output, archive.read(notebook))
    return written
