"""A list of agencies with their ORIs, as the FBI publishes it: read from disk, and ordered for looking up.

Source: "Police Employee Data" of the FBI's Crime Data Explorer, one row an agency: `ori`, `pub_agency_name`,
`state_abbr`, `county_name`, `agency_type_name`, `data_year`. It is a list of who reports, not of who exists: an agency
that is not on it is no evidence of anything.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError
from doorward.lookback.agencies.agency_words import LEVELS, STATE_OF_LIST, Kind
from doorward.lookback.agencies.names import AgencyName, parse_listed_name, plain, squash

COLUMNS: Final = ("ori", "pub_agency_name", "state_abbr", "county_name", "agency_type_name")
MAX_BYTES: Final = 64 * 1024 * 1024
MAX_ROWS: Final = 500_000
FEDERAL_STATE: Final = "FS"
NO_COUNTY: Final = frozenset({"", "NOT SPECIFIED", "UNMAPPED COUNTY"})
# What a type of the list means where the name itself does not say.
KIND_OF_TYPE: Final = {
    "City": Kind.POLICE, "County": Kind.SHERIFF, "State Police": Kind.STATE_POLICE,
    "University or College": Kind.CAMPUS, "Tribal": Kind.TRIBAL, "Other State Agency": Kind.STATE,
    "Federal": Kind.FEDERAL,
}  # fmt: skip
LEVEL_OF_TYPE: Final = {
    "City": "local", "County": "local", "State Police": "state", "Other State Agency": "state",
    "Tribal": "tribal", "Federal": "federal",
}  # fmt: skip
# These types say what an agency is whatever words its name has: `College Park` of type City is a police department.
SURE_TYPES: Final = frozenset(
    {"City", "County", "State Police", "University or College", "Tribal", "Federal"}
)


@dataclass(frozen=True, slots=True)
class Listed:
    """An agency of the list.

    Args:
        name: As the list has it.
        counties: Those it lies in, as `plain` writes them; empty where the list names none.
        year: Of the row: of two rows of one name the later one is the agency of today.
        parsed: What its name says.
    """

    ori: str
    name: str
    state: str
    counties: tuple[str, ...]
    type: str
    year: int
    parsed: AgencyName

    @property
    def level(self) -> str:
        """Federal, state, local, tribal, or empty where neither type nor name tells."""
        return LEVEL_OF_TYPE.get(self.type, LEVELS.get(self.parsed.kind, ""))

    def __str__(self) -> str:
        within = f" ({', '.join(self.counties)})" if self.counties else ""
        return f"{self.ori} {self.name}, {self.state}{within}"


def load_agency_list(file: Path) -> tuple[Listed, ...]:
    """Return the agencies of a list.

    Raises:
        ConfigError: The file cannot be read, is too large, or lacks a column.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ConfigError(
                f"`{file.name}` is larger than {MAX_BYTES} bytes, too large for a list of agencies"
            )
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise ConfigError(
                    f"`{file.name}` has no column {', '.join(f'`{column}`' for column in missing)}",
                    hint="--agencies takes the FBI's list of agencies with ORIs, as CSV",
                )
            return tuple(make_listed(reader))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"`{file.name}` cannot be read as a list of agencies in CSV") from error


def make_listed(rows: Iterable[Mapping[str, str | None]]) -> Iterator[Listed]:
    """Yield the agencies of rows that have the columns of `COLUMNS`; rows without ORI or name are passed over.

    Raises:
        ConfigError: There are more rows than agencies can be.
    """
    for number, row in enumerate(rows):
        if number >= MAX_ROWS:
            raise ConfigError(f"a list of agencies has at most {MAX_ROWS} rows")
        ori, name = (row["ori"] or "").strip().upper(), (row["pub_agency_name"] or "").strip().rstrip(",")
        if not ori or not name:
            continue
        state = (row["state_abbr"] or "").strip().upper()
        kind_name = (row["agency_type_name"] or "").strip()
        county = (row["county_name"] or "").strip()
        counties = () if county in NO_COUNTY else tuple(plain(one) for one in county.split(","))
        year = (row.get("data_year") or "0").strip()
        yield Listed(
            ori, name, STATE_OF_LIST.get(state, state), counties, kind_name,
            int(year) if year.isascii() and year.isdigit() else 0,
            _parse(name, STATE_OF_LIST.get(state, state), kind_name, counties),
        )  # fmt: skip


