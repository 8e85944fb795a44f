"""The ways out that trials found, each tried over a real connection: closed, or named in SECURITY.md.

Every test here is an attempt by somebody with a login. The table in SECURITY.md names these tests.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

pytestmark = pytest.mark.pg

DENIED = errors.InsufficientPrivilege


@pytest.fixture
def session(up: Any) -> Iterator[psycopg.Connection[Any]]:
    """A detective's own session, made read-write, which anybody may say and which must open nothing."""
    with up.connect() as connection:
        connection.execute("SET default_transaction_read_only = off")
        yield connection


def own_login(session: psycopg.Connection[Any]) -> str:
    row = session.execute("SELECT session_user").fetchone()
    assert row is not None
    return str(row[0])


def scope_of(session: psycopg.Connection[Any]) -> str:
    row = session.execute("SELECT split_part(current_setting('search_path'), ',', 1)").fetchone()
    assert row is not None
    return str(row[0]).strip().strip('"').removeprefix("dw_")


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE doorward_admin",
        "SET ROLE postgres",
        "SET ROLE clear_owner",
        "SET ROLE dw_sessions",
        "SET LOCAL ROLE postgres",
        "SET SESSION ROLE postgres",
        "SELECT set_config('role', 'postgres', false)",
        "SET SESSION AUTHORIZATION postgres",
        "WITH x AS (SELECT set_config('role', 'clear_owner', true)) SELECT * FROM x",
    ],
)
def test_no_spelling_of_another_role_works(session: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises((DENIED, errors.InvalidParameterValue)):
        session.execute(statement.encode())


def test_even_the_scopes_own_roles_cannot_be_set(session: psycopg.Connection[Any]) -> None:
    scope = scope_of(session)
    for role in (f"dw_r_{scope}", f"dw_o_{scope}"):
        with pytest.raises(DENIED):
            session.execute(f'SET ROLE "{role}"'.encode())


@pytest.mark.parametrize(
    "statement", ["RESET ROLE", "SET ROLE NONE", "DISCARD ALL", "RESET ALL", "RESET SESSION AUTHORIZATION"]
)
def test_what_resets_a_role_leaves_the_same_session(session: psycopg.Connection[Any], statement: str) -> None:
    login = own_login(session)
    session.execute(statement.encode())
    assert session.execute("SELECT current_user, session_user").fetchone() == (login, login)
    with pytest.raises(DENIED):
        session.execute("SELECT count(*) FROM public.persons")


@pytest.mark.parametrize(
    "table",
    [
        "public.persons",
        "public.cases",
        "public.plate_reads",
        "doorward.session_grant",
        "doorward.my_grant",
        "doorward.installation",
        "pg_catalog.pg_authid",
        "pg_catalog.pg_statistic",
    ],
)
def test_nothing_outside_the_scope_is_readable(session: psycopg.Connection[Any], table: str) -> None:
    with pytest.raises(DENIED):
        session.execute(f"SELECT * FROM {table} LIMIT 1".encode())


def test_other_grants_are_not_readable_and_statistics_hold_no_values(
    session: psycopg.Connection[Any],
) -> None:
    assert session.execute("SELECT count(*) FROM pg_stats WHERE tablename = 'persons'").fetchone() == (0,)
    others = session.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE usename <> session_user AND query NOT IN ('', '<insufficient privilege>')"
    ).fetchone()
    assert others == (0,)


def test_a_search_path_of_ones_own_reaches_nothing_new(session: psycopg.Connection[Any]) -> None:
    session.execute("SET search_path = public")
    with pytest.raises(DENIED):
        session.execute("SELECT count(*) FROM persons")


def test_row_security_off_is_an_error_and_not_rows(session: psycopg.Connection[Any]) -> None:
    session.execute("SET row_security = off")
    with pytest.raises(DENIED):
        session.execute("SELECT count(*) FROM persons")


