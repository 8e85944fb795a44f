"""Oracle's unified audit trail as accesses: an export of UNIFIED_AUDIT_TRAIL, by its documented columns.

Oracle writes a time as its session was told to: `27-NOV-25 01.02.03.123456 PM +00:00`. EVENT_TIMESTAMP_UTC is in UTC;
EVENT_TIMESTAMP is in the time zone of the session that asked, and where its text names none, nobody can know which. A
statement that the database refused (RETURN_CODE other than 0) read nothing, and is counted apart. The text of a
statement is not kept.

Source: Oracle Database Reference 23, UNIFIED_AUDIT_TRAIL.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from doorward.errors import MalformedError
from doorward.lookback.queries import read_sql
from doorward.lookback.reading.headings import normalise_label
from doorward.lookback.reading.raw import RawTable, quote_path

if TYPE_CHECKING:
    import duckdb

LAYOUT: Final = "cells"
LOG: Final = "database"
HEADER: Final = ("id", "searcher", "account", "at", "kind", "object", "command")
REFUSED: Final = "a statement that the database refused: nothing was read"
NO_OBJECT: Final = "an event that names no table: a login, a session, a setting"
NO_ZONE: Final = (
    "EVENT_TIMESTAMP names no time zone, and is read in that of `--timezone`, or as UTC; "
    "EVENT_TIMESTAMP_UTC would tell"
)
# Two digits of a year are of 2000 to 2049 or 1950 to 1999, as Oracle's RR reads them.
TIME: Final = (
    r"\s*([0-9]{1,2})-([A-Za-z]{3})-([0-9]{2}|[0-9]{4})\s+([0-9]{1,2})[.:]([0-9]{2})[.:]([0-9]{2})"
    r"(?:[.,]([0-9]{1,9}))?(?:\s*([AaPp])[Mm])?(?:\s*([+-][0-9]{1,2}:?[0-9]{2}|UTC|GMT|Z))?\s*"
)
MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
CHOSEN: Final = {  # what each part of an access is read from, the first that a row has
    "session": ("sessionid",),
    "entry": ("entryid", "statementid"),
    "searcher": ("dbusername",),
    "account": ("clientidentifier", "osusername", "dbusername"),
    "time": ("eventtimestamputc", "eventtimestamp"),
    "kind": ("audittype",),
    "schema": ("objectschema",),
    "object": ("objectname",),
    "command": ("actionname",),
    "code": ("returncode",),
}
_TIME: Final = re.compile(TIME)
_NAMES_ZONE: Final = re.compile(r"(?:[+-][0-9]{1,2}:?[0-9]{2}|UTC|GMT|Z)\s*$")


def is_oracle(header: Sequence[str]) -> bool:
    """Return whether a header is that of an export of the unified audit trail."""
    labels = {normalise_label(label) for label in header}
    return {"dbusername", "actionname"} <= labels and bool({"eventtimestamp", "eventtimestamputc"} & labels)


def parse_time(text: str) -> str | None:
    """Return one of Oracle's times as ISO 8601 with the offset that it names, or None; `read_oracle` does it in SQL.

    A text that is ISO 8601 already, or anything else, is none of Oracle's and is left to the mapping.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    day, month, year, hour, minute, second, fraction, half, zone = found.groups()
    number = int(hour)
    if month.upper() not in MONTHS or number > 23 or (half and not 1 <= number <= 12):  # a clock
        return None
    if half:
        number = number % 12 + (12 if half in "Pp" else 0)
    full = int(year) + (0 if len(year) == 4 else 2000 if int(year) < 50 else 1900)  # RR
    offset = ""
    if zone:
        digits = "0000" if zone in {"UTC", "GMT", "Z"} else zone[1:].replace(":", "").zfill(4)
        offset = f"{zone[0] if zone[0] in '+-' else '+'}{digits[:2]}:{digits[2:]}"
    return (
        f"{full:04d}-{MONTHS.index(month.upper()) + 1:02d}-{int(day):02d}T{number:02d}:{minute}:{second}"
        f".{(fraction or '0')[:6].ljust(6, '0')}{offset}"
    )


def read_oracle(connection: "duckdb.DuckDBPyConnection", table: RawTable, path: Path) -> RawTable:
    """Return the accesses of an export; the header is the names of the cells.

    Args:
        connection: Of the engine; nothing is left in it.
        table: The export as texts, whatever form of file it came in.
        path: Of the Parquet file that is written.

    Raises:
        MalformedError: It has no columns of the unified audit trail.
    """
    if not is_oracle(table.header):
        raise MalformedError("expected DBUSERNAME, ACTION_NAME and EVENT_TIMESTAMP_UTC in the header")
    labels = [normalise_label(label) for label in table.header]
    query = read_sql("oracle")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE oracle_times AS "
        "SELECT unnest($1::VARCHAR[]) AS month, unnest(range(1, 13)) AS number",
        [list(MONTHS)],
    )
    chosen = ", ".join(f"{_column(labels, *names)} AS {name}" for name, names in CHOSEN.items())
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE oracle_rows AS SELECT sheet, row, {chosen} FROM read_parquet($1)",  # noqa: S608  # names of our own
        [str(table.path)],
    )
    connection.execute(f"COPY ({query}) TO '{quote_path(path)}' (FORMAT parquet, COMPRESSION zstd)", [TIME])
    refused, without, bare = connection.execute(
        "SELECT count(*) FILTER (coalesce(code, '0') <> '0'), "
        "count(*) FILTER (coalesce(code, '0') = '0' AND object IS NULL), "
        "count(*) FILTER (time IS NOT NULL AND NOT regexp_matches(time, $1)) FROM oracle_rows",
        [_NAMES_ZONE.pattern],
    ).fetchall()[0]
    connection.execute("DROP TABLE oracle_rows; DROP TABLE oracle_times")
    other = {**table.other_by, REFUSED: refused, NO_OBJECT: without}
    local = bare and "eventtimestamputc" not in labels
    return RawTable(
        path=path,
        header=HEADER,
        sheet=table.sheet,
        layout=LAYOUT,
        rejects=table.rejects,
        rejected_by=table.rejected_by,
        blank=table.blank,
        repeated_headers=table.repeated_headers,
        notes=(*table.notes, *([NO_ZONE] if local else [])),
        other_by={what: count for what, count in other.items() if count},
    )


def _column(labels: Sequence[str], *names: str) -> str:
    """Return SQL of the first of some columns that has a text in a row."""
    found = [f"nullif(trim(c{labels.index(name)}), '')" for name in names if name in labels]
    return f"coalesce({', '.join(found)})" if found else "NULL::VARCHAR"
