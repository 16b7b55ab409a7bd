"""The command line: python -m fastres COMMAND. Bad input is one line and exit status 2, a diverged run 3."""

import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from fastres import __version__, paths
from fastres.cli import reproduction
from fastres.cli.options import DataRoot, Device, Json, KnownRunsDir, recommended, with_config_options
from fastres.config import RunConfig
from fastres.errors import ConfigError, RecordError

# Plain help and errors: one line, for logs and scripts.
app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, help=__doc__
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"fastres {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version and exit")
    ] = False,
) -> None:
    pass


for command in (reproduction.reproduce, reproduction.plan, reproduction.status, reproduction.report):
    app.command()(command)


@app.command()
@with_config_options
def train(device: str, runs_dir: Path | None, data_root: Path | None, resume: bool, **fields: Any) -> None:
    """Train one network and write its record.

    A run that diverges has a record too, and the exit status is 3.
    """
    from fastres.training.run import train as train_run

    config = RunConfig(**fields)
    for line in recommended(device):
        typer.echo(line)
    record = train_run(config, device=device, runs_dir=runs_dir, resume=resume, data_root=data_root)
    if record.diverged:
        typer.echo(f"{record.run_id}: diverged: {record.diverged}")
        raise typer.Exit(3)
    last, best = record.last, record.best
    typer.echo(
        f"{record.run_id}: test error {last.test_error:.2f} % after epoch {last.epoch} "
        f"(best, chosen on the test set: {best.test_error:.2f} % after epoch {best.epoch}), "
        f"{record.seconds_per_epoch:.1f} s per epoch on {record.environment['device_name']}"
    )
    typer.echo(f"Next: python -m fastres evaluate {record.run_id}")


@app.command()
def time(
    depth: Annotated[int, typer.Option(help="depth of all structures: 6n + 2")] = 20,
    structures: Annotated[
        str, typer.Option(help="structures to time, separated by commas")
    ] = "basic,simplified-1,simplified-2",
    precision: Annotated[str, typer.Option(help="arithmetic: fp32, tf32 or bf16")] = "fp32",
    rounds: Annotated[int, typer.Option(min=1, help="rounds; each one times every structure once")] = 11,
    device: Device = "auto",
    compiled: Annotated[
        bool, typer.Option(help="compile blocks, as long runs do, in place of eager execution")
    ] = False,
    folder: Annotated[Path | None, typer.Option(help="folder of the timing records; default outputs/timings")] = None,
) -> None:
    """Time training steps of structures in turns."""
    from fastres.files import make_folder
    from fastres.measure.steps import measure_steps
    from fastres.records.timings import save_timing

    folder = folder or paths.timings()
    make_folder(folder)
    record = measure_steps(structures.split(","), depth, precision, device, rounds, compiled=compiled)
    path = save_timing(record, folder)
    first = next(iter(record.seconds))
    for name in record.seconds:
        ratio = record.ratio(name, first)
        typer.echo(f"{name}: {record.seconds_per_epoch(name):.1f} s per epoch, of {first}'s time {ratio}")
    typer.echo(f"Record: {path}")
    typer.echo("Next: python -m fastres claims --section 3.4, or notebook 08_timing_and_memory")


@app.command()
def probe(
    depth: Annotated[int, typer.Option(help="depth of the network: 6n + 2")] = 20, device: Device = "auto"
) -> None:
    """Find the fastest precision and engine of this machine."""
    from fastres.files import make_folder
    from fastres.measure.probe import probe as measure
    from fastres.records.probes import PLAIN
    from fastres.records.timings import save_timing

    make_folder(paths.probes())
    record = measure(device, depth)
    save_timing(record, paths.probes())
    for way in record.seconds:
        faster = f"{record.speedup(way, PLAIN):.2f} times as fast as {PLAIN}"
        typer.echo(f"{way}: {1000 * record.seconds_of_step(way):.1f} ms per step, {faster}")
    typer.echo(record.sentence())


