"""The package as a wheel lays it out: without the repository around it."""

import os
import shutil
import subprocess
import sys
import tomllib

import pytest

from fastres import paths


@pytest.fixture(scope="module")
def site_packages(tmp_path_factory):
    """A folder that holds what pyproject.toml puts into the wheel, and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    shutil.copytree(paths.PACKAGE, folder / "fastres", ignore=ignore)
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for source, target in project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"].items():
        shutil.copytree(paths.ROOT / source, folder / target, ignore=ignore)
    return folder


def run(site_packages, cwd, *arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FASTRES_")}
    environment["PYTHONPATH"] = str(site_packages)
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", check=True).stdout


def test_the_claims_are_decided_from_the_records_that_the_wheel_carries(site_packages, tmp_path):
    assert "claims:" in run(site_packages, tmp_path, "-m", "fastres", "claims").splitlines()[-2]  # before "Next:"


def test_what_is_written_goes_to_the_current_folder(site_packages, tmp_path):
    code = "from fastres import paths as p; print(p.outputs(), p.datasets(), len(list(p.NOTEBOOKS.glob('*.ipynb'))))"
    outputs, data, notebooks = run(site_packages, tmp_path, "-c", code).split()
    assert (outputs, data) == (str(tmp_path / "outputs"), str(tmp_path / "data"))
    assert int(notebooks) == len(list(paths.NOTEBOOKS.glob("*.ipynb")))


def test_a_record_names_version_and_sources_not_a_repository_around(site_packages, tmp_path):
    for command in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=b", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", *command], cwd=site_packages, check=True)
    code = "from fastres.records.provenance import code_commit; print(code_commit())"
    said = run(site_packages, tmp_path, "-c", code)
    assert said.startswith("version 0.") and "sources" in said
