"""The worked plan of docs/cluster.md: the profile `extended` on several GPUs, by simulation from recorded seconds."""

import re
from pathlib import Path

from fastres import paths
from fastres.experiments import planned_runs
from fastres.files import atomic_write
from fastres.records.timings import duration
from fastres.reproduce.plan import makespan
from fastres.reproduce.speed import epoch_seconds, of_device, recorded_speeds

PAGE = paths.ROOT / "docs" / "cluster.md"
DEVICE = "GTX 1070"
START, END = "<!-- extended -->", "<!-- /extended -->"


def table() -> str:
    """Markdown: GPUs, time until all runs are done, and how much of the GPUs' time is used."""
    runs = planned_runs("extended")
    speeds = of_device(recorded_speeds(), DEVICE)
    seconds = [epoch_seconds(run, speeds) * run.epochs for run in runs]
    lines = [f"| GPUs | {len(runs)} runs take | the GPUs are in use |", "|---|---|---|"]
    for gpus in (1, 8, 64):
        took = makespan(seconds, gpus)
        lines.append(f"| {gpus} | {duration(took)} | {100 * sum(seconds) / took / gpus:.0f} % of the time |")
    longest = f"The longest run takes {duration(max(seconds))}; no number of GPUs makes the whole shorter."
    return "\n".join([START, *lines, "", longest, END])


def update(page: Path = PAGE) -> None:
    text = page.read_text(encoding="utf-8")
    with atomic_write(page) as file:
        file.write(re.sub(f"{START}.*?{END}", lambda _: table(), text, flags=re.S))
