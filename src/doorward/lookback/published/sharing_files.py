"""The files of a comparison of sharing: a vendor's partner lists, agreements and declarations on file. Pure."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from doorward.errors import ConfigError
from doorward.lookback.published.partners import CODES
from doorward.lookback.published.rows import PolicyRow

MAX_ROWS: Final = 200_000
PAPER_COLUMNS: Final = ("agency", "kind", "from", "until", "evidence")
PAPER_EXTRAS: Final = ("owner", "days")
NETWORK_COLUMNS: Final = ("organization name", "networks shared with me", "networks i'm sharing")
PARTICIPATING_COLUMNS: Final = ("STATE", "LAW ENFORCEMENT AGENCY", "SUPPORT TYPE", "SIGNED")
_NONE: Final = frozenset({"", "0", "no", "none", "false", "-", "n/a"})


@dataclass(frozen=True, slots=True)
class Shared:
    """One partner of a list.

    Args:
        outward: The owner's data is open to it.
        inward: Its data is open to the owner.
    """

    name: str
    outward: bool = True
    inward: bool = False


@dataclass(frozen=True, slots=True)
class SharingList:
    """With whom one agency shares on one day, and its other settings.

    Args:
        agency: Its short name; what two days are compared by.
        on: None where the file does not say.
        settings: By name; what a change of is told.
        source: The file, for the report.
    """

    agency: str
    name: str
    on: date | None
    partners: tuple[Shared, ...]
    settings: Mapping[str, str]
    source: str


@dataclass(frozen=True, slots=True)
class Paper:
    """An agreement or a declaration on file.

    Args:
        owner: Whose it is; the empty text is anybody's.
        since: From when; None is always.
        until: The last day; None is without an end.
        days: Of a paper on retention: how many.
    """

    agency: str
    kind: str
    since: date | None
    until: date | None
    evidence: str
    owner: str = ""
    days: int | None = None

    def holds(self, on: date) -> bool:
        """Return whether it is in force on a day; both ends count."""
        return (self.since is None or self.since <= on) and (self.until is None or on <= self.until)


@dataclass(frozen=True, slots=True)
class Participant:
    """An agency on the federal list of 287(g) agreements."""

    name: str
    state: str
    support: str
    signed: date | None


def list_of(row: PolicyRow, source: str) -> SharingList:
    """Return the sharing list of a published page."""
    settings = {
        "data retention days": "" if row.retention_days is None else str(row.retention_days),
        "prohibited uses": row.prohibited,
        "acceptable use policy": row.acceptable,
        "access policy": row.access,
        "hotlist policy": row.hotlist,
        "hotlists alerted on": row.hotlists,
        "sharing": "\n".join(filter(None, (row.sharing_with, row.sharing_restrictions))),
    }
    partners = tuple(Shared(name) for name in row.partners)
    plain = {name: " ".join(text.split()) for name, text in settings.items()}
    return SharingList(row.agency, row.name, row.snapshot, partners, plain, source)


def parse_networks(text: str, *, file: str, owner: str, on: date | None) -> SharingList:
    """Return the partner list of a vendor's export of shared networks.

    Args:
        text: CSV with the columns `Organization Name`, `Networks Shared With Me`, `Networks I'm Sharing`.
        file: Its name, for messages.
        owner: Whose list it is; the file does not say.
        on: The day of the export.

    Raises:
        ConfigError: It is no such CSV; names the row.
    """
    found: dict[str, Shared] = {}
    for number, row in _rows(text, file, NETWORK_COLUMNS):
        name = " ".join(row[NETWORK_COLUMNS[0]].split())
        if not name:
            raise ConfigError(f"row {number} of `{file}` names no organisation")
        inward, outward = (row[column].strip().lower() not in _NONE for column in NETWORK_COLUMNS[1:])
        held = found.get(name, Shared(name, outward=False))
        found[name] = Shared(name, outward=held.outward or outward, inward=held.inward or inward)
    return SharingList(owner.lower(), owner, on, tuple(found.values()), {}, file)


def is_networks(text: str) -> bool:
    """Return whether a text has the header of an export of shared networks."""
    try:
        header = next(csv.reader(io.StringIO(text[:10_000].removeprefix("\ufeff"), newline="")), [])
    except csv.Error:
        return False
    return {*NETWORK_COLUMNS} <= {_column(name) for name in header}


def parse_papers(text: str, *, file: str) -> tuple[Paper, ...]:
    """Return the agreements or declarations of a CSV.

    Args:
        text: CSV with the columns of `PAPER_COLUMNS`; `owner` and `days` may stand beside them.
        file: Its name, for messages.

    Raises:
        ConfigError: It is no such CSV; names the row, a header being row 1.
    """
    papers = []
    for number, row in _rows(text, file, PAPER_COLUMNS):
        place = f"row {number} of `{file}`"
        agency, evidence = " ".join(row["agency"].split()), row["evidence"].strip()
        if not agency:
            raise ConfigError(f"{place} names no agency")
        if not evidence:
            raise ConfigError(
                f"{place} names no evidence", hint="where the paper is kept: a number, a page, a digest"
            )
        since, until = (_day(row[column].strip(), place, column) for column in ("from", "until"))
        if since is not None and until is not None and until < since:
            raise ConfigError(f"{place} ends before it begins")
        days = row.get("days", "").strip()
        if days and not re.fullmatch(r"[1-9][0-9]{0,4}", days):
            raise ConfigError(f"{place}: `days` is no number of days")
        owner = " ".join(row.get("owner", "").split())
        papers.append(
            Paper(agency, row["kind"].strip(), since, until, evidence, owner, int(days) if days else None)
        )
    return tuple(papers)


def read_participants(rows: Sequence[Sequence[object]], *, file: str) -> tuple[Participant, ...]:
    """Return the agencies of the federal list of 287(g) agreements.

    Args:
        rows: Of its first sheet, as read; the header first.
        file: Its name, for messages.

    Raises:
        ConfigError: A column is missing, or a State is none.
    """
    header = [str(cell).strip().upper() for cell in rows[0]] if rows else []
    missing = [name for name in PARTICIPATING_COLUMNS if name not in header]
    if missing:
        raise ConfigError(f"`{file}` has no column `{missing[0]}`", hint="the list of participating agencies")
    at = {name: header.index(name) for name in PARTICIPATING_COLUMNS}
    found = []
    for number, row in enumerate(rows[1:], start=2):
        state, name, support, signed = (row[at[column]] if at[column] < len(row) else "" for column in at)
        if not str(name).strip():
            continue
        code = CODES.get(" ".join(str(state).upper().split()))
        if code is None:
            raise ConfigError(f"row {number} of `{file}` names no State")
        when = signed if isinstance(signed, date) else None
        found.append(Participant(" ".join(str(name).split()), code, str(support).strip(), when))
    return tuple(found)


def _rows(text: str, file: str, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
        header = [_column(name) for name in next(reader, [])]
        missing = [name for name in columns if name not in header]
        if missing:
            raise ConfigError(f"`{file}` has no column `{missing[0]}`", hint=f"columns: {', '.join(columns)}")
        for number, row in enumerate(reader, start=2):
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header) or number > MAX_ROWS:
                raise ConfigError(f"row {number} of `{file}` has not {len(header)} cells, or is one too many")
            yield number, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise ConfigError(f"`{file}` is no CSV: {error}") from error


def _column(name: str) -> str:
    return " ".join(name.replace("\u2019", "'").lower().split())


def _day(text: str, place: str, column: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{place}: `{column}` is no date", hint="as in 2026-04-19, or nothing") from error
