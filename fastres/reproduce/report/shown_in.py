"""Which sections of which notebooks show a claim: those that name it, else those on its equation, table or figure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fastres.claims.check import CHECKS
from fastres.paper import Claim
from fastres.reproduce.report.notebook_page import NotebookPage, Section

MOST = 3  # links of one claim
COMPUTED_IN = {  # number of the notebook that computes what the checks of a module decide
    "argument": "02",
    "arithmetic": "03",
    "blocks": "01",
    "collapse": "02",
    "counts": "03",
    "curves": "05",
    "derived": "05",
    "errors": "05",
    "network": "03",
    "operations": "01",
    "overfitting": "07",
    "times": "08",
    "trained": "11",
}
_REFERENCE = re.compile(
    r"\b(eqs?|equations?|figs?|figures?|tables?|sections?)\b\.? ?(\(?\d+(?:\.\d+)*\)?(?:(?:, | and | to |–)\(?\d+(?:\.\d+)*\)?)*)"
)


@dataclass(frozen=True)
class Place:
    page: NotebookPage
    section: Section

    @property
    def href(self) -> str:
        return self.page.file + (f"#{self.section.anchor}" if self.section.anchor else "")


def references(text: str) -> set[str]:
    """ "eq 9", "table 1", "section 2.1": what a text refers to, ranges of equations included.

    >>> sorted(references("Eqs (11) to (13), Fig. 4"))
    ['eq 11', 'eq 12', 'eq 13', 'fig 4']
    """
    found = set()
    for kind, numbers in _REFERENCE.findall(text.lower()):
        name = {"e": "eq", "f": "fig", "t": "table", "s": "section"}[kind[0]]
        numbers = numbers.replace("–", " to ")
        for first, last in re.findall(r"(\d+)\)? to \(?(\d+)", numbers):
            found |= {f"{name} {number}" for number in range(int(first), int(last) + 1)}
        found |= {f"{name} {number}" for number in re.findall(r"\d+(?:\.\d+)*", numbers)}
    return found


def places(claim: Claim, pages: Iterable[NotebookPage], claims: Sequence[Claim]) -> list[Place]:
    """At most MOST. A notebook that names most claims shows none in particular."""
    pages = [page for page in pages if sum(_names(_whole(page), other.id) for other in claims) <= len(claims) / 2]
    sections = [Place(page, section) for page in pages for section in page.sections]
    of_claim = {each for each in references(claim.place) if not each.startswith("section")}  # too wide
    named = [place for place in sections if _names(place.section.text, claim.id)]
    headed = [place for place in sections if references(place.section.title) & of_claim]
    titled = [Place(page, page.sections[0]) for page in pages if references(page.title) & of_claim]
    spoken = [place for place in sections if references(place.section.text) & of_claim]
    number = COMPUTED_IN.get(CHECKS[claim.check].__module__.rpartition(".")[2])
    computed = [Place(page, page.sections[0]) for page in pages if page.number == number]
    best = named or headed or titled or spoken or ([] if claim.check == "outside" else computed)
    return list({place.page.name: place for place in reversed(best)}.values())[::-1][:MOST]


def _whole(page: NotebookPage) -> str:
    return " ".join(section.text for section in page.sections)


def _names(text: str, claim_id: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(claim_id)}(?![\w-])", text) is not None
