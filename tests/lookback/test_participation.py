"""Agreements under 287(g): by the day of signing, and no further than the list can tell."""

from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError
from doorward.lookback.agencies.listed import AgencyList, load_agency_list
from doorward.lookback.agencies.match import ListMatcher
from doorward.lookback.agencies.names import parse_agency_name
from doorward.lookback.agencies.participation import (
    Agreement,
    Participation,
    Standing,
    load_agreements,
    load_participation,
    parse_day,
    participating_on,
)

AS_OF = date(2025, 7, 18)
QUARRY = parse_agency_name("Quarry County TX SO")


def signed(day: date | None, ori: str = "TX0010000") -> Agreement:
    return Agreement("Quarry County Sheriff's Office", "TX", "Task Force Model", day, ori, 2)


def test_an_agency_participates_from_its_first_signature() -> None:
    lists = Participation([signed(date(2025, 3, 1)), signed(date(2020, 1, 1))], as_of=AS_OF)
    standing = lists.of(QUARRY, "TX0010000")
    assert standing == Standing(participating=True, since=date(2020, 1, 1), support=("Task Force Model",))
    assert participating_on(standing, date(2019, 12, 31), as_of=AS_OF) is False
    assert participating_on(standing, date(2020, 1, 1), as_of=AS_OF) is True


def test_it_is_known_by_its_name_where_it_has_no_ori_and_never_across_states() -> None:
    lists = Participation([signed(date(2025, 3, 1), ori="")], as_of=AS_OF)
    assert lists.of(QUARRY, "").participating is True
    assert lists.of(QUARRY, "TX0010000").participating is True
    assert lists.of(parse_agency_name("Quarry County OK SO"), "").participating is False
    assert lists.of(parse_agency_name("Quarry TX PD"), "").participating is False
    assert lists.of(parse_agency_name("Quarry County SO"), "").participating is None


def test_after_the_day_of_the_list_nothing_is_known_of_who_is_not_on_it() -> None:
    standing = Participation([signed(date(2025, 3, 1))], as_of=AS_OF).of(
        parse_agency_name("Pebble TX PD"), ""
    )
    assert standing.participating is False
    assert participating_on(standing, AS_OF, as_of=AS_OF) is False
    assert participating_on(standing, date(2025, 7, 19), as_of=AS_OF) is None
    assert participating_on(standing, AS_OF, as_of=None) is None


def test_a_day_that_cannot_be_read_is_no_day() -> None:
    lists = Participation([signed(None)], as_of=AS_OF)
    standing = lists.of(QUARRY, "TX0010000")
    assert (standing.participating, standing.since) == (True, None)
    assert participating_on(standing, date(2025, 6, 1), as_of=AS_OF) is None
    assert len(lists.unreadable) == 1


def test_pending_is_a_flag_and_no_participation() -> None:
    lists = Participation(None, [signed(None)])
    assert lists.of(QUARRY, "TX0010000") == Standing(None, None, pending=True)


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        (date(2025, 6, 25), date(2025, 6, 25)),
        (datetime(2025, 6, 25, 8), date(2025, 6, 25)),
        (45833, date(2025, 6, 25)),
        (45833.0, date(2025, 6, 25)),
        ("2025-06-25", date(2025, 6, 25)),
        (" 6/25/2025", date(2025, 6, 25)),
        ("7/72025", None), ("05/082025", None), ("13/40/2025", None), ("", None), (None, None), (True, None),
        (-4, None),
    ],
)  # fmt: skip
def test_a_day_is_read_as_sheets_write_it(cell: object, day: date | None) -> None:
    assert parse_day(cell) == day


@given(st.one_of(st.text(), st.integers(), st.floats(allow_nan=True), st.none(), st.booleans()))
def test_any_cell_is_a_day_or_none(cell: object) -> None:
    assert parse_day(cell) is None or isinstance(parse_day(cell), date)


def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "list.xlsx"
    file.write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(ConfigError, match="cannot be read as a workbook"):
        load_agreements(file, None, signed=True)
    with pytest.raises(ConfigError, match="cannot be read as a workbook"):
        load_agreements(tmp_path / "gone.xlsx", None, signed=True)


@pytest.mark.shared
def test_the_lists_of_ice_are_read_to_the_last_row(shared: Path) -> None:
    folder = shared / "data/agencies"
    matcher = ListMatcher(AgencyList(load_agency_list(folder / "fbi-agencies-ori.csv")))
    lists = load_participation(
        folder / "participatingAgencies07182025pm.xlsx", folder / "pendingAgencies06102025am.xlsx", matcher
    )
    assert lists.as_of == AS_OF
    assert (len(lists.agreements), len(lists.pending), len(lists.unreadable)) == (832, 93, 2)
    matched = [one for one in lists.agreements if one.ori]
    assert len(matched) / len(lists.agreements) > 0.9
    assert all(matcher.agencies.by_ori[one.ori].state == one.state for one in matched)
