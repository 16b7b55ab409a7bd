"""Printed to PDF: no row and no figure is split, and no heading stands alone at the end of a page."""

import io
import re

import pytest

MARKERS = """() => {
  const mark = (node, name) => {
    const span = document.createElement('span');
    span.textContent = name; span.style.cssText = 'font: 6px monospace; white-space: nowrap';
    return span;
  };
  document.querySelectorAll('main tbody tr').forEach((row, i) => [...row.children].forEach(cell => {
    cell.prepend(mark(cell, `qa${i}z `)); cell.append(mark(cell, ` qa${i}z`));
  }));
  document.querySelectorAll('main h2, main h3').forEach((heading, i) => {
    let next = heading;
    while (next && !next.nextElementSibling) next = next.parentElement;
    const after = next && next.nextElementSibling;
    if (!after || after.closest('footer, nav') || after.matches('table, svg')) return;
    heading.append(mark(heading, ` qh${i}z`)); after.prepend(mark(after, `qh${i}z `));
  });
}"""


def pages_of_markers(pdf: bytes) -> dict[str, set[int]]:
    pypdf = pytest.importorskip("pypdf", reason="pip install 'fastres[browser]'")
    found: dict[str, set[int]] = {}
    for number, page in enumerate(pypdf.PdfReader(io.BytesIO(pdf)).pages):
        for marker in re.findall(r"q[ah]\d+z", page.extract_text()):
            found.setdefault(marker, set()).add(number)
    return found


@pytest.mark.parametrize("name", ["ledger.html", "records.html", "10_claims.html", "99_hostile.html"])
def test_no_row_is_split_and_no_heading_stands_alone(visited, name):
    page = visited(name)
    page.evaluate(MARKERS)
    found = pages_of_markers(page.pdf(format="A4"))
    assert len(found) > 5 and max(map(max, found.values())) > 0
    split = {marker: numbers for marker, numbers in found.items() if len(numbers) > 1}
    assert not split


def test_a_split_row_would_be_seen(visited):
    page = visited("99_hostile.html")
    page.add_style_tag(content="main * { break-inside: auto !important; display: block }")
    lines = "'<div>line</div>'.repeat(9)"
    page.evaluate(f"document.querySelectorAll('tbody td').forEach(td => td.insertAdjacentHTML('beforeend', {lines}))")
    page.evaluate(MARKERS)
    assert any(len(numbers) > 1 for numbers in pages_of_markers(page.pdf(format="A4")).values())
