"""A scope as PostgreSQL objects: one schema of plain views, two roles, one row policy a table.

The views choose columns and masks; rows are row-level security on the base tables for the views' owner, a role
that no session inherits. A session reads through a role that owns nothing, so DROP OWNED and REASSIGN OWNED by
a session find nothing to take (facts from trials on PostgreSQL 17: a role that sessions inherit must own
nothing, and no policy may hang on it alone).

INVARIANT (no grant, no rows): each row policy also asks that the session has a grant that is in force.
"""

from collections.abc import Iterator

from psycopg import sql

from doorward.install.names import SCHEMA, SESSIONS, owner_role, reader_role, scope_schema
from doorward.install.stops import Mode
from doorward.policy.scopes import Scope, ScopeTable

GRANT_IN_FORCE = sql.SQL("(SELECT true FROM {}.my_grant)").format(sql.Identifier(SCHEMA))


def create_scope(scope: Scope, mode: Mode = Mode.ROWS) -> Iterator[sql.Composed]:
    """Yield the statements that make a scope, without its row policies; to be run in one transaction.

    In the mode of views each view holds the rows itself, behind a security barrier, and the base tables carry nothing
    but a GRANT to the views' owner. The base tables' row policies are separate (`create_row_policy`), because each
    takes its table's lock and so has a short transaction of its own.
    """
    owner, reader, schema = (
        sql.Identifier(name(scope.id)) for name in (owner_role, reader_role, scope_schema)
    )
    yield sql.SQL("CREATE ROLE {} NOLOGIN NOINHERIT").format(owner)
    yield sql.SQL("CREATE ROLE {} NOLOGIN").format(reader)
    yield sql.SQL("GRANT {} TO doorward_admin WITH ADMIN TRUE, INHERIT FALSE, SET FALSE").format(reader)
    yield sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(schema, owner)
    yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, reader)
    yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(SCHEMA), owner)
    yield sql.SQL("GRANT SELECT ON {}.my_grant TO {}").format(sql.Identifier(SCHEMA), owner)
    for table in scope.tables:
        yield from _create_view(table, mode, owner=owner, reader=reader, schema=schema)


def _create_view(
    table: ScopeTable, mode: Mode, *, owner: sql.Identifier, reader: sql.Identifier, schema: sql.Identifier
) -> Iterator[sql.Composed]:
    base = table_identifier(table.table)
    view = sql.SQL("{}.{}").format(schema, sql.Identifier(table.table.rsplit(".", 1)[-1]))
    named = sql.SQL(", ").join(
        sql.Identifier(column.name)
        if column.expression is None
        # The expression comes from the signed pack's collections.toml, not from a client.
        else sql.SQL("({}) AS {}").format(sql.SQL(column.expression), sql.Identifier(column.name))
        for column in table.columns
    )
    base_schema = table.table.rsplit(".", 1)[0]
    yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(base_schema), owner)
    # All columns for the owner: masks read what they hide. No session inherits this role.
    yield sql.SQL("GRANT SELECT ON {} TO {}").format(base, owner)
    if mode is Mode.ROWS:
        yield sql.SQL("CREATE VIEW {} AS SELECT {} FROM {}").format(view, named, base)
    else:
        yield sql.SQL("CREATE VIEW {} WITH (security_barrier) AS SELECT {} FROM {} WHERE {} AND ({})").format(
            view, named, base, GRANT_IN_FORCE, sql.SQL(table.predicate)
        )
    yield sql.SQL("ALTER VIEW {} OWNER TO {}").format(view, owner)
    yield sql.SQL("GRANT SELECT ON {} TO {}").format(view, reader)
    if table.withheld:
        yield sql.SQL("COMMENT ON VIEW {} IS {}").format(view, sql.Literal(table.withheld))


def create_row_policy(scope: Scope, table: ScopeTable) -> sql.Composed:
    """Return the row policy of one table for one scope: the order's predicate and a grant in force."""
    return sql.SQL("CREATE POLICY {} ON {} FOR SELECT TO {} USING ({} AND ({}))").format(
        sql.Identifier(scope_schema(scope.id)),
        table_identifier(table.table),
        sql.Identifier(owner_role(scope.id)),
        GRANT_IN_FORCE,
        sql.SQL(table.predicate),
    )


def create_login(login: str, scope_id: str, *, connections: int) -> Iterator[sql.Composed]:
    """Yield the statements that make one login role of a scope, entered only by the gateway's peer map."""
    role = sql.Identifier(login)
    yield sql.SQL("CREATE ROLE {} LOGIN INHERIT CONNECTION LIMIT {}").format(role, sql.Literal(connections))
    for group, inherits in ((reader_role(scope_id), "TRUE"), (SESSIONS, "FALSE")):
        yield sql.SQL("GRANT {} TO {} WITH INHERIT {}, SET FALSE").format(
            sql.Identifier(group), role, sql.SQL(inherits)
        )


def table_identifier(table: str) -> sql.Composed:
    """Return ``schema.table`` quoted."""
    return sql.SQL(".").join(sql.Identifier(part) for part in table.rsplit(".", 1))
