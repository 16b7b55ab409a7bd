"""The options of the commands, each defined once, and one option for every field of RunConfig."""

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from fastres import paths
from fastres.config import RunConfig
from fastres.datasets.catalogue import FOLDER
from fastres.errors import ConfigError
from fastres.experiments import PROFILES, planned_runs

Profile = Annotated[str, typer.Option(help="; ".join(f"{name}: {what}" for name, what in PROFILES.items()))]
Device = Annotated[str, typer.Option(help="device to compute on: auto, cpu, cuda, cuda:1, mps")]
RunsDir = Annotated[Path | None, typer.Option(help="folder of the run records; default outputs/runs")]
KnownRunsDir = Annotated[
    Path | None, typer.Option(help="folder of the run records; default outputs/runs", exists=True, file_okay=False)
]
DataRoot = Annotated[Path | None, typer.Option(help="folder of the datasets; default data/")]
OtherDataset = Annotated[str | None, typer.Option(help="dataset in place of CIFAR-10, such as folder:PATH")]
OtherPrecision = Annotated[str | None, typer.Option(help="arithmetic in place of fp32: tf32 or bf16")]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, help="notebooks executed at once; default: one per core that memory allows, one on a GPU"),
]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


def print_table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print a table without truncating cells: piped output must not depend on a terminal; names are not markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console()
    if not console.is_terminal:
        console.width = Console().measure(table, options=console.options.update(max_width=10_000)).maximum
    console.print(table)


def recommended(device: str) -> list[str]:
    """What the last probe of this machine found, as a line; none where there was no probe, or its file is damaged."""
    from fastres.device import choose_device
    from fastres.errors import RecordError
    from fastres.records.probes import load_probe
    from fastres.records.provenance import describe

    try:
        found = load_probe(describe(choose_device(device)))
    except RecordError:  # advice is no reason to refuse to train
        return []
    return [found.sentence()] if found else []


def checked_runs(profile: str, dataset: str | None, precision: str | None, device: str | None) -> list[RunConfig]:
    """The runs of a profile, refused here rather than in the middle of a reproduction.

    device: None where the runs are computed on other machines.
    """
    from fastres.device import check_precision, choose_device

    if dataset is not None and dataset.startswith(FOLDER):  # notebooks run in another folder than the caller's
        here = Path(dataset.removeprefix(FOLDER)).absolute()
        there = here if here.is_dir() else paths.datasets() / dataset.removeprefix(FOLDER)
        if device is not None and not there.is_dir():
            raise ConfigError(f"dataset is {dataset!r}: no folder {here}, nor {there}")
        dataset = FOLDER + str(here) if here.is_dir() else dataset
    runs = planned_runs(profile, dataset, precision)
    for needed in {run.precision for run in runs} if device is not None else ():
        check_precision(needed, choose_device(device))
    return runs


def _number(kind: type, words: str) -> Callable[[str], int | float]:
    """A parser whose error message names the given value."""

    def parse(given: str) -> int | float:
        try:
            return kind(given)
        except ValueError:
            raise typer.BadParameter(f"{given!r} is not {words}") from None

    parse.__name__ = kind.__name__  # what the help shows
    return parse


_PARSERS = {int: _number(int, "a whole number"), float: _number(float, "a number"), bool: None, str: None}


def with_config_options(command: Any) -> Any:
    """Give a command one option per field of RunConfig, so that the fields are listed in one place only."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    options = {
        "device": (Device, "auto"),
        "runs_dir": (RunsDir, None),
        "data_root": (DataRoot, None),
        "resume": (Annotated[bool, typer.Option(help="continue from a checkpoint, or return the record")], True),
    }
    for name, field in RunConfig.model_fields.items():
        kind = field.annotation if field.annotation in _PARSERS else str
        parser = _PARSERS.get(kind)
        options[name] = (Annotated[kind, typer.Option(help=field.description, parser=parser)], field.default)
    command.__signature__ = inspect.Signature(
        [inspect.Parameter(n, keyword, default=default, annotation=kind) for n, (kind, default) in options.items()]
    )
    return command
