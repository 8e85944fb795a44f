"""fund_units.toml of a pack: what a grantee of the fund may say, and in which words. Pure.

Deny by default: what stands in no list of this file cannot stand in a report. The limits keep numbers shorter than any
number of a person or a case.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from doorward.errors import Finding
from doorward.orders.toml import Toml

FUND_UNITS: Final = "fund_units.toml"
EVENTS: Final = "events"
CASES: Final = "cases"
STANDINGS: Final = ("confirmed", "adopted", "needs-counsel")
MOST_UNITS: Final = 99_999  # five digits; receipt, A- and docket numbers have more
MOST_CENTS: Final = 999_999_999  # seven digits before the point; an A-number has at least eight
MOST_WORDS: Final = 8
_WORD: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_NOTE_WORD: Final = re.compile(r"[a-z]{1,20}")
_SOURCE: Final = re.compile(r"S[0-9]{1,3}|derived")
_SECTIONS: Final = (
    "threshold", "people_floor", "note_words", "max_count", "max_units", "max_cents", "service", "stage", "outcome",
    "line", "banded", "reason", "note",
)  # fmt: skip
_SERVICE: Final = (
    "says", "unit", "counts", "detained", "staged", "cap_cents", "cap_standing", "cap_evidence", "evidence",
)  # fmt: skip
_LINE: Final = ("says", "priced", "share_percent", "off", "evidence", "standing")


@dataclass(frozen=True, slots=True)
class Service:
    """A type of service.

    Args:
        says: In words.
        unit: What is counted.
        counts: ``events`` happen; ``cases`` are opened, carried and closed.
        detained: Whether a row says if the people were detained.
        staged: Whether a row says the stage of the court.
        cap_cents: The highest price of a unit, or None where none is known.
        cap_decides: The cap is confirmed or adopted; otherwise it only refers.
    """

    says: str
    unit: str
    counts: str
    detained: bool
    staged: bool
    cap_cents: int | None
    cap_decides: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the budget.

    Args:
        says: In words.
        priced: An amount of it is units times price.
        share_percent: The most that it may be of the others together, or None.
        is_off: Nothing may be charged to it.
        decides: The rules of it are confirmed or adopted; otherwise they only refer, but for ``is_off``, which closes.
    """

    says: str
    priced: bool
    share_percent: int | None
    is_off: bool
    decides: bool


@dataclass(frozen=True, slots=True)
class Banded:
    """What the tables of people may say.

    Args:
        bands: Where each begins; the first at nought, so that none and few read alike.
        wards: How many there are.
        zip3: First three digits, and what stands for the rest.
        languages: Groups.
    """

    bands: tuple[int, ...]
    wards: int
    zip3: tuple[str, ...]
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FundUnits:
    """What a pack's fund_units.toml says."""

    threshold: int
    people_floor: int
    note_words: int
    max_count: int
    max_units: int
    max_cents: int
    services: Mapping[str, Service]
    stages: Mapping[str, str]
    outcomes: Mapping[str, str]
    lines: Mapping[str, Line]
    banded: Banded
    reasons: Mapping[str, str]
    words: frozenset[str]


def read_fund_units(text: str) -> tuple[FundUnits | None, list[Finding]]:
    """Return what the file says, or None and everything that is wrong with it, each with its line and column.

    Args:
        text: Of fund_units.toml.

    Raises:
        PolicyCheckError: The text is no TOML.
    """
    file = Toml(FUND_UNITS, text)
    file.refuse_others(_SECTIONS)
    found = FundUnits(
        threshold=_number(file, 2, 1_000, "threshold"),
        people_floor=_number(file, 2, 10_000, "people_floor"),
        note_words=_number(file, 0, MOST_WORDS, "note_words"),
        max_count=_number(file, 1, MOST_UNITS, "max_count"),
        max_units=_number(file, 1, MOST_UNITS, "max_units"),
        max_cents=_number(file, 1, MOST_CENTS, "max_cents"),
        services={word: _service(file, word) for word in _words(file, "service")},
        stages={word: file.get(str, "stage", word) for word in _words(file, "stage")},
        outcomes={word: file.get(str, "outcome", word) for word in _words(file, "outcome")},
        lines={word: _line(file, word) for word in _words(file, "line")},
        banded=_banded(file),
        reasons={word: file.get(str, "reason", word) for word in _words(file, "reason")},
        words=_note(file),
    )
    if (
        found.banded.bands
        and found.people_floor < found.banded.bands[-1 if len(found.banded.bands) < 2 else 1]
    ):
        file.note("`people_floor` is below the end of the first band", "people_floor")
    return (None if file.findings else found), file.findings


