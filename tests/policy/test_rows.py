"""One meaning: compiled row predicates, run by PostgreSQL, against Cedar, row by row.

Two sources of orders: the one of Chicago under random contexts of its door, and random small orders over rows with a
number, Unicode text, a nullable column and the corners of 64-bit numbers.
"""

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import cedarpy
import psycopg
import pytest

from doorward.cedar.entities import read_entities
from doorward.cedar.hierarchy import Hierarchy
from doorward.cedar.schema_text import parse_schema
from doorward.cedar.types import BOOL, LONG, STRING, EntityType, Type
from doorward.orders.load import Pack
from doorward.policy.compile import TABLE_OF_ROW, DoorModel, compile_scopes
from doorward.policy.decision import Outcome
from doorward.policy.evaluate import _as_permits
from doorward.policy.objects import make_objects, to_json
from doorward.policy.outcome import apply_outcome_rule
from doorward.policy.parse import Policy, parse_policies
from doorward.policy.request import Fact, FactSpec, Request, RequestModel, Resource, ResourceSpec
from doorward.policy.scopes import Scope, ScopeBook
from doorward.policy.tables import SqlColumn, Table
from doorward.policy.vocabulary import Vocabulary

pytestmark = pytest.mark.pg

NOW = datetime(2026, 3, 1, tzinfo=UTC)
INFORMATIVE = 10_000
CASES = ("", "JH1", "JH2", "jh1", "JH1 ")
UNITS = ("", "area-1", "area-2")
CLEAR = Resource("Collection", "clear")
PREPARE = "CREATE TABLE IF NOT EXISTS {} (id integer PRIMARY KEY, {})"


def set_grant(postgres: psycopg.Connection[Any], request: Request) -> None:
    postgres.execute(
        "UPDATE doorward.one_grant SET case_no = %s, unit = %s, place = %s",
        [request.facts[f"context.grant.{name}"] for name in ("case_no", "unit", "place")],
    )


def is_informative(predicate: str) -> bool:
    return predicate not in {"true", "false"}


# ---------------------------------------------------------------- Chicago


def random_request(pack: Pack, rng: random.Random) -> Request:
    """A context of the database door; half of them near to what the order opens."""
    role, agency, purpose, standing = rng.choice(
        [
            ("detective", "CPD", "criminal-investigation", "verified"),
            ("officer", "CPD", "criminal-investigation", "verified"),
            ("records-clerk", "CPD", "records-service", "unverified"),
            ("outside-agent", "FBI", "criminal-investigation", "attested"),
            ("outside-agent", "USMS", "criminal-investigation", "attested"),
        ]
    )
    for_agency = rng.choice([agency, "none"]) if purpose == "records-service" else agency
    if rng.random() < 0.5:
        role, agency = rng.choice(pack.roles), rng.choice(list(pack.agencies))
        purpose, for_agency = rng.choice(list(pack.purposes)), rng.choice(list(pack.agencies))
        standing = rng.choice(["unverified", "attested", "verified"])
    facts: dict[str, Fact] = {
        "principal.role": role,
        "principal.agency": agency,
        "context.requester.agency": agency,
        "context.requester.identified": "verified",
        "context.initiative": "own-motion",
        "context.channel": "database",
        "context.for_agency": for_agency,
        "context.purpose": purpose,
        "context.task_force.member": rng.random() < 0.2,
        "context.task_force.civil_excluded": rng.random() < 0.5,
        "context.task_force.attested": rng.random() < 0.5,
        "context.register.kind": "criminal" if rng.random() < 0.9 else "unknown",
        "context.register.standing": standing,
        "context.declaration": rng.random() < 0.5,
        "context.grant.case_no": rng.choice(CASES),
        "context.grant.unit": rng.choice(UNITS),
    }
    return pack.request(facts, resource=CLEAR, now=NOW)