@app.command()
def activations(
    runs_dir: KnownRunsDir = None,
    data_root: DataRoot = None,
    smoke: Annotated[bool, typer.Option(help="also measure the runs on embedded or synthetic images")] = False,
) -> None:
    """Measure the activations of every trained network."""
    from fastres.datasets.sources import load_dataset
    from fastres.experiments import is_smoke
    from fastres.measure.activations import measure_activations
    from fastres.measure.linearity import measure_linearity
    from fastres.records.runs import load_runs
    from fastres.training.weights import WEIGHTS

    folder = runs_dir or paths.runs()
    runs = [
        run
        for run in load_runs(folder)
        if (smoke or not is_smoke(run.config)) and (folder / run.run_id / WEIGHTS).exists()
    ]
    datasets = {name: load_dataset(name, data_root) for name in sorted({run.config.dataset for run in runs})}
    for run in runs:
        measured = measure_activations(folder / run.run_id, datasets[run.config.dataset])
        linearity = measure_linearity(folder / run.run_id, datasets[run.config.dataset])
        first = [block.first.r2 for block in linearity.blocks if block.first is not None]
        affine = f"; affine part of the first activation: {min(first):.2f} to {max(first):.2f}" if first else ""
        share = f"{100 * measured.output_share():.1f} % of the blocks' outputs are positive"
        typer.echo(f"{run.run_id}: {share}{affine}")
    typer.echo(f"{len(runs)} trained networks with weights in {folder}")
    typer.echo("Next: notebook 11_trained_networks")


@app.command()
def evaluate(
    run: Annotated[str, typer.Argument(help="folder of a run, its id, or the beginning of one")],
    dataset: Annotated[str | None, typer.Option(help="images to classify; default: those of the run")] = None,
    data_root: DataRoot = None,
    device: Device = "auto",
) -> None:
    """Classify the test images with the weights of a finished run."""
    from fastres.datasets.sources import load_dataset
    from fastres.device import choose_device
    from fastres.training.weights import error_of, load_trained

    network = load_trained(run)
    images = load_dataset(dataset or network.record.config.dataset, data_root, choose_device(device))
    error = error_of(network, images)
    same = images.checksum() == network.record.data.sha256
    which = "the run's own images" if same else "other images than the run's"
    typer.echo(
        f"{network.record.run_id}: test error {error:.2f} % on {len(images.test_labels):,} images ({which}); "
        f"its record says {network.record.last.test_error:.2f} %"
    )


@app.command()
def claims(
    runs_dir: KnownRunsDir = None,
    json: Json = False,
    verdict: Annotated[str | None, typer.Option(help="print only the claims with this verdict")] = None,
    section: Annotated[str | None, typer.Option(help="print only a part of the paper, by words of its title")] = None,
    name: Annotated[str | None, typer.Option("--id", help="print only the claim with this id, as eq9-fold")] = None,
) -> None:
    """Print the claims of the paper with verdict, scope and rule."""
    from fastres.claims import ledger

    chosen = ledger.claims_of(section, name)
    ledger.select([], verdict)  # refused before the claims are decided, which takes seconds
    entries = ledger.select(ledger.entries(runs_dir or paths.runs(), claims=chosen), verdict)
    typer.echo(ledger.to_json(entries) if json else ledger.to_text(entries))
    if not json:
        typer.echo("Next: notebook 10_claims, or make reproduce for what is not yet run")


class Interrupted(BaseException):
    """SIGINT or SIGTERM. Not a KeyboardInterrupt: typer would turn that into exit status 1."""


def _interrupt(number: int, frame: object) -> None:
    raise Interrupted(number)


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # for terminals whose encoding lacks "−"
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        app()
    except (ConfigError, RecordError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and type(error).__name__ != "OutOfMemoryError":  # torch's, of a device
            raise
        typer.echo(f"error: out of memory. {error}".strip().splitlines()[0], err=True)
        sys.exit(2)
    except Interrupted as interrupt:
        typer.echo("Interrupted. With the same command, trainings go on after their last finished epoch.", err=True)
        sys.exit(128 + interrupt.args[0])
