"""Tables and figures of notebook 08: recorded timings beside the paper's, a live timing beside its prediction."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from fastres import paper
from fastres.experiments import TIMED
from fastres.measure.profile import KINDS, Breakdown
from fastres.records.timings import TimingRecord, described
from fastres.theory.memory import batch_that_fits, kept_bytes, needed_bytes
from fastres.theory.roofline import Floor, Work
from fastres.views import style
from fastres.views.tables import NOT_YET

REFERENCE = "basic"

# In the order of profile.KINDS: convolutions in purple, what lies between them in brown to yellow, the rest in grey;
# none is the colour of a structure, and neighbours differ in lightness.
KIND_COLOURS = (
    "#3F2A72", "#8C7BC0", "#6B3E07", "#B98A4B", "#8A5A1C", "#E3CB96", "#444444", "#777777", "#A0A0A0", "#C8C8C8",
)  # fmt: skip


def recorded_frame(records: Iterable[TimingRecord]) -> pd.DataFrame:
    """One row per structure and timing record, and one per result of the paper that has none: "not yet run".

    A row holds measurements of one device, precision and engine; reductions are against basic in the same rounds.
    """
    records = list(records)
    on_cifar10 = [result for result in paper.results() if result.dataset == "cifar10"]
    reported: dict[tuple[int, str], paper.Result] = {(r.depth, r.structure): r for r in on_cifar10}
    rows = []
    for depth in sorted({depth for depth, _ in reported} | {record.depth for record in records}):
        ours = [record for record in records if record.depth == depth]
        names = [name for at, name in reported if at == depth]
        names += sorted({name for record in ours for name in record.seconds} - set(names))
        for name in names:
            theirs = reported.get((depth, name))
            share = None if theirs is None or name == REFERENCE else paper.reduction("time", depth, name)
            row = {
                "D": depth,
                "structure": name,
                "paper s/epoch": "–" if theirs is None else f"{theirs.seconds_per_epoch:.2f}",
                "paper reduction %": "–" if share is None else f"{share:.1f}",
            }
            found = [{**row, **_measured(record, name)} for record in ours if name in record.seconds]
            rows += found or [{**row, **dict.fromkeys(("our s/epoch", "our reduction", "measured"), NOT_YET)}]
    return pd.DataFrame(rows)


def _measured(record: TimingRecord, name: str) -> dict[str, str]:
    against = name != REFERENCE and REFERENCE in record.seconds
    return {
        "our s/epoch": f"{record.seconds_per_epoch(name):.2f}",
        "our reduction": record.ratio(name, REFERENCE).reduction().percent() if against else "–",
        "measured": described(record, name),
    }


def missing_commands(records: Iterable[TimingRecord]) -> list[str]:
    """The command that times each depth of the paper for which there is no record."""
    there = {record.depth for record in records}
    return [
        f"python -m fastres time --depth {depth} --structures {','.join(structures)}"
        for depth, structures in TIMED.items()
        if depth not in there
    ]


def predictions_frame(
    predictions: Mapping[tuple[int, str], float], records: Sequence[TimingRecord] = ()
) -> pd.DataFrame:
    """Predicted savings by (depth, structure), in % of basic's time; beside them what the records measured."""
    rows = []
    for (depth, name), saving in predictions.items():
        row = {"D": depth, "structure": name, "predicted": f"{100 * saving:.1f} %"}
        for record in records:
            if record.depth == depth:
                row["measured"] = record.ratio(name, REFERENCE).reduction().percent()
                row["basic, ms per step"] = f"{1e3 * _step(record, REFERENCE):.1f}"
                row["this one, ms per step"] = f"{1e3 * _step(record, name):.1f}"
        rows.append(row)
    return pd.DataFrame(rows)


def work_frame(counts: Mapping[tuple[int, str], Work]) -> pd.DataFrame:
    """What one training step does, by (depth, structure): arithmetic, memory traffic, kernel launches."""
    return pd.DataFrame(
        {
            "D": depth,
            "structure": name,
            "arithmetic, Gflop": f"{work.flops / 1e9:.2f}",
            "memory traffic, MB": f"{work.bytes / 1e6:.1f}",
            "launches": work.launches,
        }
        for (depth, name), work in counts.items()
    )


