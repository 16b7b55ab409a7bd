"""Figures and tables as HTML: words that survive, numbers that stand in line, nothing of a user's that is markup."""

import html as standard
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastres.views import html

SPACES = html.FIGURE_SPACE + html.PUNCTUATION_SPACE


def points(cells: list[str]) -> set[int]:
    """Where the first number's integer part ends, in each cell that has one."""
    return {match.end() for cell in cells if (match := re.match(rf"[{SPACES}]*[+−]?\d[\d,]*", cell))}


def test_a_figure_keeps_its_words():
    shown = html.figure(b"<svg/>", "svg+xml", 720, "a", 'x < "y"', "Figure 5.1. What <b>it</b> shows")
    assert standard.unescape(re.search(r'alt="([^"]*)"', shown.markup)[1]) == 'x < "y"'
    assert "<b>Figure 5.1.</b> What &lt;b&gt;it&lt;/b&gt; shows</figcaption>" in shown.markup
    assert 'src="data:image/svg+xml;base64,PHN2Zy8+"' in shown.markup and 'id="figure-a"' in shown.markup
    assert "figcaption" not in html.figure(b"", "png", 1, "a", "b").markup
    assert repr(shown) == 'Figure 5.1. What <b>it</b> shows [x < "y"]' and shown._repr_html_() == shown.markup


def test_a_line_is_escaped_and_its_code_marked():
    assert html.line("a < b: `make it`").markup == "<p>a &lt; b: <code>make it</code></p>"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-0.5", "−0.5"),
        ("[-0.20, 0.32]", "[−0.20, 0.32]"),
        ("simplified-1 - 2", "simplified-1 - 2"),
        ("bn/bn-relu, cifar10-jpeg_2026-11-25", "bn/bn-relu, cifar10-jpeg_2026-11-25"),
        ("2e-08", "2·10⁻⁸"),
        ("1.5e+10", "1.5·10¹⁰"),
        ("< 1e-12", "< 1e-12"),
        ("image e00b28a4", "image e00b28a4"),
    ],
)
def test_one_minus_sign_and_powers_of_ten(text, shown):
    assert html.typeset(text) == shown


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6), st.integers(0, 3), st.booleans())
def test_decimal_points_stand_in_one_line(values, digits, signed):
    cells = [html.typeset(f"{value:{'+' * signed},.{digits}f} [{value - 1:,.{digits}f}, 2] %") for value in values]
    padded = html.aligned(cells)
    assert len(points(padded)) == 1 and len(set(map(len, padded))) == 1
    assert [re.sub(f"[{SPACES}]", "", cell) for cell in padded] == cells


def test_numbers_of_other_precision_and_missing_ones_are_aligned_too():
    padded = html.aligned(["7.5", "–", "1,024", "2·10⁻⁸", "10.25 (single run)", "9.5 ± 0.15 (n = 5)"])
    assert len(points(padded)) == 1 and padded[1] == "–" and padded[3].endswith("2·10⁻⁸")


def test_settings_are_footnotes():
    rows = [("basic", "1.5", "x < y"), ("fast", "10.0", "z"), ("third", "2.0", "x < y"), ("last", "3.0", "–")]
    markup = html.table(["name", "error", "setting"], rows, [False, True, False], [2])
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", markup)
    assert cells[2::3] == ["a", "b", "a", "–"]
    assert markup.endswith("<p><small><b>a</b> x &lt; y<br>\n<b>b</b> z</small></p>")
    assert markup.count('<th scope="col"') == 3


def test_names_and_numbers_are_not_broken_and_sentences_are():
    markup = html.table(["a", "b", "c"], [("simplified-1", "7.62 ± 0.15", "word " * 20)], [False, True, False], [])
    assert [("nowrap" in cell) for cell in re.findall(r"<td[^>]*>", markup)] == [True, True, False]


def test_a_name_is_never_markup():
    name = "<script>alert(1)</script>"
    markup = html.table([name], [[name]], [False], [0]) + html.line(name).markup
    markup += html.figure(b"", "png", 1, "a", name, name).markup
    assert "<script" not in markup and markup.count("&lt;script&gt;") == 5
