"""Cuts at a running door: clients closed, backends gone, grants taken, and nobody comes back before its end."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.cli.sample import PEOPLE
from doorward.gateway.control import ask_control

pytestmark = pytest.mark.pg
DETECTIVE, CLERK, FBI = PEOPLE[0], PEOPLE[1], PEOPLE[2]
SLOW = "SELECT count(*) FROM generate_series(1, 2000000000)"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(name="doorward")
def doorward_fixture(up: Any) -> Iterator[Run]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "doorward", *arguments, "--data", str(up.folders.data)],
            capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "COLUMNS": "200"},
        )  # fmt: skip

    yield run
    up.folders.cuts.unlink(missing_ok=True)
    up.folders.officers.unlink(missing_ok=True)
    run("cut", "--person", "nobody.here", "--reason", "so that the gateway looks")
    up.folders.cuts.unlink(missing_ok=True)


def backends(up: Any) -> int:
    with up.city() as dba:
        row = dba.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE starts_with(usename, 'dw_g_')"
        ).fetchone()
    return int(row[0])


def wait_for(what: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not what() and time.monotonic() < deadline:
        time.sleep(0.01)
    return what()


def officers(up: Any, folder: Path) -> list[Path]:
    files = [folder / f"{name}.key" for name in ("anna", "ben")]
    lines = []
    for file in files:
        done = subprocess.run(
            [sys.executable, "-m", "doorward", "order", "key", f"{file.stem}.sample.invalid", "--out", str(file)],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        lines.append(done.stdout)
    up.folders.officers.write_text("".join(lines), encoding="utf-8")
    return files


def test_a_person_is_cut_in_the_middle_of_a_statement_and_stays_out_until_it_is_lifted(
    up: Any, doorward: Run
) -> None:
    told: list[str] = []

    def work() -> None:
        with up.connect() as session:
            try:
                session.execute(SLOW)
            except psycopg.Error as error:
                told.append(str(error))

    before = backends(up)
    worker = threading.Thread(target=work)
    worker.start()
    assert wait_for(lambda: backends(up) > before)
    with up.connect(CLERK) as other:
        done = doorward("cut", "--person", DETECTIVE.login, "--reason", "shared password")
        assert (done.returncode, done.stderr) == (0, "")
        assert "1 sessions ended in" in done.stdout
        worker.join(10)
        assert "ended by the security officer" in told[0]
        assert other.execute("SELECT 1").fetchone() == (1,)
    assert wait_for(lambda: backends(up) == before)
    with pytest.raises(psycopg.OperationalError, match="ended by the security officer") as refused:
        up.connect()
    assert "shared password" not in str(refused.value)
    listed = json.loads(doorward("cuts", "--json").stdout)
    assert [(cut["what"], cut["target"], cut["reason"]) for cut in listed] == [
        ("person", DETECTIVE.login, "shared password")
    ]
    assert doorward("cuts", "--lift", listed[0]["id"]).returncode == 0
    up.connect().close()


def test_one_session_is_cut_and_its_person_may_come_again(up: Any, doorward: Run) -> None:
    with up.connect() as one, up.connect() as other:
        found = json.loads(doorward("sessions", "--json").stdout)
        mine = [session for session in found if session["login"] == DETECTIVE.login]
        assert {session["purpose"] for session in mine} == {DETECTIVE.purpose}
        done = doorward("cut", "--grant", mine[0]["grant"][:12], "--reason", "left open")
        assert "1 sessions ended" in done.stdout
        alive = []
        for session in (one, other):
            try:
                session.execute("SELECT 1")
                alive.append(session)
            except psycopg.OperationalError:
                continue
        assert len(alive) == 1
    up.connect().close()


def test_an_agency_takes_two_officers(up: Any, doorward: Run, tmp_path: Path) -> None:
    first, second = officers(up, tmp_path)
    note = str(tmp_path / "cut.note")
    wide = ("--agency", "FBI", "--reason", "account review", "--until", "2099-01-01", "--note", note)
    assert doorward("cut", *wide).returncode == 2
    with up.connect(FBI) as session, up.connect() as other:
        one = doorward("cut", *wide, "--key", str(first))
        assert (one.returncode, "a second officer" in one.stdout) == (1, True)
        assert session.execute("SELECT 1").fetchone() == (1,)
        again = doorward("cut", "--note", note, "--key", str(first))
        assert again.returncode == 2
        both = doorward("cut", "--note", note, "--key", str(second))
        assert (both.returncode, both.stderr) == (0, "")
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        assert other.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="ended by the security officer"):
        up.connect(FBI)
    identifier = json.loads(doorward("cuts", "--json").stdout)[0]["id"]
    assert doorward("cuts", "--lift", identifier).returncode == 2
    lift = str(tmp_path / "lift.note")
    doorward("cut", "--lift", identifier, "--reason", "review over", "--note", lift, "--key", str(first))
    assert doorward("cut", "--note", lift, "--key", str(second)).returncode == 0
    up.connect(FBI).close()


def test_cuts_that_cannot_be_read_let_nobody_in(up: Any, doorward: Run) -> None:
    with up.connect() as session:
        up.folders.cuts.write_text("nonsense", encoding="utf-8")
        done = doorward("cut", "--person", "dana", "--reason", "x")
        assert (done.returncode, "`cuts.json` cannot be read as JSON" in done.stderr) == (2, True)
        ask_control(next(up.folders.run.glob("control-*.sock")), {"ask": "cuts"})
        with pytest.raises(psycopg.OperationalError, match="could not decide"):
            up.connect()
        assert session.execute("SELECT 1").fetchone() == (1,)
    up.folders.cuts.write_text("[]", encoding="utf-8")
    time.sleep(1)
    up.connect().close()


def test_a_client_that_does_not_read_is_cut_off(up: Any, doorward: Run) -> None:
    session = up.connect()
    session.pgconn.send_query(b"SELECT repeat('x', 1000) FROM generate_series(1, 2000000)")
    assert wait_for(lambda: backends(up) >= 1)
    time.sleep(0.3)
    before = backends(up)
    assert doorward("cut", "--person", DETECTIVE.login, "--reason", "stalled").returncode == 0
    assert wait_for(lambda: backends(up) < before)
    session.close()


def test_sixty_sessions_are_ended_together(up: Any, doorward: Run, record_property: Any) -> None:
    opened = [up.connect() for _ in range(60)]
    before = backends(up)
    assert before >= 60
    done = doorward("cut", "--person", DETECTIVE.login, "--reason", "all of them")
    record_property("cut", done.stdout)
    print(done.stdout)
    assert "60 sessions ended in" in done.stdout
    assert wait_for(lambda: backends(up) <= before - 60)
    for session in opened:
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        session.close()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--person", "dana"),
        ("--reason", "x"),
        ("--person", "dana", "--agency", "FBI", "--reason", "x"),
        ("--all", "--reason", "x"),
        ("--person", "two words", "--reason", "x"),
        ("--grant", "ab", "--reason", "x"),
        ("--person", "dana", "--reason", "x", "--until", "2001-01-01"),
        ("--person", "dana", "--reason", "x", "--also", "abcdabcd"),
    ],
)
def test_what_is_no_cut_is_told(doorward: Run, arguments: tuple[str, ...]) -> None:
    done = doorward("cut", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_nobody_else_may_ask_the_gateway(up: Any) -> None:
    (socket,) = up.folders.run.glob("control-*.sock")
    assert socket.stat().st_mode & 0o777 == 0o600
