"""Tests write nowhere but into a temporary folder; notebooks under nbval inherit it by the environment."""

import os
import tempfile

import pytest

_outputs = tempfile.TemporaryDirectory(prefix="fastres-test-")
os.environ["FASTRES_OUTPUTS"] = _outputs.name


def pytest_sessionfinish(session: pytest.Session) -> None:
    _outputs.cleanup()
