"""The commands of a whole reproduction: reproduce, plan, status, report."""

import datetime
import json as json_format
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from fastres import paths
from fastres.cli.options import (
    Device,
    Jobs,
    Json,
    KnownRunsDir,
    OtherDataset,
    OtherPrecision,
    Profile,
    RunsDir,
    checked_runs,
    print_table,
    recommended,
)
from fastres.errors import ConfigError

Executor = Annotated[Literal["local", "ray"], typer.Option(help="where training runs are executed")]
Address = Annotated[str | None, typer.Option(help="HOST:PORT of a Ray cluster; default: a Ray of this machine alone")]
Cpus = Annotated[int | None, typer.Option(min=1, help="with --executor ray: cores of a run without a GPU; default 1")]
Shard = Annotated[str | None, typer.Option(help="I/N: only part I of N of the training, and no report")]
Gpus = Annotated[int | None, typer.Option(min=1, help="estimate for this many GPUs, a run at a time on each")]
Like = Annotated[str | None, typer.Option(help="estimate from recorded times of the device whose name contains this")]


def reproduce(
    profile: Profile = "smoke",
    dataset: OtherDataset = None,
    precision: OtherPrecision = None,
    device: Device = "auto",
    runs_dir: RunsDir = None,
    jobs: Jobs = None,
    executor: Executor = "local",
    address: Address = None,
    cpus: Cpus = None,
    shard: Shard = None,
) -> None:
    """Train, execute all notebooks, write the report."""
    paths.check_home()
    _check_places(executor, address, cpus, shard)
    runs = checked_runs(profile, dataset, precision, device if executor == "local" else None)
    folder = runs_dir or paths.runs()
    if shard is not None:
        from fastres.reproduce.shards import parse, train_shard

        outcomes = train_shard(runs, device, folder, jobs, *parse(shard))
        _end(outcomes, "Next: the other parts; then the same command without --shard, for notebooks and report")
    from fastres.claims import ledger
    from fastres.reproduce.ray_executor import Cluster
    from fastres.reproduce.whole import reproduce as reproduce_runs

    cluster = Cluster(address, device, cpus or 1) if executor == "ray" else None
    outcomes, report_path = reproduce_runs(runs, device, folder, jobs, cluster)
    typer.echo(ledger.count_line(ledger.entries(folder)))
    _end(outcomes, f"Open: {report_path}\nNext: make lab, make plan PROFILE=paper")


def _check_places(executor: str, address: str | None, cpus: int | None, shard: str | None) -> None:
    """Raise ConfigError for options that exclude each other."""
    if executor == "local" and (address or cpus):
        raise ConfigError("--address and --cpus belong to --executor ray")
    if executor == "ray" and shard:
        raise ConfigError("--shard divides the training without Ray: leave out one of the two")
    if shard:
        from fastres.reproduce.shards import parse

        parse(shard)


def _end(outcomes: list[Any], last_lines: str) -> None:
    """Tell what failed and how to go on; exit with status 1 if something failed."""
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    typer.echo(f"{len(outcomes) - len(failed)} of {len(outcomes)} notebooks are good.")
    for outcome in failed:
        typer.echo(f"failed: {outcome.name}: {outcome.problem} (see {outcome.output})", err=True)
    typer.echo(last_lines)
    raise typer.Exit(1 if failed else 0)


def plan(
    profile: Profile = "smoke",
    dataset: OtherDataset = None,
    precision: OtherPrecision = None,
    device: Device = "auto",
    runs_dir: KnownRunsDir = None,
    jobs: Jobs = None,
    gpus: Gpus = None,
    like: Like = None,
    json: Json = False,
) -> None:
    """List the runs of a profile, with time and disk space."""
    if jobs and gpus:
        raise ConfigError("--jobs is of this machine, --gpus of others: give one of the two")
    runs = checked_runs(profile, dataset, precision, None if like else device)
    from fastres.records.timings import duration
    from fastres.reproduce.plan import makespan, plan_runs

    folder = runs_dir or paths.runs()
    workers, epoch_seconds, source = _speed(runs, device, folder, jobs, gpus, like)
    rows = plan_runs(runs, folder, epoch_seconds)
    seconds = list(rows.seconds)
    ends = {"one_at_a_time": sum(seconds), "longest_run": max(seconds), "all": makespan(seconds, workers)}
    if json:
        about = {"profile": profile, "at_once": workers, "speed": source, "seconds": ends, "MiB": rows.MiB.sum()}
        typer.echo(json_format.dumps({**about, "runs": rows.to_dict("records")}, indent=1))
        return
    told = [duration(row.seconds) if row.seconds else "–" for row in rows.itertuples()]
    cells = [(row.run, row.state, time, f"{row.MiB:.1f}") for row, time in zip(rows.itertuples(), told, strict=True)]
    print_table(("run", "state", "training (estimate)", "MiB"), cells)
    waiting = int((rows.state != "recorded").sum())
    typer.echo(f"{waiting} of {len(rows)} runs to do, {rows.MiB.sum():.0f} MiB. Speed: {source}.")
    typer.echo(
        f"Training takes about {duration(ends['all'])} with {workers} at once ({duration(ends['one_at_a_time'])} one "
        f"at a time; the longest run {duration(ends['longest_run'])})."
    )
    for line in [] if like else recommended(device):
        typer.echo(line)
    typer.echo(f"Next: {_command(profile, dataset, precision)}" if waiting else "Next: make report, make lab")


