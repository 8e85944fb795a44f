"""The desk's own database: on the record's server, never on one behind the door."""

from typing import Final

import psycopg
from psycopg import sql

ROLE: Final = "doorward_desk"
DATABASE: Final = "doorward_desk"


def make_database(conninfo: str) -> None:
    """Make the desk's role and database where they are missing; its tables are for migrations.

    Args:
        conninfo: Of a superuser, to any database of the server.

    Raises:
        psycopg.Error: The server refused or cannot be reached.
    """
    with psycopg.connect(conninfo, autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
        name = sql.Identifier(DATABASE)
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            make = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' OWNER {}"
            connection.execute(sql.SQL(make).format(name, sql.Identifier(ROLE)))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
