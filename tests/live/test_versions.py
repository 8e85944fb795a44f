"""The escape list on other PostgreSQL servers than the one that doorward brings; and a server that is too old."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from doorward.embedded.owner import server_owner
from tests_support.servers import FOLDERS, NAMED, ROOT, find_server, stand_in

pytestmark = pytest.mark.pg
NEWEST = max(FOLDERS)  # the others run with the long tests
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "version",
    [pytest.param(version, marks=() if version == NEWEST else pytest.mark.long) for version in FOLDERS],
)
def test_no_escape_works_on(version: str, live_folder: Path) -> None:
    server = find_server(version)
    if server is None:
        pytest.skip(f"PostgreSQL {version} is not installed for tests: make servers")
    tests = [str(ROOT / "tests/live" / name) for name in ("test_escapes.py", "test_desktop.py")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *tests],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=550,
        env={**os.environ, NAMED: str(stand_in(server, live_folder / f"server-{version}")), "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert f"server {version}." in done.stdout


@pytest.fixture
def old_server(live_folder: Path) -> Iterator[str]:
    """A server of Debian's PostgreSQL 15 with one empty database, on a socket."""
    if not DEBIAN_15.exists():
        pytest.skip("Debian's postgresql-15 is not installed")
    owner = server_owner()
    folder = live_folder / "old"
    folder.mkdir()
    shutil.chown(folder, owner.uid, owner.gid)

    def run(*command: str) -> None:
        subprocess.run(
            command, check=True, capture_output=True, timeout=120, cwd="/",
            user=owner.uid, group=owner.gid, extra_groups=[],
        )  # fmt: skip

    data = str(folder / "data")
    run(str(DEBIAN_15 / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
    start = [str(DEBIAN_15 / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log")]
    run(*start, "-o", f"-c listen_addresses='' -c unix_socket_directories={folder}", "start")
    yield psycopg.conninfo.make_conninfo(host=str(folder), user="postgres", dbname="postgres")
    run(*start, "-m", "immediate", "stop")


def test_a_server_that_is_too_old_is_refused_with_a_plain_message_and_nothing_is_done(
    old_server: str,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "doorward", "order", "install", "--dsn", old_server],
        capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "COLUMNS": "300"},
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert (done.returncode != 0, "Traceback" in said) == (True, False)
    assert "16" in said
    assert "15" in said
    with psycopg.connect(old_server) as dba:
        assert dba.execute("SELECT to_regnamespace('doorward')").fetchone() == (None,)
        assert dba.execute("SELECT count(*) FROM pg_roles WHERE rolname ~ '^(dw_|doorward)'").fetchone() == (
            0,
        )
