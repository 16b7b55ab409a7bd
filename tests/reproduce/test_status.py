import json
import os
import subprocess
import sys
import time

import made_up
import pytest

from fastres.config import RunConfig
from fastres.files import locked
from fastres.records.runs import save_run
from fastres.reproduce.status import progress
from fastres.training import checkpoint
from fastres.training.run import train

CONFIG = RunConfig(dataset="digits", depth=8, epochs=200, batch_size=512, flip=False)


def test_a_run_is_followed_from_outside_until_it_is_killed(tmp_path):
    fields = CONFIG.model_dump(exclude_defaults=True)
    code = (
        f"from fastres import train, RunConfig; train(RunConfig(**{fields}), device='cpu', runs_dir={str(tmp_path)!r})"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        end = time.monotonic() + 200
        while time.monotonic() < end:
            (row,) = progress(tmp_path, [CONFIG])
            if row["epoch"] >= 2:
                break
            time.sleep(0.2)
        assert (row["state"], row["process"], row["epochs"]) == ("running", process.pid, 200)
        assert row["host"] and 0 < row["seconds_left"] < 3600
    finally:
        process.kill()
        process.communicate()
    (row,) = progress(tmp_path)
    assert row["state"] == "interrupted" and row["epoch"] >= 2 and row["process"] is None


def test_planned_recorded_and_locked_runs(tmp_path):
    others = [RunConfig(dataset="digits", depth=8, epochs=2, seed=seed) for seed in (1, 2)]
    save_run(made_up.record((20.0, 10.0), **others[0].model_dump()), tmp_path)
    folder = tmp_path / others[1].run_id
    folder.mkdir()
    with locked(folder, "it"):
        rows = {row["run"]: row for row in progress(tmp_path, [CONFIG, *others])}
        assert rows[others[1].run_id]["process"] == os.getpid()
    states = {run: row["state"] for run, row in rows.items()}
    assert states == {CONFIG.run_id: "to do", others[0].run_id: "recorded", others[1].run_id: "running"}
    assert json.dumps(list(rows.values()))
    assert {row["state"] for row in progress(tmp_path)} == {"recorded", "to do"}  # the lock is released
    assert not list(folder.glob(".holder"))


def test_a_diverged_run_and_one_whose_newest_checkpoint_is_gone(tmp_path):
    ended = made_up.record((20.0,), dataset="digits", depth=8, epochs=3, diverged="the loss is nan")
    save_run(ended, tmp_path)
    folder = tmp_path / CONFIG.run_id
    folder.mkdir()
    with locked(folder, "it"):
        for finished in (1, 2):
            checkpoint.save({"epochs": [ended.epochs[0].model_dump()] * finished}, folder)
    (folder / checkpoint.FILE_NAME).unlink()  # a damaged one is set aside when the run goes on
    with locked(folder, "it"):
        (running,) = (row for row in progress(tmp_path) if row["run"] == folder.name)
    assert checkpoint.written(folder) == (folder / checkpoint.PREVIOUS).stat().st_mtime
    assert (running["state"], running["epoch"]) == ("running", 1) and running["seconds_left"] > 0
    rows = {row["run"]: row for row in progress(tmp_path)}
    assert rows[folder.name]["seconds_left"] > 0
    assert (rows[ended.run_id]["state"], rows[ended.run_id]["epoch"]) == ("recorded", 1)
    assert (rows[folder.name]["state"], rows[folder.name]["epoch"]) == ("interrupted", 1)


def test_an_interrupted_run_is_found_where_locks_are_deleted_on_release(tmp_path):
    folder = tmp_path / CONFIG.run_id
    folder.mkdir()
    checkpoint.save({"epochs": [made_up.record((20.0,)).epochs[0].model_dump()]}, folder)
    (row,) = progress(tmp_path)
    assert (row["run"], row["state"]) == (CONFIG.run_id, "interrupted")


def test_a_damaged_record_hides_no_other_run(tmp_path):
    good = made_up.record((20.0,), dataset="digits", depth=8)
    save_run(good, tmp_path)
    (tmp_path / CONFIG.run_id).mkdir()
    (tmp_path / CONFIG.run_id / "record.json").write_text("{", encoding="utf-8")
    states = {row["run"]: row["state"] for row in progress(tmp_path)}
    assert states == {good.run_id: "recorded", CONFIG.run_id: "damaged record"}


@pytest.mark.parametrize("content", ["", "{", "[1]"])
def test_a_damaged_note_of_the_holder_disturbs_nobody(tmp_path, content):
    folder = tmp_path / CONFIG.run_id
    folder.mkdir()
    with locked(folder, "it"):
        (folder / ".holder").write_text(content, encoding="utf-8")
        (row,) = progress(tmp_path)
        assert row["state"] == "running" and row["host"] == ""
    train(CONFIG.model_copy(update={"epochs": 1}), device="cpu", runs_dir=tmp_path)
