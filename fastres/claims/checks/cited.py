"""What the paper cites and does not test, decided by experiments whose recipe is not the paper's (fastres.experiments).

Such a claim is not bound to the paper's recipe, so runs of any schedule decide it, in their scope, unless its rule asks
for a least number of epochs.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from fastres.claims.check import check
from fastres.claims.checks.study import MEASURES, name_of, study
from fastres.claims.evidence import Evidence
from fastres.claims.finding import NOT_REPRODUCED, OPEN, REPRODUCED, Finding, effect, overall
from fastres.records.runs import RunRecord
from fastres.stats import paired_difference


@check()
def worse_than(
    evidence: Evidence, dataset: str, experiment: str, pairs: list[list[str]], measures: list[list[str]]
) -> Finding:
    """pairs: [worse, better] structures. measures: of each pair, what must be higher for the worse, unless all runs of
    it have diverged; others are reported.
    """
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    found = study(evidence, dataset, experiment, [{"structure": name} for name in names])
    if isinstance(found, Finding):
        return found
    intervals, verdicts, shown = {}, [], []
    for (worse, better), deciding in zip(pairs, measures, strict=True):
        at = names.index(worse), names.index(better)
        if found.all_diverged(at[0]) and not any(run.diverged for run in found.variants[at[1]].values()):
            verdicts.append(REPRODUCED)
            shown.append(f"every run of {worse} diverged, none of {better}")
            continue
        for measure in ("training error", "test error"):
            apart = found.difference(*at, MEASURES[measure])
            told = ""
            if measure in deciding:
                intervals[f"{measure}, {worse} − {better}"] = apart
                verdicts.append(effect(apart))
            else:
                told = " (reported, not judged)"
            shown.append(f"{worse} − {better}: {measure} {apart:+.2f} points{told}")
    return found.finding(overall(verdicts), f"{'; '.join(shown)}.", intervals)


@check()
def converges_faster(
    evidence: Evidence, dataset: str, experiment: str, first: str, others: list[str], share: float, least_epochs: int
) -> Finding:
    """At the first learning rate: whether `first` needs at most this share of the epochs of each of the others.

    least_epochs: of fewer, the share is too coarse to decide.
    """
    names = [first, *others]
    found = study(evidence, dataset, experiment, [{"structure": name} for name in names])
    if isinstance(found, Finding):
        return found
    if any(run.diverged for runs in found.variants for run in runs.values()):
        return found.finding(OPEN, "A run diverged.", {})
    epochs = found.config.milestones[0]
    intervals, verdicts, shown = {}, [], []
    curves = [np.array([[e.train_error for e in run.epochs] for run in runs.values()]) for runs in found.variants]
    for i, name in enumerate(others, 1):
        apart = found.difference(i, 0, lambda run: run.epochs[epochs - 1].train_error)
        reached = curves[0][:, :epochs] <= curves[i][:, [epochs - 1]]  # of each seed, in each epoch
        needed = int(reached.argmax(axis=1).max()) + 1 if reached.any(axis=1).all() else math.inf
        much = needed <= share * epochs and epochs >= least_epochs
        verdict = effect(apart)
        verdicts.append(OPEN if verdict == REPRODUCED and not much else verdict)
        intervals[f"training error, {name} − {first}"] = apart
        when = f"in epoch {needed} at the latest" if math.isfinite(needed) else "not with every seed"
        shown.append(f"{name} − {first} {apart:+.2f} points, whose level {first} reached {when}")
    text = f"Training error after {epochs} epochs at the first rate: {'; '.join(shown)}."
    verdict, lacking = overall(verdicts), f"runs with {least_epochs} epochs or more at the first rate"
    return found.finding(verdict, text, intervals, lacking * (epochs < least_epochs and verdict == OPEN))


@check()
def less_sensitive(
    evidence: Evidence, dataset: str, experiment: str, first: str, second: str, recipes: list[dict]
) -> Finding:
    """Whether `first` trains to a lower error at every recipe, and its error rises less over them."""
    variants = [{"structure": name, **recipe} for name in (first, second) for recipe in recipes]
    found = study(evidence, dataset, experiment, variants)
    if isinstance(found, Finding):
        return found
    intervals, verdicts, shown, half = {}, [], [], len(recipes)
    ended = [any(run.diverged for run in runs.values()) for runs in found.variants]
    known = [i for i in range(half) if not ended[i] and not ended[half + i]]
    for i, recipe in enumerate(recipes):
        name = ", ".join(f"{key} {value}" for key, value in recipe.items()) or "the paper's rate and scale"
        if i not in known:
            both = ended[i] and ended[half + i]
            verdicts.append(OPEN if both else NOT_REPRODUCED if ended[i] else REPRODUCED)
            shown.append(f"{name}: {f'{first} and {second}' if both else first if ended[i] else second} diverged")
            continue
        apart = found.difference(half + i, i, MEASURES["training error"])
        intervals[f"training error, {second} − {first}, {name}"] = apart
        verdicts.append(effect(apart))
        shown.append(f"{name}: {second} − {first} {apart:+.2f} points")
    rises = []
    # Where a network diverged, the recipes that are left are the easy ones: no rise over them is judged.
    for name, statistic in () if any(ended) else (("largest", np.max), ("mean", np.mean)):
        with_, without = (_rise(found.variants[start : start + half], statistic) for start in (0, half))
        apart = paired_difference(without, with_)
        intervals[f"{name} rise of the training error above its lowest, {second} − {first}"] = apart
        rises.append(effect(apart))
        shown.append(f"{name} rise above its lowest: {second} − {first} {apart:+.2f} points")
    if rises:
        verdicts.append(rises[0] if len(set(rises)) == 1 else OPEN)
    return found.finding(overall(verdicts), f"Training error: {'; '.join(shown)}.", intervals)


def _rise(rows: Sequence[Mapping[int, RunRecord]], statistic: Callable[[list[float]], float]) -> dict[int, float]:
    """By seed, the largest or mean training error of the variants less the smallest."""
    errors = {seed: [MEASURES["training error"](row[seed]) for row in rows] for seed in rows[0]}
    return {seed: float(statistic(values)) - min(values) for seed, values in errors.items()}


@check()
def no_worse_than(
    evidence: Evidence, dataset: str, experiment: str, structure: str, change: dict, limit: float, least_epochs: int
) -> Finding:
    """Whether a change of the recipe leaves the test error as it is. limit: points that it may rise at most.

    least_epochs: shorter schedules are reported.
    """
    variants = [{"structure": structure, **change}, {"structure": structure}]
    found = study(evidence, dataset, experiment, variants, least_epochs)
    if isinstance(found, Finding):
        return found
    if any(run.diverged for runs in found.variants for run in runs.values()):
        return found.finding(OPEN, "A run diverged.", {})
    apart = found.difference(0, 1, MEASURES["test error"])
    verdict = REPRODUCED if apart.high <= limit else NOT_REPRODUCED if apart.low > limit else OPEN
    text = f"Test error with minus without: {apart:+.2f} points."
    if found.config.epochs < least_epochs:
        return found.finding(OPEN, text, {"test error": apart}, f"runs of {least_epochs} epochs")
    return found.finding(verdict, text, {"test error": apart})


@check()
def less_overfitting(
    evidence: Evidence,
    dataset: str,
    experiment: str,
    more: dict,
    less: dict,
    fitted: float,
    least_epochs: int,
    least_depth: int = 0,
) -> Finding:
    """Whether test minus training error, and test error, are larger for `more`, where it fits its training images.

    more, less: structures with changes to the recipe. fitted: training error in %, below which it does. least_epochs:
    settings of fewer come last. least_depth: shallower networks are reported.
    """
    found = study(evidence, dataset, experiment, [more, less], least_epochs)
    if isinstance(found, Finding):
        return found
    if any(run.diverged for runs in found.variants for run in runs.values()):
        return found.finding(OPEN, "A run diverged.", {})
    gap, test = (found.difference(0, 1, MEASURES[name]) for name in ("gap", "test error"))
    training = float(np.mean([run.last.train_error for run in found.variants[0].values()]))
    lacking = f"training errors below {fitted:.0f} %" * (training >= fitted)
    if found.config.depth < least_depth:
        lacking = " and ".join([f"networks of depth {least_depth}", *([lacking] if lacking else [])])
    verdict = OPEN if lacking else overall([effect(gap), effect(test)])
    text = f"{name_of(more)} − {name_of(less)}: test minus training error {gap:+.2f} points, test error {test:+.2f} "
    text += f"points; training error of {name_of(more)} {training:.1f} %."
    return found.finding(verdict, text, {"gap": gap, "test error": test}, lacking)
