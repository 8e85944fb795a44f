"""The disclosures out of their server and into another one, by COPY in one snapshot.

Not by pg_dump: that has to be at least as new as the server, and would have to be told to use the moment at which the
spool was copied. COPY needs no other right than the recorder has, on both sides, and the form is PostgreSQL's own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import args_row

from doorward.errors import StoreError, VerificationError
from doorward.record.backup import write_private

TABLES: Final = ("blocks", "entries")
AMOUNT: Final = """
SELECT (SELECT count(*) FROM record.blocks), (SELECT count(*) FROM record.entries),
  (SELECT max(leaf_index) FROM record.blocks)"""
CHUNK_BYTES: Final = 1024 * 1024
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Amount:
    """How much there is; `last_leaf` is None where there is nothing."""

    blocks: int
    entries: int
    last_leaf: int | None


@contextmanager
def snapshot(conninfo: str) -> Iterator[tuple[Connection, Amount]]:
    """Yield a connection that sees the disclosures as they were at one moment, and how much that is.

    Raises:
        StoreError: The server cannot be reached, or refused.
    """
    try:
        with psycopg.connect(conninfo) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            with connection.cursor(row_factory=args_row(Amount)) as cursor:
                amount = cursor.execute(AMOUNT).fetchall()[0]
            yield connection, amount
    except psycopg.Error as error:
        raise _store_error(error) from error


def copy_out(connection: Connection, to: Path) -> None:
    """Write the disclosures of a snapshot into a folder, a file a table.

    Raises:
        OSError: A file cannot be written.
    """
    to.mkdir(mode=0o700)
    for table in TABLES:
        write_private(to / f"{table}.copy", b"")
        query = sql.SQL("COPY record.{} TO STDOUT (FORMAT binary)").format(sql.Identifier(table))
        with connection.cursor().copy(query) as rows, (to / f"{table}.copy").open("wb") as sink:
            for chunk in rows:
                sink.write(chunk)


def copy_in(conninfo: str, folder: Path) -> Amount:
    """Load the disclosures of a folder into a server whose tables are empty, all or nothing; return how much that is.

    Raises:
        VerificationError: There are disclosures already.
        StoreError: The server cannot be reached, refused, or a file cannot be read.
    """
    try:
        with (
            psycopg.connect(conninfo) as connection,
            connection.cursor(row_factory=args_row(Amount)) as cursor,
        ):
            if cursor.execute(AMOUNT).fetchall()[0].blocks:
                raise VerificationError(
                    "the record's server holds disclosures already",
                    hint="restore into an empty database: `doorward log prepare` on a new server",
                )
            for table in TABLES:
                query = sql.SQL("COPY record.{} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))
                with (folder / f"{table}.copy").open("rb") as source, cursor.copy(query) as rows:
                    while chunk := source.read(CHUNK_BYTES):
                        rows.write(chunk)
            return cursor.execute(AMOUNT).fetchall()[0]
    except psycopg.Error as error:
        raise _store_error(error) from error
    except OSError as error:
        raise StoreError(f"the copy of the disclosures cannot be read: {error.strerror}") from error


def _store_error(error: psycopg.Error) -> StoreError:
    # Never the server's own words: a DETAIL line may hold a row.
    why = f"SQLSTATE {error.sqlstate}" if error.sqlstate else "it cannot be reached"
    return StoreError(f"the disclosures' server: {why}")
