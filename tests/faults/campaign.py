"""Fault injection: processes killed, files damaged, a file-size limit in place of a full disk. Nothing may be lost.

    python tests/faults/campaign.py            # all faults, in minutes, as a table
    python tests/faults/campaign.py --quick    # a few of each, as in the tests, without those that are tests already

Children are forked from a process that has loaded what training imports, late imports of torch among them, but computed
nothing: a start costs milliseconds.
"""

import argparse
import contextlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import nbformat
import psutil
import safetensors.torch  # noqa: F401
import torch
import torch._dynamo

from fastres import paths
from fastres.config import RunConfig
from fastres.datasets.sources import synthetic
from fastres.errors import RecordError
from fastres.records.runs import Epoch, load_run, load_runs, record_path
from fastres.records.timings import TimingRecord, load_timings, save_timing
from fastres.reproduce import notebooks
from fastres.reproduce.executors import run_local
from fastres.training import checkpoint
from fastres.training.run import train
from fastres.training.weights import WEIGHTS, load_network

DATA = synthetic(10, train_size=96, test_size=32)
CONFIG = RunConfig(dataset="synthetic", structure="simplified-1", depth=8, epochs=3, batch_size=32, lr=0.05)
KILLED = -signal.SIGKILL


def child(work: Callable[[], object], kill_after: float | None = None, output: Path | None = None) -> int:
    """Exit status of a forked process that calls `work`; minus the signal's number if a signal ended it."""
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            where = os.open(output or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(where, 1)
            os.dup2(where, 2)
            work()
            os._exit(0)
        os._exit(1)
    if kill_after is not None:
        time.sleep(kill_after)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run_in(folder: Path, killed_after: int = 0) -> Callable[[], object]:
    """Train the run in a folder; dead after so many epochs, if any."""

    def kill(epoch: Epoch) -> None:
        if epoch.epoch == killed_after:
            os.kill(os.getpid(), signal.SIGKILL)

    return lambda: train(CONFIG, DATA, "cpu", folder, on_epoch=kill)


def result(folder: Path) -> tuple:
    """What a run leaves, without its times: its log, the bytes of its weights, and the names of its files."""
    record = load_run(record_path(CONFIG, folder))
    log = [(e.epoch, e.lr, e.train_loss, e.train_error, e.test_error) for e in record.epochs]
    files = sorted(path.name for path in (folder / CONFIG.run_id).iterdir() if path.name != ".lock")
    return log, (folder / CONFIG.run_id / WEIGHTS).read_bytes(), files


class Campaign:
    def __init__(self, folder: Path, quick: bool):
        self.folder, self.quick, self.random = folder, quick, random.Random(0)
        start = time.perf_counter()
        assert child(run_in(folder / "whole")) == 0
        self.seconds = time.perf_counter() - start
        self.whole = result(folder / "whole")
        self.number = 0

    def new(self) -> Path:
        self.number += 1
        return self.folder / str(self.number)

    def finishes_alike(self, folder: Path, also: tuple[str, ...] = ()) -> None:
        """The same command, run again in the folder, gives the log and weights of an uninterrupted run."""
        assert child(run_in(folder)) == 0
        log, weights, files = result(folder)
        assert (log, weights) == self.whole[:2]
        assert sorted(set(files) - set(also)) == self.whole[2], files

    def kill_training(self) -> tuple[int, str]:
        """SIGKILL at a random moment of a run"""
        times = 2 if self.quick else 40
        killed = 0
        for _ in range(times):
            folder = self.new()
            killed += child(run_in(folder), kill_after=self.random.uniform(0, self.seconds)) == KILLED
            self.finishes_alike(folder)
        return times, f"{killed} were killed before they ended, all resumed bit-identical"

    def kill_at_every_write(self) -> tuple[int, str]:
        """SIGKILL before and after the n-th call that syncs, renames or deletes a file, n = 1, 2, ..."""
        times = 0
        for n in range(1, 1000, 6 if self.quick else 1):
            for after in (False, True):
                folder = self.new()
                status = child(lambda n=n, after=after, folder=folder: killed_at(n, after, run_in(folder)))
                if status == 0:
                    return times, "all resumed bit-identical, nothing half-written left"
                assert status == KILLED
                self.finishes_alike(folder)
                times += 1
        raise AssertionError("a run never ended")

    def kill_reproduction(self) -> tuple[int, str]:
        """SIGKILL of a reproduction with two notebooks at once, at a random moment"""
        times = 1 if self.quick else 30
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell("import time; time.sleep(1); print(6 * 7)")]
        )
        for _ in range(times):
            folder = self.new()
            (folder / "notebooks").mkdir(parents=True)
            for name in ("01_a", "02_b", "03_c"):
                nbformat.write(notebook, folder / "notebooks" / f"{name}.ipynb")
            child(lambda folder=folder: reproduce_in(folder), kill_after=self.random.uniform(0.5, 9))
            deadline = time.monotonic() + 20
            while orphans := kernels_of(folder):
                assert time.monotonic() < deadline, f"orphan kernels: {orphans}"
                time.sleep(0.2)
            assert child(lambda folder=folder: reproduce_in(folder)) == 0
            made = sorted(path.name for path in (folder / "outputs" / "notebooks").iterdir())
            assert made == ["01_a.ipynb", "02_b.ipynb", "03_c.ipynb"], made
        return times, "all completed by the same command, no orphan kernel, no leftovers"

    def damage_checkpoint(self) -> tuple[int, str]:
        """newest checkpoint truncated, emptied, one bit flipped, replaced by a folder"""
        times = 4 if self.quick else 60
        for i in range(times):
            folder = self.new()
            status = child(run_in(folder, killed_after=2))
            path = folder / CONFIG.run_id / checkpoint.FILE_NAME
            assert status == KILLED and (path.parent / checkpoint.PREVIOUS).exists()
            damage(path, i, self.random)
            self.finishes_alike(folder, also=(checkpoint.DAMAGED,))
            shutil.rmtree(folder)
        return times, "each reported by name, resumed from the previous checkpoint, bit-identical"

    def damage_results(self) -> tuple[int, str]:
        """weights, record, timing truncated, emptied, one bit flipped, replaced by a folder"""
        times = 0
        for i in range(4 if self.quick else 60):
            folder = self.new()
            shutil.copytree(self.folder / "whole", folder)
            run = folder / CONFIG.run_id
            record = load_run(run / "record.json")
            damage(run / WEIGHTS, i, self.random)
            refused(lambda run=run, record=record: load_network(run, record), WEIGHTS)
            damage(run / "record.json", i, self.random)
            refused(lambda folder=folder: load_runs(folder), "record.json")
            timing = save_timing(made_up_timing(), folder / "timings")
            damage(timing, i, self.random)
            refused(lambda folder=folder: load_timings(folder / "timings"), timing.name)
            times += 3
        return times, "each refused by name"

    def full_disk(self) -> tuple[int, str]:
        """no file may grow beyond a random size (RLIMIT_FSIZE)"""
        times = 2 if self.quick else 20
        for _ in range(times):
            folder, log = self.new(), self.folder / f"log{self.number}"
            limit = self.random.randrange(1000, 300_000)
            assert child(lambda folder=folder, limit=limit: limited(limit, run_in(folder)), output=log) == 1
            assert not list((folder / CONFIG.run_id).glob("[!.]*")), "something half-written is left"
            self.finishes_alike(folder)
        return times, "stopped, nothing half-written, completed later"

    def memory_limit(self) -> tuple[int, str]:
        """no more than a random amount of memory beyond what Python and torch take (RLIMIT_AS)"""
        times, stopped, crashed = 3 if self.quick else 20, 0, 0
        for _ in range(times):
            folder, log = self.new(), self.folder / f"log{self.number}"
            spare = self.random.randrange(1, 30) * 2**20
            status = child(lambda folder=folder, spare=spare: starved(spare, run_in(folder)), output=log)
            told = log.read_text(encoding="utf-8")
            assert status <= 0 or "out of memory: a step of" in told, f"status {status}: {told}"
            stopped, crashed = (
                stopped + (status > 0),
                crashed + (status < 0),
            )  # a library may not check what it is given
            self.finishes_alike(folder)
        how = f"{stopped} stopped with one message, {crashed} in a crash of a native library"
        return times, f"{how}; all completed later, bit-identical"

    def signals(self) -> tuple[int, str]:
        """SIGINT and SIGTERM to python -m fastres train, after its first epoch"""
        times = 0
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            folder = self.new()
            command = [sys.executable, "-m", "fastres", "train", "--dataset", "digits", "--depth", "8", "--epochs", "3"]
            command += ["--batch-size", "512", "--no-flip", "--runs-dir", str(folder)]
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
            )
            assert "epoch 1/3" in process.stdout.readline()
            process.send_signal(number)
            errors = process.communicate(timeout=60)[1]
            assert process.returncode == status and len(errors.splitlines()) == 1, errors
            assert "epoch 1/3" not in subprocess.run(command, capture_output=True, text=True, encoding="utf-8").stdout
            assert len(load_runs(folder)[0].epochs) == 3
            times += 1
        return times, "one line, status 130 and 143, resumed"

    def determinism(self) -> tuple[int, str]:
        """the same run repeated, with one thread and with two"""
        folder = self.new()
        assert child(run_in(folder)) == 0 and result(folder) == self.whole
        other = self.new()
        assert child(lambda: (torch.set_num_threads(2), train(CONFIG, DATA, "cpu", other))) == 0
        assert load_run(record_path(CONFIG, other)).environment["threads"] == 2
        gap = max(abs(a[2] - b[2]) for a, b in zip(self.whole[0], result(other)[0], strict=True))
        return (
            2,
            f"one thread: bit-identical; two threads: training losses differ by up to {gap:.1g}, and the record says 2",
        )


