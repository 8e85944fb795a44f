import resource
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.errors import MalformedError, StoreError
from doorward.lookback.engine import open_engine
from doorward.lookback.reading.confined import MIB, Limits
from doorward.lookback.reading.headings import find_header, is_header, normalise_label
from doorward.lookback.reading.raw import RawTable
from doorward.lookback.reading.spreadsheet import read_workbook
from tests_support.workbooks import Error, Formula, Sheet, save_workbook, serial

duckdb = pytest.importorskip("duckdb")
pytest.importorskip("python_calamine")

HEADER = ["ID", "Org Name", "Total Networks Searched", "License Plate", "Reason", "Search Time"]
LIMITS = Limits(memory_bytes=1024 * MIB, cpu_seconds=60, output_bytes=256 * MIB)


def record(number: int, reason: object = "stolen vehicle") -> list[object]:
    return [
        f"{number:08x}-0000-4000-8000-000000000000",
        "Sampleton PD",
        1103,
        "ABC123",
        reason,
        datetime(2026, 4, 10, 5, 1, number % 60),
    ]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    with open_engine(tmp_path / "spill", threads=1) as connection:
        yield connection


@pytest.fixture
def read(engine: Any, tmp_path: Path) -> Any:
    def run(sheets: Sequence[Sheet], **more: Any) -> tuple[RawTable, ...]:
        file = save_workbook(tmp_path / "log.xlsx", sheets, **more)
        scratch = tmp_path / f"scratch-{len(list(tmp_path.iterdir()))}"
        scratch.mkdir()
        return read_workbook(engine, file, scratch, limits=LIMITS)

    return run


def rows(engine: Any, table: RawTable) -> list[tuple[Any, ...]]:
    names = ", ".join(["row", *(f"c{number}" for number in range(len(table.header)))])
    found = engine.execute(f"SELECT {names} FROM read_parquet(?) ORDER BY row", [str(table.path)]).fetchall()
    assert all(name == (table.sheet,) for name in engine.execute(
        "SELECT DISTINCT sheet FROM read_parquet(?)", [str(table.path)]).fetchall())  # fmt: skip
    return list(found)


def test_reads_a_plain_sheet_with_its_numbers_dates_and_booleans_as_texts(read: Any, engine: Any) -> None:
    (table,) = read([Sheet("Audit", [HEADER, [*record(1)[:4], True, record(1)[5]], record(2)])])
    assert table.header == tuple(HEADER)
    assert rows(engine, table) == [
        (2, "00000001-0000-4000-8000-000000000000", "Sampleton PD", "1103", "ABC123", "TRUE", "2026-04-10T05:01:01"),
        (3, "00000002-0000-4000-8000-000000000000", "Sampleton PD", "1103", "ABC123", "stolen vehicle",
         "2026-04-10T05:01:02"),
    ]  # fmt: skip
    assert table.notes == ()


def test_a_serial_number_without_a_format_is_a_time_under_a_label_of_times_only(
    read: Any, engine: Any
) -> None:
    moment = serial(datetime(2026, 4, 10, 5, 1, 33))
    (table,) = read([Sheet("A", [HEADER, [*record(1)[:2], 45000.5, *record(1)[3:5], moment]])])
    assert rows(engine, table)[0][3] == "45000.5"
    assert rows(engine, table)[0][6] == "2026-04-10T05:01:33"
    assert any("serial number" in note for note in table.notes)


def test_a_workbook_that_counts_from_1904_is_read_as_such(read: Any, engine: Any) -> None:
    days = serial(datetime(2026, 4, 10, 12)) - 1462
    (table,) = read([Sheet("A", [HEADER, [*record(1)[:5], days]])], is_1904=True)
    assert rows(engine, table)[0][6] == "2026-04-10T12:00:00"


def test_titles_above_the_header_are_passed_over_and_rows_keep_their_numbers(read: Any, engine: Any) -> None:
    title: list[list[object]] = [["Search Audit"], [], ["prepared for a request", None, "April"]]
    (table,) = read([Sheet("A", [*title, HEADER, record(1), [], record(2)])])
    assert [row[0] for row in rows(engine, table)] == [5, 7]
    assert table.blank == 1
    assert "2 rows stand above the header, in row 4" in table.notes


def test_a_header_said_again_is_counted_and_left_out(read: Any, engine: Any) -> None:
    again = [label.upper() for label in HEADER]
    (table,) = read([Sheet("A", [HEADER, record(1), HEADER, record(2), again, record(3)])])
    assert len(rows(engine, table)) == 3
    assert table.repeated_headers == 2


