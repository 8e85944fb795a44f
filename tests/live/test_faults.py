"""Bad input and faults over real sockets: a clear end, nothing lost, nothing opened."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from struct import pack
from typing import Any

import psycopg
import pytest

pytestmark = pytest.mark.pg

REFUSAL_SECONDS = 30


def raw(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=REFUSAL_SECONDS)


def read_all(connection: socket.socket) -> bytes:
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data


@pytest.mark.parametrize(
    "packet",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        pack(">I", 0x7FFFFFFF) + b"x" * 100,
        pack(">II", 8, 80877103) + b"Q" + pack(">I", 13) + b"SELECT 1\0",
        b"\0" * 64,
        bytes(range(256)),
    ],
    ids=["http", "2 GB", "stuffed behind SSLRequest", "zeros", "all bytes"],
)
def test_garbage_at_startup_is_cut_and_the_door_stays(up: Any, packet: bytes) -> None:
    with raw(up.port) as connection:
        connection.sendall(packet)
        answer = read_all(connection)
    assert b"SELECT" not in answer
    with up.connect() as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("code", [80877103, 80877104], ids=["SSL", "GSS"])
def test_encryption_is_answered_with_no(up: Any, code: int) -> None:
    with raw(up.port) as connection:
        connection.sendall(pack(">II", 8, code))
        assert connection.recv(10) == b"N"


def test_replication_is_refused(up: Any) -> None:
    with pytest.raises(psycopg.OperationalError, match="replication"):
        up.connect(replication="database")


def test_a_wrong_password_and_an_unknown_login_read_alike(up: Any) -> None:
    said = []
    for login in ("detective", "nobody.here"):
        with pytest.raises(psycopg.OperationalError) as refused:
            up.connect(user=login, password="wrong")
        said.append(str(refused.value).replace(login, "X"))
    assert said[0] == said[1]
    assert "password authentication failed" in said[0]


def test_another_database_is_refused_only_after_the_password(up: Any) -> None:
    with pytest.raises(psycopg.OperationalError, match="no such database"):
        up.connect(dbname="postgres")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        up.connect(dbname="postgres", password="wrong")


def test_a_setting_at_start_that_is_not_passed_on_is_refused(up: Any) -> None:
    with pytest.raises(psycopg.OperationalError, match="cannot be set"):
        up.connect(options="-c doorward.purpose=records-service -c role=postgres")


@pytest.mark.long
def test_a_handshake_that_never_ends_is_cut(up: Any) -> None:
    with raw(up.port) as connection:
        begun = time.monotonic()
        connection.sendall(pack(">I", 100))
        read_all(connection)
        assert time.monotonic() - begun < REFUSAL_SECONDS


def test_a_cancel_reaches_the_running_query(up: Any) -> None:
    with up.connect() as session:
        threading.Timer(0.5, session.cancel).start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            session.execute("SELECT count(*) FROM plate_reads a, plate_reads b, plate_reads c")
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_a_client_that_is_killed_leaves_no_backend(up: Any) -> None:
    session = up.connect()
    login = session.execute("SELECT session_user").fetchone()[0]
    session.execute("SELECT 1")
    with socket.socket(fileno=os.dup(session.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
    with up.city() as dba:
        deadline = time.monotonic() + 10
        query = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"
        while dba.execute(query, [login]).fetchone() != (0,):
            assert time.monotonic() < deadline
        bound = "SELECT count(*) FROM doorward.session_grant WHERE login = %s"
        while dba.execute(bound, [login]).fetchone() != (0,):
            assert time.monotonic() < deadline
    session.close()


def test_the_backend_terminated_in_mid_query_ends_the_session(up: Any) -> None:
    with up.connect() as session, up.city() as dba:
        login = session.execute("SELECT session_user").fetchone()[0]

        def kill() -> None:
            dba.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [login])

        threading.Timer(0.3, kill).start()
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT count(*) FROM plate_reads a, plate_reads b, plate_reads c")


def test_the_server_behind_the_door_stopped_in_mid_query_ends_the_session_and_no_new_one_opens(
    own_up: Any,
) -> None:
    session = own_up.connect()
    with own_up.city(dbname="postgres") as dba:
        postmaster = int(dba.execute("SELECT pg_read_file('postmaster.pid', 0, 20)").fetchone()[0].split()[0])
    session.pgconn.send_query(b"SELECT count(*) FROM plate_reads a, plate_reads b, plate_reads c")
    os.kill(postmaster, signal.SIGINT)
    with pytest.raises(psycopg.OperationalError):
        own_up.connect()
    assert session.pgconn.get_result().status != psycopg.pq.ExecStatus.TUPLES_OK
    session.close()


def test_a_port_that_is_taken_is_named_and_nothing_stays_behind(up: Any, live_folder: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "doorward",
            "up",
            "--data",
            str(live_folder / "taken"),
            "--city-port",
            str(up.city_port),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 3
    assert str(up.city_port) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_up_in_the_same_folder_is_refused(up: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "doorward", "up", "--data", str(up.folders.data)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "already up" in done.stderr
