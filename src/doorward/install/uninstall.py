"""Taking doorward out of a database again, so that its catalog is as it was before.

Order of work, each step safe to repeat after a kill:

1. The event triggers go, so that nothing of ours follows the rest.
2. Sessions under the order end; scopes, their views and their roles go.
3. For each table one short transaction: row security off where it was off, then our policies. In this order no role
   loses a row in between.
4. PUBLIC gets back what was moved, our schema and our roles go, and access lists are noted as they were: one
   transaction, undone where a role of the city's would lose a right by it.
5. Whatever still bears a name of ours is listed; nothing must.
"""

from collections.abc import Collection
from typing import Any, Final

import psycopg
from psycopg import sql

from doorward.errors import InstallError
from doorward.install import names
from doorward.install.acl import restore_acls
from doorward.install.equality import compare_rights, read_rights
from doorward.install.public_rights import FUNCTIONS, give_back_public_rights, take_moved_rights
from doorward.install.short import Say, in_short_transaction, say_nothing
from doorward.install.stops import ELSEWHERE

GONE_MILLISECONDS: Final = 5_000
LOGINS: Final = "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname ~ '^dw_g_[0-9a-f]{16}$'"
READERS: Final = """
SELECT l.rolname FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
JOIN pg_catalog.pg_roles l ON l.oid = m.member
WHERE r.rolname = ANY (%s) AND l.rolname ~ '^dw_g_[0-9a-f]{16}$'
"""
LEFT_OVER: Final = """
SELECT r.rolname FROM pg_catalog.pg_roles r
WHERE r.rolname ~ '^dw_[or]_[0-9a-f]{12}$' AND to_regnamespace('dw_' || substr(r.rolname, 6)) IS NULL
UNION ALL
SELECT r.rolname FROM pg_catalog.pg_roles r
WHERE r.rolname ~ '^dw_g_[0-9a-f]{16}$' AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
  WHERE m.member = r.oid AND to_regnamespace('dw_' || substr(g.rolname, 6)) IS NOT NULL)
"""
OURS: Final = """
SELECT to_regnamespace('doorward') IS NOT NULL
    OR pg_catalog.shobj_description(r.oid, 'pg_authid') IS NOT DISTINCT FROM %(mark)s
FROM pg_catalog.pg_roles r WHERE r.rolname = %(role)s
"""
OUR_POLICIES: Final = """
SELECT p.polrelid::regclass::text, p.polname
FROM pg_catalog.pg_policy p WHERE p.polname ~ %s ORDER BY 1, 2
"""
TRACES: Final = """
SELECT 'role ' || rolname FROM pg_catalog.pg_roles WHERE rolname ~ %(role)s
UNION ALL SELECT 'schema ' || nspname FROM pg_catalog.pg_namespace WHERE nspname ~ %(schema)s
UNION ALL SELECT format('policy %%s on %%s', polname, polrelid::regclass)
  FROM pg_catalog.pg_policy WHERE polname ~ %(policy)s
UNION ALL SELECT 'event trigger ' || evtname FROM pg_catalog.pg_event_trigger WHERE evtname ~ '^doorward_'
ORDER BY 1
"""
Connection = psycopg.Connection[Any]


def uninstall(
    connection: Connection,
    *,
    lock_seconds: float = 60.0,
    say: Say = say_nothing,
) -> list[str]:
    """Take everything out and return what still bears a name of ours; empty when no trace is left.

    Args:
        connection: A superuser's, in autocommit mode.
        lock_seconds: How long to try for a table's lock.
        say: Told each step.

    Raises:
        InstallError: Another database of the server holds the installation, a table stayed locked, or PostgreSQL
            refused; the command can be run again.
    """
    try:
        elsewhere = connection.execute(ELSEWHERE, [names.OWN_ROLE]).fetchone()
        if elsewhere is not None:
            raise InstallError(
                f"the installation of this server is in database `{elsewhere[0]}`", hint="uninstall it there"
            )
        return _uninstall(connection, lock_seconds, say)
    except psycopg.Error as error:
        raise InstallError(f"PostgreSQL refused a step of the uninstall ({error.sqlstate})") from error


def forget_role(connection: Connection, role: str) -> None:
    """Take one role of the city's out of what the install gave it, so that DROP ROLE finds nothing of ours.

    Raises:
        InstallError: The role does not exist, or PostgreSQL refused.
    """
    try:
        if connection.execute("SELECT to_regrole(quote_ident(%s))", [role]).fetchone() == (None,):
            raise InstallError(f"there is no role `{role}` on this server")
        with connection.transaction():
            take_moved_rights(connection, role)
    except psycopg.Error as error:
        raise InstallError(f"PostgreSQL refused to take `{role}` out ({error.sqlstate})") from error


