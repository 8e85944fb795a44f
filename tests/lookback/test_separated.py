"""Any CSV that Python wrote comes back cell by cell, by the fast reader and by the careful one."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.accounting import FORMAT, format_report, parse_report
from doorward.lookback.reading.read import read_sources
from doorward.lookback.reading.separated import Head, Records, find_head
from tests_support.access_logs import AUDIT_13, PORTAL, portal_row, to_csv, uuid, write

# No NUL (replaced, and said so), no lone surrogate (no text of a file has one).
CELL = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)


@pytest.fixture(scope="module")
def one_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with open_engine(tmp_path_factory.mktemp("engine") / "spill", threads=1) as connection:
        yield connection


@given(
    st.lists(CELL, max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_cells_of_any_characters_come_back_as_python_reads_them(
    one_engine: Any, texts: list[str], end: str, quoting: Any
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=end, quoting=quoting)
    writer.writerows([PORTAL, *(portal_row(number, reason=f"x{text}") for number, text in enumerate(texts))])
    with TemporaryDirectory() as name:
        path, folder = Path(name) / "a.csv", AuditFolder(Path(name) / "out")
        path.write_text(out.getvalue(), encoding="utf-8", newline="")
        [report] = read_sources(one_engine, [path], folder)
        got = one_engine.execute(
            f"SELECT row, reason FROM '{folder.rows}/0000.parquet' ORDER BY row"
        ).fetchall()
    expected = list(
        csv.reader(io.StringIO(out.getvalue(), newline=""))
    )  # a bare CR ends a line, so it may be more
    assert report.records == len(expected) - 1
    assert got == [
        (n, row[4]) for n, row in enumerate(expected, start=1) if n > 1 and len(row) == len(PORTAL)
    ]
    if quoting == csv.QUOTE_ALL:
        assert [reason for _row, reason in got] == [f"x{text}" for text in texts]


@given(st.binary(max_size=400))
def test_any_bytes_become_records_and_rejects_and_no_error(data: bytes) -> None:
    with TemporaryDirectory() as name:
        path = Path(name) / "a.csv"
        path.write_bytes(data)
        numbers = [number for number, _record in Records(path, ",")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_header_is_found_under_titles_and_by_its_delimiter(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [["Sample; audit, of a month"], [], AUDIT_13], delimiter=";")
    assert find_head(path, None) == Head(";", tuple(AUDIT_13), first=False)


def test_a_time_in_two_columns_is_one_moment_in_its_zone(tmp_path: Path, read: Any, rows: Any) -> None:
    header = ["ID", "Org Name", "Reason", "Search Date", "Search Time"]
    records = [
        [uuid(1), "Sampleton PD", "x", "2025-07-01", "23:30:00"],
        [uuid(2), "Sampleton PD", "x", "2025-12-01", "23:30:00"],
    ]
    [report] = read(write(tmp_path / "a.csv", [header, *records]))
    assert (report.layout, report.timezone) == ("flock-split-time", "America/Los_Angeles")
    expected = [("2025-07-02 06:30:00", "value"), ("2025-12-02 07:30:00", "value")]
    assert rows('"at"::VARCHAR, at_state') == expected
    read(tmp_path / "a.csv", timezone="UTC")
    assert rows('"at"::VARCHAR, at_state')[0] == ("2025-07-01 23:30:00", "value")


def test_an_account_loads_again_and_another_version_does_not(tmp_path: Path, read: Any) -> None:
    [report] = read(write(tmp_path / "a.csv", [PORTAL, portal_row(1), ["x"], []]))
    text = format_report(report)
    loaded = parse_report(text, report.path)
    assert loaded is not None
    assert format_report(loaded) == text
    assert str(tmp_path) not in text
    assert parse_report(text.replace(f'"format": {FORMAT}', '"format": 0'), "") is None
    assert parse_report("{", "") is None
    assert parse_report(to_csv([["x"]]), "") is None
