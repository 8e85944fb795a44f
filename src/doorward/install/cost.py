"""What scopes held by views alone cost, measured on the city's own tables, not quoted.

A security barrier keeps PostgreSQL from using an index for what it cannot prove harmless, so a sorted page or a search
by an expression may read the whole table. Each statement runs by hand, as the views' predicate written into a query,
and through the view; the figures are for this database, at this size, now.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import psycopg
from psycopg import sql

from doorward.install.names import scope_schema, spell_table
from doorward.install.scopes import GRANT_IN_FORCE, table_identifier
from doorward.policy.scopes import Scope, ScopeTable

ROUNDS: Final = 3
TIMEOUT: Final = "20s"
KEY: Final = """
SELECT quote_ident(a.attname)
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = %(table)s::regclass AND i.indisvalid AND i.indpred IS NULL
ORDER BY i.indisprimary DESC, i.indexrelid LIMIT 1
"""
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of one statement by hand and through the view; None where it did not end in time."""

    table: str
    statement: str
    by_hand: float | None
    through_view: float | None


def measure_views(
    connection: Connection, scope: Scope, *, clock: Callable[[], float] = time.perf_counter
) -> list[Cost]:
    """Return the cost of a sorted page and of a search by key, for each table of one scope that has an index.

    Args:
        connection: A superuser's, in autocommit mode; reads only.
        scope: Any that is installed by views.
        clock: Seconds.
    """
    costs = []
    for table in scope.tables:
        row = connection.execute(KEY, {"table": spell_table(table.table)}).fetchone()
        shown = {column.name for column in table.columns if column.expression is None}
        if row is None or row[0].strip('"') not in shown:
            continue
        key = sql.SQL(row[0])
        for says, tail in (
            ("a page in the order of its key", sql.SQL("ORDER BY {} LIMIT 50").format(key)),
            (
                "one key",
                sql.SQL("WHERE {} = (SELECT min({}) FROM {})").format(
                    key, key, table_identifier(table.table)
                ),
            ),
        ):
            costs.append(Cost(table.table, says, *_pair(connection, scope, table, tail, clock)))
    return costs


def _pair(
    connection: Connection, scope: Scope, table: ScopeTable, tail: sql.Composed, clock: Callable[[], float]
) -> tuple[float | None, float | None]:
    view = sql.SQL("{}.{}").format(
        sql.Identifier(scope_schema(scope.id)), sql.Identifier(table.table.rsplit(".", 1)[-1])
    )
    columns = sql.SQL(", ").join(
        sql.Identifier(column.name) if column.expression is None else sql.SQL(column.expression)
        for column in table.columns
    )
    where = sql.SQL("FROM {} WHERE {} AND ({})").format(
        table_identifier(table.table), GRANT_IN_FORCE, sql.SQL(table.predicate)
    )
    # Around the condition: a query by hand is not a subquery that PostgreSQL must finish first.
    by_hand = sql.SQL("SELECT {} {} {}").format(
        columns, where, sql.SQL(tail.as_string(connection).replace("WHERE ", "AND ", 1))
    )
    through = sql.SQL("SELECT * FROM {} {}").format(view, tail)
    return _time(connection, scope, by_hand, clock), _time(connection, scope, through, clock)


def _time(
    connection: Connection, scope: Scope, statement: sql.Composed, clock: Callable[[], float]
) -> float | None:
    taken = []
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(TIMEOUT)))
            # A grant of our own for as long as this takes: without one no row is looked at.
            connection.execute(
                "INSERT INTO doorward.session_grant VALUES (session_user, %s, '', '', '', now() + interval '1 hour')",
                [scope.id],
            )
            for _ in range(ROUNDS):
                started = clock()
                connection.execute(statement).fetchall()
                taken.append((clock() - started) * 1000)
    except psycopg.errors.QueryCanceled:
        return None
    return median(taken)
