"""What the paper reports and claims, read from data/paper/ and checked. Nothing here needs torch.

Errors are test errors in %, times are seconds per epoch on the paper's machine (`setup()["machine"]`).
A wrong entry in one of the three files of `folder` is a ValueError that names file, entry and field.
"""

import copy
import datetime
import tomllib
from dataclasses import asdict, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from fastres import paths

if TYPE_CHECKING:
    import pandas as pd


Kind = Literal["arithmetic", "equation", "count", "error", "time", "memory", "explanation"]
KINDS = get_args(Kind)
Dataset = Literal["cifar10", "cifar100"]
Text = Annotated[str, Field(min_length=1)]
Percent = Annotated[float, Field(gt=0, lt=100)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
STRICT = ConfigDict(extra="forbid", strict=True)  # no unknown field, no number as text


@dataclass(frozen=True, config=STRICT)
class Result:
    """One network on one dataset: a row of Table 1, half a row of Table 2, or a sentence of Section 3.4."""

    place: Text
    structure: Literal["basic", "simplified-1", "simplified-2"]
    depth: Count
    dataset: Dataset
    error: Percent  # the mean of the n runs
    n: Count
    seconds_per_epoch: Positive
    error_sd: Positive | None = None  # None for a single run


@dataclass(frozen=True, config=STRICT)
class Reduction:
    """A printed reduction, in %, of simplified-1 against basic; not every one is right."""

    place: Text
    quantity: Literal["time", "error"]
    depth: Count
    dataset: Dataset
    percent: Percent
    wording: Text  # what the paper says the percentage is of


@dataclass(frozen=True, config=STRICT)
class Neighbour:
    """A test error that others published for a comparable network; n is None where they do not say."""

    source: Text
    url: Text
    network: Text
    depth: Count
    dataset: Dataset
    error: Percent
    n: Count | None = None
    note: str = ""


@dataclass(frozen=True, config=STRICT)
class Change:
    """An amendment of a claim: when and why, and what stood before, with the verdict that it gave on that day.

    rule and verdict are empty where the claim was not listed before, paraphrase where it was not reworded.
    """

    date: datetime.date
    reason: Text
    rule: str = ""
    verdict: str = ""
    paraphrase: str = ""


@dataclass(frozen=True, config=STRICT)
class Claim:
    """A claim in our own words, the function of fastres.claims.checks that decides it, and the rule it follows."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    place: Text
    paraphrase: Text
    kind: Kind
    check: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    rule: Text
    args: dict[str, Any] = field(default_factory=dict, hash=False)  # keyword arguments of the check
    history: list[Annotated[Change, BeforeValidator(lambda raw: Change(**raw))]] = field(
        default_factory=list, hash=False
    )  # the oldest first


def results(folder: Path = paths.PAPER) -> list[Result]:
    """Every reported result, in the paper's order; (structure, depth, dataset) is unique."""
    return list(_entries(folder / "results.toml", "result", Result, ("structure", "depth", "dataset")))


def result(structure: str, depth: int, dataset: str = "cifar10", folder: Path = paths.PAPER) -> Result:
    """The result of one network on one dataset. Raises KeyError where the paper reports none."""
    for row in results(folder):
        if (row.structure, row.depth, row.dataset) == (structure, depth, dataset):
            return row
    raise KeyError(f"the paper reports no result for {structure!r} at depth {depth} on {dataset!r}")


def reduction(quantity: str, depth: int, structure: str = "simplified-1", dataset: str = "cifar10") -> float:
    """100 (1 - structure / basic), in %, of the printed values of a quantity, "time" or "error".

    Raises KeyError where the paper reports none.
    """
    name = {"time": "seconds_per_epoch", "error": "error"}[quantity]
    value, reference = (getattr(result(each, depth, dataset), name) for each in (structure, "basic"))
    return 100 * (1 - value / reference)


def results_frame(folder: Path = paths.PAPER) -> "pd.DataFrame":
    """`results()` as a data frame, one row each; error_sd is NaN for a single run."""
    import pandas as pd

    return pd.DataFrame([asdict(row) for row in results(folder)]).astype({"error_sd": float})


def claimed_reductions(folder: Path = paths.PAPER) -> list[Reduction]:
    """The reductions as the text prints them; `results()` says what they should be."""
    return list(_entries(folder / "results.toml", "reduction", Reduction, ("quantity", "depth", "dataset")))


def neighbours(folder: Path = paths.PAPER) -> list[Neighbour]:
    return list(_entries(folder / "results.toml", "neighbour", Neighbour, ("source", "network", "depth", "dataset")))


def claims(folder: Path = paths.PAPER) -> list[Claim]:
    """Every claim of the paper, in its order; ids are unique."""
    return copy.deepcopy(list(_entries(folder / "claims.toml", "claim", Claim, ("id",))))


def setup(folder: Path = paths.PAPER) -> dict[str, Any]:
    """setup.toml: citation, machine, network, training, augmentation, datasets."""
    return copy.deepcopy(_load(folder / "setup.toml"))


@cache
def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name}: not valid TOML: {error}") from error


@cache
def _entries(path: Path, table: str, kind: type, key: tuple[str, ...]) -> tuple:
    """The [[table]] entries of a file, checked, each one a `kind`; the fields of `key` identify an entry."""
    entries = {}
    for number, raw in enumerate(_load(path).get(table, []), start=1):
        where = f"{path.name}: {table} {number}" + (f" ({raw['id']})" if "id" in raw else "")
        try:
            entry = kind(**raw)
        except ValidationError as errors:
            raise ValueError(f"{where}: {'; '.join(map(_field_error, errors.errors()))}") from None
        identity = tuple(getattr(entry, name) for name in key)
        if identity in entries:
            raise ValueError(f"{where}: another entry has the same {', '.join(key)}: {identity}")
        entries[identity] = entry
    if not entries:
        raise ValueError(f"{path.name}: no [[{table}]] entry")
    return tuple(entries.values())


def _field_error(error: Any) -> str:
    missing = error["type"] == "missing"  # its input is the whole entry
    return f"field {error['loc'][0]!r}: {error['msg']}" + ("" if missing else f", got {error['input']!r}")
