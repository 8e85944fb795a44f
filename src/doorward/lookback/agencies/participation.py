"""Agreements under 8 U.S.C. 1357(g), "287(g)": which agencies have signed one, since when, and which have asked.

Source: ICE's lists of participating and of pending agencies, XLSX, one row an agreement: `STATE`, `LAW ENFORCEMENT
AGENCY`, `TYPE`, `COUNTY`, `SUPPORT TYPE`, and `SIGNED` in the first. A list speaks of the day on which it was made: of
an agency that is not on it nothing is known for later days, and none of the lists says when an agreement ended.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from doorward.errors import ConfigError
from doorward.lookback.agencies.agency_words import STATES, Kind
from doorward.lookback.agencies.listed import name_key
from doorward.lookback.agencies.match import ListMatcher
from doorward.lookback.agencies.names import AgencyName, parse_agency_name, plain

COLUMNS: Final = ("STATE", "LAW ENFORCEMENT AGENCY", "SUPPORT TYPE")
AGENCY, COUNTY, SIGNED, SUPPORT, STATE, TYPE = (
    "LAW ENFORCEMENT AGENCY", "COUNTY", "SIGNED", "SUPPORT TYPE", "STATE", "TYPE",
)  # fmt: skip
MAX_BYTES: Final = 64 * 1024 * 1024
MAX_ROWS: Final = 100_000
_FILE_DAY: Final = re.compile(
    r"(?P<month>\d{2})(?P<day>\d{2})(?P<year>20\d{2})(?:am|pm)?\.xlsx$", re.IGNORECASE
)
_EPOCH: Final = date(1899, 12, 30)


@dataclass(frozen=True, slots=True)
class Agreement:
    """One row of a list.

    Args:
        ori: Of the list of agencies, or empty.
        signed: None on a list of pending ones, and where the cell is no date.
        row: As a spreadsheet counts.
    """

    agency: str
    state: str
    support: str
    signed: date | None
    ori: str
    row: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What the lists say of one agency.

    Args:
        participating: True on the list, False not on it, None where no list is given or the agency is not known.
        since: The first day of the earliest agreement; None where it is not on the list or no date can be read.
        pending: Whether it is on the list of pending ones.
        support: The kinds of agreement.
    """

    participating: bool | None = None
    since: date | None = None
    pending: bool = False
    support: tuple[str, ...] = ()


class Participation:
    """The lists, ordered for looking up.

    Args:
        agreements: Of the list of participating agencies; None where none is given.
        pending: Of the list of pending ones.
        as_of: The day of the first list.
    """

    def __init__(
        self,
        agreements: Sequence[Agreement] | None,
        pending: Sequence[Agreement] = (),
        *,
        as_of: date | None = None,
    ) -> None:
        self.given = agreements is not None
        self.as_of = as_of
        self.agreements = tuple(agreements or ())
        self.pending = tuple(pending)
        self._signed = _index(self.agreements)
        self._pending = _index(self.pending)

    @property
    def unreadable(self) -> tuple[Agreement, ...]:
        """Agreements whose day of signing is no date."""
        return tuple(one for one in self.agreements if one.signed is None)

    def of(self, name: AgencyName, ori: str) -> Standing:
        """Return what the lists say of an agency, by its ORI, and by its name in its state where that has none."""
        key = name_key(name)
        if not ori and key is None:
            return Standing()
        pending = bool(self._find(self._pending, ori, key))
        if not self.given:
            return Standing(None, None, pending)
        found = self._find(self._signed, ori, key)
        if not found:
            return Standing(participating=False, pending=pending)
        days = sorted(one.signed for one in found if one.signed is not None)
        support = tuple(sorted({one.support for one in found}))
        return Standing(participating=True, since=days[0] if days else None, pending=pending, support=support)

    @staticmethod
    def _find(
        index: dict[object, list[Agreement]], ori: str, key: tuple[str, Kind, str] | None
    ) -> list[Agreement]:
        return (index.get(ori, []) if ori else []) or (index.get(key, []) if key else [])


def participating_on(standing: Standing, at: date, *, as_of: date | None) -> bool | None:
    """Return whether an agency had signed an agreement by a day; None where the list cannot tell.

    Args:
        standing: Of the agency.
        at: The day of the access.
        as_of: The day of the list: after it nothing is known of agencies that are not on it.
    """
    if standing.participating is None:
        return None
    if not standing.participating:
        return False if as_of is not None and at <= as_of else None
    return None if standing.since is None else at >= standing.since


