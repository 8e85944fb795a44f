"""What roles reach in a database: who must keep a table, what stops an install, and what is a hole.

Everything is read from the catalog of the database that will decide, not from what the install meant to do.
"""

from collections.abc import Collection, Mapping
from typing import Any

import psycopg

from doorward.install.names import reader_role, scope_schema
from doorward.policy.scopes import Scope

REACHING = """
SELECT r.rolname
FROM pg_catalog.pg_roles r
WHERE NOT r.rolsuper AND NOT r.rolbypassrls AND r.rolname !~ '^(dw_|doorward_)'
  AND NOT (r.rolname LIKE 'pg\\_%%' AND r.rolname NOT IN ('pg_read_all_data', 'pg_write_all_data'))
  AND NOT pg_catalog.pg_has_role(
    r.oid, (SELECT relowner FROM pg_catalog.pg_class WHERE oid = %(table)s::regclass), 'USAGE')
  AND (pg_catalog.has_table_privilege(r.oid, %(table)s::regclass, 'SELECT, INSERT, UPDATE, DELETE')
       OR pg_catalog.has_any_column_privilege(r.oid, %(table)s::regclass, 'SELECT, INSERT, UPDATE'))
ORDER BY 1
"""
PUBLIC_ACL = """
SELECT DISTINCT a.privilege_type
FROM pg_catalog.pg_class c, LATERAL aclexplode(c.relacl) a
WHERE c.oid = %(table)s::regclass AND a.grantee = 0
UNION
SELECT a.privilege_type || ' (' || t.attname || ')'
FROM pg_catalog.pg_attribute t, LATERAL aclexplode(t.attacl) a
WHERE t.attrelid = %(table)s::regclass AND a.grantee = 0
ORDER BY 1
"""
PUBLIC_POLICIES = (
    "SELECT polname FROM pg_catalog.pg_policy WHERE polrelid = %(table)s::regclass AND 0 = ANY (polroles)"
)
COPYING = """
SELECT r.rolname
FROM pg_catalog.pg_roles r
WHERE NOT r.rolsuper AND NOT r.rolbypassrls AND r.rolcanlogin AND r.rolname !~ '^(dw_|doorward_|pg_)'
  AND NOT pg_catalog.pg_has_role(
    r.oid, (SELECT relowner FROM pg_catalog.pg_class WHERE oid = %(table)s::regclass), 'USAGE')
  AND pg_catalog.has_table_privilege(r.oid, %(table)s::regclass, 'INSERT')
  AND NOT r.rolname = ANY (%(declared)s)
ORDER BY 1
"""
HOLES = """
SELECT format('%%I.%%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p', 'S')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', %(schema)s) AND n.nspname !~ '^pg_toast'
  AND CASE WHEN c.relkind = 'S'
        THEN pg_catalog.has_sequence_privilege(%(role)s, c.oid, 'USAGE, SELECT, UPDATE')
        ELSE pg_catalog.has_table_privilege(
            %(role)s, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
          OR pg_catalog.has_any_column_privilege(%(role)s, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES') END
UNION ALL
SELECT p.oid::regprocedure::text
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND pg_catalog.has_schema_privilege(%(role)s, n.oid, 'USAGE')
  AND pg_catalog.has_function_privilege(%(role)s, p.oid, 'EXECUTE')
UNION ALL
SELECT 'schema ' || n.nspname FROM pg_catalog.pg_namespace n
WHERE pg_catalog.has_schema_privilege(%(role)s, n.oid, 'CREATE')
ORDER BY 1
"""
WRITES = """
SELECT format('%%I.%%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'v', 'm', 'f', 'p')
  AND pg_catalog.has_table_privilege(%(role)s, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
"""
Connection = psycopg.Connection[Any]


def reaching_roles(connection: Connection, table: str) -> list[str]:
    """Return the roles that reach a table by ACL, membership or the predefined roles, and need to keep it.

    Owners (and members of the owner), superusers and BYPASSRLS roles are not bound by row security.
    """
    return [row[0] for row in connection.execute(REACHING, {"table": table})]


def find_stops(
    connection: Connection, tables: Collection[str], *, copies_nothing: Collection[str]
) -> list[str]:
    """Return every reason not to touch these tables, each with the way out; empty when there is none."""
    stops = []
    for table in tables:
        for (right,) in connection.execute(PUBLIC_ACL, {"table": table}).fetchall():
            stops.append(
                f"PUBLIC holds {right} on {table}: GRANT it to the roles that need it, then REVOKE it FROM PUBLIC"
            )
        for (policy,) in connection.execute(PUBLIC_POLICIES, {"table": table}).fetchall():
            stops.append(f"policy `{policy}` on {table} is open to PUBLIC and would open every scope")
        declared = {"table": table, "declared": list(copies_nothing)}
        for (role,) in connection.execute(COPYING, declared).fetchall():
            stops.append(
                f"role `{role}` inserts into {table} and PostgreSQL refuses it COPY FROM under row security:"
                " declare that it uses neither COPY FROM nor pg_dump, or have the DBA give it BYPASSRLS"
            )
    return stops


def find_holes(connection: Connection, scopes: Mapping[str, Scope]) -> list[str]:
    """Return everything that a scope's readers reach outside their own views; empty when they reach nothing."""
    holes = []
    for scope_id in scopes:
        parameters = {"role": reader_role(scope_id), "schema": scope_schema(scope_id)}
        for query in (HOLES, WRITES):
            holes += [f"scope {scope_id}: {row[0]}" for row in connection.execute(query, parameters)]
    return holes
