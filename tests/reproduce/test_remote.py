"""Runs on a machine that does not see the head's folder: what it sends back, and where that is put."""

import dataclasses
import json

import pytest

from fastres import paths
from fastres.config import RunConfig
from fastres.records.runs import load_run, record_path
from fastres.reproduce import notebooks, remote
from fastres.reproduce.executors import cores
from fastres.training import checkpoint

CONFIG = RunConfig(dataset="digits", depth=8, epochs=1, batch_size=512, flip=False)


@pytest.fixture
def head(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path / "outputs"))
    paths.runs().mkdir(parents=True)
    with remote.as_head(paths.runs()) as here:
        assert here.is_shared
        yield here
    assert not here.is_shared


def executed(head, **changes):
    """The job of CONFIG, and the answer of a machine that was asked to execute it."""
    (job,) = notebooks.training_jobs([CONFIG], "auto", paths.runs())
    parameters = {**job.parameters, "device": "cpu", **changes}
    asked = {"name": job.name, "output": str(job.output), "parameters": parameters, "threads": 1}
    return job, remote.execute_here(json.dumps({"head": dataclasses.asdict(head), **asked}), 1)


def elsewhere(head):
    return dataclasses.replace(head, markers=["/missing/marker"])


def test_files_are_sent_back_and_the_run_counts_as_done(head):
    (paths.runs() / CONFIG.run_id).mkdir()
    (paths.runs() / CONFIG.run_id / checkpoint.FILE_NAME).write_bytes(b"of an earlier attempt here")
    job, (answer, archive) = executed(elsewhere(head))
    assert not list(paths.outputs().rglob("*.json"))
    outcome = remote.received(job, answer, archive)
    assert outcome.status == "done" and outcome.output == job.output and job.is_done
    record = load_run(record_path(CONFIG, paths.runs()))
    assert record.config == CONFIG and record.environment["threads"] == 1
    assert record.environment.get("runs_at_once", 1) == (2 if cores() > 1 else 1)  # of a part of the cores
    names = {path.name for path in (paths.runs() / CONFIG.run_id).iterdir()}
    assert names == {"record.json", "model.safetensors"}
    figures = list(paths.figures().iterdir())
    assert figures
    figures[0].unlink()
    assert not job.is_done  # a figure that is gone is made again


def test_of_a_failed_run_the_notebook_alone_comes_back(head):
    job, (answer, archive) = executed(elsewhere(head), lr=-1.0)
    outcome = remote.received(job, answer, archive)
    assert outcome.status == "failed" and "lr = -1.0" in outcome.problem
    assert job.output.exists() and not job.is_done and not list(paths.runs().glob("[!.]*"))


def test_in_a_shared_folder_nothing_is_sent(head):
    job, (answer, archive) = executed(head)
    assert archive == b"" and remote.received(job, answer, archive).status == "done" and job.is_done


def test_a_machine_that_joined_later_with_other_code_does_not_run(head):
    _, (answer, archive) = executed(dataclasses.replace(head, code="fastres 0.1"))
    assert archive == b"" and "other code or versions" in json.loads(answer)["problem"]
