import math
import os

import pytest
from made_up import record

from fastres.errors import RecordError
from fastres.files import atomic_write
from fastres.records.provenance import code_commit
from fastres.records.runs import finished, load_run, load_runs, record_path, save_run, to_frame


def test_round_trip(tmp_path):
    run = record((30.0, 20.5, 21.25), structure="bn/bn-relu", seed=7)
    path = save_run(run, tmp_path)
    assert path == record_path(run.config, tmp_path)
    assert load_run(path) == run


def test_nan_survives_the_round_trip(tmp_path):
    loaded = load_run(save_run(record((30.0, math.nan)), tmp_path))
    assert math.isnan(loaded.last.test_error)
    assert loaded.best.epoch == 1


def test_a_diverged_run_has_no_error_and_old_records_did_not_diverge(tmp_path):
    run = record((30.0, 10.0), diverged="the loss is nan in epoch 3, step 1")
    path = save_run(run, tmp_path)
    assert load_run(path) == run and run.last.epoch == run.best.epoch == 3
    assert math.isnan(run.last.test_error) and math.isnan(run.best.test_error) and math.isnan(run.last.train_error)
    assert to_frame([run]).diverged.item() == run.diverged and finished([run, record()]) == [record()]
    assert math.isnan(record((), diverged="at once").seconds_per_epoch)
    old = save_run(record(), tmp_path / "old")
    lines = old.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if "checksum" not in line and "diverged" not in line)
    old.write_text(text.replace("null,", "null"), encoding="utf-8")
    assert load_run(old) == record()


def test_last_is_the_headline_and_best_is_labelled():
    frame = to_frame([record((30.0, 10.0, 20.0))])
    assert frame.test_error.item() == 20.0
    assert (frame.best_test_error.item(), frame.best_epoch.item()) == (10.0, 2)
    assert frame.seconds_per_epoch.item() == 11.5  # median of 11 and 12: the first epoch warms up


def test_runs_are_found_in_order_and_once(tmp_path):
    for seed in (2, 0, 1):
        save_run(record(seed=seed), tmp_path / "a" / "deep")
    save_run(record((1.0, 1.0), seed=0), tmp_path / "b")
    runs = load_runs(tmp_path / "a", tmp_path / "b", tmp_path / "missing")
    assert [run.config.seed for run in runs] == [0, 1, 2]
    assert [run.last.test_error for run in runs] == [20.0, 20.0, 20.0]  # the first folder wins
    assert load_runs(tmp_path / "missing") == []


def test_frames_of_nothing_have_columns():
    assert "test_error" in to_frame([]).columns


@pytest.mark.parametrize("content", [b"", b"{}", b'{"config": ', b"\xff\xfe", b'{"config": {"depth": 21}}'])
def test_a_damaged_record_is_named(tmp_path, content):
    path = tmp_path / "x" / "record.json"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"record\.json: not a run record"):
        load_runs(tmp_path)


def test_a_failed_write_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as file:
        file.write("half of the n")
        raise ZeroDivisionError
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_the_code_is_named_by_its_commit_or_version():
    commit = code_commit().removesuffix("+changes")
    assert len(commit) == 40 or commit.startswith("version ")
