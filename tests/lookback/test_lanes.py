"""Sources that are read side by side come out as those that are read one after the other: tables, accounts, order."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from doorward.errors import ConfigError
from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.accounting import SourceReport
from doorward.lookback.reading.lanes import count_lanes, read_in_order
from doorward.lookback.reading.read import Progress, Refused, read_sources
from tests_support.access_logs import AUDIT_13, PORTAL, audit_row, portal_row, to_csv, write

Read = tuple[list[SourceReport], list[Refused], list[Progress], dict[str, bytes]]


def _read(folder: AuditFolder, paths: list[Path], threads: int, memory: str = "1GB") -> Read:
    refused: list[Refused] = []
    told: list[Progress] = []
    with open_engine(folder.scratch, threads=threads, memory=memory) as connection:
        reports = read_sources(connection, paths, folder, refused=refused, progress=told.append)
        assert not list(folder.scratch.glob("source*"))
    return reports, refused, told, {one.name: one.read_bytes() for one in sorted(folder.rows.iterdir())}


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    made = []
    for number in range(9):
        rows = [AUDIT_13, *(audit_row(n) for n in range(number * 100))]
        made.append(write(tmp_path / f"{number}.csv", rows))
    made[2].write_text("no log\n" * 50)
    made[3].write_bytes(b"")
    made[4].write_text(to_csv([PORTAL, portal_row(1), ["x"], portal_row(2), [], portal_row(3)]), newline="")
    made[6].write_text(to_csv([PORTAL, portal_row(1), AUDIT_13, audit_row(2)]), newline="")  # two tables
    made[8].write_bytes(b"\xff" + made[8].read_bytes())
    return made


def test_lanes_change_nothing_that_comes_out(paths: list[Path], tmp_path: Path) -> None:
    alone = _read(AuditFolder(tmp_path / "alone"), paths, 1)
    beside = _read(AuditFolder(tmp_path / "beside"), paths, 4, "2GB")
    assert [one.name for one in alone[1]] == ["2.csv", "3.csv"]
    assert [one.file for one in alone[0]] == list(range(7))
    assert beside[1] == alone[1]
    assert [one.as_json() for one in beside[0]] == [one.as_json() for one in alone[0]]
    assert beside[3] == alone[3]
    ends = [
        [(one.file, one.name, one.done_bytes, one.rows) for one in told] for told in (alone[2], beside[2])
    ]
    assert ends[0] == ends[1]
    folder = AuditFolder(tmp_path / "beside")
    for name in ("0001.json", "0002.json"):
        (folder.rows / name).unlink()
    again = _read(folder, paths, 4, "2GB")
    assert [(one.file, one.name, one.done_bytes, one.rows) for one in again[2]] == ends[0]
    assert again[3] == alone[3]


def test_a_second_run_reads_only_what_was_not_there(paths: list[Path], tmp_path: Path) -> None:
    folder = AuditFolder(tmp_path / "out")
    first = _read(folder, paths, 4, "2GB")
    (folder.rows / "0003.json").unlink()
    second = _read(folder, paths, 4, "2GB")
    assert [one.file for one in second[0] if not one.resumed] == [3]
    assert second[3] == first[3]


def test_the_first_file_that_is_refused_is_named(paths: list[Path], tmp_path: Path) -> None:
    folder = AuditFolder(tmp_path / "out")
    with open_engine(folder.scratch, threads=2) as connection:
        with pytest.raises(ConfigError, match=r"2\.csv"):
            read_sources(connection, paths, folder)
        assert not list(folder.scratch.glob("source*"))
    assert sorted(one.name for one in folder.rows.glob("*.json")) == ["0000.json", "0001.json"]


@pytest.mark.parametrize(
    ("threads", "memory", "lanes"),
    [(1, "4GB", 1), (2, "300MB", 1), (2, "800MB", 2), (4, "1200MB", 3), (2, "4GB", 2)],
)
def test_there_is_a_lane_for_each_thread_that_the_memory_has_room_for(
    threads: int, memory: str, lanes: int, tmp_path: Path
) -> None:
    with open_engine(tmp_path / "engine", threads=threads, memory=memory) as connection:
        assert count_lanes(connection) == lanes


def test_what_two_have_no_memory_for_is_done_one_by_one(tmp_path: Path) -> None:
    def steps(number: int, length: int) -> Generator[str, int, int]:
        return number + (yield f"SELECT max(len(l)) FROM (SELECT list(n) AS l FROM range({length}) t(n))")

    with open_engine(tmp_path / "engine", threads=2, memory="300MB") as connection:
        made = list(read_in_order(connection, [13_000_000] * 4, steps, 2))
    assert made == [(13_000_000, 13_000_000 + number) for number in range(4)]


def test_what_goes_wrong_ends_the_others_and_leaves_no_step_open(tmp_path: Path) -> None:
    ended = []

    def steps(number: int, query: str) -> Generator[str, int, int]:
        try:
            return (yield query)
        finally:
            ended.append(number)

    long = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range % 7 = b.range % 5"
    queries: list[Any] = ["SELECT 1", "SELECT error('no')", long]
    with open_engine(tmp_path / "engine", threads=3) as connection:
        found = read_in_order(connection, queries, steps, 3)
        assert next(found) == ("SELECT 1", 1)
        with pytest.raises(duckdb.InvalidInputException):
            next(found)
    assert sorted(ended) == [0, 1, 2]
