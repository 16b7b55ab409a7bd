"""Training on a Ray cluster of processes on this machine. Skipped without the extra `scale`."""

import dataclasses
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from loopback import DRIVER, Loopback, die_or_sleep, kill, sleep

from fastres import cli, paths
from fastres.config import RunConfig
from fastres.errors import ConfigError
from fastres.records.runs import load_run, record_path
from fastres.reproduce import notebooks, ray_cluster, remote
from fastres.reproduce.inputs import check_inputs
from fastres.reproduce.notebooks import Job, Outcome
from fastres.reproduce.ray_cluster import Need
from fastres.reproduce.ray_executor import Cluster, Task, run_tasks
from fastres.reproduce.stage import Stage
from fastres.training.run import train

services = pytest.importorskip("ray._private.services", reason="needs the extra: pip install 'fastres[scale]'")
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="Ray's clusters of several nodes are for Linux"),
    # Heads and workers start slowly on two loaded cores, and tests of who runs beside whom then fail now and then.
    pytest.mark.skipif(not os.environ.get("FASTRES_TEST_RAY"), reason="starts a cluster: set FASTRES_TEST_RAY=1"),
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning", "ignore::DeprecationWarning"),
]
DIGITS = {"dataset": "digits", "depth": 8, "epochs": 2, "batch_size": 512, "flip": False}


@pytest.fixture(scope="module")
def cluster():
    """A head, a worker of one core that a test kills, and a worker of four cores and two logical GPUs."""
    made = Loopback()
    try:
        made.sturdy, made.frail = made.worker(cpus=4, gpus=2), made.worker()  # one by one: starting is heavy
        yield made
    finally:
        made.stop()


@pytest.fixture
def driver(cluster, monkeypatch, tmp_path):
    """This process as a driver of the cluster, with outputs of its own."""
    for name, value in {**cluster.settings, **DRIVER}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(services, "resolve_ip_for_localhost", str)  # the variable is read when Ray is imported
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path / "outputs"))
    return cluster


def stage_of(tasks):
    return Stage("Test", [task.job for task in tasks])


def task(name, need, request, work=1.0):
    return Task(Job(name, Path(name), Path(f"missing/{name}.ipynb"), {}, (), work=work), need, request)


def done(job, answer):
    return Outcome(job.name, "done", 0.0, job.output)


def run(tasks, execute, address):
    """Answers by name; a lost or failed task has its outcome."""
    answers = {}

    def finish(job, answer):
        answers[job.name] = answer
        return done(job, answer)

    with ray_cluster.connected(address) as ray:
        for outcome in run_tasks(ray, tasks, execute, finish, stage_of(tasks)):
            answers.setdefault(outcome.name, outcome)
    return answers


def training(cluster, configs, checksums=None, **options):
    """Outcomes of runs on the cluster, as they end. checksums: of the datasets; default: of this machine's."""
    runs_dir = paths.runs()
    runs_dir.mkdir(parents=True, exist_ok=True)
    checksums = checksums or check_inputs(configs, runs_dir)
    jobs = notebooks.training_jobs(configs, "auto", runs_dir)
    trained_by = Cluster(cluster.address, **{"device": "cpu", **options})
    yield from trained_by.train({job.output.stem: job for job in jobs}, configs, runs_dir, checksums)


def command(monkeypatch, capsys, *options):
    """Exit status and errors of `reproduce`."""
    monkeypatch.setattr(sys, "argv", ["fastres", "reproduce", *options])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code, capsys.readouterr().err


def test_gpus_are_shared_by_parts_and_a_whole_one_is_not(driver):
    """Two halves at a time on a GPU; a run that needs a whole one has it alone."""
    tasks = [task(f"half {n}", Need(0.25, 0.5), "3") for n in range(4)]
    answers = run([*tasks, task("whole", Need(0.25, 1.0), "3", work=9.0)], sleep, driver.address)
    whole = answers.pop("whole")
    halves = list(answers.values())
    assert {answer["gpu"] for answer in [whole, *halves]} <= {"0", "1"}
    assert not [half for half in halves if half["gpu"] == whole["gpu"] and overlap(half, whole)]
    at_the_beginning_of = [  # of each half: those that run on its GPU at that moment, itself included
        [other for other in halves if other["gpu"] == half["gpu"] and other["begin"] <= half["begin"] < other["end"]]
        for half in halves
    ]
    assert max(map(len, at_the_beginning_of)) == 2
    assert whole["at_once"] == 2 and {half["at_once"] for half in halves} == {4}


def overlap(one, other):
    return one["begin"] < other["end"] and other["begin"] < one["end"]


def test_a_task_whose_process_is_killed_every_time_is_given_up_and_counted(driver, tmp_path, capsys):
    tries = tmp_path / "tries"
    answers = run([task("dies", Need(1), str(tries)), task("sleeps", Need(1), "0.1")], die_or_sleep, driver.address)
    assert answers["dies"].status == "failed" and "lost 3 times" in answers["dies"].problem
    assert len(tries.read_text(encoding="utf-8").splitlines()) == 3
    assert answers["sleeps"]["at_once"] >= 1
    assert "attempt 2 of 3" in capsys.readouterr().out


