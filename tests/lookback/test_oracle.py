"""Oracle's unified audit trail: hand-made exports by the documented columns."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import MalformedError
from doorward.lookback.engine import open_engine
from doorward.lookback.reading.oracle import HEADER, MONTHS, is_oracle, parse_time, read_oracle
from doorward.lookback.reading.raw import RawTable, write_raw

COLUMNS = ("AUDIT_TYPE", "SESSIONID", "OS_USERNAME", "DBUSERNAME", "EVENT_TIMESTAMP", "ACTION_NAME", "RETURN_CODE",
           "OBJECT_SCHEMA", "OBJECT_NAME", "SQL_TEXT", "CLIENT_IDENTIFIER", "STATEMENT_ID")  # fmt: skip
AT = "27-NOV-25 01.02.03.123456 PM +00:00"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    with open_engine(tmp_path / "spill", threads=1) as connection:
        yield connection


def event(**changed: str | None) -> list[str | None]:
    told: dict[str, str | None] = {
        "AUDIT_TYPE": "Standard", "SESSIONID": "77", "OS_USERNAME": "oracle", "DBUSERNAME": "RECORDS_APP",
        "EVENT_TIMESTAMP": AT, "ACTION_NAME": "SELECT", "RETURN_CODE": "0", "OBJECT_SCHEMA": "RMS",
        "OBJECT_NAME": "PERSONS", "SQL_TEXT": "select * from persons where name = 'Doe'", "CLIENT_IDENTIFIER": "jroe",
        "STATEMENT_ID": "12",
    }  # fmt: skip
    return list((told | changed).values())


def read(
    engine: Any, path: Path, events: Sequence[Sequence[str | None]], columns: Sequence[str] = COLUMNS
) -> tuple[RawTable, list[tuple[Any, ...]]]:
    raw = write_raw(engine, path / "raw.parquet", len(columns), (("", n, e) for n, e in enumerate(events, 2)))
    table = read_oracle(engine, RawTable(raw, tuple(columns), ""), path / "oracle.parquet")
    names = ", ".join(f"c{number}" for number in range(len(HEADER)))
    return table, engine.execute(
        f"SELECT row, {names} FROM read_parquet(?) ORDER BY row", [str(table.path)]
    ).fetchall()


def test_a_read_of_a_table_is_an_access_without_the_text_of_its_statement(
    engine: Any, tmp_path: Path
) -> None:
    table, rows = read(engine, tmp_path, [event()])
    assert rows == [
        (2, "77/12/RMS.PERSONS", "RECORDS_APP", "jroe", "2025-11-27T13:02:03.123456+00:00", "Standard", "RMS.PERSONS",
         "SELECT")
    ]  # fmt: skip
    assert (table.layout, table.notes, dict(table.rejected_by)) == ("cells", (), {})


def test_refused_statements_and_events_without_a_table_are_counted_apart(engine: Any, tmp_path: Path) -> None:
    events = [
        event(),
        event(RETURN_CODE="942"),
        event(ACTION_NAME="LOGON", OBJECT_NAME=None, OBJECT_SCHEMA=None),
    ]
    table, rows = read(engine, tmp_path, events)
    assert len(rows) == 1
    assert dict(table.rejected_by) == {}
    assert dict(table.other_by) == {
        "a statement that the database refused: nothing was read": 1,
        "an event that names no table: a login, a session, a setting": 1,
    }


def test_the_time_in_utc_stands_before_the_time_of_a_session(engine: Any, tmp_path: Path) -> None:
    columns = (*COLUMNS, "EVENT_TIMESTAMP_UTC")
    table, rows = read(engine, tmp_path, [[*event(), "27-NOV-25 07.02.03.000000 PM"]], columns)
    assert rows[0][4] == "2025-11-27T19:02:03.000000"
    assert table.notes == ()


def test_a_time_of_a_session_without_a_zone_is_said(engine: Any, tmp_path: Path) -> None:
    table, rows = read(engine, tmp_path, [event(EVENT_TIMESTAMP="27-NOV-25 01.02.03.123456 PM")])
    assert rows[0][4] == "2025-11-27T13:02:03.123456"
    assert len(table.notes) == 1
    assert "names no time zone" in table.notes[0]


def test_a_time_of_another_form_is_handed_on_as_it_stands(engine: Any, tmp_path: Path) -> None:
    _, rows = read(
        engine, tmp_path, [event(EVENT_TIMESTAMP=t) for t in ("2025-11-27 13:02:03", "31-FOO-25 25.61", None)]
    )
    assert [row[4] for row in rows] == ["2025-11-27 13:02:03", "31-FOO-25 25.61", None]


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        (AT, "2025-11-27T13:02:03.123456+00:00"),
        ("01-JAN-2026 12.00.00 AM -06:00", "2026-01-01T00:00:00.000000-06:00"),
        ("01-jan-99 12.00.00.5 PM", "1999-01-01T12:00:00.500000"),
        ("5-MAR-26 23:59:59.123456789 UTC", "2026-03-05T23:59:59.123456+00:00"),
        ("05-MAR-26 13.00.00 PM", None),
        ("05-MRZ-26 13.00.00", None),
        ("2026-03-05T13:00:00Z", None),
        ("", None),
    ],
)
def test_times_as_oracle_writes_them(engine: Any, tmp_path: Path, text: str, iso: str | None) -> None:
    assert parse_time(text) == iso
    _, rows = read(engine, tmp_path, [event(EVENT_TIMESTAMP=text or None)])
    assert rows[0][4] == (iso or text or None)


@given(
    st.datetimes(datetime(1950, 1, 1), datetime(2049, 12, 31)),  # a zone is drawn
    st.integers(-14 * 60, 14 * 60),
    st.booleans(),
)
def test_what_oracle_writes_is_the_moment_that_it_was(at: datetime, minutes: int, half: bool) -> None:  # noqa: FBT001  # drawn
    moment = at.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    clock = f"{at.hour % 12 or 12:02d}" if half else f"{at.hour:02d}"
    sign, size = "+-"[minutes < 0], abs(minutes)
    meridiem = f" {'AP'[at.hour >= 12]}M" if half else ""
    text = (
        f"{at.day:02d}-{MONTHS[at.month - 1]}-{at.year % 100:02d} {clock}.{at.minute:02d}"
        f".{at.second:02d}.{at.microsecond:06d}{meridiem} {sign}{size // 60:02d}:{size % 60:02d}"
    )
    parsed = parse_time(text)
    assert parsed is not None
    assert datetime.fromisoformat(parsed).astimezone(UTC) == moment.astimezone(UTC)


@given(st.text(max_size=50))
def test_reading_a_time_is_total(text: str) -> None:
    parsed = parse_time(text)
    assert parsed is None or parsed[10] == "T"


def test_another_table_is_refused(engine: Any, tmp_path: Path) -> None:
    assert not is_oracle(["id", "reason"])
    with pytest.raises(MalformedError, match="DBUSERNAME"):
        read(engine, tmp_path, [["1"]], ["ID"])
