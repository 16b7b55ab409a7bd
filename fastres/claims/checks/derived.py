"""Claims that no run can test, and claims that follow from others."""

from fastres.claims.check import check
from fastres.claims.evidence import Evidence
from fastres.claims.finding import (
    CORRECTED,
    NOT_REPRODUCED,
    NOT_RUN,
    OPEN,
    OUTSIDE,
    REPRODUCED,
    SMALLER,
    UNSETTLED,
    WRONG,
    Finding,
    joined,
    overall,
)

HOLDS = (REPRODUCED, SMALLER, CORRECTED)


@check()
def outside(evidence: Evidence, reason: str) -> Finding:
    return Finding(OUTSIDE, reason, scope=())


@check()
def follows_from(evidence: Evidence, claims: list[str], decided_by: str) -> Finding:
    """The verdict of `decided_by`; holds once corrected where a step of the argument does not hold as printed."""
    main, steps = evidence.finding(decided_by), {claim: evidence.finding(claim) for claim in claims}
    others = {step.verdict for step in steps.values()}
    if main.verdict not in HOLDS:
        verdict = main.verdict
    elif others & {SMALLER, CORRECTED, WRONG, NOT_REPRODUCED}:
        verdict = CORRECTED
    else:
        verdict = overall([main.verdict, *others])
    shown = ", ".join(f"{claim}: {step.verdict}" for claim, step in steps.items())
    statement = f"Decided by {decided_by}: {main.verdict}. Of the argument: {shown}."
    return _finding(verdict, statement, [main, *steps.values()])


@check()
def faster_and_accurate(
    evidence: Evidence, errors: list[str], times: list[str], limit: float, equal_allowed: list[str]
) -> Finding:
    """Whether in every listed comparison the error rises by no more than `limit` points and the time falls.

    equal_allowed: comparisons which may be merely equal; the claim then holds once corrected.
    """
    compared = {claim: evidence.finding(claim) for claim in errors}
    timed = {claim: evidence.finding(claim) for claim in times}
    parts = compared | timed
    ends = {claim: list(part.intervals.values()) for claim, part in compared.items()}
    below = {claim: bool(found) and all(interval.high <= limit for interval in found) for claim, found in ends.items()}
    too_high = [claim for claim, found in ends.items() if any(interval.low > limit for interval in found)]
    slower = [claim for claim, part in timed.items() if part.verdict == NOT_REPRODUCED]
    missing = [claim for claim, part in parts.items() if part.verdict == NOT_RUN]
    equal = all(below[claim] or (claim in equal_allowed and compared[claim].verdict in HOLDS) for claim in errors)
    smaller = [claim for claim, part in timed.items() if part.verdict == SMALLER]
    if too_high or slower:
        verdict, why = NOT_REPRODUCED, f"contradicted by {', '.join(too_high + slower)}"
    elif missing:
        verdict, why = overall(part.verdict for part in parts.values()), f"not yet run: {', '.join(missing)}"
    elif not equal or any(part.verdict not in HOLDS for part in timed.values()):
        verdict, why = OPEN, "some comparisons leave both answers open"
    elif smaller:
        verdict, why = SMALLER, f"less time is saved than printed: {', '.join(smaller)}"
    elif not all(below.values()):
        verdict, why = CORRECTED, "with equal errors at the least depth"
    else:
        verdict, why = REPRODUCED, "all agree"
    statement = f"From {len(errors)} claims on errors and {len(times)} on times: {why}."
    return _finding(verdict, statement, list(parts.values()))


def _finding(verdict: str, statement: str, parts: list[Finding]) -> Finding:
    return Finding(
        verdict,
        statement,
        () if verdict == NOT_RUN else joined(parts, "scope"),
        intervals={name: interval for part in parts for name, interval in part.intervals.items()},
        records=joined(parts, "records"),
        missing=joined(parts, "missing") if verdict in UNSETTLED else (),
        commands=joined(parts, "commands") if verdict in UNSETTLED else (),
    )
