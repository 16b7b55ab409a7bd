"""Where a run stands, while another process trains it, after it was interrupted, and when it is finished."""

import subprocess
import sys

import pytest
from made_up import record

from fastres.files import is_locked, locked
from fastres.records.runs import record_path, save_run
from fastres.training import checkpoint
from fastres.training.status import status
from fastres.views import progress

DONE = record((30.0, 20.0, 10.0), dataset="digits", depth=8)
CONFIG = DONE.config
HOLD = """
import pathlib, sys
from fastres.files import locked
with locked(pathlib.Path(sys.argv[1]), "x"):
    print("held", flush=True)
    input()
"""


def begin(runs) -> None:
    """What a run leaves that was stopped after its first epoch."""
    folder = record_path(CONFIG, runs).parent
    folder.mkdir()
    with locked(folder, "x"):
        checkpoint.save({"epochs": [DONE.epochs[0].model_dump()]}, folder)


@pytest.fixture
def interrupted(tmp_path):
    begin(tmp_path)
    return tmp_path


def test_a_run_that_was_not_begun(tmp_path):
    found = status(CONFIG, tmp_path)
    assert (found.state, found.epochs, str(found)) == ("not begun", [], "not begun: 3 epochs to train")
    assert not list(tmp_path.iterdir()) and "img" not in progress.show(CONFIG, tmp_path).markup


def test_an_interrupted_run_and_one_that_runs(interrupted):
    folder = record_path(CONFIG, interrupted).parent
    before = sorted(path.name for path in folder.iterdir())
    assert str(status(CONFIG, interrupted)) == "interrupted after epoch 1 of 3; training goes on from there"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, folder], stdin=-1, stdout=-1, text=True, encoding="utf-8"
    ) as other:
        assert other.stdout.readline() == "held\n"
        found = status(CONFIG, interrupted)
        shown = progress.show(CONFIG, interrupted)
        other.communicate("\n")
    assert str(found) == "still running: epoch 2 of 3" and len(found.epochs) == 1
    assert shown.text.startswith(f"{CONFIG.run_id}: still running: epoch 2 of 3.") and shown.markup.count("<img") == 1
    assert status(CONFIG, interrupted).state == "interrupted"
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_damaged_checkpoint_is_left_as_it_is(interrupted):
    path = record_path(CONFIG, interrupted).with_name(checkpoint.FILE_NAME)
    path.rename(path.with_name(checkpoint.PREVIOUS))
    path.write_bytes(b"half")
    assert len(status(CONFIG, interrupted).epochs) == 1 and path.read_bytes() == b"half"


def test_a_finished_run(interrupted):
    save_run(DONE, interrupted)
    found = status(CONFIG, interrupted)
    assert str(found) == "finished: 3 epochs" and len(found.epochs) == 3
    assert "test error 10.00 %" in progress.show(CONFIG, interrupted).text


def test_a_run_that_ends_while_it_is_read_is_finished(interrupted, monkeypatch):
    def ended(folder):
        save_run(DONE, interrupted)
        raise FileNotFoundError

    monkeypatch.setattr(checkpoint, "newest", ended)
    assert status(CONFIG, interrupted).state == "finished"


def test_a_lock_is_seen_while_it_is_held(tmp_path):
    assert not is_locked(tmp_path) and not list(tmp_path.iterdir())
    with locked(tmp_path, "x"):
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


def test_a_run_that_diverged(tmp_path):
    run = record((30.0,), dataset="digits", depth=8, diverged="the loss is nan")
    save_run(run, tmp_path)
    found = status(run.config, tmp_path)
    assert (found.state, str(found)) == ("diverged", "diverged in epoch 2 of 2") and found.epochs == run.epochs
