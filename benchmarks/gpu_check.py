"""The first check on a GPU: its tests, the benchmark, epochs of each structure, timings; one archive of all records.

    python benchmarks/gpu_check.py                        # minutes; refuses a machine without CUDA
    python benchmarks/gpu_check.py --device cpu --quick   # a rehearsal on any machine

Each step is a command of this repository that can also be called alone. A step that fails does not stop the others.
docs/gpu.md says what to expect.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from fastres import paths
from fastres.errors import ConfigError
from fastres.files import make_folder

STRUCTURES = ("basic", "simplified-1", "simplified-2")


def steps(device: str, dataset: str, quick: bool) -> dict[str, list[str]]:
    """The commands, by name; they write below FASTRES_OUTPUTS."""
    fastres, on = [sys.executable, "-m", "fastres"], ["--device", device]
    depths = ("8",) if quick else ("20", "110")
    rounds = ["--rounds", "2" if quick else "15"]
    images = ["--dataset", "digits", "--no-flip"] if quick else ["--dataset", dataset]
    loop = [sys.executable, str(Path(__file__).with_name("training_loop.py")), "--steps", "2" if quick else "20"]
    commands = {
        "tests": [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(paths.ROOT / "tests" / "gpu")],
        "benchmark": [*loop, "--depth", depths[0], *rounds, *on],
    }
    for structure in STRUCTURES:  # three epochs: fewer steps than 1,000 are neither compiled nor captured
        run = ["--structure", structure, "--depth", depths[0], "--epochs", "1" if quick else "3", *images]
        commands[f"train {structure}"] = [*fastres, "train", *run, *on]
    for depth in depths:
        for way in ("--no-compiled", "--compiled"):
            commands[f"time D = {depth} {way}"] = [*fastres, "time", "--depth", depth, *rounds, way, *on]
    return commands


def carried_out(name: str, command: list[str], folder: Path) -> bool:
    """Run a step, its output to FOLDER/NAME.log; print one line, and whether it succeeded."""
    log = folder / f"{re.sub(r'[^a-zA-Z0-9]+', '-', name)}.log"
    start = time.monotonic()
    with log.open("w", encoding="utf-8") as file:
        environment = {**os.environ, "FASTRES_OUTPUTS": str(folder), "PYTHONUTF8": "1"}
        status = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, env=environment).returncode
    lines = log.read_text(encoding="utf-8").strip().splitlines() or [""]
    state = "good" if status == 0 else f"status {status}"
    print(f"{name:24s} {state:10s} {time.monotonic() - start:6.0f} s   {lines[-1]}", flush=True)
    return status == 0


def main(
    device: Annotated[str, typer.Option(help="cuda, cuda:1; cpu for a rehearsal")] = "cuda",
    dataset: Annotated[str, typer.Option(help="images of the epochs")] = "cifar10",
    quick: Annotated[bool, typer.Option("--quick", help="small sizes and embedded images")] = False,
) -> None:
    from fastres.device import choose_device

    try:
        choose_device(device)
        folder = paths.outputs() / "gpu-check"
        shutil.rmtree(folder, ignore_errors=True)
        make_folder(folder)
    except ConfigError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    good = [carried_out(name, command, folder) for name, command in steps(device, dataset, quick).items()]
    archive = shutil.make_archive(str(folder), "zip", folder)
    print(f"{sum(good)} of {len(good)} steps good. Logs and records, to attach to a report: {archive}")
    raise typer.Exit(0 if all(good) else 1)


if __name__ == "__main__":
    typer.run(main)
