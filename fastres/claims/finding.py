"""What a check returns: one of nine verdicts, its scope, and what it rests on, each in a separate field."""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence

from fastres.stats import Interval

REPRODUCED = "reproduced"
SMALLER = "smaller effect"
CORRECTED = "holds once corrected"
WRONG = "wrong as stated"
NOT_REPRODUCED = "not reproduced"
OPEN = "open"
NOT_RUN = "not yet run"
OUTSIDE = "outside what a run can show"
BUILT = "built as stated"

VERDICTS = {  # each with what it means, in the order in which they are shown
    REPRODUCED: "what is claimed was found; where a size is printed, our interval reaches it",
    SMALLER: "the direction is as claimed, but our interval lies below the printed size",
    CORRECTED: "it holds once a detail of the statement is put right; the row says which",
    WRONG: "an equation, a count or a sentence that does not hold as it stands",
    NOT_REPRODUCED: "it was measured, and by its rule the claim is contradicted",
    OPEN: "runs exist and do not settle it",
    NOT_RUN: "nothing recorded bears on it yet; the row gives the command",
    OUTSIDE: "no run of this package can show it",
    BUILT: "a property of our own modules that could not come out otherwise; counted apart",
}
UNSETTLED = (OPEN, NOT_RUN)
# Of a claim in several parts: contradicted if one part is, else as the least settled part.
OF_PARTS = (NOT_REPRODUCED, WRONG, OPEN, NOT_RUN, OUTSIDE, SMALLER, CORRECTED, REPRODUCED, BUILT)

PAPER = "the paper's data and recipe"
COPY = "the paper's recipe on re-encoded images"
SHORT = "a shorter recipe"
DEVICE = "the devices named"
COUNTING = "mathematics and counting, independent of any run"
SCOPES = (PAPER, COPY, SHORT, DEVICE, COUNTING)
WAY = "fp32, eager"  # in which timings decide, as the paper's framework computes

FASTRES = ".venv/bin/python -m fastres"  # as in the README
TRAIN_PAPER = "make reproduce PROFILE=paper"
TRAIN_EXTENDED = "make reproduce PROFILE=extended"
TRAIN_BEYOND = "make reproduce PROFILE=beyond"
BRIEF = 230  # letters of a finding in a table or on a card
SHOWN = 3  # pieces of other evidence in a finding's text

Numbers = Mapping[str, float | int | str]


def number_in(note: str) -> str:
    """The difference that a short note on runs ends with; a note without one whole.

    >>> number_in("simplified-1 − basic at D = 20 = +0.37 points [−0.43, +1.17]")
    '+0.37 points [−0.43, +1.17]'
    """
    return re.sub(r"^.* = (?=[+−]\d)", "", note)


