"""The parameters of a notebook, checked before anything runs."""

from types import NoneType
from typing import Any

from fastres.config import RunConfig
from fastres.errors import ConfigError, unknown_parameter


def check_parameters(namespace: dict[str, Any], **types: type) -> None:
    """Check the parameters of a notebook, which are the literals of its namespace so far.

    Call it in the cell after the one tagged `parameters`, as check_parameters(globals(), seed=int).
    papermill injects whatever it is given and only warns of a name that the notebook does not have;
    this refuses it.

    Raises ConfigError naming the parameter, its value and what is allowed.
    """
    given = parameters(namespace)
    unknown = [name for name in given if name not in types]
    if unknown:
        raise ConfigError(unknown_parameter(unknown[0], types))
    for name, kind in types.items():
        if name not in given:
            raise ConfigError(f"parameter {name} is missing")
        value = given[name]
        fits = type(value) is kind or (kind is float and type(value) is int)
        if not fits:
            raise ConfigError(f"{name} = {value!r}: must be {kind.__name__}, not {type(value).__name__}")


def run_parameters(namespace: dict[str, Any], **others: type) -> tuple[RunConfig, dict[str, Any]]:
    """The run that a notebook's parameters describe, every field given, and its other parameters.

    Raises ConfigError like check_parameters.
    """
    given = parameters(namespace)
    missing = [name for name in (*RunConfig.model_fields, *others) if name not in given]
    if missing:
        raise ConfigError(f"parameter {missing[0]} is missing")
    rest = {name: given.pop(name) for name in others}
    check_parameters(rest, **others)
    return RunConfig(**given), rest


def parameters(namespace: dict[str, Any]) -> dict[str, Any]:
    """The public literals of a namespace, by name: in a notebook, what its parameters cell defines."""
    literals = (bool, int, float, str, list, NoneType)
    ipython = ("In", "Out")
    return {
        name: value
        for name, value in namespace.items()
        if type(value) in literals and name not in ipython and not name.startswith("_")
    }
