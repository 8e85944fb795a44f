"""The people at a running door: who leaves or moves is out at once, and the commands that say so."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.cli.sample import PEOPLE

pytestmark = pytest.mark.pg
DETECTIVE, CLERK, FBI = PEOPLE[0], PEOPLE[1], PEOPLE[2]
Run = Callable[..., subprocess.CompletedProcess[str]]
HEADER = "login,role,agency,unit\n"
EVERYBODY = {
    "detective": "detective,detective,CPD,area-1",
    "clerk": "clerk,records-clerk,CPD,records",
    "fbi.agent": "fbi.agent,outside-agent,FBI,",
    "ero.officer": "ero.officer,outside-agent,ICE-ERO,",
    "atf.agent": "atf.agent,outside-agent,ATF,",
    "other.detective": "other.detective,detective,CPD,area-2",
}


@pytest.fixture(name="doorward")
def doorward_fixture(up: Any) -> Iterator[Run]:
    before = up.folders.people.read_bytes()

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "doorward", "people", *arguments, "--data", str(up.folders.data)],
            input=stdin, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "COLUMNS": "200"},
        )  # fmt: skip

    yield run
    partial = up.folders.people.with_suffix(".old")
    partial.write_bytes(before)
    partial.replace(up.folders.people)
    time.sleep(1)


def is_over(session: psycopg.Connection[Any]) -> str:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            session.execute("SELECT 1")
        except psycopg.OperationalError as error:
            return str(error)
        time.sleep(0.05)
    return ""


def test_who_is_no_longer_in_the_list_is_out_and_the_others_stay(
    up: Any, doorward: Run, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        HEADER + "\n".join(line for login, line in EVERYBODY.items() if login != "detective") + "\n"
    )
    with up.connect() as leaver, up.connect(CLERK) as stays:
        planned = doorward("import", str(file), "--dry-run")
        assert (planned.returncode, "left   detective" in planned.stdout) == (0, True)
        assert leaver.execute("SELECT 1").fetchone() == (1,)
        done = doorward("import", str(file))
        assert (done.returncode, done.stderr) == (0, "")
        assert "your access was changed" in is_over(leaver)
        assert stays.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        up.connect()
    file.write_text(HEADER + "\n".join(EVERYBODY.values()) + "\n")
    assert "back   detective" in doorward("import", str(file)).stdout
    time.sleep(1)
    up.connect().close()


def test_who_moves_begins_again_with_what_they_are_now(up: Any, doorward: Run, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    moved = EVERYBODY | {"clerk": "clerk,detective,CPD,area-1"}
    file.write_text(HEADER + "\n".join(moved.values()) + "\n")
    with up.connect(CLERK) as session:
        done = doorward("import", str(file), "--json")
        assert json.loads(done.stdout)["movers"] == [{"login": "clerk", "changed": ["role", "unit"]}]
        assert "your access was changed" in is_over(session)
    with pytest.raises(psycopg.OperationalError, match=r"referred|refused"):
        up.connect(CLERK)


def test_a_list_that_was_cut_off_and_one_with_a_fault_change_nothing(
    up: Any, doorward: Run, tmp_path: Path
) -> None:
    before = up.folders.people.read_bytes()
    file = tmp_path / "people.csv"
    file.write_text(HEADER + EVERYBODY["clerk"] + "\n")
    cut_off = doorward("import", str(file))
    assert (cut_off.returncode, "would leave" in cut_off.stderr) == (1, True)
    file.write_text(HEADER + "\n".join([*EVERYBODY.values(), "gus,chief,CPD,area-1"]) + "\n")
    faulty = doorward("import", str(file))
    assert (faulty.returncode, "line 8: `chief` is no role" in faulty.stdout) == (1, True)
    file.write_text("login,role,agency,unit,birthplace\n")
    assert doorward("import", str(file)).returncode == 2
    assert up.folders.people.read_bytes() == before


def test_a_password_is_set_and_an_outsider_gets_none(up: Any, doorward: Run) -> None:
    assert doorward("password", "clerk", stdin="short\n").returncode == 2
    done = doorward("password", "clerk", stdin="a longer sample password\n")
    assert (done.returncode, done.stderr) == (0, "")
    time.sleep(1)
    up.connect(CLERK, password="a longer sample password").close()
    with pytest.raises(psycopg.OperationalError):
        up.connect(CLERK)
    outsider = doorward("password", "fbi.agent", stdin="a longer sample password\n")
    assert (outsider.returncode, "get no password here" in outsider.stderr) == (2, True)


def test_a_file_with_a_fault_leaves_everybody_as_they_were(up: Any, doorward: Run) -> None:
    with up.connect() as session:
        up.folders.people.write_text("nonsense", encoding="utf-8")
        time.sleep(1)
        assert session.execute("SELECT 1").fetchone() == (1,)
        up.connect(CLERK).close()
        assert doorward("list").returncode == 2


def test_people_are_listed_without_what_they_log_in_with(doorward: Run) -> None:
    done = doorward("list", "--json")
    found = json.loads(done.stdout)
    assert {person["login"] for person in found} == set(EVERYBODY)
    assert "SCRAM" not in done.stdout
    assert doorward("close", "atf.agent").returncode == 0
    assert "atf.agent" not in doorward("list").stdout
    assert doorward("attest", "nobody.here").returncode == 2
    assert "attested: `clerk` is records-clerk of CPD" in doorward("attest", "clerk").stdout
    assert doorward("certificate", "clerk", "Clerk Card").returncode == 0
    assert doorward("certificate", "detective", "Clerk Card").returncode == 2
