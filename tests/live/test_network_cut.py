"""The network between the gateway and PostgreSQL is cut: the gateway notices, says so and serves again afterwards."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests_support.city import DETECTIVE, City, start_city, write_people

pytestmark = [pytest.mark.pg, pytest.mark.long]
NAMESPACE = "doorward-cut"
HOST_SIDE, DOOR_SIDE = "10.213.77.1", "10.213.77.2"


@contextmanager
def far_away(port: int) -> Iterator[None]:
    """A network namespace whose `localhost` is this host's server, over a link that can be cut."""
    if os.getuid() != 0 or shutil.which("ip") is None:
        pytest.skip("needs root and iproute2 for a network namespace")

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)

    hosts = Path("/etc/netns") / NAMESPACE / "hosts"
    try:
        ip("netns", "add", NAMESPACE)
        ip("link", "add", "dwcut0", "type", "veth", "peer", "name", "dwcut1", "netns", NAMESPACE)
        ip("addr", "add", f"{HOST_SIDE}/30", "dev", "dwcut0")
        ip("link", "set", "dwcut0", "up")
        ip("-n", NAMESPACE, "addr", "add", f"{DOOR_SIDE}/30", "dev", "dwcut1")
        for device in ("dwcut1", "lo"):
            ip("-n", NAMESPACE, "link", "set", device, "up")
        hosts.parent.mkdir(parents=True)
        hosts.write_text(f"{HOST_SIDE} localhost\n")
    except subprocess.CalledProcessError as error:
        _remove_namespace(hosts.parent)
        pytest.skip(f"no network namespace here: {error.stderr!r}")
    try:
        with passing_on(HOST_SIDE, port):
            yield
    finally:
        _remove_namespace(hosts.parent)


def _remove_namespace(hosts: Path) -> None:
    for command in (["netns", "delete", NAMESPACE], ["link", "delete", "dwcut0"]):
        subprocess.run(["ip", *command], check=False, capture_output=True)
    shutil.rmtree(hosts, ignore_errors=True)


@contextmanager
def passing_on(host: str, port: int) -> Iterator[None]:
    """Pass on what comes to this address to the same port of 127.0.0.1."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", port))
                ends.extend((near, far))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    ends: list[socket.socket] = []
    with socket.create_server((host, port)) as listener:
        serving = threading.Thread(target=serve, args=(listener,), daemon=True)
        serving.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        serving.join(20)
    for end in ends:
        end.close()


@pytest.fixture(name="city")
def city_fixture() -> Iterator[City]:
    with start_city() as city:
        yield city


def test_a_network_that_is_cut_ends_the_session_and_the_gateway_serves_again_when_it_is_back(
    city: City, tmp_path: Path
) -> None:
    text = city.config.read_text(encoding="utf-8")
    config = tmp_path / "doorward.toml"
    config.write_text(text.replace(str(city.folder / "doorward"), str(tmp_path / "data")), encoding="utf-8")
    write_people(tmp_path / "data")
    inside = ["ip", "netns", "exec", NAMESPACE]

    def psql(statement: str) -> subprocess.CompletedProcess[str]:
        place = f"host=localhost hostaddr=127.0.0.1 port={city.port} user={DETECTIVE.login} dbname=clear"
        return subprocess.run(
            [*inside, "psql", "-XAtc", statement, place],
            env={**os.environ, "PGPASSWORD": DETECTIVE.password, "PGOPTIONS": DETECTIVE.options(),
                 "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(city.authority.root), "PGCONNECT_TIMEOUT": "20"},
            capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip

    with far_away(city.server.spec.port):
        gateway = subprocess.Popen(
            [*inside, sys.executable, "-m", "doorward", "gateway", "--config", str(config)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert gateway.stdout is not None
            assert gateway.stdout.readline() == "ready\n", gateway.communicate(timeout=10)
            first = psql("SELECT 1")
            assert first.stdout == "1\n", first.stderr
            down = ["ip", "link", "set", "dwcut0", "down"]
            cut = threading.Timer(2, subprocess.run, [down])
            cut.start()
            lost = psql("SELECT count(*) FROM generate_series(1, 20000000000)")
            assert "the database ended this session" in lost.stderr
            subprocess.run(["ip", "link", "set", "dwcut0", "up"], check=True)
            deadline = time.monotonic() + 120
            while (again := psql("SELECT 1")).stdout != "1\n":
                assert time.monotonic() < deadline, again.stderr
        finally:
            gateway.send_signal(signal.SIGTERM)
            gateway.communicate(timeout=60)
    spool = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert b"generate_series(1, 20000000000)" in spool
    assert b"the database ended it" in spool
