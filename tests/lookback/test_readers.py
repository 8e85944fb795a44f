import csv
import gzip
import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from doorward.errors import MalformedError
from doorward.lookback.engine import open_engine
from doorward.lookback.reading.readers import make_readers
from tests_support.prints import print_table
from tests_support.workbooks import Sheet, save_workbook

pytest.importorskip("duckdb")

TRAIL = [
    "AUDIT_TYPE",
    "SESSIONID",
    "DBUSERNAME",
    "EVENT_TIMESTAMP_UTC",
    "ACTION_NAME",
    "RETURN_CODE",
    "OBJECT_NAME",
]
EVENT = ["Standard", "77", "RECORDS_APP", "27-NOV-25 01.02.03.000000 PM", "SELECT", "0", "PERSONS"]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    with open_engine(tmp_path / "spill", threads=1) as connection:
        yield connection


def count(engine: Any, form: str, file: Path) -> list[tuple[int, str]]:
    scratch = file.parent / f"scratch-{len(list(file.parent.iterdir()))}"
    scratch.mkdir()
    found = []
    for table in make_readers(engine)[form](file, scratch):
        (rows,) = engine.execute("SELECT count(*) FROM read_parquet(?)", [str(table.path)]).fetchall()
        found.append((rows[0], table.layout))
    return found


def trail(*rows: list[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue()


def test_each_form_has_its_reader(engine: Any, tmp_path: Path) -> None:
    ident = "00000001-0000-4000-8000-000000000001"
    sheet: list[list[object]] = [["ID", "Reason", "Search Time"], [ident, "theft", datetime(2026, 4, 10)]]
    assert count(engine, "xlsx", save_workbook(tmp_path / "a.xlsx", [Sheet("A", sheet)])) == [(1, "")]
    assert count(
        engine, "pdf", print_table(tmp_path / "a.pdf", [[ident, "***", "1", "04/10/2026", "theft"]])
    ) == [(1, "")]
    log = tmp_path / "log.csv"
    log.write_bytes(Path(__file__).with_name("pgaudit15.csv").read_bytes())
    assert count(engine, "pgaudit", log)[0][1] == "cells"


def test_a_trail_of_oracle_is_read_from_csv_gzip_and_a_workbook(engine: Any, tmp_path: Path) -> None:
    text = trail(["exported on a day"], TRAIL, EVENT, [], EVENT, [*EVENT, "more"])
    (tmp_path / "trail.csv").write_text(text)
    (tmp_path / "trail.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert count(engine, "oracle", tmp_path / "trail.csv") == [(2, "cells")]
    assert count(engine, "oracle", tmp_path / "trail.csv.gz") == [(2, "cells")]
    book = save_workbook(tmp_path / "trail.xlsx", [Sheet("A", [TRAIL, EVENT])])
    assert count(engine, "xlsx", book) == [(1, "cells")]


@pytest.mark.parametrize("raw", [b"", b"a,b\n1,2\n", b'ID,"Reason\n', b"\x1f\x8bbroken", b"\xff\xfe\x00"])
def test_what_is_no_trail_is_refused_in_one_line(engine: Any, tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "trail.csv"
    file.write_bytes(raw)
    with pytest.raises(MalformedError) as caught:
        count(engine, "oracle", file)
    assert "\n" not in str(caught.value)