@pytest.mark.parametrize(
    "statement",
    [
        "DROP OWNED BY CURRENT_USER",
        "DROP OWNED BY dw_sessions",
        "REASSIGN OWNED BY dw_sessions TO CURRENT_USER",
        "CREATE TEMP TABLE t (a int)",
        "CREATE TEMP VIEW v AS SELECT 1",
        "CREATE TABLE t (a int)",
        "CREATE SCHEMA s",
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
        "CREATE EXTENSION dblink",
        "DO $$ BEGIN RAISE NOTICE 'x'; END $$",
        "DO LANGUAGE sql 'SELECT 1'",
        "LOAD 'auto_explain'",
        "ALTER SYSTEM SET log_statement = 'all'",
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "COPY (SELECT 1) TO '/tmp/doorward-escape'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT pg_notify('c', 'x')",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_stat_get_xact_tuples_fetched(1)",
        "SELECT idx_tup_fetch FROM pg_stat_xact_all_tables",
        "SELECT idx_tup_fetch FROM pg_stat_all_tables",
        "SELECT query_to_xml('explain analyze select * from persons', true, true, '')",
        "SET log_statement_stats = on",
        "SET session_preload_libraries = 'auto_explain'",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'doorward_admin'",
    ],
)
def test_it_is_refused_by_the_database(session: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises(DENIED):
        session.execute(statement.encode())


def test_the_scopes_owner_can_be_neither_taken_nor_dropped(session: psycopg.Connection[Any]) -> None:
    owner, login = f"dw_o_{scope_of(session)}", own_login(session)
    for statement in (
        f'REASSIGN OWNED BY "{owner}" TO "{login}"',
        f'DROP OWNED BY "{owner}"',
        f'GRANT "{owner}" TO "{login}"',
    ):
        with pytest.raises(DENIED):
            session.execute(statement.encode())


def test_reassigning_from_the_role_that_sessions_inherit_takes_nothing_because_it_owns_nothing(
    up: Any, session: psycopg.Connection[Any]
) -> None:
    scope, login = scope_of(session), own_login(session)
    session.execute(f'REASSIGN OWNED BY "dw_r_{scope}" TO "{login}"'.encode())
    with up.city() as dba:
        owned = "SELECT count(*) FROM pg_shdepend WHERE deptype = 'o' AND refobjid = %s::regrole"
        assert dba.execute(owned, [login]).fetchone() == (0,)
        assert dba.execute(owned, [f"dw_r_{scope}"]).fetchone() == (0,)
    for statement in (f'DROP OWNED BY "dw_r_{scope}"', f'GRANT "dw_r_{scope}" TO "{login}"'):
        with pytest.raises(DENIED):
            session.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO cases (case_no) VALUES ('x')",
        "UPDATE persons SET sex = ''",
        "DELETE FROM persons",
        "SELECT * FROM persons FOR UPDATE",
        "TRUNCATE persons",
    ],
)
def test_nothing_is_written_even_where_the_session_says_read_write(
    session: psycopg.Connection[Any], statement: str
) -> None:
    session.execute("SET default_transaction_read_only = off")
    session.execute("SET transaction_read_only = off")
    with pytest.raises(psycopg.Error) as refused:
        session.execute(statement.encode())
    assert refused.value.sqlstate in {"42501", "25006", "55000", "0A000", "42809"}


