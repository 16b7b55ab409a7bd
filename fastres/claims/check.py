"""The registry of checks: functions (Evidence, keyword arguments) -> Finding, named in data/paper/claims.toml."""

import dataclasses
import functools
from collections.abc import Callable

from fastres.claims.finding import Finding

Check = Callable[..., Finding]

CHECKS: dict[str, Check] = {}  # filled by the modules of fastres.claims.checks


def check(explains: str = "") -> Callable[[Check], Check]:
    """Register a check: `@check()`, or `@check(explains=VERDICT)` where its statement explains that one verdict.

    With another verdict than the explained one, the statement says so in place of the explanation.
    Raises ValueError for a second check of the same name.
    """

    def register(function: Check) -> Check:
        if function.__name__ in CHECKS:
            raise ValueError(f"there are two checks named {function.__name__!r}")

        @functools.wraps(function)
        def guarded(*args, **kwargs) -> Finding:
            finding = function(*args, **kwargs)
            if explains in ("", finding.verdict):
                return finding
            numbers = ", ".join(f"{name} {value}" for name, value in finding.numbers.items())
            text = f"The check came out as {finding.verdict!r}; our reading of the paper expects {explains!r}."
            return dataclasses.replace(finding, statement=f"{text} Numbers: {numbers or 'none'}.")

        CHECKS[function.__name__] = guarded
        return guarded

    return register
