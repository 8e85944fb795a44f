"""Putting an order's scopes into a database, without a change for the roles that are there.

Order of work, each step safe to repeat after a kill:

1. Foundation (`foundation.sql`) and the rights moved from PUBLIC, one transaction.
2. Checks that stop the install before anything of the city's is touched: PUBLIC in a table's ACL, a policy to
   PUBLIC, a role that the city's COPY FROM needs (PostgreSQL refuses it under row security), a column that is not
   what the order says of it (its predicate could be inexact: law 5).
3. Scopes that the order no longer has are dropped; new ones are made, one transaction.
4. For each table one short transaction under `lock_timeout`, tried again: the keep-policy for every role that
   reaches the table, the row policies, then ENABLE. FORCE never: the owner would read nothing.
5. What a scope can reach is listed; anything outside its own schema is a hole and takes the install back.

Source: DESIGN.md "install"; trials on PostgreSQL 17.10.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from importlib import resources
from typing import Any

import psycopg
from psycopg import sql

from doorward.errors import UpstreamError
from doorward.install import names
from doorward.install.catalog import find_misfits
from doorward.install.public_rights import move_public_rights
from doorward.install.reach import find_holes, find_stops, reaching_roles
from doorward.install.scopes import create_row_policy, create_scope, table_identifier
from doorward.orders.pack import Pack
from doorward.policy.scopes import Scope, ScopeBook

LOCK_TIMEOUT = "2s"  # longer than an ordinary statement, shorter than a person notices
LOCK_TRIES = 5
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Installed:
    """What an install did: the scopes in force, what was new, what was moved from PUBLIC."""

    scopes: int
    created: tuple[str, ...]
    dropped: tuple[str, ...]
    moved_from_public: tuple[str, ...] = field(default=())


def scopes_digest(book: ScopeBook) -> str:
    """Return one digest over all scopes of a book, for telling whether an installation is up to date."""
    return hashlib.sha256("\n".join(sorted(book.scopes)).encode()).hexdigest()


def is_installed(connection: Connection, *, order_digest: str, book: ScopeBook) -> bool:
    """Return True where this very order is in force in this database."""
    present = connection.execute("SELECT to_regclass('doorward.installation') IS NOT NULL").fetchone()
    if not (present and present[0]):
        return False
    row = connection.execute("SELECT order_digest, scopes_digest FROM doorward.installation").fetchone()
    return row == (order_digest, scopes_digest(book))


def install(
    connection: Connection, pack: Pack, book: ScopeBook, *, copies_nothing: Collection[str], now: datetime
) -> Installed:
    """Put the scopes of an order into force and return what was done.

    Args:
        connection: A superuser's connection to the city's database, in autocommit mode.
        pack: The order.
        book: Its compiled scopes.
        copies_nothing: Roles that hold INSERT and are declared to use neither COPY FROM nor pg_dump.

    Raises:
        UpstreamError: A check stopped the install, or PostgreSQL refused; nothing of the city's roles changed.
    """
    tables = sorted({table.table for scope in book.scopes.values() for table in scope.tables})
    try:
        with connection.transaction():
            connection.execute(foundation())
            moved = move_public_rights(connection)
        stops = find_misfits(connection, pack.tables, pack.row_types)
        stops += find_stops(connection, tables, copies_nothing=copies_nothing) if not stops else []
        if stops:
            raise UpstreamError(
                f"the install stopped: {'; '.join(stops)}", hint="nothing was changed on any table"
            )
        created, dropped = _replace_scopes(connection, book)
        for table in tables:
            _in_short_transaction(connection, partial(_protect_table, connection, table, book.scopes))
        with connection.transaction():
            holes = find_holes(connection, book.scopes)
            if not holes:
                connection.execute(
                    """INSERT INTO doorward.installation VALUES (true, %s, %s, %s, %s)
                       ON CONFLICT (only_one) DO UPDATE SET order_name = excluded.order_name,
                         order_digest = excluded.order_digest, scopes_digest = excluded.scopes_digest,
                         installed_at = excluded.installed_at""",
                    [pack.name, pack.digest, scopes_digest(book), now],
                )
        if holes:
            _in_short_transaction(connection, partial(_drop_scopes, connection, sorted(book.scopes)))
    except psycopg.errors.LockNotAvailable as error:
        raise UpstreamError(
            f"a table stayed locked for {LOCK_TRIES} tries of {LOCK_TIMEOUT}",
            hint="end the transaction that holds it, then install again",
        ) from error
    except psycopg.Error as error:
        raise UpstreamError(f"PostgreSQL refused a step of the install ({error.sqlstate})") from error
    if holes:
        raise UpstreamError(
            f"a scope reaches more than its views: {'; '.join(holes)}", hint="the scopes were taken back"
        )
    return Installed(len(book.scopes), tuple(created), tuple(dropped), tuple(moved))


def foundation() -> sql.SQL:
    """Return the statements of `foundation.sql`."""
    text = resources.files("doorward.install").joinpath("foundation.sql").read_text(encoding="utf-8")
    return sql.SQL(text)


def _replace_scopes(connection: Connection, book: ScopeBook) -> tuple[list[str], list[str]]:
    rows = connection.execute(
        r"SELECT substr(nspname, 4) FROM pg_namespace WHERE nspname ~ '^dw_[0-9a-f]{12}$'"
    )
    present = {row[0] for row in rows}
    dropped = sorted(present - set(book.scopes))
    created = sorted(set(book.scopes) - present)

    def replace() -> None:
        connection.execute("DELETE FROM doorward.installation")
        _drop_scopes(connection, dropped)
        for scope_id in created:
            for statement in create_scope(book.scopes[scope_id]):
                connection.execute(statement)

    _in_short_transaction(connection, replace)
    return created, dropped


def _drop_scopes(connection: Connection, scope_ids: Collection[str]) -> None:
    for scope_id in scope_ids:
        owner, reader = names.owner_role(scope_id), names.reader_role(scope_id)
        members = connection.execute(
            """SELECT m.member::regrole::text FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
               JOIN pg_roles l ON l.oid = m.member WHERE r.rolname = %s AND l.rolname LIKE 'dw\\_g\\_%%'""",
            [reader],
        ).fetchall()
        for (login,) in members:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [login]
            )
            connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(login)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(login)))
        # DROP OWNED also takes the owner's row policies off the base tables: their only role goes.
        for role in (owner, reader):
            connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(sql.Identifier(role)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def _in_short_transaction(connection: Connection, work: Callable[[], None]) -> None:
    # A lock that is not had soon is given back, so that no reader queues behind us; then once more.
    for attempt in range(LOCK_TRIES):
        try:
            with connection.transaction():
                connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(LOCK_TIMEOUT)))
                work()
        except psycopg.errors.LockNotAvailable:
            if attempt == LOCK_TRIES - 1:
                raise
        else:
            return


def _protect_table(connection: Connection, table: str, scopes: Mapping[str, Scope]) -> None:
    base = table_identifier(table)
    existing = {
        row[0]
        for row in connection.execute(
            "SELECT polname FROM pg_policy WHERE polrelid = %s::regclass", [base.as_string()]
        )
    }
    keepers = sql.SQL(", ").join(sql.Identifier(role) for role in reaching_roles(connection, table))
    if keepers.as_string():
        verb = (
            sql.SQL("ALTER POLICY {} ON {} TO {} USING (true) WITH CHECK (true)")
            if names.KEEP_POLICY in existing
            else sql.SQL("CREATE POLICY {} ON {} FOR ALL TO {} USING (true) WITH CHECK (true)")
        )
        connection.execute(verb.format(sql.Identifier(names.KEEP_POLICY), base, keepers))
    for scope in scopes.values():
        for scoped in scope.tables:
            if scoped.table == table and names.scope_schema(scope.id) not in existing:
                connection.execute(create_row_policy(scope, scoped))
    connection.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(base))


def allow_register(connection: Connection, table: str, columns: Collection[str]) -> None:
    """Let the gateway's own role ask the register: these columns of this table and nothing else."""
    base, admin = table_identifier(table), sql.Identifier(names.ADMIN)
    policy = sql.Identifier(names.REGISTER_POLICY)
    listed = sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    with connection.transaction():
        connection.execute(sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(policy, base))
        connection.execute(sql.SQL("GRANT SELECT ({}) ON {} TO {}").format(listed, base, admin))
        connection.execute(
            sql.SQL("CREATE POLICY {} ON {} FOR SELECT TO {} USING (true)").format(policy, base, admin)
        )
