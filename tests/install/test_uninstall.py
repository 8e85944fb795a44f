"""Uninstalling: the catalog is as it was, row by row, whatever was done in between."""

import subprocess
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql

from doorward.embedded.launcher import Cluster, find_binaries
from doorward.errors import InstallError
from doorward.install.cover import cover_table
from doorward.install.install import Terms, install
from doorward.install.stops import Declared, Mode
from doorward.install.uninstall import forget_role, uninstall
from doorward.orders.load import Pack
from doorward.policy.scopes import ScopeBook
from tests_support.catalogs import differences, read_everything

pytestmark = pytest.mark.pg
Connection = psycopg.Connection[Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
REGISTERS = {"public.cases": ("case_no", "status")}


def put(city: Connection, pack: Pack, book: ScopeBook, mode: Mode = Mode.ROWS) -> None:
    terms = Terms(Declared(neither=("records_app",)), mode, REGISTERS, lock_seconds=2)
    install(city, pack, book, terms, now=NOW)


def dump(cluster: Cluster) -> str:
    """Return the schema and the roles as text, as a DBA would compare them."""
    pieces = []
    for program, *arguments in (
        ("pg_dump", "-s", "-d", cluster.dsn(user="postgres", dbname="clear")),
        ("pg_dumpall", "-g", "-d", cluster.dsn(user="postgres", dbname="postgres")),
    ):
        done = subprocess.run(
            [str(find_binaries() / program), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        # Each dump has a random word of its own, against a hostile server.
        pieces += [
            line for line in done.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))
        ]
    return "\n".join(pieces)


@pytest.mark.parametrize("mode", list(Mode))
def test_the_catalog_is_as_it_was_row_by_row(
    cluster: Cluster, city: Connection, pack: Pack, book: ScopeBook, mode: Mode
) -> None:
    uninstall(city)  # of what an earlier test left over
    before, text = read_everything(city), dump(cluster)
    put(city, pack, book, mode)
    assert differences(before, read_everything(city))
    assert uninstall(city) == []
    assert differences(before, read_everything(city)) == []
    assert dump(cluster) == text


@pytest.mark.parametrize("mode", list(Mode))
def test_a_database_that_a_role_of_the_citys_owns_is_as_it_was_too(
    city: Connection, pack: Pack, book: ScopeBook, mode: Mode
) -> None:
    uninstall(city)
    city.execute("ALTER DATABASE clear OWNER TO clear_owner; ALTER SCHEMA public OWNER TO clear_owner")
    before = read_everything(city)
    put(city, pack, book, mode)
    assert uninstall(city) == []
    assert differences(before, read_everything(city)) == []


def test_a_second_uninstall_and_one_without_an_install_do_nothing(city: Connection) -> None:
    uninstall(city)
    before = read_everything(city)
    assert uninstall(city) == []
    assert differences(before, read_everything(city)) == []


def test_an_install_that_was_killed_at_any_table_is_taken_out(
    city: Connection, pack: Pack, book: ScopeBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    uninstall(city)
    before = read_everything(city)
    calls: list[Any] = []

    def killed(*arguments: Any, **more: Any) -> float:
        calls.append(arguments)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return cover_table(*arguments, **more)

    monkeypatch.setattr("doorward.install.install.cover_table", killed)
    with pytest.raises(KeyboardInterrupt):
        put(city, pack, book)
    assert uninstall(city) == []
    assert differences(before, read_everything(city)) == []


def test_what_others_changed_in_between_stays(city: Connection, pack: Pack, book: ScopeBook) -> None:
    uninstall(city)
    put(city, pack, book)
    city.execute("CREATE ROLE later LOGIN; GRANT SELECT ON persons TO later")
    city.execute("REVOKE UPDATE ON persons FROM records_app")
    try:
        assert uninstall(city) == []
        rights = city.execute(
            "SELECT has_table_privilege('later', 'persons', 'SELECT'),"
            " has_table_privilege('records_app', 'persons', 'UPDATE')"
        ).fetchone()
        assert rights == (True, False)
        assert city.execute("SELECT count(*) FROM pg_class WHERE relrowsecurity").fetchone() == (0,)
    finally:
        city.execute("REVOKE ALL ON persons FROM later; DROP ROLE later")


def test_row_security_that_was_there_before_stays_as_it_was(
    city: Connection, pack: Pack, book: ScopeBook
) -> None:
    uninstall(city)
    city.execute("ALTER TABLE arrests ENABLE ROW LEVEL SECURITY")
    city.execute("CREATE POLICY own ON arrests TO analyst_ro USING (unit = 'area-1')")
    before = read_everything(city)
    counted = "SET ROLE analyst_ro; SELECT count(*) FROM arrests; RESET ROLE"

    def count() -> Any:
        cursor = city.execute(counted)
        cursor.nextset()
        return cursor.fetchone()

    seen = count()
    put(city, pack, book)
    assert count() == seen != city.execute("SELECT count(*) FROM arrests").fetchone()
    assert uninstall(city) == []
    assert differences(before, read_everything(city)) == []


def test_one_role_is_taken_out_before_it_is_dropped(city: Connection, pack: Pack, book: ScopeBook) -> None:
    city.execute("CREATE ROLE leaver LOGIN; GRANT SELECT ON persons TO leaver")
    put(city, pack, book)
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        city.execute("DROP ROLE leaver")
    forget_role(city, "leaver")
    city.execute("REVOKE ALL ON persons FROM leaver")
    city.execute("DROP ROLE leaver")


def test_a_role_that_is_not_there_is_told(city: Connection, pack: Pack, book: ScopeBook) -> None:
    put(city, pack, book)
    with pytest.raises(InstallError, match="no role `nobody-here`"):
        forget_role(city, "nobody-here")


def test_an_uninstall_in_the_wrong_database_touches_nothing(
    cluster: Cluster, city: Connection, pack: Pack, book: ScopeBook
) -> None:
    put(city, pack, book)
    before = read_everything(city)
    with psycopg.connect(cluster.dsn(user="postgres", dbname="postgres"), autocommit=True) as wrong:
        with pytest.raises(InstallError, match="is in database `clear`"):
            uninstall(wrong)
        with pytest.raises(InstallError, match="stands behind a door already"):
            install(wrong, pack, book, Terms(), now=NOW)
    assert differences(before, read_everything(city)) == []


def test_sessions_under_the_order_end(
    cluster: Cluster, city: Connection, pack: Pack, book: ScopeBook
) -> None:
    put(city, pack, book)
    scope = next(iter(book.scopes))
    login = "dw_g_00000000000000aa"
    city.execute(
        sql.SQL("CREATE ROLE {} LOGIN; GRANT {} TO {}; GRANT dw_sessions TO {}").format(
            *(sql.Identifier(name) for name in (login, f"dw_r_{scope}", login, login))
        )
    )
    with psycopg.connect(cluster.dsn(user=login, dbname="clear"), autocommit=True) as session:
        assert uninstall(city) == []
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
