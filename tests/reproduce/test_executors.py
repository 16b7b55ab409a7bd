"""Notebooks side by side: each in a fresh kernel, forked where that is safe, and what happens to a killed one."""

import asyncio
import os
import subprocess
import sys

import nbformat
import psutil
import pytest
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner
from nbformat.v4 import new_code_cell, new_notebook

from fastres import paths
from fastres.reproduce import executors, fork_server
from fastres.reproduce import notebooks as jobs
from fastres.reproduce.executors import run_local

LOADED = "import sys; print({'sklearn.datasets', 'torch._dynamo', 'fastres.views.figures'} <= set(sys.modules))"
STATE = "import os, numpy; print(os.getpid(), globals().get('mine'), numpy.random.rand()); mine = 1"
WHERE = "import os, torch; print(os.getcwd(), torch.get_num_threads(), os.environ['OMP_NUM_THREADS'])"
FORKS = pytest.mark.skipif(not fork_server.can_fork(), reason="kernels are forked on Linux without CUDA")


@pytest.fixture
def execute(workshop, tmp_path):
    """Executes notebooks of one cell each, side by side: outcomes, and what each cell printed."""

    def run(*cells, workers=2):
        for number, cell in enumerate(cells, 1):
            nbformat.write(new_notebook(cells=[new_code_cell(cell)]), workshop / f"{number:02}_n.ipynb")
        outcomes = sorted(run_local(jobs.result_jobs(tmp_path), workers, "results"), key=lambda outcome: outcome.name)
        return outcomes, [_printed(outcome.output) for outcome in outcomes]

    return run


def _printed(notebook):
    outputs = nbformat.read(notebook, as_version=4).cells[0].outputs if notebook.exists() else []
    return outputs[0].get("text", "").strip() if outputs else ""


@FORKS
def test_a_forked_kernel_is_fresh_but_has_imported_what_is_preloaded(execute):
    outcomes, printed = execute(LOADED, STATE, STATE, STATE)
    assert [outcome.status for outcome in outcomes] == ["done"] * 4
    assert printed[0] == "True"
    pids, known, drawn = zip(*(line.split() for line in printed[1:]), strict=True)
    assert len(set(pids)) == 3 and set(known) == {"None"} and len(set(drawn)) == 3


def test_without_forking_a_kernel_imports_for_itself(execute, monkeypatch):
    monkeypatch.setattr(fork_server, "can_fork", lambda: False)
    told = (
        "import sys; ready = 'torch' in sys.modules; import psutil; print(ready, psutil.Process().parent().cmdline())"
    )
    outcomes, printed = execute(told, told)
    assert [outcome.status for outcome in outcomes] == ["done"] * 2
    assert all(line.startswith("False") and "forkserver" not in line for line in printed)


@pytest.mark.parametrize(("workers", "threads"), [(2, 3), (3, 2)])
def test_a_kernel_has_the_folder_and_the_threads_that_its_stage_gives_it(execute, monkeypatch, workers, threads):
    monkeypatch.setattr(executors, "cores", lambda: 6)
    _, printed = execute(WHERE, WHERE, WHERE, workers=workers)
    assert printed == [f"{paths.NOTEBOOKS} {threads} {threads}"] * 3


def test_a_kernel_has_the_environment_of_now(execute, monkeypatch):
    """And not of the time when the server was started."""
    monkeypatch.setenv("FASTRES_MADE_UP", "now")
    told = "import os; print(os.environ.get('FASTRES_MADE_UP'))"
    assert execute(told, told)[1] == ["now"] * 2


def test_a_plot_of_pyplot_is_shown(execute):
    execute("import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()", "print(1)")
    cell = nbformat.read(paths.executed_notebooks() / "01_n.ipynb", as_version=4).cells[0]
    assert any("image/png" in output.get("data", {}) for output in cell.outputs)


def test_what_a_notebook_leaves_to_its_exit_is_done(execute, tmp_path):
    told = tmp_path / "told"
    _, printed = execute(
        f"import atexit, pathlib; _ = atexit.register(pathlib.Path({str(told)!r}).touch); print(1)",
        "import tempfile; folder = tempfile.TemporaryDirectory(); print(folder.name)",
    )
    assert told.exists() and not os.path.exists(printed[1])


