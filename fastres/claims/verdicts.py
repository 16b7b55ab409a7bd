"""The ledger: every claim of the paper with its verdict, from equations, counts and whatever records there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from fastres import paper
from fastres.claims.checks import CHECKS
from fastres.claims.finding import Evidence, Finding, Numbers
from fastres.paper import Claim
from fastres.records.activations import ActivationRecord
from fastres.records.runs import RunRecord
from fastres.records.timings import TimingRecord


class UnknownCheckError(ValueError):
    """A claim names a check that does not exist."""


class ClaimsError(RuntimeError):
    """Checks failed, which is a fault of the program and no verdict. `verdicts` holds those of all other claims."""

    def __init__(self, failures: dict[str, Exception], verdicts: list["Verdict"]):
        super().__init__("; ".join(f"claim {claim}: {type(e).__name__}: {e}" for claim, e in failures.items()))
        self.failures = failures
        self.verdicts = verdicts


@dataclass(frozen=True)
class Verdict:
    """A claim and what was found.

    statement: a sentence or two with numbers, n, interval, device and data. numbers: the same for machines.
    records: ids of the runs and timings behind it. command: what would run it, where it is not yet run; several
    are joined by "; then ".
    """

    claim: Claim
    verdict: str
    statement: str
    numbers: Numbers
    records: tuple[str, ...]
    command: str


def decide(
    runs: Iterable[RunRecord],
    timings: Iterable[TimingRecord] = (),
    claims: Sequence[Claim] | None = None,
    activations: Iterable[ActivationRecord] = (),
) -> list[Verdict]:
    """A verdict for every claim, in their order (default: all of the paper).

    Raises UnknownCheckError for a check that is not registered. If a check itself fails, the others are still
    carried out, and then ClaimsError names the claims whose checks failed and holds the verdicts of the rest.
    """
    claims = paper.claims() if claims is None else list(claims)
    known = {claim.id: claim for claim in [*paper.claims(), *claims]}
    for claim in claims:
        if claim.check not in CHECKS:
            names = ", ".join(sorted(CHECKS))
            raise UnknownCheckError(f"claim {claim.id}: unknown check {claim.check!r}; there are {names}")

    @cache  # claims that rest on others ask for them again
    def finding(claim_id: str) -> Finding:
        claim = known[claim_id]
        return CHECKS[claim.check](evidence, **claim.args)

    evidence = Evidence(tuple(runs), tuple(timings), tuple(activations), finding)
    verdicts, failures = [], {}
    for claim in claims:
        try:
            verdicts.append(Verdict(claim, **vars(finding(claim.id))))
        except Exception as error:  # one fault must not hide the verdicts of the others
            failures[claim.id] = error
    if failures:
        raise ClaimsError(failures, verdicts) from next(iter(failures.values()))
    return verdicts
