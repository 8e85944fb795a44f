"""Which layout a header has, what is refused, map files, and what detect proposes."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError, PolicyCheckError
from doorward.lookback.cells import BY_NAME
from doorward.lookback.reading import forms
from doorward.lookback.reading.detect import detect
from doorward.lookback.reading.layouts import PARSERS, find_mapping, fold, load_layouts
from doorward.lookback.reading.map_file import format_map, parse_map
from tests_support.access_logs import AUDIT_13, PORTAL, audit_row, portal_row, uuid, write

OLD = [
    "Name", "Org Name", "Total Networks Searched", "Total Devices Searched", "Time Frame", "License Plate", "Reason",
    "Case #", "Filters", "Search Time", "Search Type",
]  # fmt: skip
HEADERS = {
    "flock-audit-11": OLD,
    "flock-audit-13": AUDIT_13,
    "flock-audit-14": [*AUDIT_13[:4], "Total Devices Searched", *AUDIT_13[4:]],
    "flock-federal-10": [name for name in AUDIT_13[:11] if name != "Time Frame"],
    "flock-portal": PORTAL,
    "flock-portal-print": ["ID", "userID", "networkCount", "Search Time", "Reason"],
    "flock-organization-audit": [
        "Name", "Total Networks Searched", "Time Frame", "License Plate", "Case Number", "Filters", "Reason",
        "Offense Type", "Search Date/Time",
    ],
    "flock-split-time": [*AUDIT_13[:9], "Search Date", "Search Time"],
    "oracle-unified-audit": ["EVENT_TIMESTAMP", "DBUSERNAME", "ACTION_NAME", "OBJECT_NAME", "SQL_TEXT"],
    "cells": ["at", "account", "object", "command"],
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_each_layout_is_known_by_its_names_in_any_order_and_writing(name: str) -> None:
    header = HEADERS[name]
    for written in (header, header[::-1], [f"\ufeff {label.upper().replace(' ', '_')}" for label in header]):
        assert find_mapping(written, [], "a.csv").layout.name == name


def test_every_shipped_layout_has_a_header_here_and_feeds_cells_that_there_are() -> None:
    _version, layouts = load_layouts()
    assert [layout.name for layout in layouts if not layout.by_reader] == list(HEADERS)
    for layout in layouts:
        for use in layout.columns.values():
            assert use.cell in {"", *BY_NAME}
            assert use.parser in PARSERS


def test_no_file_is_taken_for_our_own_record_by_its_columns() -> None:
    from doorward.lookback.reading.own_record import HEADER

    assert find_mapping(HEADER, [], "a.csv", only="doorward-record").layout.log == "door"
    assert find_mapping(HEADER, [], "a.csv").layout.name == "cells"
    assert find_mapping(["id", "at", "reason"], [], "a.csv").layout.log != "door"


def test_cells_of_another_kind_are_refused_with_a_shape_and_no_value() -> None:
    wrong = [["x", "***", "not a time", "1", "r"]] * 40
    with pytest.raises(ConfigError) as caught:
        find_mapping(PORTAL, wrong, "a.csv")
    assert str(caught.value) == (
        "a.csv: column `id` must hold an id such as 403c3a8b-bd5a-4f5c-bbb3-dc130f2e23c8;"
        " 40 of 40 sampled cells do not, they look like `a`"
    )
    assert "audit detect" in (caught.value.hint or "")


def test_too_few_known_columns_and_unknown_ones_are_refused() -> None:
    with pytest.raises(
        ConfigError, match="no layout explains its 3 columns; 1 have names that a layout knows"
    ):
        find_mapping(["Reason", "Foo", "Bar"], [], "a.csv")


def test_columns_that_are_not_used_are_listed() -> None:
    mapping = find_mapping([*PORTAL, "Comment", "", "REASON"], [], "a.csv")
    assert mapping.unused == ("Comment", "(column 7, without a name)", "REASON")
    assert mapping.notes == ("two columns could be `reason`; `REASON` is the second and is not used",)


TIMES = {
    "04/10/2026, 05:01:33 AM UTC": "2026-04-10 05:01:33",
    "4/1/2026, 5:01:33 PM UTC": "2026-04-01 17:01:33",
    "2026-03-20T00:06:23.972Z": "2026-03-20 00:06:23.972",
    "2025-06-18 00:02:04.789": "2025-06-18 05:02:04.789",
    "2025-06-18T00:02:04+05:00": "2025-06-17 19:02:04",
    "2025-06-18T00:02:04-0130": "2025-06-18 01:32:04",
    "12/01/2025 11:00 PM": "2025-12-02 05:00:00",
    "12/1/25 23:00": "2025-12-02 05:00:00",
    "06/18/2025, 01:00:00 AM PST": "2025-06-18 09:00:00",
    "06/18/2025, 01:00:00 AM CDT": "2025-06-18 06:00:00",
    "2025-12-01": "2025-12-01 06:00:00",
    "02/30/2026, 05:00:00 AM UTC": None,
    "20260320": None,
    "2025-06-18 00:02:04 Nowhere/Zone": None,
}


@pytest.mark.parametrize(
    "first", ["04/10/2026, 05:01:33 AM UTC", "2026-03-20T00:06:23.972Z", "2025-06-18 00:02:04.789", ""]
)
def test_times_become_utc_whichever_form_comes_first(first: str, engine: duckdb.DuckDBPyConnection) -> None:
    form, zone = forms.find_time_form([first])
    query = (
        f"SELECT ({forms.time_sql('t', form, zone, 'America/Chicago')})::VARCHAR FROM (SELECT $1 AS t) AS x"
    )
    found = {text: engine.execute(query, [text]).fetchall()[0][0] for text in TIMES}
    assert found == TIMES


@given(st.text(max_size=60))
def test_a_shape_tells_no_letter_and_no_digit(text: str) -> None:
    shape = forms.mask_shape(text)
    assert len(shape) <= 40
    assert {char for char in shape if char.isalpha() or char.isdecimal()} <= {"a", "A", "9"}


OWN = """
log = "plate-reader"
owner = "sampleton-pd"
timezone = "America/Chicago"
[constant]
searcher = "Sampleton PD"
[column."When"]
cell = "at"
form = "%d.%m.%Y %H:%M"
[column."Why"]
cell = "reason"
masked = ["n/a"]
"""


def test_a_map_file_reads_a_log_of_ones_own(tmp_path: Path, read: Any, rows: Any) -> None:
    path = write(
        tmp_path / "a.csv",
        [["Why", "Other", "When"], ["stop", "", "31.03.2026 23:30"], ["n/a", "", "01.04.2026 00:00"]],
    )
    [report] = read(path, layout=parse_map("own.toml", OWN))
    assert (report.owner, report.unused, report.timezone) == ("sampleton-pd", ["Other"], "America/Chicago")
    assert rows('row, "at"::VARCHAR, searcher, reason, reason_state') == [
        (2, "2026-04-01 04:30:00", "Sampleton PD", "stop", "value"),
        (3, "2026-04-01 05:00:00", "Sampleton PD", None, "masked"),
    ]  # fmt: skip


def test_a_file_without_a_header_needs_a_map_file_that_names_the_columns(
    tmp_path: Path, read: Any, rows: Any
) -> None:
    path = write(tmp_path / "a.csv", [portal_row(1), portal_row(2)])
    with pytest.raises(ConfigError, match="no header was found"):
        read(path)
    columns = ["id", "who", "when", "n", "why"]
    text = f"log = 'x'\ncolumns = {columns}\n[column.when]\ncell = 'at'\n[column.why]\ncell = 'reason'\n"
    [report] = read(path, layout=parse_map("own.toml", text))
    assert report.records == report.read == 2
    assert rows("row, reason") == [(1, "sample"), (2, "sample")]


FAULTS = {
    "log = 1\n[column.a]\ncell = 'at'": "`log` must be a text",
    "log = 'x'\nfoo = 1\n[column.a]\ncell = 'at'": "unknown key `foo`",
    "log = 'x'\n[column.a]\ncell = 'when'": "`when` is no cell",
    "log = 'x'\n[column.a]\ncell = 'at'\nparser = 'text'": "`at` is read by time or date or clock or",
    "log = 'x'\n[column.a]\ncell = 'reason'": "no column feeds `at`",
    "log = 'x'\ntimezone = 'Mars/Base'\n[column.a]\ncell = 'at'": "`timezone` must be the name of a time zone",
    "log = 'x'\n[column.a]\ncell = 'at'\nparser = 'date'": "needs a column of dates and one of times of day",
    "log = 'x'\n[column.a]\ncell = 'at'\n[column.'A ']\ncell = 'reason'": "two columns are named `A `",
    "log = 'x'\n[constant]\nat = 'x'\n[column.a]\ncell = 'at'": "`at` is no cell that takes a text",
    "log = 'x'": "`column` must be a table",
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_fault_of_a_map_file_is_named_with_its_line(text: str) -> None:
    with pytest.raises(PolicyCheckError) as caught:
        parse_map("own.toml", text)
    assert FAULTS[text] in str(caught.value)
    assert str(caught.value).startswith("own.toml:")


@pytest.mark.parametrize("name", [name for name in HEADERS if name != "cells"])
def test_a_proposed_map_file_loads_again_and_reads_alike(name: str) -> None:
    header = HEADERS[name]
    mapping = find_mapping(header, [], "a.csv")
    own = parse_map("own.toml", format_map(mapping, tuple(header)))
    again = find_mapping(header, [], "a.csv", own=own)
    assert [(c.number, c.use) for c in again.columns] == [(c.number, c.use) for c in mapping.columns]


@given(st.lists(st.text(min_size=1, max_size=20).filter(fold), min_size=2, max_size=2, unique_by=fold))
def test_names_of_any_characters_go_through_a_map_file(names: list[str]) -> None:
    text = f"log = 'x'\n[column.{json.dumps('when')}]\ncell = 'at'\n"
    own = parse_map("own.toml", text)
    mapping = find_mapping(["when"], [], "a.csv", own=own)
    columns = tuple(
        type(mapping.columns[0])(n, name.strip(), use)
        for n, (name, use) in enumerate(
            zip(names, [mapping.columns[0].use, mapping.columns[0].use.__class__("reason")], strict=True)
        )
    )
    loaded = parse_map("own.toml", format_map(type(mapping)(mapping.layout, columns, ()), tuple(names)))
    assert {name: use.cell for name, use in loaded.columns.items()} == {
        fold(names[0]): "at",
        fold(names[1]): "reason",
    }


def test_detect_shows_shapes_and_proposes_a_map_that_reads_the_file(
    tmp_path: Path, engine: duckdb.DuckDBPyConnection, read: Any
) -> None:
    rows = [
        ["Time of query", "Justification", "Login"],
        *(["2026-03-20 01:02:03", "secret words", f"x{n}"] for n in range(9)),
    ]
    path = write(tmp_path / "a.csv", rows, delimiter=";")
    [found] = detect(engine, path, tmp_path / "scratch")
    assert (found.form, found.layout) == ("csv", "")
    assert [(one.cell, one.parser, one.shapes) for one in found.columns] == [
        ("at", "time", ("9999-99-99 99:99:99",)), ("reason", "text", ("aaa+ aaa+",)), ("account", "text", ("a9",)),
    ]  # fmt: skip
    assert "secret" not in json.dumps(found.as_json())
    [report] = read(path, layout=parse_map("own.toml", found.map_file))
    assert report.read == 9
    [known] = detect(engine, write(tmp_path / "b.csv", [AUDIT_13, audit_row(1)]), tmp_path / "scratch")
    assert (known.layout, known.problem) == ("flock-audit-13", "")
    [bare] = detect(engine, write(tmp_path / "c.csv", [portal_row(1), portal_row(2)]), tmp_path / "scratch")
    assert [one.name for one in bare.columns][:2] == ["column 1", "column 2"]
    assert uuid(1) not in json.dumps(bare.as_json())
