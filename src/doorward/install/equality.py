"""Whether the city's roles have after an install exactly what they had before: law 3, shown and not hoped.

1. Rights: which role holds which right on which object, before and after, in the same transaction.
2. Plans: EXPLAIN of the table and of each of its indexes as each role of the keep-policy, before and after.
3. Policies: every role that reaches the table has a policy that is true, and none that restricts it (`keepers`).
4. Counts: in one snapshot, each role counts as many rows as a superuser does, who is bound by no policy.

1 to 3 are checked in the transaction that changes the table, so a difference undoes it. 4 reads whole tables, so it
comes afterwards and takes no lock that a writer waits for; a difference takes the install back.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import sql

from doorward.install.keepers import find_keepers
from doorward.install.names import OWN_ROLE

RIGHTS: Final = """
WITH city AS (
  SELECT oid, rolname FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_' AND rolname !~ %(own)s AND NOT rolsuper)
SELECT r.rolname, c.oid::regclass::text, p
FROM city r, pg_catalog.pg_class c,
  unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p
WHERE c.oid = ANY (%(tables)s::regclass[]) AND pg_catalog.has_table_privilege(r.oid, c.oid, p)
UNION ALL
SELECT r.rolname, f.oid::regprocedure::text, 'EXECUTE'
FROM city r, pg_catalog.pg_proc f
WHERE f.pronamespace = 'pg_catalog'::regnamespace AND f.proname = ANY (%(functions)s)
  AND pg_catalog.has_function_privilege(r.oid, f.oid, 'EXECUTE')
UNION ALL
SELECT r.rolname, l.lanname, 'USAGE'
FROM city r, pg_catalog.pg_language l WHERE pg_catalog.has_language_privilege(r.oid, l.oid, 'USAGE')
UNION ALL
SELECT r.rolname, n.nspname, p
FROM city r, pg_catalog.pg_namespace n, unnest(ARRAY['USAGE', 'CREATE']) p
WHERE n.nspname !~ '^(pg_|doorward$|dw_)' AND pg_catalog.has_schema_privilege(r.oid, n.oid, p)
UNION ALL
SELECT r.rolname, current_database(), p
FROM city r, unnest(ARRAY['CONNECT', 'CREATE', 'TEMPORARY']) p
WHERE pg_catalog.has_database_privilege(r.oid, current_database(), p)
"""
INDEXED: Final = """
SELECT pg_catalog.pg_get_indexdef(i.indexrelid, 1, true)
FROM pg_catalog.pg_index i
WHERE i.indrelid = %(table)s::regclass AND i.indisvalid AND i.indpred IS NULL
ORDER BY i.indexrelid
"""
Connection = psycopg.Connection[Any]
Plans = Mapping[tuple[str, str], str]
Rights = frozenset[tuple[str, str, str]]


def read_rights(connection: Connection, tables: Collection[str], functions: Collection[str]) -> Rights:
    """Return every right that a role of the city's holds on what an install touches."""
    asked = {"own": OWN_ROLE, "tables": list(tables), "functions": list(functions)}
    return frozenset((row[0], row[1], row[2]) for row in connection.execute(RIGHTS, asked))


def compare_rights(before: Rights, after: Rights) -> list[str]:
    """Return each right that was lost or won, a sentence each."""
    lost = [f"`{role}` lost {right} on {thing}" for role, thing, right in sorted(before - after)]
    return lost + [f"`{role}` won {right} on {thing}" for role, thing, right in sorted(after - before)]


def read_plans(connection: Connection, table: sql.Composable, name: str) -> Plans:
    """Return the plan of each statement that is tried, as each role that keeps the table; in a transaction.

    Args:
        connection: In a transaction.
        table: The table, quoted.
        name: The same as text.
    """
    indexed = [row[0] for row in connection.execute(INDEXED, {"table": name}).fetchall()]
    statements = [sql.SQL("SELECT * FROM {}").format(table)]
    statements += [
        # The expression is the catalog's own text of an index.
        sql.SQL("SELECT 1 FROM {} ORDER BY {} LIMIT 1").format(table, sql.SQL(expression))
        for expression in dict.fromkeys(indexed)
    ]
    plans = {}
    for role in find_keepers(connection, name):
        for statement in statements:
            plans[role, statement.as_string(connection)] = _plan(connection, role, statement)
    return plans


def compare_plans(before: Plans, after: Plans) -> list[str]:
    """Return each role whose plan changed, a sentence each."""
    changed = dict.fromkeys(role for (role, text), plan in before.items() if after.get((role, text)) != plan)
    return [f"the plan of a statement of `{role}` changed" for role in changed]


def compare_counts(
    connection: Connection, tables: Mapping[str, sql.Composable], *, say: Callable[[str], None]
) -> list[str]:
    """Return each role that counts other rows than there are, a sentence each; reads every table once a role.

    Args:
        connection: A superuser's, outside of any transaction.
        tables: Quoted, by name.
        say: Told before each table.
    """
    differences = []
    for name, table in tables.items():
        say(name)
        counting = sql.SQL("SELECT count(*) FROM {}").format(table)
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            there = connection.execute(counting).fetchone()
            for role in find_keepers(connection, name):
                with as_role(connection, role):
                    counted = _count(connection, counting)
                if counted is not None and counted != there:
                    differences.append(f"`{role}` counts other rows of {name} than there are")
    return differences


@contextmanager
def as_role(connection: Connection, role: str) -> Iterator[None]:
    """Run the block with another role's rights, in the caller's transaction."""
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
    try:
        yield
    finally:
        if connection.info.transaction_status != psycopg.pq.TransactionStatus.INERROR:
            connection.execute("RESET ROLE")


def _count(connection: Connection, counting: sql.Composed) -> tuple[Any, ...] | None:
    # A role that may insert and not read has no count.
    try:
        with connection.transaction():
            return connection.execute(counting).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return None


def _plan(connection: Connection, role: str, statement: sql.Composed) -> str:
    with as_role(connection, role):
        try:
            with connection.transaction():
                rows = connection.execute(sql.SQL("EXPLAIN (COSTS OFF) ") + statement).fetchall()
        except psycopg.Error as error:
            return f"refused: {error.sqlstate}"  # a role that may not read is refused alike before and after
    return "\n".join(row[0] for row in rows)
