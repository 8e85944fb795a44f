"""A referral is on file, a named official answers it, and the answer opens that and nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.cli.sample import PEOPLE

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
    for number, name in enumerate(("supervisor/other.detective", "law/finn", "supervisor/detective")):
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
