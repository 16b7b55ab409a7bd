"""What a reader of a notebook relies on: its frame, numbered figures with words, links that lead somewhere."""

import re

import nbformat
import pytest

from fastres import paths

NOTEBOOKS = sorted(paths.NOTEBOOKS.glob("*.ipynb"))


def texts(notebook) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def shown(notebook) -> list[str]:
    """The HTML of all outputs."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_says_what_it_serves_and_ends_with_what_was_found_and_next(path):
    notebook = nbformat.read(path, as_version=4)
    first, *rest = texts(notebook)
    assert all(f"**{word}.**" in first for word in ("Purpose", "Time", "Parameters"))
    assert re.search(r"^## What .*found", "\n".join(rest), re.M)
    assert "**Next.**" in rest[-1] or path.stem.startswith("00")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_figures_have_words_and_are_numbered_within_their_notebook(path):
    notebook = nbformat.read(path, as_version=4)
    markup = "\n".join(shown(notebook))
    pictures = re.findall(r"<img ([^>]*)>", markup)
    assert all(re.search(r'alt="[^"]{10,}"', picture) for picture in pictures)
    calls = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    number = int(path.stem[:2])
    captions = [int(place) for place in re.findall(rf"\"Figure {number}\.(\d+)\. ", calls)]
    assert captions == list(range(1, len(captions) + 1)) and "Figure " not in re.sub(rf"Figure {number}\.", "", calls)
    assert len(re.findall(r"<figcaption", markup)) == len(pictures) <= len(captions)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_of_a_notebook_lead_to_files(path):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", "\n".join(texts(nbformat.read(path, as_version=4))))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_overview_links_to_every_notebook():
    text = "\n".join(texts(nbformat.read(NOTEBOOKS[0], as_version=4)))
    assert {path.name for path in NOTEBOOKS[1:]} <= set(re.findall(r"\]\(([^)]+)\)", text))


def test_committed_pages_hold_committed_records_alone():
    outputs = [
        text for path in NOTEBOOKS for text in re.findall(r"Records read: (.*?)\\n", path.read_text(encoding="utf-8"))
    ]
    assert outputs and all(re.fullmatch(r"data/recorded \(\d+ runs\)\.", text) for text in outputs)
