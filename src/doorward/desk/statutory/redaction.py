"""The gate before a report: each column has a form, and a cell of another form does not leave. Pure.

No pattern knows every name or vanity plate. So a cell of words must be, whole, a text of the pack or the name of an
agency of the order, and patterns only say what a refused cell looks like. A day long before the period is refused as
well: it could be a day of birth. A refusal names the cell and never quotes it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

YEARS_BACK: Final = 5  # a request that was open for longer is looked at by a person
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HOUR: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}")
_REFERENCE: Final = re.compile(r"([A-Z]{2,6})-[0-9]{4}-[0-9]{1,6}")
_LOOKS: Final = (
    ("an A-number", re.compile(r"(?<!\w)A?[-# ]?\d{3}[- ]?\d{3}[- ]?\d{2,3}(?!\w)", re.IGNORECASE)),
    ("a date of birth", re.compile(r"\b(?:dob|born)\b|\b\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4}\b", re.IGNORECASE)),
    ("a number of a person or a telephone", re.compile(r"\d{3}[-. )]+\d{2,4}[-. ]\d{4}")),
    ("an address of mail", re.compile(r"\S@\S")),
    ("a plate", re.compile(r"\b(?=\w*\d)(?=\w*[^\W\d_])\w{2,8}\b|\b[a-z]{1,3}[- ]\d{2,5}\b", re.IGNORECASE)),
    ("a number of a person", re.compile(r"\d")),
)


class Form(StrEnum):
    """What a column holds; any cell may be empty."""

    NUMBER = "number"
    DAY = "day"
    HOUR = "hour"
    WORDS = "words"
    REFERENCES = "references"


@dataclass(frozen=True, slots=True)
class Hit:
    """A cell that may not leave.

    Args:
        cell: Where it stands: table, row, column.
        looks: What it looks like; never what it says.
    """

    cell: str
    looks: str

    def __str__(self) -> str:
        return f"{self.cell}: {self.looks}"


@dataclass(frozen=True, slots=True)
class Gate:
    """What may stand in a report.

    Args:
        texts: Of the pack, whole.
        references: What a document's reference begins with.
        first: The first day of the period.
    """

    texts: frozenset[str]
    references: tuple[str, ...]
    first: date

    def look(self, text: str, form: Form) -> str | None:
        """Return what is wrong with a cell, or None where it may leave.

        Args:
            text: Of anybody.
        """
        if not text or (form == Form.WORDS and text in self.texts):
            return None
        if form == Form.NUMBER and _NUMBER.fullmatch(text):
            return None
        if form == Form.REFERENCES and all(map(self._is_reference, text.split("; "))):
            return None
        if (form == Form.DAY and _DAY.fullmatch(text)) or (form == Form.HOUR and _HOUR.fullmatch(text)):
            return self._look_at_day(text)
        return next((f"could be {looks}" for looks, one in _LOOKS if one.search(text)), "could be a name")

    def _look_at_day(self, text: str) -> str | None:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            return "is no day"
        is_old = found.year < self.first.year - YEARS_BACK
        return "could be a date of birth: long before the period" if is_old else None

    def _is_reference(self, text: str) -> bool:
        match = _REFERENCE.fullmatch(text)
        return match is not None and match[1] in self.references


def make_gate(texts: Iterable[str], references: tuple[str, ...], first: date) -> Gate:
    """Return the gate that lets these texts through."""
    return Gate(frozenset(texts), references, first)
