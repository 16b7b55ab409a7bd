"""The ledger: every claim of the paper with its verdict, from equations, counts and whatever records there are."""

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING

from fastres import paper
from fastres.activations import ActivationRecord
from fastres.checks import CHECKS
from fastres.checks.finding import THEN, VERDICTS, Evidence, Finding, Numbers
from fastres.paper import Claim
from fastres.records import RunRecord
from fastres.timings import TimingRecord

if TYPE_CHECKING:
    import pandas as pd

SECTIONS = {  # of the paper, by the first place that a claim names
    "Abstract and introduction": r"Abstract|Introduction",
    "Section 1: residual networks": r"Sections? 1|Eqs?\. \([1-5]\)",
    "Section 2: the simplified structures": r"Sections? 2|Eqs?\. \(",
    "Sections 3.1 and 3.2: data and setup": r"Sections? 3\.[12]",
    "Section 3.3: three structures at depth 20": r"Table 1|Sections? 3\.3",
    "Section 3.4: deep networks": r"Tables? |Sections? 3\.4",
    "Conclusion": r"Conclusion",
}

SHOWN_RECORDS = 2  # so many are named in a row, of more the first


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


def counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """How many claims have each verdict, in the order of VERDICTS, zeros included."""
    found = [verdict.verdict for verdict in verdicts]
    return {verdict: found.count(verdict) for verdict in VERDICTS}


def section(claim: Claim) -> str:
    """The part of the paper in which a claim is first made."""
    return next(title for title, places in SECTIONS.items() if re.match(places, claim.place))


def to_frame(verdicts: Iterable[Verdict]) -> "pd.DataFrame":
    """One row per claim: section, id, claim, place, kind, verdict, what was found."""
    import pandas as pd

    rows = [
        {
            "section": section(verdict.claim),
            "id": verdict.claim.id,
            "claim": verdict.claim.paraphrase,
            "place": verdict.claim.place,
            "kind": verdict.claim.kind,
            "verdict": verdict.verdict,
            "what was found": found(verdict),
        }
        for verdict in verdicts
    ]
    return pd.DataFrame(rows, columns=["section", "id", "claim", "place", "kind", "verdict", "what was found"])


def found(verdict: Verdict) -> str:
    """The statement, and the commands that would run it where there are any."""
    commands = verdict.command.replace(THEN, f"`{THEN}`")
    return f"{verdict.statement} To run it: `{commands}`." if commands else verdict.statement


def records_of(verdict: Verdict) -> str:
    """ "Records: ID, ID." of the runs and timings behind a verdict, of many the first and how many more; else ""."""
    shown = verdict.records if len(verdict.records) <= SHOWN_RECORDS else verdict.records[:1]
    if not shown:
        return ""
    more = len(verdict.records) - len(shown)
    return f"Records: {', '.join(f'`{record}`' for record in shown)}{f' and {more} more' if more else ''}."


def to_markdown(verdicts: Iterable[Verdict]) -> str:
    """The ledger as one table per section of the paper, its counts first; verdicts name their records."""
    verdicts = list(verdicts)
    lines = [f"{len(verdicts)} claims: " + ", ".join(f"{n} {name}" for name, n in counts(verdicts).items()) + ".", ""]
    for title in SECTIONS:
        rows = [verdict for verdict in verdicts if section(verdict.claim) == title]
        if rows:
            lines += [f"### {title}", "", "| claim | place | verdict | what was found |", "| --- | --- | --- | --- |"]
            lines += [*map(_markdown_row, rows), ""]
    return "\n".join(lines)


def _markdown_row(verdict: Verdict) -> str:
    what = f"{found(verdict)} {records_of(verdict)}".rstrip()
    cells = (verdict.claim.paraphrase, verdict.claim.place, f"**{verdict.verdict}**", what)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def to_json(verdicts: Iterable[Verdict]) -> str:
    """A JSON list, one object per claim; a number that is not finite is null."""
    rows = []
    for verdict in verdicts:
        row = {**asdict(verdict.claim), **asdict(verdict), "section": section(verdict.claim)}
        del row["claim"]
        row["numbers"] = {name: _finite(value) for name, value in verdict.numbers.items()}
        rows.append(row)
    return json.dumps(rows, indent=1, ensure_ascii=False)


def _finite(value: float | int | str) -> float | int | str | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
