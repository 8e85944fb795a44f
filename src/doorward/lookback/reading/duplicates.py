"""Rows that say again what another row says: in the same file, in another of the same owner, in another owner's log.

The same search stands in the logs of many cities, in overlapping months, in a second release. `duplicates.parquet` has
a row for each that is not the first, with its kind and the place of the one that stays. Which ones to leave out is the
caller's: a count over all owners leaves out every kind, an audit of one owner keeps those of `another owner`.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from doorward.lookback.cells import State
from doorward.lookback.folder import AuditFolder
from doorward.lookback.queries import read_sql
from doorward.lookback.reading.accounting import SourceReport
from doorward.lookback.reading.raw import quote_path

if TYPE_CHECKING:
    import duckdb

ANOTHER: Final = "another owner"
KINDS: Final = ("same file", "same owner", ANOTHER)
ROWS_AT_ONCE: Final = 20_000_000  # keys of so many rows stand in 1 GB
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def duplicates_path(folder: AuditFolder) -> Path:
    """Return where the duplicates are: `file, sheet, row, kind, kept_file, kept_sheet, kept_row`."""
    return folder.root / "data/duplicates.parquet"


def find_duplicates(
    connection: "duckdb.DuckDBPyConnection",
    folder: AuditFolder,
    reports: Sequence[SourceReport],
    *,
    rows_at_once: int = ROWS_AT_ONCE,
) -> dict[int, dict[str, int]]:
    """Write `duplicates_path(folder)`, and return how many rows of each file are duplicates, by kind.

    Rows without an id and without a time have no key, and are never duplicates. Owners that are not known count as one.

    Args:
        connection: Of `open_engine`; temporary views of it are made and removed.
        folder: Its `rows` are those of `reports`.
        reports: Of `read_sources`.
        rows_at_once: Bounds the memory: with more rows, keys are looked at in parts.
    """
    counts = {report.file: dict.fromkeys(KINDS, 0) for report in reports}
    statements = _statements()
    with_id = [report for report in reports if set(report.states.get("id", ())) <= {State.VALUE}]
    for view, chosen in (
        ("rows_with_id", with_id),
        ("rows_read", [one for one in reports if one not in with_id]),
    ):
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {_rows(folder, chosen, reports)}")
    connection.execute("CREATE OR REPLACE TEMP TABLE owners (file INTEGER, owner VARCHAR)")
    connection.executemany("INSERT INTO owners VALUES (?, ?)", [[one.file, one.owner] for one in reports])
    connection.execute(statements["keys"])
    connection.execute("CREATE OR REPLACE TEMP TABLE repeated (key_one UBIGINT)")
    parts = 1 + sum(report.read for report in reports) // rows_at_once
    for part in range(parts):
        # No condition where one part is all: it would make every key twice.
        condition = f"WHERE key_one % {parts} = {part}" if parts > 1 else ""
        connection.execute(statements["repeated"].replace("{part}", condition))
    connection.execute(statements["ranked"])
    target = duplicates_path(folder)
    between = target.with_name(target.name + ".part")
    query = statements["duplicates"].rstrip().rstrip(";")
    if connection.execute("SELECT count(key_one) FROM repeated").fetchone() == (0,):
        query = f"SELECT * FROM ({query}) LIMIT 0"  # noqa: S608  # a query of our own; the rows need not be read again
    connection.execute(f"COPY ({query}) TO '{quote_path(between)}' (FORMAT parquet, COMPRESSION zstd)")
    between.replace(target)
    found = connection.execute(
        f"SELECT file, kind, count(*) FROM read_parquet('{quote_path(target)}') GROUP BY file, kind"  # noqa: S608  # a path of our own
    ).fetchall()
    for file, kind, count in found:
        counts[file][kind] = count
    for name in (
        "VIEW ranked",
        "VIEW keyed",
        "TABLE repeated",
        "TABLE owners",
        "VIEW rows_read",
        "VIEW rows_with_id",
    ):
        connection.execute(f"DROP {name}")
    return counts


def _rows(folder: AuditFolder, chosen: Sequence[SourceReport], reports: Sequence[SourceReport]) -> str:
    """Return the query for the rows of some files; a view of none has the columns of all."""
    listed = ", ".join(
        f"'{quote_path(folder.rows / f'{one.file:04d}.parquet')}'" for one in chosen or reports
    )
    return f"SELECT * FROM read_parquet([{listed}])" + ("" if chosen else " WHERE false")  # noqa: S608  # paths of our own, quoted


def _statements() -> dict[str, str]:
    text = read_sql("duplicates")
    parts = _NAME.split(text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