def test_a_second_export_below_the_first_is_a_second_table(read: Any, engine: Any) -> None:
    other = ["Name", "Reason", "Search Time"]
    first, second = read([
        Sheet("A", [HEADER, record(1), record(2), [], other, ["***", "theft", "04/10/2026, 05:01:33 AM UTC"]])
    ])  # fmt: skip
    assert (first.header, second.header) == (tuple(HEADER), tuple(other))
    assert len(rows(engine, first)) == 2
    assert rows(engine, second) == [(6, "***", "theft", "04/10/2026, 05:01:33 AM UTC")]
    assert any("row 5" in note for note in second.notes)


def test_columns_without_a_label_are_kept_and_labels_without_values_are_noted(read: Any, engine: Any) -> None:
    header = [*HEADER[:4], None, *HEADER[4:], "Moderation"]
    line = [*record(1)[:4], "shifted", *record(1)[4:], None, "behind the last label"]
    (table,) = read([Sheet("A", [header, line])])
    assert table.header == (*HEADER[:4], "", *HEADER[4:], "Moderation", "")
    assert rows(engine, table)[0][5] == "shifted"
    assert rows(engine, table)[0][9] == "behind the last label"
    assert "columns without a label that hold values: `5`, `9`" in table.notes
    assert "columns with a label that hold nothing: `Moderation`" in table.notes


def test_every_sheet_is_read_and_a_hidden_one_is_named(read: Any, engine: Any) -> None:
    found = read([
        Sheet("January", [HEADER, record(1)]),
        Sheet("Lage & <Plan>", [HEADER, record(2)], state="hidden"),
        Sheet("Very", [HEADER, record(3)], state="veryHidden"),
    ])  # fmt: skip
    assert [table.sheet for table in found] == ["January", "Lage & <Plan>", "Very"]
    assert [len(rows(engine, table)) for table in found] == [1, 1, 1]
    assert "sheet `Lage & <Plan>` is hidden, and was read" in found[0].notes
    assert "sheet `Very` is hidden, and was read" in found[0].notes


def test_a_pivot_table_and_a_page_of_notes_are_skipped_and_said(read: Any) -> None:
    (table,) = read([
        Sheet("Pivot", [["Row Labels", "Count of Reason"], ["theft", 12], ["Grand Total", 12]]),
        Sheet("Read me", [["This file was made in April."], ["It has two parts."]]),
        Sheet("Empty", []),
        Sheet("Log", [HEADER, record(1)]),
    ])  # fmt: skip
    assert table.sheet == "Log"
    assert "sheet `Pivot` skipped: a pivot table; 3 rows" in table.notes
    assert "sheet `Read me` skipped: no header of a log in its first 60 rows; 2 rows" in table.notes
    assert "sheet `Empty` is empty" in table.notes


def test_records_without_any_header_are_a_table_without_labels(read: Any, engine: Any) -> None:
    (table,) = read([Sheet("A", [record(1), record(2)])])
    assert table.header == ("",) * 6
    assert [row[0] for row in rows(engine, table)] == [1, 2]
    assert "it has no header" in table.notes


def test_an_error_in_a_cell_is_no_blank(read: Any, engine: Any) -> None:
    (table,) = read(
        [Sheet("A", [HEADER, record(1, Error("#N/A")), record(2, None), record(3, Error("#REF!"))])]
    )
    assert [row[5] for row in rows(engine, table)] == ["#N/A", None, "#REF!"]
    assert "sheet `A`: 2 cells hold an error of the spreadsheet" in table.notes


def test_a_formula_is_its_last_computed_value(read: Any, engine: Any) -> None:
    (table,) = read([Sheet("A", [HEADER, record(1, Formula("theft & more"))])])
    assert rows(engine, table)[0][5] == "theft & more"


def test_cells_merged_downwards_are_said_in_each_row(read: Any, engine: Any) -> None:
    merged = [
        record(1),
        [*record(2)[:1], None, *record(2)[2:]],
        [*record(3)[:1], None, *record(3)[2:]],
        record(4),
    ]
    (table,) = read([Sheet("A", [["Audit of April"], HEADER, *merged], merged=["A1:F1", "B3:B5"])])
    assert [row[2] for row in rows(engine, table)] == ["Sampleton PD"] * 4


def test_a_sheet_that_begins_at_another_corner_keeps_its_columns(read: Any, engine: Any) -> None:
    (table,) = read([Sheet("A", [[], [], [None, None, *HEADER], [None, None, *record(1)]])])
    assert table.header == ("", "", *HEADER)
    assert rows(engine, table)[0][0] == 4


