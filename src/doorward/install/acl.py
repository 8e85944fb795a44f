"""Access lists as they were, so that an uninstall leaves the catalog as it found it, byte for byte.

GRANT and REVOKE cannot do that alone: PostgreSQL keeps "never granted" as NULL and writes the default out at the first
GRANT, in an order of its own. So the list of each object is recorded before the first touch, and written back after
the last REVOKE, only where it says the same already: rights never change here, only how they are noted.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class AclPlace:
    """Where a catalog keeps access lists: the column, the owner's column, and the letter `acldefault` knows it by."""

    column: str
    owner: str
    letter: str


PLACES: Final = {
    "pg_class": AclPlace("relacl", "relowner", "r"),
    "pg_namespace": AclPlace("nspacl", "nspowner", "n"),
    "pg_proc": AclPlace("proacl", "proowner", "f"),
    "pg_language": AclPlace("lanacl", "lanowner", "l"),
    "pg_database": AclPlace("datacl", "datdba", "d"),
}
SAME: Final = sql.SQL("""
NOT EXISTS (
  (SELECT * FROM pg_catalog.aclexplode(coalesce(c.{column}, pg_catalog.acldefault({letter}, c.{owner})))
   EXCEPT SELECT * FROM pg_catalog.aclexplode(coalesce(b.acl::aclitem[], pg_catalog.acldefault({letter}, c.{owner}))))
  UNION ALL
  (SELECT * FROM pg_catalog.aclexplode(coalesce(b.acl::aclitem[], pg_catalog.acldefault({letter}, c.{owner})))
   EXCEPT SELECT * FROM pg_catalog.aclexplode(coalesce(c.{column}, pg_catalog.acldefault({letter}, c.{owner})))))
""")


def record_acls(connection: Connection, catalog: str, objects: Collection[int]) -> None:
    """Record the access lists of these objects of one catalog, unless an earlier install already did."""
    connection.execute(
        sql.SQL(
            "INSERT INTO doorward.acl_before SELECT {name}, c.oid, c.{column}::text FROM pg_catalog.{catalog} c"
            " WHERE c.oid = ANY ({objects}) ON CONFLICT DO NOTHING"
        ).format(
            name=sql.Literal(catalog),
            column=sql.Identifier(PLACES[catalog].column),
            catalog=sql.Identifier(catalog),
            objects=sql.Literal(list(objects)),
        )
    )


def restore_acls(connection: Connection) -> None:
    """Note the recorded lists as they were noted, where they grant the same rights to the same roles.

    To be run by a superuser, after every REVOKE: it writes to the catalogs themselves.
    """
    for catalog, place in PLACES.items():
        names = {
            "catalog": sql.Identifier(catalog),
            "column": sql.Identifier(place.column),
            "owner": sql.Identifier(place.owner),
            "letter": sql.SQL('{}::"char"').format(sql.Literal(place.letter)),
        }
        connection.execute(
            sql.SQL(
                "UPDATE pg_catalog.{catalog} c SET {column} = b.acl::aclitem[] FROM doorward.acl_before b"
                " WHERE b.catalog = {name} AND b.object = c.oid AND c.{column}::text IS DISTINCT FROM b.acl"
                " AND "
            ).format(name=sql.Literal(catalog), **names)
            + SAME.format(**names)
        )
