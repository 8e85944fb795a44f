"""Putting an order's scopes into a database, without a change for the roles that are there.

Order of work, each step safe to repeat after a kill:

1. Checks that stop before anything is changed (`stops`, `catalog`, `reach`), all of them at once.
2. Foundation (`foundation.sql`, `keep.sql`), access lists recorded, rights moved from PUBLIC: one transaction, undone
   where a role of the city's would hold another right after it than before.
3. Scopes that the order no longer has are dropped, with the sessions in them; new ones are made: one transaction.
4. For each table one short transaction (`short`): the keep-policy, the row policies, then ENABLE; undone where a role
   would see another plan or less than everything. FORCE never: the owner would read nothing.
5. What a scope's reader reaches is listed; anything outside its own schema is a hole.
6. Each role counts each table, in one snapshot with a superuser.
7. The catalog's digests are kept, and with them the order is in force.

A hole or a wrong count takes everything back.

Source: DESIGN.md "install"; trials on PostgreSQL 17.10.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from importlib import resources
from typing import Any, Final

import psycopg
from psycopg import sql

from doorward.errors import InstallError
from doorward.install.acl import record_acls
from doorward.install.catalog import find_misfits
from doorward.install.cover import allow_register, cover_table
from doorward.install.drift import digest_catalog, format_digests, read_digests
from doorward.install.equality import compare_counts, compare_rights, read_rights
from doorward.install.keepers import find_keepers, follow_grants
from doorward.install.names import spell_table
from doorward.install.public_rights import FUNCTIONS, find_public_rights, move_public_rights
from doorward.install.reach import find_holes, find_public_reach
from doorward.install.scopes import create_scope
from doorward.install.short import Say, in_short_transaction, say_nothing
from doorward.install.stops import Declared, Mode, find_server_stops, find_table_stops
from doorward.install.uninstall import drop_leftovers, drop_scopes, uninstall
from doorward.orders.pack import Pack
from doorward.policy.scopes import ScopeBook

BUSY: Final = 0x646F6F72  # "door": the advisory lock that one install holds
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms to install.

    Args:
        declared: Of the city's roles and objects.
        mode: How scopes hold their rows.
        registers: Columns by table that the gateway may read to ask a register.
        lock_seconds: How long to try for a table's lock.
        counts: Whether each role counts each table at the end.
        collections_digest: Of the collections file where it is not the pack's own.
    """

    declared: Declared = field(default_factory=Declared)
    mode: Mode = Mode.ROWS
    registers: Mapping[str, Collection[str]] = field(default_factory=dict)
    lock_seconds: float = 60.0
    counts: bool = True
    collections_digest: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an install would do: why it stops, or what it creates, drops, moves and ends."""

    stops: tuple[str, ...]
    created: tuple[str, ...]
    dropped: tuple[str, ...]
    ended_sessions: int
    tables: Mapping[str, tuple[str, ...]]
    moved_from_public: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Installed:
    """What an install did.

    Args:
        scopes: How many are in force.
        created: Scope ids that were new.
        dropped: Scope ids that went.
        moved_from_public: Rights that PUBLIC held.
        locked_seconds: How long each table's transaction took, by table.
        catalog_digest: Of the catalog as it now is.
    """

    scopes: int
    created: tuple[str, ...]
    dropped: tuple[str, ...]
    moved_from_public: tuple[str, ...] = ()
    locked_seconds: Mapping[str, float] = field(default_factory=dict)
    catalog_digest: str = ""


def digest_scopes(book: ScopeBook) -> str:
    """Return one digest over all scopes of a book, for telling whether an installation is up to date."""
    return hashlib.sha256("\n".join(sorted(book.scopes)).encode()).hexdigest()


def is_installed(
    connection: Connection, *, order_digest: str, book: ScopeBook, mode: Mode = Mode.ROWS
) -> bool:
    """Return True where this very order is in force in this database, in this mode."""
    present = connection.execute("SELECT to_regclass('doorward.installation') IS NOT NULL").fetchone()
    if not (present and present[0]):
        return False
    try:
        row = connection.execute(
            "SELECT order_digest, scopes_digest, mode FROM doorward.installation"
        ).fetchone()
    except psycopg.errors.UndefinedColumn:  # of a version before this one
        return False
    return row == (order_digest, digest_scopes(book), str(mode))


def plan_install(connection: Connection, pack: Pack, book: ScopeBook, terms: Terms) -> Plan:
    """Return what an install would do and what stops it; changes nothing and takes no lock that anybody waits for.

    Raises:
        InstallError: PostgreSQL refused a question.
    """
    tables = _tables(book)
    try:
        stops = find_server_stops(connection, terms.declared)
        misfits = find_misfits(connection, pack.tables, pack.row_types)
        stops += misfits
        if not book.scopes:
            stops.append(
                "with these collections the order opens no row of any table: read what their rows say"
            )
        if not misfits:
            stops += find_table_stops(
                connection, [spell_table(t) for t in tables], declared=terms.declared, mode=terms.mode
            )
            stops += [
                f"PUBLIC reaches {reached}, and so would every session: revoke it, or accept it with --accept"
                for reached in find_public_reach(connection)
                if reached not in terms.declared.accepted
            ]
        present = _present_scopes(connection)
        ended = connection.execute(
            "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE starts_with(usename, 'dw_g_')"
        ).fetchone()
        kept = (
            {}
            if misfits or terms.mode is Mode.VIEWS
            else {t: tuple(find_keepers(connection, spell_table(t))) for t in tables}
        )
        dropped = sorted(present - set(book.scopes))
        return Plan(
            stops=tuple(stops),
            created=tuple(sorted(set(book.scopes) - present)),
            dropped=tuple(dropped),
            ended_sessions=int(ended[0]) if ended and dropped else 0,
            tables=kept,
            moved_from_public=tuple(right.granted for right in find_public_rights(connection)),
        )
    except psycopg.Error as error:
        raise InstallError(f"PostgreSQL refused a question of the install ({error.sqlstate})") from error


def install(
    connection: Connection,
    pack: Pack,
    book: ScopeBook,
    terms: Terms,
    *,
    now: datetime,
    say: Say = say_nothing,
) -> Installed:
    """Put the scopes of an order into force and return what was done.

    Args:
        connection: A superuser's connection to the city's database, in autocommit mode.
        pack: The order.
        book: Its compiled scopes.
        terms: How.
        now: Kept with the installation.
        say: Told each step, and how much of it is done.

    Raises:
        InstallError: A check stopped the install, or PostgreSQL refused; nothing of the city's roles changed.
    """
    if not _try_alone(connection):
        raise InstallError("another install is at work in this database", hint="wait for its end")
    try:
        plan = plan_install(connection, pack, book, terms)
        if plan.stops:
            raise InstallError(
                "the install stopped",
                findings=plan.stops,
                hint="nothing was changed on any table",
            )
        return _Work(connection, pack, book, terms, say).run(plan, now)
    except psycopg.Error as error:
        raise InstallError(f"PostgreSQL refused a step of the install ({error.sqlstate})") from error
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_catalog.pg_advisory_unlock(%s)", [BUSY])


def foundation() -> Iterator[sql.SQL | sql.Composed]:
    """Yield the statements that every installation stands on."""
    text = resources.files("doorward.install").joinpath("foundation.sql").read_text(encoding="utf-8")
    yield sql.SQL(text)
    yield from follow_grants()


def _tables(book: ScopeBook) -> list[str]:
    return sorted({table.table for scope in book.scopes.values() for table in scope.tables})


def _try_alone(connection: Connection) -> bool:
    row = connection.execute("SELECT pg_catalog.pg_try_advisory_lock(%s)", [BUSY]).fetchone()
    return bool(row and row[0])


def _present_scopes(connection: Connection) -> set[str]:
    rows = connection.execute(
        r"SELECT substr(nspname, 4) FROM pg_catalog.pg_namespace WHERE nspname ~ '^dw_[0-9a-f]{12}$'"
    )
    return {row[0] for row in rows}


@dataclass(frozen=True, slots=True)
class _Work:
    """One install whose plan has no stop."""

    connection: Connection
    pack: Pack
    book: ScopeBook
    terms: Terms
    say: Say

    def run(self, plan: Plan, now: datetime) -> Installed:
        tables, terms, connection = _tables(self.book), self.terms, self.connection
        self.say("foundation", 0, 1)
        in_short_transaction(
            connection, partial(self._lay_foundation, tables), table=None, seconds=terms.lock_seconds
        )
        self.say("scopes", 0, len(plan.created))
        in_short_transaction(
            connection, partial(self._replace_scopes, plan), table=None, seconds=terms.lock_seconds
        )
        locked = {}
        if terms.mode is Mode.ROWS:
            for done, table in enumerate(tables):
                self.say("tables", done, len(tables))
                locked[table] = cover_table(
                    connection, table, self.book.scopes, lock_seconds=terms.lock_seconds
                )
        for table, columns in terms.registers.items():
            allow_register(connection, table, columns)
        self._look_back()
        digests = read_digests(connection)
        connection.execute(
            "INSERT INTO doorward.installation (order_name, order_digest, scopes_digest, installed_at,"
            " collections_digest, mode, catalog_digest) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                self.pack.name, self.pack.digest, digest_scopes(self.book), now, terms.collections_digest,
                str(terms.mode), format_digests(digests),
            ],
        )  # fmt: skip
        moved = plan.moved_from_public
        return Installed(
            len(self.book.scopes), plan.created, plan.dropped, moved, locked, digest_catalog(digests)
        )

    def _lay_foundation(self, tables: Collection[str]) -> None:
        connection, touched = self.connection, [spell_table(t) for t in (*tables, *self.terms.registers)]
        before = read_rights(connection, touched, FUNCTIONS)
        for statement in foundation():
            connection.execute(statement)
        connection.execute("DELETE FROM doorward.installation")
        classes = connection.execute(
            "SELECT oid::bigint, relnamespace::bigint FROM pg_catalog.pg_class WHERE oid = ANY (%s::regclass[])",
            [touched],
        ).fetchall()
        record_acls(connection, "pg_class", [row[0] for row in classes])
        record_acls(connection, "pg_namespace", sorted({row[1] for row in classes}))
        move_public_rights(connection)
        differences = compare_rights(before, read_rights(connection, touched, FUNCTIONS))
        if differences:
            raise InstallError(
                "the install was undone",
                findings=differences,
                hint="nothing was changed",
            )

    def _replace_scopes(self, plan: Plan) -> None:
        drop_leftovers(self.connection)
        drop_scopes(self.connection, plan.dropped)
        for scope_id in plan.created:
            for statement in create_scope(self.book.scopes[scope_id], self.terms.mode):
                self.connection.execute(statement)

    def _look_back(self) -> None:
        self.say("reach", 0, 1)
        accepted = self.terms.declared.accepted
        holes = find_holes(self.connection, self.book.scopes, accepted=accepted)
        wrong = [f"a scope reaches more than its views: {hole}" for hole in holes]
        if not wrong and self.terms.counts and self.terms.mode is Mode.ROWS:
            # A table with row security of its own shows its roles what it showed them before, and not everything.
            tables = {
                name: sql.SQL(spelled)  # the catalog's own spelling
                for name, spelled in self.connection.execute(
                    "SELECT name, relation::regclass::text FROM doorward.covered WHERE NOT had_row_security ORDER BY 1"
                ).fetchall()
            }
            counted = iter(range(len(tables)))
            wrong = compare_counts(
                self.connection,
                tables,
                say=lambda _table: self.say("counts", next(counted), len(tables)),
            )
        if wrong:
            uninstall(self.connection, lock_seconds=self.terms.lock_seconds, say=self.say)
            raise InstallError(
                "the install was taken back",
                findings=wrong,
                hint="the database is as it was",
            )
