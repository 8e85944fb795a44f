"""The real exports, to the last record: as many as Python's csv sees, and the same cells."""

import csv
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.duplicates import KINDS, duplicates_path, find_duplicates
from doorward.lookback.reading.raw import quote_path
from tests_support.access_logs import AUDIT_13, audit_row, write


def python_rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.shared
def test_the_40_exports_and_eugene_are_accounted_for_exactly(shared: Path, read: Any, rows: Any) -> None:
    paths = [
        *sorted((shared / "data/alpr-portals/logs").glob("*.csv")),
        shared / "data/alpr-eugene/search-audit.csv",
    ]
    reports = read(*paths)
    assert [one.records for one in reports] == [len(python_rows(path)) - 1 for path in paths]
    assert (len(paths), sum(one.read for one in reports[:40]), reports[40].read) == (41, 12_037, 4_294)
    assert sum(one.rejected + one.blank + one.repeated_headers for one in reports) == 0
    for report, path in zip(reports, paths, strict=True):
        header, *records = python_rows(path)
        reason = header.index("reason") if "reason" in header else -1
        if reason >= 0:
            texts = [(record[reason] if record[reason].strip() else None) for record in records]
            assert [text for (text,) in rows("reason", file=report.file)] == texts
    assert {one.layout for one in reports} == {"flock-portal"}
    assert reports[0].owner == "alameda-ca-pd"


@pytest.mark.shared
def test_the_careful_reader_sees_the_same_in_the_real_exports(
    shared: Path, tmp_path: Path, read: Any, rows: Any
) -> None:
    for number, path in enumerate(sorted((shared / "data/alpr-portals/logs").glob("*.csv"))[:6]):
        read(path)
        fast = rows("* EXCLUDE (file)")
        other = tmp_path / f"{number}.csv"
        other.write_bytes(
            path.read_bytes().rstrip(b"\r\n") + b"\n\n,,,,\n"
            if b"caseNumber" not in path.read_bytes()[:99]
            else path.read_bytes()
        )
        read(other)
        assert rows("* EXCLUDE (file)") == fast


def counts(**given: int) -> dict[str, int]:
    return dict.fromkeys(KINDS, 0) | {name.replace("_", " "): count for name, count in given.items()}


def test_duplicates_are_told_by_kind_and_the_first_one_stays(
    tmp_path: Path, read: Any, engine: duckdb.DuckDBPyConnection, folder: AuditFolder
) -> None:
    without = [name for name in AUDIT_13 if name != "ID"]
    first = write(tmp_path / "a.csv", [AUDIT_13, audit_row(1), audit_row(2), audit_row(1)])
    again = write(tmp_path / "b.csv", [AUDIT_13, audit_row(2), audit_row(3)])
    other = write(tmp_path / "c.csv", [AUDIT_13, audit_row(3), audit_row(3), audit_row(4), audit_row(1)])
    no_id = write(tmp_path / "d.csv", [without, audit_row(1)[1:], audit_row(1)[1:], audit_row(2)[1:]])
    owners = {"a.csv": "a", "b.csv": "a", "c.csv": "c", "d.csv": "d"}
    reports = read(first, again, other, no_id, owners=owners)
    expected = {
        0: counts(same_file=1),
        1: counts(same_owner=1),
        2: counts(same_file=1, another_owner=2),
        3: counts(same_file=1),
    }
    assert find_duplicates(engine, folder, reports) == expected
    table = duplicates_path(folder)
    once = table.read_bytes()
    assert find_duplicates(engine, folder, reports, rows_at_once=2) == expected
    assert table.read_bytes() == once
    kept = engine.execute(f"SELECT file, row, kept_file, kept_row FROM '{quote_path(table)}'").fetchall()
    assert kept == [(0, 4, 0, 2), (1, 2, 0, 3), (2, 2, 1, 3), (2, 3, 1, 3), (2, 5, 0, 2), (3, 3, 3, 2)]


KILLED = """
import sys
from pathlib import Path
from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.read import read_sources
folder = AuditFolder(Path(sys.argv[1]))
with open_engine(folder.scratch, threads=int(sys.argv[2])) as connection:
    read_sources(connection, [Path(name) for name in sys.argv[3:]], folder)
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_run_that_was_killed_is_finished_by_the_next_with_the_same_bytes(
    threads: str, tmp_path: Path
) -> None:
    small = write(tmp_path / "a.csv", [AUDIT_13, *(audit_row(n) for n in range(50))])
    large = write(tmp_path / "b.csv", [AUDIT_13, *(audit_row(n) for n in range(150_000))])
    killed, whole = AuditFolder(tmp_path / "killed"), AuditFolder(tmp_path / "whole")
    command = [sys.executable, "-c", KILLED]
    process = subprocess.Popen([*command, str(killed.root), threads, str(small), str(large)])
    part, first = killed.rows / "0001.parquet.part", killed.rows / "0000.json"
    while process.poll() is None and not (part.exists() and first.exists()):
        time.sleep(0.005)
    process.kill()
    assert process.wait() != 0, "it was done before it could be killed"
    assert not (killed.rows / "0001.json").exists()
    before = (killed.rows / "0000.parquet").stat().st_mtime_ns
    subprocess.run([*command, str(killed.root), "2", str(small), str(large)], check=True)
    assert (killed.rows / "0000.parquet").stat().st_mtime_ns == before
    subprocess.run([*command, str(whole.root), "1", str(small), str(large)], check=True)
    names = sorted(file.name for file in whole.rows.iterdir())
    assert names == sorted(file.name for file in killed.rows.iterdir())
    for name in names:
        assert (killed.rows / name).read_bytes() == (whole.rows / name).read_bytes()
