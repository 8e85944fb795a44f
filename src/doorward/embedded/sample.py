"""Creating the sample database `clear`: whole, or not at all.

The rows are `synthetic`'s, the tables `sample_tables.sql`'s. They are built in a database of another name, in one
transaction, and that database is renamed as the last step. A run that was killed leaves the other name, or
nothing; the next run drops it and begins again. A `clear` that is there is never touched.

INVARIANT (clear-is-whole): a database called `clear` has every row, key and right of the sample.

Three roles stand for what a city has already: `clear_owner` owns the tables and logs in nowhere, `records_app` is an
application that reads and writes, `analyst_ro` a group that reads. Of PUBLIC's rights nothing is changed.
"""

import hashlib
from collections.abc import Callable
from importlib import resources
from typing import Any

import psycopg
from psycopg import sql

from doorward.embedded.synthetic import SampleRows, SampleSizes
from doorward.errors import ClusterError

__all__ = ["APPLICATION", "DATABASE", "SampleSizes", "create_sample", "sample_digest"]

DATABASE = "clear"
UNFINISHED = "clear_in_making"
OWNER, APPLICATION, READERS = "clear_owner", "records_app", "analyst_ro"
FULL_SIZE = SampleSizes()
# One builder at a time on a server; any number will do that nothing else here uses.
BUILD_LOCK = 7_306_001

Connection = psycopg.Connection[Any]

CREATE_ROLES = """
DO $roles$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'clear_owner') THEN CREATE ROLE clear_owner NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'records_app') THEN CREATE ROLE records_app LOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'analyst_ro') THEN CREATE ROLE analyst_ro NOLOGIN; END IF;
END
$roles$
"""

TABLE_ORDER = (
    ("arrests", "arrest_id"),
    ("cases", "case_no"),
    ("field_contacts", "contact_id"),
    ("incidents", "incident_id"),
    ("persons", "person_id"),
    ("plate_reads", "read_id"),
)


def create_sample(
    dsn: str,
    *,
    app_password: str | None = None,
    seed: int = 2019,
    rows: SampleSizes = FULL_SIZE,
    progress: Callable[[str, int, int], None] | None = None,
) -> None:
    """Create the database `clear`, unless it is there, and set the application's password.

    Args:
        dsn: A superuser's conninfo for another database of the server, as `postgres`.
        app_password: Of `records_app`, which cannot log in without one; None leaves it as it is. It reaches the
            server as a SCRAM secret only.
        seed: The same seed and sizes give the same bytes.
        progress: Called with a table's name, its rows so far, and its rows in all.

    Raises:
        ClusterError: The server refused a step; `clear` is then absent, and the next call begins again.
        ConfigError: A size is too small.
    """
    source = SampleRows(seed, rows)
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [BUILD_LOCK])
            connection.execute(CREATE_ROLES)
            if app_password is not None:
                _set_password(connection, app_password)
            if _exists(connection, DATABASE):
                return
            _drop_unfinished(connection)
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(
                    sql.Identifier(UNFINISHED), sql.Identifier(OWNER)
                )
            )
            with psycopg.connect(dsn, dbname=UNFINISHED) as building:
                _fill(building, source, progress)
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(UNFINISHED), sql.Identifier(DATABASE)
                )
            )
    except psycopg.Error as error:
        raise ClusterError(
            f"the sample database could not be made: PostgreSQL said {error.sqlstate or 'nothing'}",
            hint="start again; what was begun is dropped first",
        ) from error


def sample_digest(dsn: str) -> str:
    """Return one SHA-256 over every row of every table of the sample, generated columns too.

    Args:
        dsn: A conninfo for the database `clear`, of a role that reads all of it.

    Raises:
        ClusterError: The server refused a step.
    """
    digest = hashlib.sha256()
    try:
        with psycopg.connect(dsn) as connection:
            connection.execute("SET LOCAL timezone = 'UTC'")
            connection.execute("SET LOCAL datestyle = 'ISO'")
            for table, key in TABLE_ORDER:
                digest.update(f"{table}\n".encode())
                statement = sql.SQL("COPY (SELECT * FROM {} ORDER BY {}) TO STDOUT").format(
                    sql.Identifier(table), sql.Identifier(key)
                )
                with connection.cursor().copy(statement) as copy:
                    for data in copy:
                        digest.update(data)
    except psycopg.Error as error:
        raise ClusterError(
            f"the sample database could not be read: PostgreSQL said {error.sqlstate or 'nothing'}"
        ) from error
    return digest.hexdigest()


def _fill(
    connection: Connection, source: SampleRows, progress: Callable[[str, int, int], None] | None
) -> None:
    connection.execute("SET maintenance_work_mem = '128MB'")
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER)))
    connection.execute(_read_sql("sample_tables.sql"))
    for table in source.tables():
        # FREEZE and a table of this very transaction: the rows are written once and need no vacuum.
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FREEZE)").format(
            sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
        )
        with connection.cursor().copy(statement) as copy:
            for done, data in table.chunks:
                copy.write(data)
                if progress is not None:
                    progress(table.name, done, table.rows)
    connection.execute(_read_sql("sample_keys.sql"))


def _drop_unfinished(connection: Connection) -> None:
    # FORCE: a run that was killed may have left a session that has not noticed yet.
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(UNFINISHED)))


def _exists(connection: Connection, database: str) -> bool:
    found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [database])
    return found.fetchone() is not None


def _set_password(connection: Connection, password: str) -> None:
    secret = connection.pgconn.encrypt_password(password.encode(), APPLICATION.encode(), b"scram-sha-256")
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(APPLICATION), sql.Literal(secret.decode()))
    )


def _read_sql(name: str) -> sql.SQL:
    text = resources.files("doorward.embedded").joinpath(name).read_text(encoding="utf-8")
    return sql.SQL(text)
