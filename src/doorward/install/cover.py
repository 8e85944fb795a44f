"""One table of the city's behind the scopes: its keep-policy, its row policies, row security, and the proof.

What is checked is checked in the transaction that changes the table, so a difference undoes it: every role's plans are
the same (`equality`), every role that reaches the table keeps all of its rows (`keepers`).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import psycopg
from psycopg import sql

from doorward.errors import InstallError
from doorward.install import names
from doorward.install.equality import compare_plans, read_plans
from doorward.install.keepers import find_keepers, find_unkept
from doorward.install.scopes import create_row_policy, table_identifier
from doorward.install.short import in_short_transaction
from doorward.policy.scopes import Scope

PLAN_TRIES: Final = 3  # statistics may move while we look; a change that stays is ours
Connection = psycopg.Connection[Any]


def cover_table(
    connection: Connection, table: str, scopes: Mapping[str, Scope], *, lock_seconds: float
) -> float:
    """Put one table behind the scopes in one short transaction, and return how many seconds that took.

    Raises:
        InstallError: The table stayed locked, or a role of the city's would have noticed; the table is as it was.
    """
    base, name = table_identifier(table), names.spell_table(table)
    for attempt in range(PLAN_TRIES):
        with connection.transaction():
            before = read_plans(connection, base, name)

        def cover(before: Mapping[tuple[str, str], str] = before) -> None:
            for statement in protect_table(connection, table, scopes):
                connection.execute(statement)
            differences = compare_plans(before, read_plans(connection, base, name))
            differences += [
                f"`{role}` would not keep every row of {name}" for role in _unkept(connection, name)
            ]
            if differences:
                raise InstallError(
                    f"{name} was left as it was",
                    findings=differences,
                    hint="a role of the city's would have noticed the install",
                )

        try:
            return in_short_transaction(connection, cover, table=name, seconds=lock_seconds)
        except InstallError as error:
            if not error.findings or attempt == PLAN_TRIES - 1:
                raise
    raise AssertionError("the last try returns or raises")


def _unkept(connection: Connection, table: str) -> list[str]:
    row = connection.execute(
        "SELECT had_row_security FROM doorward.covered WHERE relation = %s::regclass", [table]
    ).fetchone()
    return [] if row and row[0] else find_unkept(connection, table)


def protect_table(
    connection: Connection, table: str, scopes: Mapping[str, Scope]
) -> Iterator[sql.SQL | sql.Composed]:
    """Yield the statements that put one table behind the scopes, in the order in which nobody loses a row.

    A table that has row security of its own keeps it: its roles are bound by its policies as before, and get no
    policy of ours.
    """
    base, name = table_identifier(table), names.spell_table(table)
    yield sql.SQL(
        "INSERT INTO doorward.covered SELECT c.oid, {table}, c.relrowsecurity AND NOT EXISTS ("
        "SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid AND p.polname = {keep})"
        " FROM pg_catalog.pg_class c WHERE c.oid = {table}::regclass ON CONFLICT DO NOTHING"
    ).format(table=sql.Literal(name), keep=sql.Literal(names.KEEP_POLICY))
    rows = connection.execute(
        "SELECT p.polname FROM pg_catalog.pg_policy p WHERE p.polrelid = %s::regclass", [name]
    )
    existing = {row[0] for row in rows}
    row = connection.execute(
        "SELECT c.relrowsecurity AND coalesce(v.had_row_security, true) FROM pg_catalog.pg_class c"
        " LEFT JOIN doorward.covered v ON v.relation = c.oid WHERE c.oid = %s::regclass",
        [name],
    ).fetchone()
    if not (row and row[0]):
        verb = (
            sql.SQL("ALTER POLICY {} ON {} TO {} USING (true) WITH CHECK (true)")
            if names.KEEP_POLICY in existing
            else sql.SQL("CREATE POLICY {} ON {} FOR ALL TO {} USING (true) WITH CHECK (true)")
        )
        keepers = sql.SQL(", ").join(map(sql.Identifier, find_keepers(connection, name)))
        yield verb.format(sql.Identifier(names.KEEP_POLICY), base, keepers)
    for scope in scopes.values():
        for scoped in scope.tables:
            if scoped.table == table and names.scope_schema(scope.id) not in existing:
                yield create_row_policy(scope, scoped)
    yield sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(base)


def allow_register(connection: Connection, table: str, columns: Collection[str]) -> None:
    """Let the gateway's own role ask a register: these columns of this table and nothing else."""
    base, admin = table_identifier(table), sql.Identifier(names.ADMIN)
    policy = sql.Identifier(names.REGISTER_POLICY)
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    with connection.transaction():
        connection.execute(sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(policy, base))
        connection.execute(sql.SQL("GRANT SELECT ({}) ON {} TO {}").format(listed, base, admin))
        connection.execute(
            sql.SQL("CREATE POLICY {} ON {} FOR SELECT TO {} USING (true)").format(policy, base, admin)
        )
