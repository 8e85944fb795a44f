"""From a file to typed rows: each record is accounted for, whatever the file."""

import gzip
import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from doorward.errors import ConfigError
from doorward.lookback.cells import row_columns
from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.opening import ReadOptions
from doorward.lookback.reading.raw import RawTable, write_raw
from doorward.lookback.reading.read import read_sources
from doorward.lookback.reading.survey import Limits
from tests_support.access_logs import AUDIT_13, PORTAL, audit_row, portal_row, to_csv, uuid, write

Rows = Callable[..., list[tuple[Any, ...]]]
Read = Callable[..., list[Any]]


def account(report: Any) -> tuple[int, int, int, int]:
    return report.read, report.rejected, report.blank, report.repeated_headers


def test_an_audit_of_13_columns_becomes_typed_cells_with_states(
    tmp_path: Path, read: Read, rows: Rows
) -> None:
    [report] = read(
        write(tmp_path / "a.csv", [AUDIT_13, audit_row(1), audit_row(2, **{"License Plate": "ABC123"})])
    )
    assert (report.layout, report.account_kind, account(report)) == ("flock-audit-13", "name", (2, 0, 0, 0))
    first, second = rows(
        'row, id, "at", networks, since, until, plate, plate_state, reason, case_no_state, devices_state'
    )
    assert first == (
        2, uuid(1), datetime(2026, 4, 10, 5, 0, 1), 1103, datetime(2026, 4, 1), datetime(2026, 4, 10, 23, 59, 59),
        None, "masked", "sample reason 1", "blank", "not-exported",
    )  # fmt: skip
    assert second[6:8] == ("ABC123", "value")
    assert report.period == ("2026-04-10 05:00:01", "2026-04-10 05:00:02")


def test_the_table_has_the_columns_of_the_contract(
    tmp_path: Path, read: Read, engine: duckdb.DuckDBPyConnection, folder: AuditFolder
) -> None:
    read(write(tmp_path / "a.csv", [PORTAL, portal_row(1)]))
    found = engine.execute(f"DESCRIBE SELECT * FROM '{folder.rows}/0000.parquet'").fetchall()
    assert tuple((name, kind) for name, kind, *_ in found) == row_columns()


def test_an_export_without_searches_is_valid_and_an_empty_file_is_not(tmp_path: Path, read: Read) -> None:
    [report] = read(write(tmp_path / "a.csv", [PORTAL]))
    assert account(report) == (0, 0, 0, 0)
    (tmp_path / "b.csv").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"^b\.csv: the file is empty: 0 bytes$"):
        read(tmp_path / "b.csv")


MESSY = [
    ["Sample audit, April"],  # 1, above the header
    AUDIT_13,  # 2
    audit_row(1),  # 3
    [""] * 13,  # 4, blank
    AUDIT_13,  # 5, again
    audit_row(2),  # 6
    ["", *audit_row(3)[:12]],  # 7, shifted
    audit_row(4)[:11],  # 8, too short
    [*audit_row(5), "more"],  # 9, too long
    [*audit_row(6), "", ""],  # 10, blank cells at its end
    [],  # 11, blank
]


def test_a_file_that_went_through_hands_is_accounted_for_to_the_last_record(
    tmp_path: Path, read: Read, rows: Rows
) -> None:
    [report] = read(write(tmp_path / "a.csv", MESSY))
    assert account(report) == (3, 4, 2, 1)
    assert [row for (row,) in rows("row")] == [3, 6, 10]
    assert {one.line: one.reason for one in report.rejects} == {
        1: "stands above the header",
        7: "shifted: no id, time or number stands where its columns are",
        8: "expected 13 cells, got 11",
        9: "expected 13 cells, got 14",
    }
    assert report.records == len(MESSY) - 1


def test_two_exports_stacked_are_read_each_by_its_own_header(tmp_path: Path, read: Read, rows: Rows) -> None:
    [report] = read(write(tmp_path / "a.csv", [AUDIT_13, audit_row(1), PORTAL, portal_row(2), portal_row(3)]))
    assert report.layout == "flock-audit-13, flock-portal"
    assert account(report) == (3, 0, 0, 0)
    assert rows("row, id") == [(2, uuid(1)), (4, uuid(2)), (5, uuid(3))]


