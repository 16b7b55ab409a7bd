"""The ledger over all records that are here, as text for a terminal and for the README's result block."""

from pathlib import Path

from fastres import claims, paths
from fastres.activations import load_activations
from fastres.checks.finding import FASTRES
from fastres.claims import Verdict, counts, found, to_json
from fastres.records import atomic_write, load_runs
from fastres.timings import load_timings

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
    return claims.decide(
        load_runs(paths.RECORDED, *folders),
        load_timings(paths.RECORDED_TIMINGS, *timing_folders),
        activations=load_activations(paths.RECORDED, *folders),
    )


def to_text(found_verdicts: list[Verdict]) -> str:
    """The ledger for a terminal: the sections of the paper, one paragraph per claim, the counts last."""
    lines = []
    for title in claims.SECTIONS:
        lines += ["", title, "=" * len(title)]
        for verdict in found_verdicts:
            claim = verdict.claim
            if claims.section(claim) == title:
                lines += ["", f"[{verdict.verdict}] {claim.paraphrase} ({claim.place}; {claim.id})"]
                lines += [f"    {found(verdict)} {claims.records_of(verdict)}".rstrip()]
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
    before, rest = path.read_text().split(START)
    with atomic_write(path) as file:
        file.write(f"{before}{START}\n{readme_block()}\n{END}{rest.split(END)[1]}")