def killed_at(n: int, after: bool, work: Callable[[], object]) -> None:
    """Call `work`, and SIGKILL this process before or after its n-th call of fsync, replace or unlink."""
    calls = 0

    def counted(function):
        def wrapper(*arguments, **named):
            nonlocal calls
            calls += 1
            if calls == n and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            value = function(*arguments, **named)
            if calls == n:
                os.kill(os.getpid(), signal.SIGKILL)
            return value

        return wrapper

    for name in ("fsync", "replace", "unlink"):
        setattr(os, name, counted(getattr(os, name)))
    work()


def limited(size: int, work: Callable[[], object]) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    work()


def starved(spare: int, work: Callable[[], object]) -> None:
    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + spare, used + spare))
    try:
        work()
    except Exception as error:
        print(type(error).__name__, error, flush=True)
        raise


def reproduce_in(folder: Path) -> None:
    paths.NOTEBOOKS = folder / "notebooks"
    os.environ["FASTRES_OUTPUTS"] = str(folder / "outputs")
    notebooks.remove_unfinished(folder / "runs")
    outcomes = list(run_local(notebooks.result_jobs(folder / "runs"), 2, "results"))
    assert all(outcome.status != "failed" for outcome in outcomes)


def kernels_of(folder: Path) -> set[int]:
    """Of the reproduction in this folder, and not of another one on this machine; with what forks them."""
    found, mine = set(), str(folder / "outputs")
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            kernel = any(name in " ".join(process.cmdline()) for name in ("ipykernel_launcher", "forkserver"))
            if kernel and process.environ().get("FASTRES_OUTPUTS") == mine:
                found.add(process.pid)
    return found


