"""fastres: a reproduction of "Simplified residual structure and fast deep residual networks" (2021).

The way of the data is one line: config -> train -> record -> table or figure -> notebook -> report.
"""

from fastres.config import ConfigError, RunConfig
from fastres.data import Dataset, load_dataset
from fastres.models import build_model
from fastres.records import RunRecord, load_runs
from fastres.train import train

__version__ = "0.1.0"
__all__ = ["ConfigError", "Dataset", "RunConfig", "RunRecord", "build_model", "load_dataset", "load_runs", "train"]
