import json
import os
import subprocess
import sys

import made_up
import pytest

from fastres import cli, paths
from fastres.experiments import planned_runs
from fastres.records.runs import save_run


def run(*arguments: str, monkeypatch, capsys) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["fastres", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    output = capsys.readouterr()
    return stopped.value.code or 0, output.out, output.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("train", "--depth", "21"), "nearest: 20 and 26"),
        (("train", "--structure", "fancy"), "use one of basic"),
        (("train", "--dataset", "mnist"), "use one of cifar10"),
        (("train", "--dataset", "folder:missing", "--device", "cpu"), "no folder"),
        (("train", "--precision", "tf32", "--device", "cpu", "--dataset", "digits"), "'tf32' needs a CUDA device"),
        (("train", "--device", "tpu", "--dataset", "digits"), "it has: auto"),
        (("train", "--depth", "deep"), "'deep' is not a whole number"),
        (("train", "--dept", "20"), "--depth"),
        (("reproduce", "--profile", "fast"), "smoke, quick, paper, extended"),
        (("plan", "--dataset", "mnist"), "use one of cifar10"),
        (("plan", "--jobs", "2", "--gpus", "2"), "give one of the two"),
        (("plan", "--like", "no such device"), "names no recorded device; there are: AMD EPYC; "),
        (
            ("plan", "--profile", "paper", "--precision", "tf32", "--like", "AMD EPYC"),
            "tf32, compiled was not timed on AMD",
        ),
        (("status", "--profile", "fast"), "smoke, quick, paper, extended"),
        (("reproduce", "--shard", "3/2"), "I/N expected"),
        (("reproduce", "--shard", "1/2", "--executor", "ray"), "leave out one of the two"),
        (("reproduce", "--address", "127.0.0.1:6379"), "belong to --executor ray"),
        (("reproduce", "--executor", "slurm"), "--executor"),
        (("report",), "run `make reproduce` first"),
        (("reproduce", "--dataset", "folder:missing", "--device", "cpu"), "no folder"),
        (("claims", "--runs-dir", "missing"), "'missing' does not exist"),
        (("time", "--structures", "basic,fancy"), "unknown structure 'fancy'"),
        (("time", "--depth", "21"), "nearest: 20 and 26"),
        (("time", "--rounds", "0"), "--rounds"),
    ],
)
def test_bad_input_is_told_with_exit_status_2(arguments, told, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path))
    before = sorted(path for path in paths.outputs().rglob("[!.]*") if path.is_file())
    status, _, errors = run(*arguments, monkeypatch=monkeypatch, capsys=capsys)
    assert status == 2
    assert told in errors
    assert "Traceback" not in errors
    assert sorted(path for path in paths.outputs().rglob("[!.]*") if path.is_file()) == before


def test_a_diverged_run_is_one_line_with_exit_status_3(monkeypatch, capsys, tmp_path):
    arguments = "train --dataset digits --depth 8 --epochs 1 --batch-size 256 --lr 1e38 --device cpu --runs-dir"
    for _ in range(2):  # the second time from its record
        status, out, err = run(*arguments.split(), str(tmp_path), monkeypatch=monkeypatch, capsys=capsys)
        assert (status, err) == (3, "") and "_d8_e1_" in out and "diverged: " in out and "epoch 1" in out
        assert len(out.splitlines()) == 1


def test_train_and_plan(monkeypatch, capsys, tmp_path):
    arguments = ("--dataset", "digits", "--depth", "8", "--epochs", "3", "--batch-size", "64", "--no-flip")
    where = ("--runs-dir", str(tmp_path), "--device", "cpu")
    status, out, _ = run("train", *arguments, *where, monkeypatch=monkeypatch, capsys=capsys)
    assert status == 0
    assert "epoch 3/3" in out and "best, chosen on the test set" in out
    status, out, _ = run("plan", *where, monkeypatch=monkeypatch, capsys=capsys)
    assert status == 0
    assert "15 of 16 runs to do" in out and "recorded" in out
    assert all(run.run_id in out for run in planned_runs("smoke"))  # whole, though no terminal is that wide


