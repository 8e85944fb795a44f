"""pgaudit's csvlog as accesses: the log of a real server, and a log of a million lines' shape."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from doorward.lookback.engine import open_engine
from doorward.lookback.reading.database_log import HEADER, Searcher, is_csvlog, is_pgaudit, read_database_log
from doorward.lookback.reading.pgaudit import RELATIONS, Read, read_pgaudit
from doorward.lookback.reading.raw import RawTable

LOG = Path(__file__).with_name("pgaudit15.csv")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    with open_engine(tmp_path / "spill", threads=1) as connection:
        yield connection


def read(engine: Any, path: Path, text: str, **more: Any) -> tuple[RawTable, list[tuple[Any, ...]]]:
    table = read_database_log(engine, io.StringIO(text, newline=""), path / "log.parquet", **more)
    names = ", ".join(["row", *(f"c{number}" for number in range(len(HEADER)))])
    return table, engine.execute(
        f"SELECT {names} FROM read_parquet(?) ORDER BY row", [str(table.path)]
    ).fetchall()


def test_every_record_is_an_access_or_is_counted_by_its_reason(engine: Any, tmp_path: Path) -> None:
    text = LOG.read_text(encoding="utf-8")
    table, rows = read(engine, tmp_path, text)
    account = Read()
    lines = list(read_pgaudit(io.StringIO(text, newline=""), account))
    expected = [
        x
        for x in lines
        if x.object_type in RELATIONS and x.object_name and x.audit_class in {"READ", "WRITE"}
    ]
    assert len(rows) == len(expected) > 5
    assert len(rows) + sum(table.other_by.values()) + sum(table.rejected_by.values()) == account.lines
    assert table.other_by["another line of the server's log"] == account.other
    assert [(row[2], row[6], row[7]) for row in rows] == [
        (x.user, x.object_name, x.command) for x in expected
    ]
    assert table.layout == "cells"


def test_no_text_of_a_statement_is_in_the_table(engine: Any, tmp_path: Path) -> None:
    table, rows = read(engine, tmp_path, LOG.read_text(encoding="utf-8"))
    assert not any("select" in str(cell) for row in rows for cell in row)
    assert all("select" not in one.reason for one in table.rejects)


def line(number: int, **changed: str) -> str:
    cells = [""] * 26
    cells[0] = changed.get("time", "2026-04-10 05:01:33.123 UTC")
    cells[1], cells[2], cells[4], cells[5] = "clerk", "records", "10.0.0.9:4000", "6b0756f8.79b2"
    cells[11], cells[13], cells[22] = "LOG", changed["message"], "desk"
    cells[6] = str(number)
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def audit(number: int, table: str = "public.persons", command: str = "SELECT") -> str:
    return (
        f"AUDIT: SESSION,{number},1,READ,{command},TABLE,{table},\"select *\nfrom x where n = 'Doe'\",<none>"
    )


def test_an_access_names_role_time_table_command_and_an_id_of_its_own(engine: Any, tmp_path: Path) -> None:
    text = line(1, message=audit(1)) + line(2, message=audit(1, "public.cases"))
    _, rows = read(engine, tmp_path, text)
    assert rows == [
        (1, "6b0756f8.79b2/1/public.persons", "clerk", "clerk", "2026-04-10T05:01:33.123Z", "READ", "public.persons",
         "SELECT"),
        (2, "6b0756f8.79b2/1/public.cases", "clerk", "clerk", "2026-04-10T05:01:33.123Z", "READ", "public.cases",
         "SELECT"),
    ]  # fmt: skip


def test_a_pooled_role_may_be_told_by_its_application(engine: Any, tmp_path: Path) -> None:
    table, rows = read(engine, tmp_path, line(1, message=audit(1)), searcher=Searcher.APPLICATION)
    assert rows[0][2:4] == ("desk", "clerk")
    assert table.notes == ("the searcher is the application of the database",)


def test_a_time_in_another_zone_is_rejected_and_says_what_to_set(engine: Any, tmp_path: Path) -> None:
    table, rows = read(engine, tmp_path, line(1, message=audit(1), time="2026-04-10 05:01:33.123 CST"))
    assert rows == []
    assert list(table.rejected_by) == ["expected a time in UTC; set log_timezone = 'UTC' on the server"]


def test_a_log_cut_in_the_middle_of_a_record_is_read_up_to_there(engine: Any, tmp_path: Path) -> None:
    text = line(1, message=audit(1)) + line(2, message=audit(2))[:-40]
    table, rows = read(engine, tmp_path, text)
    assert len(rows) == 1
    assert sum(table.rejected_by.values()) == 1


def test_an_empty_log_is_a_table_without_rows(engine: Any, tmp_path: Path) -> None:
    table, rows = read(engine, tmp_path, "")
    assert (rows, dict(table.rejected_by)) == ([], {})


def test_a_csvlog_is_known_by_its_form() -> None:
    cells = next(csv.reader([line(1, message="AUDIT: x")]))
    assert is_csvlog(cells)
    assert is_pgaudit(cells)
    assert not is_csvlog(["id", "userId", "searchDate"])
    assert not is_pgaudit(next(csv.reader([line(1, message="connection received")])))
