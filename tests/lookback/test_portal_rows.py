"""Rows of published pages, and which of them an export is held against: invented agencies."""

import csv
import io
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError
from doorward.lookback.published.rows import (
    COLUMNS,
    check_count,
    newest_rows,
    pack_for,
    parse_export_name,
    parse_rows,
)


def sheet(*rows: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({"agency": "sample-town-pd", "snapshot": "2026-04-01", **row} for row in rows)
    return out.getvalue()


def days(text: str) -> list[date]:
    return [row.snapshot for row in newest_rows(parse_rows(text))]


THREE = sheet(
    {"snapshot": "2026-03-01", "crawled_name": "Sample Town PD"},
    {"snapshot": "2026-05-01", "crawled_name": "Sample Town PD"},
    {"snapshot": "2026-04-01", "crawled_name": "Sample Town PD"},
    {"agency": "other-so", "crawled_name": "Other County Sheriff's Office"},
)


def test_the_newest_row_of_each_agency_is_taken() -> None:
    rows = parse_rows(THREE)
    assert [(row.agency, row.snapshot.month) for row in newest_rows(rows)] == [
        ("other-so", 4),
        ("sample-town-pd", 5),
    ]
    assert [
        (row.agency, row.snapshot.month) for row in newest_rows(rows, on=date(2026, 3, 31))
    ] == [("sample-town-pd", 3)]  # fmt: skip


@pytest.mark.parametrize(
    ("owner", "month"),
    [
        ("sample-town-pd__2026-04-19.csv", 4),
        ("folder/sample-town-pd__2026-04-19.csv.gz", 4),
        ("sample-town-pd__2026-04-01.csv", 4),
        ("sample-town-pd__2026-03-31.csv", 3),
        ("sample-town-pd", 5),
        ("Sample Town Police", 5),
        ("SAMPLE TOWN PD", 5),
    ],
)
def test_an_export_is_held_against_the_page_that_stood_on_its_day(owner: str, month: int) -> None:
    found = pack_for(parse_rows(THREE), owner)
    assert found is not None
    assert found.row.snapshot.month == month


def test_a_page_of_a_later_day_is_taken_with_a_note() -> None:
    found = pack_for(parse_rows(THREE), "sample-town-pd__2026-02-27.csv")
    assert found is not None
    assert found.row.snapshot == date(2026, 3, 1)
    assert found.note.endswith("the page is of 2026-03-01, 2 days later")


def test_a_page_of_the_day_has_no_note_and_an_export_without_a_day_has_one() -> None:
    rows = parse_rows(THREE)
    by_day, without = pack_for(rows, "other-so__2026-04-02.csv"), pack_for(rows, "other-so")
    assert by_day is not None
    assert without is not None
    assert (by_day.note, bool(without.note)) == ("", True)


@pytest.mark.parametrize(
    "owner", ["", "sample", "sample-town", "Sample Town Fire", "unknown__2026-04-01.csv"]
)
def test_a_name_that_is_only_like_one_is_none(owner: str) -> None:
    assert pack_for(parse_rows(THREE), owner) is None


def test_a_name_of_two_agencies_is_none() -> None:
    text = sheet({"agency": "a-pd", "crawled_name": "Twin PD"}, {"agency": "b-pd", "crawled_name": "Twin PD"})
    assert pack_for(parse_rows(text), "Twin PD") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column `agency`"),
        ("agency,snapshot\nx,2026-04-01\n", "no column `crawled_name`"),
        (sheet({"agency": "../../etc"}), "row 2 of `policies`: the agency is no short name"),
        (sheet({}, {"snapshot": "2026-13-01"}), "row 3 of `policies`: the snapshot is no date"),
        (sheet({"data_retention_days": "-1"}), "no number of days"),
        (sheet({"data_retention_days": "0"}), "no number of days"),
        (sheet({"data_retention_days": "٣٠"}), "no number of days"),
        (sheet({"searches_30d": "many"}), "count of searches is no number"),
        (sheet({"sharing_outbound": "{"}), "no JSON"),
        (sheet({"sharing_outbound": '[["a"]]'}), "no list of names"),
        (sheet({"sharing_outbound": "[" * 100_000}), "no JSON"),
        (sheet({}, {}), "two rows of `sample-town-pd` on 2026-04-01"),
        (sheet({}) + "one cell\n", "row 3 of `policies` has not as many cells"),
        (sheet({}) + 'a,"b', "is no CSV"),
        (sheet({"sharing_outbound": "x" * 4_000_001}), "is no CSV"),
        (sheet({"access_policy": "x" * 50_001}), "longer than 50000 characters"),
    ],
)
def test_what_is_no_such_csv_is_refused_by_its_row(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said.replace("[", r"\[")):
        parse_rows(text)


def test_a_byte_order_mark_and_newlines_in_cells_are_read() -> None:
    rows = parse_rows(
        "\ufeff" + sheet({"prohibited_uses": 'one\n\n"two"', "sharing_outbound": '["B PD", "B PD", " "]'})
    )
    assert rows[0].prohibited == 'one\n\n"two"'
    assert rows[0].partners == ("B PD",)


@given(st.text(max_size=200))
def test_any_text_is_rows_or_one_error(text: str) -> None:
    with suppress(ConfigError):
        parse_rows(text)


@given(st.text(max_size=60))
def test_any_owner_is_a_row_or_none(owner: str) -> None:
    found = pack_for(parse_rows(THREE), owner)
    assert found is None or found.row.agency in {"sample-town-pd", "other-so"}


def test_an_export_of_another_size_than_the_page_counts_is_told() -> None:
    (row,) = parse_rows(sheet({"searches_30d": "1,457"}))
    day = date(2026, 4, 1)
    assert check_count(row, 1457, on=day) == ""
    assert check_count(row, 1400, on=day).endswith(
        "counts 1457 searches in 30 days, and the export has 1400 rows"
    )
    assert check_count(row, 1400, on=date(2026, 4, 2)) == ""
    assert check_count(parse_rows(sheet({}))[0], 3, on=day) == ""


@pytest.mark.shared
def test_every_real_export_has_as_many_rows_as_its_page_counts(shared: Path) -> None:
    folder = shared / "data/alpr-portals"
    rows = parse_rows((folder / "policies.csv").read_text(encoding="utf-8"))
    said, held = [], 0
    for file in sorted((folder / "logs").glob("*.csv")):
        found, named = pack_for(rows, file.name), parse_export_name(file.name)
        if found is None or named is None:
            continue
        with file.open(encoding="utf-8-sig", newline="") as lines:
            count = sum(1 for _ in csv.DictReader(lines))
        held += found.row.snapshot == named[1] and found.row.searches_30d is not None
        said.append(check_count(found.row, count, on=named[1]))
    assert (len(said), held, set(said)) == (38, 38, {""})
