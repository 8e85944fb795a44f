"""The report of who went around the door, from the command line."""

import json
import subprocess
import sys
from pathlib import Path

LOG = Path(__file__).resolve().parent.parent / "lookback" / "pgaudit15.csv"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "doorward", "report", "bypass", *arguments],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_the_roles_around_the_door_come_first() -> None:
    done = run(str(LOG))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("the door does not stand before these")
    assert lines[1].startswith("around the door    dba_dana")
    assert lines[-1] == "31 lines: 18 of pgaudit, 13 others, 0 rejected"
    assert "JH1" not in done.stdout


def test_a_script_reads_the_same(tmp_path: Path) -> None:
    found = json.loads(run("--json", str(LOG), str(LOG)).stdout)
    assert (found["lines"], found["audit"]) == (62, 36)
    assert {row["role"]: row["way"] for row in found["roles"]}["sessions of the door"] == "through the door"
    empty = tmp_path / "empty.csv"
    empty.touch()
    assert json.loads(run("--json", str(empty)).stdout)["roles"] == []


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n", encoding="utf-8")
    done = run(str(bad))
    assert (done.returncode, "REJECTED line 1: expected a line of csvlog, got 2 columns" in done.stdout) == (
        1,
        True,
    )
    gone = run(str(tmp_path / "gone.csv"))
    assert (gone.returncode, "cannot be read" in gone.stderr) == (2, True)
    nobody = run("--dsn", "host=127.0.0.1 port=1 dbname=x", str(LOG))
    assert (nobody.returncode, "does not answer" in nobody.stderr) == (2, True)
