"""What is checked before a reproduction starts, so that nothing fails late."""

import os
from pathlib import Path

from fastres import paths
from fastres.config import RunConfig
from fastres.datasets.sources import load_dataset
from fastres.files import make_folder
from fastres.records.runs import load_runs, record_path
from fastres.training.run import data_source, recorded


def check_inputs(configs: list[RunConfig], runs_dir: Path) -> dict[str, str]:
    """Raise before training what would fail later: unreadable or other records, missing images, unwritable folders.

    Relative folders in the environment are made absolute, for notebooks run in a folder of their own.
    Returns the checksum of each dataset. Raises RecordError, DataError or ConfigError.
    """
    for name, folder in (("FASTRES_OUTPUTS", paths.outputs()), ("FASTRES_DATA", paths.datasets())):
        os.environ[name] = str(folder)
    for folder in (runs_dir, paths.executed_notebooks()):
        make_folder(folder)
    load_runs(paths.RECORDED, runs_dir)
    checksums = {}
    for name in sorted({config.dataset for config in configs}):
        data = data_source(load_dataset(name))
        checksums[name] = data.sha256
        for config in (config for config in configs if config.dataset == name):
            path = record_path(config, runs_dir)
            if path.exists():
                recorded(path, config, data)
    return checksums