def _parse(name: str, state: str, kind_name: str, counties: tuple[str, ...]) -> AgencyName:
    kind = KIND_OF_TYPE.get(kind_name, Kind.OTHER)
    parsed = parse_listed_name(name, state="" if state == FEDERAL_STATE else state, kind=kind)
    if kind_name in SURE_TYPES and parsed.kind is not kind:
        police = parsed.kind in {Kind.POLICE, Kind.SHERIFF} and kind_name in {"City", "County"}
        parsed = replace(parsed, kind=parsed.kind if police else kind)
    if kind_name == "County" and parsed.kind is Kind.SHERIFF:
        parsed = replace(parsed, county=True)
    if not parsed.place and parsed.kind in {Kind.PROSECUTOR, Kind.CONSTABLE} and len(counties) == 1:
        parsed = replace(
            parsed, place=counties[0], county=True
        )  # `Prosecutor:`, once for each county of New Jersey
    return parsed


class AgencyList:
    """The list, ordered for looking up.

    Args:
        listed: The agencies, of `load_agency_list`.
    """

    def __init__(self, listed: Iterable[Listed]) -> None:
        self.by_ori: dict[str, Listed] = {}
        self._places: dict[tuple[str, Kind], dict[str, list[Listed]]] = {}
        self._anywhere: dict[tuple[Kind, str], list[Listed]] = {}
        for one in listed:
            self.by_ori[one.ori] = one
            if one.state == FEDERAL_STATE:
                continue
            self._add((one.state, one.parsed.kind), one)
        for (_, kind), places in self._places.items():
            for key, found in places.items():
                self._anywhere.setdefault((kind, key), []).extend(found)

    def _add(self, place: tuple[str, Kind], one: Listed) -> None:
        self._places.setdefault(place, {}).setdefault(core(one.parsed), []).append(one)

    def places(self, state: str, kind: Kind) -> Mapping[str, list[Listed]]:
        """Return the agencies of one kind in one state, by what `core` says of them."""
        return self._places.get((state, kind), {})

    def anywhere(self, kind: Kind, key: str) -> list[Listed]:
        """Return the agencies of this kind and name in all states."""
        return self._anywhere.get((kind, key), [])


# Words that names of one kind have or lack at will: `Chaffey College`, `Chaffey College Campus`.
_WEAK: Final = {
    kind: frozenset(words.split())
    for kind, words in (
        (Kind.CAMPUS, "campus district dist department security safety the of community public"),
        (Kind.TRIBAL, "tribal tribe tribes nation band of the indians indian reservation rancheria police"),
        (Kind.PARK, "district department county and the of police rangers"),
        (Kind.AIRPORT, "authority department international regional municipal"),
    )
}


def core(name: AgencyName) -> str:
    """Return the key that a name is looked up by: its place without the words that its kind makes weak."""
    weak = _WEAK.get(name.kind)
    if weak is None:
        return name.key
    words = [word for word in name.place.split() if word not in weak]
    if name.kind is Kind.PARK:
        words.sort()  # `Forest Preserve District of Will County`, `Will County Forest Preserve`
    return squash("".join(words)) or name.key


def name_key(name: AgencyName) -> tuple[str, Kind, str] | None:
    """Return what one agency is told from another by where it has no ORI; None where its name does not tell enough."""
    if not name.state or name.kind is Kind.UNKNOWN or not (name.place or name.kind is Kind.STATE_POLICE):
        return None
    return name.state, name.kind, core(name)


def counties_of(by_ori: Mapping[str, Listed]) -> dict[str, str]:
    """Return the counties of each agency that has any, as the leads read them."""
    return {ori: ", ".join(one.counties) for ori, one in by_ori.items() if one.counties}
