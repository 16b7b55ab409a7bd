"""The verdict on every claim of the paper, from equations, counts and the records at hand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import fastres.claims.checks  # noqa: F401  (registers them)
from fastres import paper
from fastres.claims.check import CHECKS
from fastres.claims.evidence import Evidence
from fastres.claims.finding import Finding
from fastres.paper import Claim
from fastres.records.activations import ActivationRecord
from fastres.records.linearity import LinearityRecord
from fastres.records.runs import RunRecord
from fastres.records.timings import TimingRecord


class UnknownCheckError(ValueError):
    """A claim names a check that does not exist."""


class ClaimsError(RuntimeError):
    """Checks raised: an error of the program, not a verdict. `entries` holds those of all other claims."""

    def __init__(self, failures: dict[str, Exception], entries: list["Entry"]):
        super().__init__("; ".join(f"claim {claim}: {type(e).__name__}: {e}" for claim, e in failures.items()))
        self.failures = failures
        self.entries = entries


@dataclass(frozen=True)
class Entry:
    """An entry of the ledger: a claim and what was found."""

    claim: Claim
    finding: Finding

    @property
    def verdict(self) -> str:
        return self.finding.verdict


def decide(
    runs: Iterable[RunRecord] = (),
    timings: Iterable[TimingRecord] = (),
    activations: Iterable[ActivationRecord] = (),
    linearity: Iterable[LinearityRecord] = (),
    claims: Sequence[Claim] | None = None,
) -> list[Entry]:
    """An entry for every claim, in their order (default: all of the paper).

    Raises UnknownCheckError for a check that is not registered. If a check itself fails, the others are still
    carried out, and then ClaimsError names the claims whose checks failed and holds the entries of the rest.
    """
    claims = paper.claims() if claims is None else list(claims)
    known = {claim.id: claim for claim in [*paper.claims(), *claims]}
    for claim in claims:
        if claim.check not in CHECKS:
            names = ", ".join(sorted(CHECKS))
            raise UnknownCheckError(f"claim {claim.id}: unknown check {claim.check!r}; there are {names}")

    @cache  # claims that rest on others request these again
    def finding(claim_id: str) -> Finding:
        claim = known[claim_id]
        return CHECKS[claim.check](evidence, **claim.args)

    evidence = Evidence(tuple(runs), tuple(timings), tuple(activations), tuple(linearity), finding)
    entries, failures = [], {}
    for claim in claims:
        try:
            entries.append(Entry(claim, finding(claim.id)))
        except Exception as error:  # one failure must not hide the other verdicts
            failures[claim.id] = error
    if failures:
        raise ClaimsError(failures, entries) from next(iter(failures.values()))
    return entries