def load_participation(
    participating: Path | None,
    pending: Path | None,
    matcher: ListMatcher | None,
    *,
    as_of: date | None = None,
) -> Participation:
    """Return what the lists say.

    Args:
        participating: ICE's list of participating agencies, XLSX; None where not given.
        pending: Its list of pending ones.
        matcher: Gives the rows their ORIs.
        as_of: The day of the list; None reads it from the name of the file as ICE writes it.

    Raises:
        ConfigError: A file cannot be read, lacks a column, or python-calamine is not installed.
    """
    agreements = None if participating is None else load_agreements(participating, matcher, signed=True)
    if as_of is None and participating is not None:
        as_of = _day_of_file(participating.name)
    return Participation(
        agreements, () if pending is None else load_agreements(pending, matcher, signed=False), as_of=as_of
    )


def load_agreements(file: Path, matcher: ListMatcher | None, *, signed: bool) -> tuple[Agreement, ...]:
    """Return the agreements of one list.

    Raises:
        ConfigError: As `load_participation`.
    """
    rows = read_sheet(file)
    head = [str(cell).strip().upper() for cell in rows[0]] if rows else []
    missing = [one for one in (*COLUMNS, *((SIGNED,) if signed else ())) if one not in head]
    if missing:
        raise ConfigError(
            f"`{file.name}` has no column {', '.join(f'`{one}`' for one in missing)}",
            hint="expected ICE's list of 287(g) agencies as it publishes it",
        )
    found = []
    for number, row in enumerate(rows[1:MAX_ROWS], start=2):
        cells = dict(zip(head, row, strict=False))
        agency = " ".join(str(cells[AGENCY]).split())
        state = STATES.get(plain(str(cells[STATE])), "")
        if not agency or not state:
            continue
        ori = _find_ori(agency, state, str(cells.get(COUNTY, "")), matcher)
        day = parse_day(cells.get(SIGNED)) if signed else None
        found.append(Agreement(agency, state, " ".join(str(cells[SUPPORT]).split()), day, ori, number))
    return tuple(found)


def _find_ori(agency: str, state: str, county: str, matcher: ListMatcher | None) -> str:
    if matcher is None:
        return ""
    name = parse_agency_name(agency, state=state)
    found = matcher.find(name)
    if found.listed is None and found.candidates and county.strip():
        within = parse_agency_name(f"{agency} ({county.strip()})", state=state)
        found = matcher.find(within) if within.within else found
    return found.listed.ori if found.listed is not None else ""


def parse_day(cell: Any) -> date | None:  # noqa: ANN401  # what a sheet holds
    """Return the day of a cell: a date, a sheet's number of days, `2025-06-25`, `6/25/2025`; None for others."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, int | float) and not isinstance(cell, bool) and 1 <= cell <= 80_000:  # to 2119
        return _EPOCH + timedelta(days=int(cell))
    text = str(cell).strip()
    american = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text)
    try:
        return (
            date(int(american[3]), int(american[1]), int(american[2]))
            if american
            else date.fromisoformat(text)
        )
    except ValueError:
        return None


def read_sheet(file: Path) -> list[list[Any]]:
    """Return the rows of the first sheet of a workbook; raises ConfigError where it cannot be read."""
    try:
        import python_calamine
    except ImportError as error:
        raise ConfigError(
            "reading XLSX needs python-calamine", hint="pip install 'doorward[lookback]'"
        ) from error
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ConfigError(f"`{file.name}` is larger than {MAX_BYTES} bytes")
        book = python_calamine.CalamineWorkbook.from_path(file)
        return list(book.get_sheet_by_index(0).to_python())
    except (OSError, ValueError, IndexError, python_calamine.CalamineError) as error:
        raise ConfigError(f"`{file.name}` cannot be read as a workbook") from error


def _index(agreements: Iterable[Agreement]) -> dict[object, list[Agreement]]:
    index: dict[object, list[Agreement]] = {}
    for one in agreements:
        key = name_key(parse_agency_name(one.agency, state=one.state))
        for at in (one.ori, key):
            if at:
                index.setdefault(at, []).append(one)
    return index


def _day_of_file(name: str) -> date | None:
    found = _FILE_DAY.search(name)
    try:
        return date(int(found["year"]), int(found["month"]), int(found["day"])) if found else None
    except ValueError:
        return None
