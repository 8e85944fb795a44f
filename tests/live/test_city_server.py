"""A gateway before a city's own server: TLS on both sides, certificates, and a way in that nobody else has."""

import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from struct import pack

import psycopg
import pytest

from doorward.cli.sample import PEOPLE
from doorward.pgwire.opening import StartupMessage, format_startup
from tests_support.certificates import Authority, Pair
from tests_support.city import DETECTIVE, GATEWAY, City, start_city, write_people

pytestmark = pytest.mark.pg


@pytest.fixture(scope="module", name="city")
def city_fixture() -> Iterator[City]:
    with start_city() as city:
        yield city


@pytest.fixture(scope="module", name="up_city")
def up_city_fixture(city: City) -> Iterator[City]:
    city.start_gateway()
    yield city
    code, said, faults = city.stop_gateway()
    # The last test stops the server, and the gateway says so where it looks in that moment.
    assert (code, said, {json.loads(line)["event"] for line in faults.splitlines()} - {"upstream unreachable"}) == (
        0, "", set(),
    )  # fmt: skip


def test_the_way_in_is_proved_over_tls(city: City) -> None:
    gateway = city.upstream(
        Pair(city.folder / f"authority/{GATEWAY}.crt", city.folder / f"authority/{GATEWAY}.key")
    )
    dsn = city.server.dsn(user="postgres", dbname="clear")
    done = city.doorward("order", "entry", "--dsn", dsn, "--gateway", gateway)
    assert (done.returncode, done.stderr) == (0, "")
    assert "proved" in done.stdout


def test_another_certificate_of_the_same_authority_does_not_get_in(city: City) -> None:
    gateway = city.upstream(city.authority.issue("somebody-else"))
    dsn = city.server.dsn(user="postgres", dbname="clear")
    done = city.doorward("order", "entry", "--dsn", dsn, "--gateway", gateway)
    assert (done.returncode, "the gateway does not get in" in done.stderr) == (1, True)


def test_the_settings_are_checked_to_the_end(city: City) -> None:
    done = city.doorward("config", "check", str(city.config))
    assert (done.returncode, done.stderr) == (0, "")
    assert "127.0.0.1:" in done.stdout
    assert "TLS only" in done.stdout
    assert "a SAMPLE that no office adopted" in done.stdout
    assert "clauses: every clause is enforced, none is only observed" in done.stdout
    assert "database: lets the gateway in, and holds this order" in done.stdout


@pytest.mark.parametrize("binding", ["require", "prefer", "disable"])
def test_a_password_is_bound_to_the_channel_or_not_as_the_client_asks(up_city: City, binding: str) -> None:
    with up_city.connect(channel_binding=binding) as session:
        assert session.execute("SELECT count(*) > 0 FROM persons").fetchone() == (True,)


