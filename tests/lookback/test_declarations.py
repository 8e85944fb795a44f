"""Declarations on file, by the day of the access."""

from datetime import date
from pathlib import Path

import pytest

from doorward.errors import ConfigError
from doorward.lookback.agencies.declarations import (
    Declarations,
    declared_on,
    load_declarations,
    parse_declarations,
)
from doorward.lookback.agencies.names import parse_agency_name
from tests_support.agency_rows import make_matcher

HEAD = "agency,ori,from,until,evidence\n"
QUARRY = parse_agency_name("Quarry CA PD")
PEBBLE = parse_agency_name("Pebble OH PD")


def papers(*rows: str) -> Declarations:
    return Declarations(parse_declarations(HEAD + "".join(f"{row}\n" for row in rows)))


def test_a_declaration_holds_from_its_first_to_its_last_day() -> None:
    on_file = papers("Quarry CA PD,CA0010100,2025-01-01,2025-06-30,D-1")
    days = {
        date(2024, 12, 31): False, date(2025, 1, 1): True, date(2025, 6, 30): True, date(2025, 7, 1): False,
    }  # fmt: skip
    assert {day: declared_on(on_file, "CA0010100", QUARRY, day) for day in days} == days


def test_two_declarations_with_a_gap_and_one_without_an_end() -> None:
    on_file = papers("Quarry,CA0010100,2025-01-01,2025-01-31,D-1", "Quarry,CA0010100,2025-03-01,,D-2")
    assert declared_on(on_file, "CA0010100", QUARRY, date(2025, 2, 10)) is False
    assert declared_on(on_file, "CA0010100", QUARRY, date(2030, 1, 1)) is True


def test_another_agency_has_none_and_nobody_knows_of_one_that_is_not_known() -> None:
    on_file = papers("Quarry CA PD,CA0010100,2025-01-01,,D-1")
    assert declared_on(on_file, "IL0010100", parse_agency_name("Quarry IL PD"), date(2025, 5, 1)) is False
    assert declared_on(on_file, "", parse_agency_name("Quarry PD"), date(2025, 5, 1)) is None
    assert declared_on(None, "CA0010100", QUARRY, date(2025, 5, 1)) is None


def test_an_agency_without_an_ori_is_known_by_its_name_and_state() -> None:
    on_file = papers("Pebble Police Department (OH),,2025-01-01,,D-1")
    assert declared_on(on_file, "", PEBBLE, date(2025, 5, 1)) is True
    assert declared_on(on_file, "", parse_agency_name("Pebble PA PD"), date(2025, 5, 1)) is False


def test_a_paper_of_nobody_knows_whom_leaves_others_open_on_its_days() -> None:
    on_file = papers("Pebble PD,,2025-01-01,2025-01-31,D-1")
    assert declared_on(on_file, "CA0010100", QUARRY, date(2025, 1, 15)) is None
    assert declared_on(on_file, "CA0010100", QUARRY, date(2025, 2, 15)) is False


def test_the_list_gives_the_ori_only_where_the_match_is_exact(tmp_path: Path) -> None:
    file = tmp_path / "declarations.csv"
    file.write_text(HEAD + "Quarry CA PD,,2025-01-01,,D-1\nLimestone Gardns CA PD,,2025-01-01,,D-2\n")
    assert [one.ori for one in load_declarations(file, make_matcher()).all] == ["CA0010100", ""]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("Quarry,CA01,2025-01-01,,D-1", "is no ORI"),
        (",,2025-01-01,,D-1", "an agency or its ORI"),
        ("Quarry,CA0010100,2025-01-01,,", "number of the paper"),
        ("Quarry,CA0010100,1/1/2025,,D-1", "expected a day"),
        ("Quarry,CA0010100,,,D-1", "expected a day"),
        ("Quarry,CA0010100,2025-02-01,2025-01-01,D-1", "before it begins"),
        ('Quarry,"x', "is no CSV"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(row: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        papers(row)
    assert "line " in str(caught.value)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no column `ori`"):
        parse_declarations("agency,from,until,evidence\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_declarations(tmp_path / "gone.csv")
    assert papers().all == ()
