"""Disclosures on a PostgreSQL server of their own, never the one behind the door.

Two roles: the owner makes the tables (`prepare_server`), the recorder may insert and select and nothing else, so
that neither the publisher nor whoever takes over its process can change or remove what was stored.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from types import TracebackType
from typing import Any, Final, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import args_row

from doorward.errors import StoreError, VerificationError
from doorward.record.entry import NO_SESSION, Entry
from doorward.record.openings import (
    MAX_READ_ENTRIES,
    Disclosures,
    StoredBlock,
    StoredEntry,
    Totals,
    conflict,
    fill_blocks,
    same_block,
    sequence_ranges,
    take_bounded,
)
from doorward.record.seal_keys import SealKeys
from doorward.record.sealing import MARK, open_row, seal_row, sealed_unit
from doorward.record.workers import SEQUENCE_BITS, worker_of

__all__ = ["DATABASE", "ROLE", "Disclosures", "PostgresDisclosures", "prepare_server", "schema_statements"]

DATABASE: Final = "disclosures"
ROLE: Final = "doorward_recorder"
CONNECT_SECONDS: Final = 5
PORTION: Final = 5_000  # entries that `select` has in hand
STATEMENT_TIMEOUT: Final = "60s"  # a pass of 20,000 entries takes below one second

# `leaf_index` of an entry follows from its sequence; it is kept so that a proof is found without a search, and
# the check compares it.
_SCHEMA: Final = (
    "CREATE SCHEMA IF NOT EXISTS record",
    """CREATE TABLE IF NOT EXISTS record.blocks (
        leaf_index bigint PRIMARY KEY,
        first bigint NOT NULL,
        last bigint NOT NULL,
        salt bytea NOT NULL,
        root bytea NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS record.entries (
        sequence bigint PRIMARY KEY,
        leaf_index bigint NOT NULL,
        kind smallint NOT NULL,
        time_us bigint NOT NULL,
        session bytea NOT NULL,
        request bigint NOT NULL,
        salt bytea NOT NULL,
        body bytea NOT NULL,
        commitment bytea NOT NULL)""",
    "REVOKE ALL ON SCHEMA record FROM PUBLIC",
    "REVOKE ALL ON ALL TABLES IN SCHEMA record FROM PUBLIC",
    f"GRANT USAGE ON SCHEMA record TO {ROLE}",
    f"GRANT SELECT, INSERT ON record.blocks, record.entries TO {ROLE}",
)

_INSERT_BLOCKS: Final = """
    INSERT INTO record.blocks (leaf_index, first, last, salt, root)
    SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::bytea[], %b::bytea[])
    ON CONFLICT DO NOTHING"""
_INSERT_ENTRIES: Final = """
    INSERT INTO record.entries
        (sequence, leaf_index, kind, time_us, session, request, salt, body, commitment)
    SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::smallint[], %b::bigint[], %b::bytea[], %b::bigint[],
        %b::bytea[], %b::bytea[], %b::bytea[])
    ON CONFLICT DO NOTHING"""
_SELECT_BLOCKS: Final = """
    SELECT leaf_index, first, last, salt, root FROM record.blocks
    WHERE leaf_index >= %s ORDER BY leaf_index LIMIT %s"""
_SELECT_ENTRIES: Final = """
    SELECT sequence, leaf_index, kind, time_us, session, request, salt, body, commitment FROM record.entries
    WHERE sequence BETWEEN %s AND %s ORDER BY sequence LIMIT %s"""
_SELECT_LEAF: Final = "SELECT leaf_index FROM record.entries WHERE sequence = %s"
_SELECT_KINDS: Final = """
    SELECT sequence, leaf_index, kind, time_us, session, request, salt, body, commitment FROM record.entries
    WHERE kind = ANY(%b::smallint[]) AND time_us < %b AND (time_us >= %b OR session = %b) ORDER BY sequence"""
_SCAN: Final = """
    SELECT sequence, leaf_index, kind, time_us, session, request, salt, body, commitment FROM record.entries
    WHERE sequence > %b AND sequence BETWEEN %b AND %b AND time_us >= %b AND time_us < %b
        AND (%b::smallint IS NULL OR kind = %b::smallint) AND (%b::bytea IS NULL OR session = %b::bytea)
    ORDER BY sequence LIMIT %b"""
_SELECT_SEALED: Final = """
    SELECT sequence, leaf_index, kind, time_us, session, request, salt, body, commitment FROM record.entries
    WHERE substring(body from 1 for 1) = %b ORDER BY sequence"""
_SELECT_PLAIN: Final = """
    SELECT FROM record.entries WHERE substring(body from 1 for 1) IS DISTINCT FROM %b LIMIT 1"""
_SELECT_TOTALS: Final = """
    SELECT (SELECT count(*) FROM record.blocks), (SELECT count(*) FROM record.entries),
        (SELECT max(leaf_index) FROM record.blocks)"""
_SELECT_BOUNDS: Final = """
    SELECT sequence >> %s AS worker, min(sequence), max(sequence) FROM record.entries GROUP BY worker"""


def schema_statements() -> tuple[str, ...]:
    """Return the statements that make the tables in their database, for an owner; they may be repeated."""
    return _SCHEMA


def prepare_server(conninfo: str) -> None:
    """Make the recorder's role, the database and its tables, where they are missing.

    Args:
        conninfo: Of a superuser, to any database of the disclosures' server.

    Raises:
        StoreError: The server refused or cannot be reached.
    """
    try:
        with closing(_connect(conninfo)) as connection:
            _prepare_role(connection)
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if found is None:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
                        sql.Identifier(DATABASE)
                    )
                )
            name = sql.Identifier(DATABASE)
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(ROLE))
            )
        with (
            closing(_connect(make_conninfo(conninfo, dbname=DATABASE))) as connection,
            connection.transaction(),
        ):
            for statement in schema_statements():
                connection.execute(statement.encode())
    except psycopg.Error as error:
        raise _store_error(error) from error


def _prepare_role(connection: psycopg.Connection[Any]) -> None:
    if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))


class PostgresDisclosures:
    """Disclosures in the database that `prepare_server` made; connects when first used, and again after a loss.

    Args:
        conninfo: Of the recorder's role; for the check any role that may select will do.
        keys: What rows are sealed under; None seals nothing and opens nothing.
    """

    def __init__(self, conninfo: str, keys: SealKeys | None = None) -> None:
        self._conninfo = conninfo
        self._keys = keys
        self._connection: psycopg.Connection[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def commit(self, blocks: Sequence[StoredBlock]) -> None:
        """Store blocks, all or none, in one transaction; see `Disclosures`."""
        entries = [entry for block in blocks for entry in block.entries]
        if self._keys is None:
            self._commit(blocks, entries)
            return
        with self._keys.turn():
            sealed = [seal_row(entry, self._keys.choose) for entry in entries]
            self._keys.sync()
            self._commit(blocks, sealed)

    def _commit(self, blocks: Sequence[StoredBlock], entries: Sequence[StoredEntry]) -> None:
        try:
            connection = self._connected()
            with connection.transaction():
                done = connection.execute(_INSERT_BLOCKS, _block_columns(blocks))
                if done.rowcount != len(blocks):
                    self._compare_blocks(connection, blocks)
                done = connection.execute(_INSERT_ENTRIES, _entry_columns(entries))
                if done.rowcount != len(entries):
                    self._compare_entries(connection, entries)
        except psycopg.Error as error:
            self.close()
            raise _store_error(error) from error

    def read(self, first_leaf: int, max_blocks: int) -> list[StoredBlock]:
        """Return blocks from a leaf on; see `Disclosures`."""
        try:
            connection = self._connected()
            heads = take_bounded(self._select_blocks(connection, first_leaf, max_blocks))
            if not heads:
                return []
            entries = [
                entry
                for low, high in sequence_ranges(heads)
                for entry in self._select_entries(connection, low, high)
            ]
        except psycopg.Error as error:
            self.close()
            raise _store_error(error) from error
        return fill_blocks(heads, [self._as_it_is(entry) for entry in entries])

    def find(self, sequence: int) -> StoredBlock | None:
        """Return the block that says it holds an entry, with its entries, or None; unchecked, as `read` returns it.

        Raises:
            StoreError: The store refused or cannot be reached.
        """
        try:
            connection = self._connected()
            found = connection.execute(_SELECT_LEAF, (sequence,)).fetchone()
        except psycopg.Error as error:
            self.close()
            raise _store_error(error) from error
        return None if found is None else next(iter(self.read(found[0], 1)), None)

    def select(self, kinds: Collection[int], *, begins_us: int, ends_us: int) -> Iterator[Entry]:
        """Yield the entries of some kinds and of a time, in their order; unchecked, as `read` returns them.

        Entries that belong to no session are yielded from before that time as well: what they say goes on. The server
        hands them over in portions, so that a million of them take no more memory here than a thousand.

        Raises:
            MalformedError: A row holds no entry.
            StoreError: The store refused or cannot be reached.
        """
        try:
            connection = self._connected()
            with (
                connection.transaction(),
                connection.cursor("entries", row_factory=args_row(StoredEntry)) as cursor,
            ):
                cursor.itersize = PORTION
                wanted = ([int(kind) for kind in kinds], ends_us, begins_us, NO_SESSION)
                for stored in cursor.execute(_SELECT_KINDS, wanted, binary=True):
                    opened = self._needed(stored)
                    if opened is not None:
                        yield opened.decode()
        except psycopg.Error as error:
            self.close()
            raise _store_error(error) from error

    def scan(  # what a search narrows by at the server
        self,
        *,
        after: int,
        sequences: tuple[int, int],
        times_us: tuple[int, int],
        kind: int | None,
        session: bytes | None,
        limit: int,
    ) -> tuple[list[Entry], int | None]:
        """Return entries in their order, unchecked: behind a sequence, in a range of sequences and of times.

        What was erased is left out. With them comes the sequence behind which there may be more, or None.

        Args:
            times_us: The first moment, and the first behind.
            limit: The most that are returned.

        Raises:
            MalformedError: A row holds no entry.
            StoreError: The store refused or cannot be reached.
        """
        wanted = (after, *sequences, *times_us, kind, kind, session, session, limit)
        try:
            with self._connected().cursor(binary=True, row_factory=args_row(StoredEntry)) as cursor:
                rows = cursor.execute(_SCAN, wanted).fetchall()
        except psycopg.Error as error:
            self.close()
            raise _store_error(error) from error
        opened = [self._needed(stored) for stored in rows]
        found = [stored.decode() for stored in opened if stored is not None]
        return found, rows[-1].sequence if len(rows) == limit else None

    def sealed(self) -> Iterator[tuple[StoredEntry, Entry | None, bytes]]:
        """Yield every sealed row with its entry, None where that was erased, and its unit; in their order.

        Raises:
            VerificationError: A row was changed, or begins as a sealed one and is none.
            MalformedError: A row holds no entry.
            StoreError: The store refused or cannot be reached, or a key is not at hand.
        """
        try:
            connection = self._connected()
            with (
                connection.transaction(),
                connection.cursor("sealed", row_factory=args_row(StoredEntry)) as cursor,
            ):
                cursor.itersize = PORTION
                for stored in cursor.execute(_SELECT_SEALED, (MARK,), binary=True):
                    unit = sealed_unit(stored)
                    if unit is None:
                        raise VerificationError(
                            f"entry {stored.sequence} begins as a sealed row and is none: it was changed",
                            hint="doorward log verify",
                        )
                    plain = self._needed(stored)
                    yield stored, None if plain is None else plain.decode(), unit
        except psycopg.Error as error:
            self.close()
            raise _store_error(error) from error

    def has_plain(self) -> bool:
        """Return whether a row is not sealed; looks at every row.

        Raises:
            StoreError: The store refused or cannot be reached.
        """
        try:
            return self._connected().execute(_SELECT_PLAIN, (MARK,)).fetchone() is not None
        except psycopg.Error as error:
            self.close()
            raise _store_error(error) from error

    def totals(self) -> Totals:
        """Return how much is stored; counts every row."""
        try:
            connection = self._connected()
            blocks, entries, last_leaf = connection.execute(_SELECT_TOTALS).fetchall()[0]
            bounds = connection.execute(_SELECT_BOUNDS, (SEQUENCE_BITS,)).fetchall()
        except psycopg.Error as error:
            self.close()
            raise _store_error(error) from error
        return Totals(blocks, entries, last_leaf, {worker: (first, last) for worker, first, last in bounds})

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = _connect(self._conninfo)
        return self._connection

    def _select_blocks(
        self, connection: psycopg.Connection[Any], first_leaf: int, limit: int
    ) -> list[StoredBlock]:
        with connection.cursor(binary=True, row_factory=args_row(_as_block)) as cursor:
            return cursor.execute(_SELECT_BLOCKS, (first_leaf, limit)).fetchall()

    def _select_entries(self, connection: psycopg.Connection[Any], low: int, high: int) -> list[StoredEntry]:
        # A block may claim anything here; the claim is the check's business, the bound is ours.
        limit = 2 * MAX_READ_ENTRIES
        with connection.cursor(binary=True, row_factory=args_row(StoredEntry)) as cursor:
            return cursor.execute(_SELECT_ENTRIES, (low, high, limit)).fetchall()

    def _compare_blocks(self, connection: psycopg.Connection[Any], blocks: Sequence[StoredBlock]) -> None:
        first = min(block.leaf_index for block in blocks)
        stored = {block.leaf_index: block for block in self._select_blocks(connection, first, len(blocks))}
        for block in blocks:
            present = stored.get(block.leaf_index)
            if present is None or not same_block(present, block):
                raise conflict("block of leaf", block.leaf_index)

    def _compare_entries(self, connection: psycopg.Connection[Any], entries: Sequence[StoredEntry]) -> None:
        stored: dict[int, StoredEntry] = {}
        with connection.cursor(binary=True, row_factory=args_row(StoredEntry)) as cursor:
            for _, group in groupby(entries, key=lambda entry: worker_of(entry.sequence)):
                wanted = list(group)
                low, high = wanted[0].sequence, wanted[-1].sequence
                found = cursor.execute(_SELECT_ENTRIES, (low, high, len(wanted))).fetchall()
                stored |= {entry.sequence: entry for entry in found}
        for entry in entries:
            present = stored.get(entry.sequence)
            # One that was stored before rows were sealed is the same entry in another form.
            if present != entry and (present is None or self._opened(present) != self._opened(entry)):
                raise conflict("entry", entry.sequence)

    def _needed(self, entry: StoredEntry) -> StoredEntry | None:
        """Return a row as it was before it was sealed, or None where it was erased.

        Raises:
            StoreError: It is sealed and its key is not at hand: leaving it out would be a wrong answer.
        """
        opened = self._opened(entry)
        unit = sealed_unit(entry)
        if opened is None and unit is not None and (self._keys is None or unit not in self._keys.erased):
            raise StoreError(
                f"entry {entry.sequence} is sealed, and its key is not at hand",
                hint="the keys stand in `seals`",
            )
        return opened

    def _as_it_is(self, entry: StoredEntry) -> StoredEntry:
        """Return a row opened, or sealed where it does not open: what is false in it is for the check to say."""
        try:
            return self._opened(entry) or entry
        except VerificationError:
            return entry

    def _opened(self, entry: StoredEntry) -> StoredEntry | None:
        """Return a row as it was before it was sealed, or None where its key is gone."""
        return open_row(entry, self._keys.look_up if self._keys is not None else _no_key)


def _no_key(_unit: bytes) -> None:
    return None


def _as_block(leaf_index: int, first: int, last: int, salt: bytes, root: bytes) -> StoredBlock:
    return StoredBlock(leaf_index, first, last, salt, root, ())


def _block_columns(blocks: Sequence[StoredBlock]) -> tuple[list[Any], ...]:
    return (
        [block.leaf_index for block in blocks],
        [block.first for block in blocks],
        [block.last for block in blocks],
        [block.salt for block in blocks],
        [block.root for block in blocks],
    )


def _entry_columns(entries: Sequence[StoredEntry]) -> tuple[list[Any], ...]:
    return (
        [entry.sequence for entry in entries],
        [entry.leaf_index for entry in entries],
        [entry.kind for entry in entries],
        [entry.time_us for entry in entries],
        [entry.session for entry in entries],
        [entry.request for entry in entries],
        [entry.salt for entry in entries],
        [entry.body for entry in entries],
        [entry.commitment for entry in entries],
    )


def _connect(conninfo: str) -> psycopg.Connection[Any]:
    connection = psycopg.connect(conninfo, autocommit=True, connect_timeout=CONNECT_SECONDS)
    connection.execute(sql.SQL("SET statement_timeout = {}").format(sql.Literal(STATEMENT_TIMEOUT)))
    return connection


def _store_error(error: psycopg.Error) -> StoreError:
    # Never the server's own words: a DETAIL line may hold a row.
    why = f"SQLSTATE {error.sqlstate}" if error.sqlstate else "it cannot be reached"
    return StoreError(
        f"the disclosures' server refused: {why}" if error.sqlstate else f"the disclosures' server: {why}",
        hint="the record waits in the spool until the server is back",
    )
