"""Which sections of which notebooks show a claim: those that name it, else those on its equation, table or figure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fastres.claims.check import CHECKS
from fastres.paper import Claim
from fastres.reproduce.report.notebook_page import NotebookPage, Section
from fastres.reproduce.report.references import references

MOST = 3  # links of one claim
COMPUTED_IN = {  # number of the notebook that computes what the checks of a module decide
    "argument": "02",
    "arithmetic": "03",
    "blocks": "01",
    "cited": "09",
    "collapse": "02",
    "counts": "03",
    "curves": "05",
    "derived": "05",
    "errors": "05",
    "network": "03",
    "operations": "01",
    "overfitting": "07",
    "times": "08",
    "tradeoff": "09",
    "trained": "11",
}
VERY_DEEP = "07"


@dataclass(frozen=True)
class Place:
    page: NotebookPage
    section: Section

    @property
    def href(self) -> str:
        return self.page.file + (f"#{self.section.anchor}" if self.section.anchor else "")


def places(claim: Claim, pages: Iterable[NotebookPage], claims: Sequence[Claim]) -> list[Place]:
    """At most MOST. A notebook that names most claims shows none in particular."""
    pages = [page for page in pages if len(page.named) <= len(claims) / 2]
    sections = [Place(page, section) for page in pages for section in page.sections]
    of_claim = {each for each in references(claim.place) if not each.startswith("section")}  # too wide
    module = CHECKS[claim.check].__module__.rpartition(".")[2]
    number = VERY_DEEP if claim.args.get("depths") == [668] else COMPUTED_IN.get(module)
    found = (
        [place for place in sections if claim.id in place.section.named]
        or [place for place in sections if references(place.section.title) & of_claim]
        or [Place(page, page.sections[0]) for page in pages if references(page.title) & of_claim]
        or [place for place in sections if place.section.references & of_claim]
        or [Place(page, page.sections[0]) for page in pages if page.number == number and claim.check != "outside"]
    )
    return found[:MOST]
