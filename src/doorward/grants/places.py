"""The register of places: whose each is, what kind, which parts are open to everybody at which hours. Pure.

A file of the data folder, `places.toml`, that a city keeps beside its order. Who can write it makes facts, as with the
directory of people; what a person at a counter says of a place makes none. Which rules its tenant has adopted does not
stand there: that is a signed record, or the order's own word (`doorward.grants.adoptions`).

1. A part that is not in the register is not known, and not known is not public.
2. A part is public in its hours alone, on the City's clock; without hours never, with `always` at any hour.
3. A sign counts from the day after it was posted: it must have been there before the event.

    [place.branch-1]
    name = "Sample branch library"
    kind = "library"
    tenant = "city"
    unit = "branch-1"
    city_controlled = true
    sign_posted = 2026-01-05

    [place.branch-1.area.reading-room]
    name = "Reading room"
    open = ["mon-thu 10:00-20:00", "fri-sat 09:00-17:00"]
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final

from doorward.errors import PolicyCheckError
from doorward.orders.pack import Pack
from doorward.orders.toml import Toml
from doorward.policy.request import UNKNOWN

FILE: Final = "places.toml"
KIND: Final = "resource.kind"
TENANT: Final = "resource.tenant"
MAX_PLACES: Final = 5_000
MAX_AREAS: Final = 60
MAX_NAME: Final = 120
ALWAYS: Final = "always"
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SEPARATOR: Final = "/"
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_HOURS: Final = re.compile(
    rf"({'|'.join(DAYS)})(?:-({'|'.join(DAYS)}))? ([0-2]\d):([0-5]\d)-([0-2]\d):([0-5]\d)"
)
_PLACE_KEYS: Final = ("name", "kind", "tenant", "unit", "city_controlled", "sign_posted", "area")
_DAY_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Hours:
    """Days of a week and minutes of each of them, from the first until before the last."""

    first_day: int
    last_day: int
    begins: int
    ends: int

    def covers(self, moment: datetime) -> bool:
        """Return whether a moment of the city's own clock lies in them."""
        minute = moment.hour * 60 + moment.minute
        return self.first_day <= moment.weekday() <= self.last_day and self.begins <= minute < self.ends


@dataclass(frozen=True, slots=True)
class Area:
    """A part of a place; without hours it is open to nobody but staff."""

    id: str
    name: str
    hours: tuple[Hours, ...]

    def is_public(self, moment: datetime) -> bool:
        """Return whether everybody may be there at a moment of the city's own clock."""
        return any(one.covers(moment) for one in self.hours)


@dataclass(frozen=True, slots=True)
class Place:
    """One building or ground.

    Args:
        kind: A word of the order.
        tenant: Whose it is, a word of the order.
        unit: Whose people see what is filed there.
        sign_posted: The day on which the sign was put up, or None.
    """

    id: str
    name: str
    kind: str
    tenant: str
    unit: str
    city_controlled: bool
    sign_posted: date | None
    areas: Mapping[str, Area] = field(default_factory=dict)

    @property
    def evidence(self) -> str:
        """The id under which this entry, as it stands, is on file: another wording is another evidence."""
        told = (
            self.id, self.name, self.kind, self.tenant, self.unit, self.city_controlled, str(self.sign_posted),
            [(area.id, area.name, [(h.first_day, h.last_day, h.begins, h.ends) for h in area.hours])
             for _, area in sorted(self.areas.items())],
        )  # fmt: skip
        return f"place {self.id} {sha256(repr(told).encode()).hexdigest()[:12]}"

    def has_sign(self, moment: datetime) -> bool:
        """Return whether the sign was posted before the day of a moment of the city's own clock."""
        return self.sign_posted is not None and self.sign_posted < moment.date()


@dataclass(frozen=True, slots=True)
class Words:
    """The order's words for kinds of places and for tenants; those for not known left out."""

    kinds: tuple[str, ...]
    tenants: tuple[str, ...]


def words_of(pack: Pack) -> Words:
    """Return the order's words for kinds of places and tenants; none where it speaks of no places."""
    for spec in pack.requests.resources.values():
        if KIND in spec.facts and TENANT in spec.facts:
            kinds, tenants = (
                tuple(str(word) for word in spec.facts[path].words or () if word != UNKNOWN)
                for path in (KIND, TENANT)
            )
            return Words(kinds, tenants)
    return Words((), ())


