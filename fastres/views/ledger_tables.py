"""The ledger in a notebook: a table for each section of the paper; rules, evidence and records open on request."""

from collections.abc import Iterable, Iterator, Sequence

from fastres.claims import ledger
from fastres.claims.decide import Entry
from fastres.views import html
from fastres.views.style import VERDICTS

HEADER = {"claim": 34, "verdict": 13, "scope": 13, "what was found": 40}  # with widths in %
LOOK = f"text-align:left;vertical-align:top;overflow-wrap:anywhere;{html.PADDING}"
SO_FAR = "Not decided; so far: "


def shown(entries: Iterable[Entry]) -> html.Shown:
    """Claim, verdict, scope and finding in short, and below the finding what it rests on; amendments at the end.

    A front end without HTML shows the counts; for a terminal there is `python -m fastres claims`.
    """
    entries = list(entries)
    parts = {title: [entry for entry in entries if ledger.section(entry.claim) == title] for title in ledger.SECTIONS}
    lines: list[str] = []
    for title, members in parts.items():
        lines += [f"<h3>{html.inline(title)}</h3>", *_table(members)] if members else []
    markup = "\n".join([*lines, *_amendments(entries)])
    return html.Shown(markup, ledger.count_line(entries))


def _table(entries: Sequence[Entry]) -> Iterator[str]:
    yield '<table class="claims" style="width:100%">'
    heads = (f'<th scope="col" style="width:{width}%;{LOOK}">{name}</th>' for name, width in HEADER.items())
    yield f"<thead><tr>{''.join(heads)}</tr></thead>\n<tbody>"
    for entry in entries:
        yield "<tr>" + "".join(f'<td style="{LOOK}">{cell}</td>' for cell in _cells(entry)) + "</tr>"
    yield "</tbody></table>"


def _cells(entry: Entry) -> tuple[str, ...]:
    claim, finding = entry.claim, entry.finding
    details = "".join(f"<p><b>{name}.</b> {text}</p>" for name, text in _details(entry))
    return (
        f"{html.inline(claim.paraphrase)}<br><small>{html.inline(claim.place)} · <code>{claim.id}</code></small>",
        f"{VERDICTS[entry.verdict][1]} <b>{entry.verdict}</b>",
        html.inline("; ".join(finding.scope) or "–"),
        f"{html.inline(in_short(entry))}\n<details><summary>rule and evidence</summary>{details}</details>",
    )


def in_short(entry: Entry) -> str:
    """The first sentences of the finding; where nothing is decided, the first of what other records show."""
    finding = entry.finding
    return finding.brief if finding.statement or not finding.so_far else f"{SO_FAR}{finding.so_far[0]}."


def _details(entry: Entry) -> Iterator[tuple[str, str]]:
    """What of the entry the other cells leave out, by name, as HTML."""
    finding, shown_already = entry.finding, in_short(entry)
    yield "Rule", html.inline(entry.claim.rule)
    parts = {
        "In full": () if finding.statement in shown_already else (finding.statement,),
        "Where": (finding.where,),
        "Missing": finding.missing,
        "Other evidence, which decides nothing": finding.so_far[shown_already.startswith(SO_FAR) :],
        "To run it": tuple(f"`{command}`" for command in finding.commands),
        "Records": tuple(f"`{record}`" for record in finding.records),
    }
    for name, texts in parts.items():
        if any(texts):
            yield name, ";<br>".join(map(html.inline, texts))


def _amendments(entries: Iterable[Entry]) -> list[str]:
    """In the order of the claims."""
    changes = [(entry.claim.id, change) for entry in entries for change in entry.claim.history]
    if not changes:
        return []
    items = [f"<li><code>{name}</code>: {html.inline(ledger.amendment(change))}</li>" for name, change in changes]
    told = f"{len(changes)} rules amended and claims added, with the old rule and its verdict"
    return [f"<details><summary>{told}</summary>", '<ul style="overflow-wrap:anywhere">', *items, "</ul>", "</details>"]
