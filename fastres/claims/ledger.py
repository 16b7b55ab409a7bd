"""The ledger over all records that are here, as text for a terminal and for the README's result block."""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from fastres.claims.finding import THEN, VERDICTS
from fastres.paper import Claim

if TYPE_CHECKING:
    import pandas as pd
from pathlib import Path

from fastres import paths
from fastres.claims.finding import FASTRES
from fastres.claims.verdicts import Verdict, decide
from fastres.files import atomic_write
from fastres.records.activations import load_activations
from fastres.records.runs import load_runs
from fastres.records.timings import load_timings

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


__all__ = ["readme_block", "to_json", "to_text", "update_readme", "verdicts"]


START, END = "<!-- results -->", "<!-- /results -->"


SHOWN = (  # the claims that the paper's title and abstract rest on
    "t1-error-equal",
    "t1-error-worse",
    "t1-time",
    "saving-grows",
    "eq12-composed-kernel",
    "memory-saved",
)


def verdicts(*folders: str | Path) -> list[Verdict]:
    """Every claim decided from data/recorded/ and further output folders' runs (timings beside them)."""
    timing_folders = [paths.timings_beside(folder) for folder in folders]
    return decide(
        load_runs(paths.RECORDED, *folders),
        load_timings(paths.RECORDED_TIMINGS, *timing_folders),
        activations=load_activations(paths.RECORDED, *folders),
    )


def to_text(found_verdicts: list[Verdict]) -> str:
    """The ledger for a terminal: the sections of the paper, one paragraph per claim, the counts last."""
    lines = []
    for title in SECTIONS:
        lines += ["", title, "=" * len(title)]
        for verdict in found_verdicts:
            claim = verdict.claim
            if section(claim) == title:
                lines += ["", f"[{verdict.verdict}] {claim.paraphrase} ({claim.place}; {claim.id})"]
                lines += [f"    {found(verdict)} {records_of(verdict)}".rstrip()]
    return "\n".join([*lines, "", count_line(found_verdicts)])


def count_line(found_verdicts: list[Verdict]) -> str:
    parts = [f"{number} {verdict}" for verdict, number in counts(found_verdicts).items()]
    return f"{len(found_verdicts)} claims: " + ", ".join(parts) + "."


def readme_block() -> str:
    """The README's results, from the committed records alone."""
    decided = verdicts()
    rows = [verdict for claim_id in SHOWN for verdict in decided if verdict.claim.id == claim_id]
    lines = ["## What stands so far", "", count_line(decided), "", "| claim | verdict | what was found |"]
    lines += ["|---|---|---|"]
    lines += [f"| {row.claim.paraphrase} ({row.claim.place}) | {row.verdict} | {found(row)} |" for row in rows]
    lines += [
        "",
        f"All of them: `{FASTRES} claims`, or notebook `10_claims`. This block is made by `make readme`.",
    ]
    return "\n".join(lines)


def update_readme() -> None:
    path = paths.ROOT / "README.md"
    before, rest = path.read_text(encoding="utf-8").split(START)
    with atomic_write(path) as file:
        file.write(f"{before}{START}\n{readme_block()}\n{END}{rest.split(END)[1]}")
