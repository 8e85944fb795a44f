"""A database that is no longer what the install left is named, and what may change lawfully is not."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from doorward.install.drift import find_drift
from doorward.install.install import Terms, install
from doorward.install.names import owner_role, reader_role, scope_schema
from doorward.install.stops import Declared
from doorward.orders.load import Pack
from doorward.policy.scopes import ScopeBook

pytestmark = pytest.mark.pg
Connection = psycopg.Connection[Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(name="installed")
def installed_fixture(city: Connection, pack: Pack, book: ScopeBook) -> Connection:
    terms = Terms(
        Declared(neither=("records_app",)), registers={"public.cases": ("case_no",)}, lock_seconds=5
    )
    install(city, pack, book, terms, now=NOW)
    return city


def test_nothing_has_moved_right_after(installed: Connection) -> None:
    assert find_drift(installed) == []


def test_a_later_grant_to_a_role_of_the_citys_is_no_drift(installed: Connection) -> None:
    installed.execute("CREATE ROLE later2; GRANT SELECT ON persons TO later2")
    try:
        assert find_drift(installed) == []
    finally:
        installed.execute("DROP OWNED BY later2; DROP ROLE later2")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE persons DISABLE ROW LEVEL SECURITY", "row security"),
        ("ALTER TABLE persons FORCE ROW LEVEL SECURITY", "row security"),
        ("CREATE POLICY more ON persons TO {owner} USING (true)", "policies"),
        ("CREATE POLICY open ON cases USING (true)", "policies"),
        ("ALTER POLICY doorward_keep ON persons TO clear_owner", "`analyst_ro` reaches public.persons"),
        ("ALTER POLICY {schema} ON {table} USING (true)", "policies"),
        ("GRANT SELECT ON persons TO {reader}", "rights of scopes"),
        ("GRANT {owner} TO dw_sessions", "memberships"),
        ("GRANT analyst_ro TO {reader}", "memberships"),
        ("ALTER ROLE {reader} CREATEDB", "roles"),
        ("ALTER EVENT TRIGGER doorward_refuse_ddl DISABLE", "event triggers"),
        ("CREATE OR REPLACE VIEW {schema}.leak AS SELECT 1", "views"),
        ("GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO PUBLIC", "views"),
        ("CREATE OR REPLACE FUNCTION doorward.is_own(role name) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
         "functions"),
        ("GRANT EXECUTE ON FUNCTION query_to_xml TO PUBLIC", "PUBLIC holds EXECUTE ON FUNCTION"),
        ("GRANT CREATE ON SCHEMA doorward TO doorward_admin", "schemas"),
        ("DROP TABLE plate_reads CASCADE", "public.plate_reads was dropped"),
    ],
)  # fmt: skip
def test_each_change_is_named(installed: Connection, book: ScopeBook, change: str, said: str) -> None:
    scope = next(iter(book.scopes.values()))
    names = {
        "owner": owner_role(scope.id), "reader": reader_role(scope.id), "schema": scope_schema(scope.id),
        "table": scope.tables[0].table,
    }  # fmt: skip
    installed.execute(change.format(**names).encode())
    drift = find_drift(installed)
    assert any(said in finding for finding in drift), drift
