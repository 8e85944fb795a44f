"""The rows of a CSV of published pages: what each agency says of its own plate readers, and on which day it said so.

Every cell is somebody else's text and is trusted in nothing.
"""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from doorward.errors import ConfigError
from doorward.lookback.published.partners import name_words

COLUMNS: Final = (
    "agency",
    "snapshot",
    "crawled_name",
    "acceptable_use_policy",
    "prohibited_uses",
    "access_policy",
    "hotlist_policy",
    "sharing_with_partners",
    "sharing_restrictions",
    "data_retention_days",
    "searches_30d",
    "hotlists_alerted_on",
    "n_sharing_outbound",
    "sharing_outbound",
)
MAX_ROWS: Final = 100_000
MAX_CELL: Final = 4_000_000  # a list of 80,000 partners; the longest seen is 30,000 characters
MAX_TEXT: Final = 50_000  # of the words of one box; the longest seen has 1,100
MAX_NAME: Final = 500
MAX_DAYS: Final = 99_999
_SLUG = re.compile(r"[a-z0-9-]{1,100}")
_EXPORT = re.compile(r"(?P<slug>[a-z0-9-]{1,100})__(?P<on>[0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.[a-z.]+)?")


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """What one page said on one day.

    Args:
        agency: The page's own name of the agency: small letters, digits and hyphens.
        name: The agency as the page writes it.
        acceptable: This and the other texts stand as published.
        retention_days: From the page's own box; None where it is empty.
        searches_30d: How many searches the page counts in its last 30 days; an export of that day has as many rows.
        partners: With whom the page says that data is shared, in its order.
    """

    agency: str
    snapshot: date
    name: str
    acceptable: str
    prohibited: str
    access: str
    hotlist: str
    hotlists: str
    sharing_with: str
    sharing_restrictions: str
    retention_days: int | None
    searches_30d: int | None
    partners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """The row that an export is held against, and what a reader has to know of the choice.

    Args:
        note: Empty where the row is of the export's own day or before it.
    """

    row: PolicyRow
    note: str = ""


def parse_rows(text: str, *, file: str = "policies") -> tuple[PolicyRow, ...]:
    """Return the rows of a CSV, in its order.

    Args:
        text: The whole file; a byte order mark is allowed.
        file: Its name, for messages.

    Raises:
        ConfigError: It is no such CSV; names the row, a header being row 1, and never what stands in it.
    """
    before = csv.field_size_limit(MAX_CELL)
    try:
        reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise ConfigError(f"`{file}` has no column {', '.join(f'`{name}`' for name in missing)}")
        rows: list[PolicyRow] = []
        for number, raw in enumerate(reader, start=2):
            if len(rows) >= MAX_ROWS:
                raise ConfigError(f"`{file}` has more than {MAX_ROWS} rows")
            if None in raw or None in raw.values():
                raise ConfigError(f"row {number} of `{file}` has not as many cells as the header")
            rows.append(_row(raw, f"row {number} of `{file}`"))
    except csv.Error as error:
        raise ConfigError(f"`{file}` is no CSV: {error}") from error
    finally:
        csv.field_size_limit(before)
    seen: set[tuple[str, date]] = set()
    for row in rows:
        if (row.agency, row.snapshot) in seen:
            raise ConfigError(f"`{file}` has two rows of `{row.agency}` on {row.snapshot}")
        seen.add((row.agency, row.snapshot))
    return tuple(rows)


def newest_rows(rows: Sequence[PolicyRow], *, on: date | None = None) -> tuple[PolicyRow, ...]:
    """Return one row an agency, in the order of their names: the newest, or the newest at or before a day.

    Args:
        on: An agency whose pages are all of later days is left out.
    """
    chosen: dict[str, PolicyRow] = {}
    for row in rows:
        if on is not None and row.snapshot > on:
            continue
        held = chosen.get(row.agency)
        if held is None or row.snapshot > held.snapshot:
            chosen[row.agency] = row
    return tuple(chosen[name] for name in sorted(chosen))


