"""A desk that is killed at each step of adding or deleting a paper: what has a row is whole, nothing else is left."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from doorward.desk.configuration import VARIABLE, DeskConfiguration
from tests_support import killed_papers


def run(desk: Any, folder: Path, act: str) -> list[dict[str, Any]]:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    if not Account.objects.filter(login=f"killed.{act}.example").exists():
        desk.account(f"killed.{act}.example", Role.OFFICER, unit="killed", tenant=f"killed-{act}")
    configuration = replace(DeskConfiguration.load(Path(os.environ[VARIABLE])), data=folder)
    (folder / "run" / "desk-static").mkdir(parents=True)
    for file in (desk.folder / "run" / "desk-static").glob("staticfiles.json"):
        (folder / "run" / "desk-static" / file.name).write_bytes(file.read_bytes())
    desk.spool.mkdir(mode=0o700, exist_ok=True)
    (folder / "spool").symlink_to(desk.spool)  # one database has one record
    file = folder / "desk.json"
    file.write_text(configuration.format(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", killed_papers.__name__, act], env={**os.environ, VARIABLE: str(file)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    forget(act)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def forget(act: str) -> None:
    """Take the keys of these papers out of the database, which other tests look through: their folder is gone then."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE paper_key DISABLE TRIGGER USER")
        cursor.execute(
            "DELETE FROM paper_key USING paper, matter "
            "WHERE paper.id = paper_id AND matter.id = matter_id AND tenant = %s",
            [f"killed-{act}"],
        )
        cursor.execute("ALTER TABLE paper_key ENABLE TRIGGER USER")


def test_a_paper_is_there_whole_and_recorded_or_not_at_all(desk: Any, tmp_path: Path) -> None:
    tries = run(desk, tmp_path, "add")
    assert len(tries) > 20
    assert [one["ended"] for one in tries] == [False] * (len(tries) - 1) + [True]
    for one in tries:
        assert one["clear"] == [], one
        assert (one["files_are_keys"], one["missing"]) == (True, 0), one
        for paper in one["papers"]:
            assert (paper["whole"], paper["recorded"]) == (True, ["add-paper"]), one
    there = [bool(one["papers"]) for one in tries]
    assert there == sorted(there)  # from one step on it is there, and stays
    assert there[-1]
    assert any(one["left"] for one in tries)  # a crash did leave something, and the start removed it


def test_a_copy_is_there_whole_or_gone_and_recorded(desk: Any, tmp_path: Path) -> None:
    tries = run(desk, tmp_path, "delete")
    assert len(tries) > 5
    for one in tries:
        assert (one["clear"], one["files_are_keys"], one["missing"]) == ([], True, 0), one
        (paper,) = one["papers"]
        if paper["erased"]:
            assert (paper["keyed"], paper["recorded"]) == (False, ["add-paper", "delete-copy"]), one
        else:
            assert (paper["whole"], paper["recorded"]) == (True, ["add-paper"]), one
    gone = [one["papers"][0]["erased"] for one in tries]
    assert gone == sorted(gone)
    assert gone[-1]
    assert not gone[0]
    assert any(one["left"] for one in tries)