def ways_frame(records: Iterable[TimingRecord], depth: int) -> pd.DataFrame:
    """One row per timing record of a depth: how its steps were computed, basic's seconds, what the others save."""
    rows = []
    for record in records:
        if record.depth == depth and REFERENCE in record.seconds:
            row = {"computed": described(record, REFERENCE)}
            row["basic, s/epoch"] = f"{record.seconds_per_epoch(REFERENCE):.1f}"
            for name in ("simplified-1", "simplified-2"):
                there = name in record.seconds
                row[f"{name} saves"] = record.ratio(name, REFERENCE).reduction().percent() if there else "–"
            rows.append(row)
    return pd.DataFrame(rows)


def memory_frame(depths: Sequence[int], names: Sequence[str], batch: int, memory_gb: float) -> pd.DataFrame:
    """By depth and structure: activation memory saved for backward, memory of a step, batch size that fits a card."""
    rows = []
    for depth in depths:
        for name in names:
            kept = [kept_bytes(name, depth, batch, precision) for precision in ("fp32", "bf16")]
            rows.append(
                {
                    "D": depth,
                    "structure": name,
                    "saved for backward, fp32, MiB": f"{kept[0] / 2**20:,.0f}",
                    "saved for backward, bf16, MiB": f"{kept[1] / 2**20:,.0f}",
                    "less than basic": f"{100 * (1 - kept[0] / kept_bytes(REFERENCE, depth, batch)):.1f} %",
                    "a step needs about, GiB": f"{needed_bytes(name, depth, batch) / 2**30:.2f}",
                    f"batch that fits {memory_gb} GB": f"{batch_that_fits(name, depth, int(memory_gb * 2**30)):,}",
                }
            )
    return pd.DataFrame(rows)


def _step(record: TimingRecord, name: str) -> float:
    """Median seconds of one training step."""
    return statistics.median(record.seconds[name]) / record.steps


def floors_frame(floors: Mapping[str, Floor], steps: Mapping[str, float]) -> pd.DataFrame:
    """The floor of each structure's step, its measured time, both in ms, and their ratio."""
    rows = [
        {
            "structure": name,
            "arithmetic, ms": f"{1e3 * floor.arithmetic_seconds:.2f}",
            "memory traffic, ms": f"{1e3 * floor.traffic_seconds:.2f}",
            "floor, ms": f"{1e3 * floor.seconds:.2f}",
            "step, ms": f"{1e3 * steps[name]:.2f}",
            "step / floor": f"{steps[name] / floor.seconds:.2f}",
        }
        for name, floor in floors.items()
    ]
    return pd.DataFrame(rows)


@style.styled
def breakdown_bars(breakdowns: Sequence[Breakdown], floors: Mapping[str, Floor]) -> Figure:
    """One bar per structure: milliseconds of a step by kind of operation; a line marks the floor."""
    figure = style.new_figure(height=1.3 + 0.5 * len(breakdowns))
    ax = figure.subplots()
    left = [0.0] * len(breakdowns)
    for kind, colour in zip(KINDS, KIND_COLOURS, strict=True):
        widths = [1e3 * one.seconds[kind] for one in breakdowns]
        if max(widths) > 0:
            look = {"color": colour, "height": 0.6, "edgecolor": "white", "linewidth": 0.6, "label": kind}
            ax.barh(range(len(breakdowns)), widths, left=left, **look)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for place, one in enumerate(breakdowns):
        at = 1e3 * floors[one.structure].seconds
        ax.plot([at, at], [place - 0.42, place + 0.42], color="#000000", label="" if place else "floor")
    ax.set_yticks(range(len(breakdowns)), [style.label(one.structure) for one in breakdowns])
    ax.invert_yaxis()
    ax.set_axisbelow(True)
    ax.grid(visible=False, axis="y")
    ax.set(xlabel="milliseconds per training step")
    figure.legend(loc="outside right center", fontsize=7)
    return figure
