"""A short version of the fault campaign; `make faults` runs all of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CAMPAIGN = Path(__file__).with_name("campaign.py")
NAMES = (
    CAMPAIGN.read_text(encoding="utf-8").split("FAULTS = (")[1].split(")")[0].replace('"', "").replace(",", " ").split()
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks and POSIX signals")


@pytest.fixture(scope="module")
def rows() -> dict:
    done = subprocess.run(
        [sys.executable, str(CAMPAIGN), "--quick", "--json"], capture_output=True, text=True, encoding="utf-8"
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost(rows, name):
    _, times, outcome, lost, _ = rows[name]
    assert times > 0 and lost == "nothing", (outcome, lost)
