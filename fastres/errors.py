"""The errors that a user can cause; each message names what was given and what is allowed."""

import difflib
from collections.abc import Iterable


class RecordError(ValueError):
    """A record that cannot be read; the message names the file and what is wrong with it."""


class ConfigError(ValueError):
    """A setting that cannot be used; the message names it, its value and what is allowed."""


def unknown_parameter(name: str, known: Iterable[str]) -> str:
    return f"unknown parameter {name!r}{did_you_mean(name, known)}; allowed: {', '.join(known)}"


def shown(value: object, width: int = 80) -> str:
    """A value as a message quotes it: its repr, cut."""
    try:
        text = repr(value)
    except Exception as error:  # of a foreign type, or of an integer of more digits than Python converts
        text = f"a {type(value).__name__} ({type(error).__name__})"
    return text if len(text) <= width else f"{text[: width - 3]}..."


def reason(error: BaseException) -> str:
    """The first line of an error, or its type if it has no message, for use in another message."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def did_you_mean(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


class TrainingDiverged(ArithmeticError):
    """A loss, a weight or a BN statistic is not finite; the message names the epoch and the step."""


class OutOfMemory(ConfigError):
    """A step needs more memory than there is; the message says what would fit. The last checkpoint is kept."""
