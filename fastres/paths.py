"""Every folder of the project. Nothing else in the package builds a path of its own.

Two environment variables move what a user may want elsewhere: ``FASTRES_DATA`` (where datasets are
looked for and downloaded) and ``FASTRES_OUTPUTS`` (where a reproduction writes).
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


NOTEBOOKS = ROOT / "notebooks"


PAPER = ROOT / "data" / "paper"


RECORDED = ROOT / "data" / "recorded"


RECORDED_TIMINGS = RECORDED / "timings"


LOCK = ROOT / "requirements.lock"


def datasets() -> Path:
    """Folder in which datasets are looked for, and into which they are downloaded."""
    return Path(os.environ.get("FASTRES_DATA", ROOT / "data")).absolute()


def outputs() -> Path:
    """Folder that receives everything a reproduction writes."""
    return Path(os.environ.get("FASTRES_OUTPUTS", ROOT / "outputs")).absolute()


def runs() -> Path:
    return outputs() / "runs"


def executed_notebooks() -> Path:
    return outputs() / "notebooks"


def figures() -> Path:
    return outputs() / "figures"


def tables() -> Path:
    return outputs() / "tables"


def report() -> Path:
    return outputs() / "report"


def timings() -> Path:
    return outputs() / "timings"


def timings_beside(runs_dir: str | Path) -> Path:
    """Folder of the timing records that belong to a folder of runs."""
    return Path(runs_dir).parent / "timings"
