"""What is generated from the pack and kept as text: the order's page and the SQL of its scopes.

Rewritten with DOORWARD_REWRITE=1; the difference is for a reviewer to read.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from doorward.orders.load import Pack, load_pack, shipped_orders
from doorward.orders.page import format_page
from doorward.policy.request import Fact, Resource
from doorward.policy.scopes import Scope

CHECKOUT = Path(__file__).resolve().parents[2]
GOLDEN = CHECKOUT / "tests" / "golden" / "scopes"
WHO: dict[str, tuple[str, str, str, str, str]] = {
    "detective-own-case": ("detective", "CPD", "city", "criminal-investigation", "verified"),
    "records-clerk": ("records-clerk", "CPD", "city", "records-service", "unverified"),
    "federal-agent-attested": ("outside-agent", "FBI", "federal", "criminal-investigation", "attested"),
    "break-glass": ("officer", "CPD", "city", "safety", "unverified"),
}


def check(file: Path, text: str) -> None:
    if os.environ.get("DOORWARD_REWRITE"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.is_file(), f"{file.name} is missing; DOORWARD_REWRITE=1 writes it"
    assert file.read_text(encoding="utf-8") == text, (
        f"{file.name} has drifted; DOORWARD_REWRITE=1 writes it anew"
    )


@pytest.mark.parametrize("order", shipped_orders())
def test_the_page_of_an_order_has_not_drifted(order: str) -> None:
    pack = load_pack(order)
    check(CHECKOUT / pack.page, format_page(pack))


def test_the_page_defines_every_word(pack: Pack) -> None:
    page = format_page(pack)
    for word in (*pack.purposes, *pack.agencies):
        assert f"| `{word}` |" in page
    for clause in pack.clauses.values():
        assert f"| {clause.id} | {clause.cite} | {clause.says} |" in page


@pytest.mark.parametrize("who", WHO)
def test_the_sql_of_a_scope_has_not_drifted(pack: Pack, now: datetime, who: str) -> None:
    role, agency, party, purpose, standing = WHO[who]
    facts: dict[str, Fact] = {
        "principal.role": role,
        "principal.agency": agency,
        "context.requester.agency": agency,
        "context.requester.party": party,
        "context.for_agency": agency,
        "context.purpose": purpose,
        "context.register.standing": standing,
        "context.register.kind": "criminal",
        "context.task_force.member": False,
        "context.channel": "database",
        "context.emergency": who == "break-glass",
    }
    del facts["context.requester.party"]
    asked = pack.request(facts, resource=Resource("Collection", "clear"), now=now)
    assert asked.facts["context.requester.party"] == party
    scope = pack.scope_book().find(asked)
    assert scope is not None
    check(GOLDEN / f"{who}.sql", "\n".join(lines(scope, " ".join(WHO[who]))) + "\n")


def test_every_scope_has_its_file(pack: Pack) -> None:
    kept = {file.read_text(encoding="utf-8").split()[2] for file in GOLDEN.glob("*.sql")}
    assert kept == pack.scope_book().scopes.keys()


def test_a_page_of_a_pack_that_nobody_invented_says_nothing_of_samples(pack: Pack) -> None:
    adopted = {name: replace(clause, adopted_by="law") for name, clause in pack.clauses.items()}
    assert "sample." not in format_page(replace(pack, clauses=adopted)).split("## Clauses")[0]


def lines(scope: Scope, who: str) -> Iterator[str]:
    yield f"-- scope {scope.id}"
    yield f"-- {who}"
    for table in scope.tables:
        yield ""
        yield f"-- {table.withheld or 'nothing is withheld'}"
        shown = (c.name if c.expression is None else f"({c.expression}) AS {c.name}" for c in table.columns)
        yield f"SELECT {', '.join(shown)}"
        yield f"FROM {table.table}"
        yield f"WHERE {table.predicate};"
    for name, clauses in scope.closed_tables:
        yield f"-- {name} is closed under {', '.join(clauses)}"
