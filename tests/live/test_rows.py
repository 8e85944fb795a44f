"""One meaning: the rows and columns that come through the gateway are those that Cedar permits, row by row.

The oracle is the order's own decision, asked of cedarpy for every row; nothing of the compiled predicates is used.
Rows with the same attributes are the same request, so each such request is asked once.
"""

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import psycopg
import pytest

from doorward.cli.sample import PEOPLE, SamplePerson
from doorward.grants.claims import Claims
from doorward.grants.facts import Standing, make_facts
from doorward.grants.people import Person
from doorward.orders.load import Pack, load_pack
from doorward.policy.decision import Outcome
from doorward.policy.request import Request, Resource

pytestmark = pytest.mark.pg

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DETECTIVE, CLERK, FBI = PEOPLE[:3]
STANDINGS = {
    DETECTIVE.login: Standing.VERIFIED,
    CLERK.login: Standing.UNVERIFIED,
    FBI.login: Standing.ATTESTED,
}
KEYS = {
    "persons": "person_id",
    "incidents": "incident_id",
    "arrests": "arrest_id",
    "field_contacts": "contact_id",
    "plate_reads": "read_id",
    "cases": "case_no",
}
# Cedar's engine takes some milliseconds for a row that is like no other: the long run asks it about all of them.
MOST_ROWS = {**dict.fromkeys(KEYS, 1_200), "plate_reads": 20_000}
WHOLE = {"plate_reads": 20_000}
ATTRIBUTES = ("kind", "holder", "public_source", "sealed", "juvenile", "case_no", "unit")


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack("chicago")


@pytest.fixture(scope="module")
def collections() -> dict[str, Any]:
    file = resources.files("doorward.orders").joinpath("chicago", "collections.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def request_of(person: SamplePerson, pack: Pack) -> Request:
    facts = make_facts(
        Person(person.login, "", person.role, person.agency, person.unit),
        Claims(person.purpose, person.case_no, person.for_agency),
        standing=STANDINGS[person.login],
        declaration=bool(pack.agencies[person.agency].attributes["declaration"]),
    )
    return pack.request(facts, resource=Resource("Collection", "clear"), now=NOW)


def is_permitted(pack: Pack, request: Request) -> bool:
    """Ask Cedar's own engine, and none of what is compiled."""
    decision = pack.answer(pack.evaluator.apply(request))
    assert decision.errors == ()
    return decision.outcome is Outcome.PERMIT


def permitted_keys(
    dba: psycopg.Connection[Any],
    pack: Pack,
    request: Request,
    table: str,
    rows: dict[str, Any],
    *,
    bounds: dict[str, int],
) -> tuple[set[Any], set[Any]]:
    """Ask Cedar about rows of a table; return the keys of those that it permits, and of all that were asked about.

    Of a bounded table it is asked about the rows of the detective's case and then the first ones.
    """
    chosen = [
        f"coalesce({rows[name]['column']}, '{rows[name].get('null_as', '')}')"
        if "null_as" in rows[name]
        else rows[name].get("column", "NULL")
        for name in ATTRIBUTES
    ]
    own_first = f"({chosen[ATTRIBUTES.index('case_no')]}) IS NOT DISTINCT FROM '{DETECTIVE.case_no}' DESC"
    most = f"ORDER BY {own_first}, 1 LIMIT {bounds[table]}" if table in bounds else ""
    query = f"SELECT {KEYS[table]}, {', '.join(chosen)} FROM public.{table} {most}"
    answers: dict[tuple[Any, ...], bool] = {}
    found, asked_about = set(), set()
    for key, *values in dba.execute(query.encode()):
        asked_about.add(key)
        attributes = tuple(
            rows[name].get("value", value) for name, value in zip(ATTRIBUTES, values, strict=True)
        )
        if attributes not in answers:
            row = {f"resource.{name}": value for name, value in zip(ATTRIBUTES, attributes, strict=True)} | {
                "resource.collection": f"clear.{table}"
            }
            asked = replace(request, resource=Resource("Record"), facts={**request.facts, **row})
            answers[attributes] = is_permitted(pack, asked)
        if answers[attributes]:
            found.add(key)
    return found, asked_about


def open_columns(pack: Pack, request: Request, table: str, spec: dict[str, Any]) -> set[str]:
    """Ask Cedar about every column class of a table, and return the names of the columns that are shown."""

    def is_open(column_class: str) -> bool:
        named = Resource("Collection", f"clear.{table}.{column_class}")
        return is_permitted(pack, replace(request, resource=named))

    shown = {name for name, column_class in spec["columns"].items() if is_open(column_class)}
    masks = spec.get("masks", {})
    return shown | {name for name, mask in masks.items() if name not in shown and is_open(mask["class"])}


@pytest.mark.parametrize(
    ("table", "bounds"),
    [
        *(pytest.param(table, MOST_ROWS, id=table) for table in KEYS),
        *(
            pytest.param(table, WHOLE, id=f"{table}, whole", marks=pytest.mark.long)
            for table in KEYS
            if table not in WHOLE
        ),
    ],
)
@pytest.mark.parametrize("person", [DETECTIVE, CLERK, FBI], ids=lambda person: person.login)
def test_what_comes_through_is_what_cedar_permits(
    *,
    up: Any,
    pack: Pack,
    collections: dict[str, Any],
    person: SamplePerson,
    table: str,
    bounds: dict[str, int],
) -> None:
    spec = collections["table"][f"clear.{table}"]
    request = request_of(person, pack)
    columns = open_columns(pack, request, table, spec)
    with up.city() as dba:
        rows, asked_about = permitted_keys(dba, pack, request, table, spec["row"], bounds=bounds)
    with up.connect(person) as session:
        if not columns or not rows:
            with pytest.raises(psycopg.errors.UndefinedTable):
                session.execute(f"SELECT * FROM {table}".encode())
            return
        cursor = session.execute(f"SELECT * FROM {table} LIMIT 0".encode())
        assert {column.name for column in cursor.description or []} == columns
        if KEYS[table] not in columns:
            counted = session.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
            assert counted == (len(rows),)
            return
        seen = {key for (key,) in session.execute(f"SELECT {KEYS[table]} FROM {table}".encode())}
    assert seen & asked_about == rows
    assert person is not DETECTIVE or len(seen) > 0