def damage(path: Path, kind: int, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    path.unlink()
    if kind % 4 == 0:
        path.write_bytes(content[: chance.randrange(1, len(content))])
    elif kind % 4 == 1:
        path.write_bytes(b"")
    elif kind % 4 == 2:
        content[chance.randrange(len(content) - 1)] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
    else:
        path.mkdir()


def refused(load: Callable[[], object], name: str) -> None:
    try:
        load()
    except RecordError as error:
        assert name in str(error), error
        return
    raise AssertionError(f"a damaged {name} was taken")


def made_up_timing() -> TimingRecord:
    return TimingRecord(
        depth=8,
        batch_size=32,
        precision="fp32",
        steps=1,
        seconds={"basic": [0.25, 0.5], "simplified-1": [0.125, 0.25]},
        warmup_seconds={"basic": 1.0, "simplified-1": 1.0},
        environment={"device": "cpu", "device_name": "Some CPU"},
        commit="0" * 40,
        finished="2026-01-01T00:00:00+00:00",
    )


FAULTS = (
    "kill_training", "kill_at_every_write", "kill_reproduction", "damage_checkpoint", "damage_results", "full_disk",
    "memory_limit", "signals", "determinism",
)  # fmt: skip

# Faults that the unit tests inject: how, and where. A row counts the tests that passed; hypothesis draws 25 to 200
# cases in some of them.
TESTED = {
    "places": (
        "unwritable folder, file in place of a folder, empty, relative or `~` variables, the sources as outputs",
        ["test_paths.py", "test_cli.py::test_a_place_that_cannot_be_written_is_refused",
         "training/test_run.py::test_a_folder_that_cannot_be_written_is_refused_before_training"],
    ),
    "two_at_once": (
        "two processes on one run; a killed worker; a notebook that is being executed",
        ["training/test_run.py::test_two_processes_train_a_run_once",
         "training/test_run.py::test_what_a_killed_process_was_writing_is_removed",
         "reproduce/test_executors.py"],
    ),
    "other_runs": (
        "record, checkpoint or weights of other images or another config; older and newer schema; a bit anywhere",
        ["records/test_store.py", "training/test_run.py", "training/test_weights.py", "-k",
         "other or another or bit or newer or damaged or aside or whole"],
    ),
    "notebooks": (
        "executed notebooks truncated, empty, no JSON, one bit changed; figures that they wrote deleted",
        ["reproduce/test_reproduce.py", "-k", "damaged_executed or bit or gone"],
    ),
    "parameters": (
        "any value and any name for every field, from Python, the command line and papermill (hypothesis)",
        ["test_parameters.py", "test_config.py"],
    ),
    "images": (
        "files of ten formats truncated, changed or foreign, bombs, orientation, stray files (hypothesis)",
        ["datasets/test_folder.py", "datasets/test_dataset.py"],
    ),
    "downloads": (
        "a server that stalls, cuts, lies about its length, sends an error page or another archive; no network",
        ["datasets/test_sources.py"],
    ),
    "names": ("hostile names of folders in every table, figure and page", ["views/test_names.py"]),
    "surroundings": (
        "float64 default, gradients off, foreign matplotlibrc and kernel, Latin-1 or GBK terminal, installed wheel",
        ["training/test_run.py::test_the_state_of_the_callers_process_does_not_matter",
         "views/test_names.py::test_a_users_matplotlibrc_changes_nothing",
         "reproduce/test_reproduce.py::test_stray_files_and_foreign_kernels_do_not_matter",
         "test_cli.py::test_output_survives_a_terminal_that_lacks_its_characters", "test_installed.py"],
    ),
}  # fmt: skip


def unit_tests(selected: list[str]) -> tuple[int, str]:
    """Number of tests that passed. Raises AssertionError with pytest's last lines if one did not."""
    where = Path(__file__).parents[1]
    chosen = [str(where / name) if name.partition("::")[0].endswith(".py") else name for name in selected]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=where.parent)
    passed = re.search(r"(\d+) passed", done.stdout)
    assert done.returncode == 0 and passed, done.stdout[-1000:] + done.stderr[-1000:]
    return int(passed[1]), "refused by name, or handled; as the tests assert"


