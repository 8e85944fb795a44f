"""What holds of an audit of any size: records, numbers of wordings, the ends of memory and of the disk, kills."""

import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.cli.audit_agencies import load_matcher
from doorward.cli.main import exit_code
from doorward.errors import DoorwardError
from doorward.lookback import accesses
from doorward.lookback.audit import Audit, Plan, audit
from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.survey import _Scan
from doorward.orders.load import load_pack

HEADER = (
    "ID,Name,Org Name,Total Networks Searched,Time Frame,License Plate,Reason,Case #,Filters,Search Time,Search Type,"
    "Text Prompt,Moderation"
)
REASONS = ("stolen vehicle", "HSI sample", "immigration violation", "", "welfare check", "burglary")


def write_log(path: Path, rows: int) -> Path:
    chance = random.Random(7)  # noqa: S311  # the same log in every run
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER + "\r\n")
        for number in range(rows):
            reason = (
                f"{chance.choice(REASONS)} {chance.randrange(rows)}" if number % 9 else chance.choice(REASONS)
            )
            file.write(
                f"{chance.getrandbits(32):08x}-0000-4000-8000-{number:012x},s. sample,Sample {number % 40} PD,5,"
                '"04/01/2026, 12:00:00 AM UTC -\n04/10/2026, 11:59:59 PM UTC",SMP1,'
                f'{reason},,,"04/{number % 28 + 1:02d}/2026, 10:{number % 60:02d}:33 AM UTC",lookup,,\r\n'
            )
    return path


def _count(text: bytes) -> tuple[int, bool, bool]:
    """Return what a walk sign by sign counts: line ends outside quotes, whether quotes are closed, no lone CR."""
    inside, lines, lone = False, 0, False
    for at, sign in enumerate(text):
        if sign == ord('"'):
            inside = not inside
        elif sign == ord("\n") and not inside:
            lines += 1
        elif sign == ord("\r"):
            lone = lone or text[at + 1 : at + 2] != b"\n"
    return lines, not inside, not lone


@given(
    st.lists(
        st.lists(st.sampled_from([b'"', b"\r\n", b"\n", b"\r", b",", b"a", b'""', b"\xc3\xa9"]), max_size=12)
    )
)
def test_the_walk_over_chunks_counts_what_a_walk_sign_by_sign_counts(pieces: list[list[bytes]]) -> None:
    chunks = [b"".join(piece) for piece in pieces]
    scan = _Scan()
    for chunk in chunks:
        scan.feed(chunk)
    lines, closed, no_lone = _count(b"".join(chunks))
    assert (scan.newlines, not scan.inside, scan.regular and not scan.held) == (lines, closed, no_lone)


def _audit(log: Path, out: Path) -> AuditFolder:
    folder = AuditFolder(out)
    plan = Plan(
        orders=[load_pack("chicago")], matcher=load_matcher(None, None, "", None, None, None), owner="Sample"
    )
    with open_engine(folder.scratch, threads=1) as connection:
        audit(Audit(connection, folder, plan, lambda *_: None), [log])
    return folder


def _digests(folder: AuditFolder) -> list[str]:
    files = [folder.findings, folder.counts, folder.leads, folder.manifest, folder.phrases, folder.searchers]
    files += sorted(folder.accesses.glob("*.parquet"))
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def test_wordings_that_share_a_number_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = write_log(tmp_path / "a.csv", 300)
    first = _audit(log, tmp_path / "one")
    monkeypatch.setattr(accesses, "KEY", "CAST(strlen({0}.reason_state) AS UBIGINT)")
    left = AuditFolder(tmp_path / "two").accesses / "0001.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"of an audit of two files in the same folder")
    second = _audit(log, tmp_path / "two")
    assert not left.exists()
    query = "SELECT * FROM read_parquet($1) ORDER BY row"
    with duckdb.connect() as connection:
        rows = [
            connection.execute(query, [str(one.accesses / "0000.parquet")]).fetchall()
            for one in (first, second)
        ]
    assert len(rows[0]) == 300
    assert rows[0] == rows[1]


def test_an_end_of_memory_is_a_line_with_a_hint_and_no_verdict(tmp_path: Path) -> None:
    with (
        pytest.raises(DoorwardError, match="`--memory 30MB` is not enough") as caught,
        open_engine(tmp_path / "e", memory="30MB", threads=1) as connection,
    ):
        connection.execute(
            "SELECT max(len(l)) FROM (SELECT list(n) AS l FROM range(50000000) t(n))"
        ).fetchall()
    assert exit_code(caught.value) == 3
    assert caught.value.hint is not None
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        duckdb.IOException('Could not write file "x": No space left on device'),
        duckdb.OutOfMemoryException("failed to offload: limit was set by 'max_temp_directory_size'"),
    ],
)
def test_an_end_of_the_disk_is_a_line_with_a_hint(error: Exception, tmp_path: Path) -> None:
    with (
        pytest.raises(DoorwardError, match="the disk of `--out` is full") as caught,
        open_engine(tmp_path / "e"),
    ):
        raise error
    assert exit_code(caught.value) == 3


def test_another_error_of_the_disk_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), open_engine(tmp_path / "e"):
        raise PermissionError(errno.EACCES, "Permission denied")


def _changed(path: Path, since: int) -> bool:
    try:
        return path.stat().st_mtime_ns > since
    except OSError:
        return False


@pytest.mark.long
def test_an_audit_that_is_killed_in_each_stage_ends_in_the_same_bytes(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.csv", 60_000)
    out = tmp_path / "killed"
    command = [
        sys.executable, "-m", "doorward", "audit", str(log), "--order", "chicago", "--owner", "Sample",
        "--no-report", "--threads", "1", "--out",
    ]  # fmt: skip
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    marks = [
        "data/rows/0000.parquet.part", "data/rows/0000.json", "data/duplicates.parquet", "data/phrases.partial",
        "data/phrases.parquet", "data/accesses/0000.part", "data/accesses/0000.parquet", "data/counts.parquet",
        "findings.parquet.part", "findings.parquet", "leads.parquet",
    ]  # fmt: skip
    killed = []
    for mark in marks:
        begin = time.time_ns()
        process = subprocess.Popen([*command, str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not _changed(out / mark, begin):
            time.sleep(0.002)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            killed.append(mark)
        process.wait()
    assert len(killed) >= 6, killed  # a file that stands for a moment only may be missed
    subprocess.run([*command, str(out)], check=True, capture_output=True)
    assert _digests(AuditFolder(out)) == _digests(AuditFolder(tmp_path / "whole"))
    left = [
        path.name
        for path in out.rglob("*")
        if path.name.endswith((".part", ".partial")) or ".scratch" in path.parts
    ]
    assert left == []
