"""A referral is on file, a named official answers it, and the answer opens that and nothing else."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.cli.sample import PEOPLE
from doorward.grants.people import save_agreements

pytestmark = pytest.mark.pg
DETECTIVE = PEOPLE[0]
Run = Callable[..., subprocess.CompletedProcess[str]]
UNVERIFIED = DETECTIVE.options().replace("JH123456", "JH000001")
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: TID251  # an answer ends
SAID = ("--evidence", "call 17", "--reason", "the register was down", "--until", TOMORROW)


@pytest.fixture(name="doorward")
def doorward_fixture(up: Any) -> Iterator[Run]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "doorward", "grant", *arguments, "--data", str(up.folders.data)],
            capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "COLUMNS": "200"},
        )  # fmt: skip

    def forget() -> None:
        for file in (up.folders.asks, up.folders.answers):
            file.unlink(missing_ok=True)

    forget()
    yield run
    forget()
    up.folders.officials.unlink(missing_ok=True)


@pytest.fixture(name="keys")
def keys_fixture(up: Any, tmp_path: Path) -> dict[str, str]:
    found, lines = {}, []
    for number, name in enumerate(
        ("supervisor/other.detective", "law/finn", "supervisor/detective", "security/gail")
    ):
        file = tmp_path / f"{number}.key"
        done = subprocess.run(
            [sys.executable, "-m", "doorward", "order", "key", name, "--out", str(file)],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        found[name] = str(file)
        lines.append(done.stdout)
    up.folders.officials.write_text("".join(lines), encoding="utf-8")
    return found


def refused(up: Any, **changed: Any) -> str:
    with pytest.raises(psycopg.OperationalError) as error:
        up.connect(**({"options": UNVERIFIED} | changed))
    return str(error.value)


def waiting(doorward: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(doorward("list", "--json").stdout)
    return found


def test_an_ask_is_on_file_approved_used_and_taken_back(up: Any, doorward: Run, keys: dict[str, str]) -> None:
    said = refused(up)
    assert "referred, and closed until it is answered" in said
    assert "an answer is due within 30 minutes" in said
    refused(up)
    (ask,) = waiting(doorward)
    assert (ask["login"], ask["case"], ask["office"], ask["state"]) == (
        "detective",
        "JH000001",
        "supervisor",
        "waits",
    )
    shown = doorward("show", ask["request"][:6])
    assert "asks       criminal-investigation, case JH000001, for CPD" in shown.stdout
    assert (
        "approving  says: context.register.standing = verified; context.register.kind = criminal"
        in shown.stdout
    )
    key = keys["supervisor/other.detective"]
    done = doorward("approve", ask["request"], "--key", key, *SAID)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    with up.connect(options=UNVERIFIED) as session:
        assert session.execute("SELECT count(*) >= 0 FROM persons").fetchone() == (True,)
        # What was approved is this ask: another number, beneficiary or purpose is another one.
        for old, new in (("JH000001", "JH000002"), ("for=CPD", "for=FBI"), ("for=CPD", "for=ICE-ERO")):
            refused(up, options=UNVERIFIED.replace(old, new))
        assert "approved" in doorward("list", "--all").stdout
        back = doorward(
            "deny", ask["request"], "--key", key, "--evidence", "call 18", "--reason", "wrong number"
        )
        assert (back.returncode, "1 sessions ended" in back.stdout) == (0, True)
        with pytest.raises(psycopg.OperationalError, match="approval of this access was taken back"):
            session.execute("SELECT 1")
    refused(up)


@pytest.mark.parametrize(
    ("name", "said"),
    [("law/finn", "asks the office `supervisor`"), ("supervisor/detective", "nobody answers their own ask")],
)
def test_another_office_and_the_asker_may_not_answer(
    up: Any, doorward: Run, keys: dict[str, str], name: str, said: str
) -> None:
    refused(up)
    (ask,) = waiting(doorward)
    done = doorward("approve", ask["request"], "--key", keys[name], *SAID)
    assert (done.returncode, said in done.stderr) == (1, True)
    refused(up)


def test_a_denial_of_the_order_is_no_ask_and_is_never_on_the_list(up: Any, doorward: Run) -> None:
    assert "refused" in refused(up, options=DETECTIVE.options().replace("for=CPD", "for=ICE-ERO"))
    assert waiting(doorward) == []


def ask(up: Any, *arguments: str, password: str = DETECTIVE.password) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable, "-m", "doorward", "grant", "request", "--user", "detective",
            "--purpose", "criminal-investigation", "--for", "CPD", "--data", str(up.folders.data), *arguments,
        ],
        capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "200", "PGPASSWORD": password},
    )  # fmt: skip


def test_asking_without_a_client_says_what_the_door_says(up: Any, doorward: Run) -> None:
    done = ask(up, "--case", "JH123456")
    assert (done.returncode, done.stdout) == (0, "permitted: connect with the same words\n"), done.stderr
    assert waiting(doorward) == []
    done = ask(up, "--case", "JH000001", "--json")
    heard = json.loads(done.stdout)
    assert (done.returncode, heard["answer"]) == (4, "referred")
    assert "this ask is on file" in heard["detail"]
    (waits,) = waiting(doorward)
    assert (waits["login"], waits["case"]) == ("detective", "JH000001")
    assert ask(up, "--for", "ICE-ERO").returncode == 1
    assert ask(up, "--case", "JH123456", password="wrong").returncode == 1
    nowhere = ask(up, "--conninfo", "host=127.0.0.1 port=1 dbname=clear")
    assert (nowhere.returncode, nowhere.stdout.startswith("no answer")) == (3, True)
    assert ask(up, "--conninfo", "host=127.0.0.1 password=x").returncode == 2


def test_whoever_waits_reads_the_answer(up: Any, doorward: Run, keys: dict[str, str]) -> None:
    for verdict, code in (("approve", 0), ("deny", 1)):
        for file in (up.folders.asks, up.folders.answers):
            file.unlink(missing_ok=True)
        with subprocess.Popen(
            [
                sys.executable, "-m", "doorward", "grant", "request", "--user", "detective", "--case", "JH000001",
                "--purpose", "criminal-investigation", "--for", "CPD", "--wait", "2", "--data", str(up.folders.data),
            ],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PGPASSWORD": DETECTIVE.password},
        ) as waiter:  # fmt: skip
            deadline = time.monotonic() + 60
            while not (asked := waiting(doorward)):
                assert time.monotonic() < deadline
            said = SAID if verdict == "approve" else SAID[:4]
            key = keys["supervisor/other.detective"]
            assert doorward(verdict, asked[0]["request"], "--key", key, *said).returncode == 0
            assert waiter.wait(60) == code
    assert "was answered, and not approved" in refused(up)


def test_the_security_officer_takes_back_and_approves_nothing(
    up: Any, doorward: Run, keys: dict[str, str]
) -> None:
    refused(up)
    (asked,) = waiting(doorward)
    security = keys["security/gail"]
    assert doorward("approve", asked["request"], "--key", security, *SAID).returncode == 1
    why = ("--evidence", "incident 9", "--reason", "the key was lost")
    assert doorward("revoke", asked["request"], "--key", security, *why).returncode == 2
    doorward("approve", asked["request"], "--key", keys["supervisor/other.detective"], *SAID)
    with up.connect(options=UNVERIFIED) as session:
        done = doorward("revoke", asked["request"], "--key", security, *why)
        assert (done.returncode, "1 sessions ended" in done.stdout) == (0, True), done.stderr
        with pytest.raises(psycopg.OperationalError, match="approval of this access was taken back"):
            session.execute("SELECT 1")
    refused(up)


def test_one_session_is_ended_by_its_id(up: Any, doorward: Run) -> None:
    with up.connect() as ended, up.connect() as stays:
        listed = subprocess.run(
            [sys.executable, "-m", "doorward", "sessions", "--json", "--data", str(up.folders.data)],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        first, second = (session["grant"] for session in json.loads(listed.stdout))
        done = doorward("revoke", first[:12], "--reason", "a screen left alone")
        assert (done.returncode, "1 sessions ended" in done.stdout) == (0, True), done.stderr
        said = []
        for session in (ended, stays):
            try:
                session.execute("SELECT 1")
            except psycopg.OperationalError as error:
                said.append(str(error))
        assert ["ended by the security officer" in one for one in said] == [True]
        assert doorward("revoke", second[:4], "--reason", "too short").returncode == 2
        assert doorward("revoke", "f" * 32, "--reason", "nobody").returncode == 2
    up.folders.cuts.unlink(missing_ok=True)


def test_an_agreement_that_is_withdrawn_ends_its_sessions_and_nobody_elses(up: Any, doorward: Run) -> None:
    before = up.folders.agreements.read_text(encoding="utf-8")
    fbi = PEOPLE[2]
    try:
        with up.connect(fbi, options=fbi.options()) as agent, up.connect() as detective:
            agent.execute("SELECT 1")
            save_agreements([], up.folders.agreements)
            with pytest.raises(psycopg.OperationalError, match="the facts this access rests on have changed"):
                agent.execute("SELECT pg_sleep(30)")
            detective.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError, match="referred"):
            up.connect(fbi, options=fbi.options())
        assert [one["login"] for one in waiting(doorward)] == [fbi.login]
    finally:
        up.folders.agreements.write_text(before, encoding="utf-8")


def test_an_approval_that_would_hold_too_long_or_not_at_all_is_refused(
    up: Any, doorward: Run, keys: dict[str, str]
) -> None:
    refused(up)
    (ask,) = waiting(doorward)
    key = keys["supervisor/other.detective"]
    for until in ("2001-01-01", "2099-01-01"):
        done = doorward(
            "approve", ask["request"], "--key", key, "--evidence", "x", "--reason", "x", "--until", until
        )
        assert done.returncode in {1, 2}
    assert doorward("show", "ffff").returncode == 2
