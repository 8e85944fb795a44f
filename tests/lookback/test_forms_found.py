"""The form of a file is found by its bytes, whatever it is packed in, and every record of it is accounted for."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from doorward.errors import ConfigError
from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.accounting import parse_report
from doorward.lookback.reading.detect import detect
from doorward.lookback.reading.opening import ReadOptions, find_form
from doorward.lookback.reading.oracle import NO_OBJECT, REFUSED
from doorward.lookback.reading.readers import make_readers
from tests_support.access_logs import PORTAL, portal_row

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
LOGIN = ["Standard", "78", "RECORDS_APP", "27-NOV-25 01.02.04.000000 PM", "LOGON", "0", ""]
DENIED = ["Standard", "79", "RECORDS_APP", "27-NOV-25 01.02.05.000000 PM", "SELECT", "942", "PERSONS"]
PGAUDIT = Path(__file__).with_name("pgaudit15.csv")


def separated(*rows: list[str], delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode()


def objects(*numbers: int) -> list[dict[str, str]]:
    return [dict(zip(PORTAL, portal_row(number), strict=True)) for number in numbers]


def test_a_trail_of_oracle_needs_no_option(tmp_path: Path, engine: Any, read: Any, rows: Any) -> None:
    plain, packed = tmp_path / "trail.csv", tmp_path / "trail.csv.gz"
    plain.write_bytes(separated(["exported"], TRAIL, EVENT, LOGIN, DENIED, [*EVENT, "more"]))
    packed.write_bytes(gzip.compress(separated(TRAIL, EVENT)))
    first, second = read(plain, packed, readers=make_readers(engine))
    assert (first.form, first.layout, first.log) == ("oracle", "cells", "database")
    assert (first.read, first.other_by, first.rejected) == (1, {NO_OBJECT: 1, REFUSED: 1}, 1)
    assert first.records == 4
    assert (second.form, second.read) == ("oracle", 1)
    assert rows('searcher, object, "at"::VARCHAR') == [("RECORDS_APP", "PERSONS", "2025-11-27 13:02:03")]


def test_a_trail_of_oracle_with_semicolons_is_found_too(tmp_path: Path, engine: Any, read: Any) -> None:
    (tmp_path / "trail.csv").write_bytes(separated(TRAIL, EVENT, LOGIN, delimiter=";"))
    (report,) = read(tmp_path / "trail.csv", readers=make_readers(engine))
    assert (report.form, report.read, report.other) == ("oracle", 1, 1)


def test_a_servers_log_in_gzip_is_one(tmp_path: Path, engine: Any, read: Any) -> None:
    plain, packed = tmp_path / "log.csv", tmp_path / "log.csv.gz"
    plain.write_bytes(PGAUDIT.read_bytes())
    packed.write_bytes(gzip.compress(PGAUDIT.read_bytes()))
    one, two = read(plain, packed, readers=make_readers(engine))
    assert one.form == two.form == "pgaudit"
    assert one.read == two.read > 5
    assert one.other_by == two.other_by
    assert one.other > 0


def test_ordinary_lines_of_a_servers_log_are_no_rejects(tmp_path: Path, engine: Any, read: Any) -> None:
    (tmp_path / "log.csv").write_bytes(PGAUDIT.read_bytes())
    (report,) = read(tmp_path / "log.csv", readers=make_readers(engine))
    told = report.as_json()
    assert told["accounting"]["other_lines"] == report.other == sum(told["other_by"].values())
    assert "another line of the server's log" in told["other_by"]
    assert report.rejected == 0
    lines = len(list(csv.reader(io.StringIO(PGAUDIT.read_text(), newline=""))))
    assert report.records == report.read + report.other == lines
    again = parse_report(json.dumps(told), report.path)
    assert again is not None
    assert again.other_by == report.other_by


@pytest.mark.parametrize("indent", [None, 1])
def test_an_array_of_objects_is_read_element_by_element(
    tmp_path: Path, read: Any, rows: Any, indent: int | None
) -> None:
    (tmp_path / "a.json").write_text(json.dumps([*objects(1, 2), "no object", *objects(3)], indent=indent))
    (report,) = read(tmp_path / "a.json")
    assert (report.form, report.layout, report.read, report.rejected) == ("json", "flock-portal", 3, 1)
    assert rows("row") == [(1,), (2,), (4,)]
    assert [(one.line, one.reason) for one in report.rejects] == [(3, "no JSON object in its place")]


def test_an_array_in_gzip_and_with_a_mark_is_read(tmp_path: Path, read: Any) -> None:
    text = "\ufeff \n" + json.dumps(objects(1, 2))
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(text.encode()))
    (report,) = read(tmp_path / "a.json.gz")
    assert (report.form, report.read) == ("json", 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"id": "1"}, {"id"', "the JSON array breaks off after element 1"),
        ('[{"id": "1"} {"id": "2"}]', "the JSON array is damaged after element 1"),
        ('[{"id": "1"}] and more', "something stands behind the JSON array"),
        ("[]", "the JSON array is empty"),
        ("[ {} ]", "no element of the JSON array has a key"),
        ('[{"id": "' + "x" * (5 << 20) + '"}]', "an element of the JSON array is longer than 4 MiB"),
    ],
)
def test_an_array_that_is_damaged_is_refused_with_its_place(
    tmp_path: Path, read: Any, text: str, says: str
) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ConfigError, match=says):
        read(tmp_path / "a.json")


def test_a_csv_that_begins_with_a_bracket_stays_one() -> None:
    assert find_form(b"[ID],[Reason]\n") == "csv"
    assert find_form(b"[]") == "json"
    assert find_form(b'\n[\n  {"id": 1}]') == "json"


def test_a_workbook_in_gzip_says_what_to_do(tmp_path: Path, read: Any) -> None:
    (tmp_path / "a.xlsx.gz").write_bytes(gzip.compress(b"PK\x03\x04" + b"\0" * 100))
    with pytest.raises(ConfigError, match="a packed `xlsx`") as caught:
        read(tmp_path / "a.xlsx.gz")
    assert caught.value.hint == "unpack it first"


def test_a_form_that_is_named_is_taken_and_must_be_known(tmp_path: Path, engine: Any, read: Any) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"a first line that is none\n" + PGAUDIT.read_bytes()))
    (report,) = read(tmp_path / "a.txt.gz", readers=make_readers(engine), form="pgaudit")
    assert (report.form, report.read > 5) == ("pgaudit", True)
    with pytest.raises(ConfigError, match="no reader for `ods`"):
        read(tmp_path / "a.txt.gz", readers=make_readers(engine), form="ods")


def test_detect_reads_what_an_audit_reads(tmp_path: Path, engine: duckdb.DuckDBPyConnection) -> None:
    readers = make_readers(engine)
    (tmp_path / "trail.csv").write_bytes(separated(TRAIL, EVENT))
    (tmp_path / "log.csv").write_bytes(PGAUDIT.read_bytes())
    for name in ("trail.csv", "log.csv"):
        (found,) = detect(engine, tmp_path / name, tmp_path / "scratch", readers=readers)
        assert (found.form, found.layout) == ("oracle" if name == "trail.csv" else "pgaudit", "cells")


def test_a_second_run_takes_the_account_as_it_is(tmp_path: Path, engine: Any, folder: AuditFolder) -> None:
    from doorward.lookback.reading.read import read_sources

    (tmp_path / "trail.csv").write_bytes(separated(TRAIL, EVENT, LOGIN))
    readers = make_readers(engine)
    (first,) = read_sources(engine, [tmp_path / "trail.csv"], folder, ReadOptions(), readers=readers)
    (second,) = read_sources(engine, [tmp_path / "trail.csv"], folder, ReadOptions(), readers=readers)
    assert second.resumed
    assert second.as_json() == first.as_json()
