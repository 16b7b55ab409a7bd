"""`make setup`, with a stand-in for Python that creates an environment whose pip only notes how it was called."""

import os
import shutil
import subprocess

import pytest

from fastres import paths

STAND_IN = """#!/bin/sh
case "$*" in
  *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  *"-m pip"*) echo "PIP_USER=$PIP_USER $*" >> calls ;;
esac
"""

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="needs make")


@pytest.fixture
def project(tmp_path):
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(paths.ROOT / name, tmp_path)
    (tmp_path / "python").write_text(STAND_IN, encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def make_setup(project, **environment):
    command = ["make", "setup", "PYTHON=./python"]
    return subprocess.run(command, cwd=project, env=os.environ | environment, capture_output=True, encoding="utf-8")


def calls(project):
    return (project / "calls").read_text(encoding="utf-8").splitlines()


def test_a_users_setting_of_pip_does_not_install_outside_the_environment(project):
    assert make_setup(project, PIP_USER="1").returncode == 0
    (call,) = calls(project)
    assert call.startswith("PIP_USER=0") and "-c requirements.lock" in call


def test_it_installs_again_only_after_a_change_of_the_lock(project):
    make_setup(project)
    make_setup(project)
    assert len(calls(project)) == 1
    ready = (project / ".venv" / ".ready").stat()
    os.utime(project / "requirements.lock", ns=(ready.st_atime_ns, ready.st_mtime_ns + 10**9))
    make_setup(project)
    assert len(calls(project)) == 2


def test_an_old_python_is_refused_with_the_version_and_a_way_on(project):
    old = '#!/bin/sh\necho "$*" >> calls\ncase "$*" in --version) echo Python 3.8.1 ;; *) exit 1 ;; esac\n'
    (project / "python").write_text(old, encoding="utf-8")
    refused = make_setup(project)
    assert refused.returncode == 2
    assert "needs Python 3.11 or newer; this is Python 3.8.1" in refused.stdout
    assert not [call for call in calls(project) if "-m venv" in call]