def test_what_the_cluster_lacks_is_told_before_anything_starts(driver, tmp_path):
    config = RunConfig(**DIGITS)
    with pytest.raises(ConfigError, match=r"no node of the cluster has 64 CPU for a run; it has .*4 CPU, 2 GPU"):
        list(training(driver, [config], cpus=64))
    request = {"device": "cpu", "precisions": ["fp32"], "datasets": {}}
    lacking = {
        r"other images than the head's: digits": {"datasets": {"digits": "0" * 64}},
        r"no folder /missing/train": {"datasets": {"folder:/missing": ""}},
        r"'cuda' is not on this machine": {"device": "cuda"},
        r"other code or versions: fastres .*; the head has fastres 0\.1": {"code": "fastres 0.1"},
    }
    with ray_cluster.connected(driver.address) as ray, remote.as_head(tmp_path) as head:
        nodes = ray_cluster.machines(ray, [Need(1)])
        for told, change in lacking.items():
            asked = dataclasses.asdict(head) | {"code": change.get("code", head.code)}
            with pytest.raises(ConfigError, match=rf"the cluster is not ready\..*{told}"):
                ray_cluster.check_machines(ray, nodes, {**request, **change, "head": asked})
    assert not list((tmp_path / "outputs").rglob("*.json")) and not list((tmp_path / "outputs").rglob("*.ipynb"))


def test_another_version_of_ray_is_told(driver, monkeypatch):
    other = "import ray; ray.__version__ = '2.59.0'; "
    monkeypatch.setattr(ray_cluster, "_PROBE", other + ray_cluster._PROBE)
    with pytest.raises(ConfigError, match=r"cannot use the Ray cluster.*Version mismatch.*Ray: 2\..*2\.59\.0"):
        list(training(driver, [RunConfig(**DIGITS)]))


def test_a_worker_is_lost_and_every_run_has_the_same_bits_as_here(driver, tmp_path, capsys):
    configs = [RunConfig(**DIGITS, seed=seed) for seed in range(3)]
    for number, outcome in enumerate(training(driver, configs, device="cpu")):
        assert outcome.status == "done", outcome.problem
        if number == 0:
            kill(driver.frail)
    told = capsys.readouterr().out
    assert "files in a shared folder" in told and "[3/3]" in told
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        here = [train(config, device="cpu", runs_dir=tmp_path / "here") for config in configs]
    finally:
        torch.set_num_threads(before)
    for record in here:
        there = load_run(record_path(record.config, tmp_path / "outputs" / "runs"))
        assert there.weights_sha256 == record.weights_sha256
        seconds = {"train_seconds", "test_seconds"}
        logs = [[epoch.model_dump(exclude=seconds) for epoch in each.epochs] for each in (there, record)]
        assert logs[0] == logs[1]
        assert there.environment["threads"] == 1 and there.environment["runs_at_once"] > 1
    assert all(job.is_done for job in notebooks.training_jobs(configs, "auto", tmp_path / "outputs" / "runs"))


def test_an_address_that_is_no_cluster_is_told_within_20_seconds(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path))
    monkeypatch.setattr(ray_cluster, "PROBE_SECONDS", 5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for address, words in ((f"127.0.0.1:{silent.getsockname()[1]}", "is no Ray cluster"), ("here", "HOST:PORT")):
            begin = time.monotonic()
            status, errors = command(monkeypatch, capsys, "--executor", "ray", "--address", address)
            assert status == 2 and words in errors and len(errors.splitlines()) == 1
            assert time.monotonic() - begin < 20
    status, errors = command(monkeypatch, capsys, "--executor", "ray", "--address", "127.0.0.1:1")
    assert status == 2 and "no Ray cluster answers at 127.0.0.1:1" in errors
    assert not list(tmp_path.rglob("*.json")) and not list(tmp_path.rglob("*.ipynb"))


def test_without_ray_the_extra_is_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path))
    monkeypatch.setitem(sys.modules, "ray", None)
    status, errors = command(monkeypatch, capsys, "--executor", "ray")
    assert status == 2 and "fastres[scale]" in errors


def test_a_ray_of_this_machine_alone_leaves_nothing_behind(tmp_path):
    """In a process of its own, since Ray reads its settings once: no token in the home folder, no open port."""
    code = """
import psutil
from pathlib import Path
from loopback import sleep
from fastres.reproduce.notebooks import Job, Outcome
from fastres.reproduce.ray_cluster import Need, connected
from fastres.reproduce.ray_executor import Task, run_tasks
from fastres.reproduce.stage import Stage
job = Job("sleeps", Path("x"), Path("x/y"), {}, ())
with connected(None) as ray:
    done = lambda job, answer: Outcome(job.name, "done", 0.0, job.output)
    print([o.status for o in run_tasks(ray, [Task(job, Need(1), "0.1")], sleep, done, Stage("", [job]))])
    family = psutil.Process().children(recursive=True)
    listening = {c.laddr.ip for p in family for c in p.net_connections() if c.status == "LISTEN"}
    print(listening - {"127.0.0.1", "::1", "::ffff:127.0.0.1"})
_, alive = psutil.wait_procs(family, timeout=20)
print(alive)
"""
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[1])}
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, encoding="utf-8")
    assert printed.stdout.splitlines()[-3:] == ["['done']", "set()", "[]"], printed.stdout + printed.stderr
    assert not (tmp_path / ".ray").exists()
