"""Claims on the blocks of a trained network, from records of activations and of linearity."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fastres.claims.check import check
from fastres.claims.evidence import COMPARES, Evidence, scope_of, settings
from fastres.claims.finding import FASTRES, NOT_REPRODUCED, OPEN, REPRODUCED, SHORT, TRAIN_PAPER, Finding, unsettled
from fastres.records.activations import ActivationRecord
from fastres.records.linearity import LinearityRecord

MEASURE = f"{FASTRES} activations"

Records = Sequence[ActivationRecord] | Sequence[LinearityRecord]
Rule = Callable[[Sequence[Any]], tuple[str, str, Mapping[str, float]]]  # (verdict, what they show, numbers)


def decide_trained(
    evidence: Evidence, records: Records, structure: str, depth: int, dataset: str, label: str, rule: Rule
) -> Finding:
    """Full runs decide, those on the original images first; results of shorter ones are reported."""
    found: dict[str | None, list] = {}
    for record in records:
        if (record.config.structure, record.config.depth) == (structure, depth):
            found.setdefault(scope_of(record, dataset), []).append(record)
    for scope in COMPARES:
        if full := found.get(scope):
            verdict, text, numbers = rule(full)
            ids = tuple(record.run_id for record in full)
            return Finding(verdict, f"{label}: {text}.", (scope,), _where(full), numbers, records=ids)
    short = found.get(SHORT, [])
    so_far = [f"{label}: {rule(short)[1]} ({_where(short)})"] if short else []
    trained = any((depth, structure) in cells for cells in settings(evidence.runs, dataset).values())
    missing = f"{label[0].lower()}{label[1:]} of full runs of {structure} at D = {depth} on {dataset}"
    return unsettled(missing, [MEASURE if trained else TRAIN_PAPER], so_far)


def _where(records: Records) -> str:
    seeds, config = [str(record.config.seed) for record in records], records[0].config
    told = f"seed{'s' * (len(seeds) > 1)} {', '.join(seeds)} (n = {len(seeds)})"
    return f"{records[0].data.source}, {config.epochs} epochs, {config.precision}, {told}"


def all_or_none(tests: Sequence[bool]) -> str:
    """Reproduced if every seed passes, not reproduced if none does."""
    return REPRODUCED if all(tests) else OPEN if any(tests) else NOT_REPRODUCED


def percent(shares: Sequence[float]) -> str:
    """ "71 %", or "63 to 71 %" of several seeds."""
    low, high = 100 * min(shares), 100 * max(shares)
    return f"{low:.0f} %" if round(low) == round(high) else f"{low:.0f} to {high:.0f} %"


@check()
def positive_outputs(evidence: Evidence, structure: str, depth: int, dataset: str, threshold: float) -> Finding:
    """Whether most output values of the blocks are positive, and more of them than before training."""

    def rule(records: Sequence[ActivationRecord]) -> tuple[str, str, Mapping[str, float]]:
        shares, starts = ([r.output_share(at_start) for r in records] for at_start in (False, True))
        grown = all(share > start for share, start in zip(shares, starts, strict=True))
        verdict = all_or_none([share > threshold for share in shares])
        text = f"{percent(shares)}, before training {percent(starts)}; where they enter the first ReLU "
        text += percent([r.normalised_share() for r in records])
        numbers = {"least share": min(shares), "largest share": max(shares)}
        return (OPEN if verdict == REPRODUCED and not grown else verdict), text, numbers

    label = "Positive values at the outputs of the blocks"
    return decide_trained(evidence, evidence.activations, structure, depth, dataset, label, rule)


@check()
def path_lengths(evidence: Evidence, structure: str, depth: int, dataset: str, branches: list[int]) -> Finding:
    """Whether most of the gradient takes paths through branches[0] to branches[1] branches."""

    def rule(records: Sequence[ActivationRecord]) -> tuple[str, str, Mapping[str, float]]:
        shares = [record.path_share(*branches) for record in records]
        return all_or_none([share > 0.5 for share in shares]), percent(shares), {"least share": min(shares)}

    label = f"Gradient on paths of {2 * branches[0]} to {2 * branches[1]} layers"
    measured = [record for record in evidence.activations if record.path_gradients]
    return decide_trained(evidence, measured, structure, depth, dataset, label, rule)


@check()
def input_stability(evidence: Evidence, structure: str, depth: int, dataset: str) -> Finding:
    """Whether one update moves the input of the second activation more than that of the first, in most blocks."""

    def rule(records: Sequence[ActivationRecord]) -> tuple[str, str, Mapping[str, float]]:
        shares = [float(np.mean([b.first_drift < b.second_drift for b in r.blocks])) for r in records]
        return all_or_none([share > 0.5 for share in shares]), percent(shares), {"least share": min(shares)}

    label = "Blocks whose first input moves less than the second in one update"
    return decide_trained(evidence, evidence.activations, structure, depth, dataset, label, rule)


@check()
def linearity(
    evidence: Evidence,
    structure: str,
    depth: int,
    dataset: str,
    measure: str,
    label: str,
    least: float = 0.0,
    most: float = 1.0,
) -> Finding:
    """Whether in every seed a share (0 to 1), averaged over the blocks that have it, lies from `least` to `most`.

    measure: a field of BlockLinearity, such as "branch_r2" or "first.r2".
    """

    def of_blocks(record: LinearityRecord) -> list[float]:
        found: list[Any] = list(record.blocks)
        for name in measure.split("."):
            found = [getattr(part, name) for part in found if part is not None]
        return [value for value in found if value is not None]

    def rule(records: Sequence[LinearityRecord]) -> tuple[str, str, Mapping[str, float]]:
        rows = [of_blocks(record) for record in records]
        means = [float(np.mean(row)) for row in rows]
        extremes = [value for row in rows for value in (min(row), max(row))]
        text = f"{percent(means)} on the average of the blocks, {percent(extremes)} in single ones"
        numbers = {"least mean": min(means), "largest mean": max(means)}
        return all_or_none([least <= mean <= most for mean in means]), text, numbers

    return decide_trained(evidence, evidence.linearity, structure, depth, dataset, label, rule)
