"""Tables against a real catalog, and the closure of the entity file against Cedar's own `in`."""

import json
from typing import Any

import cedarpy
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.cedar.hierarchy import make_hierarchy
from doorward.cedar.types import BOOL, LONG, STRING, Type
from doorward.cedar.values import Uid
from doorward.policy.tables import CatalogColumn, Mask, SqlColumn, Table, check_catalog

TYPES: dict[str, Type] = {"sealed": BOOL, "case_no": STRING, "level": LONG, "kind": STRING}
TABLE = Table(
    id="clear.t",
    table="public.t",
    within=("clear",),
    columns={"id": "event", "sealed": "handling", "case_no": "event", "level": "event"},
    masks={"id": Mask("masked", "0", "nothing")},
    attributes={
        "sealed": SqlColumn("sealed"),
        "case_no": SqlColumn("case_no", null_as=""),
        "level": SqlColumn("level"),
        "kind": "t",
    },
)
GOOD = {
    "id": CatalogColumn("uuid", not_null=False),
    "sealed": CatalogColumn("boolean", not_null=True),
    "case_no": CatalogColumn("character varying", not_null=False),
    "level": CatalogColumn("bigint", not_null=True),
}


def check(**changed: CatalogColumn | None) -> list[str]:
    columns = {name: column for name, column in (GOOD | changed).items() if column is not None}
    return [str(finding) for finding in check_catalog({TABLE.id: TABLE}, {"public.t": columns}, TYPES)]


def test_a_database_as_the_order_says_has_no_fault() -> None:
    assert check() == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"id": None}, "no column `id` in `public.t`"),
        (
            {"sealed": CatalogColumn("boolean", not_null=False)},
            "may be NULL, and a row predicate has no third value",
        ),
        ({"sealed": CatalogColumn("integer", not_null=True)}, "has type integer; expected boolean"),
        (
            {"case_no": CatalogColumn("character", not_null=True)},
            "has type character; expected character varying, text",
        ),
        ({"case_no": CatalogColumn("citext", not_null=True)}, "has type citext"),
        (
            {"case_no": CatalogColumn("text", not_null=True, deterministic=False)},
            "nondeterministic collation",
        ),
        (
            {"level": CatalogColumn("numeric", not_null=True)},
            "has type numeric; expected bigint, integer, smallint",
        ),
    ],
)
def test_what_would_make_a_predicate_inexact_is_a_fault(changed: dict[str, Any], said: str) -> None:
    found = check(**changed)
    assert any(said in text for text in found), found


def test_a_missing_table_is_a_fault() -> None:
    (finding,) = check_catalog({TABLE.id: TABLE}, {}, TYPES)
    assert str(finding) == "the database has no table `public.t`"


def test_the_classes_of_masks_come_last_and_once() -> None:
    assert TABLE.classes == ("event", "handling", "masked")
    assert TABLE.class_id("masked") == "clear.t.masked"


@pytest.mark.pg
def test_equality_of_texts_in_postgresql_is_byte_for_byte(postgres: psycopg.Connection[Any]) -> None:
    texts = ["a", "A", "\u00e9", "e\u0301", "a ", "", "\u00df", "ss"]
    for one in texts:
        for other in texts:
            row = postgres.execute("SELECT %s::text = %s::text", [one, other]).fetchone()
            assert row == (one == other,)


names = st.sampled_from("abcdef")


@given(st.dictionaries(names, st.lists(names, max_size=3, unique=True), min_size=1))
def test_the_closure_is_cedars_own(parents: dict[str, list[str]]) -> None:
    # Only upward, so that there is no circle: Cedar refuses one, and so do we.
    entities = [
        {
            "uid": {"type": "G", "id": name},
            "attrs": {},
            "parents": [
                {"type": "G", "id": parent} for parent in above if parent < name and parent in parents
            ],
        }
        for name, above in parents.items()
    ]
    hierarchy, findings = make_hierarchy(entities)
    assert findings == ()
    loaded = cedarpy.Entities.from_json_str(json.dumps(entities))
    for one in parents:
        for other in parents:
            asked = {"principal": f'G::"{one}"', "action": 'Action::"a"', "resource": 'G::"a"', "context": {}}
            answer = cedarpy.is_authorized(
                asked, f'permit (principal in G::"{other}", action, resource);', loaded
            )
            expected = answer.decision is cedarpy.Decision.Allow
            assert hierarchy.is_within(Uid("G", one), [Uid("G", other)]) == expected


def test_what_is_wrong_with_entities_is_named() -> None:
    def entity(name: str, *above: str) -> dict[str, Any]:
        parents = [{"type": "G", "id": parent} for parent in above]
        return {"uid": {"type": "G", "id": name}, "attrs": {}, "parents": parents}

    _, findings = make_hierarchy([entity("a", "b"), entity("b", "a"), entity("c", "d"), entity("c")])
    said = "\n".join(map(str, findings))
    assert 'entity `G::"c"` stands twice' in said
    assert 'entity `G::"a"` is in itself' in said
    _, findings = make_hierarchy([entity("c", "d")])
    assert [str(f) for f in findings] == ['entity `G::"c"` is in `G::"d"`, which stands in no entity file']