def test_a_plan_as_json_and_in_days(monkeypatch, capsys):
    arguments = ("plan", "--profile", "paper", "--like", "GTX 1070", "--gpus", "2")
    status, out, _ = run(*arguments, "--json", monkeypatch=monkeypatch, capsys=capsys)
    planned = json.loads(out)
    assert status == 0 and [row["run"] for row in planned["runs"]] == [run.run_id for run in planned_runs("paper")]
    seconds = planned["seconds"]
    assert max(seconds["longest_run"], seconds["one_at_a_time"] / 2) <= seconds["all"] < seconds["one_at_a_time"]
    status, out, _ = run(*arguments, monkeypatch=monkeypatch, capsys=capsys)
    assert f"{seconds['longest_run'] / 86400:.1f} days" in out and "Next: make reproduce PROFILE=paper" in out


def test_status_of_a_folder(monkeypatch, capsys, tmp_path):
    made_up_run = made_up.record((20.0, 10.0), dataset="digits", depth=8)
    save_run(made_up_run, tmp_path)
    where = ("--runs-dir", str(tmp_path))
    status, out, _ = run("status", *where, "--profile", "smoke", monkeypatch=monkeypatch, capsys=capsys)
    counts, then = out.splitlines()[-2:]
    assert status == 0 and counts == "0 running, 0 interrupted, 1 recorded, 16 to do"
    assert then == "Next: make reproduce PROFILE=smoke, which goes on where it was"
    chosen = ("--profile", "recoded", "--dataset", "folder:photos", "--precision", "bf16")
    _, out, _ = run("status", *where, *chosen, monkeypatch=monkeypatch, capsys=capsys)
    assert "Next: make reproduce PROFILE=recoded DATASET=folder:photos PRECISION=bf16," in out
    status, out, _ = run("status", *where, "--json", monkeypatch=monkeypatch, capsys=capsys)
    assert [row["run"] for row in json.loads(out)] == [made_up_run.run_id]


def test_activations_need_no_images_of_runs_without_weights(monkeypatch, capsys, tmp_path):
    """A record alone was copied: nothing may be downloaded for it."""
    save_run(made_up.record((20.0, 10.0), dataset="cifar10"), tmp_path)
    monkeypatch.setattr("fastres.datasets.sources.load_dataset", None)
    status, out, _ = run("activations", "--runs-dir", str(tmp_path), monkeypatch=monkeypatch, capsys=capsys)
    assert status == 0 and out.startswith("0 trained networks with weights")


def test_summaries_fit_a_line_of_80_columns(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = run("--help", monkeypatch=monkeypatch, capsys=capsys)
    commands = out.partition("Commands:")[2].strip().splitlines()
    assert len(commands) >= 9
    assert not [line for line in commands if line.endswith("...") or len(line) > 80]


def test_time_without_basic_compares_with_the_first(monkeypatch, capsys, tmp_path):
    arguments = ("time", "--depth", "8", "--rounds", "1", "--structures", "simplified-1,simplified-2")
    where = ("--folder", str(tmp_path), "--device", "cpu")
    status, out, _ = run(*arguments, *where, monkeypatch=monkeypatch, capsys=capsys)
    assert status == 0 and "of simplified-1's time" in out
    assert len(list(tmp_path.glob("d8_*simplified-1+simplified-2.json"))) == 1


@pytest.mark.parametrize("command", ["reproduce", "plan", "claims"])
def test_a_damaged_record_is_refused_at_the_start(command, monkeypatch, capsys, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "record.json").write_text("{", encoding="utf-8")
    status, _, errors = run(command, "--runs-dir", str(tmp_path), monkeypatch=monkeypatch, capsys=capsys)
    assert status == 2 and "not a run record" in errors and "Traceback" not in errors


def test_a_place_that_cannot_be_written_is_refused(monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    for command in ("train --dataset digits --depth 8 --runs-dir", "time --depth 8 --folder", "reproduce --runs-dir"):
        arguments = [*command.split(), str(tmp_path / "file"), "--device", "cpu"]
        status, _, errors = run(*arguments, monkeypatch=monkeypatch, capsys=capsys)
        assert status == 2 and "cannot write to" in errors


def test_import_leaves_the_notebook_stack_out():
    stack = ("IPython", "papermill", "nbconvert", "matplotlib", "pandas")
    code = f"import fastres, sys; print([module for module in {stack} if module in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gbk"])
def test_output_survives_a_terminal_that_lacks_its_characters(encoding):
    code = (
        r"import typer; from fastres import cli; cli.app = lambda: (print('\u2212'), typer.echo('\u2212')); cli.main()"
    )
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 2, done.stderr.decode(errors="replace")