def pack_for(rows: Sequence[PolicyRow], owner: str, *, on: date | None = None) -> Match | None:
    """Return the row that an export of an agency is held against; None where no agency, or more than one, is meant.

    The row is the newest at or before the export; where there is none, the oldest after it, with a note.

    Args:
        owner: The name of an export's file (`alameda-ca-pd__2026-04-19.csv`), of its agency as the page writes it, or
            its short name. A name is compared word for word, never by likeness.
        on: The day of the export; without it the day in the file's name, else the newest row is taken.
    """
    bare = re.split(r"[/\\]", owner.strip())[-1]
    named = parse_export_name(bare)
    wanted = named[0] if named else bare.lower()
    day = on or (named[1] if named else None)
    agencies = {row.agency for row in rows if row.agency == wanted}
    if not agencies:
        agencies = {row.agency for row in rows if name_words(row.name) == name_words(bare)}
    if len(agencies) != 1 or not bare:
        return None
    held = sorted((row for row in rows if row.agency in agencies), key=lambda row: row.snapshot)
    if day is None:
        return Match(held[-1], "the export has no date, so the newest page was taken")
    before = [row for row in held if row.snapshot <= day]
    if before:
        return Match(before[-1])
    days = (held[0].snapshot - day).days
    note = (
        f"no page of that day or before it is at hand; the page is of {held[0].snapshot}, {days} days later"
    )
    return Match(held[0], note)


def check_count(row: PolicyRow, rows: int, *, on: date | None) -> str:
    """Return what is wrong where an export of the page's own day has not as many rows as the page counts; else nothing.

    Args:
        rows: Of the export, before duplicates are taken out.
        on: The day of the export; a page of another day counts other days, and says nothing of it.
    """
    if row.searches_30d is None or on != row.snapshot or rows == row.searches_30d:
        return ""
    return f"the page of {row.snapshot} counts {row.searches_30d} searches in 30 days, and the export has {rows} rows"


def parse_export_name(name: str) -> tuple[str, date] | None:
    """Return the short name and the day in the name of an export, `alameda-ca-pd__2026-04-19.csv`; None for others."""
    named = _EXPORT.fullmatch(name)
    on = _day(named["on"]) if named else None
    return (named["slug"], on) if named and on else None


def _row(raw: dict[str, str], place: str) -> PolicyRow:
    if not _SLUG.fullmatch(raw["agency"]):
        raise ConfigError(
            f"{place}: the agency is no short name", hint="small letters, digits, hyphens: sample-town-pd"
        )
    on = _day(raw["snapshot"])
    if on is None:
        raise ConfigError(f"{place}: the snapshot is no date", hint="as in 2026-04-19")
    words = (*(raw[column] for column in COLUMNS[3:9]), raw["hotlists_alerted_on"])
    if any(len(text) > MAX_TEXT for text in words):
        raise ConfigError(f"{place}: a text of the page is longer than {MAX_TEXT} characters")
    name = " ".join("".join(c if c.isprintable() else " " for c in raw["crawled_name"]).split())
    return PolicyRow(
        agency=raw["agency"],
        snapshot=on,
        name=(name or raw["agency"])[:MAX_NAME],
        acceptable=raw["acceptable_use_policy"],
        prohibited=raw["prohibited_uses"],
        access=raw["access_policy"],
        hotlist=raw["hotlist_policy"],
        hotlists=raw["hotlists_alerted_on"],
        sharing_with=raw["sharing_with_partners"],
        sharing_restrictions=raw["sharing_restrictions"],
        retention_days=_days(raw["data_retention_days"], place),
        searches_30d=_count(raw["searches_30d"], place),
        partners=_partners(raw["sharing_outbound"], place),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None


def _days(text: str, place: str) -> int | None:
    plain = text.strip()
    if not plain:
        return None
    if not re.fullmatch(r"[0-9]{1,5}", plain) or not 0 < int(plain) <= MAX_DAYS:
        raise ConfigError(f"{place}: the days of retention are no number of days from 1 to {MAX_DAYS}")
    return int(plain)


def _count(text: str, place: str) -> int | None:
    plain = text.strip().replace(",", "")
    if not plain:
        return None
    if not re.fullmatch(r"[0-9]{1,12}", plain):
        raise ConfigError(f"{place}: the count of searches is no number")
    return int(plain)


def _partners(text: str, place: str) -> tuple[str, ...]:
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{place}: the list of partners is no JSON") from error
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise ConfigError(f"{place}: the list of partners is no list of names")
    if any(len(name) > MAX_NAME for name in found):
        raise ConfigError(f"{place}: a partner's name is longer than {MAX_NAME} characters")
    return tuple(dict.fromkeys(" ".join(name.split()) for name in found if name.strip()))
