"""Accepted reports as a JSON file, for a city that keeps them elsewhere than at the desk. Pure.

Only what is counted stands in it: days, the number of the agreement, and counts by words of the order. Any other key
refuses the whole file.
"""

import json
import re
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from doorward.errors import MalformedError
from doorward.fund.published.counted import Accepted

MAX_BYTES: Final = 32 * 1024 * 1024
MAX_COUNT: Final = 99_999
_WORD: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_KEYS: Final = {"agreement", "first", "last", "accepted", "returned", "units", "opened", "outcomes"}


def format_reports(reports: Iterable[Accepted]) -> bytes:
    """Return reports as a file, in the order of their days."""
    rows = [
        {
            "agreement": None if one.of is None else one.of[0],
            "first": None if one.of is None else one.of[1].isoformat(),
            "last": one.last.isoformat(), "accepted": one.accepted.isoformat(),
            "returned": None if one.returned is None else one.returned.isoformat(),
            "units": dict(one.units), "opened": dict(one.opened), "outcomes": dict(one.outcomes),
        }
        for one in reports
    ]  # fmt: skip
    lines = sorted(json.dumps(row, sort_keys=True) for row in rows)
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode()


def parse_reports(raw: bytes) -> tuple[Accepted, ...]:
    """Return the reports of a file.

    Args:
        raw: Of a City person.

    Raises:
        MalformedError: It is no such file; the message repeats no word of it.
    """
    if len(raw) > MAX_BYTES:
        raise MalformedError(f"a file of reports has at most {MAX_BYTES} bytes, got {len(raw)}")
    try:
        return tuple(_report(row) for row in _list(json.loads(raw)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    # Outside of `except`: the error bears words of the file.
    raise MalformedError(
        "expected a list of reports with last, accepted, units, opened and outcomes, and nothing else"
    )


def _list(read: object) -> list[Any]:
    if not isinstance(read, list):
        raise TypeError
    return read


def _report(row: dict[str, Any]) -> Accepted:
    if set(row) != _KEYS:
        raise TypeError
    last, accepted = (date.fromisoformat(row[key]) for key in ("last", "accepted"))
    first, returned = (
        None if row[key] is None else date.fromisoformat(row[key]) for key in ("first", "returned")
    )
    units, opened, outcomes = (_counts(row[key]) for key in ("units", "opened", "outcomes"))
    agreement = row["agreement"]
    if (agreement is None) != (first is None) or (agreement is not None and not _ID.fullmatch(agreement)):
        raise TypeError
    of = None if first is None else (agreement, first)
    return Accepted(last, accepted, units, opened, outcomes, returned, of)


def _counts(held: dict[str, Any]) -> dict[str, int]:
    for word, count in held.items():
        if not _WORD.fullmatch(word) or type(count) is not int or not 0 <= count <= MAX_COUNT:
            raise TypeError
    return dict(held)
