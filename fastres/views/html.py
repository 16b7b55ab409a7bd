"""Figures and tables as HTML that JupyterLab, nbconvert and the report show alike, without a style sheet of ours.

JupyterLab drops the alternative text of a picture of its own kinds (image/png, image/svg+xml), and keeps that of an
<img>. It has no alignment on the decimal point, so numbers are padded with spaces as wide as a digit.
"""

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase

FIGURE_SPACE, PUNCTUATION_SPACE = "\u2007", "\u2008"  # as wide as a digit, as a comma
PADDING = "padding:0.3em 0.7em"
SHORT = 26  # characters of a cell that is not broken, such as a name with a hyphen
_NUMBER = re.compile(r"[+−]?\d[\d,]*(?:\.\d+)?")
_HYPHEN = re.compile(r"(?<![\w)\]])-(?=[\d.])")
_POWER = re.compile(r"([+-]?[\d.]+)e([+-]?)0*(\d+)")
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Shown:
    """What a cell displays: HTML, and a plain text for everything that is no browser."""

    markup: str
    text: str

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return self.text


def inline(text: str) -> str:
    """Escaped, with `code` between backticks.

    >>> inline("a < b: `make it`")
    'a &lt; b: <code>make it</code>'
    """
    return re.sub("`([^`]+)`", r"<code>\1</code>", _text(text))


def line(text: str) -> Shown:
    """One line, as `inline` has it."""
    return Shown(f"<p>{inline(text)}</p>", text)


def figure(picture: bytes, kind: str, width: int, name: str, alt: str, caption: str = "") -> Shown:
    """A picture of a kind ("svg+xml", "png") in a <figure> with its words, `width` CSS pixels wide at most.

    caption: begins with its number, as "Figure 5.1. The errors"; the number is set in bold.
    """
    number, _, rest = re.match(r"(Figure \d+\.\d+\.)?( ?)(.*)", caption, re.S).groups()  # type: ignore[union-attr]
    words = (f"<b>{number}</b> " if number else "") + html.escape(rest, quote=False)
    source = f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
    style = "max-width:100%;height:auto;background:white"
    markup = f'<figure id="figure-{name}" style="margin:0.5em 0">\n'
    markup += f'<img alt="{html.escape(alt)}" width="{width}" style="{style}" src="{source}">\n'
    markup += f'<figcaption style="max-width:{width}px">{words}</figcaption>\n' if caption else ""
    return Shown(f"{markup}</figure>", f"{caption} [{alt}]".strip())


def table(header: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool], notes: Sequence[int]) -> str:
    """Rows of text as a table. The columns `notes` are letters, and footnotes below say what each stands for."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    footnotes = _letters(columns, notes)
    columns = [aligned(column) if right else column for column, right in zip(columns, numeric, strict=True)]
    whole = [right or max(map(len, column)) <= SHORT for right, column in zip(numeric, columns, strict=True)]
    looks = [f"text-align:left;{PADDING}" + ";white-space:nowrap" * unbroken for unbroken in whole]
    for place in notes:
        looks[place] = f"text-align:center;{PADDING}"
    lines = ['<table style="font-variant-numeric:tabular-nums">', "<thead>", "<tr>"]
    lines += [f'<th scope="col" style="text-align:left;{PADDING}">{_text(name)}</th>' for name in header]
    lines += ["</tr>", "</thead>", "<tbody>"]
    for row in zip(*columns, strict=True):
        cells = [f'<td style="{look}">{_text(cell)}</td>' for cell, look in zip(row, looks, strict=True)]
        lines += ["<tr>" + "".join(cells) + "</tr>"]
    lines += ["</tbody>", "</table>"]
    if footnotes:
        lines += ["<p><small>" + "<br>\n".join(f"<b>{a}</b> {_text(text)}" for text, a in footnotes.items())]
        lines[-1] += "</small></p>"
    return "\n".join(lines)


def _letters(columns: list[list[str]], notes: Sequence[int]) -> dict[str, str]:
    """Replace the texts of these columns by letters, in place; the letter of each text. "–" stays."""
    texts = dict.fromkeys(cell for place in notes for cell in columns[place] if cell != "–")
    names = [*ascii_lowercase, *(first + second for first in ascii_lowercase for second in ascii_lowercase)]
    letters = dict(zip(texts, names, strict=False))
    for place in notes:
        columns[place] = [letters.get(cell, cell) for cell in columns[place]]
    return letters


def _text(text: str) -> str:
    return html.escape(text, quote=False)


def minus(text: str) -> str:
    """One sign for every negative number: "-0.5" is "−0.5"; a hyphen in a name stays."""
    return _HYPHEN.sub("−", text)


def typeset(text: str) -> str:
    """The same, and a number in computer notation as a power of ten.

    >>> typeset("simplified-1: -0.5 [-1.0, 2.0]"), typeset("2e-08")
    ('simplified-1: −0.5 [−1.0, 2.0]', '2·10⁻⁸')
    """
    power = _POWER.fullmatch(text)
    return minus(f"{power[1]}·10{(power[2].strip('+') + power[3]).translate(_SUPERSCRIPTS)}" if power else text)


def aligned(cells: Sequence[str]) -> list[str]:
    """Cells of numbers, padded so that their decimal points stand in one line when set from the left.

    The first number of all cells is aligned, every later one among the cells that have the same words around it.

    >>> [cell.replace(FIGURE_SPACE, "_") for cell in aligned(["9.5 [8, 10]", "10.25 [10, 12]", "–"])]
    ['_9.5_ [_8, 10]', '10.25 [10, 12]', '–']
    """
    parts = [(_NUMBER.split(cell), _NUMBER.findall(cell)) for cell in cells]
    groups: dict[tuple, list[int]] = {}
    for row, (words, numbers) in enumerate(parts):
        for place in range(len(numbers)):
            groups.setdefault((place, *words) if place else (0,), []).append(row)
    for (place, *_), rows in groups.items():
        for row, number in zip(rows, _padded([parts[row][1][place] for row in rows]), strict=True):
            power = parts[row][0][place + 1].startswith("·")  # of ten, which belongs to the number
            parts[row][1][place] = number.rstrip(FIGURE_SPACE + PUNCTUATION_SPACE) if power else number
    return ["".join(a + b for a, b in zip(words, [*numbers, ""], strict=True)) for words, numbers in parts]


def _padded(numbers: Sequence[str]) -> list[str]:
    split = [(whole, point + rest) for whole, point, rest in (number.partition(".") for number in numbers)]
    widest, finest = (max((pair[side] for pair in split), key=len) for side in (0, 1))
    spaces = {ord(mark): PUNCTUATION_SPACE for mark in ",."} | {ord(c): FIGURE_SPACE for c in "0123456789+−"}
    return [
        widest[: len(widest) - len(whole)].translate(spaces) + whole + part + finest[len(part) :].translate(spaces)
        for whole, part in split
    ]
