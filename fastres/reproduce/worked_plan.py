"""The worked plan of docs/cluster.md: the profile `extended` on several GPUs, by simulation from recorded seconds."""

from fastres import paths
from fastres.experiments import planned_runs
from fastres.records.timings import duration
from fastres.reproduce.plan import makespan
from fastres.reproduce.speed import epoch_seconds, of_device, recorded_speeds
from fastres.views.readme import update_blocks

PAGE = paths.ROOT / "docs" / "cluster.md"
DEVICE = "GTX 1070"


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
    return "\n".join([*lines, "", longest])


def update() -> None:
    update_blocks(PAGE, {"extended": table()})
