"""Starting and stopping real servers: the ordinary way, and each way that it can be refused."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from doorward.embedded.clusters import city_spec, record_spec
from doorward.embedded.launcher import Cluster, find_binaries, running_dsn, server_owner
from doorward.embedded.sockets import SOCKET_PATH_BYTES, socket_dir_for
from doorward.errors import ClusterError

pytestmark = pytest.mark.pg

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="drops the rights of root, so it needs them")


def select(cluster: Cluster, statement: str) -> object:
    with psycopg.connect(cluster.dsn(user="postgres", dbname="postgres")) as connection:
        row = connection.execute(statement).fetchone()
        assert row is not None
        return row[0]


def test_starts_stops_and_keeps_what_was_committed(data: Path, free_port: int) -> None:
    cluster = Cluster(city_spec(data, free_port))
    times = []
    for turn in range(2):
        begun = time.monotonic()
        cluster.start()
        times.append(time.monotonic() - begun)
        assert cluster.running
        with psycopg.connect(cluster.dsn(user="postgres", dbname="postgres"), autocommit=True) as connection:
            if turn == 0:
                connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
        begun = time.monotonic()
        cluster.stop()
        times.append(time.monotonic() - begun)
        assert not cluster.running
        assert cluster.pid is None
    print("first start {:.3f} stop {:.3f} warm start {:.3f} stop {:.3f} s".format(*times))


def test_starting_twice_and_stopping_twice_change_nothing(data: Path, free_port: int) -> None:
    cluster = Cluster(city_spec(data, free_port))
    cluster.stop()
    cluster.start()
    pid = cluster.pid
    cluster.start()
    assert cluster.pid == pid
    cluster.stop()
    cluster.stop()
    assert not cluster.running


@as_root
def test_no_process_of_a_server_keeps_the_rights_of_root(
    city: Cluster, processes: Callable[[Path], dict[int, str]]
) -> None:
    with psycopg.connect(city.dsn(user="postgres", dbname="postgres")):
        servers = {
            pid: command
            for pid, command in processes(city.spec.data_dir).items()
            if "keeper.py" not in command
        }
        assert len(servers) > 3
        for pid, command in servers.items():
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
            fields = dict(line.split(":", 1) for line in status if ":" in line)
            owner = server_owner()
            assert fields["Uid"].split() == [str(owner.uid)] * 4, command
            assert fields["Gid"].split() == [str(owner.gid)] * 4, command
            assert fields["Groups"].split() in ([], [str(owner.gid)]), command
            assert int(fields["CapEff"], 16) == 0, command


def test_listens_on_loopback_only_and_the_record_not_at_all(city: Cluster, data: Path) -> None:
    assert select(city, "SELECT current_setting('listen_addresses')") == "127.0.0.1"
    record = Cluster(record_spec(data))
    record.start()
    try:
        assert select(record, "SELECT current_setting('listen_addresses')") == ""
    finally:
        record.stop()


def test_two_servers_run_in_one_data_folder(data: Path, free_port: int) -> None:
    clusters = [Cluster(city_spec(data, free_port)), Cluster(record_spec(data))]
    for cluster in clusters:
        cluster.start()
    assert len({cluster.pid for cluster in clusters}) == 2
    for cluster in clusters:
        cluster.stop()


def test_the_log_holds_no_value_of_a_row_or_a_statement(
    city: Cluster, until: Callable[[Callable[[], bool]], None]
) -> None:
    with psycopg.connect(city.dsn(user="postgres", dbname="postgres"), autocommit=True) as connection:
        connection.execute("CREATE TABLE people (name text PRIMARY KEY)")
        connection.execute("INSERT INTO people VALUES (%s)", ["Sample-Oak"])
        with pytest.raises(psycopg.errors.UniqueViolation, match="Sample-Oak"):
            connection.execute("INSERT INTO people VALUES (%s)", ["Sample-Oak"])
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT 'Example-Lark' FROM nowhere")
    file = city.spec.data_dir.parent / "city.log"
    # The server hands the line to its collector and answers; the file has it a moment later.
    until(lambda: "duplicate key" in file.read_text())
    log = file.read_text()
    assert "Sample-Oak" not in log
    assert "Example-Lark" not in log


def test_a_port_that_is_taken_is_named(data: Path, processes: Callable[[Path], dict[int, str]]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        cluster = Cluster(city_spec(data, port))
        with pytest.raises(ClusterError, match=f"port {port} .* is not free") as caught:
            cluster.start()
    assert caught.value.hint
    assert not cluster.running
    assert not processes(data)
    cluster.start()
    cluster.stop()


def test_a_port_that_is_taken_in_the_last_moment_is_named(
    city: Cluster, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = Cluster(city_spec(data, city.spec.port))
    monkeypatch.setattr(second, "_check_port", lambda: None)  # as if the port had been free a moment ago
    with pytest.raises(ClusterError, match=f"port {city.spec.port} .* taken in the meantime"):
        second.start()
    assert not second.running


def test_a_long_data_folder_has_its_socket_elsewhere(data: Path, free_port: int) -> None:
    deep = data / ("d" * 90)
    spec = city_spec(deep, free_port)
    assert not spec.socket_dir.is_relative_to(data)
    assert spec.socket_dir == socket_dir_for(deep / "city") != socket_dir_for(deep / "record")
    cluster = Cluster(spec)
    cluster.start()
    assert select(cluster, "SELECT 1") == 1
    assert spec.socket_dir.stat().st_mode & 0o777 == 0o700
    cluster.stop()
    spec.socket_dir.rmdir()


def test_a_socket_path_that_is_too_long_is_refused(data: Path, free_port: int) -> None:
    spec = replace(city_spec(data, free_port), socket_dir=data / ("d" * SOCKET_PATH_BYTES))
    with pytest.raises(ClusterError, match="bytes; the system takes"):
        Cluster(spec).start()
    assert not data.exists()


def test_a_link_in_the_place_of_the_sockets_folder_is_refused(data: Path, free_port: int) -> None:
    spec = city_spec(data, free_port)
    spec.socket_dir.parent.mkdir(parents=True)
    (data / "elsewhere").mkdir(mode=0o700)
    spec.socket_dir.symlink_to(data / "elsewhere")
    data.chmod(0o755)
    with pytest.raises(ClusterError, match="is not a folder of user"):
        Cluster(spec).start()
    assert (data / "elsewhere").stat().st_uid == os.geteuid()


@as_root
def test_a_folder_that_the_servers_user_cannot_enter_is_named(
    folders: Callable[[], Path], free_port: int
) -> None:
    closed = folders() / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ClusterError, match=f"cannot enter `{closed}`") as caught:
        Cluster(city_spec(closed / "below" / "data", free_port)).start()
    assert "--data" in (caught.value.hint or "")


def test_a_second_launcher_is_refused_while_the_first_holds_the_folder(data: Path, free_port: int) -> None:
    first, second = Cluster(city_spec(data, free_port)), Cluster(city_spec(data, free_port))
    first.start()
    pid = first.pid
    with pytest.raises(ClusterError, match="another doorward has started a server"):
        second.start()
    assert first.pid == pid
    first.stop()
    second.start()
    second.stop()


def test_any_process_finds_the_running_server_by_its_folder(city: Cluster, data: Path) -> None:
    dsn = running_dsn(city.spec.data_dir, user="postgres", dbname="postgres")
    with psycopg.connect(dsn) as connection:
        assert connection.info.port == city.spec.port
    with pytest.raises(ClusterError, match="no server runs on"):
        running_dsn(data / "city", user="postgres", dbname="postgres")


def test_an_interrupt_in_the_terminal_reaches_the_launcher_alone(data: Path, free_port: int) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from doorward.embedded.clusters import city_spec
from doorward.embedded.launcher import Cluster
signal.signal(signal.SIGINT, lambda *_: None)
cluster = Cluster(city_spec(Path(sys.argv[1]), int(sys.argv[2])))
cluster.start()
os.killpg(0, signal.SIGINT)
os.killpg(0, signal.SIGTSTP)
print(cluster.pid, flush=True)
cluster.stop()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(data), str(free_port)],
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as launcher:
        # In a session of its own nothing is there to continue it, so the system ignores the terminal's stop.
        assert launcher.stdout is not None
        assert int(launcher.stdout.readline()) > 0
        assert launcher.wait(30) == 0


def test_a_setting_that_the_server_refuses_is_told(data: Path, free_port: int) -> None:
    spec = replace(city_spec(data, free_port), settings={"no_such_setting": "1"})
    with pytest.raises(ClusterError, match="no_such_setting") as caught:
        Cluster(spec).start()
    assert "city.log" in (caught.value.hint or "")


def test_the_environment_of_the_caller_does_not_reach_the_server(
    data: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGPORT", "1")
    cluster = Cluster(city_spec(data, free_port))
    cluster.start()
    keeper_pid = cluster._kept.pid if cluster._kept else 0
    for pid in (cluster.pid, keeper_pid):
        assert b"PGPORT" not in Path(f"/proc/{pid}/environ").read_bytes()
    cluster.stop()


def test_finds_the_binaries_of_the_wheel() -> None:
    shown = subprocess.run(
        [find_binaries() / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    assert " 17." in shown.stdout


def test_says_what_to_install_where_there_is_no_wheel() -> None:
    script = """
import importlib.util
from doorward.embedded.launcher import find_binaries
importlib.util.find_spec = lambda name: None
try:
    find_binaries()
except Exception as error:
    print(error, error.hint)
"""
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "doorward[embedded]" in shown.stdout


def test_a_server_that_dies_is_seen_and_can_be_started_again(
    data: Path, free_port: int, until: Callable[[Callable[[], bool]], None]
) -> None:
    cluster = Cluster(city_spec(data, free_port))
    cluster.start()
    pid = cluster.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: not cluster.running)
    cluster.start()
    assert cluster.pid != pid
    assert select(cluster, "SELECT 1") == 1
    cluster.stop()
