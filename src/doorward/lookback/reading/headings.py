"""Which row of a sheet is its header: known labels, found wherever they stand. Pure.

A spreadsheet that went through hands has titles above its header, a second export below the first, the header said
again in the middle. A row is a header because of what its cells say, never because of where it stands. Which name is
which cell is none of this module's business: the mapping knows layouts.
"""

import re
from collections.abc import Collection, Sequence
from typing import Final

LOOK_AT: Final = 60  # rows that are looked at for the first header; the deepest seen stands in row 9
LEAST_KNOWN: Final = 2
_PUNCTUATION: Final = re.compile(r"[^a-z0-9#]+")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
PIVOT: Final = re.compile(
    r"(?:row labels|column labels|grand total|(?:count|sum|average) of .+)", re.IGNORECASE
)

KNOWN: Final = frozenset(
    {
        # search audits; facts: each of them stands in a published export or in its vendor's description
        "id", "name", "orgname", "totalnetworkssearched", "totaldevicessearched", "timeframe", "licenseplate",
        "reason", "case#", "casenumber", "filters", "searchtime", "searchdate", "searchdatetime", "searchtype",
        "textprompt", "moderation", "offensetype", "userid", "networkcount", "cameracount", "plate", "user",
        # event and sharing lists of the same vendor
        "timestamp", "eventtype", "entitytype", "entitydetails", "eventid", "organizationname",
        "networkssharedwithme", "networksimsharing",
        # Oracle's unified audit trail
        "audittype", "sessionid", "osusername", "userhost", "terminal", "dbusername", "clientprogramname",
        "eventtimestamp", "eventtimestamputc", "actionname", "returncode", "objectschema", "objectname", "sqltext",
        "sqlbinds", "clientidentifier", "unifiedauditpolicies",
    }
)  # fmt: skip


def normalise_label(text: str) -> str:
    """Return a label in small letters without blanks and punctuation: `Case #` and `CASE_#` are one."""
    return _PUNCTUATION.sub("", text.lower())


def count_known(cells: Sequence[str], known: Collection[str] = KNOWN) -> int:
    """Return how many different known labels stand in a row."""
    return len(
        {label for cell in cells if len(cell) <= 64 and (label := normalise_label(cell)) in known}
    )  # no label is longer


def is_header(cells: Sequence[str], known: Collection[str] = KNOWN) -> bool:
    """Return whether a row is a header: two or more known labels, and they are half of what stands in it."""
    filled = sum(1 for cell in cells if cell.strip())
    found = count_known(cells, known)
    return found >= LEAST_KNOWN and found * 2 >= filled


def is_same_header(cells: Sequence[str], header: Sequence[str]) -> bool:
    """Return whether a row says a header again, blanks and letter case apart."""
    width = max(len(cells), len(header))
    padded = ([normalise_label(cell) for cell in row] + [""] * (width - len(row)) for row in (cells, header))
    left, right = padded
    return left == right


def find_header(rows: Sequence[Sequence[str]], known: Collection[str] = KNOWN) -> int | None:
    """Return which of the first rows is the header, or None."""
    return next((number for number, row in enumerate(rows[:LOOK_AT]) if is_header(row, known)), None)


def is_pivot(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first rows are a pivot table: a summary of a log, and none."""
    return any(
        PIVOT.fullmatch(cell.strip()) for row in rows[:LOOK_AT] for cell in row[:8] if len(cell) <= 64
    )  # as above


def has_ids(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether rows without a header are records: most of them hold a UUID."""
    found = sum(1 for row in rows if any(_UUID.fullmatch(cell.strip()) for cell in row))
    return found > 0 and found * 2 > len(rows)
