"""Who may log in where: the rules of both servers, each tried over a real connection."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from doorward.embedded.clusters import city_spec, record_spec
from doorward.embedded.launcher import Cluster, find_binaries, server_owner

pytestmark = pytest.mark.pg

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="logs in as a second user, which only root can")
PASSWORD = "not-a-secret-of-anybody"


@pytest.fixture(scope="module")
def roles(city: Cluster) -> Cluster:
    """The city's server with doorward's roles, as an install makes them, and one application."""
    with psycopg.connect(city.dsn(user="postgres", dbname="postgres"), autocommit=True) as connection:
        for statement in (
            "CREATE ROLE doorward_admin LOGIN CREATEROLE NOINHERIT",
            "CREATE ROLE dw_sessions NOLOGIN",
            "GRANT dw_sessions TO doorward_admin WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
            f"CREATE ROLE dw_g_1 LOGIN PASSWORD '{PASSWORD}' IN ROLE dw_sessions",
            f"CREATE ROLE some_app LOGIN PASSWORD '{PASSWORD}'",
            f"ALTER ROLE postgres PASSWORD '{PASSWORD}'",
            f"ALTER ROLE doorward_admin PASSWORD '{PASSWORD}'",
        ):
            connection.execute(statement)
    return city


@pytest.fixture(scope="module")
def record(folders: Callable[[], Path]) -> Iterator[Cluster]:
    cluster = Cluster(record_spec(folders() / "data"))
    cluster.start()
    with psycopg.connect(cluster.dsn(user="postgres", dbname="postgres"), autocommit=True) as connection:
        connection.execute("CREATE ROLE doorward_recorder LOGIN")
        connection.execute(f"CREATE ROLE some_app LOGIN PASSWORD '{PASSWORD}'")
    yield cluster
    cluster.stop()


def over_socket(cluster: Cluster, user: str, password: str | None = None) -> str:
    with psycopg.connect(cluster.dsn(user=user, dbname="postgres"), password=password) as connection:
        row = connection.execute("SELECT session_user").fetchone()
        assert row is not None
        return str(row[0])


def over_tcp(cluster: Cluster, user: str, password: str | None = PASSWORD) -> str:
    with psycopg.connect(
        host="127.0.0.1", port=cluster.spec.port, user=user, password=password, dbname="postgres"
    ) as connection:
        row = connection.execute("SELECT session_user").fetchone()
        assert row is not None
        return str(row[0])


@pytest.mark.parametrize("user", ["postgres", "doorward_admin", "dw_g_1"])
def test_we_enter_as_administrator_and_as_a_grants_role_by_the_socket(roles: Cluster, user: str) -> None:
    assert over_socket(roles, user) == user


@pytest.mark.parametrize("user", ["postgres", "doorward_admin", "dw_g_1"])
def test_none_of_these_is_entered_over_tcp_even_with_its_password(roles: Cluster, user: str) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects"):
        over_tcp(roles, user)


def test_the_citys_own_roles_log_in_with_their_password_both_ways(roles: Cluster) -> None:
    assert over_socket(roles, "some_app", PASSWORD) == "some_app"
    assert over_tcp(roles, "some_app") == "some_app"
    for wrong in ("wrong", None):
        with pytest.raises(psycopg.OperationalError, match="password"):
            over_tcp(roles, "some_app", wrong)
        with pytest.raises(psycopg.OperationalError, match="password"):
            over_socket(roles, "some_app", wrong)


@as_root
@pytest.mark.parametrize("user", ["postgres", "doorward_admin", "dw_g_1"])
def test_a_second_user_of_the_machine_does_not_pass_as_us(roles: Cluster, user: str) -> None:
    # The server's own user is the only other one that reaches the socket at all.
    owner = server_owner()
    tried = subprocess.run(
        [find_binaries() / "psql", roles.dsn(user=user, dbname="postgres"), "-c", "SELECT 1"],
        user=owner.uid,
        group=owner.gid,
        extra_groups=[],
        cwd="/",
        env={"PGPASSWORD": PASSWORD},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 2
    assert "Peer authentication failed" in tried.stderr


@as_root
def test_a_third_user_does_not_reach_the_socket(roles: Cluster) -> None:
    tried = subprocess.run(
        [find_binaries() / "psql", roles.dsn(user="some_app", dbname="postgres"), "-c", "SELECT 1"],
        user=12345,
        group=12345,
        extra_groups=[],
        cwd="/",
        env={"PGPASSWORD": PASSWORD},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 2
    assert "Permission denied" in tried.stderr


def test_nobody_replicates(roles: Cluster) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"standby connections|for replication"):
        psycopg.connect(roles.dsn(user="postgres", dbname="postgres") + " replication=true")


@pytest.mark.parametrize("user", ["postgres", "doorward_recorder"])
def test_the_records_server_lets_two_roles_in(record: Cluster, user: str) -> None:
    assert over_socket(record, user) == user


def test_the_records_server_lets_no_other_role_in(record: Cluster) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        over_socket(record, "some_app", PASSWORD)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("password_encryption", "scram-sha-256"),
        ("log_min_messages", "warning"),
        ("log_statement", "none"),
        ("log_error_verbosity", "terse"),
        ("log_parameter_max_length", "0"),
        ("log_parameter_max_length_on_error", "0"),
        ("log_min_error_statement", "panic"),
        ("shared_buffers", "128MB"),
        ("max_connections", "250"),
        ("client_connection_check_interval", "1s"),
        ("idle_in_transaction_session_timeout", "0"),
        ("jit", "off"),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
    ],
)
def test_the_servers_settings(city: Cluster, setting: str, value: str) -> None:
    with psycopg.connect(city.dsn(user="postgres", dbname="postgres")) as connection:
        assert connection.execute("SELECT current_setting(%s)", [setting]).fetchone() == (value,)


def test_settings_in_the_data_folder_do_not_win(data: Path, free_port: int) -> None:
    cluster = Cluster(city_spec(data, free_port))
    cluster.start()
    with psycopg.connect(cluster.dsn(user="postgres", dbname="postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("ALTER SYSTEM SET listen_addresses = '*'")
    cluster.stop()
    cluster.start()
    with psycopg.connect(cluster.dsn(user="postgres", dbname="postgres")) as connection:
        row = connection.execute(
            "SELECT current_setting('log_statement'), current_setting('listen_addresses')"
        ).fetchone()
    assert row == ("none", "127.0.0.1")
    cluster.stop()
