"""The whole of it as a DBA tries it, with docs/howto alone, on released data of Chicago's police.

The database, on a server of one's own, goes behind the door while a writer runs; a search is refused, one is referred,
approved and used, a person is cut, rows are exported with a signed manifest, the record is verified; then all of it is
taken out again, and the server's catalog is what it was.
"""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.embedded.clusters import record_spec
from doorward.embedded.launcher import Cluster
from doorward.install.uninstall import uninstall
from tests_support.catalogs import differences, read_everything
from tests_support.police import POLICE, edit, load

pytestmark = [pytest.mark.pg, pytest.mark.shared]
CASE = "HX100001"
REGISTER = "public.cases=case_no,status,kind,assigned_to"
PASSWORD = "a sample password of nobody"  # of an invented person
PEOPLE = """login,role,agency,unit,active
dana.example,detective,CPD,1811,yes
"""


@dataclass
class Shown:
    """One installation, as its people reach it."""

    folder: Path
    server: Cluster
    port: int
    failures: list[str] = field(default_factory=list)

    @property
    def config(self) -> str:
        return str(self.folder / "doorward.toml")

    @property
    def dsn(self) -> str:
        return self.server.dsn(user="postgres", dbname="police")

    def run(self, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "doorward", *arguments], input=said, capture_output=True, text=True,
            check=False, timeout=120, env={**os.environ, "COLUMNS": "300", "PGPASSWORD": PASSWORD},
        )  # fmt: skip

    def does(self, *arguments: str, said: str = "") -> str:
        done = self.run(*arguments, said=said)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def connect(self, case: str = CASE, for_agency: str = "CPD") -> psycopg.Connection[Any]:
        options = (
            f"-c doorward.purpose=criminal-investigation -c doorward.case={case} -c doorward.for={for_agency}"
        )
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="dana.example", password=PASSWORD, dbname="police",
            options=options, sslmode="disable", autocommit=True, connect_timeout=20,
        )  # fmt: skip

    def refused(self, **changed: str) -> str:
        with pytest.raises(psycopg.OperationalError) as error:
            self.connect(**changed)
        return str(error.value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(name="folder")
def folder_fixture() -> Iterator[Path]:
    """A folder that the servers' own user can pass through."""
    with tempfile.TemporaryDirectory(prefix="doorward-shown-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(name="shown")
def shown_fixture(cluster: Cluster, shared: Path, folder: Path) -> Iterator[Shown]:
    with psycopg.connect(cluster.dsn(user="postgres", dbname="postgres"), autocommit=True) as dba:
        dba.execute("DROP DATABASE IF EXISTS police WITH (FORCE)")
        dba.execute("CREATE DATABASE police")
        dba.execute("CREATE ROLE trr_app LOGIN; CREATE ROLE trr_owner")
        with psycopg.connect(cluster.dsn(user="postgres", dbname="police"), autocommit=True) as police:
            for table, name in POLICE.items():
                load(police, table, shared / "data" / "chicago-police" / name)
            police.execute("CREATE TABLE cases (case_no text, status text, kind text, assigned_to text)")
            police.execute("INSERT INTO cases VALUES (%s, 'open', 'criminal', 'dana.example')", [CASE])
            yield Shown(folder, cluster, free_port())
            uninstall(police)
        dba.execute("DROP DATABASE police WITH (FORCE)")
        dba.execute("DROP ROLE trr_app; DROP ROLE trr_owner")


@contextmanager
def writing(shown: Shown) -> Iterator[None]:
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(shown.dsn, autocommit=True) as app:
            app.execute("SET SESSION AUTHORIZATION trr_app")
            while not stop.is_set():
                try:
                    app.execute("UPDATE trr_main SET street = street WHERE row_id = '7'")
                except psycopg.Error as error:
                    shown.failures.append(str(error))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join(30)


@contextmanager
def serving(shown: Shown) -> Iterator[None]:
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "doorward", name, "--config", shown.config],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        for name in ("publisher", "gateway")
    ]  # fmt: skip
    try:
        assert started[1].stdout is not None
        assert started[1].stdout.readline() == "ready\n"
        yield
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
    assert [process.returncode for process in started] == [0, 0]


