"""The parameters of a notebook, checked before anything runs.

papermill puts what it is given into a cell after the one tagged `parameters`, and only warns of a name that the
notebook does not have. The check that follows refuses it.
"""

import ast
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, PositiveInt, TypeAdapter, ValidationError

from fastres.config import Precision, RunConfig, one_line
from fastres.errors import ConfigError, unknown_parameter
from fastres.models.structures import blocks_per_stage

__all__ = ["Depths", "Positive", "Precision", "at_least", "check_parameters", "run_parameters"]
Positive = PositiveInt


def _depth(depth: int) -> int:
    blocks_per_stage("basic", depth)
    return depth


Depths = Annotated[list[Annotated[int, AfterValidator(_depth)]], Field(min_length=1)]  # of basic blocks: 6n + 2


def at_least(least: int, reason: str) -> Any:
    """A kind of parameter: an integer of at least `least`; the error message gives the reason."""

    def check(value: int) -> int:
        if value < least:
            raise ValueError(f"use at least {least}: {reason}")
        return value

    return Annotated[int, AfterValidator(check)]


STRICT = ConfigDict(strict=True, allow_inf_nan=False)  # text is never a number, nor True a 1
INJECTED_BY_PAPERMILL = ("PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH")  # --inject-paths


def check_parameters(namespace: dict[str, Any], /, **kinds: Any) -> None:
    """Check the parameters of a notebook: every name known, every value of its kind.

    Call it in the cell after the one tagged `parameters`, as
    check_parameters(globals(), seed=int, rounds=Positive, depths=Depths).
    kinds: what pydantic takes for a type: int, list[float], Positive (1, 2, ...), Depths, Precision.

    >>> check_parameters({"seed": 0, "rounds": 0}, seed=int, rounds=Positive)
    Traceback (most recent call last):
    fastres.errors.ConfigError: rounds = 0: input should be greater than 0

    Raises ConfigError naming the parameter, its value and what is allowed.
    """
    _refuse_unknown(namespace, kinds)
    for name, kind in kinds.items():
        try:
            TypeAdapter(kind, config=STRICT).validate_python(namespace[name])
        except ValidationError as error:
            raise ConfigError(one_line(error, kinds, name)) from None


def run_parameters(namespace: dict[str, Any], /, **others: Any) -> tuple[RunConfig, dict[str, Any]]:
    """The run that a notebook's parameters describe, every field given, and its other parameters.

    Raises ConfigError like check_parameters.
    """
    _refuse_unknown(namespace, (*RunConfig.model_fields, *others))
    rest = {name: namespace[name] for name in others}
    check_parameters(rest, **others)
    return RunConfig(**{name: namespace[name] for name in RunConfig.model_fields}), rest


def _refuse_unknown(namespace: dict[str, Any], known: Iterable[str]) -> None:
    """Raise ConfigError for a parameter that is not known, and for a known one that is missing."""
    for name in _given(namespace):
        if name not in known and name not in INJECTED_BY_PAPERMILL:
            raise ConfigError(unknown_parameter(name, known))
    for name in known:
        if name not in namespace:
            raise ConfigError(f"parameter {name} is missing")


def _given(namespace: dict[str, Any]) -> Iterable[str]:
    """The names that were set as parameters.

    In a notebook, those assigned in the cells just before the running one that hold assignments alone: the cell
    tagged `parameters` and papermill's. The namespace alone does not show them: IPython and its startup files add
    names of their own. For a plain dictionary, which has no module's __name__, all names.
    """
    if "__name__" not in namespace:
        return namespace
    shell = namespace.get("get_ipython")  # none where a notebook was exported as a script
    cells = shell().history_manager.input_hist_parsed[:-1] if shell else []
    names: list[str] = []
    for cell in reversed(cells):
        assigned = _assigned(cell)
        if assigned is None:
            break
        names = assigned + names
    return names


def _assigned(cell: str) -> list[str] | None:
    """The names that a cell assigns; None for a cell that contains anything but assignments."""
    try:
        statements = ast.parse(cell).body
    except SyntaxError:
        return None
    names = []
    for statement in statements:
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
            return None
        for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
            if not isinstance(target, ast.Name):
                return None
            names.append(target.id)
    return names