def read_places(text: str, words: Words, *, file: str = FILE) -> dict[str, Place]:
    """Return the places of a file, by id.

    Args:
        text: Of the file; whoever keeps the register wrote it.

    Raises:
        PolicyCheckError: It has a fault; ``findings`` lists all. No place of a file with a fault is known.
    """
    toml = Toml(file, text)
    toml.refuse_others(("place",))
    tables = toml.table("place") if "place" in toml.data else {}
    if len(tables) > MAX_PLACES:
        toml.note(f"a register has at most {MAX_PLACES} places", "place")
        tables = {}
    places = {name: _place(toml, name, words) for name in tables}
    if toml.findings:
        raise PolicyCheckError(
            f"the register of places has a fault: {toml.findings[0]}", findings=toml.findings
        )
    return places


def find_place(places: Mapping[str, Place], said: str) -> tuple[Place | None, Area | None]:
    """Return the place and the part that an answer names by their ids, each None where the register has none.

    Args:
        said: Such as ``branch-1/reading-room``; whoever fills in a form wrote it.
    """
    name, _, part = said.strip().partition(SEPARATOR)
    place = places.get(name.strip())
    return place, None if place is None else place.areas.get(part.strip())


def _place(toml: Toml, name: str, words: Words) -> Place:
    at = ("place", name)
    if not _SLUG.fullmatch(name):
        toml.note("a place has an id of small letters, digits and hyphens", *at)
    table = toml.table(*at)
    toml.refuse_others(_PLACE_KEYS, *at)
    posted = table.get("sign_posted")
    if posted is not None and (type(posted) is not date):
        toml.note("`sign_posted` is a day such as 2026-01-05", *at, "sign_posted")
        posted = None
    areas = toml.table(*at, "area") if "area" in table else {}
    if len(areas) > MAX_AREAS:
        toml.note(f"a place has at most {MAX_AREAS} areas", *at, "area")
        areas = {}
    return Place(
        name, _name(toml, (*at, "name")), _word(toml, (*at, "kind"), words.kinds),
        _word(toml, (*at, "tenant"), words.tenants), _name(toml, (*at, "unit")),
        toml.get(bool, *at, "city_controlled"), posted,
        {one: _area(toml, (*at, "area", one), one) for one in areas},
    )  # fmt: skip


def _area(toml: Toml, at: tuple[str, ...], name: str) -> Area:
    if not _SLUG.fullmatch(name):
        toml.note("an area has an id of small letters, digits and hyphens", *at)
    toml.refuse_others(("name", "open"), *at)
    return Area(name, _name(toml, (*at, "name")), _hours(toml, at, toml.get(list, *at, "open")))


def _hours(toml: Toml, at: tuple[str, ...], rows: Sequence[Any]) -> tuple[Hours, ...]:
    if list(rows) == [ALWAYS]:
        return (Hours(0, 6, 0, _DAY_MINUTES),)
    found = [_parse_hours(row) for row in rows]
    if None in found:
        toml.note(
            '`open` lists hours such as "mon-fri 09:00-17:00", or is ["always"], or is empty', *at, "open"
        )
    return tuple(one for one in found if one is not None)


def _parse_hours(row: object) -> Hours | None:
    match = _HOURS.fullmatch(row) if isinstance(row, str) else None
    if match is None:
        return None
    first, last = DAYS.index(match[1]), DAYS.index(match[2] or match[1])
    begins, ends = int(match[3]) * 60 + int(match[4]), int(match[5]) * 60 + int(match[6])
    return Hours(first, last, begins, ends) if first <= last and begins < ends <= _DAY_MINUTES else None


def _name(toml: Toml, at: tuple[str, ...]) -> str:
    found = toml.get(str, *at)
    if len(found) > MAX_NAME or not found.isprintable():
        toml.note(f"`{at[-1]}` is one line of at most {MAX_NAME} characters", *at)
    return found


def _word(toml: Toml, at: tuple[str, ...], words: Sequence[str]) -> str:
    found = toml.get(str, *at)
    if found and found not in words:
        toml.note(f"`{found[:40]}` is no word of the order", *at, hint=f"one of {', '.join(words)}")
    return found
