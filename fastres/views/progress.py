"""How far a run is, from its folder: a line, and the curves of its finished epochs."""

from pathlib import Path

from fastres.config import RunConfig
from fastres.training.status import status
from fastres.views import figures, html


def show(config: RunConfig, runs_dir: str | Path | None = None) -> html.Shown:
    """ "RUN_ID: still running: epoch 5 of 12", and below it the curves so far, if an epoch is finished."""
    found = status(config, runs_dir)
    line = html.line(f"{config.run_id}: {found}.")
    if not found.epochs:
        return line
    last = found.epochs[-1]
    alt = f"Training loss and errors of {config.run_id} up to epoch {last.epoch}; test error {last.test_error:.2f} %."
    drawn = figures.rendered(figures.epoch_curves(config, found.epochs), "svg")
    picture = html.figure(drawn, "svg+xml", 720, "progress", alt)
    return html.Shown(f"{line.markup}\n{picture.markup}", f"{line.text} {picture.text}")
