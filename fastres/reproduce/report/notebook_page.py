"""One executed notebook as a page: its HTML without code, its sections, figures and the claims that it names."""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup, Tag
from latex2mathml.converter import convert as mathml
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from fastres.datasets.catalogue import CATALOGUE
from fastres.reproduce.report import live
from fastres.reproduce.report.references import references

EMBEDDED = [name for name, row in CATALOGUE.items() if row.embedded]
# As the setting of a run, as its id, or as a notebook's notice: "digits" alone is a word of many sentences.
SMOKE_RUN = re.compile(rf"\b({'|'.join(EMBEDDED)})(, \d+ epochs|_[a-z]+)")
NUMBERED = r"\d\d_"  # the name of a notebook that shows results
SHORT = 24  # letters of a table cell that is not broken, as "simplified-1"
_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")  # as claims' ids are
OUTPUTS = ".output_area"  # nbconvert's class of one output of a cell


class _MathMLRenderer(IPythonRenderer):
    """Notebook Markdown to HTML, with MathML in place of TeX that a script would have to draw."""

    def inline_math(self, body: str) -> str:
        return mathml(body)

    def block_math(self, body: str) -> str:
        return mathml(body, display="block")

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", display="block")


@dataclass(frozen=True)
class Section:
    """A second-level heading, and below it: the claims named, what of the paper is referred to, the figures."""

    anchor: str
    title: str
    named: frozenset[str]
    references: frozenset[str]
    figures: tuple[tuple[str, str], ...]  # anchor, caption


@dataclass(frozen=True)
class NotebookPage:
    """name: of the notebook's file, without suffix; of a training notebook, its run's id. body: HTML.

    smoke: whether outputs are of embedded images; they are marked, in a training notebook by the page.
    pictures: files beside the page, which its controls show, by their path.
    """

    name: str
    title: str
    body: str
    sections: tuple[Section, ...]
    smoke: bool
    seconds: float
    failed: bool
    pictures: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def named(self) -> frozenset[str]:
        """The claims that it names."""
        return frozenset().union(*(section.named for section in self.sections))

    @property
    def file(self) -> str:
        return f"{self.name}.html"

    @property
    def number(self) -> str:
        return self.name[:2] if re.match(NUMBERED, self.name) else ""


def read_page(path: Path, claims: Iterable[str] = (), pages: Iterable[str] = ()) -> NotebookPage:
    """claims: their ids, which become links to the ledger where the notebook sets them as code.

    pages: names of the notebooks that have a page: links to them lead there, and those to other files are text.
    """
    claims = frozenset(claims)
    notebook = nbformat.read(path, as_version=4)
    soup = BeautifulSoup(_exporter().from_notebook_node(notebook)[0], "html.parser")
    heading = soup.find("h1")
    is_result = re.match(NUMBERED, path.stem) is not None
    title = heading.get_text(" ", strip=True) if heading and is_result else path.stem
    if heading:
        heading.decompose()  # the page has its own
    _one_outline(soup)
    _figures(soup)
    pictures = live.attach(soup)
    smoke = _mark_smoke(soup) if is_result else any(map(_is_smoke, soup.select(OUTPUTS)))
    _scroll(soup)
    _cells(soup)
    _link_pages(soup, set(pages))
    _link_claims(soup, claims)
    run = notebook.metadata.get("papermill", {})
    return NotebookPage(
        path.stem,
        title,
        str(soup),
        _sections(soup, claims),
        smoke,
        run.get("duration") or 0.0,
        bool(run.get("exception")),
        pictures,
    )


@functools.cache
def _exporter() -> HTMLExporter:
    exporter = HTMLExporter(template_name="basic", exclude_input=True, exclude_output_prompt=True)
    exporter.register_filter("markdown2html", _markdown_to_html)
    return exporter


def _markdown_to_html(source: str) -> str:
    return MarkdownWithMath(renderer=_MathMLRenderer(escape=False, exclude_anchor_links=True)).render(source)


def _one_outline(soup: BeautifulSoup) -> None:
    """Headings from level 2 on, none skipped, each with an anchor of its own."""
    level, used = 1, {tag["id"] for tag in soup.find_all(id=True)}
    for heading in soup.find_all(re.compile(r"^h[1-6]$")):
        level = max(2, min(int(heading.name[1]), level + 1))
        heading.name = f"h{level}"
        words = re.sub(r"[^a-z0-9]+", "-", heading.get_text().lower()).strip("-") or "section"
        anchor, number = words, 1
        while anchor in used:
            number += 1
            anchor = f"{words}-{number}"
        used.add(anchor)
        heading["id"] = anchor


