"""A server's own audit as accesses: who read which table, when, by which command; no text of a statement is kept.

A row is one table of one statement. The searcher is the role that logged in, or the application, where a pooled role
says nothing of who was there; the matching of agencies takes either by an alias.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from doorward.lookback.reading.pgaudit import COLUMNS, PREFIX, RELATIONS, AuditLine, Read, read_pgaudit
from doorward.lookback.reading.raw import MAX_LISTED, RawTable, Reject, write_raw

if TYPE_CHECKING:
    import duckdb

LAYOUT: Final = "cells"
LOG: Final = "database"
HEADER: Final = ("id", "searcher", "account", "at", "kind", "object", "command")
OTHER: Final = "another line of the server's log"
NO_TABLE: Final = "an audit line that names no table"
NO_ROWS: Final = "an audit line of a statement that reads and writes no rows"
ROWS: Final = frozenset({"READ", "WRITE"})
_MESSAGE: Final = 13


class Searcher(StrEnum):
    """Who counts as the one who searched."""

    ROLE = "role"
    APPLICATION = "application"


def is_csvlog(cells: Sequence[str]) -> bool:
    """Return whether a record is a line of PostgreSQL's csvlog: by its width, its time and its level."""
    return len(cells) in COLUMNS and cells[0][4:5] == "-" and cells[11] in {
        "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "LOG", "FATAL", "PANIC",
    }  # fmt: skip


def is_pgaudit(cells: Sequence[str]) -> bool:
    """Return whether a line of csvlog is one of pgaudit."""
    return is_csvlog(cells) and cells[_MESSAGE].startswith(PREFIX)


def read_database_log(
    connection: "duckdb.DuckDBPyConnection",
    lines: Iterable[str],
    path: Path,
    *,
    searcher: Searcher = Searcher.ROLE,
) -> RawTable:
    """Return the accesses that a csvlog with pgaudit tells of; the header is the names of the cells.

    `row` is the number of the record in the file. The id is session, statement and table, so that a line that stands in
    two files counts once.

    Args:
        connection: Of the engine; nothing is left in it.
        lines: Of the file, with their ends: a field may hold some.
        path: Of the Parquet file that is written.
        searcher: Whom `searcher` names.

    Raises:
        ConfigError: The engine cannot write the table.
    """
    read = Read()
    left: Counter[str] = Counter()
    records = _records(read_pgaudit(lines, read), read, left, searcher)
    write_raw(connection, path, len(HEADER), records)
    if read.other:
        left[OTHER] = read.other
    return RawTable(
        path=path,
        header=HEADER,
        sheet="",
        layout=LAYOUT,
        rejects=tuple(Reject("", one.line, one.reason) for one in read.rejected[:MAX_LISTED]),
        rejected_by=Counter(one.reason for one in read.rejected),
        other_by=dict(left),
        notes=(f"the searcher is the {searcher} of the database",),
    )


def _records(
    lines: Iterable[AuditLine], read: Read, left: Counter[str], searcher: Searcher
) -> Iterator[tuple[str, int, Sequence[str | None]]]:
    for line in lines:
        if line.object_type not in RELATIONS or not line.object_name:
            left[NO_TABLE] += 1
            continue
        if line.audit_class not in ROWS:
            left[NO_ROWS] += 1
            continue
        who = line.user if searcher is Searcher.ROLE else line.application
        yield "", read.lines, (
            f"{line.session}/{line.statement}/{line.object_name}",
            who,
            line.user,
            line.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            line.audit_class,
            line.object_name,
            line.command,
        )  # fmt: skip