def injected(campaign: Campaign, name: str) -> tuple[str, Callable[[], tuple[int, str]]]:
    """How a fault is injected, and what injects it."""
    if name in TESTED:
        how, selected = TESTED[name]
        return how, lambda: unit_tests(selected)
    fault = getattr(campaign, name)
    return fault.__doc__, fault


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *FAULTS, *TESTED], help="faults to inject; default: all")
    parser.add_argument("--quick", action="store_true", help="inject a few faults of each kind")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    rows = {}
    if not given.json:
        print("| fault | how it is injected | times | outcome | lost | time |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(Path(folder), given.quick)
        for name in given.names or (FAULTS if given.quick else (*FAULTS, *TESTED)):
            start = time.monotonic()
            how, fault = injected(campaign, name)
            try:
                times, outcome, lost = *fault(), "nothing"
            except Exception as error:  # the other faults are still tried
                times, outcome, lost = 0, "FAILED", f"{type(error).__name__}: {error}"
            rows[name] = (how, times, outcome, lost, round(time.monotonic() - start))
            if not given.json:
                print(f"| {name} | {how} | {times} | {outcome} | {lost} | {rows[name][4]} s |", flush=True)
    if given.json:
        print(json.dumps(rows))
    sys.exit(any(row[2] == "FAILED" for row in rows.values()))


if __name__ == "__main__":
    main()
