"""What was measured in the blocks of trained networks, as a table and a figure."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastres import paper
from fastres.claims.checks.trained import percent
from fastres.datasets.catalogue import shown
from fastres.records.activations import ActivationRecord
from fastres.records.linearity import ActivationLinearity, LinearityRecord
from fastres.views import html, pending, style

PLACES = ("first", "second")
POSITIVE = "block-inputs-positive"  # a claim, whose threshold is what "most" means
NORMAL = 100 * math.pi / (2 * math.pi - 2)  # % of ReLU's variance that an affine map of a standard normal explains


def linearity_frame(records: Iterable[LinearityRecord]) -> pd.DataFrame:
    """One row per run and activation: each number as its least and largest over the blocks, and their count n."""
    rows = []
    for record, place, fits in _fits(records):
        rows.append(
            {
                "structure": record.config.structure,
                "activation": place,
                "n": len(fits),
                "variance explained by an affine map, %": _range([100 * fit.r2 for fit in fits]),
                "BN(X) positive, %": _range([100 * fit.positive for fit in fits]),
                "channels always on or off, %": _range([100 * (fit.always_on + fit.always_off) for fit in fits]),
                "β / |γ|, median": _range([fit.beta_over_gamma for fit in fits], 2),
                "fold's error inside, %": _range([100 * fit.folded_inside for fit in fits]),
                "on the border, %": _range([100 * fit.folded_border for fit in fits]),
                "run": f"{shown(record.config.dataset)}, {record.config.epochs} epochs, seed {record.config.seed}",
            }
        )
    return pd.DataFrame(rows)


def branch_frame(records: Iterable[LinearityRecord]) -> pd.DataFrame:
    """One row per run of a structure without second activation: how affine its whole branch is, over the blocks."""
    rows = []
    for record in records:
        values = [100 * block.branch_r2 for block in record.blocks if block.branch_r2 is not None]
        if values:
            row = {"structure": record.config.structure, "n": len(values)}
            rows.append(row | {"variance of the branch that an affine branch explains, %": _range(values)})
    return pd.DataFrame(rows)


def signs_frame(records: Iterable[ActivationRecord]) -> pd.DataFrame:
    """One row per network and recipe: signs of the blocks' values and stability of their inputs, over the seeds (n)."""
    rows = []
    for (structure, depth, recipe), members in _by_network(records).items():
        normalised = [100 * member.normalised_share() for member in members]
        stable = [[block.first_drift < block.second_drift for block in member.blocks] for member in members]
        rows.append(
            {
                "structure": structure,
                "D": depth,
                "n": len(members),
                "outputs positive, %": _range([100 * member.output_share() for member in members]),
                "before training, %": _range([100 * member.output_share(at_start=True) for member in members]),
                "entering the first ReLU, %": "–" if np.isnan(normalised).all() else _range(normalised),
                "blocks whose first input moves less, %": _range([100 * float(np.mean(each)) for each in stable]),
                "runs": recipe,
            }
        )
    return pd.DataFrame(rows)


def signs(records: Iterable[ActivationRecord]) -> html.Shown:
    """What `signs_frame` says of the paper's premises, in words: a paragraph for each network and recipe, by seed."""
    groups = _by_network(records)
    if not groups:
        return pending.line("Not measured yet.", "python -m fastres activations")
    lines = [
        html.line(f"{structure}, D = {depth} ({recipe}): {_positive(members)} {_stable(members)}")
        for (structure, depth, recipe), members in groups.items()
    ]
    return html.Shown("\n".join(line.markup for line in lines), "\n".join(line.text for line in lines))


def _by_network(records: Iterable[ActivationRecord]) -> dict[tuple[str, int, str], list[ActivationRecord]]:
    """By structure, depth and recipe."""
    groups = defaultdict(list)
    for record in records:
        recipe = f"{shown(record.config.dataset)}, {record.config.epochs} epochs, {record.config.precision}"
        groups[record.config.structure, record.config.depth, recipe].append(record)
    return dict(sorted(groups.items()))


def _positive(records: Sequence[ActivationRecord]) -> str:
    (least,) = (claim.args["threshold"] for claim in paper.claims() if claim.id == POSITIVE)
    after, before = ([record.output_share(start) for record in records] for start in (False, True))
    grown = sum(late > early for late, early in zip(after, before, strict=True))
    met, n = sum(share > least for share in after), len(records)
    return (
        f"of the blocks' outputs {percent(after)} are positive after training and {percent(before)} before it; the "
        f"share grew in {grown} of {n} runs. The premise that most are positive is met in {met} of {n}."
    )


def _stable(records: Sequence[ActivationRecord]) -> str:
    """Blocks whose first input moves less in one update than the second."""
    ordered = sorted(records, key=lambda record: record.config.seed)
    less = [sum(block.first_drift < block.second_drift for block in record.blocks) for record in ordered]
    most = sum(2 * number > len(record.blocks) for number, record in zip(less, ordered, strict=True))
    by_seed = ", ".join(
        f"{number} of {len(record.blocks)} (seed {record.config.seed})"
        for number, record in zip(less, ordered, strict=True)
    )
    return (
        f"One update moves a block's first input less than its second in {by_seed} blocks: "
        f"in more than half of them in {most} of {len(ordered)} runs."
    )


@style.styled
def linearity_by_block(records: Iterable[LinearityRecord]) -> Figure:
    """The share of each activation's variance that an affine map of its input explains, block by block."""
    figure = style.new_figure(height=3.0)
    axes = figure.subplots(1, 2, sharey=True)
    for ax, place in zip(axes, PLACES, strict=True):
        ax.set(xlabel="block, from the image", title=f"{place} activation")
    for record, place, fits in _fits(records):
        name = record.config.structure
        blocks = [i for i, block in enumerate(record.blocks, 1) if getattr(block, place) is not None]
        values = [100 * fit.r2 for fit in fits]
        axes[PLACES.index(place)].plot(blocks, values, **style.look(name).line(), label=style.label(name))
    for ax in axes:
        ax.axhline(NORMAL, color=style.OTHER_COLOUR, linewidth=0.9, linestyle=":", label="ReLU of a standard normal")
        ax.axhline(100, color=style.PAPER_COLOUR, linewidth=0.9, label="exactly affine, as Eq (9) needs")
        ax.legend(fontsize=7, loc="lower left")
    axes[0].set(ylabel="variance explained by an affine map / %", ylim=(0, 104))
    return figure


def _fits(records: Iterable[LinearityRecord]) -> Iterator[tuple[LinearityRecord, str, list[ActivationLinearity]]]:
    for record in records:
        for place in PLACES:
            fits = [fit for block in record.blocks if (fit := getattr(block, place)) is not None]
            if fits:
                yield record, place, fits


def _range(values: Sequence[float], digits: int = 0) -> str:
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"
