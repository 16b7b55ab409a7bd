"""What signs and drifts of the blocks' values say of the paper's premises (Sections 2.1 and 2.2), in words."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from fastres import paper
from fastres.datasets.catalogue import shown
from fastres.records.activations import ActivationRecord
from fastres.views import html, pending

CLAIM = "block-inputs-positive"  # its threshold is what "most" means


def signs(records: Iterable[ActivationRecord]) -> html.Shown:
    """A paragraph for each network and recipe: how many outputs are positive, and which input drifts less, by seed."""
    groups = defaultdict(list)
    for record in records:
        recipe = f"{shown(record.config.dataset)}, {record.config.epochs} epochs, {record.config.precision}"
        groups[record.config.structure, record.config.depth, recipe].append(record)
    if not groups:
        return pending.line("Not measured yet.", "python -m fastres activations")
    lines = [
        html.line(f"{structure}, D = {depth} ({recipe}): {_positive(members)} {_stable(members)}")
        for (structure, depth, recipe), members in sorted(groups.items())
    ]
    return html.Shown("\n".join(line.markup for line in lines), "\n".join(line.text for line in lines))


def _positive(records: Sequence[ActivationRecord]) -> str:
    (least,) = (claim.args["threshold"] for claim in paper.claims() if claim.id == CLAIM)
    after, before = ([record.output_share(start) for record in records] for start in (False, True))
    grown = sum(late > early for late, early in zip(after, before, strict=True))
    met, n = sum(share > least for share in after), len(records)
    return (
        f"of the blocks' outputs {_percent(after)} are positive after training and {_percent(before)} before it; the "
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


def _percent(shares: Sequence[float]) -> str:
    return f"{100 * min(shares):.0f} to {100 * max(shares):.0f} %"