def test_two_exports_of_one_width_are_told_apart(tmp_path: Path, read: Read, rows: Rows) -> None:
    other = ["reason", "networkCount", "searchDate", "userId", "id"]
    stacked = [PORTAL, portal_row(1), portal_row(2), other, portal_row(3)[::-1]]
    [report] = read(write(tmp_path / "a.csv", stacked))
    assert rows("row, id, reason") == [(2, uuid(1), "sample"), (3, uuid(2), "sample"), (5, uuid(3), "sample")]
    assert account(report) == (3, 0, 0, 0)


def test_a_quote_that_never_closes_costs_one_line(tmp_path: Path, read: Read, rows: Rows) -> None:
    good = [to_csv([portal_row(number)]) for number in range(1, 6)]
    bad = f'{uuid(9)},***,2026-03-20T00:00:00.000Z,1,"never closes\r\n'
    (tmp_path / "a.csv").write_text("".join([to_csv([PORTAL]), *good[:2], bad, *good[2:]]), newline="")
    [report] = read(tmp_path / "a.csv")
    assert account(report) == (5, 1, 0, 0)
    assert [row for (row,) in rows("row")] == [2, 3, 5, 6, 7]
    assert report.rejects[0].line == 4


def test_a_record_that_a_stray_quote_swallowed_is_found_again(tmp_path: Path, read: Read, rows: Rows) -> None:
    bad = f'{uuid(8)},***,2026-03-20T00:00:00.000Z,1,"stray\n{uuid(9)},***,2026-03-20T00:00:01.000Z,1,inch"\n'
    between = f"{uuid(7)},***,2026-03-20T00:00:02.000Z,1,\0\n"  # the NUL brings in the careful reader
    (tmp_path / "a.csv").write_text(",".join(PORTAL) + "\n" + between + bad, newline="")
    [report] = read(tmp_path / "a.csv")
    assert account(report) == (2, 1, 0, 0)
    assert rows("row, id, reason") == [(2, uuid(7), "\ufffd"), (4, uuid(9), 'inch"')]


def test_an_endless_line_is_one_rejected_record(tmp_path: Path, read: Read) -> None:
    endless = uuid(9) + ",***,2026-03-20T00:00:00.000Z,1," + "x" * (9 << 20) + "\r\n"
    text = to_csv([PORTAL, portal_row(1)]) + endless + to_csv([portal_row(2)])
    (tmp_path / "a.csv").write_text(text, newline="")
    [report] = read(tmp_path / "a.csv")
    assert (account(report), report.rejected_by) == ((2, 1, 0, 0), {"longer than 4 MiB": 1})


ENCODINGS = {
    "utf-8-sig": "utf-8",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "cp1252": "cp1252",
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoding_is_read_off_the_bytes(encoding: str, tmp_path: Path, read: Read, rows: Rows) -> None:
    text = to_csv([PORTAL, portal_row(1, reason="M\u00fcller \u2013 sample"), portal_row(2)])
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    [report] = read(tmp_path / "a.csv")
    assert report.encoding == ENCODINGS[encoding]
    assert report.notes
    assert rows("reason") == [("M\u00fcller \u2013 sample",), ("sample",)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "ended"])
def test_every_line_end_gives_the_same_rows(
    end: str, last: str, tmp_path: Path, read: Read, rows: Rows
) -> None:
    text = to_csv([PORTAL, portal_row(1), portal_row(2)]).replace("\r\n", end)
    (tmp_path / "a.csv").write_text(text if last else text.removesuffix(end), newline="")
    [report] = read(tmp_path / "a.csv")
    assert account(report) == (2, 0, 0, 0)
    assert rows("row, id, reason") == [(2, uuid(1), "sample"), (3, uuid(2), "sample")]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_is_found_by_the_header(delimiter: str, tmp_path: Path, read: Read, rows: Rows) -> None:
    read(write(tmp_path / "a.csv", [PORTAL, portal_row(1, reason="a, b")], delimiter=delimiter))
    assert rows("reason") == [("a, b",)]


