"""Claims on what a trained block sees, from records of activations."""

from fastres.claims.evidence import has_full_recipe, is_copy, settings, stands_for
from fastres.claims.finding import (
    FASTRES,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
    TRAIN_PAPER,
    UNDECIDABLE,
    Evidence,
    Finding,
)
from fastres.experiments import is_smoke
from fastres.records.activations import ActivationRecord

MEASURE = f"{FASTRES} activations"


def trained(
    evidence: Evidence, structure: str, depth: int, dataset: str
) -> tuple[list[ActivationRecord], list[ActivationRecord]]:
    """(those of full runs, those of other real runs) of one network; the original before copies of it."""
    wanted = [
        record
        for record in evidence.activations
        if (record.config.structure, record.config.depth) == (structure, depth)
        and not is_smoke(record.config)
        and stands_for(record, dataset)
    ]
    full = [record for record in wanted if has_full_recipe(record)]
    originals = [record for record in full if not is_copy(record)]
    return originals or full, [record for record in wanted if not has_full_recipe(record)]


def positive_share(evidence: Evidence, structure: str, depth: int, dataset: str, at: str, threshold: float) -> Finding:
    """at: "block-outputs" or "first-activation" (the values that enter the first ReLU)."""
    full, others = trained(evidence, structure, depth, dataset)
    if not full:
        return _not_measured(evidence, structure, depth, dataset, _shares(others))
    shares = [r.output_share() if at == "block-outputs" else r.normalised_share() for r in full]
    starts = [r.output_share(at_start=True) for r in full]
    above = all(share > threshold for share in shares)
    if at == "block-outputs":
        grown = all(share > start for share, start in zip(shares, starts, strict=True))
        below = all(share < threshold for share in shares)
        verdict = REPRODUCED if above and grown else NOT_REPRODUCED if below else UNDECIDABLE
    else:
        verdict = REPRODUCED if above else NOT_REPRODUCED
    text = f"{_shares(full)} ({full[0].data.source}, {full[0].config.epochs} epochs, {full[0].config.precision})."
    return Finding(verdict, text, {"least share": min(shares), "largest share": max(shares)}, _ids(full))


def input_stability(evidence: Evidence, structure: str, depth: int, dataset: str) -> Finding:
    """Whether one update moves the input of the second activation more than that of the first, in most blocks."""
    full, others = trained(evidence, structure, depth, dataset)
    if not full:
        return _not_measured(evidence, structure, depth, dataset, _stable(others))
    shares = [_stable_share(record) for record in full]
    if all(share > 0.5 for share in shares):
        verdict = REPRODUCED
    else:
        verdict = NOT_REPRODUCED if all(share < 0.5 for share in shares) else UNDECIDABLE
    text = f"{_stable(full)} ({full[0].data.source}, {full[0].config.epochs} epochs)."
    return Finding(verdict, text, {"least share of blocks": min(shares)}, _ids(full))


def _not_measured(evidence: Evidence, structure: str, depth: int, dataset: str, so_far: str) -> Finding:
    """The command trains the run if it is not there, and else measures it."""
    text = f"The activations of a full run of {structure} at D = {depth} on {dataset} have not been measured."
    if so_far:
        text += f" Evidence so far, not a verdict: {so_far}."
    trained = any((depth, structure) in cells for cells in settings(evidence.runs, dataset).values())
    return Finding(NOT_RUN, text, command=MEASURE if trained else TRAIN_PAPER)


def _shares(records: list[ActivationRecord]) -> str:
    if not records:
        return ""
    after, before, normalised = (
        [100 * value for value in values]
        for values in (
            [record.output_share() for record in records],
            [record.output_share(at_start=True) for record in records],
            [record.normalised_share() for record in records],
        )
    )
    return (
        f"positive values, seeds {', '.join(str(r.config.seed) for r in records)} after {records[0].config.epochs} "
        f"epochs: at the outputs of the blocks {_range(after)} (before training {_range(before)}), "
        f"where they enter the first ReLU {_range(normalised)}"
    )


def _range(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.0f} %" if round(low) == round(high) else f"{low:.0f} to {high:.0f} %"


def _stable_share(record: ActivationRecord) -> float:
    return sum(block.first_drift < block.second_drift for block in record.blocks) / len(record.blocks)


def _stable(records: list[ActivationRecord]) -> str:
    shown = ", ".join(f"{100 * _stable_share(record):.0f} % (seed {record.config.seed})" for record in records)
    return f"blocks whose first input moves less than the second in one update: {shown}" if records else ""


def _ids(records: list[ActivationRecord]) -> tuple[str, ...]:
    return tuple(record.run_id for record in records)
