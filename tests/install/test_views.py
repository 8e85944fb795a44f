"""Scopes held by views alone: the same rows as under row security, and base tables that carry nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from doorward.embedded.launcher import Cluster
from doorward.errors import InstallError
from doorward.install.cost import measure_views
from doorward.install.install import Terms, install
from doorward.install.names import reader_role, scope_schema
from doorward.install.scopes import create_login
from doorward.install.stops import Declared, Mode
from doorward.install.uninstall import uninstall
from doorward.orders.load import Pack
from doorward.policy.scopes import Scope, ScopeBook

pytestmark = pytest.mark.pg
Connection = psycopg.Connection[Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LOGIN = "dw_g_00000000000000bb"


def put(city: Connection, pack: Pack, book: ScopeBook, mode: Mode) -> None:
    install(city, pack, book, Terms(Declared(neither=("records_app",)), mode, lock_seconds=5), now=NOW)


@contextmanager
def session(cluster: Cluster, city: Connection, scope: Scope) -> Iterator[Connection]:
    """A session under a grant of one scope."""
    for statement in create_login(LOGIN, scope.id, connections=1):
        city.execute(statement)
    until = datetime.now(UTC) + timedelta(hours=1)  # noqa: TID251  # the server's clock ends it
    city.execute(
        "INSERT INTO doorward.session_grant VALUES (%s, %s, 'JH123456', 'area-1', '', %s)",
        [LOGIN, scope.id, until],
    )
    with psycopg.connect(cluster.dsn(user=LOGIN, dbname="clear"), autocommit=True) as connection:
        yield connection
    city.execute("DELETE FROM doorward.session_grant")
    city.execute(f'DROP ROLE "{LOGIN}"'.encode())


def read_scope(connection: Connection, scope: Scope) -> dict[str, list[Any]]:
    found = {}
    for table in scope.tables:
        view = sql.Identifier(scope_schema(scope.id), table.table.rsplit(".", 1)[-1])
        rows = connection.execute(sql.SQL("SELECT * FROM {}").format(view)).fetchall()
        found[table.table] = sorted(map(repr, rows))
    return found


def test_every_scope_shows_the_same_rows_either_way(
    cluster: Cluster, city: Connection, pack: Pack, book: ScopeBook
) -> None:
    seen: dict[Mode, dict[str, dict[str, list[Any]]]] = {}
    for mode in Mode:
        put(city, pack, book, mode)
        seen[mode] = {}
        for scope in book.scopes.values():
            with session(cluster, city, scope) as connection:
                seen[mode][scope.id] = read_scope(connection, scope)
        assert uninstall(city) == []
    assert seen[Mode.VIEWS] == seen[Mode.ROWS]
    assert any(rows for scope in seen[Mode.ROWS].values() for rows in scope.values())


def test_base_tables_carry_a_grant_and_nothing_else(city: Connection, pack: Pack, book: ScopeBook) -> None:
    put(city, pack, book, Mode.VIEWS)
    assert city.execute("SELECT count(*) FROM pg_policy").fetchone() == (0,)
    assert city.execute("SELECT count(*) FROM pg_class WHERE relrowsecurity").fetchone() == (0,)


def test_copy_from_goes_on_without_a_declaration(city: Connection, pack: Pack, book: ScopeBook) -> None:
    install(city, pack, book, Terms(mode=Mode.VIEWS, lock_seconds=5), now=NOW)
    city.execute("SET ROLE records_app")
    with city.cursor().copy(
        "COPY cases (case_no, kind, status, assigned_to, unit, opened_at) FROM STDIN"
    ) as copy:
        copy.write_row(("JH999999", "criminal", "open", "detective", "area-1", "2026-01-01"))
    city.execute("RESET ROLE")


def test_a_condition_of_the_sessions_own_meets_no_withheld_row(
    cluster: Cluster, city: Connection, pack: Pack, book: ScopeBook
) -> None:
    """A barrier holds the reader's condition behind the order's own: an error would tell of a row that is withheld."""
    put(city, pack, book, Mode.VIEWS)
    shown = {"height_cm", "person_id"}
    scope = next(
        s for s in book.scopes.values() for t in s.tables
        if t.table == "public.persons" and shown <= {c.name for c in t.columns if c.expression is None}
    )  # fmt: skip
    view = sql.Identifier(scope_schema(scope.id), "persons")
    with session(cluster, city, scope) as connection:
        visible = [row[0] for row in connection.execute(sql.SQL("SELECT person_id FROM {}").format(view))]
        withheld = city.execute(
            "UPDATE persons SET height_cm = 0 WHERE person_id <> ALL (%s)", [visible]
        ).rowcount
        assert withheld > 0
        query = sql.SQL("SELECT count(*) FROM {} WHERE 100000 / height_cm > 0").format(view)
        assert connection.execute(query).fetchone() == (len(visible),)
        with pytest.raises(psycopg.errors.DivisionByZero):
            city.execute("SELECT count(*) FROM persons WHERE 100000 / height_cm > 0")


def test_the_other_mode_asks_for_an_uninstall_first(city: Connection, pack: Pack, book: ScopeBook) -> None:
    put(city, pack, book, Mode.ROWS)
    with pytest.raises(InstallError, match="carries row policies of an earlier install"):
        put(city, pack, book, Mode.VIEWS)


def test_its_cost_is_measured_on_the_citys_own_tables(city: Connection, pack: Pack, book: ScopeBook) -> None:
    put(city, pack, book, Mode.VIEWS)
    scope = max(book.scopes.values(), key=lambda s: len(s.tables))
    costs = measure_views(city, scope)
    assert {cost.statement for cost in costs} == {"one key", "a page in the order of its key"}
    assert all(cost.by_hand and cost.through_view for cost in costs)
    assert city.execute("SELECT count(*) FROM doorward.session_grant").fetchone() == (0,)
    assert reader_role(scope.id).startswith("dw_r_")
