"""What PostgreSQL's catalog says of the tables that an order speaks of, for the check before an install."""

from collections.abc import Mapping
from typing import Any

import psycopg

from doorward.cedar.types import Type
from doorward.install.names import spell_table
from doorward.policy.tables import CatalogColumn, Table, check_catalog

COLUMNS = """
SELECT a.attname, pg_catalog.format_type(a.atttypid, NULL), a.attnotnull,
       coalesce((SELECT c.collisdeterministic FROM pg_catalog.pg_collation c WHERE c.oid = a.attcollation), true)
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
"""
Connection = psycopg.Connection[Any]


def read_catalog(connection: Connection, tables: Mapping[str, Table]) -> dict[str, dict[str, CatalogColumn]]:
    """Return the columns of each table that exists, by ``schema.table``."""
    found: dict[str, dict[str, CatalogColumn]] = {}
    for table in tables.values():
        rows = connection.execute(COLUMNS, [spell_table(table.table)]).fetchall()
        if rows:
            found[table.table] = {
                name: CatalogColumn(kind, not_null, deterministic)
                for name, kind, not_null, deterministic in rows
            }
    return found


def find_misfits(connection: Connection, tables: Mapping[str, Table], types: Mapping[str, Type]) -> list[str]:
    """Return where the database differs from what the order says of it, so that a row predicate could be inexact.

    Args:
        connection: To the database.
        tables: The order's.
        types: Of the attributes of a row, as the order's schema has them.
    """
    catalog = read_catalog(connection, tables)
    return [str(finding) for finding in check_catalog(tables, catalog, types)]
