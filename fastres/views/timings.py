"""Tables and figures of notebook 08: recorded timings beside the paper's, a live timing beside its prediction."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from fastres import paper
from fastres.claims.finding import WAY
from fastres.experiments import THREE
from fastres.measure.profile import BN, COMPILED, CONV_BACKWARD, CONV_FORWARD, KINDS, RELU, Breakdown
from fastres.records.timings import TimingRecord, described, way
from fastres.theory.counts import BYTES, costs
from fastres.theory.memory import batch_that_fits, kept_bytes, needed_bytes
from fastres.theory.roofline import Floor, Rates, Work, predicted_seconds
from fastres.views import style
from fastres.views.tables import NOT_YET

REFERENCE = "basic"

# In the order of profile.KINDS: convolutions in purple, what lies between them in brown to yellow, the rest in grey;
# none is the colour of a structure, and neighbours differ in lightness.
KIND_COLOURS = (
    "#3F2A72", "#8C7BC0", "#6B3E07", "#B98A4B", "#8A5A1C", "#E3CB96", "#444444", "#777777", "#A0A0A0", "#C8C8C8",
)  # fmt: skip


def recorded_frame(records: Iterable[TimingRecord], how: str = WAY) -> pd.DataFrame:
    """The paper's structures at each depth: the paper's row, below it one row per timing computed in this way.

    Reductions are against basic in the same rounds; "not yet run" where a depth of the paper has no timing.
    """
    records = [record for record in records if way(record) == how and REFERENCE in record.seconds]
    theirs = [result for result in paper.results() if result.dataset == "cifar10"]
    rows = []
    for depth in sorted({result.depth for result in theirs} | {record.depth for record in records}):
        reported: dict[str, paper.Result] = {result.structure: result for result in theirs if result.depth == depth}
        if reported:
            of = {name: f"{result.seconds_per_epoch:.2f}" for name, result in reported.items()}
            less = {name: f"{paper.reduction('time', depth, name):.1f} %" for name in reported}
            rows.append(_row(depth, "paper", of, less, "GTX 1070, MatConvNet"))
        ours = [record for record in records if record.depth == depth]
        for record in ours:
            of = {name: f"{record.seconds_per_epoch(name):.2f}" for name in record.seconds}
            less = {name: record.ratio(name, REFERENCE).reduction().percent() for name in record.seconds}
            rows.append(_row(depth, "ours", of, less, described(record, REFERENCE)))
        if not ours:
            rows.append(_row(depth, "ours", {}, {}, NOT_YET))
    return pd.DataFrame(rows)


def _row(depth: int, by: str, of: Mapping[str, str], less: Mapping[str, str], where: str) -> dict[str, object]:
    row: dict[str, object] = {"D": depth, "by": by, "basic, s/epoch": of.get(REFERENCE, "–")}
    for name in THREE[1:]:
        row |= {f"{name}, s/epoch": of.get(name, "–"), f"{name}, less time": less.get(name, "–")}
    return row | {"measured": where}


def predictions_frame(
    predictions: Mapping[tuple[int, str], float], records: Sequence[TimingRecord] = ()
) -> pd.DataFrame:
    """Predicted reductions by (depth, structure), in % of basic's time; beside them what the records measured."""
    rows = []
    for (depth, name), saving in predictions.items():
        row = {"D": depth, "structure": name, "predicted": f"{100 * saving:.1f} %"}
        for record in records:
            if record.depth == depth:
                row["measured"] = record.ratio(name, REFERENCE).reduction().percent()
                row["basic, ms per step"] = f"{1e3 * record.seconds_of_step(REFERENCE):.1f}"
                row["this one, ms per step"] = f"{1e3 * record.seconds_of_step(name):.1f}"
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
            "kernel launches": work.launches,
        }
        for (depth, name), work in counts.items()
    )