def _command(profile: str, dataset: str | None, precision: str | None) -> str:
    given = {"PROFILE": profile, "DATASET": dataset, "PRECISION": precision}
    return " ".join(["make reproduce", *(f"{name}={value}" for name, value in given.items() if value)])


def _speed(
    runs: list, device: str, folder: Path, jobs: int | None, gpus: int | None, like: str | None
) -> tuple[int, Any, str]:
    """Runs at once, a function that gives the seconds per epoch of a run, and in words where they come from."""
    from fastres.device import choose_device
    from fastres.reproduce import speed
    from fastres.reproduce.executors import jobs_that_fit, threads_of

    if like is not None:
        speeds = speed.of_device(speed.recorded_speeds(folder), like)
        return jobs or gpus or 1, lambda run: speed.epoch_seconds(run, speeds), f"recorded on {speeds[0].device}"
    where = choose_device(device)
    if gpus and where.type != "cuda":
        names = "; ".join(sorted({found.device for found in speed.recorded_speeds(folder)}))
        raise ConfigError(f"no GPU here to measure on: name a recorded device with --like, one of: {names}")
    workers = gpus or jobs or jobs_that_fit(runs, where)
    threads = threads_of(1 if gpus else workers)
    here = speed.Here(where, threads)
    return workers, here.epoch_seconds, f"measured here on {where.type}, {threads} threads for each run"


def status(
    profile: Annotated[str | None, typer.Option(help="also count the runs of a profile that have not begun")] = None,
    dataset: OtherDataset = None,
    precision: OtherPrecision = None,
    runs_dir: KnownRunsDir = None,
    json: Json = False,
) -> None:
    """Show what is being trained: where, how far, until when."""
    planned = checked_runs(profile, dataset, precision, None) if profile else []
    from fastres.reproduce.status import STATES, progress

    rows = progress(runs_dir or paths.runs(), planned)
    if json:
        typer.echo(json_format.dumps(rows, indent=1))
        return
    begun = [row for row in rows if row["state"] in ("running", "interrupted")]
    if begun:
        print_table(("run", "state", "epoch", "where", "until"), map(_told, begun))
    counts = [sum(row["state"] == state for row in rows) for state in STATES]
    told = [f"{count} {state}" for count, state in zip(counts, STATES, strict=True) if count or state != STATES[-1]]
    typer.echo(", ".join(told))
    again = _command(profile, dataset, precision) if profile else "the command that began the runs"
    typer.echo("Next: look again, or wait" if counts[0] else f"Next: {again}, which goes on where it was")


def _told(row: dict[str, Any]) -> tuple[str, ...]:
    """A row of `status`. The epoch is the last finished one; the end follows from the run's own epochs."""
    where = f"{row['host']}, process {row['process']}, since {row['since']} UTC" if row["host"] else "–"
    until = "–"
    if row["seconds_left"] is not None and row["state"] == "running":
        end = datetime.datetime.now() + datetime.timedelta(seconds=row["seconds_left"])
        until = end.strftime("%H:%M" if row["seconds_left"] < 12 * 3600 else "%a %d %b, %H:%M")
    return row["run"], row["state"], f"{row['epoch']} of {row['epochs']}", where, until


def report(runs_dir: KnownRunsDir = None) -> None:
    """Rebuild the report from the executed notebooks."""
    paths.check_home()
    from fastres.reproduce.report.build import write_report

    typer.echo(f"Open: {write_report(runs_dir=runs_dir)}")
