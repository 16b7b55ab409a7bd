"""Tests write nowhere but into a temporary folder and read no record of a user's; nbval's notebooks inherit both."""

import os
import tempfile

import pytest

if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0)):  # pytest -n: they share the cores
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))

_outputs = tempfile.TemporaryDirectory(prefix="fastres-test-")
os.environ["FASTRES_OUTPUTS"] = _outputs.name
os.environ["FASTRES_RECORDED_ONLY"] = "1"  # a notebook's outputs are those of the committed records


def pytest_configure(config: pytest.Config) -> None:
    """nbval takes its file from the current folder; tests may be started from any."""
    config.option.nbval_sanitize_with = str(config.rootpath / "tests" / "nbval_sanitize.cfg")


def pytest_sessionfinish(session: pytest.Session) -> None:
    _outputs.cleanup()