def test_a_nul_is_replaced_and_nothing_is_lost(tmp_path: Path, read: Read, rows: Rows) -> None:
    (tmp_path / "a.csv").write_text(to_csv([PORTAL, portal_row(1, reason="a\0b"), portal_row(2)]), newline="")
    [report] = read(tmp_path / "a.csv")
    assert account(report) == (2, 0, 0, 0)
    assert rows("reason")[0] == ("a\ufffdb",)


def test_empty_lines_at_the_end_and_between_are_blank_records(tmp_path: Path, read: Read, rows: Rows) -> None:
    (tmp_path / "a.csv").write_text(to_csv([PORTAL, portal_row(1)]) + "\r\n\r\n", newline="")
    (tmp_path / "b.csv").write_text(to_csv([PORTAL, [], portal_row(2)]), newline="")
    first, second = read(tmp_path / "a.csv", tmp_path / "b.csv")
    assert (account(first), account(second)) == ((1, 0, 2, 0), (1, 0, 1, 0))
    assert rows("row", file=1) == [(3,)]


def test_compressed_files_give_the_same_rows(
    tmp_path: Path, read: Read, rows: Rows, engine: duckdb.DuckDBPyConnection
) -> None:
    plain = write(tmp_path / "a.csv", [AUDIT_13, *(audit_row(number) for number in range(1, 50))])
    (tmp_path / "b.data").write_bytes(
        gzip.compress(plain.read_bytes()[:900]) + gzip.compress(plain.read_bytes()[900:])
    )
    engine.execute(
        f"COPY (SELECT * FROM read_csv('{plain}', all_varchar = true, header = true, auto_detect = true))"
        f" TO '{tmp_path}/c.csv.zst' (FORMAT csv, COMPRESSION zstd)"
    )
    reports = read(plain, tmp_path / "b.data", tmp_path / "c.csv.zst")
    assert [account(one) for one in reports] == [(49, 0, 0, 0)] * 3
    expected = rows('row, id, reason, "at", since, until')
    assert rows('row, id, reason, "at", since, until', file=1) == expected
    assert rows('row, id, reason, "at", since, until', file=2) == expected


def test_a_bomb_and_a_damaged_stream_stop_with_an_error(tmp_path: Path, read: Read) -> None:
    data = to_csv([PORTAL, *([portal_row(1)] * 20_000)]).encode()
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(data))
    with pytest.raises(ConfigError, match="compressed bytes have become more than"):
        read(tmp_path / "a.csv.gz", limits=Limits(ratio=5, free_bytes=1000))
    with pytest.raises(ConfigError, match="compressed bytes have become more than"):
        read(tmp_path / "a.csv.gz", limits=Limits(inflated_bytes=1000))
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(data)[:-20])
    with pytest.raises(ConfigError, match="the gzip stream ends early"):
        read(tmp_path / "b.csv.gz")
    (tmp_path / "c.csv.zst").write_bytes(b"\x28\xb5\x2f\xfd" + b"x" * 100)
    with pytest.raises(ConfigError, match="zstd stream is damaged"):
        read(tmp_path / "c.csv.zst")