def chicago_rows(rng: random.Random) -> list[tuple[Any, ...]]:
    return [
        (number, rng.random() < 0.4, rng.random() < 0.3, rng.choice(CASES), rng.choice(UNITS))
        for number in range(120)
    ]


# A part of the comparisons in every run, all of them in the long one.
SOME, ALL = pytest.param(4, id="some"), pytest.param(1, id="all", marks=pytest.mark.long)


@pytest.mark.parametrize("part", [SOME, ALL])
def test_the_order_of_chicago_opens_the_rows_and_columns_that_cedar_permits(
    postgres: psycopg.Connection[Any], pack: Pack, part: int
) -> None:
    rng = random.Random(20190712)  # noqa: S311  # repeatable, not secret
    book = pack.scope_book()
    rows = chicago_rows(rng)
    columns = "sealed boolean NOT NULL, juvenile boolean NOT NULL, case_no text NOT NULL, unit text NOT NULL"
    postgres.execute(PREPARE.format("chicago_rows", columns).encode())
    with postgres.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO chicago_rows VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING", rows
        )
    compared = permitted = 0
    answers: dict[Any, bool] = {}

    def cedar_permits(request: Request) -> bool:
        key = (request.resource, tuple(request.facts.items()))
        if key not in answers:
            applied = pack.evaluator.apply(request)
            assert applied.errors == ()
            assert applied.policies == pack.decider.apply(request).policies
            answers[key] = pack.answer(applied).outcome is Outcome.PERMIT
        return answers[key]

    for _ in range(150 // part):
        request = random_request(pack, rng)
        scope = book.find(request)
        assert (scope is not None) == cedar_permits(request)
        if scope is None:
            continue
        permitted += 1
        set_grant(postgres, request)
        opened = {table.table: table for table in scope.tables}
        for table in pack.tables.values():
            assert_columns(pack, request, table, scope)
            predicate = opened[table.table].predicate if table.table in opened else "false"
            found = postgres.execute(f"SELECT id FROM chicago_rows WHERE {predicate}".encode()).fetchall()
            seen = {number for (number,) in found}
            for number, *values in rows:
                assert (number in seen) == cedar_permits(about_row(request, table, values))
                compared += is_informative(predicate)
    assert permitted > 30 // part
    assert compared >= INFORMATIVE // part


def about_row(request: Request, table: Table, values: Sequence[Any]) -> Request:
    from_columns = dict(zip(("sealed", "juvenile", "case_no", "unit"), values, strict=True))
    own: dict[str, Fact] = {TABLE_OF_ROW: table.id}
    for name, source in table.attributes.items():
        own[f"resource.{name}"] = from_columns[source.name] if isinstance(source, SqlColumn) else source
    return replace(request, resource=Resource("Record"), facts={**request.facts, **own})


def assert_columns(pack: Pack, request: Request, table: Table, scope: Scope) -> None:
    opened = next((t for t in scope.tables if t.table == table.table), None)
    shown = {c.name: c.expression for c in opened.columns} if opened else {}

    def is_open(name: str) -> bool:
        asked = replace(request, resource=Resource("Collection", table.class_id(name)))
        return pack.decide(asked).outcome is Outcome.PERMIT

    for column, column_class in table.columns.items():
        mask = table.masks.get(column)
        if is_open(column_class):
            assert shown[column] is None
        elif mask is not None and is_open(mask.column_class):
            assert shown[column] == mask.sql
        else:
            assert column not in shown


# ---------------------------------------------------------------- small random orders

LOW, HIGH = -(2**63), 2**63 - 1
KINDS = ("", "a", "A", "b", "\u00e9", "e\u0301", "it's", "back\\slash", "%_", "\u0001", "\U0001f6aa")
LEVELS = (LOW, LOW + 1, -1, 0, 1, 7, HIGH - 1, HIGH)
AGENCIES = ("CPD", "FBI", "ICE-ERO", "none")
PURPOSES = ("audit", "task-force")
STANDING_OF = {"S1": True, "S2": True, "N1": False}
SCHEMA_ROW = (
    "entity Record in [Collection] = "
    "{ collection: Collection, sealed: Bool, level: Long, kind: String, case_no: String, unit: String };"
)
ROW_TYPES: Mapping[str, Type] = {
    "sealed": BOOL, "level": LONG, "kind": STRING, "case_no": STRING, "unit": STRING,
}  # fmt: skip
TABLE = Table(
    id="clear.cases",
    table="public.small_rows",
    within=("clear",),
    columns={"kind": "register"},
    masks={},
    attributes={
        "sealed": SqlColumn("sealed"),
        "level": SqlColumn("level"),
        "kind": SqlColumn("kind"),
        "case_no": SqlColumn("case_no"),
        "unit": SqlColumn("unit", null_as="nowhere"),
    },
)


class Author:
    """Writes random conditions, typed as strict validation wants them."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def condition(self, depth: int) -> str:
        rng = self.rng
        if depth == 0 or rng.random() < 0.15:
            return self.comparison()
        match rng.choice(("and", "and", "or", "or", "not", "if", "same")):
            case "not":
                return f"!({self.condition(depth - 1)})"
            case "if":
                parts = [self.condition(depth - 1) for _ in range(3)]
                return f"(if {parts[0]} then {parts[1]} else {parts[2]})"
            case "same":
                sign = rng.choice(("==", "!="))
                return f"(({self.condition(depth - 1)}) {sign} ({self.condition(depth - 1)}))"
            case kind:
                sign = "&&" if kind == "and" else "||"
                return f"({self.condition(depth - 1)} {sign} {self.condition(depth - 1)})"

    def comparison(self) -> str:
        rng = self.rng
        texts = [
            "resource.kind",
            "resource.case_no",
            "resource.unit",
            "context.grant.case_no",
            "context.grant.unit",
        ]
        match rng.randrange(9):
            case 0:
                return "resource.sealed"
            case 1:
                sign = rng.choice(("==", "!=", "<", "<=", ">", ">="))
                pair = ["resource.level", str(rng.choice(LEVELS[1:]))]
                rng.shuffle(pair)
                return f"({pair[0]} {sign} {pair[1]})"
            case 2:
                return f"({rng.choice(texts)} {rng.choice(('==', '!='))} {rng.choice(texts)})"
            case 3:
                return f"({rng.choice(texts)} == {json.dumps(rng.choice(KINDS[:-2]), ensure_ascii=False)})"
            case 4:
                wanted = ", ".join(
                    json.dumps(kind, ensure_ascii=False)
                    for kind in rng.sample(KINDS[:-2], rng.randrange(1, 4))
                )
                return f"[{wanted}].contains({rng.choice(texts)})"
            case 5:
                wanted = ", ".join(str(level) for level in rng.sample(LEVELS[1:], rng.randrange(1, 4)))
                return f"[{wanted}].contains(resource.level)"
            case 6:
                one, other = rng.sample(texts, 2)
                chosen = f"(if {self.comparison()} then {one} else {other})"
                return f"({chosen} == {rng.choice(texts)})"
            case 7:
                group = rng.choice(("federal", "city", "civil-immigration-enforcement"))
                return f'(context.for_agency in Group::"{group}")'
            case _:
                return f'(context.purpose == "{rng.choice(PURPOSES)}" || context.task_force.member)'

    def policy(self, number: int, kind: str) -> str:
        effect = "permit" if kind in {"permit", "outside"} else "forbid"
        outcome = f'@outcome("{kind}")' if kind in {"refer", "outside"} else ""
        suspends = '@suspends("p2")' if kind == "refer" and self.rng.random() < 0.3 else ""
        clauses = self.rng.choice(("S1", "S1 S2", "S2", "S1 N1" if self.rng.random() < 0.3 else "S1"))
        head = f'@id("p{number}") @clauses("{clauses}") {outcome} {suspends}'
        scope = self.rng.choice(("resource is Record", 'resource is Record in Collection::"clear"'))
        return f"{head} {effect} (principal, action, {scope}) when {{ {self.condition(3)} }};"


def write_order(rng: random.Random) -> str:
    author = Author(rng)
    kinds = ("permit", "permit", "deny", "refer", "outside", "permit")[: rng.randrange(3, 7)]
    door = '@id("door") @clauses("S1") permit (principal, action, resource is Collection);'
    return "\n".join([door, *(author.policy(number, kind) for number, kind in enumerate(kinds))])


@dataclass(frozen=True)
class Small:
    policies: tuple[Policy, ...]
    book: ScopeBook


def small_model(pack: Pack) -> RequestModel:
    """The pack's requests with other rows, behind one table."""
    schema = parse_schema(small_schema(pack))
    rows = [*json.loads(pack.files["entities/agencies.json"]), *json.loads(pack.files["entities/roles.json"])]
    collections = (("clear", ()), (TABLE.id, ("clear",)), (TABLE.class_id("register"), (TABLE.id,)))
    rows += [
        {
            "uid": {"type": "Collection", "id": name},
            "attrs": {},
            "parents": [{"type": "Collection", "id": up} for up in above],
        }
        for name, above in collections
    ]
    entities = read_entities(rows, schema)
    facts = {path: FactSpec(path, kind, None, "", "", "") for path, kind in row_facts().items()}
    resources = {"Collection": ResourceSpec(in_file=True), "Record": ResourceSpec(in_file=False, facts=facts)}
    model = pack.requests
    return RequestModel(schema, entities, model.principal, model.facts, resources, model.actions)


def row_facts() -> dict[str, Type]:
    return {TABLE_OF_ROW: EntityType("Collection")} | {f"resource.{n}": kind for n, kind in ROW_TYPES.items()}


def small_schema(pack: Pack) -> str:
    text = pack.files["chicago.cedarschema"]
    return re.sub(r"entity Record in \[Collection\] = \{.*?\};", SCHEMA_ROW, text, flags=re.DOTALL)


def compile_small(text: str, requests: RequestModel) -> Small:
    policies, findings = parse_policies({"small.cedar": text}, clauses=STANDING_OF)
    assert findings == ()
    words: Mapping[str, tuple[Fact, ...]] = {
        "context.for_agency": AGENCIES,
        "context.purpose": PURPOSES,
        "context.task_force.member": (False, True),
    }
    grant = frozenset(f"context.grant.{name}" for name in ("case_no", "unit", "place"))
    model = DoorModel(
        policies=policies,
        hierarchy=Hierarchy({uid: found.above | {uid} for uid, found in requests.entities.items()}),
        requests=requests,
        action="query",
        database="clear",
        tables={TABLE.id: TABLE},
        vocabulary=Vocabulary(words, {}, {}, grant),
        clause_order=("S1", "S2", "N1"),
    )
    return Small(policies, compile_scopes(model))


def small_rows(rng: random.Random) -> list[tuple[Any, ...]]:
    return [
        (
            number,
            rng.random() < 0.5,
            rng.choice(LEVELS),
            rng.choice(KINDS),
            rng.choice((*CASES, *KINDS[:4])),
            rng.choice((None, "nowhere", *UNITS)),
        )
        for number in range(150)
    ]


class Oracle:
    """Cedar's own answer for every row, through nothing of the compiler."""

    def __init__(self, pack: Pack, model: RequestModel, rows: Sequence[tuple[Any, ...]]) -> None:
        self.schema_text = small_schema(pack)
        self.schema = cedarpy.Schema.from_str(self.schema_text)
        self.model = model
        table = {"type": "Collection", "id": TABLE.id}
        own = [
            {
                "uid": uid._asdict(),
                "attrs": to_json(found.attributes),
                "parents": [up._asdict() for up in found.above],
            }
            for uid, found in model.entities.items()
            if uid.type != "Action"
        ]
        role, agency = {"type": "Role", "id": "detective"}, {"type": "Agency", "id": "CPD"}
        person = {"role": {"__entity": role}, "agency": {"__entity": agency}}
        own.append({"uid": {"type": "Person", "id": "ann"}, "attrs": person, "parents": [role, agency]})
        for number, *values in rows:
            attributes = dict(zip(ROW_TYPES, values, strict=True))
            if attributes["unit"] is None:
                attributes["unit"] = "nowhere"
            attributes["collection"] = {"__entity": table}
            own.append(
                {"uid": {"type": "Record", "id": str(number)}, "attrs": attributes, "parents": [table]}
            )
        self.rows = rows
        self.entities = cedarpy.Entities.from_json_str(json.dumps(own), self.schema)

    def permitted(self, policies: Sequence[Policy], request: Request) -> set[int]:
        flipped = cedarpy.PolicySet.from_json_str(json.dumps(_as_permits(policies)))
        context = to_json(make_objects(self.model, request).context)
        requests = [
            {
                "principal": {"type": "Person", "id": "ann"},
                "action": {"type": "Action", "id": "query"},
                "resource": {"type": "Record", "id": str(number)},
                "context": context,
            }
            for number, *_ in self.rows
        ]
        found = set()
        answers = cedarpy.is_authorized_batch(requests, flipped, self.entities, self.schema)
        for (number, *_), answer in zip(self.rows, answers, strict=True):
            assert answer.diagnostics.errors == []
            reasons = set(answer.diagnostics.reasons)
            verdict = apply_outcome_rule(
                [p for p in policies if p.id in reasons], clause_order=tuple(STANDING_OF)
            )
            if verdict.outcome is Outcome.PERMIT:
                found.add(number)
        return found


@pytest.mark.parametrize("part", [SOME, ALL])
def test_random_orders_open_the_rows_that_cedar_permits(
    postgres: psycopg.Connection[Any], pack: Pack, part: int
) -> None:
    rng = random.Random(54)  # noqa: S311  # repeatable, not secret
    rows = small_rows(rng)
    columns = (
        "sealed boolean NOT NULL, level bigint NOT NULL, kind text NOT NULL, case_no text NOT NULL, unit text"
    )
    postgres.execute(PREPARE.format("small_rows", columns).encode())
    with postgres.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO small_rows VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING", rows
        )
    model = small_model(pack)
    oracle = Oracle(pack, model, rows)
    compared = seen_some = 0
    for _ in range(40 // part):
        text = write_order(rng)
        assert cedarpy.validate_policies(text, oracle.schema_text).validation_passed, text
        small = compile_small(text, model)
        for for_agency in AGENCIES:
            facts: dict[str, Fact] = {
                "principal.role": "detective",
                "principal.agency": "CPD",
                "context.initiative": "own-motion",
                "context.channel": "database",
                "context.for_agency": for_agency,
                "context.purpose": rng.choice(PURPOSES),
                "context.task_force.member": rng.random() < 0.5,
                "context.grant.case_no": rng.choice(CASES),
                "context.grant.unit": rng.choice(UNITS),
            }
            request = model.build(facts, resource=CLEAR, action="query", now=NOW, login="ann")
            scope = small.book.find(request)
            predicate = scope.tables[0].predicate if scope is not None else "false"
            set_grant(postgres, request)
            found = postgres.execute(f"SELECT id FROM small_rows WHERE {predicate}".encode()).fetchall()
            assert {number for (number,) in found} == oracle.permitted(small.policies, request), (
                text,
                predicate,
            )
            # Two values only: what is not true is false, never NULL.
            neither = postgres.execute(
                f"SELECT 1 FROM small_rows WHERE ({predicate}) IS NULL".encode()
            ).fetchall()
            assert neither == []
            seen_some += bool(found)
            compared += is_informative(predicate) * len(rows)
    assert seen_some > 20 // part
    assert compared >= INFORMATIVE // part