def drop_leftovers(connection: Connection) -> None:
    """Drop scopes' roles that have no schema here, as after a database was dropped with its installation in it."""
    rows = connection.execute(LEFT_OVER).fetchall()
    for login in [row[0] for row in rows if row[0].startswith(names.LOGIN_PREFIX)]:
        _drop_logins(connection, [login])
    for role in [row[0] for row in rows if not row[0].startswith(names.LOGIN_PREFIX)]:
        _drop_role(connection, role, cascade=True)


def drop_scopes(connection: Connection, scope_ids: Collection[str]) -> None:
    """Drop scopes with the sessions and login roles in them; in the caller's transaction."""
    readers = [names.reader_role(scope_id) for scope_id in scope_ids]
    _drop_logins(connection, [row[0] for row in connection.execute(READERS, [readers]).fetchall()])
    for scope_id in scope_ids:
        # DROP OWNED also takes the owner's row policies off the base tables: their only role goes.
        for role in (names.owner_role(scope_id), names.reader_role(scope_id)):
            _drop_role(connection, role, cascade=True)


def _uninstall(connection: Connection, lock_seconds: float, say: Say) -> list[str]:
    say("event triggers", 0, 1)
    for trigger in (names.KEEP_TRIGGER, names.GUARD_TRIGGER):
        connection.execute(sql.SQL("DROP EVENT TRIGGER IF EXISTS {}").format(sql.Identifier(trigger)))
    say("sessions", 0, 1)
    scopes = [
        row[0]
        for row in connection.execute(
            "SELECT substr(rolname, 6) FROM pg_catalog.pg_roles WHERE rolname ~ '^dw_[or]_[0-9a-f]{12}$' GROUP BY 1"
        ).fetchall()
    ]
    with connection.transaction():
        _drop_logins(connection, [row[0] for row in connection.execute(LOGINS).fetchall()])
    policies: dict[str, list[str]] = {}
    for table, policy in connection.execute(OUR_POLICIES, [names.OWN_POLICY]).fetchall():
        policies.setdefault(table, []).append(policy)
    for done, (table, ours) in enumerate(policies.items()):
        say("tables", done, len(policies))

        def uncover(table: str = table, ours: Collection[str] = ours) -> None:
            _uncover(connection, table, ours)

        in_short_transaction(connection, uncover, table=table, seconds=lock_seconds)

    def rest() -> None:
        before = read_rights(connection, (), FUNCTIONS)
        drop_scopes(connection, scopes)
        if connection.execute("SELECT to_regclass('doorward.moved_right') IS NOT NULL").fetchone() == (True,):
            give_back_public_rights(connection)
        for role in (names.ADMIN, names.SESSIONS):
            if connection.execute(OURS, {"role": role, "mark": names.ROLE_MARK}).fetchone() == (True,):
                _drop_role(connection, role, cascade=True)
        if connection.execute("SELECT to_regclass('doorward.acl_before') IS NOT NULL").fetchone() == (True,):
            restore_acls(connection)
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(names.SCHEMA)))
        lost = before - read_rights(connection, (), FUNCTIONS)
        if lost:
            raise InstallError(
                "the uninstall was undone",
                findings=compare_rights(lost, frozenset()),
                hint="please report it",
            )

    say("rights and roles", 0, 1)
    in_short_transaction(connection, rest, table=None, seconds=lock_seconds)
    asked = {"role": names.OWN_ROLE, "schema": names.OWN_SCHEMA, "policy": names.OWN_POLICY}
    return [row[0] for row in connection.execute(TRACES, asked).fetchall()]


def _uncover(connection: Connection, table: str, policies: Collection[str]) -> None:
    # `table` is the catalog's own spelling of a relation, quoted where it must be.
    had = connection.execute(
        "SELECT had_row_security FROM doorward.covered WHERE relation = %s::regclass", [table]
    ).fetchone()
    base = sql.SQL(table)
    if had is not None and not had[0]:
        connection.execute(sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(base))
    for policy in policies:
        connection.execute(sql.SQL("DROP POLICY {} ON {}").format(sql.Identifier(policy), base))
    connection.execute("DELETE FROM doorward.covered WHERE relation = %s::regclass", [table])


def _drop_logins(connection: Connection, logins: Collection[str]) -> None:
    for login in logins:
        connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(login)))
        connection.execute(
            "SELECT pg_catalog.pg_terminate_backend(pid, %s) FROM pg_catalog.pg_stat_activity WHERE usename = %s",
            [GONE_MILLISECONDS, login],
        )
        _drop_role(connection, login, cascade=False)


def _drop_role(connection: Connection, role: str, *, cascade: bool) -> None:
    name = sql.Identifier(role)
    connection.execute(sql.SQL("DROP OWNED BY {} CASCADE" if cascade else "DROP OWNED BY {}").format(name))
    connection.execute(sql.SQL("DROP ROLE {}").format(name))
