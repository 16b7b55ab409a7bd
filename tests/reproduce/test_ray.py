"""Training on a Ray cluster of processes on this machine. Skipped without the extra `scale`."""

import dataclasses
import json
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from loopback import DRIVER, Loopback, die_or_tell, kill_midway, meet
from PIL import Image

from fastres import cli
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
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning", "ignore::DeprecationWarning"),
]
WAITS = ray_cluster.CONNECT_SECONDS + ray_cluster.PROBE_SECONDS  # for an address, in seconds


@pytest.fixture(scope="module")
def cluster():
    """A head, a worker of a core and two logical GPUs, and one of a core alone; this process is a driver of them."""
    made = Loopback()
    try:
        made.worker(gpus=2)  # one by one: starting is heavy
        made.frail = made.worker()
        with pytest.MonkeyPatch.context() as changes:
            for name, value in {**made.settings, **DRIVER}.items():
                changes.setenv(name, value)
            changes.setattr(ray_cluster, "PROBE_SECONDS", 120)  # a loaded machine imports Ray slowly
            changes.setattr(services, "resolve_ip_for_localhost", str)  # the variable is read when Ray is imported
            yield made
    finally:
        made.stop()


@pytest.fixture(scope="class")
def ray(cluster):
    """One connection for several tests: Ray starts new processes, each with torch, for every connection."""
    with ray_cluster.connected(cluster.address) as connected:
        yield connected


@pytest.fixture(autouse=True)
def outputs(monkeypatch, tmp_path):
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path / "outputs"))
    return tmp_path / "outputs"


def nothing_was_started(outputs):
    return not list(outputs.rglob("*.json")) and not list(outputs.rglob("*.ipynb"))


def run(ray, execute, *tasks):
    """Answers by name, of tasks given as (name, need, request, work); a lost or failed task has its outcome."""
    answers = {}

    def finish(job, answer):
        answers[job.name] = answer
        return Outcome(job.name, "done", 0.0, job.output)

    made = [
        Task(Job(name, Path(name), Path(f"missing/{name}.ipynb"), {}, (), work=work), need, request)
        for name, need, request, work in tasks
    ]
    for outcome in run_tasks(ray, made, execute, finish, Stage("Test", [task.job for task in made])):
        answers.setdefault(outcome.name, outcome)
    return answers


def command(monkeypatch, capsys, *options):
    """Exit status and errors of `reproduce`."""
    monkeypatch.setattr(sys, "argv", ["fastres", "reproduce", *options])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code, capsys.readouterr().err


class TestTasks:
    def test_two_halves_share_a_gpu_beside_a_task_that_has_one_alone(self, ray, tmp_path):
        """Three tasks that end only when all three are there: whether they can be at once is up to Ray's counting."""
        request = {"folder": str(tmp_path), "expected": 3}
        needs = {"whole": Need(0.25, 1.0), "half": Need(0.25, 0.5), "other half": Need(0.25, 0.5)}
        tasks = [(name, need, json.dumps({**request, "name": name}), need.gpus) for name, need in needs.items()]
        answers = run(ray, meet, *tasks)
        gpus = {name: answer["gpu"] for name, answer in answers.items()}
        assert gpus["half"] == gpus["other half"] and set(gpus.values()) == {"0", "1"}
        assert {name: answer["at_once"] for name, answer in answers.items()} == {"whole": 2, "half": 4, "other half": 4}

    def test_a_task_whose_process_is_killed_every_time_is_given_up_and_counted(self, ray, tmp_path, capsys):
        tries = tmp_path / "tries"
        answers = run(ray, die_or_tell, ("dies", Need(1), str(tries), 2.0), ("lives", Need(1), "", 1.0))
        assert answers["dies"].status == "failed" and "lost 3 times" in answers["dies"].problem
        assert len(tries.read_text(encoding="utf-8").splitlines()) == 3
        assert answers["lives"] == 1
        assert "attempt 2 of 3" in capsys.readouterr().out

    def test_what_a_machine_lacks_is_told_before_anything_starts(self, ray, tmp_path, outputs):
        with pytest.raises(ConfigError, match=r"no node of the cluster has 64 CPU for a run; it has .*1 CPU, 2 GPU"):
            ray_cluster.machines(ray, [Need(64)])
        request = {"device": "cpu", "precisions": ["fp32"], "datasets": {}}
        lacking = {
            r"other images than the head's: digits": {"datasets": {"digits": "0" * 64}},
            r"no folder /missing/train": {"datasets": {"folder:/missing": ""}},
            r"'cuda' is not on this machine": {"device": "cuda"},
            r"other code or versions: fastres .*; the head has fastres 0\.1": {"code": "fastres 0.1"},
        }
        outputs.mkdir()
        with remote.as_head(tmp_path) as head:
            nodes = ray_cluster.machines(ray, [Need(1)])
            for told, change in lacking.items():
                asked = dataclasses.asdict(head) | {"code": change.get("code", head.code)}
                with pytest.raises(ConfigError, match=rf"the cluster is not ready\..*{told}"):
                    ray_cluster.check_machines(ray, nodes, {**request, **change, "head": asked})
        assert nothing_was_started(outputs)


