"""Hostile and unlucky clients: who says nothing, who says it slowly, who sends too much, who does not read."""

import contextlib
import json
import os
import resource
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import pack
from typing import Any

import psycopg
import pytest
from psycopg import errors, pq

from doorward.cli.sample import PEOPLE
from doorward.gateway.server import MAX_CLIENTS
from doorward.pgwire.limits import MAX_CLIENT_FRAME_BYTES
from doorward.pgwire.messages import StartupMessage, format_frame, format_query, format_startup
from tests_support.scram_client import client_final, client_first

pytestmark = pytest.mark.pg

WAIT_SECONDS = 60
MEGABYTE = 1024 * 1024
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
FULL = b"this door has no place left for another session"


@pytest.fixture(scope="module", name="hurt")
def hurt_fixture(
    live_folder: Path, start: Callable[[Path], Any], place_city: Callable[[Path], Path]
) -> Iterator[Any]:
    """A doorward that these tests hurt, and that must come through all of them."""
    running = start(place_city(live_folder / "hurt"))
    yield running
    assert running.stop() == 0


def raw(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def startup(**changed: str) -> bytes:
    named = {"user": PEOPLE[0].login, "database": "clear", "options": PEOPLE[0].options()} | changed
    return format_startup(StartupMessage(3 << 16, tuple(named.items())))


def read_until(line: socket.socket, wanted: bytes) -> bytes:
    data = b""
    while wanted not in data:
        chunk = line.recv(65536)
        assert chunk, data[-300:]
        data += chunk
    return data


def read_all(line: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := line.recv(65536):
            data += chunk
    return data


def log_in(line: socket.socket, *, size: int = 1 << 20) -> None:
    """Open a session on a bare socket, in pieces of this size."""

    def send(data: bytes) -> None:
        for start in range(0, len(data), size):
            line.sendall(data[start : start + size])

    send(startup())
    read_until(line, b"SCRAM-SHA-256\0\0")
    send(client_first())
    first = b""
    while len(first) < 9 or len(first) < 1 + int.from_bytes(first[1:5]):
        first += line.recv(65536)
    send(client_final(first[9:], PEOPLE[0].password))
    read_until(line, b"Z\0\0\0\x05I")


def gateway_pid(up: Any) -> int:
    return int(json.loads((up.folders.run / "gateway.json").read_text())["pid"])


def resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def is_served(up: Any) -> bool:
    with up.connect() as session:
        return bool(session.execute("SELECT 1").fetchone() == (1,))


# Who says nothing, or slowly.


@contextlib.contextmanager
def silent_crowd(port: int, size: int) -> Iterator[list[socket.socket]]:
    crowd: list[socket.socket] = []
    try:
        crowd.extend(raw(port) for _ in range(size))
        yield crowd
    finally:
        for line in crowd:
            line.close()


def turned_away(crowd: list[socket.socket]) -> int:
    poll = select.poll()
    for line in crowd:
        poll.register(line, select.POLLIN)
    return len(poll.poll(0))


def test_a_thousand_that_say_nothing_hold_the_places_there_are_and_the_others_are_told(hurt: Any) -> None:
    with hurt.connect() as session:
        with silent_crowd(hurt.port, 1000) as crowd:
            away = 1000 - (MAX_CLIENTS - 1)  # the one session has a place
            wait_until(lambda: turned_away(crowd) >= away)
            assert turned_away(crowd) == away
            for line in crowd[-away:]:
                assert FULL in read_all(line)
            assert session.execute("SELECT 1").fetchone() == (1,)
            for mode in ("disable", "prefer"):
                # From protocol 3.2 on libpq does not show what is said before TLS.
                words = f"{FULL.decode()}|error response during SSL exchange"
                with pytest.raises(psycopg.OperationalError, match=words):
                    hurt.connect(sslmode=mode)
        # What was held is free again as soon as they go.
        wait_until(lambda: _opens(hurt))


def _opens(up: Any) -> bool:
    try:
        return is_served(up)
    except psycopg.OperationalError as error:
        if FULL.decode() not in str(error):
            raise
        return False


@pytest.mark.long
def test_a_thousand_that_stay_and_say_nothing_lose_their_places_by_themselves(hurt: Any) -> None:
    with silent_crowd(hurt.port, 1000) as crowd:
        wait_until(lambda: _opens(hurt))
        wait_until(lambda: turned_away(crowd) == 1000)


@pytest.mark.long
def test_bytes_that_trickle_in_buy_no_time(hurt: Any) -> None:
    packets = {
        "startup": (b"", startup()),
        "a request for encryption": (b"", pack(">II", 8, 80877103)),
        "a password": (startup(), client_first()),
    }
    lines = []
    for before, packet in packets.values():
        line = raw(hurt.port)
        line.sendall(before)
        lines.append((line, packet))
    open_lines = dict(enumerate(lines))
    sent = 0
    while open_lines:
        for at, (line, packet) in list(open_lines.items()):
            with contextlib.suppress(OSError):
                line.sendall(packet[sent : sent + 1] if sent < len(packet) - 1 else b"")
            readable, _, _ = select.select([line], [], [], 0)
            if readable and b"R" not in line.recv(65536)[:1]:
                open_lines.pop(at)
        assert is_served(hurt)
        sent += 1
        assert sent < WAIT_SECONDS, "somebody kept a place by trickling"
        time.sleep(1)  # a byte a second is what is tried here
    for line, _ in lines:
        line.close()


def test_a_session_opened_byte_by_byte_is_a_session(up: Any) -> None:
    with raw(up.port) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        log_in(line, size=1)
        for byte in format_query(b"SELECT 1"):
            line.sendall(bytes([byte]))
        assert b"SELECT 1" in read_until(line, b"Z\0\0\0\x05I")


def test_half_a_frame_holds_up_nobody_and_is_no_request(up: Any) -> None:
    with raw(up.port) as line:
        log_in(line)
        line.sendall(format_query(b"SELECT 'half a frame'")[:-3])
        assert is_served(up)
        with up.city() as dba:
            assert dba.execute(f"{OTHERS} AND query LIKE %s", ["%half a frame%"]).fetchone() == (0,)


def test_a_client_that_shuts_its_half_is_gone(up: Any) -> None:
    with raw(up.port) as line:
        log_in(line)
        line.sendall(format_query(b"SELECT count(*) FROM generate_series(1, 2000000000)"))
        line.shutdown(socket.SHUT_WR)
        assert b"count" not in read_all(line).split(b"count", 2)[-1]
    with up.city() as dba:
        running = f"{OTHERS} AND state = 'active' AND query LIKE %s"
        wait_until(lambda: dba.execute(running, ["%1, 2000000000)"]).fetchone() == (0,))


# Who sends too much.


def test_a_statement_and_a_value_of_five_megabytes_go_through(up: Any) -> None:
    with up.connect() as session:
        big = "x" * (5 * MEGABYTE)
        assert session.execute(f"SELECT length('{big}')".encode()).fetchone() == (len(big),)
        assert session.execute("SELECT length(%s::text), %s::text", [big, big]).fetchone() == (len(big), big)
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_a_frame_beyond_the_bound_is_refused_from_its_head(up: Any) -> None:
    before = resident_bytes(gateway_pid(up))
    with raw(up.port) as line:
        log_in(line)
        line.sendall(b"Q" + pack(">I", MAX_CLIENT_FRAME_BYTES + 5) + b"SELECT")
        answer = read_all(line)
    assert answer.count(b"FATAL") >= 1
    assert b"08P01" in answer
    assert f"at most {MAX_CLIENT_FRAME_BYTES} bytes".encode() in answer
    assert resident_bytes(gateway_pid(up)) - before < 8 * MEGABYTE
    assert is_served(up)


@pytest.mark.parametrize("kind", [b"V", b"W", b"p", b"\x7f", b"\0"])
def test_a_message_that_no_client_sends_ends_the_session_with_one_error(up: Any, kind: bytes) -> None:
    with raw(up.port) as line:
        log_in(line)
        line.sendall(format_query(b"SELECT 1"))
        read_until(line, b"Z\0\0\0\x05I")
        line.sendall(format_frame(kind, b"\0\0\0\0"))
        answer = read_all(line)
    assert (answer[:1], answer.count(b"SFATAL\0"), b"08P01" in answer) == (b"E", 1, True)
    assert is_served(up)


def test_a_startup_message_with_bytes_behind_it_is_refused(up: Any) -> None:
    with raw(up.port) as line:
        line.sendall(startup() + client_first())
        answer = read_all(line)
    assert b"bytes stand behind" in answer
    assert answer.count(b"SFATAL\0") == 1


ODD = {
    "letters of other scripts": "дело-案件-☃",
    "quotes": "a'b\"c$$;--",
    "a long one": "x" * 3000,
    "spaces and lines": " \t\n\r ",
    "format signs": "%s{0}%%",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("where", ["user", "database", "application_name"])
def test_an_odd_name_is_refused_or_taken_and_nothing_more(up: Any, where: str, odd: str) -> None:
    changed = {"dbname" if where == "database" else where: odd}
    if where == "application_name":
        with up.connect(**changed) as session:
            assert session.execute("SELECT 1").fetchone() == (1,)
    else:
        expected = "password authentication failed" if where == "user" else "no such database"
        with pytest.raises(psycopg.OperationalError, match=expected):
            up.connect(**changed)
    assert is_served(up)


@pytest.mark.parametrize(
    "options",
    [
        "-c doorward.purpose=" + "x" * 5000,
        "-c doorward.purpose=дело",
        "-c doorward.purpose='; DROP TABLE persons; --",
        "-c doorward.case=" + "9" * 5000 + " -c doorward.purpose=records-service",
        "-c doorward.nosuch=1 -c doorward.purpose=records-service",
        "-c",
        "--",
        "\\",
        "-c doorward.purpose",
    ],
    ids=lambda options: options[:30],
)
def test_odd_options_are_refused_with_one_message(up: Any, options: str) -> None:
    with pytest.raises(psycopg.OperationalError) as refused:
        up.connect(options=options)
    assert str(refused.value).count("FATAL") == 1
    assert is_served(up)


@pytest.mark.parametrize(
    "packet",
    [
        b"user\0" + b"x" * 9_000 + b"\0database\0clear\0\0",
        b"user\0\xff\xfe\0database\0clear\0\0",
        b"user\0a\0user\0b\0\0",
        b"database\0clear\0\0",
        b"user\0\0\0",
        b"user\0detective\0database",
        b"".join(b"n%d\0v\0" % number for number in range(100)) + b"\0",
    ],
    ids=["9 kB of user", "no UTF-8", "twice", "no user", "an empty user", "no end", "a hundred settings"],
)
def test_an_odd_startup_message_gets_one_answer(up: Any, packet: bytes) -> None:
    with raw(up.port) as line:
        line.sendall(pack(">II", len(packet) + 8, 3 << 16) + packet)
        answer = line.recv(65536)
    assert answer[:1] in {b"E", b"R"}  # a refusal, or the question for a password that nobody has
    assert is_served(up)


# Who does not read.


def test_a_client_that_stalls_on_a_large_copy_costs_little_and_the_others_go_on(hurt: Any) -> None:
    pid = gateway_pid(hurt)
    assert is_served(hurt)
    before = resident_bytes(pid)
    stalled = [raw(hurt.port) for _ in range(8)]
    try:
        for line in stalled:
            log_in(line)
            line.sendall(
                format_query(b"COPY (SELECT repeat('x', 1000) FROM generate_series(1, 3000000)) TO STDOUT")
            )
        with hurt.city() as dba:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'ClientWrite' AND query LIKE 'COPY%%'"
            wait_until(lambda: dba.execute(waiting).fetchone() == (len(stalled),))
        assert is_served(hurt)
        # One holds at most its high-water mark and what asyncio read on top; measured: 1.3 MB each.
        assert resident_bytes(pid) - before < len(stalled) * 4 * MEGABYTE
        read_until(stalled[0], b"x" * 1000)
    finally:
        for line in stalled:
            line.close()
    with hurt.city() as dba:
        active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%%' AND pid <> pg_backend_pid()"
        wait_until(lambda: dba.execute(active).fetchone() == (0,))
    assert is_served(hurt)


def test_a_client_that_asks_on_and_on_and_does_not_read_is_bounded(hurt: Any) -> None:
    pid = gateway_pid(hurt)
    assert is_served(hurt)
    before = resident_bytes(pid)
    with raw(hurt.port) as line:
        log_in(line)
        line.settimeout(2)
        asked = format_query(b"SELECT repeat('x', 5000)") * 200
        with contextlib.suppress(TimeoutError, ConnectionError):
            for _ in range(20_000):
                line.sendall(asked)
            pytest.fail("everything was taken")
        assert resident_bytes(pid) - before < 64 * MEGABYTE
    assert is_served(hurt)


def test_a_row_of_many_megabytes_streams(hurt: Any) -> None:
    pid = gateway_pid(hurt)
    assert is_served(hurt)
    before = resident_bytes(pid)
    with hurt.connect() as session:
        row = session.execute("SELECT repeat('x', 200000000)").fetchone()
        assert len(row[0]) == 200_000_000
    assert resident_bytes(pid) - before < 32 * MEGABYTE


# PostgreSQL away, and back.


def ask_until_it_ends(session: psycopg.Connection[Any]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        session.execute("SELECT 1")


def test_a_server_that_crashes_and_comes_back_is_used_again_without_a_restart_of_the_gateway(
    hurt: Any,
) -> None:
    pid = gateway_pid(hurt)
    sessions = [hurt.connect() for _ in range(6)]
    with hurt.city() as dba:
        victim = dba.execute(
            "SELECT pid FROM pg_stat_activity WHERE usename LIKE 'dw_g%%' LIMIT 1"
        ).fetchone()[0]
        os.kill(victim, signal.SIGKILL)  # PostgreSQL then ends every session and starts again by itself
    for session in sessions:
        with pytest.raises(psycopg.OperationalError, match=r"the database ended this session|connection"):
            ask_until_it_ends(session)  # PostgreSQL takes a moment to end the others
        session.close()

    def is_back() -> bool:
        try:
            return is_served(hurt)
        except psycopg.OperationalError:
            return False

    wait_until(is_back)
    # From here on nobody is refused because of a connection of before; and no login is lost.
    for _ in range(12):
        assert is_served(hurt)
    with hurt.city() as dba:
        bound = "SELECT count(*) FROM doorward.session_grant"
        wait_until(lambda: dba.execute(bound).fetchone() == (0,))
        assert dba.execute("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'dw_g%%'").fetchone()[0] <= 30
    assert gateway_pid(hurt) == pid


def test_a_server_that_does_not_answer_is_given_up_and_recorded(hurt: Any) -> None:
    assert is_served(hurt)
    with hurt.city(dbname="postgres") as dba:
        postmaster = int(dba.execute("SELECT pg_read_file('postmaster.pid', 0, 20)").fetchone()[0].split()[0])
    os.kill(postmaster, signal.SIGSTOP)  # takes connections and gives no process to them
    try:
        with pytest.raises(psycopg.OperationalError, match="the door failed, so it is closed"):
            hurt.connect(connect_timeout=40)
    finally:
        os.kill(postmaster, signal.SIGCONT)
    wait_until(lambda: is_served(hurt))


@pytest.mark.long
def test_killed_under_load_the_gateway_gave_no_answer_that_is_not_in_its_spool(own_up: Any) -> None:
    answered: list[bytes] = []
    stop = threading.Event()

    def work(number: int) -> None:
        with contextlib.suppress(psycopg.Error), own_up.connect() as session:
            step = 0
            while not stop.is_set():
                text = b"SELECT 'kill-%d-%d'" % (number, step)
                result = session.pgconn.exec_(text)
                if result.status != pq.ExecStatus.TUPLES_OK:
                    return
                answered.append(text)
                step += 1

    workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    wait_until(lambda: len(answered) > 400)
    os.kill(gateway_pid(own_up), signal.SIGKILL)
    stop.set()
    for worker in workers:
        worker.join(WAIT_SECONDS)
    assert own_up.process.wait(WAIT_SECONDS) != 0
    kept = b"".join(path.read_bytes() for path in sorted(own_up.folders.spool.rglob("*")) if path.is_file())
    found = subprocess.run(
        ["find", str(own_up.folders.data), "-name", "*.segment*"], capture_output=True, text=True, check=True
    ).stdout
    missing = [text for text in answered if text not in kept]
    assert missing == [], found


def test_what_was_refused_is_said_once_and_clearly_by_psql(up: Any, tmp_path: Path) -> None:
    refused = {
        r"\lo_import /etc/hostname": "permission denied|read-only|not called by number",
        r"\lo_export 1 " + str(tmp_path / "x"): "functions are not called by number at this door",
        r"\lo_unlink 1": "functions are not called by number at this door",
        r"\copy persons from /dev/null": "permission denied for view persons",
        "INSERT INTO persons DEFAULT VALUES": "permission denied for view persons",
        "EXPLAIN SELECT * FROM persons": "a plan is not answered at this door",
    }
    for command, words in refused.items():
        done = up.psql("-c", command)
        errors_ = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        assert len(errors_) == 1, (command, done.stderr)
        assert any(word in errors_[0] for word in words.split("|")), (command, errors_)
        assert done.returncode != 0


def test_an_error_within_a_transaction_leaves_the_state_that_postgresql_would(up: Any) -> None:
    with up.connect(autocommit=False) as session:
        with pytest.raises(errors.InsufficientPrivilege):
            session.execute("EXPLAIN SELECT 1")
        session.rollback()
        assert session.execute("SELECT 1").fetchone() == (1,)