def test_a_kernel_that_is_killed_is_one_failure(execute):
    outcomes, printed = execute("import os; os.kill(os.getpid(), 9)", "print(1)", "print(2)")
    assert [outcome.status for outcome in outcomes] == ["failed", "done", "done"] and printed[1:] == ["1", "2"]
    assert "DeadKernelError" in outcomes[0].problem


def test_a_process_that_is_killed_is_the_failure_of_its_notebook_alone(execute):
    outcomes, printed = execute("import os, psutil; psutil.Process(os.getppid()).kill()", "print(1)", "print(2)")
    assert [outcome.status for outcome in outcomes] == ["failed", "done", "done"] and printed[1:] == ["1", "2"]
    assert "was killed" in outcomes[0].problem and "--jobs" in outcomes[0].problem


def test_a_notebook_that_cannot_be_read_is_one_failure(execute):
    """A kernel waits for it in vain, and is ended."""
    broken = paths.NOTEBOOKS / "03_broken.ipynb"
    broken.write_text("{}", encoding="utf-8")
    outcomes, printed = execute("print(1)", "print(2)")
    assert [outcome.status for outcome in outcomes] == ["done", "done", "failed"] and printed[:2] == ["1", "2"]


def test_what_is_no_fault_of_a_notebook_stops_the_stage(execute, tmp_path):
    (tmp_path / "outputs").mkdir()
    paths.executed_notebooks().write_text("a file in place of the folder", encoding="utf-8")
    with pytest.raises(FileExistsError):
        execute("print(1)", "print(2)")


@FORKS
def test_nothing_is_left_of_a_stage_that_is_interrupted(workshop, tmp_path):
    told = tmp_path / "pid"
    slow = f"import os, pathlib, time; pathlib.Path({str(told)!r}).write_bytes(b'%d' % os.getpid()); time.sleep(600)"
    fast = f"import os, time\nwhile not os.path.exists({str(told)!r}): time.sleep(0.1)"
    for name, source in (("01_slow", slow), ("02_fast", fast)):
        nbformat.write(new_notebook(cells=[new_code_cell(source)]), workshop / f"{name}.ipynb")
    outcomes = run_local(jobs.result_jobs(tmp_path), 2, "results")
    assert next(outcomes).name == "02_fast"
    kernel = psutil.Process(int(told.read_text(encoding="utf-8")))
    family = [kernel, kernel.parent()]
    with pytest.raises(KeyboardInterrupt):
        outcomes.throw(KeyboardInterrupt)
    assert psutil.wait_procs(family, timeout=10)[1] == []


@FORKS
def test_changed_code_and_a_users_own_provisioner_have_an_ordinary_kernel(monkeypatch):
    from fastres.reproduce import forked_kernel

    with monkeypatch.context() as changes:
        changes.setattr(forked_kernel, "LOADED", "another")
        with forked_kernel.prepared():
            assert forked_kernel.waiting is None
    monkeypatch.setattr(KernelProvisionerFactory.instance(), "default_provisioner_name", "a user's")
    with forked_kernel.prepared():
        assert forked_kernel.waiting is None


@FORKS
def test_a_kernel_of_another_interpreter_is_started_as_usual(monkeypatch):
    from fastres.reproduce import forked_kernel

    started = []

    async def usual(self, cmd, **_):
        started.append(cmd)

    monkeypatch.setattr(LocalProvisioner, "launch_kernel", usual)
    monkeypatch.setattr(forked_kernel, "waiting", object())
    command = ["/other/python", "-m", forked_kernel.LAUNCHER, "-f", "connection.json"]
    asyncio.run(forked_kernel.Provisioner().launch_kernel(command))
    assert started == [command]


def test_training_imports_next_to_nothing_that_is_not_preloaded(tmp_path):
    """Else every training notebook would spend the seconds again."""
    code = f"""
import importlib, sys
from fastres.reproduce.fork_server import PRELOADED
for name in PRELOADED:
    importlib.import_module(name)
before = set(sys.modules)
from fastres import RunConfig, train
train(RunConfig(dataset="digits", depth=8, epochs=1, batch_size=256), runs_dir={str(tmp_path)!r})
print(len(set(sys.modules) - before))
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert int(shown.stdout.splitlines()[-1]) < 10
