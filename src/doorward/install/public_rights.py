"""Rights that PostgreSQL gives to PUBLIC and a grant session must not have, moved to the existing roles by name.

A grant session is a member of PUBLIC like every role, so these can be closed in one way only: take them from
PUBLIC and give them to each role that exists. For the city's roles nothing changes (law 3). What cannot be moved
(NOTIFY, LISTEN, SET) is named in SECURITY.md.

Besides the functions below: TEMPORARY on the database, and USAGE on every trusted language, because DO would carry
EXPLAIN ANALYZE around the gateway's closure.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from doorward.install.acl import PLACES, record_acls
from doorward.install.names import OWN_ROLE

# Functions by name: each with the escape that it would serve.
FUNCTIONS: Final = (
    # objects that a session would own, which block DROP ROLE and outlive the grant
    "lo_creat", "lo_create", "lo_from_bytea", "lo_put", "lowrite", "lo_open",
    # channels between sessions
    "pg_notify", "pg_advisory_lock", "pg_advisory_lock_shared", "pg_advisory_xact_lock",
    "pg_advisory_xact_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared",
    "pg_try_advisory_xact_lock", "pg_try_advisory_xact_lock_shared",
    # counts of rows that a statement touched: they tell a withheld row as EXPLAIN ANALYZE does
    "pg_stat_get_xact_numscans", "pg_stat_get_xact_tuples_returned", "pg_stat_get_xact_tuples_fetched",
    "pg_stat_get_xact_blocks_fetched", "pg_stat_get_xact_blocks_hit", "pg_stat_get_numscans",
    "pg_stat_get_tuples_returned", "pg_stat_get_tuples_fetched", "pg_stat_get_blocks_fetched",
    "pg_stat_get_blocks_hit", "pg_stat_get_lastscan", "pg_stat_get_db_tuples_returned",
    "pg_stat_get_db_tuples_fetched", "pg_stat_get_db_blocks_fetched", "pg_stat_get_db_blocks_hit",
    # a query text run on the server's own behalf, whose plan or answer the gateway cannot recognise
    "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "table_to_xml", "cursor_to_xml",
    "database_to_xml", "schema_to_xml", "ts_stat",
)  # fmt: skip

EXISTING_ROLES = """
SELECT rolname FROM pg_catalog.pg_roles
WHERE rolname !~ '^pg_' AND rolname !~ %(own)s AND NOT rolsuper
  AND (NOT %(late)s OR NOT EXISTS (SELECT FROM doorward.moved_to t WHERE t.role = pg_roles.oid))
ORDER BY rolname
"""
PUBLIC_RIGHTS = """
SELECT 'EXECUTE ON FUNCTION pg_catalog.' || p.oid::regprocedure::text, 'pg_proc', p.oid
FROM pg_catalog.pg_proc p
CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY (%(functions)s)
  AND a.grantee = 0 AND a.privilege_type = 'EXECUTE'
UNION ALL
SELECT format('USAGE ON LANGUAGE %%I', l.lanname), 'pg_language', l.oid
FROM pg_catalog.pg_language l
CROSS JOIN LATERAL aclexplode(coalesce(l.lanacl, acldefault('l', l.lanowner))) a
WHERE l.lanpltrusted AND a.grantee = 0 AND a.privilege_type = 'USAGE'
UNION ALL
SELECT format('TEMPORARY ON DATABASE %%I', d.datname), 'pg_database', d.oid
FROM pg_catalog.pg_database d
CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
WHERE d.datname = current_database() AND a.grantee = 0 AND a.privilege_type = 'TEMPORARY'
ORDER BY 1
"""
# Roles that hold a moved right by our doing: given it, and not named in the list as it was. "Never granted" is NULL and
# stands for the owner's own rights besides PUBLIC's: they are not ours to take.
GIVEN = sql.SQL("""
SELECT r.rolname FROM doorward.moved_to t JOIN pg_catalog.pg_roles r ON r.oid = t.role
WHERE NOT EXISTS (
  SELECT FROM doorward.acl_before b JOIN pg_catalog.{catalog} c ON c.oid = b.object
  CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(b.acl::aclitem[], pg_catalog.acldefault({letter}, c.{owner}))) a
  WHERE b.catalog = {name} AND b.object = {object} AND (a.grantee = r.oid OR c.{owner} = r.oid))