def prepare(shown: Shown, record: Cluster) -> None:
    """Write the collections and the settings, and install, as docs/howto/install.md has it."""
    proposed = shown.does("order", "scaffold", "--dsn", shown.dsn)
    collections = shown.folder / "collections.toml"
    collections.write_text(edit(proposed), encoding="utf-8")
    spec = shown.server.spec
    Path(shown.config).write_text(
        f"""
order = "chicago"
collections = "collections.toml"
production = false
data = "data"
[database]
conninfo = "host={spec.socket_dir} port={spec.port} dbname=police"
[listen]
host = "127.0.0.1"
port = {shown.port}
plain = true
workers = 2
[record]
conninfo = "{record.dsn(user="doorward_recorder", dbname="disclosures")}"
[register]
table = "public.cases"
case = "case_no"
status = "status"
kind = "kind"
assigned_to = "assigned_to"
""",
        encoding="utf-8",
    )
    shown.does(
        "order", "install", "--collections", str(collections), "--neither", "trr_app", "--register", REGISTER,
        "--dsn", shown.dsn,
    )  # fmt: skip
    shown.does("log", "prepare", "--dsn", record.dsn(user="postgres", dbname="postgres"))
    listed = shown.folder / "people.csv"
    listed.write_text(PEOPLE, encoding="utf-8")
    (shown.folder / "data").mkdir(exist_ok=True)
    shown.does("config", "check", shown.config)
    shown.does("people", "import", str(listed), "--config", shown.config)
    shown.does("people", "password", "dana.example", "--config", shown.config, said=PASSWORD + "\n")


def approve(shown: Shown) -> None:
    key = shown.folder / "erin.key"
    public = shown.does("order", "key", "supervisor/erin.example", "--out", str(key))
    (shown.folder / "data" / "officials.keys").write_text(public, encoding="utf-8")
    (ask,) = json.loads(shown.does("grant", "list", "--json", "--config", shown.config))
    until = (datetime.now(UTC) + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: TID251  # it ends
    shown.does(
        "grant", "approve", ask["request"], "--key", str(key), "--until", until, "--evidence", "call 17",
        "--reason", "the register was down", "--config", shown.config,
    )  # fmt: skip


def use(shown: Shown) -> None:
    """A refusal, a referral that is approved and used, a cut, and an export with its manifest."""
    with shown.connect() as session:
        (seen,) = session.execute("SELECT count(*) FROM trr_main").fetchone() or (0,)
        assert seen > 0
    assert "refused:" in shown.refused(for_agency="ICE-ERO")
    assert "an answer is due within 30 minutes" in shown.refused(case="HX999999")
    approve(shown)
    with shown.connect(case="HX999999") as session:
        assert session.execute("SELECT count(*) >= 0 FROM trr_main").fetchone() == (True,)
        cut = shown.does(
            "cut", "--person", "dana.example", "--reason", "password seen", "--config", shown.config
        )
        assert "1" in cut
        with pytest.raises(psycopg.OperationalError):
            until(lambda: session.execute("SELECT 1"))
    assert "ended by the security officer" in shown.refused()
    (made,) = json.loads(shown.does("cuts", "--json", "--config", shown.config))
    shown.does("cuts", "--lift", made["id"], "--config", shown.config)
    export(shown)


def until(ask: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        ask()
        time.sleep(0.05)


def export(shown: Shown) -> None:
    question, out = shown.folder / "question.sql", shown.folder / "reports.csv"
    question.write_text(
        "SELECT row_id, rd_no, beat FROM trr_main ORDER BY row_id LIMIT 50\n", encoding="utf-8"
    )
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d")  # noqa: TID251  # a file is kept until
    shown.does(
        "export", "--config", shown.config, "--user", "dana.example", "--purpose", "criminal-investigation",
        "--case", CASE, "--for", "CPD", "--sql", str(question), "--out", str(out), "--until", tomorrow,
    )  # fmt: skip
    with out.open(encoding="utf-8", newline="") as text:
        rows = list(csv.reader(text))
    assert rows[0] == ["row_id", "rd_no", "beat"]
    assert len(rows) > 1
    key = shown.does("export", "key", "--config", shown.config).strip().splitlines()[-1]
    shown.does("export", "verify", str(out), "--key", key)
    with out.open("a", encoding="utf-8") as text:
        text.write("1,2,3\n")
    assert shown.run("export", "verify", str(out), "--key", key).returncode == 1


@pytest.mark.long
def test_it_goes_behind_the_door_works_and_comes_out_as_it_was(shown: Shown) -> None:
    record = Cluster(record_spec(shown.folder / "record"))
    record.start()
    try:
        with psycopg.connect(shown.dsn, autocommit=True) as police:
            before = read_everything(police)
            with writing(shown):
                prepare(shown, record)
                with serving(shown):
                    use(shown)
                verified = shown.does("log", "verify", "--config", shown.config)
                assert "everything that was checked holds" in verified
                looked = shown.run("doctor", "--config", shown.config, "--dsn", shown.dsn, "--json")
                assert looked.returncode in {0, 1}, looked.stdout
                shown.does("order", "uninstall", "--dsn", shown.dsn)
            assert differences(before, read_everything(police)) == []
    finally:
        record.stop()
    assert shown.failures == []
