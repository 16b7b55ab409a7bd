import subprocess
import sys

import pytest

from fastres import cli, paths


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
        (("report",), "run `make reproduce` first"),
    ],
)
def test_bad_input_is_told_with_exit_status_2(arguments, told, monkeypatch, capsys):
    before = sorted(paths.outputs().rglob("*.json"))
    status, _, errors = run(*arguments, monkeypatch=monkeypatch, capsys=capsys)
    assert status == 2
    assert told in errors
    assert "Traceback" not in errors
    assert sorted(paths.outputs().rglob("*.json")) == before


def test_train_and_plan(monkeypatch, capsys, tmp_path):
    arguments = ("--dataset", "digits", "--depth", "8", "--epochs", "3", "--batch-size", "64", "--no-flip")
    where = ("--runs-dir", str(tmp_path), "--device", "cpu")
    status, out, _ = run("train", *arguments, *where, monkeypatch=monkeypatch, capsys=capsys)
    assert status == 0
    assert "epoch 3/3" in out and "best, chosen on the test set" in out
    status, out, _ = run("plan", *where, monkeypatch=monkeypatch, capsys=capsys)
    assert status == 0
    assert "15 of 16 runs to do" in out and "recorded" in out


def test_import_leaves_the_notebook_stack_out():
    stack = ("IPython", "papermill", "nbconvert", "matplotlib", "pandas")
    code = f"import fastres, sys; print([module for module in {stack} if module in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
