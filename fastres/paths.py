"""Every folder of the project.

Two environment variables name other folders: ``FASTRES_DATA`` (where datasets are
searched for and downloaded to) and ``FASTRES_OUTPUTS`` (where a reproduction writes). An empty one counts as unset.
"""

import os
from pathlib import Path

from fastres.errors import ConfigError

RECORDED_ONLY = "FASTRES_RECORDED_ONLY"  # environment variable: pages show the committed records alone
PACKAGE = Path(__file__).resolve().parent
# Installed from a wheel, the package carries notebooks, paper and records, and a user's files go to the current folder.
INSTALLED = not (PACKAGE.parent / "data" / "paper").is_dir()
ROOT = PACKAGE / "shipped" if INSTALLED else PACKAGE.parent
NOTEBOOKS = ROOT / "notebooks"
PAPER = ROOT / "data" / "paper"
RECORDED = ROOT / "data" / "recorded"
RECORDED_TIMINGS = RECORDED / "timings"
RECORDED_BENCHMARKS = RECORDED / "benchmarks"
LOCK = ROOT / "requirements.lock"


def datasets() -> Path:
    """Folder in which datasets are searched for, and to which they are downloaded. Raises ConfigError like outputs."""
    return _from_environment("FASTRES_DATA", _home() / "data")


def outputs() -> Path:
    """Folder that receives everything a reproduction writes.

    Raises ConfigError where it is the repository's root or in one of its own folders: a reproduction would write
    over the notebooks, or its records among those of data/recorded.
    """
    return _from_environment("FASTRES_OUTPUTS", _home() / "outputs")


def expanded(path: str | Path, what: str) -> Path:
    """A path with ~ expanded. Raises ConfigError, naming what the path is, where there is no home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{what} {str(path)!r}: no home folder for '~'; give an absolute path") from error


def check_home() -> None:
    """Raise ConfigError where a user has no home folder: Jupyter and matplotlib look for settings there."""
    try:
        Path.home()
    except RuntimeError as error:
        raise ConfigError("there is no home folder: set HOME to a folder that can be written to") from error


def _home() -> Path:
    return Path.cwd() if INSTALLED else ROOT


def _from_environment(variable: str, default: Path) -> Path:
    given = os.environ.get(variable, "").strip()
    if not given:
        return default
    folder = expanded(given, variable).absolute()
    real = folder.resolve()
    own = [NOTEBOOKS, PAPER, RECORDED, *(ROOT / name for name in ("fastres", "tests", "docs", "benchmarks", ".git"))]
    if real == ROOT or any(real.is_relative_to(source) for source in own):
        raise ConfigError(f"{variable} = {given!r} is {real}, a folder of the sources; name another, or unset it")
    return folder


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


def benchmarks() -> Path:
    return outputs() / "benchmarks"


def probes() -> Path:
    return outputs() / "probes"


def record_folders(runs_dir: str | Path = "") -> list[Path]:
    """Where a page finds records: data/recorded, then a user's own: `runs_dir`, by default outputs/runs.

    With FASTRES_RECORDED_ONLY set there is no default, so that a page is the same for everybody.
    Raises ConfigError for a given folder that does not exist.
    """
    if runs_dir and not Path(runs_dir).is_dir():
        raise ConfigError(f"runs_dir is {str(runs_dir)!r}: there is no such folder")
    own = Path(runs_dir) if runs_dir else None if os.environ.get(RECORDED_ONLY) else runs()
    return [RECORDED] if own is None else [RECORDED, own]


def told(folder: Path) -> str:
    """A folder as a page names it: within the project without the path of this machine."""
    home = _home()
    return folder.relative_to(home).as_posix() if folder.is_relative_to(home) else str(folder)


def timings_beside(runs_dir: str | Path) -> Path:
    """Folder of the timing records that belong to a folder of runs."""
    return Path(runs_dir).parent / "timings"