ORDER BY 1
""")
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Right:
    """A right as GRANT writes it, and the object that it is on."""

    granted: str
    catalog: str
    object: int


def find_public_rights(connection: Connection) -> list[Right]:
    """Return those of the rights above that PUBLIC holds."""
    return [Right(*row) for row in connection.execute(PUBLIC_RIGHTS, {"functions": list(FUNCTIONS)})]


def move_public_rights(connection: Connection) -> list[str]:
    """Take the rights above from PUBLIC, give them to the roles that exist, and return what was moved.

    Runs in the caller's transaction, after the foundation. A second run moves nothing, and gives what was moved to
    roles that have come since.
    """
    rights = find_public_rights(connection)
    everybody = _roles(connection, late=False)
    for right in rights:
        record_acls(connection, right.catalog, [right.object])
        # Give first, then take: at no moment does an existing role lack the right.
        _grant(connection, right.granted, everybody)
        connection.execute(sql.SQL("REVOKE {} FROM PUBLIC").format(sql.SQL(right.granted)))
        connection.execute(
            "INSERT INTO doorward.moved_right VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [right.granted, right.catalog, right.object],
        )
    late = _roles(connection, late=True)
    if late:
        for (granted,) in connection.execute("SELECT granted FROM doorward.moved_right").fetchall():
            _grant(connection, granted, late)
        connection.execute(
            "INSERT INTO doorward.moved_to SELECT oid FROM pg_catalog.pg_roles WHERE rolname = ANY (%s)"
            " ON CONFLICT DO NOTHING",
            [late],
        )
    return [right.granted for right in rights]


def give_back_public_rights(connection: Connection) -> None:
    """Give PUBLIC what was moved, and take it from the roles that have it from us; in the caller's transaction."""
    for right in _moved(connection):
        connection.execute(sql.SQL("GRANT {} TO PUBLIC").format(sql.SQL(right.granted)))
        _revoke(connection, right.granted, _given(connection, right))


def take_moved_rights(connection: Connection, role: str) -> None:
    """Take what was moved from one role, which is to be dropped; it stays on the list of those that were served."""
    for right in _moved(connection):
        if role in _given(connection, right):
            _revoke(connection, right.granted, [role])


def _given(connection: Connection, right: Right) -> list[str]:
    place = PLACES[right.catalog]
    query = GIVEN.format(
        catalog=sql.Identifier(right.catalog),
        letter=sql.SQL('{}::"char"').format(sql.Literal(place.letter)),
        owner=sql.Identifier(place.owner),
        name=sql.Literal(right.catalog),
        object=sql.Literal(right.object),
    )
    return [row[0] for row in connection.execute(query)]


def _moved(connection: Connection) -> list[Right]:
    rows = connection.execute("SELECT granted, catalog, object FROM doorward.moved_right ORDER BY granted")
    return [Right(*row) for row in rows.fetchall()]


def _roles(connection: Connection, *, late: bool) -> list[str]:
    return [row[0] for row in connection.execute(EXISTING_ROLES, {"own": OWN_ROLE, "late": late})]


def _grant(connection: Connection, right: str, roles: Collection[str]) -> None:
    if roles:
        names = sql.SQL(", ").join(map(sql.Identifier, roles))
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.SQL(right), names))


def _revoke(connection: Connection, right: str, roles: Collection[str]) -> None:
    if roles:
        names = sql.SQL(", ").join(map(sql.Identifier, roles))
        connection.execute(sql.SQL("REVOKE {} FROM {}").format(sql.SQL(right), names))