def test_a_cell_beyond_the_bound_of_spreadsheets_rejects_its_row_alone(read: Any, engine: Any) -> None:
    (table,) = read([Sheet("A", [HEADER, record(1, "x" * 40_000), record(2)])])
    assert [row[0] for row in rows(engine, table)] == [3]
    assert dict(table.rejected_by) == {"a cell has more than 32,767 characters": 1}
    assert [(one.sheet, one.line) for one in table.rejects] == [("A", 2)]


def test_newlines_quotes_formulas_and_other_scripts_come_through(read: Any, engine: Any) -> None:
    hard = "=cmd|' /C calc'!A0\n\"quoted\", ñandú\t末"
    (table,) = read([Sheet("A", [HEADER, record(1, hard)])])
    assert rows(engine, table)[0][5] == hard


def test_a_workbook_without_a_log_is_refused_and_says_what_its_sheets_are(read: Any) -> None:
    with pytest.raises(MalformedError, match="holds no log") as caught:
        read([Sheet("Notes", [["nothing"]])])
    assert "`Notes` skipped" in str(caught.value.hint)


def refused(engine: Any, file: Path, limits: Limits = LIMITS) -> str:
    scratch = file.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    with pytest.raises((MalformedError, StoreError)) as caught:
        read_workbook(engine, file, scratch, limits=limits)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_two_cells_at_the_corners_of_a_sheet_do_not_take_the_machine(engine: Any, tmp_path: Path) -> None:
    corners = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    file = save_workbook(tmp_path / "corners.xlsx", [Sheet("A", [], xml=corners)])
    assert "needs more than 1,024 MiB" in refused(engine, file)


def test_a_zip_bomb_is_refused_before_it_is_opened(engine: Any, tmp_path: Path) -> None:
    file = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/a.xml", "w") as part:
        for _ in range(80):
            part.write(bytes(MIB))
    assert "zip bomb" in refused(engine, file)


def test_a_directory_of_very_many_parts_is_refused(engine: Any, tmp_path: Path) -> None:
    file = tmp_path / "many.xlsx"
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(10_001):
            archive.writestr(str(number), b"")
    assert "10,001 parts" in refused(engine, file)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "no workbook"),
        (b"PK\x03\x04 and no more", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 Workbook", "before 2007"),
        (b"a,b\n1,2\n", "no workbook"),
    ],
)
def test_what_is_no_workbook_is_refused_in_one_line(
    engine: Any, tmp_path: Path, raw: bytes, says: str
) -> None:
    file = tmp_path / "log.xlsx"
    file.write_bytes(raw)
    assert says in refused(engine, file)


def test_a_file_that_is_not_there_is_refused_in_one_line(engine: Any, tmp_path: Path) -> None:
    assert "cannot be read" in refused(engine, tmp_path / "gone.xlsx")


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_workbook_gives_rows_or_one_line(engine: Any, tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray(save_workbook(tmp_path / "whole.xlsx", [Sheet("A", [HEADER, record(1)])]).read_bytes())
    cut = data.draw(st.integers(1, len(raw)))
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=8)):
        raw[place] ^= data.draw(st.integers(1, 255))
    file = tmp_path / "damaged.xlsx"
    file.write_bytes(raw[:cut] if data.draw(st.booleans()) else raw)
    scratch = tmp_path / "damaged"
    scratch.mkdir(exist_ok=True)
    said = ""
    try:
        said = "tables" * len(read_workbook(engine, file, scratch, limits=LIMITS))
    except MalformedError as error:
        said = str(error)
    assert said
    assert "\n" not in said


def test_the_child_is_bounded_and_this_process_is_not() -> None:
    assert resource.getrlimit(resource.RLIMIT_CPU)[0] in {resource.RLIM_INFINITY, -1}


@given(st.lists(st.text(max_size=12), max_size=8))
def test_finding_a_header_is_total(cells: list[str]) -> None:
    assert is_header(cells) == (find_header([cells]) == 0)


@pytest.mark.parametrize(
    ("label", "plain"), [("Case #", "case#"), ("OBJECT_SCHEMA", "objectschema"), (" Id ", "id")]
)
def test_labels_are_compared_without_case_and_punctuation(label: str, plain: str) -> None:
    assert normalise_label(label) == plain


def test_a_sentence_with_one_known_word_is_no_header() -> None:
    assert not is_header(["Reason", "for the request of April", "by the clerk"])
