"""The door with an ask approved: what opens, and what stays shut although an official said yes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from doorward.gateway.answered import AnsweredOrders
from doorward.orders.answered import Change
from doorward.orders.load import Pack, load_pack
from doorward.policy.decision import Outcome
from doorward.policy.request import Fact, Request, Resource
from doorward.policy.scopes import ScopeBook

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CITY: dict[str, Fact] = {
    "principal.role": "detective", "principal.agency": "CPD", "context.requester.agency": "CPD",
    "context.requester.identified": "verified", "context.initiative": "own-motion", "context.for_agency": "CPD",
    "context.purpose": "criminal-investigation", "context.task_force.member": False,
    "context.task_force.civil_excluded": False, "context.task_force.attested": False,
    "context.register.kind": "unknown", "context.register.standing": "unverified", "context.declaration": False,
    "context.channel": "database", "context.grant.case_no": "",
}  # fmt: skip
VERIFIED: dict[str, Fact] = {"context.register.kind": "criminal", "context.register.standing": "verified"}
AGENCY = ("principal.agency", "context.requester.agency", "context.for_agency")


def outside(agency: str) -> dict[str, Fact]:
    """Return an attested outsider who asks for their own agency."""
    attested: dict[str, Fact] = {"principal.role": "outside-agent", "context.register.standing": "attested"}
    return VERIFIED | attested | dict.fromkeys(AGENCY, agency)


@pytest.fixture(name="chicago", scope="module")
def chicago_fixture() -> Pack:
    return load_pack("chicago")


@pytest.fixture(name="book", scope="module")
def book_fixture(chicago: Pack) -> ScopeBook:
    return chicago.scope_book()


@pytest.fixture(name="orders", scope="module")
def orders_fixture(chicago: Pack, book: ScopeBook) -> AnsweredOrders:
    return AnsweredOrders(chicago, book)


def ask(pack: Pack, facts: dict[str, Fact]) -> Request:
    known = {path: value for path, value in facts.items() if path in pack.requests.facts}
    return pack.request(known, resource=Resource("Collection", "clear"), now=NOW)


def referred(pack: Pack, orders: AnsweredOrders, facts: dict[str, Fact]) -> tuple[Change, Request]:
    decision = pack.decide(ask(pack, facts))
    assert decision.outcome is Outcome.REFER
    change = orders.change(decision.policies)
    assert change is not None
    return change, ask(pack, facts | dict(change.facts))


def test_a_case_that_the_register_did_not_find_opens_the_scope_of_one_that_it_found(
    chicago: Pack, book: ScopeBook, orders: AnsweredOrders
) -> None:
    change, changed = referred(chicago, orders, CITY)
    opened = orders.open(change, changed)
    assert opened is not None
    decision, scope = opened
    assert decision.outcome is Outcome.PERMIT
    assert scope == book.find(ask(chicago, CITY | VERIFIED))


@pytest.mark.parametrize(
    "other",
    [
        VERIFIED | {"context.for_agency": "unknown"},
        outside("HSI"),
        outside("ICE-ERO"),
    ],
    ids=["beneficiary unknown", "mixed agency", "civil agency with another purpose"],
)  # fmt: skip
def test_what_nothing_permits_beneath_stays_shut_whoever_approves(
    chicago: Pack, orders: AnsweredOrders, other: dict[str, Any]
) -> None:
    change, changed = referred(chicago, orders, CITY | other)
    assert not orders.permits(change, changed)
    assert orders.open(change, changed) is None


def test_a_denial_is_never_answered(chicago: Pack, orders: AnsweredOrders) -> None:
    for stated in ({"context.for_agency": "ICE-ERO"}, {"context.purpose": "civil-immigration-enforcement"}):
        facts: dict[str, Fact] = CITY | dict(stated)
        decision = chicago.decide(ask(chicago, facts))
        assert decision.outcome is Outcome.DENY
        change = orders.change(("case-not-verified",))
        assert change is not None
        assert orders.open(change, ask(chicago, facts | dict(change.facts))) is None


def test_a_scope_that_is_not_installed_is_not_opened(chicago: Pack) -> None:
    orders = AnsweredOrders(chicago, ScopeBook({}))
    change, changed = referred(chicago, orders, CITY)
    assert orders.open(change, changed) is None