def test_a_run_that_no_machine_can_take_is_told(cluster, monkeypatch, capsys, outputs):
    where = ("--executor", "ray", "--address", cluster.address)
    status, errors = command(monkeypatch, capsys, *where, "--device", "cpu", "--cpus", "64")
    assert status == 2 and "no node of the cluster has 64 CPU" in errors and len(errors.splitlines()) == 1
    assert nothing_was_started(outputs)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ("ray.__version__ = '2.59.0'", r"Version mismatch.*Ray: 2\..*2\.59\.0"),
        ("sys.version_info = (3, 10, 4, 'final', 0)", r"Version mismatch.*Python: 3\..*Python: 3\.10\.4"),
    ],
)
def test_another_version_of_ray_or_python_is_told(cluster, monkeypatch, capsys, outputs, other, told):
    """Ray compares its own version and Python's; the process that asks first pretends to have others."""
    monkeypatch.setattr(ray_cluster, "_PROBE", f"import ray, sys; {other}; {ray_cluster._PROBE}")
    status, errors = command(monkeypatch, capsys, "--executor", "ray", "--address", cluster.address)
    assert status == 2 and re.search(told, errors) and len(errors.splitlines()) == 1
    assert nothing_was_started(outputs)


def image_folder(root):
    for number in range(40):
        folder = root / ("test" if number < 8 else "train") / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), (6 * number, 255 * (number % 2), 0)).save(folder / f"{number}.png")
    return f"folder:{root}"


def test_a_worker_is_lost_and_every_run_has_the_same_bits_as_here(cluster, tmp_path, outputs, capsys):
    """As many runs as the workers take at once, so that one is on the worker that is killed."""
    common = {"dataset": image_folder(tmp_path / "images"), "depth": 8, "epochs": 30, "batch_size": 16, "flip": False}
    configs = [RunConfig(**common, seed=seed) for seed in range(2)]
    runs_dir = outputs / "runs"
    runs_dir.mkdir(parents=True)
    checksums = check_inputs(configs, runs_dir)
    jobs = {job.output.stem: job for job in notebooks.training_jobs(configs, "auto", runs_dir)}
    lost, stop = [], threading.Event()
    killer = threading.Thread(target=kill_midway, args=(cluster.frail, runs_dir, lost, stop))
    killer.start()
    try:
        outcomes = list(Cluster(cluster.address, "cpu").train(jobs, configs, runs_dir, checksums))
    finally:
        stop.set()
        killer.join()
    assert [outcome.status for outcome in outcomes] == ["done"] * 2, outcomes
    told = capsys.readouterr().out
    assert f"{lost[0]}: its process or machine was lost; attempt 2 of 3" in told
    assert "files in a shared folder" in told and "[2/2]" in told
    resumed = (outputs / "notebooks" / "train" / f"{lost[0]}.ipynb").read_text(encoding="utf-8")
    assert "epoch 30/30" in resumed and "epoch  1/30" not in resumed
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        here = [train(config, device="cpu", runs_dir=tmp_path / "here") for config in configs]
    finally:
        torch.set_num_threads(before)
    for record in here:
        there = load_run(record_path(record.config, runs_dir))
        assert there.weights_sha256 == record.weights_sha256
        seconds = {"train_seconds", "test_seconds"}
        logs = [[epoch.model_dump(exclude=seconds) for epoch in each.epochs] for each in (there, record)]
        assert logs[0] == logs[1]
        assert there.environment["threads"] == 1 and there.environment["runs_at_once"] > 1
    assert all(job.is_done for job in notebooks.training_jobs(configs, "auto", runs_dir))


def test_an_address_that_is_no_cluster_is_told_within_20_seconds(monkeypatch, capsys, outputs):
    assert WAITS < 20
    monkeypatch.setattr(ray_cluster, "PROBE_SECONDS", 5)
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and does not listen
        addresses = {
            f"127.0.0.1:{silent.getsockname()[1]}": "is no Ray cluster",
            f"127.0.0.1:{closed.getsockname()[1]}": "no Ray cluster answers at 127.0.0.1:",
            "here": "HOST:PORT",
        }
        for address, told in addresses.items():
            status, errors = command(monkeypatch, capsys, "--executor", "ray", "--address", address)
            assert status == 2 and told in errors and len(errors.splitlines()) == 1
    assert nothing_was_started(outputs)


def test_without_ray_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    status, errors = command(monkeypatch, capsys, "--executor", "ray")
    assert status == 2 and "fastres[scale]" in errors


def test_a_ray_of_this_machine_alone_leaves_nothing_behind(tmp_path):
    """In a process of its own, since Ray reads its settings once: no token in the home folder, no open port."""
    code = """
import psutil
from pathlib import Path
from loopback import die_or_tell
from fastres.reproduce.notebooks import Job, Outcome
from fastres.reproduce.ray_cluster import Need, connected
from fastres.reproduce.ray_executor import Task, run_tasks
from fastres.reproduce.stage import Stage
job = Job("lives", Path("x"), Path("x/y"), {}, ())
with connected(None) as ray:
    done = lambda job, answer: Outcome(job.name, "done", 0.0, job.output)
    print([o.status for o in run_tasks(ray, [Task(job, Need(1), "")], die_or_tell, done, Stage("", [job]))])
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
