"""The generated parts of the READMEs: pictures, results and speed, from the committed records alone."""

from collections.abc import Iterable
from pathlib import Path

from fastres import paths
from fastres.claims import chinese, ledger
from fastres.claims.compared import SAVED, Comparison, comparisons
from fastres.claims.decide import Entry
from fastres.claims.finding import FASTRES, number_in
from fastres.claims.finding import VERDICTS as MEANINGS
from fastres.files import atomic_write
from fastres.records.timings import load_timings
from fastres.stats import Interval
from fastres.views import speed
from fastres.views.by_depth import reductions
from fastres.views.diagrams import blocks_figure
from fastres.views.figures import rendered
from fastres.views.style import VERDICTS

STRUCTURES = ("basic", "simplified-1", "simplified-2")
PICTURES = paths.ROOT / "docs" / "pictures"
SHOWN = (  # the claims that the paper's title and abstract rest on
    "t1-error-equal",
    "t1-error-worse",
    "t1-time",
    "deep-time",
    "eq12-composed-kernel",
    "memory-saved",
)


def results(entries: Iterable[Entry] | None = None) -> str:
    """The count of all verdicts and a row for each of SHOWN."""
    found = ledger.entries() if entries is None else list(entries)
    of = {entry.claim.id: entry for entry in found}
    lines = [ledger.count_line(found), "", "<details><summary>What the verdicts mean</summary>", ""]
    lines += [f"- *{verdict}*: {meaning}" for verdict, meaning in MEANINGS.items()]
    lines += ["", "</details>", ""]
    lines += ["| claim | paper | here [95 %] | verdict | scope |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in _row(of[claim])) + " |" for claim in SHOWN]
    lines += [
        "",
        f"All claims with rules, records and other evidence: `{FASTRES} claims`, or notebook `10_claims`.",
    ]
    return "\n".join(lines)


def _row(entry: Entry) -> tuple[str, ...]:
    finding, compared = entry.finding, comparisons(entry)
    printed = "; ".join(_printed(each) for each in compared) or "no number"
    ours = "; ".join(f"{where}: {number}" for each in compared for where, number in _ours(each).items())
    ours = ours or number_in(next(iter(finding.so_far), finding.brief))
    claim = f"{entry.claim.paraphrase} ({entry.claim.place})"
    return claim, printed, ours, f"{VERDICTS[entry.verdict][1]} **{entry.verdict}**", finding.scope_with_way


def _printed(compared: Comparison) -> str:
    return f"{_number(compared, compared.printed)} {compared.unit.removeprefix('% ')} ({compared.source})"


def _ours(compared: Comparison) -> dict[str, str]:
    counted = "rounds" if compared.unit == SAVED else "seeds"
    return {
        f"{where}, {interval.n} {counted}": _number(compared, interval) for where, interval in compared.ours.items()
    }


def _number(compared: Comparison, interval: Interval) -> str:
    return interval.percent() if compared.unit.startswith("%") else f"{interval:+.2f}"


def update() -> None:
    """Write the pictures, and the generated blocks of both READMEs between their markers."""
    pictures = {
        "structures": blocks_figure(STRUCTURES),
        "time_saved": reductions(load_timings(paths.RECORDED_TIMINGS)),
    }
    for name, figure in pictures.items():
        with atomic_write(PICTURES / f"{name}.svg", "wb") as file:
            file.write(rendered(figure, "svg"))
    blocks = {"results": results(), "speed": speed.readme_block()}
    _write(paths.ROOT / "README.md", blocks)
    _write(paths.ROOT / "README.zh-CN.md", {"results": chinese.block(ledger.entries())})


def _write(path: Path, blocks: dict[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for name, block in blocks.items():
        before, rest = text.split(f"<!-- {name} -->\n")
        text = f"{before}<!-- {name} -->\n{block}\n<!-- /{name} -->{rest.split(f'<!-- /{name} -->')[1]}"
    with atomic_write(path) as file:
        file.write(text)
