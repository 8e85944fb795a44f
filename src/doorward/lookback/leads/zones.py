"""The time zones of the States, as far as a state or a county says which one holds.

They stand in `zones.csv`, a line each: `all` of a state that keeps one zone; in a state of two, the counties of the
second and `others`; a county that the boundary cuts has no zone. So a state of two zones is known only by county, and a
county of two by nothing: then the hour at which a unit searched is not looked at, unless whoever audits says it.

Source: 49 CFR part 71 (boundaries of the time zones); the names are those of the IANA time zone database.
"""

import csv
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final

ALL: Final = "all"
OTHERS: Final = "others"
_NO_COUNTY: Final = frozenset({"", "NOT SPECIFIED", "UNKNOWN"})


@cache
def _read() -> dict[tuple[str, str], str]:
    text = files("doorward.lookback").joinpath("zones.csv").read_text(encoding="utf-8")
    return {(row["state"], row["county"]): row["zone"] for row in csv.DictReader(text.splitlines())}


def whole_zones() -> Iterator[tuple[str, str]]:
    """Yield every state or territory that keeps one zone, with that zone."""
    for (state, county), zone in _read().items():
        if county == ALL:
            yield state, zone


def split_states() -> tuple[str, ...]:
    """Return the states of two zones."""
    return tuple(state for state, county in _read() if county == OTHERS)


def find_zone(state: str, county: str) -> str | None:
    """Return the zone of a county, or None where it is not known.

    Args:
        state: Two letters.
        county: As a list of agencies writes it; where that is none, or several counties of two zones, the zone of a
            state of two zones is not known.
    """
    zones = _read()
    if (state, ALL) in zones:
        return zones[state, ALL]
    name = " ".join(county.upper().replace(".", "").split())
    if (state, OTHERS) not in zones or name in _NO_COUNTY:
        return None
    counties = [part.strip() for part in name.replace(";", ",").split(",")]
    found = {zones.get((state, part), zones[state, OTHERS]) for part in counties}
    return (found.pop() or None) if len(found) == 1 else None