def test_json_lines_are_read_by_key_and_cited_by_line(tmp_path: Path, read: Read, rows: Rows) -> None:
    lines = [
        json.dumps(dict(zip(PORTAL, portal_row(1), strict=True))),
        "",
        "{broken",
        json.dumps(
            dict(zip(PORTAL, portal_row(2, reason="M\u00fcller"), strict=True))
            | {"networkCount": 12, "x": [1]}
        ),
        "[" * 100_000,
        json.dumps({"id": uuid(3), "searchDate": None, "reason": "late", "networkCount": 1}),
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    [report] = read(tmp_path / "a.jsonl")
    assert account(report) == (3, 2, 1, 0)
    assert [one.line for one in report.rejects] == [3, 5]
    assert rows("row, networks, reason, at_state") == [
        (1, 304, "sample", "value"), (4, 12, "M\u00fcller", "value"), (6, 1, "late", "blank"),
    ]  # fmt: skip
    assert report.unused == ["x"]


def test_parquet_keeps_its_types_as_times_and_counts(
    tmp_path: Path, read: Read, rows: Rows, engine: duckdb.DuckDBPyConnection
) -> None:
    engine.execute(
        f"COPY (SELECT '{uuid(1)}' AS \"ID\", 'Sampleton PD' AS \"Org Name\", TIMESTAMPTZ '2026-04-10 05:01:33.5+02' AS"
        f' "Search Time", 7 AS "Total Networks Searched", NULL AS "Reason") TO \'{tmp_path}/a.parquet\''
    )
    [report] = read(tmp_path / "a.parquet")
    assert rows('row, "at", networks, reason_state') == [
        (2, datetime(2026, 4, 10, 3, 1, 33, 500000), 7, "blank")
    ]
    assert report.form == "parquet"
    (tmp_path / "b.parquet").write_bytes(b"PAR1" + b"x" * 50)
    with pytest.raises(ConfigError, match="no Parquet file that can be read"):
        read(tmp_path / "b.parquet")


def test_a_reader_of_another_form_ends_in_the_same_table(
    tmp_path: Path, read: Read, rows: Rows, engine: duckdb.DuckDBPyConnection
) -> None:
    def reader(source: Path, scratch: Path) -> list[RawTable]:
        assert source.read_bytes().startswith(b"%PDF")
        records = [("page 1", 2, portal_row(1)), ("page 1", 3, PORTAL), ("page 2", 2, portal_row(2))]
        path = write_raw(engine, scratch / "t.parquet", 5, records)
        return [RawTable(path, tuple(PORTAL), "", rejected_by={"no id on its line": 3}, blank=1)]

    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7 sample")
    [report] = read(tmp_path / "a.pdf", readers={"pdf": reader})
    assert account(report) == (2, 3, 1, 1)
    assert rows("sheet, row") == [("page 1", 2), ("page 2", 2)]
    with pytest.raises(ConfigError, match="no reader for `pdf`"):
        read(tmp_path / "a.pdf")


def test_masks_exemptions_and_constants_are_states_and_notes(tmp_path: Path, read: Read, rows: Rows) -> None:
    reasons = [
        "***",
        "* * *",
        "REDACTED",
        "[redacted]",
        "###",
        "7923.600 GC",
        "(b)(7)(E)",
        "459 PC",
        "*star",
        " ",
    ]
    read(write(tmp_path / "a.csv", [PORTAL, *(portal_row(n, reason=text) for n, text in enumerate(reasons))]))
    states = [state for (state,) in rows("reason_state")]
    assert states == [*["masked"] * 5, "withheld", "withheld", "value", "value", "blank"]
    same = [portal_row(n, reason="Investigation") for n in range(20)]
    [report] = read(write(tmp_path / "b.csv", [PORTAL, *same]))
    assert report.constant == ["reason"]
    assert {text for (text,) in rows("reason")} == {"Investigation"}
    [report] = read(write(tmp_path / "c.csv", [PORTAL, *same[:19]]))
    assert report.constant == []


def test_what_is_not_of_its_type_is_unreadable_and_not_guessed(
    tmp_path: Path, read: Read, rows: Rows
) -> None:
    good = [audit_row(n) for n in range(30)]
    odd = [
        audit_row(40, **{"Search Time": "yesterday"}),
        audit_row(41, **{"Total Networks Searched": "1.5", "Search Time": "02/30/2026, 05:00:00 AM UTC"}),
        audit_row(42, **{"Time Frame": "ever", "Search Time": "04/10/1026, 05:00:00 AM UTC"}),
    ]
    read(write(tmp_path / "a.csv", [AUDIT_13, *good, *odd]))
    odd += [audit_row(43, **{"Search Time": "infinity"})]
    read(write(tmp_path / "a.csv", [AUDIT_13, *good, *odd]))
    assert rows("at_state")[-1] == ("unreadable",)
    found = rows('at_state, "at", networks_state, since_state, until_state')[30:33]
    assert found == [
        ("unreadable", None, "value", "value", "value"),
        ("unreadable", None, "unreadable", "value", "value"),
        ("unreadable", None, "value", "unreadable", "unreadable"),
    ]


def test_hostile_names_links_folders_and_a_name_given_twice(tmp_path: Path, read: Read) -> None:
    name = "a'; DROP TABLE x; -- [1]*?\n.csv"
    hostile = write(tmp_path / name, [PORTAL, portal_row(1)])
    link = tmp_path / "link.csv"
    link.symlink_to(hostile)
    [report] = read(hostile, link, hostile)
    assert (report.read, report.notes) == (1, ["named 3 times; it is one source"])
    with pytest.raises(ConfigError, match="expected a file, got a folder"):
        read(tmp_path)
    with pytest.raises(ConfigError, match="there is no such file"):
        read(tmp_path / "gone.csv")


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, engine: duckdb.DuckDBPyConnection, folder: AuditFolder
) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7")

    def reader(_source: Path, scratch: Path) -> list[RawTable]:
        path.write_bytes(b"%PDF-1.7 longer")
        return [
            RawTable(write_raw(engine, scratch / "t.parquet", 5, [("", 2, portal_row(1))]), tuple(PORTAL), "")
        ]

    with pytest.raises(ConfigError, match=r"a\.pdf: it changed while it was read"):
        read_sources(engine, [path], folder, ReadOptions(), readers={"pdf": reader})
    assert not (folder.rows / "0000.json").exists()


