"""Tests write nowhere but into a temporary folder; notebooks under nbval inherit it by the environment."""

import os
import tempfile

import pytest

_outputs = tempfile.TemporaryDirectory(prefix="fastres-test-")
os.environ["FASTRES_OUTPUTS"] = _outputs.name


def pytest_configure(config: pytest.Config) -> None:
    """nbval takes its file from the current folder; tests may be started from any."""
    config.option.nbval_sanitize_with = str(config.rootpath / "tests" / "nbval_sanitize.cfg")


def pytest_sessionfinish(session: pytest.Session) -> None:
    _outputs.cleanup()
