"""Tests write nowhere but into a temporary folder and read no record of a user's; nbval's notebooks inherit both."""

import os
import tempfile

import pytest

_outputs = tempfile.TemporaryDirectory(prefix="fastres-test-")
os.environ["FASTRES_OUTPUTS"] = _outputs.name
os.environ["FASTRES_RECORDED_ONLY"] = "1"  # a notebook's outputs are those of the committed records


def pytest_configure(config: pytest.Config) -> None:
    """nbval takes its file from the current folder; tests may be started from any."""
    config.option.nbval_sanitize_with = str(config.rootpath / "tests" / "nbval_sanitize.cfg")


def pytest_sessionfinish(session: pytest.Session) -> None:
    _outputs.cleanup()
