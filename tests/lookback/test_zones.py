"""The zone of an agency is known by its state, by its county, or not at all."""

from pathlib import Path
from zoneinfo import available_timezones

import pytest

from doorward.lookback.leads.zones import find_zone, split_states, whole_zones


@pytest.mark.parametrize(
    ("state", "county", "zone"),
    [
        ("IL", "", "America/Chicago"),
        ("AZ", "PIMA", "America/Phoenix"),
        ("TX", "EL PASO", "America/Denver"),
        ("TX", "Harris", "America/Chicago"),
        ("TX", "", None),
        ("TX", "NOT SPECIFIED", None),
        ("TN", "KNOX", "America/New_York"),
        ("FL", "BAY; ESCAMBIA", "America/Chicago"),
        ("FL", "BAY, DADE", None),  # two counties of two zones
        ("SD", "STANLEY", None),  # cut by the boundary
        ("IN", "St. Joseph", "America/Indiana/Indianapolis"),
        ("XX", "ANY", None),
    ],
)
def test_a_zone_is_known_by_state_or_county(state: str, county: str, zone: str | None) -> None:
    assert find_zone(state, county) == zone


def test_every_state_stands_in_the_list_once_and_its_zones_exist() -> None:
    whole = dict(whole_zones())
    assert not whole.keys() & set(split_states())
    assert len(whole) + len(split_states()) == 50 + 6  # with DC, PR, VI, GU, MP, AS
    text = (Path(__file__).parents[2] / "src/doorward/lookback/zones.csv").read_text()
    zones = {line.split(",")[2] for line in text.splitlines()[1:]} - {""}
    assert zones <= available_timezones()
