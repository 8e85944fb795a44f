"""The roles that must keep every row of a table, and the keep-policy that lets them: law 3.

A role reaches a table by the table's access list, by owning it, as a member of a role that does, or through
`pg_read_all_data` and `pg_write_all_data`. PostgreSQL applies a policy to the members of its roles, so the policy names
the roles of the access list, the owner and those two: then a role can be dropped exactly when its rights are revoked,
as before. The owner and roles with BYPASSRLS need no policy today; they would the day they are no longer that, which no
event trigger sees.
"""

from collections.abc import Iterator
from importlib import resources
from typing import Any, Final

import psycopg
from psycopg import sql

from doorward.install.names import KEEP_POLICY, OWN_ROLE

KEEPERS: Final = sql.SQL("""
SELECT r.rolname FROM pg_catalog.pg_roles r
WHERE r.oid IN (
    SELECT c.relowner FROM pg_catalog.pg_class c WHERE c.oid = {table}
    UNION
    SELECT a.grantee FROM pg_catalog.pg_class c, LATERAL pg_catalog.aclexplode(c.relacl) a WHERE c.oid = {table}
    UNION
    SELECT a.grantee FROM pg_catalog.pg_attribute t, LATERAL pg_catalog.aclexplode(t.attacl) a
    WHERE t.attrelid = {table} AND NOT t.attisdropped)
  AND r.rolname !~ {own}
UNION VALUES ('pg_read_all_data'::name), ('pg_write_all_data'::name)
""")
# Every role that reads or writes the table without being its owner, and that no true policy would cover.
UNKEPT: Final = """
SELECT r.rolname
FROM pg_catalog.pg_roles r, pg_catalog.pg_class c
WHERE c.oid = %(table)s::regclass AND c.relrowsecurity
  AND NOT r.rolsuper AND NOT r.rolbypassrls AND r.rolname !~ %(own)s
  AND NOT pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE')
  AND (pg_catalog.has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE')
       OR pg_catalog.has_table_privilege(r.oid, c.oid, 'DELETE'))
  AND (NOT EXISTS (
         SELECT FROM pg_catalog.pg_policy p, unnest(p.polroles) k
         WHERE p.polrelid = c.oid AND p.polname = %(keep)s AND p.polpermissive AND p.polcmd = '*'
           AND pg_catalog.pg_get_expr(p.polqual, c.oid) = 'true'
           AND pg_catalog.pg_get_expr(p.polwithcheck, c.oid) = 'true'
           AND pg_catalog.pg_has_role(r.oid, k, 'USAGE'))
       OR EXISTS (
         SELECT FROM pg_catalog.pg_policy p, unnest(p.polroles) k
         WHERE p.polrelid = c.oid AND NOT p.polpermissive
           AND (k = 0 OR pg_catalog.pg_has_role(r.oid, k, 'USAGE'))))
ORDER BY 1
"""
Connection = psycopg.Connection[Any]


def find_keepers(connection: Connection, table: str) -> list[str]:
    """Return the roles that the keep-policy of a table names, in order."""
    query = KEEPERS.format(
        table=sql.SQL("{}::regclass").format(sql.Literal(table)), own=sql.Literal(OWN_ROLE)
    )
    return sorted(row[0] for row in connection.execute(query))


def find_unkept(connection: Connection, table: str) -> list[str]:
    """Return the roles that reach a table under row security and would not see all of it; empty is the proof."""
    asked = {"table": table, "own": OWN_ROLE, "keep": KEEP_POLICY}
    return [row[0] for row in connection.execute(UNKEPT, asked)]


def follow_grants() -> Iterator[sql.SQL | sql.Composed]:
    """Yield the statements that keep the policies up with each later GRANT (`keep.sql`)."""
    yield sql.SQL(
        "CREATE OR REPLACE FUNCTION doorward.is_own(role name) RETURNS boolean LANGUAGE sql IMMUTABLE"
        " SET search_path = pg_catalog, pg_temp AS {}"
    ).format(_body(sql.SQL("SELECT role ~ {}").format(sql.Literal(OWN_ROLE))))
    yield sql.SQL(
        "CREATE OR REPLACE FUNCTION doorward.keepers(relation oid) RETURNS SETOF name LANGUAGE sql STABLE"
        " SET search_path = pg_catalog, pg_temp AS {}"
    ).format(_body(KEEPERS.format(table=sql.SQL("relation"), own=sql.Literal(OWN_ROLE))))
    yield sql.SQL(resources.files("doorward.install").joinpath("keep.sql").read_text(encoding="utf-8"))


def _body(query: sql.Composed) -> sql.Literal:
    return sql.Literal(query.as_string())