def _number(file: Toml, least: int, most: int, *path: str) -> int:
    at: object = file.data
    for name in path:
        at = at.get(name) if isinstance(at, dict) else None
    if type(at) is int and least <= at <= most:
        return at
    file.note(f"`{'.'.join(path)}` must be a whole number from {least:,} to {most:,}", *path)
    return least


def _words(file: Toml, section: str) -> list[str]:
    words = list(file.table(section))
    if not words:
        file.note(f"`{section}` names nothing", section)
    for word in words:
        if not _WORD.fullmatch(word):
            file.note(f"`{word[:40]}` is no word of lower-case letters, digits and `-`", section, word)
    return words


def _service(file: Toml, word: str) -> Service:
    path = ("service", word)
    file.refuse_others(_SERVICE, *path)
    counts = file.get(str, *path, "counts")
    if counts not in (EVENTS, CASES):
        file.note(f"`counts` must be `{EVENTS}` or `{CASES}`", *path, "counts")
    _evidence(file, *path, "evidence")
    has_cap = "cap_cents" in file.table(*path)
    if has_cap:
        _evidence(file, *path, "cap_evidence")
    return Service(
        says=file.get(str, *path, "says"),
        unit=file.get(str, *path, "unit"),
        counts=counts,
        detained=file.get(bool, *path, "detained", default=False),
        staged=file.get(bool, *path, "staged", default=False),
        cap_cents=_number(file, 1, MOST_CENTS, *path, "cap_cents") if has_cap else None,
        cap_decides=_decides(file, *path, "cap_standing"),
    )


def _line(file: Toml, word: str) -> Line:
    path = ("line", word)
    file.refuse_others(_LINE, *path)
    _evidence(file, *path, "evidence")
    return Line(
        says=file.get(str, *path, "says"),
        priced=file.get(bool, *path, "priced", default=False),
        share_percent=_number(file, 1, 100, *path, "share_percent")
        if "share_percent" in file.table(*path)
        else None,
        is_off=file.get(bool, *path, "off", default=False),
        decides=_decides(file, *path, "standing"),
    )


def _evidence(file: Toml, *path: str) -> None:
    if not _SOURCE.fullmatch(file.get(str, *path)):
        file.note(f"`{path[-1]}` must be a source such as S114, or `derived`", *path)


def _decides(file: Toml, *path: str) -> bool:
    standing = file.get(str, *path, default="needs-counsel")
    if standing not in STANDINGS:
        file.note(f"`{path[-1]}` must be one of {', '.join(STANDINGS)}", *path)
    return standing in STANDINGS[:2]


def _banded(file: Toml) -> Banded:
    file.refuse_others(("bands", "wards", "zip3", "language"), "banded")
    bands = file.get(list, "banded", "bands")
    if (
        len(bands) < 2
        or any(type(one) is not int for one in bands)
        or bands[0] != 0
        or sorted(set(bands)) != bands
    ):
        file.note("`banded.bands` must be whole numbers that rise, the first 0", "banded", "bands")
        bands = [0, 10]
    return Banded(
        tuple(bands), _number(file, 1, 999, "banded", "wards"), _texts(file, "zip3"), _texts(file, "language")
    )


def _texts(file: Toml, key: str) -> tuple[str, ...]:
    found = file.get(list, "banded", key)
    if not found or not all(
        isinstance(one, str) and re.fullmatch(r"[0-9]{3}|[a-z-]{1,40}", one) for one in found
    ):
        file.note(f"`banded.{key}` must be words or three digits", "banded", key)
        return ()
    return tuple(found)


def _note(file: Toml) -> frozenset[str]:
    file.refuse_others(("words",), "note")
    words = file.get(list, "note", "words")
    if not all(isinstance(one, str) and _NOTE_WORD.fullmatch(one) for one in words):
        file.note("`note.words` must be words of small letters a to z", "note", "words")
        return frozenset()
    return frozenset(words)
