"""kill -9 at the worst moments, and what stands in the data folder's place; then a start must do."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from doorward.embedded import pgdata, postmaster
from doorward.embedded.clusters import city_spec
from doorward.embedded.launcher import Cluster, server_owner
from doorward.errors import ClusterError

pytestmark = pytest.mark.pg

Until = Callable[[Callable[[], bool]], None]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="drops the rights of root, so it needs them")

LAUNCH = """
import sys, time
from pathlib import Path
import psycopg
from doorward.embedded.clusters import city_spec
from doorward.embedded.launcher import Cluster
cluster = Cluster(city_spec(Path(sys.argv[1]), int(sys.argv[2])))
cluster.start()
with psycopg.connect(cluster.dsn(user="postgres", dbname="postgres"), autocommit=True) as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS number")
print(cluster.pid, cluster._kept.pid, flush=True)
time.sleep(600)
"""


def launch(data: Path, port: int, *wrapper: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*wrapper, sys.executable, "-c", LAUNCH, str(data), str(port)], stdout=subprocess.PIPE, text=True
    )


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def check_kept(cluster: Cluster) -> None:
    with psycopg.connect(cluster.dsn(user="postgres", dbname="postgres")) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_the_server_ends_by_itself_when_its_launcher_is_killed(
    data: Path, free_port: int, until: Until, processes: Callable[[Path], dict[int, str]]
) -> None:
    launcher = launch(data, free_port)
    assert launcher.stdout is not None
    assert launcher.stdout.readline()
    kill(launcher)
    until(lambda: not processes(data))
    cluster = Cluster(city_spec(data, free_port))
    cluster.start()
    check_kept(cluster)
    cluster.stop()


def test_a_start_right_after_the_kill_copes_with_the_server_that_is_ending(
    data: Path, free_port: int
) -> None:
    for _ in range(3):
        launcher = launch(data, free_port)
        assert launcher.stdout is not None
        assert launcher.stdout.readline()
        kill(launcher)
        cluster = Cluster(city_spec(data, free_port))
        cluster.start()
        check_kept(cluster)
        cluster.stop()


@pytest.mark.parametrize("wrapper", [(), ("setpriv", "--bounding-set", "-sys_ptrace")], ids=["", "untraced"])
def test_a_server_whose_keeper_was_killed_too_is_stopped_by_the_next_start(
    data: Path, free_port: int, wrapper: tuple[str, ...]
) -> None:
    if wrapper and (os.geteuid() != 0 or shutil.which(wrapper[0]) is None):
        pytest.skip("takes the right to trace from root, which needs root and setpriv")
    launcher = launch(data, free_port)
    assert launcher.stdout is not None
    server, keeper = map(int, launcher.stdout.readline().split())
    os.kill(keeper, signal.SIGKILL)
    kill(launcher)
    assert Path(f"/proc/{server}").exists()
    # In a container root may not look at other users' processes; the second launcher lives under that rule.
    second = launch(data, free_port, *wrapper)
    assert second.stdout is not None
    new_server, _ = map(int, second.stdout.readline().split())
    assert new_server != server
    assert not postmaster._is_postgres(server)
    kill(second)


def test_backends_that_outlive_a_killed_server_are_waited_for(
    data: Path, free_port: int, until: Until
) -> None:
    cluster = Cluster(city_spec(data, free_port))
    cluster.start()
    with psycopg.connect(cluster.dsn(user="postgres", dbname="postgres")) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)  # so that it cannot notice
        assert cluster.pid is not None
        os.kill(cluster.pid, signal.SIGKILL)
        until(lambda: postmaster.processes_in(data / "city") == [backend])
        os.kill(backend, signal.SIGCONT)
        cluster.start()
        assert backend not in postmaster.processes_in(data / "city")
    cluster.stop()


def test_a_launcher_killed_in_the_middle_of_initdb_leaves_nothing_that_hinders(
    data: Path, free_port: int, until: Until, processes: Callable[[Path], dict[int, str]]
) -> None:
    def half_made() -> bool:
        return any(data.glob("city.making-*/pgdata/base/1/*"))

    launcher = launch(data, free_port)
    until(half_made)
    kill(launcher)
    assert not (data / "city").exists()
    cluster = Cluster(city_spec(data, free_port))
    cluster.start()
    assert cluster.running
    cluster.stop()
    until(lambda: not processes(data))
    # What a dying initdb still wrote after the sweep goes with the next start.
    cluster.start()
    cluster.stop()
    assert not list(data.glob("city.making-*"))


def test_initdb_and_its_keeper_killed_as_well(data: Path, free_port: int, until: Until) -> None:
    launcher = launch(data, free_port)
    until(lambda: any(data.glob("city.making-*/pgdata/base/1/*")))
    kill(launcher)
    for entry in Path("/proc").iterdir():
        try:
            ours = (
                entry.name.isdecimal() and f"{data}/city.making-".encode() in (entry / "cmdline").read_bytes()
            )
        except OSError:
            continue
        if ours:
            os.kill(int(entry.name), signal.SIGKILL)
    assert list(data.glob("city.making-*"))
    cluster = Cluster(city_spec(data, free_port))
    cluster.start()
    cluster.stop()


def test_an_initdb_that_fails_leaves_nothing(data: Path, free_port: int) -> None:
    # The folder above is full of what is not ours to remove, so that `city` cannot take its place.
    cluster = Cluster(city_spec(data, free_port))
    cluster.start()
    cluster.stop()
    shutil.rmtree(data / "city")

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise ClusterError("initdb ended with status 1")

    with pytest.raises(ClusterError, match="status 1"):
        pgdata.prepare_data(data / "city", server_owner(), fail)
    assert not (data / "city").exists()
    assert not list(data.glob("city.making-*"))


def test_only_leftovers_with_our_mark_are_removed(data: Path, free_port: int) -> None:
    ours, empty, strange = (data / f"city.making-{name}" for name in ("ours", "empty", "strange"))
    for folder in (ours, empty, strange):
        (folder / "pgdata").mkdir(parents=True)
    data.chmod(0o755)
    (empty / "pgdata").rmdir()
    (ours / pgdata.MAKING_MARKER).touch()
    (strange / "pgdata" / "letter.txt").write_text("not ours")
    cluster = Cluster(city_spec(data, free_port))
    cluster.start()
    cluster.stop()
    assert not ours.exists()
    assert not empty.exists()
    assert (strange / "pgdata" / "letter.txt").read_text() == "not ours"


def test_a_folder_that_is_not_ours_is_refused_and_left_alone(data: Path, free_port: int) -> None:
    (data / "city").mkdir(parents=True)
    data.chmod(0o755)
    (data / "city" / "letter.txt").write_text("not ours")
    with pytest.raises(ClusterError, match="was not made by doorward"):
        Cluster(city_spec(data, free_port)).start()
    assert [entry.name for entry in (data / "city").iterdir()] == ["letter.txt"]


def test_an_empty_folder_and_a_file_in_the_place_of_the_data(data: Path, free_port: int) -> None:
    data.mkdir()
    data.chmod(0o755)
    (data / "city").touch()
    cluster = Cluster(city_spec(data, free_port))
    with pytest.raises(ClusterError, match="is not a folder"):
        cluster.start()
    (data / "city").unlink()
    (data / "city").mkdir()
    cluster.start()
    cluster.stop()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda city: (city / "PG_VERSION").unlink(), "was whole once and now lacks `PG_VERSION`"),
        (lambda city: (city / "global" / "pg_control").unlink(), "now lacks `global/pg_control`"),
        (lambda city: (city / "PG_VERSION").write_text("16\n"), "is of PostgreSQL 16, not 17"),
        (lambda city: (city / pgdata.MARKER).unlink(), "was not made by doorward"),
    ],
    ids=["version", "control", "other", "mark"],
)
def test_a_damaged_folder_is_refused_and_never_made_anew(
    data: Path, free_port: int, spoil: Callable[[Path], None], message: str
) -> None:
    cluster = Cluster(city_spec(data, free_port))
    cluster.start()
    cluster.stop()
    spoil(data / "city")
    with pytest.raises(ClusterError, match=message):
        cluster.start()
    assert (data / "city" / "base").is_dir()
    assert not cluster.running


@as_root
def test_the_data_of_another_user_is_refused(data: Path, free_port: int) -> None:
    cluster = Cluster(city_spec(data, free_port))
    cluster.start()
    cluster.stop()
    os.chown(data / "city", 12345, 12345)
    with pytest.raises(ClusterError, match="is of user 12345"):
        cluster.start()


@pytest.mark.parametrize("whose", ["nobody's", "another program's", "empty"])
def test_a_stale_pid_file_does_not_hinder(data: Path, free_port: int, whose: str) -> None:
    cluster = Cluster(city_spec(data, free_port))
    cluster.start()
    text = (data / "city" / "postmaster.pid").read_text().splitlines()
    cluster.stop()
    owner = server_owner()
    other = subprocess.Popen(
        ["/bin/sleep", "600"],
        user=owner.uid if owner.is_other else None,
        group=owner.gid if owner.is_other else None,
        extra_groups=[] if owner.is_other else None,
    )
    if whose == "nobody's":
        other.kill()
        other.wait()
    text[0] = str(other.pid)
    stale = data / "city" / "postmaster.pid"
    stale.write_text("" if whose == "empty" else "\n".join(text) + "\n")
    os.chown(stale, owner.uid, owner.gid)
    try:
        assert postmaster.find_postmaster(data / "city") is None
        cluster.start()
        assert cluster.running
        cluster.stop()
    finally:
        still_there = other.poll() is None
        other.kill()
        other.wait()
    assert still_there == (whose != "nobody's")


def test_without_proc_the_server_is_known_by_its_command_line(
    city: Cluster, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/bin/ps").exists():
        pytest.skip("asks /bin/ps, which is not here")
    monkeypatch.setattr(postmaster, "PROC", Path("/no-such-proc"))
    found = postmaster.find_postmaster(city.spec.data_dir)
    assert found is not None
    assert found.pid == city.pid
    assert found.ready
    assert postmaster.processes_in(city.spec.data_dir) == [found.pid]
    assert postmaster.processes_in(data / "city") == []
