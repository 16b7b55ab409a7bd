"""What a check returns (Finding) and what it is given (Evidence)."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping

from fastres.records.activations import ActivationRecord
from fastres.records.runs import RunRecord
from fastres.records.timings import TimingRecord

REPRODUCED = "reproduced"
CORRECTED = "reproduced with a correction"
NOT_REPRODUCED = "not reproduced"
UNDECIDABLE = "not decidable by a run"
NOT_RUN = "not yet run"
VERDICTS = (REPRODUCED, CORRECTED, NOT_REPRODUCED, UNDECIDABLE, NOT_RUN)
LEAST_DECIDED_FIRST = (NOT_RUN, UNDECIDABLE, CORRECTED, REPRODUCED)
FASTRES = ".venv/bin/python -m fastres"  # as in the README
TRAIN_PAPER = "make reproduce PROFILE=paper"
TRAIN_EXTENDED = "make reproduce PROFILE=extended"
THEN = "; then "  # between the commands of a finding
MISSING = "Full runs still missing: "  # begins a statement of what is not yet run


Numbers = Mapping[str, float | int | str]


@dataclasses.dataclass(frozen=True)
class Finding:
    """A verdict with its reasons. command is set for "not yet run": what would supply the missing records."""

    verdict: str
    statement: str
    numbers: Numbers = dataclasses.field(default_factory=dict)
    records: tuple[str, ...] = ()
    command: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"unknown verdict {self.verdict!r}: use one of {', '.join(VERDICTS)}")
        if (self.verdict == NOT_RUN) != bool(self.command):
            raise ValueError(f"a command belongs to {NOT_RUN!r} and to no other verdict, not to {self.verdict!r}")


@dataclasses.dataclass(frozen=True)
class Evidence:
    """All records at hand, and the findings on other claims, by id."""

    runs: tuple[RunRecord, ...] = ()
    timings: tuple[TimingRecord, ...] = ()
    activations: tuple[ActivationRecord, ...] = ()
    finding: Callable[[str], Finding] = dict[str, Finding]().__getitem__


def judge(reproduced: bool, corrected: bool = False) -> str:
    """The verdict of a rule of the form "reproduced if ...; with a correction if ...; otherwise not"."""
    return REPRODUCED if reproduced else CORRECTED if corrected else NOT_REPRODUCED


def overall(verdicts: Iterable[str]) -> str:
    """Of a claim in several parts: not reproduced if one is contradicted, else as the least decided one."""
    found = set(verdicts)
    if NOT_REPRODUCED in found:
        return NOT_REPRODUCED
    return next(verdict for verdict in LEAST_DECIDED_FIRST if verdict in found)


def expecting(expected: str) -> Callable:
    """For a check whose statement explains one outcome: with another, the statement says so instead."""

    def decorate(check: Callable[..., Finding]) -> Callable[..., Finding]:
        @functools.wraps(check)
        def guarded(*args, **kwargs) -> Finding:
            finding = check(*args, **kwargs)
            if finding.verdict == expected:
                return finding
            numbers = ", ".join(f"{name} {value}" for name, value in finding.numbers.items())
            text = f"The check came out as {finding.verdict!r}; our reading of the paper expects {expected!r}."
            return dataclasses.replace(finding, statement=f"{text} Numbers: {numbers or 'none'}.")

        return guarded

    return decorate


def commands_of(findings: Iterable[Finding]) -> str:
    """All that is to be run for them, each command once."""
    commands = [command for finding in findings for command in finding.command.split(THEN) if command]
    return THEN.join(dict.fromkeys(commands))


def combine(parts: list[Finding]) -> Finding:
    """One finding of several; a command stays only where the whole is not yet run."""
    verdict = overall(part.verdict for part in parts)
    missing = [part.statement for part in parts if part.statement.startswith(MISSING)]
    statements = dict.fromkeys(part.statement for part in parts if part.statement not in missing)
    if missing:
        label, *evidence = zip(*(_split(statement) for statement in missing), strict=True)
        statements[f"{MISSING}{'; '.join(label)}.{''.join(evidence[0])}"] = None
    return Finding(
        verdict,
        " ".join(statements),
        {name: value for part in parts for name, value in part.numbers.items()},
        tuple(dict.fromkeys(record for part in parts for record in part.records)),
        commands_of(parts) if verdict == NOT_RUN else "",
    )


def _split(statement: str) -> tuple[str, str]:
    """(what is missing, the evidence so far) of a statement that begins with MISSING."""
    label, dot, evidence = statement.removeprefix(MISSING).partition(". ")
    return label.removesuffix("."), " " + evidence if dot else ""