class TestExplain:
    """EXPLAIN ANALYZE counts withheld rows, so its answer never reaches a client, however it is asked."""

    WITHHELD = "EXPLAIN (ANALYZE) SELECT * FROM persons WHERE person_id = 1"

    def test_simple_protocol(self, session: psycopg.Connection[Any]) -> None:
        with pytest.raises(DENIED):
            session.execute(self.WITHHELD.encode(), prepare=False)
        assert session.execute("SELECT 1").fetchone() == (1,)

    def test_in_a_multi_statement_query(self, session: psycopg.Connection[Any]) -> None:
        answer = session.pgconn.exec_(f"SELECT 1; {self.WITHHELD}; SELECT 2".encode())
        assert b"42501" in (answer.error_field(psycopg.pq.DiagnosticField.SQLSTATE) or b"")

    @pytest.mark.parametrize(
        "text",
        ["explain analyze select 1", "/* x */ EXPLAIN (ANALYZE, FORMAT JSON) SELECT 1", "EXPLAIN SELECT 1"],
    )
    def test_every_spelling_and_format(self, session: psycopg.Connection[Any], text: str) -> None:
        with pytest.raises(DENIED):
            session.execute(text.encode())

    def test_extended_protocol(self, session: psycopg.Connection[Any]) -> None:
        with pytest.raises(DENIED):
            session.execute(b"EXPLAIN ANALYZE SELECT * FROM persons WHERE person_id = %s", [1])
        assert session.execute("SELECT %s::int", [7]).fetchone() == (7,)

    def test_prepared_and_executed_without_describe(self, session: psycopg.Connection[Any]) -> None:
        connection = session.pgconn
        prepared = connection.prepare(b"e", self.WITHHELD.encode())
        assert prepared.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"42501"
        for answer in (connection.exec_prepared(b"e", []), connection.exec_(b"EXECUTE e")):
            assert answer.status == psycopg.pq.ExecStatus.FATAL_ERROR

    def test_in_a_pipeline_the_rest_is_skipped(self, session: psycopg.Connection[Any]) -> None:
        def ask() -> None:
            with session.pipeline():
                session.execute(b"EXPLAIN ANALYZE SELECT %s::int", [1])
                session.execute(b"SELECT %s::int", [2])

        with pytest.raises(DENIED):
            ask()
        assert session.execute("SELECT 3").fetchone() == (3,)

    def test_explain_of_a_prepared_statement(self, session: psycopg.Connection[Any]) -> None:
        session.execute("PREPARE p AS SELECT * FROM persons WHERE person_id = 1")
        with pytest.raises(DENIED):
            session.execute("EXPLAIN (ANALYZE) EXECUTE p")


def test_a_password_set_by_the_session_opens_no_door(up: Any) -> None:
    with up.connect() as session:
        login = own_login(session)
        session.execute("SET default_transaction_read_only = off")
        session.execute(f"ALTER ROLE \"{login}\" PASSWORD 'escape'".encode())
        for host in ("127.0.0.1",):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(
                    host=host,
                    port=up.city_port,
                    user=login,
                    password="escape",
                    dbname="clear",
                    connect_timeout=5,
                )


@pytest.mark.skipif(os.getuid() != 0, reason="needs a second user, which only root can become")
def test_a_second_user_of_the_machine_cannot_enter_as_a_grant_role(up: Any) -> None:
    from doorward.cli.running import read_run

    city = read_run(up.folders, "city")
    with up.connect() as session:
        login = own_login(session)
        probe = (
            "import os, sys, psycopg\n"
            "os.setgid(12345)\nos.setuid(12345)\n"
            f"for host in ({city['socket_dir']!r}, '127.0.0.1'):\n"
            "    try:\n"
            f"        psycopg.connect(host=host, port={city['port']}, user={login!r}, dbname='clear')\n"
            "        sys.exit(1)\n"
            "    except psycopg.OperationalError:\n"
            "        pass\n"
        )
        assert subprocess.run([sys.executable, "-c", probe], check=False, timeout=60).returncode == 0


def test_a_setting_left_on_the_role_is_gone_for_the_next_grant(up: Any) -> None:
    with up.connect() as session:
        login = own_login(session)
        session.execute("SET default_transaction_read_only = off")
        session.execute(f"ALTER ROLE \"{login}\" SET statement_timeout = '12345'".encode())
        session.execute(f"ALTER ROLE \"{login}\" SET local_preload_libraries = 'nosuch'".encode())
    for _ in range(20):
        with up.connect() as session:
            assert session.execute("SHOW statement_timeout").fetchone() != ("12345ms",)


def test_plans_printed_to_the_log_do_not_reach_the_client(up: Any) -> None:
    done = up.psql(
        "-c", "SET client_min_messages = log; SET debug_print_plan = on; SELECT count(*) FROM persons"
    )
    assert "PLANNEDSTMT" not in done.stderr
    assert done.returncode == 0


def test_a_notification_of_another_session_does_not_arrive(up: Any) -> None:
    with up.connect() as listener, up.connect() as sender:
        listener.execute("LISTEN c")
        sender.execute("NOTIFY c, 'secret'")
        listener.execute("SELECT 1")
        assert list(listener.notifies(timeout=0.3, stop_after=1)) == []