def memory_frame(depths: Sequence[int], names: Sequence[str], batch: int, memory_gb: float) -> pd.DataFrame:
    """By depth and structure: bytes stored for the backward pass, memory of a step, batch size that fits a card."""
    rows = []
    for depth in depths:
        for name in names:
            kept = [kept_bytes(name, depth, batch, precision) for precision in ("fp32", "bf16")]
            rows.append(
                {
                    "D": depth,
                    "structure": name,
                    "activation memory, fp32, MiB": f"{kept[0] / 2**20:,.0f}",
                    "activation memory, bf16, MiB": f"{kept[1] / 2**20:,.0f}",
                    "less than basic": f"{100 * (1 - kept[0] / kept_bytes(REFERENCE, depth, batch)):.1f} %",
                    "a step needs about, GiB": f"{needed_bytes(name, depth, batch) / 2**30:.2f}",
                    f"batch that fits {memory_gb} GiB": f"{batch_that_fits(name, depth, int(memory_gb * 2**30)):,}",
                }
            )
    return pd.DataFrame(rows)


def card_shares(structure: str, depth: int, batch: int, memory_gb: float) -> tuple[float, float]:
    """The estimate of a step's memory as a share of a card's, without and with the margin of fastres.theory.memory.

    Without: parameters, gradients, momentum, and what is stored for the backward pass.
    """
    bare = 3 * BYTES * costs(structure, depth).parameters + kept_bytes(structure, depth, batch)
    without, within = (each / 2**30 / memory_gb for each in (bare, needed_bytes(structure, depth, batch)))
    return without, within


def behind(whole: Breakdown, less: Breakdown, counts: tuple[Work, Work], machine: Rates) -> str:
    """How far convolutions, and the BN and ReLU that `less` leaves out, are behind their reference times, in sentences.

    counts: of the two, by the engine that was profiled. The reference of a convolution is its arithmetic at the rate of
    a matrix product; of BN and ReLU the difference of the counts in traffic and launches, at the rates of the machine.
    """
    convolution = whole.seconds[CONV_FORWARD] + whole.seconds[CONV_BACKWARD]
    between = {one.structure: sum(one.seconds[kind] for kind in (BN, RELU, COMPILED)) for one in (whole, less)}
    total = sum(whole.seconds.values())
    name = "what lies between the convolutions" if whole.seconds[COMPILED] else "BN and ReLU"
    times = convolution / (counts[0].flops / machine.flops_per_second)
    apart = predicted_seconds(counts[0], machine) - predicted_seconds(counts[1], machine)
    others = (between[whole.structure] - between[less.structure]) / apart
    share = 100 * (between[whole.structure] - between[less.structure]) / total
    predicted = 100 * apart / predicted_seconds(counts[0], machine)
    return (
        f"Of {whole.structure}'s step, convolutions take {100 * convolution / total:.0f} % and {name} "
        f"{100 * between[whole.structure] / total:.0f} %.\nConvolutions take {times:.1f} times their reference.\n"
        f"Of {name}, the part that {less.structure} leaves out takes {others:.1f} times its reference: "
        f"{share:.1f} % of the step; predicted: {predicted:.1f} %."
    )


def floors_frame(floors: Mapping[str, Floor], steps: Mapping[str, float]) -> pd.DataFrame:
    """The reference time of each structure's step, its measured time, both in ms, and their ratio."""
    rows = [
        {
            "structure": name,
            "arithmetic, ms": f"{1e3 * floor.arithmetic_seconds:.2f}",
            "memory traffic, ms": f"{1e3 * floor.traffic_seconds:.2f}",
            "reference, ms": f"{1e3 * floor.seconds:.2f}",
            "step, ms": f"{1e3 * steps[name]:.2f}",
            "step / reference": f"{steps[name] / floor.seconds:.2f}",
        }
        for name, floor in floors.items()
    ]
    return pd.DataFrame(rows)


@style.styled
def breakdown_bars(breakdowns: Sequence[Breakdown], floors: Mapping[str, Floor]) -> Figure:
    """One bar per structure: milliseconds of a step by kind of operation; a line marks the reference time."""
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
        ax.plot([at, at], [place - 0.42, place + 0.42], color="#000000", label="" if place else "reference time")
    ax.set_yticks(range(len(breakdowns)), [style.label(one.structure) for one in breakdowns])
    ax.invert_yaxis()
    ax.set_axisbelow(True)
    ax.grid(visible=False, axis="y")
    ax.set(xlabel="milliseconds per training step")
    figure.legend(loc="outside right center", fontsize=7)
    return figure
