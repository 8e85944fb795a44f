"""Banded tables of the people served: one way each, of a quarter, and none can be joined to another. Pure.

A grantee hands in how many people spoke a language, or lived in a ward, as bands. What is kept is a table without a
grantee, and apart from it that the grantee has delivered: language and ward of one grantee lie nowhere together.
"""

import hashlib
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from doorward.fund.grantee import values
from doorward.fund.grantee.cells import REPORT, Cell, Place, Refusal, Sheet, bounded, column_name
from doorward.fund.grantee.values import Refused
from doorward.orders.fund_units import FundUnits

WAYS: Final = ("language", "ward", "zip3")
HEADS: Final = ("quarter", "people", "category", "band")
_QUARTER: Final = re.compile(r"20[0-9]{2}-q[1-4]")


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is kept: no grantee, agreement, service, month or number of people is in it.

    Args:
        way: One of `WAYS`.
        quarter: Such as ``2026-q4``.
        bands: Lower end of the band of each category, all of them, in the order's order.
    """

    way: str
    quarter: str
    bands: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """That an agreement's table of a quarter came; nothing of what it says, not even a digest of it."""

    agreement: str
    way: str
    quarter: str


def categories(way: str, units: FundUnits) -> tuple[str, ...]:
    """Return the categories of a way."""
    banded = units.banded
    wards = tuple(str(number) for number in range(1, banded.wards + 1))
    return {"language": banded.languages, "ward": (*wards, "other"), "zip3": banded.zip3}[way]


def band_words(units: FundUnits) -> dict[str, int]:
    """Return the lower end of each band, by how it is written: ``0-9``, ``10-24``, …, ``1000+``."""
    begins = units.banded.bands
    words = {f"{low}-{high - 1}": low for low, high in pairwise(begins)}
    return {**words, f"{begins[-1]}+": begins[-1]}


def read_banded(
    sheets: tuple[Sheet, ...], way: str, agreement: str, units: FundUnits
) -> tuple[tuple[Table, Delivery] | None, tuple[Refusal, ...]]:
    """Return the table and apart from it the delivery, or None and everything that refuses it.

    The file says in its first row the quarter and whether there were enough people, and then a band for each category.

    Args:
        sheets: Of a reader; one, with the headings of `HEADS`.
        way: One of `WAYS`.
        agreement: Who hands it in, as the fund knows it; it is not in the file.
        units: The order's words.
    """
    if len(sheets) != 1 or sheets[0].name != REPORT or not sheets[0].rows:
        return None, (Refusal(Place(REPORT), "missing"),)
    (number, head), *rows = sheets[0].rows
    found: list[Refusal] = []

    def refuse(kind: str, row: int, column: int) -> None:
        found.append(Refusal(Place(REPORT, row, column_name(column)), kind))

    for column, cell in head.items():
        word = values.read_word(cell, HEADS)
        if word != (HEADS[column] if column < len(HEADS) else None):
            refuse(
                word.kind if isinstance(word, Refused) and word.kind != "word" else "header", number, column
            )
    known, bands = categories(way, units), band_words(units)
    quarter, told = "", dict[str, int]()
    for at, (row, cells) in enumerate(rows):
        for column, cell in cells.items():
            if column >= (len(HEADS) if at == 0 else 0) and column not in (2, 3):
                refuse(values.kind_of(cell.text, "outside"), row, column)
        if at == 0:
            quarter = _read_first(cells, units, refuse, row)
        category = values.read_word(cells.get(2, Cell("")), known)
        band = values.read_word(cells.get(3, Cell("")), bands)
        if isinstance(category, Refused):
            refuse(category.kind if category.kind != "word" or 2 in cells else "empty", row, 2)
        elif category in told:
            refuse("twice", row, 2)
        if isinstance(band, Refused):
            # a band has the form of other things: 10-24 of a day
            refuse(
                "band" if re.fullmatch(r"[0-9+-]{0,9}", cells.get(3, Cell("")).text) else band.kind, row, 3
            )
        elif isinstance(category, str):
            told[category] = bands[band]
    if not found and set(told) != set(known):
        found.append(Refusal(Place(REPORT), "missing"))
    if found:
        return None, bounded(found)
    table = Table(way, quarter, tuple(told[one] for one in known))
    return (table, Delivery(agreement, way, quarter)), ()


def _read_first(cells: dict[int, Cell], units: FundUnits, refuse: object, row: int) -> str:
    assert callable(refuse)
    quarter = cells.get(0, Cell("")).text.strip().lower()
    if not _QUARTER.fullmatch(quarter):
        refuse("period", row, 0)
    people = cells.get(1, Cell("")).text.strip().lower()
    if people != f"{units.people_floor}+":
        refuse("too-few-people", row, 1)
    return quarter


def shuffle(tables: list[Table], root: bytes) -> list[Table]:
    """Return the tables of a quarter in an order that says nothing of when and from whom each came.

    Args:
        tables: Of one way and quarter.
        root: Of a checkpoint after the last of them; the order is that of SHA-256 over it and the table's words.
    """

    def rank(table: Table) -> bytes:
        return hashlib.sha256(root + repr((table.way, table.quarter, table.bands)).encode("ascii")).digest()

    return sorted(tables, key=rank)
