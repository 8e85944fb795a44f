"""Which agency of a list a name is: exact, near within one state and kind, or none with the candidates."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError
from doorward.lookback.agencies.listed import AgencyList, load_agency_list
from doorward.lookback.agencies.match import MIN_SIMILARITY, ListMatcher
from doorward.lookback.agencies.names import parse_agency_name
from tests_support.agency_rows import ROWS, list_csv, make_matcher

MATCHER = make_matcher()


def found(text: str) -> tuple[str, str]:
    match = MATCHER.find(parse_agency_name(text))
    return (match.listed.ori if match.listed else "", match.how)


@pytest.mark.parametrize(
    ("text", "ori"),
    [
        ("Quarry CA PD", "CA0010100"),
        ("Quarry IL PD", "IL0010100"),
        ("Stone County CA SO", "CA0010000"),
        ("Stone CA SO", "CA0010000"),
        ("DeMarble CA PD", "CA0010200"),
        ("Gravel County CA SO", "CA0020000"),
        ("Gravel County CA PD", "CA0020200"),
        ("Twin CA PD", "CA0010500"),  # of two rows of one name the later year
        ("California Highway Patrol", "CAHWY0000"),
        ("Pumice College Campus PD (CA)", "CA0020800"),
        ("Obsidian Tribal PD CA", "CADI00100"),
        ("Basalt NE PD", "NB0010100"),  # the list writes Nebraska as NB
        ("Slate County NJ Prosecutors Office", "NJ0010P00"),
        ("Chalk OH PD", "OH0010100"),
        ("Chalk Twp OH PD", "OH0010200"),
        ("Slate Township PA PD (Beta County)", "PA0020100"),
        ("Town of Mica WI PD", "WI0010100"),
    ],
)
def test_the_same_name_state_and_kind_is_exact(text: str, ori: str) -> None:
    assert found(text) == (ori, "exact")


@pytest.mark.parametrize(
    ("text", "ori"),
    [
        ("Limestone Gardns CA PD", "CA0010300"),
        ("Shale PA PD", "PA0030100"),  # another form of municipality
        ("Granite City UT PD", "UT0010100"),
        ("City of Quarry CA", "CA0010100"),  # the municipality, not its police
        ("Quarry Marshals Office (CA)", "CA0010100"),
        ("UC Gravel PD (CA)", "CA0020900"),  # its campus in the county of that name
        ("Rock County Forest Preserves IL PD", "IL0010700"),
        ("Forest Preserve District Rock County PD (IL)", "IL0010700"),
    ],
)
def test_what_is_nearly_so_is_said_to_be_near(text: str, ori: str) -> None:
    ori_found, how = found(text)
    assert (ori_found, how in {"near", "exact"}) == (ori, True)
    if text.startswith(("Limestone", "Shale", "Granite", "City", "Quarry", "UC")):
        assert how == "near"


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("Slate Township PA PD", ["PA0010100", "PA0020100"]),
        ("Michigan State Police", ["MI0010000", "MI0020000"]),
        ("UC Basalt PD (CA)", ["CA0010900", "CA0020900"]),
        ("Quarry PD", ["CA0010100", "IL0010100"]),  # no state, and two have it
        ("Stone County SO", ["CA0010000"]),  # no state: not taken even where one has it
        ("Flint County CA PD", ["CA0030000"]),  # police of a county is not its sheriff
        ("Slate Township PA PD (Delta County)", ["PA0010100", "PA0020100"]),
    ],
)
def test_what_is_not_sure_is_none_with_the_candidates(text: str, candidates: list[str]) -> None:
    match = MATCHER.find(parse_agency_name(text))
    assert match.listed is None
    assert [one.ori for one in match.candidates] == candidates
    assert match.note


@pytest.mark.parametrize(
    "text",
    [
        "Quarry OH PD",  # another state's
        "Quarry County CA SO",  # a city is no county
        "Stone CA PD",
        "Quarri CA PD",  # too short for a letter's difference
        "Stone County CA DAs Office",
        "[Federal] Federal Bureau of Investigation (FBI)",
        "Delete",
        "",
    ],
)
def test_another_state_kind_or_place_is_none(text: str) -> None:
    assert found(text) == ("", "none")


@given(st.sampled_from(ROWS), st.sampled_from(["OH", "TX", "VT", "WI", ""]))
def test_a_match_is_never_of_another_state(row: tuple[str, ...], state: str) -> None:
    name = replace(parse_agency_name(f"{row[2]} PD"), state=state)
    match = MATCHER.find(name)
    assert match.listed is None or match.listed.state == state
    assert match.how != "near" or match.score >= MIN_SIMILARITY


def test_a_list_is_read_from_disk(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(list_csv(), encoding="utf-8-sig")
    listed = load_agency_list(file)
    assert len(listed) == len(ROWS)
    assert ListMatcher(AgencyList(listed)).find(parse_agency_name("Quarry CA PD")).how == "exact"


def test_a_list_without_its_columns_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("ori,name\nX,Y\n")
    with pytest.raises(ConfigError, match="no column `pub_agency_name`"):
        load_agency_list(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_agency_list(tmp_path / "gone.csv")
    file.write_bytes(b"\xff\xfe\x00ori")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_agency_list(file)


def test_an_empty_list_finds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(list_csv().splitlines()[0] + "\n")
    matcher = ListMatcher(AgencyList(load_agency_list(file)))
    assert matcher.find(parse_agency_name("Quarry CA PD")).how == "none"
