"""The generated parts of the READMEs: pictures, results and speed, from the committed records alone."""

from collections.abc import Iterable
from pathlib import Path

from fastres import paths
from fastres.claims import ledger
from fastres.claims.decide import Entry
from fastres.claims.finding import FASTRES
from fastres.claims.finding import VERDICTS as MEANINGS
from fastres.files import write
from fastres.records.provenance import was_shared
from fastres.records.timings import TimingRecord, described, load_timings
from fastres.views import chinese, headlines, speed
from fastres.views.by_depth import reductions
from fastres.views.diagrams import blocks_figure
from fastres.views.figures import rendered

STRUCTURES = ("basic", "simplified-1", "simplified-2")
PICTURES = paths.ROOT / "docs" / "pictures"


def results(entries: Iterable[Entry] | None = None) -> str:
    """The count of all verdicts and a row for each headline claim."""
    found = ledger.entries() if entries is None else list(entries)
    lines = [ledger.count_line(found), "", "<details><summary>What the verdicts mean</summary>", ""]
    lines += [f"- *{verdict}*: {meaning}" for verdict, meaning in MEANINGS.items()]
    lines += ["", "</details>", ""]
    lines += ["| claim | paper | here [95 %] | verdict | scope |", "|---|---|---|---|---|"]
    shown = map(_row, headlines.rows(found))
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in shown]
    lines += [
        "",
        all_ways(load_timings(paths.RECORDED_TIMINGS)),
        "",
        ledger.amended_line(found),
        "",
        f"All claims with rules, records and other evidence: `{FASTRES} claims`, or notebook `10_claims`.",
    ]
    return "\n".join(lines)


def all_ways(timings: Iterable[TimingRecord], depth: int = 20) -> str:
    """The least and the largest saving of time that was recorded at a depth, in whatever precision and engine."""
    pair = ("simplified-1", "basic")
    alone = [record for record in timings if record.depth == depth and not was_shared(record.environment)]
    saved = [(record.ratio(*pair).reduction(), record) for record in alone if record.seconds.keys() >= set(pair)]
    ends = [find(saved, key=lambda row: row[0].value) for find in (min, max)]
    least, most = (f"{found.percent()} ({described(record, pair[0])})" for found, record in ends)
    return (
        f"The verdicts on time rest on fp32 in eager steps, as the paper computes. Of all {len(saved)} timings at "
        f"D = {depth}, in other precisions and compiled too, the least saving is {least}, the largest {most}."
    )


def _row(row: headlines.Row) -> tuple[str, ...]:
    finding, verdict = row.entry.finding, row.entry.verdict
    claim = f"{row.entry.claim.paraphrase} ({row.entry.claim.place})"
    ours = row.ours + f" ({row.setting})" * bool(row.setting)
    return claim, row.printed, ours, f"{row.symbol} **{verdict}**", finding.scope_with_way


def update() -> None:
    """Write the pictures, and the generated blocks of both READMEs between their markers."""
    pictures = {
        "structures": blocks_figure(STRUCTURES),
        "time_saved": reductions(load_timings(paths.RECORDED_TIMINGS)),
    }
    for name, figure in pictures.items():
        write(PICTURES / f"{name}.svg", rendered(figure, "svg"))
    blocks = {"results": results(), "speed": speed.readme_block()}
    update_blocks(paths.ROOT / "README.md", blocks)
    update_blocks(paths.ROOT / "README.zh-CN.md", {"results": chinese.block(ledger.entries())})


def update_blocks(path: Path, blocks: dict[str, str]) -> None:
    """Replace what stands between <!-- NAME --> and <!-- /NAME --> in a page."""
    text = path.read_text(encoding="utf-8")
    for name, block in blocks.items():
        before, rest = text.split(f"<!-- {name} -->\n")
        text = f"{before}<!-- {name} -->\n{block}\n<!-- /{name} -->{rest.split(f'<!-- /{name} -->')[1]}"
    write(path, text)
