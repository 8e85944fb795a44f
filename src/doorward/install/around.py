"""What stands beside the door in its own database: tables that no collection covers, roles that do not pass it.

Read from the catalog, for the inventory: installing changes nothing for the roles that were there, so each of them that
reads a table of the order reads it around the door, and so does whoever PostgreSQL never asks.
"""

from collections.abc import Collection
from typing import Any, Final

import psycopg

from doorward.grants.inventory import Around
from doorward.install.names import OWN_ROLE, OWN_SCHEMA, spell_table

TABLES: Final = """
SELECT n.nspname || '.' || c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'm') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)' AND n.nspname !~ %(own)s
ORDER BY 1
"""
ROLES: Final = """
SELECT r.rolname::text, CASE
    WHEN r.rolsuper THEN 'is a superuser'
    WHEN r.rolbypassrls THEN 'has BYPASSRLS'
    ELSE 'reads tables of the order with rights of its own' END
FROM pg_catalog.pg_roles r
WHERE r.rolcanlogin AND r.rolname !~ %(own)s AND (r.rolsuper OR r.rolbypassrls OR EXISTS (
  SELECT FROM unnest(%(tables)s::text[]) AS t (name)
  WHERE to_regclass(t.name) IS NOT NULL
    AND pg_catalog.has_any_column_privilege(r.oid, to_regclass(t.name), 'SELECT')))
ORDER BY 1
"""
Connection = psycopg.Connection[Any]


def look_around(connection: Connection, covered: Collection[str]) -> Around:
    """Return what stands beside the door in this database.

    Args:
        connection: The gateway's own, or any that reads the catalog.
        covered: The tables of the order, as ``schema.table``.
    """
    row = connection.execute("SELECT current_database()").fetchone()
    assert row is not None
    tables = [name for (name,) in connection.execute(TABLES, {"own": OWN_SCHEMA}).fetchall()]
    asked = {"own": OWN_ROLE, "tables": [spell_table(table) for table in covered]}
    roles = [(name, how) for name, how in connection.execute(ROLES, asked).fetchall()]
    return Around(
        str(row[0]),
        frozenset(covered),
        tuple(table for table in tables if table not in covered),
        tuple(roles),
    )