def test_tls_begun_at_once_is_taken(up_city: City) -> None:
    with up_city.connect(sslnegotiation="direct") as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_tls_begun_at_once_for_another_protocol_is_cut(up_city: City) -> None:
    context = ssl.create_default_context(cafile=str(up_city.authority.root))
    context.set_alpn_protocols(["http/1.1"])
    answer = b""
    with (
        socket.create_connection(("localhost", up_city.port), timeout=10) as plain,
        suppress(ssl.SSLError, ConnectionError),
        context.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        tls.sendall(format_startup(StartupMessage(3 << 16, (("user", "detective"), ("database", "clear")))))
        answer = tls.recv(100)
    assert answer == b""


def test_psql_comes_in_over_tls_with_its_own_options(up_city: City) -> None:
    done = subprocess.run(
        ["psql", "-XAtc", "SELECT count(*) > 0 FROM persons", "-h", "localhost", "-p", str(up_city.port),
         "-U", DETECTIVE.login, "-d", "clear"],
        env={**os.environ, "PGPASSWORD": DETECTIVE.password, "PGOPTIONS": DETECTIVE.options(),
             "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(up_city.authority.root), "PGCHANNELBINDING": "require"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "t\n"), done.stderr


def test_plain_text_is_refused_before_anything_else(up_city: City) -> None:
    with pytest.raises(psycopg.OperationalError, match="entered with TLS only"):
        up_city.connect(sslmode="disable", sslrootcert=None)


def test_bytes_behind_the_request_for_tls_are_never_read(up_city: City) -> None:
    with socket.create_connection(("127.0.0.1", up_city.port), timeout=30) as raw:
        raw.sendall(pack(">II", 8, 80877103) + b"Q" + pack(">I", 13) + b"SELECT 1\0")
        answer = b""
        try:
            while chunk := raw.recv(4096):
                answer += chunk
        except ConnectionResetError:
            pass
    assert answer in {b"", b"S"}


def test_a_persons_certificate_is_a_login_and_only_theirs(up_city: City) -> None:
    card = up_city.people.issue("Carol Card")
    shown = {"sslcert": str(card.certificate), "sslkey": str(card.key), "password": "none"}
    with up_city.connect(user="carol.card", **shown, options=PEOPLE[1].options()) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        up_city.connect(**shown)
    other = up_city.people.issue("Mallory")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        up_city.connect(
            user="carol.card", sslcert=str(other.certificate), sslkey=str(other.key), password="none"
        )


def test_a_login_that_nobody_attests_has_lapsed_until_somebody_does(up_city: City) -> None:
    with pytest.raises(psycopg.OperationalError, match="nobody has attested"):
        up_city.connect(user="lapsed.lee")
    due = up_city.doorward("people", "list", "--due", "1", "--config", str(up_city.config))
    assert "lapsed.lee  CPD  detective  area-1  never in  not attested" in due.stdout
    done = up_city.doorward("people", "attest", "lapsed.lee", "--config", str(up_city.config))
    assert (done.returncode, done.stderr) == (0, "")
    time.sleep(1)
    with pytest.raises(psycopg.OperationalError, match="no open case"):
        up_city.connect(user="lapsed.lee")


def test_a_certificate_of_another_authority_is_none(up_city: City) -> None:
    stranger = Authority(up_city.folder / "stranger", "people").issue("Carol Card")
    with pytest.raises(psycopg.OperationalError):
        up_city.connect(
            user="carol.card", sslcert=str(stranger.certificate), sslkey=str(stranger.key), password="none"
        )


def test_a_cancel_request_is_passed_on_encrypted_and_not(up_city: City) -> None:
    for safe in (True, False):
        with up_city.connect() as session:
            cancel = session.cancel_safe if safe else session.cancel
            timer = threading.Timer(0.5, cancel)
            timer.start()
            with pytest.raises(psycopg.errors.QueryCanceled):
                session.execute("SELECT count(*) FROM generate_series(1, 2000000000)")
            timer.join()


def test_a_gateway_with_another_order_does_not_start(city: City, tmp_path: Path) -> None:
    other = tmp_path / "doorward.toml"
    text = city.config.read_text(encoding="utf-8").replace(
        str(city.folder / "doorward"), str(tmp_path / "data")
    )
    other.write_text(text.replace('order = "chicago"', 'order = "hospital-records"'), encoding="utf-8")
    write_people(tmp_path / "data")
    done = city.doorward("gateway", "--config", str(other))
    assert done.returncode == 2
    assert "the database holds another order" in done.stderr


def test_a_server_that_is_not_the_citys_is_not_spoken_to(city: City, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger", "city")
    text = city.config.read_text(encoding="utf-8").replace(str(city.authority.root), str(stranger.root), 1)
    other = tmp_path / "doorward.toml"
    other.write_text(text.replace(str(city.folder / "doorward"), str(tmp_path / "data")), encoding="utf-8")
    write_people(tmp_path / "data")
    done = city.doorward("config", "check", str(other))
    assert done.returncode == 3
    assert "does not answer as it must" in done.stderr


def test_half_a_hello_of_tls_holds_up_nobody(up_city: City) -> None:
    request = pack(">II", 8, 80877103)
    for before, hello in ((request, b"\x16\x03\x01\x02\x00\x01"), (b"", b"\x16"), (b"", request[:7])):
        with socket.create_connection(("127.0.0.1", up_city.port), timeout=30) as raw:
            raw.sendall(before)
            if before:
                assert raw.recv(1) == b"S"
            raw.sendall(hello)
            with up_city.connect() as session:
                assert session.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.long
def test_a_hello_of_tls_that_never_ends_is_cut(up_city: City) -> None:
    for before in (pack(">II", 8, 80877103), b""):
        with socket.create_connection(("127.0.0.1", up_city.port), timeout=60) as raw:
            raw.sendall(before)
            if before:
                assert raw.recv(1) == b"S"
            raw.sendall(b"\x16\x03\x01")
            with suppress(ConnectionResetError):
                assert raw.recv(100) == b""


def test_a_server_that_is_stopped_and_started_is_used_again_and_its_sessions_were_told(up_city: City) -> None:
    sessions = [up_city.connect() for _ in range(6)]
    up_city.server.stop()
    try:
        for session in sessions:
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT 1")
            session.close()
        with pytest.raises(psycopg.OperationalError, match=r"refused|closed"):
            up_city.connect()
    finally:
        up_city.server.start()
    for _ in range(8):
        with up_city.connect() as session:
            assert session.execute("SELECT 1").fetchone() == (1,)
    with psycopg.connect(up_city.server.dsn(user="postgres", dbname="clear"), autocommit=True) as dba:
        deadline = time.monotonic() + 30
        while dba.execute("SELECT count(*) FROM doorward.session_grant").fetchone() != (0,):
            assert time.monotonic() < deadline, "a grant of before is still bound"