@dataclasses.dataclass(frozen=True)
class Finding:
    """A verdict with its reasons.

    statement: what was found, in sentences. scope: of SCOPES, where the verdict holds; empty where nothing was
    examined. where: the data, recipe and device behind it. numbers, intervals: what the verdict rests on, by name.
    missing: records that the rule needs and that do not exist. so_far: what other records show; it decides nothing.
    records: ids of runs and timings. commands: they supply the missing records; only while the claim is unsettled.

    Raises ValueError for an unknown verdict or scope, and for commands that do not belong to the verdict.
    """

    verdict: str
    statement: str = ""
    scope: tuple[str, ...] = (COUNTING,)
    where: str = ""
    numbers: Numbers = dataclasses.field(default_factory=dict)
    intervals: dict[str, Interval] = dataclasses.field(default_factory=dict)
    missing: tuple[str, ...] = ()
    so_far: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"unknown verdict {self.verdict!r}: use one of {', '.join(VERDICTS)}")
        if unknown := set(self.scope) - set(SCOPES):
            raise ValueError(f"unknown scope {unknown.pop()!r}: use some of {', '.join(SCOPES)}")
        if (self.verdict == NOT_RUN and not self.commands) or (self.commands and self.verdict not in UNSETTLED):
            raise ValueError(f"{NOT_RUN!r} needs a command, and no settled verdict has one: {self.verdict!r}")

    @property
    def text(self) -> str:
        """The finding in sentences; of much other evidence, the first and how much more there is."""
        also, more = self.so_far[:SHOWN], len(self.so_far) - SHOWN
        commands = "; then ".join(f"`{command}`" for command in self.commands)
        parts = {
            "": self.statement,
            "Missing: ": "; ".join(self.missing),
            "Other evidence, which decides nothing: ": "; ".join((*also, f"and {more} more") if more > 0 else also),
            "To run it: ": commands,
        }
        return " ".join(f"{label}{part.removesuffix('.')}." for label, part in parts.items() if part)

    @property
    def brief(self) -> str:
        """The first sentences and clauses of the text, as many as BRIEF has room for."""
        first, *rest = re.split(r"(?<=;) |(?<=\.) (?=[A-Z])", self.text)
        for clause in rest:
            if len(first) + len(clause) >= BRIEF:
                break
            first += f" {clause}"
        return re.sub(r"[.;]$", ".", first)

    @property
    def scope_with_way(self) -> str:
        """The scopes; of a timing, with the way of computing that decides."""
        return "; ".join(f"{scope}, {WAY}" if scope == DEVICE else scope for scope in self.scope)

    @property
    def scope_text(self) -> str:
        """ "the devices named (Some CPU)", or "–" where nothing was examined."""
        where = f" ({self.where})" if self.where else ""
        return f"{'; '.join(self.scope)}{where}" if self.scope else "–"


def judge(reproduced: bool, corrected: bool = False, otherwise: str = WRONG) -> str:
    """The verdict of a rule "reproduced if ...; holds once corrected if ...; `otherwise` if neither"."""
    return REPRODUCED if reproduced else CORRECTED if corrected else otherwise


def effect(found: Interval, printed: float = 0.0, least: float = 0.0) -> str:
    """The verdict on a difference or saving, taken positive in the claimed direction.

    Reproduced if the interval lies above `least` and reaches the printed size, a smaller effect if it lies above
    `least` and below the printed size, not reproduced if it lies below `least`, else open.
    """
    if found.low > least:
        return REPRODUCED if found.high >= printed else SMALLER
    return NOT_REPRODUCED if found.high < least else OPEN


def unsettled(
    missing: str,
    commands: Sequence[str],
    so_far: Sequence[str] = (),
    scope: tuple[str, ...] = (SHORT,),
    where: str = "",
) -> Finding:
    """The needed records are missing: open where others bear on the claim, whose scope is given, else not yet run."""
    scope, where = (scope, where) if so_far else ((), "")
    verdict = OPEN if so_far else NOT_RUN
    return Finding(verdict, "", scope, where, missing=(missing,), so_far=tuple(so_far), commands=tuple(commands))


def overall(verdicts: Iterable[str]) -> str:
    """The verdict of a claim in several parts: the first of OF_PARTS that a part has.

    Where only some parts are not yet run, something recorded bears on the claim: these parts leave it open.
    """
    found = set(verdicts)
    return min(found - {NOT_RUN} | {OPEN} if NOT_RUN in found and len(found) > 1 else found, key=OF_PARTS.index)


def combine(parts: Sequence[Finding]) -> Finding:
    """One finding of several parts, field by field."""
    verdict = overall(part.verdict for part in parts)
    return Finding(
        verdict,
        " ".join(dict.fromkeys(part.statement for part in parts if part.statement)),
        joined(parts, "scope"),
        "; ".join(dict.fromkeys(part.where for part in parts if part.where)),
        {name: value for part in parts for name, value in part.numbers.items()},
        {name: value for part in parts for name, value in part.intervals.items()},
        joined(parts, "missing"),
        joined(parts, "so_far"),
        joined(parts, "records"),
        joined(parts, "commands") if verdict in UNSETTLED else (),
    )


def joined(findings: Iterable[Finding], name: str) -> tuple[str, ...]:
    """A field of several findings merged, each entry once."""
    return tuple(dict.fromkeys(entry for finding in findings for entry in getattr(finding, name)))
