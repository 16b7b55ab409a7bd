"""fastres: a reproduction of "Simplified residual structure and fast deep residual networks" (2021).

Data flows one way: config -> training -> record -> claim, table or figure -> notebook -> report.
The names below are imported when they are first used, so that `import fastres` does not load torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastres.config import RunConfig
    from fastres.datasets.dataset import Dataset
    from fastres.datasets.sources import load_dataset
    from fastres.errors import ConfigError
    from fastres.models.resnet import build_model
    from fastres.records.runs import RunRecord, load_runs
    from fastres.training.run import train
    from fastres.training.weights import load_trained

__version__ = "0.2.0"
__all__ = [
    "ConfigError",
    "Dataset",
    "RunConfig",
    "RunRecord",
    "build_model",
    "load_dataset",
    "load_runs",
    "load_trained",
    "train",
]

_MODULE_OF = {
    "ConfigError": "errors",
    "Dataset": "datasets.dataset",
    "RunConfig": "config",
    "RunRecord": "records.runs",
    "build_model": "models.resnet",
    "load_dataset": "datasets.sources",
    "load_runs": "records.runs",
    "load_trained": "training.weights",
    "train": "training.run",
}
_SUBMODULES = ("records", "theory", "timers")  # part of the public API as fastres.NAME


def __dir__() -> list[str]:
    return [*__all__, *_SUBMODULES, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"fastres.{_MODULE_OF[name]}"), name)
    if name in _SUBMODULES:
        return importlib.import_module(f"fastres.{name}")
    raise AttributeError(f"module 'fastres' has no attribute {name!r}")
