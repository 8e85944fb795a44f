"""The rows of the sample database: nobody in them exists, and nobody could take them for somebody who does.

Families are called Sample-Oak or Example-Lark, telephones are 555-01xx, mail is at example.org, streets are on no
map, plates have nine signs where no state has more than eight, cameras stand in Lake Michigan.

INVARIANT (same-seed-same-bytes): each table is a function of the seed and the sizes alone. Each has a random
stream of its own, and draws only `random()`, whose sequence Python promises to keep.

The first rows of each table are fixed for the tour: rows 1 to 16 belong to the open case JH123456, of which rows 2
to 4 are sealed, 5 to 7 juvenile and 8 is both; rows 17 to 20 belong to the closed case JH200002 and rows 21 to 24 to
somebody else's case JH300003.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta

from doorward.errors import ConfigError

Draw = Callable[[], float]  # the next number of a table's random stream, from 0 to below 1

CHUNK_ROWS = 4000
SMALLEST = 100  # the fixed rows and some others

OPEN_CASE, CLOSED_CASE, OTHER_CASE = "JH123456", "JH200002", "JH300003"
ABSENT_CASE = "JH999999"  # never made, for asking about a case that does not exist
FIXED_ROWS = 24
FIXED_SEALED = frozenset((2, 3, 4, 8))
FIXED_JUVENILE = frozenset((5, 6, 7, 8))
FIXED_CASES = {
    OPEN_CASE: (True, "detective"),
    CLOSED_CASE: (False, "detective"),
    OTHER_CASE: (True, "other.detective"),
}
UNITS = ("area-1", "area-2", "area-3", "area-4", "area-5")
SEALED_SHARE = 0.03
JUVENILE_SHARE = 0.04

FIRST_DAY, DAYS = date(2021, 1, 1), 1826  # to the end of 2025
DAY_NAMES = tuple((FIRST_DAY + timedelta(days=n)).isoformat() for n in range(DAYS))
MINUTES = tuple(f"{n // 60:02}:{n % 60:02}" for n in range(1440))
# Adults are of age, and juveniles not yet, on every day that a row may bear.
ADULT_BIRTHDAYS = tuple((date(1940, 1, 1) + timedelta(days=n)).isoformat() for n in range(22_600))
JUVENILE_BIRTHDAYS = tuple((date(2008, 1, 2) + timedelta(days=n)).isoformat() for n in range(1_460))

FAMILY_HEADS = ("Sample", "Example", "Specimen", "Invented", "Placeholder", "Fictive", "Mockup", "Testcase")
FAMILY_TAILS = tuple(
    "Oak Lark Birch Finch Cedar Heron Maple Wren Aspen Plover Rowan Tern Alder Kestrel Hazel Avocet Linden Swift "  # noqa: SIM905  # two lines, not a page
    "Spruce Dunlin Poplar Siskin Willow Curlew Larch Bunting Juniper Osprey Hawthorn Pipit Laurel Godwit".split()
)
FIRST_NAMES = tuple(
    "Amber Basil Clover Dahlia Ember Fern Garnet Heath Iris Jasper Kelp Lilac Moss Nettle Olive Pearl Quartz Reed "  # noqa: SIM905  # as above
    "Sage Thistle Umber Violet Willow Yarrow Zinnia Ash Briar Coral Dale Echo Flint Gale Haven Indigo".split()
)
STREETS = tuple(
    f"{side} {name}"
    for side in "NSEW"
    for name in (
        "Figment Ave",
        "Nowhere St",
        "Placeholder Blvd",
        "Invention Ct",
        "Example Pkwy",
        "Makebelieve Rd",
    )
)
BIRTHPLACES = ("Port Example", "Samplestead", "New Specimen", "Fictown", "Lower Placeholder")
OFFENSES = (
    ("0486", "BATTERY - SAMPLE DOMESTIC"),
    ("0610", "BURGLARY - SAMPLE FORCIBLE ENTRY"),
    ("0820", "THEFT - SAMPLE UNDER 500"),
    ("0910", "MOTOR VEHICLE THEFT - SAMPLE"),
    ("1310", "CRIMINAL DAMAGE - SAMPLE PROPERTY"),
    ("1330", "CRIMINAL TRESPASS - SAMPLE LAND"),
    ("1812", "NARCOTICS - SAMPLE POSSESSION"),
    ("5002", "TRAFFIC - SAMPLE VIOLATION"),
)
CHARGES = (
    ("BATTERY", "720 ILCS 5/12-3"),
    ("BURGLARY", "720 ILCS 5/19-1"),
    ("RETAIL THEFT", "720 ILCS 5/16-25"),
    ("CRIMINAL DAMAGE TO PROPERTY", "720 ILCS 5/21-1"),
    ("CRIMINAL TRESPASS TO LAND", "720 ILCS 5/21-3"),
    ("DRIVING ON A SUSPENDED LICENSE", "625 ILCS 5/6-303"),
)
REASONS = ("traffic stop", "street interview", "welfare check", "noise complaint", "suspicious vehicle")
TELLINGS = tuple(
    f"Invented account {n}: the {who} said that the {thing} was {state} near the {place}."
    for n, (who, thing, state, place) in enumerate(
        (who, thing, state, place)
        for who in ("caller", "neighbor", "clerk", "driver")
        for thing in ("bicycle", "window", "parcel", "scooter")
        for state in ("missing", "damaged", "moved")
        for place in ("corner", "garage")
    )
)
CAMERAS = tuple((f"cam-{n:03}", f"{41.75 + n * 0.002:.5f}", f"{-87.45 + n * 0.001:.5f}") for n in range(120))
# What COPY is given, in order: all columns but the generated one.
COLUMNS = {
    "cases": ("case_no", "kind", "status", "assigned_to", "unit", "opened_at", "closed_at"),
    "persons": (
        *("person_id", "last_name", "first_name", "birth_date", "sex", "height_cm", "street_address"),
        *("phone", "email", "birthplace", "case_no", "unit", "sealed", "juvenile", "updated_at"),
    ),
    "incidents": (
        *("incident_id", "case_no", "occurred_at", "unit", "offense_code", "offense", "block_address"),
        *("narrative", "reporting_person_id", "sealed", "juvenile"),
    ),
    "arrests": (
        *("arrest_id", "person_id", "incident_id", "case_no", "arrested_at", "unit", "charge", "statute"),
        *("booking_no", "released_at", "bond_cents", "sealed", "juvenile"),
    ),
    "field_contacts": (
        *("contact_id", "person_id", "contacted_at", "unit", "officer_star", "reason", "narrative"),
        *("case_no", "sealed", "juvenile"),
    ),
    "plate_reads": (
        *("read_id", "plate", "plate_state", "read_at", "camera", "latitude", "longitude", "unit", "hit"),
        "case_no",
    ),
}
CASE_KINDS = ("criminal", "criminal", "criminal", "traffic", "administrative")
DETECTIVES = ("detective", "other.detective", *(f"sample.detective.{n:02}" for n in range(1, 61)))


@dataclass(frozen=True, slots=True)
class SampleSizes:
    """How many rows each table gets."""

    persons: int = 40_000
    incidents: int = 100_000
    arrests: int = 50_000
    field_contacts: int = 30_000
    plate_reads: int = 200_000
    cases: int = 4_000


@dataclass(frozen=True, slots=True)
class Table:
    """One table's rows: what to COPY into, how many come, and the rows as COPY's text, in chunks."""

    name: str
    columns: tuple[str, ...]
    rows: int
    chunks: Iterator[tuple[int, bytes]]


class SampleRows:
    """The rows of all tables for one seed and one choice of sizes.

    Raises:
        ConfigError: A table would have fewer rows than the fixed ones need.
    """

    def __init__(self, seed: int, sizes: SampleSizes) -> None:
        for entry in fields(sizes):
            if getattr(sizes, entry.name) < SMALLEST:
                raise ConfigError(f"table `{entry.name}` of the sample needs at least {SMALLEST} rows")
        self._seed = seed
        self._sizes = sizes
        self._case_numbers = _case_numbers(sizes.cases)
        self._juvenile = bytearray(sizes.persons + 1)  # by person_id, for arrests and contacts
        self._incident_case = [""] * (sizes.incidents + 1)  # by incident_id, for arrests

    def tables(self) -> Iterator[Table]:
        """Yield each table once, in an order that the foreign keys allow; take its chunks before the next."""
        makers: tuple[tuple[str, Callable[[Draw, int], str]], ...] = (
            ("cases", self._case),
            ("persons", self._person),
            ("incidents", self._incident),
            ("arrests", self._arrest),
            ("field_contacts", self._contact),
            ("plate_reads", self._read),
        )
        for name, make in makers:
            count = getattr(self._sizes, name)
            yield Table(name, COLUMNS[name], count, self._chunks(name, count, make))

    def _chunks(self, name: str, count: int, make: Callable[[Draw, int], str]) -> Iterator[tuple[int, bytes]]:
        draw = random.Random(f"{self._seed}/{name}").random  # noqa: S311  # invented rows, to be the same each time
        for first in range(1, count + 1, CHUNK_ROWS):
            last = min(first + CHUNK_ROWS - 1, count)
            yield last, "".join([make(draw, number) for number in range(first, last + 1)]).encode()

    def _case(self, draw: Draw, number: int) -> str:
        case_no = self._case_numbers[number - 1]
        opened = int(draw() * (DAYS - 200))
        is_open = draw() < 0.35
        kind, unit, who = _of(draw, CASE_KINDS), _of(draw, UNITS), _of(draw, DETECTIVES)
        if case_no in FIXED_CASES:
            is_open, who = FIXED_CASES[case_no]
            kind, unit = "criminal", "area-1"
        closed = r"\N" if is_open else f"{DAY_NAMES[opened + 30 + int(draw() * 160)]} 17:00:00+00"
        status = "open" if is_open else "closed"
        return f"{case_no}\t{kind}\t{status}\t{who}\t{unit}\t{DAY_NAMES[opened]} 09:00:00+00\t{closed}\n"

    def _person(self, draw: Draw, number: int) -> str:
        case_no, unit, sealed, juvenile = self._place(draw, number, linked=0.25)
        if juvenile == "t":
            self._juvenile[number] = 1
        last = f"{_of(draw, FAMILY_HEADS)}-{_of(draw, FAMILY_TAILS)}"
        first = _of(draw, FIRST_NAMES)
        born = _of(draw, JUVENILE_BIRTHDAYS if juvenile == "t" else ADULT_BIRTHDAYS)
        birthplace = _of(draw, BIRTHPLACES) if draw() < 0.3 else r"\N"
        return (
            f"{number}\t{last}\t{first}\t{born}\t{'FMX'[int(draw() * 2.02)]}\t{150 + int(draw() * 45)}\t"
            f"{100 + int(draw() * 9000)} {_of(draw, STREETS)}\t555-01{int(draw() * 100):02}\t"
            f"{first}.{last}.{number}@example.org\t{birthplace}\t{case_no}\t{unit}\t{sealed}\t{juvenile}\t"
            f"{_moment(draw)}\n"
        )

    def _incident(self, draw: Draw, number: int) -> str:
        case_no, unit, sealed, juvenile = self._place(draw, number, linked=0.4)
        self._incident_case[number] = case_no
        code, offense = OFFENSES[int(draw() * len(OFFENSES))]
        return (
            f"{number}\t{case_no}\t{_moment(draw)}\t{unit}\t{code}\t{offense}\t"
            f"{1 + int(draw() * 90)}XX {_of(draw, STREETS)}\t{_of(draw, TELLINGS)}\t"
            f"{1 + int(draw() * self._sizes.persons)}\t{sealed}\t{juvenile}\n"
        )

    def _arrest(self, draw: Draw, number: int) -> str:
        _, unit, sealed, _ = self._place(draw, number, linked=0.0)
        # The fixed rows are of the fixed persons and incidents with the same number.
        person = number if number <= FIXED_ROWS else 1 + int(draw() * self._sizes.persons)
        incident = number if number <= FIXED_ROWS else 1 + int(draw() * self._sizes.incidents)
        day, minute = int(draw() * (DAYS - 40)), _of(draw, MINUTES)
        released = f"{DAY_NAMES[day + 1 + int(draw() * 30)]} {minute}:00+00" if draw() < 0.9 else r"\N"
        charge, statute = CHARGES[int(draw() * len(CHARGES))]
        return (
            f"{number}\t{person}\t{incident}\t{self._incident_case[incident]}\t{DAY_NAMES[day]} {minute}:00+00\t"
            f"{unit}\t{charge}\t{statute}\tSB-{number:07}\t{released}\t{int(draw() * 40) * 25_000}\t{sealed}\t"
            f"{'t' if self._juvenile[person] else 'f'}\n"
        )

    def _contact(self, draw: Draw, number: int) -> str:
        case_no, unit, sealed, _ = self._place(draw, number, linked=0.1)
        person = number if number <= FIXED_ROWS else 1 + int(draw() * self._sizes.persons)
        return (
            f"{number}\t{person}\t{_moment(draw)}\t{unit}\tS{int(draw() * 900):05}\t{_of(draw, REASONS)}\t"
            f"{_of(draw, TELLINGS)}\t{case_no}\t{sealed}\t{'t' if self._juvenile[person] else 'f'}\n"
        )

    def _read(self, draw: Draw, number: int) -> str:
        case_no, unit, _, _ = self._place(draw, number, linked=0.05)
        camera, latitude, longitude = CAMERAS[int(draw() * len(CAMERAS))]
        return (
            f"{number}\tSMPL-{int(draw() * 60_000):05}\t{'IN' if draw() < 0.1 else 'IL'}\t{_moment(draw)}\t"
            f"{camera}\t{latitude}\t{longitude}\t{unit}\t{'t' if draw() < 0.01 else 'f'}\t{case_no}\n"
        )

    def _place(self, draw: Draw, number: int, *, linked: float) -> tuple[str, str, str, str]:
        """Return case number, unit, and whether sealed and juvenile, of a row."""
        case_no = _of(draw, self._case_numbers) if draw() < linked else ""
        unit = _of(draw, UNITS)
        sealed = "t" if draw() < SEALED_SHARE else "f"
        juvenile = "t" if draw() < JUVENILE_SHARE else "f"
        if number > FIXED_ROWS:
            return case_no, unit, sealed, juvenile
        case_no = OPEN_CASE if number <= 16 else CLOSED_CASE if number <= 20 else OTHER_CASE
        return (
            case_no,
            "area-1",
            "t" if number in FIXED_SEALED else "f",
            "t" if number in FIXED_JUVENILE else "f",
        )


def _of(draw: Draw, pool: Sequence[str]) -> str:
    return pool[int(draw() * len(pool))]


def _moment(draw: Draw) -> str:
    return f"{DAY_NAMES[int(draw() * DAYS)]} {MINUTES[int(draw() * 1440)]}:{int(draw() * 60):02}+00"


def _case_numbers(count: int) -> list[str]:
    # 211 has no factor in common with 900,000, so the numbers do not repeat.
    spread = (f"JH{100_000 + number * 211 % 900_000}" for number in range(900_000))
    others = (case_no for case_no in spread if case_no not in FIXED_CASES and case_no != ABSENT_CASE)
    return [*FIXED_CASES, *(next(others) for _ in range(count - len(FIXED_CASES)))]
