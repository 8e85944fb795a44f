"""Rights that PostgreSQL gives to PUBLIC and a grant session must not have, moved to the existing roles by name.

A grant session is a member of PUBLIC like every role, so these can be closed in one way only: take them from
PUBLIC and give them to each role that exists. For the city's roles nothing changes (law 3). What cannot be
moved (NOTIFY, LISTEN, SET) is named in SECURITY.md.
"""

from typing import Any, Final

import psycopg
from psycopg import sql

LANGUAGES: Final = ("plpgsql", "sql")  # DO would carry EXPLAIN ANALYZE around the gateway's closure

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
WHERE rolname !~ '^(pg_|dw_|doorward_)' AND NOT rolsuper ORDER BY rolname
"""
PUBLIC_FUNCTIONS = """
SELECT p.oid::regprocedure::text
FROM pg_catalog.pg_proc p
CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY (%s)
  AND a.grantee = 0 AND a.privilege_type = 'EXECUTE'
ORDER BY 1
"""
PUBLIC_LANGUAGES = """
SELECT l.lanname
FROM pg_catalog.pg_language l
CROSS JOIN LATERAL aclexplode(coalesce(l.lanacl, acldefault('l', l.lanowner))) a
WHERE l.lanname = ANY (%s) AND a.grantee = 0 AND a.privilege_type = 'USAGE'
"""
PUBLIC_TEMPORARY = """
SELECT d.datname
FROM pg_catalog.pg_database d
CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
WHERE d.datname = current_database() AND a.grantee = 0 AND a.privilege_type = 'TEMPORARY'
"""


def move_public_rights(connection: psycopg.Connection[Any]) -> list[str]:
    """Take the rights above from PUBLIC, give them to the roles that exist, and return what was moved.

    Runs in the caller's transaction. A second run finds nothing to move.
    """
    roles = [row[0] for row in connection.execute(EXISTING_ROLES)]
    moved: list[str] = []
    for (signature,) in connection.execute(PUBLIC_FUNCTIONS, [list(FUNCTIONS)]).fetchall():
        _move(connection, sql.SQL("EXECUTE ON FUNCTION pg_catalog.") + sql.SQL(signature), roles)
        moved.append(f"execute on {signature}")
    for (language,) in connection.execute(PUBLIC_LANGUAGES, [list(LANGUAGES)]).fetchall():
        _move(connection, sql.SQL("USAGE ON LANGUAGE {}").format(sql.Identifier(language)), roles)
        moved.append(f"usage on language {language}")
    for (database,) in connection.execute(PUBLIC_TEMPORARY).fetchall():
        _move(connection, sql.SQL("TEMPORARY ON DATABASE {}").format(sql.Identifier(database)), roles)
        moved.append(f"temporary on database {database}")
    return moved


def _move(connection: psycopg.Connection[Any], right: sql.Composable, roles: list[str]) -> None:
    # Give first, then take: at no moment does an existing role lack the right.
    if roles:
        names = sql.SQL(", ").join(sql.Identifier(role) for role in roles)
        connection.execute(sql.SQL("GRANT {} TO {}").format(right, names))
    connection.execute(sql.SQL("REVOKE {} FROM PUBLIC").format(right))
