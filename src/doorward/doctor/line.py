"""One line of `doorward doctor`: what was looked at, what was expected, what is there, and what to do; pure.

A line never holds a password, a connection string's secret or a row: who makes one writes names, numbers and times.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check came out; ``unknown`` is where it could not look, and is never read as ``ok``."""

    OK = "ok"
    LOOK = "look"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """One check.

    Args:
        check: The check's name, a word or two.
        expected: What must be, or empty where it is ok.
        found: What is there.
        do: What to do about it, or empty where it is ok.
    """

    check: str
    state: State
    found: str
    expected: str = ""
    do: str = ""

    def __str__(self) -> str:
        parts = [f"{self.state.value:<8} {self.check}: {self.found}"]
        if self.expected:
            parts.append(f"expected: {self.expected}")
        if self.do:
            parts.append(f"do: {self.do}")
        return one_line(" | ".join(parts))


def one_line(text: str) -> str:
    """Return a text without what would begin another line or move a terminal: a role's name may hold anything."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def ok(check: str, found: str) -> Line:
    """Return a line of something that is as it must be."""
    return Line(check, State.OK, found)


def look(check: str, found: str, *, expected: str, do: str) -> Line:
    """Return a line of something that a person should look at."""
    return Line(check, State.LOOK, found, expected, do)


def broken(check: str, found: str, *, expected: str, do: str) -> Line:
    """Return a line of something that keeps the door or its record from doing what they promise."""
    return Line(check, State.BROKEN, found, expected, do)


def unknown(check: str, why: str, *, do: str = "") -> Line:
    """Return a line of something that could not be looked at from here."""
    return Line(check, State.UNKNOWN, why, "to be able to look", do)


def exit_code(lines: Iterable[Line]) -> int:
    """Return 0 where all is ok, 3 where something is broken, else 1: look at it, or it could not be looked at."""
    states = {line.state for line in lines}
    if State.BROKEN in states:
        return 3
    return 1 if states & {State.LOOK, State.UNKNOWN} else 0