def _figures(soup: BeautifulSoup) -> None:
    """Every picture stands in a <figure> with an anchor. nbconvert sees to a text for each."""
    for number, image in enumerate(soup.select(f"{OUTPUTS} img"), start=1):
        figure = image.find_parent("figure") or image.wrap(soup.new_tag("figure"))
        figure["id"] = figure.get("id") or f"figure-{number}"


def _mark_smoke(soup: BeautifulSoup) -> bool:
    """Put the outputs that speak of embedded or synthetic images under a banner; whether there are any.

    Of a table that has other rows too, its rows are marked.
    """
    found = [area for area in soup.select(OUTPUTS) if _is_smoke(area)]
    for area in found:
        rows = area.select("tbody tr")
        of_smoke = [row for row in rows if _is_smoke(row)]
        if 0 < len(of_smoke) < len(rows):
            for row in of_smoke:
                row["class"] = "smoke-row"
            continue
        area["class"] = f"{' '.join(area.get_attribute_list('class'))} smoke"
        banner = soup.new_tag("p", attrs={"class": "smoke-banner"})
        banner.string = "Smoke run on embedded images: it tests the pipeline. These numbers are not the paper's."
        area.insert(0, banner)
    return bool(found)


def _is_smoke(part: Tag) -> bool:
    words = part.get_text(" ") + " ".join(str(image.get("alt", "")) for image in part.find_all("img"))
    return bool(SMOKE_RUN.search(words)) or any(cell.get_text(strip=True) in EMBEDDED for cell in part.find_all("td"))


def _scroll(soup: BeautifulSoup) -> None:
    """Wide tables, printed text and equations scroll in a box of their own, which the keyboard can reach."""
    kinds = {"table": "Table", "pre": "Printed output", "math": "Equation"}
    for tag in soup.find_all(list(kinds)):
        if tag.name != "math" or tag.get("display") == "block":
            box = {"class": f"scroll {tag.name}-box", "tabindex": "0", "role": "group", "aria-label": kinds[tag.name]}
            tag.wrap(soup.new_tag("span" if tag.name == "math" else "div", attrs=box))  # a paragraph holds no <div>


def _cells(soup: BeautifulSoup) -> None:
    """Short cells are not broken; a header without words, as of a column of names, is none."""
    for cell in soup.find_all("td"):
        if len(cell.get_text()) <= SHORT:
            cell["class"] = "short"
    for header in soup.find_all("th"):
        if not header.get_text(strip=True):
            header.name = "td"


def _link_pages(soup: BeautifulSoup, pages: set[str]) -> None:
    for link in soup.find_all("a", href=re.compile(r"^(?![a-z]+:|#)")):
        name = str(link["href"]).partition("#")[0].removesuffix(".ipynb")
        if name in pages:
            link["href"] = f"{name}.html"
        else:
            link.unwrap()


def _link_claims(soup: BeautifulSoup, claims: frozenset[str]) -> None:
    for code in soup.find_all("code"):
        if code.get_text() in claims and not code.find_parent("a"):
            code.wrap(soup.new_tag("a", href=f"ledger.html#{code.get_text()}"))


def _sections(soup: BeautifulSoup, claims: frozenset[str]) -> tuple[Section, ...]:
    """The second-level headings with what stands below each; what stands above the first has an empty anchor."""
    titles, texts = {"": ""}, {"": [""]}
    figures: dict[str, dict[str, str]] = {"": {}}
    anchor = ""
    for node in soup.descendants:
        if not isinstance(node, Tag):
            texts[anchor].append(str(node))
        elif node.name == "h2":
            anchor = str(node["id"])
            titles[anchor], texts[anchor], figures[anchor] = node.get_text(" ", strip=True), [], {}
        elif node.name == "figure":
            figures[anchor][str(node["id"])] = _caption(node)
    return tuple(
        Section(
            each, titles[each], claims & set(_WORD.findall(text)), frozenset(references(text)), tuple(drawn.items())
        )
        for each, text, drawn in ((a, " ".join(texts[a]), figures[a]) for a in titles)
    )


def _caption(figure: Tag) -> str:
    """The number of a figure where its caption begins with one, else the first words of its description."""
    caption, image = figure.find("figcaption"), figure.find("img")
    words = caption.get_text() if caption else str(image["alt"]) if image else ""
    number = re.match(r"(Figure|Fig\.) [\d.]*\d", words)
    return number[0] if number else re.split(r"[.:;]", words)[0][:60] or "figure"
