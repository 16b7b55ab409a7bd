"""What a text refers to: equations, figures, tables and sections of the paper."""

import re

NUMBER = r"\(?\d+(?:\.\d+)*\)?"
_REFERENCE = re.compile(
    rf"\b(eqs?|equations?|figs?|figures?|tables?|sections?)\b\.? ?({NUMBER}(?:(?:, | and | to |–){NUMBER})*)"
)


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
