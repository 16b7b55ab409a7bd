"""The ledger in a notebook: short rows, and everything else of an entry below them."""

import re

from bs4 import BeautifulSoup
from made_up import pairs

from fastres import paper
from fastres.claims import ledger
from fastres.claims.decide import Entry, decide
from fastres.claims.finding import DEVICE, OPEN, REPRODUCED, Finding
from fastres.views import ledger_tables


def claim(claim_id):
    return next(claim for claim in paper.claims() if claim.id == claim_id)


def soup(*entries: Entry) -> BeautifulSoup:
    return BeautifulSoup(ledger_tables.shown(entries).markup, "html.parser")


def test_a_row_is_short_and_the_rest_is_folded():
    long = "It was found in " + "very " * 80 + "many blocks & <maps>."
    finding = Finding(REPRODUCED, f"It holds. {long}", (DEVICE,), "Some CPU", records=("a" * 120,))
    page = soup(Entry(claim("eq4-relu"), finding))
    cells = page.select("tbody td")
    (folded,) = page.select("td details")
    words = folded.extract().get_text(" ")
    assert [cell.get_text().strip() for cell in cells[1:]] == ["✓ reproduced", DEVICE, "It holds."]
    for part in (claim("eq4-relu").rule, "blocks & <maps>", "Some CPU", "a" * 120):
        assert part in words
    assert "overflow-wrap:anywhere" in cells[3]["style"]


def test_what_decides_nothing_is_said_to():
    finding = Finding(OPEN, so_far=("+0.10 points", "another"), missing=("full runs",), commands=("make it",))
    page = soup(Entry(claim("t1-error-equal"), finding))
    (folded,) = page.select("td details")
    words = folded.extract().get_text(" ")
    assert page.select("tbody td")[3].get_text().strip() == "Not decided; so far: +0.10 points."
    assert "full runs" in words and "another" in words and "+0.10" not in words and "make it" in words


def test_every_claim_has_a_row_in_its_section_and_every_amendment_is_told():
    entries = decide(pairs([7.7, 7.9], [7.6, 7.6]))
    document = ledger_tables.shown(entries)
    page = BeautifulSoup(document.markup, "html.parser")
    titles = [title for title in ledger.SECTIONS if any(ledger.section(e.claim) == title for e in entries)]
    assert [heading.get_text() for heading in page.find_all("h3")] == titles
    assert {code.get_text() for code in page.select("td small code")} == {e.claim.id for e in entries}
    changes = sum(len(entry.claim.history) for entry in entries)
    assert len(page.select("details li")) == changes and page.find_all("summary")[-1].get_text().startswith(
        str(changes)
    )
    assert repr(document) == ledger.count_line(entries)
    assert not re.search(r"<details open", document.markup)
