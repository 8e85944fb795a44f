"""One cell as a value of its column, or the kind of refusal. Pure.

A value is a word of a closed list, a short number, a day of the period, or a note made of listed words. There is no
other kind, so whatever names somebody has no column.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from doorward.fund.grantee.cells import MAX_CELL, Cell
from doorward.fund.grantee.traces import find_trace

_COUNT: Final = re.compile(r"[0-9]{1,5}(?:\.0)?")
_AMOUNT: Final = re.compile(r"\$?(?:[0-9]{1,7}|[0-9]{1,3}(?:,[0-9]{3}){1,2})(?:\.[0-9]{1,2})?")
_HELD: Final = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,17})?|[0-9](?:\.[0-9]{1,17})?[eE][+-]?[0-9]{1,2}")
_DAY: Final = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]")
_SERIAL: Final = re.compile(r"[3-6][0-9]{4}")
_DAY_ZERO: Final = date(1899, 12, 30)  # of the spreadsheet's day numbers; ECMA-376 Part 1, 18.17.4.1
_CENT: Final = Decimal("0.01")
_NOISE: Final = Decimal("0.000001")  # what binary fractions leave of an amount


@dataclass(frozen=True, slots=True)
class Refused:
    """The kind of a refusal, in place of a value."""

    kind: str


def kind_of(text: str, otherwise: str) -> str:
    """Return what a text looks like, or the plain reason: `a-number` helps more than `not on the list`."""
    if len(text) > MAX_CELL:
        return "long"
    if text.lstrip()[:1] in ("=", "@", "+") or (text[:1] == "-" and not text[1:2].isdigit()):
        return "formula" if "@" not in text else "e-mail"
    trace = find_trace(text)
    return trace if trace and trace != "script" else otherwise


def read_word(cell: Cell, words: Collection[str]) -> str | Refused:
    """Return the word of a closed list that a cell holds; capitals and blanks around it do not count."""
    word = cell.text.strip().lower()
    return word if word in words and cell.text.isascii() else Refused(kind_of(cell.text, "word"))


def read_count(cell: Cell, most: int) -> int | Refused:
    """Return a whole number of at most five digits."""
    text = cell.text.strip()
    if not _COUNT.fullmatch(text) or not text.isascii() or int(text.partition(".")[0]) > most:
        return Refused(
            "count" if re.fullmatch(r"-?[0-9]{1,6}(?:\.[0-9]{1,4})?", text) else kind_of(text, "count")
        )
    return int(text.partition(".")[0])


def read_cents(cell: Cell, most: int) -> int | Refused:
    """Return an amount in cents, exactly; a number of a spreadsheet may be off by what binary fractions leave."""
    text = cell.text.strip()
    if cell.is_number:
        if not _HELD.fullmatch(text):
            return Refused(kind_of(text, "amount"))
        exact = Decimal(text)
        amount = exact.quantize(_CENT, ROUND_HALF_EVEN)
        if abs(exact - amount) > _NOISE:
            return Refused("amount")
    elif _AMOUNT.fullmatch(text) and text.isascii():
        amount = Decimal(text.replace("$", "").replace(",", ""))
    else:
        return Refused(
            "amount" if re.fullmatch(r"-?[0-9]{1,6}(?:[.,][0-9]{1,6})?", text) else kind_of(text, "amount")
        )
    cents = int(amount * 100)
    return cents if cents <= most else Refused("amount")


def read_day(cell: Cell) -> date | Refused:
    """Return a day: ISO 8601, or the day number of a spreadsheet."""
    text = cell.text.strip()
    if cell.is_number and _SERIAL.fullmatch(text):
        return _DAY_ZERO + timedelta(days=int(text))
    if _DAY.fullmatch(text) and text.isascii():
        year, month, day = (int(part) for part in text.split("-"))
        try:
            return date(year, month, day)
        except ValueError:
            pass
    return Refused("day")


def read_agreement(cell: Cell, agreements: Collection[str]) -> str | Refused:
    """Return the number of one of the sender's agreements; no other text has a place there, whatever its shape."""
    text = cell.text.strip().lower()
    return text if text in agreements and cell.text.isascii() else Refused(kind_of(cell.text, "agreement"))


def read_note(cell: Cell, words: Collection[str], most: int) -> str | Refused:
    """Return a note of a few listed words in small letters, with numbers of one or two digits.

    Args:
        cell: Of a stranger.
        words: The only ones that may stand in it.
        most: How many.
    """
    found = cell.text.strip().lower().split(" ")
    if not cell.text.isascii():
        return Refused(find_trace(cell.text) or "script")
    if any(word not in words and not re.fullmatch(r"[0-9]{1,2}", word) for word in found):
        return Refused(kind_of(cell.text, "word"))
    if len(found) > most:
        return Refused("too-many-words")
    # listed words may stand beside numbers so that they read as an address or a date
    trace = find_trace(" ".join(found))
    return Refused(trace) if trace else " ".join(found)
