"""The ledger over all available records, as text, JSON and a data frame."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from fastres import paper, paths
from fastres.claims.decide import Entry, decide
from fastres.claims.finding import BUILT, VERDICTS
from fastres.errors import ConfigError, did_you_mean
from fastres.paper import Change, Claim
from fastres.records.activations import load_activations
from fastres.records.linearity import load_linearity
from fastres.records.runs import load_runs
from fastres.records.timings import load_timings

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
SHOWN_RECORDS = 2  # records named in a row at most


def entries(*folders: str | Path, claims: Sequence[Claim] | None = None) -> list[Entry]:
    """Every claim decided from data/recorded/ and further output folders' runs (timings beside them)."""
    timing_folders = [paths.timings_beside(folder) for folder in folders]
    return decide(
        load_runs(paths.RECORDED, *folders),
        load_timings(paths.RECORDED_TIMINGS, *timing_folders),
        load_activations(paths.RECORDED, *folders),
        load_linearity(paths.RECORDED, *folders),
        claims,
    )


@cache
def word_of(claim_id: str) -> str:
    """The verdict on one claim, one of VERDICTS, from the committed records.

    >>> word_of("eq9-fold")
    'wrong as stated'

    Raises KeyError for an id that is not in data/paper/claims.toml.
    """
    chosen = [claim for claim in paper.claims() if claim.id == claim_id]
    if not chosen:
        raise KeyError(f"no claim {claim_id!r} in data/paper/claims.toml")
    return entries(claims=chosen)[0].verdict


def section(claim: Claim) -> str:
    """The part of the paper in which a claim is first made."""
    return next(title for title, places in SECTIONS.items() if re.match(places, claim.place))


def claims_of(part: str | None = None, name: str | None = None) -> list[Claim]:
    """The claims in the parts of the paper whose title contains `part`, ignoring case; or the one with this id.

    Raises ConfigError for an unknown part or id.
    """
    known = {claim.id: claim for claim in paper.claims()}
    if name not in (None, *known):
        raise ConfigError(
            f"id is {name!r}{did_you_mean(str(name), known)}: notebook 10_claims lists the {len(known)} ids"
        )
    if not any((part or "").lower() in title.lower() for title in SECTIONS):
        raise ConfigError(f"section is {part!r}: use a part of one of {', '.join(SECTIONS)}")
    return [
        claim for claim in known.values() if name in (None, claim.id) and (part or "").lower() in section(claim).lower()
    ]


def select(ledger: Iterable[Entry], verdict: str | None = None) -> list[Entry]:
    """The entries with a verdict. Raises ConfigError for an unknown one."""
    words = {known.lower(): known for known in VERDICTS}
    if verdict is not None and verdict.lower() not in words:
        raise ConfigError(f"verdict is {verdict!r}: use one of {', '.join(VERDICTS)}")
    return [entry for entry in ledger if verdict is None or entry.verdict == words[verdict.lower()]]


def counts(ledger: Iterable[Entry]) -> dict[str, int]:
    """How many claims have each verdict, in the order of VERDICTS, zeros included."""
    found = [entry.verdict for entry in ledger]
    return {verdict: found.count(verdict) for verdict in VERDICTS}


def count_line(ledger: Iterable[Entry]) -> str:
    """ "74 claims: 9 reproduced, ...", and what was built as stated, counted apart."""
    number = counts(ledger)
    built = number.pop(BUILT)
    shown = ", ".join(f"{count} {verdict}" for verdict, count in number.items())
    return f"{sum(number.values())} claims: {shown}. Counted apart: {built} {BUILT}."


def amended_line(ledger: Iterable[Entry]) -> str:
    """How many rules were amended, how often, and which verdicts they gave then, in sentences."""
    ledger = list(ledger)
    rules = [[change for change in entry.claim.history if change.rule] for entry in ledger]
    before = Counter(change.verdict for changes in rules for change in changes)
    shown = ", ".join(f"{number} {verdict}" for verdict, number in before.most_common())
    return (
        f"Rules are amended openly: {sum(map(bool, rules))} of {len(ledger)} have been, {before.total()} times in all. "
        f"The verdicts then were: {shown}. Every earlier rule stands beside the present one, with its verdict and the "
        f"reason."
    )


def records_of(entry: Entry) -> str:
    """ "Records: ID, ID." of the runs and timings behind a verdict, the first of many and how many more; else ""."""
    ids = entry.finding.records
    shown = ids if len(ids) <= SHOWN_RECORDS else ids[:1]
    if not shown:
        return ""
    more = len(ids) - len(shown)
    return f"Records: {', '.join(f'`{record}`' for record in shown)}{f' and {more} more' if more else ''}."


def amendment(change: Change) -> str:
    """ "Amended 2026-11-25: ...", with the previous rule and wording."""
    if not change.rule:
        return f"Listed {change.date}. {change.reason}"
    reworded = f' The claim read: "{change.paraphrase}"' if change.paraphrase else ""
    return f'Amended {change.date}, then "{change.verdict}". {change.reason} The rule was: "{change.rule}"{reworded}'


def to_frame(ledger: Iterable[Entry]) -> "pd.DataFrame":
    """One row per claim: section, id, claim, place, kind, verdict, scope, rule, what was found."""
    import pandas as pd

    rows = [
        {
            "section": section(entry.claim),
            "id": entry.claim.id,
            "claim": entry.claim.paraphrase,
            "place": entry.claim.place,
            "kind": entry.claim.kind,
            "verdict": entry.verdict,
            "scope": entry.finding.scope_text,
            "rule": entry.claim.rule,
            "what was found": entry.finding.text,
        }
        for entry in ledger
    ]
    columns = ["section", "id", "claim", "place", "kind", "verdict", "scope", "rule", "what was found"]
    return pd.DataFrame(rows, columns=columns)


def to_text(ledger: Iterable[Entry]) -> str:
    """The ledger for a terminal: the sections of the paper, one paragraph per claim, the counts last."""
    ledger, lines = list(ledger), []
    for title in SECTIONS:
        rows = [entry for entry in ledger if section(entry.claim) == title]
        lines += ["", title, "=" * len(title)] * bool(rows)
        for entry in rows:
            claim, finding = entry.claim, entry.finding
            lines += ["", f"[{finding.verdict}] {claim.id}: {claim.paraphrase} ({claim.place})"]
            found = f"{finding.text} {records_of(entry)}".strip()
            labelled = {"Scope": finding.scope_text, "Rule": claim.rule, "Found": found}
            lines += [f"    {label}: {text}" for label, text in labelled.items()]
            lines += [f"    {amendment(change)}" for change in claim.history]
    return "\n".join([*lines, "", count_line(ledger)])


def to_json(ledger: Iterable[Entry]) -> str:
    """A JSON list, one object per claim with all fields of claim and finding; a number that is not finite is null."""
    rows = [{**vars(row.claim), "section": section(row.claim), **vars(row.finding)} for row in ledger]
    return TypeAdapter(Any).dump_json(rows, indent=1).decode()
