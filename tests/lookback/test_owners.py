"""Whose data an export is about, and who searched it."""

from datetime import date

import pytest

from doorward.lookback.agencies.names import parse_agency_name
from doorward.lookback.agencies.owners import (
    LOST_COLUMN,
    OWN_USERS,
    Owner,
    complete_name,
    find_owner,
    is_own,
    who_searched,
)

POLICIES = {"quarry-ca-pd": "Quarry Police Department", "-el-quarry-pd-ca": "El Quarry PD ( CA)"}


@pytest.mark.parametrize(
    ("file", "name", "how", "day"),
    [
        ("logs/quarry-ca-pd__2026-04-26.csv", "Quarry Police Department (CA)", "policies", date(2026, 4, 26)),
        ("-el-quarry-pd-ca__2026-04-26.csv.gz", "El Quarry PD ( CA)", "policies", date(2026, 4, 26)),
        ("pebble-ia-pd__2026-04-26.csv", "Pebble IA PD", "file-name", date(2026, 4, 26)),
        ("pebble-ia-pd.xlsx", "Pebble IA PD", "file-name", None),
        ("city-of-pebble-ca.csv", "City of Pebble CA", "file-name", None),
        ("el-pebble-heights-pd-ca.csv", "El Pebble Heights PD CA", "file-name", None),
        ("la-piedra-ca-pd.csv", "La Piedra CA PD", "file-name", None),
        ("quarry-county-ca-das-office.csv", "Quarry County CA DA's Office", "file-name", None),
        ("search-audit.csv", "", "none", None),
        ("export.csv", "", "none", None),
        ("network audit (3).csv", "", "none", None),
        ("quarry-ca-pd__2026-99-99.csv", "Quarry Police Department (CA)", "policies", None),
    ],
)
def test_the_name_of_the_file_says_whose_it_is(file: str, name: str, how: str, day: date | None) -> None:
    owner = find_owner(file, policies=POLICIES)
    assert (owner.name, owner.how, owner.day) == (name, how, day)


def test_what_is_stated_wins_then_the_map() -> None:
    mapped = {"quarry-ca-pd__2026-04-26.csv": "Stone County CA SO"}
    file = "x/quarry-ca-pd__2026-04-26.csv"
    assert find_owner(file, stated="Pebble OH PD", mapped=mapped, policies=POLICIES).name == "Pebble OH PD"
    assert find_owner(file, mapped=mapped, policies=POLICIES) == Owner(
        "Stone County CA SO", "map", "quarry-ca-pd", date(2026, 4, 26)
    )


def test_a_name_gets_the_state_of_its_slug_only_where_both_are_one_place() -> None:
    assert complete_name("Quarry PD", "quarry-ca-pd") == "Quarry PD (CA)"
    assert complete_name("Quarry IL PD", "quarry-ca-pd") == "Quarry IL PD"
    assert complete_name("Pebble PD", "quarry-ca-pd") == "Pebble PD"
    assert parse_agency_name(complete_name("The Quarry Police Department", "quarry-ca-pd")).state == "CA"


def test_an_export_without_organisations_is_of_its_own_users_only_where_it_is_said_to_be() -> None:
    owner = find_owner("quarry-ca-pd__2026-04-26.csv", policies=POLICIES)
    assert who_searched(owner, organisation=True, own_users=False) == (None, "value", "")
    assert who_searched(owner, organisation=False, own_users=True) == (owner.name, "value", OWN_USERS)
    assert who_searched(owner, organisation=False, own_users=False) == (None, "not-exported", LOST_COLUMN)
    assert who_searched(Owner("", "none"), organisation=False, own_users=True)[1] == "not-exported"


def test_owner_and_searcher_are_one_by_ori_or_by_name() -> None:
    assert is_own("CA0010100", "Quarry CA PD", "CA0010100", "City of Quarry") is True
    assert is_own("CA0010100", "Quarry CA PD", "CA0010200", "Quarry CA PD") is False
    assert is_own("", "Quarry PD (CA)", "", "Quarry CA PD") is True
    assert is_own("", "Quarry PD (CA)", "", "Quarry IL PD") is False
    assert is_own("", "Quarry PD (CA)", "", "Quarry PD") is None
    assert is_own("", "Quarry PD (CA)", "", "Quarry County CA SO") is False
    assert is_own("", "", "", "Quarry CA PD") is None
    assert is_own("", "Delete", "", "Delete") is True