def test_a_finished_source_is_not_read_again_unless_something_changed(
    tmp_path: Path, read: Read, folder: AuditFolder
) -> None:
    path = write(tmp_path / "a.csv", [PORTAL, portal_row(1)])
    [first] = read(path)
    table = (folder.rows / "0000.parquet").read_bytes()
    [second] = read(path)
    assert (first.resumed, second.resumed) == (False, True)
    assert (second.as_json(), (folder.rows / "0000.parquet").read_bytes()) == (first.as_json(), table)
    assert [one.resumed for one in read(path, timezone="America/Chicago")] == [False]
    assert [one.resumed for one in read(path, resume=False)] == [False]
    assert (folder.rows / "0000.parquet").read_bytes() == table
    os.truncate(folder.rows / "0000.parquet", 10)
    assert [one.resumed for one in read(path)] == [False]
    assert sorted(file.name for file in folder.rows.iterdir()) == ["0000.json", "0000.parquet"]


@pytest.mark.parametrize("text", ["plain", "gzip", "utf-16"])
def test_a_file_of_other_bytes_or_read_as_another_form_is_read_again(
    text: str, tmp_path: Path, read: Read, rows: Rows
) -> None:
    path = write(tmp_path / "a.csv", [PORTAL, portal_row(1, reason="one")])
    plain = path.read_bytes()

    def put(raw: bytes) -> None:
        encoded = raw.decode().encode("utf-16") if text == "utf-16" else raw
        path.write_bytes(gzip.compress(encoded, mtime=0) if text == "gzip" else encoded)

    put(plain)
    assert [one.resumed for one in (*read(path), *read(path))] == [False, True]
    put(plain.replace(b"one", b"two"))  # of the same size
    assert [one.resumed for one in (*read(path), *read(path))] == [False, True]
    assert rows("reason") == [("two",)]
    other: dict[str, Any] = {"oracle": lambda _file, _scratch: []}
    with pytest.raises(ConfigError):
        read(path, form="oracle", readers=other)
    assert [one.resumed for one in read(path, form="csv")] == [True]


def test_progress_tells_rows_and_bytes(tmp_path: Path, read: Read) -> None:
    told: list[Any] = []
    read(write(tmp_path / "a.csv", [PORTAL, portal_row(1), portal_row(2)]), progress=told.append)
    assert (told[-1].rows, told[-1].done_bytes) == (2, told[-1].all_bytes)
    assert told[-1].seconds_left == 0
