"""Claims that no run decides, and claims that follow from others."""

from fastres.claims.finding import (
    CORRECTED,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
    UNDECIDABLE,
    Evidence,
    Finding,
    Numbers,
    commands_of,
    overall,
)

HOLDS = (REPRODUCED, CORRECTED)


def not_decidable(evidence: Evidence, reason: str) -> Finding:
    return Finding(UNDECIDABLE, reason)


def follows_from(evidence: Evidence, claims: list[str], decided_by: str) -> Finding:
    """The verdict of `decided_by`, lowered where another listed claim does not hold as printed."""
    findings = {claim: evidence.finding(claim) for claim in [decided_by, *claims]}
    main = findings.pop(decided_by)
    others = {finding.verdict for finding in findings.values()}
    if main.verdict not in HOLDS:
        verdict = main.verdict
    elif others & {CORRECTED, NOT_REPRODUCED}:
        verdict = CORRECTED
    else:
        verdict = overall([main.verdict, *others])
    steps = ", ".join(f"{claim} is {finding.verdict}" for claim, finding in findings.items())
    statement = f"Decided by {decided_by}, which is {main.verdict}; of the argument, {steps}."
    return _finding(verdict, statement, [main, *findings.values()], main.numbers)


def faster_and_accurate(
    evidence: Evidence, errors: list[str], times: list[str], limit: float, equal_allowed: list[str]
) -> Finding:
    """Whether in every listed comparison the error rises by no more than `limit` points and the time falls.

    equal_allowed: comparisons whose being merely equal makes it a correction, not a failure.
    """
    compared = {claim: evidence.finding(claim) for claim in errors}
    timed = {claim: evidence.finding(claim) for claim in times}
    highs = {claim: _ends(found, "high") for claim, found in compared.items()}
    below = {claim: bool(ends) and all(high <= limit for high in ends) for claim, ends in highs.items()}
    too_high = [claim for claim, found in compared.items() if any(low > limit for low in _ends(found, "low"))]
    slower = [claim for claim, found in timed.items() if found.verdict == NOT_REPRODUCED]
    missing = [claim for claim, found in (compared | timed).items() if found.verdict == NOT_RUN]
    equal = all(below[claim] or (claim in equal_allowed and compared[claim].verdict in HOLDS) for claim in errors)
    if too_high or slower:
        verdict, why = NOT_REPRODUCED, f"contradicted by {', '.join(too_high + slower)}"
    elif missing:
        verdict, why = NOT_RUN, f"not yet run: {', '.join(missing)}"
    elif not all(found.verdict in HOLDS for found in timed.values()) or not equal:
        verdict, why = UNDECIDABLE, "the intervals of some comparisons leave both answers open"
    else:
        corrected = not all(below.values())
        verdict, why = (CORRECTED, "with equal errors at the least depth") if corrected else (REPRODUCED, "all agree")
    statement = f"From {len(errors)} claims on errors and {len(times)} on times: {why}."
    ends = [high for found in highs.values() for high in found]
    numbers = {"comparisons of errors": len(ends), "largest upper end": max(ends)} if ends else {}
    return _finding(verdict, statement, [*compared.values(), *timed.values()], numbers)


def _ends(finding: Finding, end: str) -> list[float]:
    """The lower ("low") or upper ("high") ends of a finding's intervals."""
    return [float(value) for name, value in finding.numbers.items() if name.split()[0] == end]


def _finding(verdict: str, statement: str, findings: list[Finding], numbers: Numbers) -> Finding:
    records = tuple(dict.fromkeys(record for finding in findings for record in finding.records))
    return Finding(verdict, statement, numbers, records, commands_of(findings) if verdict == NOT_RUN else "")
