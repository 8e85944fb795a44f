"""What the order says of an export, for the facts of the query that it permits."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from doorward.gateway.export_answer import decide_export
from doorward.orders.load import Pack, load_pack
from doorward.policy.decision import Outcome
from doorward.policy.request import Fact, Request, Resource

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    request: Request
    own_agency: bool


@pytest.fixture(name="chicago", scope="module")
def chicago_fixture() -> Pack:
    return load_pack("chicago")


def ask(pack: Pack, role: str, agency: str, purpose: str, standing: str) -> Request:
    facts: dict[str, Fact] = {
        "principal.role": role, "principal.agency": agency, "context.requester.agency": agency,
        "context.for_agency": agency, "context.purpose": purpose, "context.task_force.member": False,
        "context.register.kind": "criminal", "context.register.standing": standing,
        "context.channel": "database",
    }  # fmt: skip
    return pack.request(facts, resource=Resource("Collection", "clear"), now=NOW)


@pytest.mark.parametrize(
    ("role", "purpose"), [("detective", "criminal-investigation"), ("records-clerk", "records-service")]
)
def test_what_the_order_does_not_speak_of_follows_ordinary_rules(
    chicago: Pack, role: str, purpose: str
) -> None:
    request = ask(chicago, role, "CPD", purpose, "verified")
    assert chicago.decide(request).outcome is Outcome.PERMIT
    decision, refusal = decide_export(chicago, Asked(request, own_agency=True))
    assert decision is not None
    assert (decision.outcome, decision.clauses, refusal) == (Outcome.OUTSIDE, ("N0",), None)


def test_a_federal_agency_that_may_query_is_referred_and_reads_no_policy(chicago: Pack) -> None:
    request = ask(chicago, "outside-agent", "FBI", "criminal-investigation", "attested")
    assert chicago.decide(request).outcome is Outcome.PERMIT
    decision, refusal = decide_export(chicago, Asked(request, own_agency=False))
    assert decision is not None
    assert refusal is not None
    assert decision.outcome is Outcome.REFER
    assert refusal.message.startswith("referred")
    assert chicago.contacts.law_department in (refusal.hint or "")
    assert "disclose" not in f"{refusal.message} {refusal.detail} {refusal.hint}"


def test_an_order_without_the_word_speaks_of_no_export(chicago: Pack) -> None:
    actions = {word: kinds for word, kinds in chicago.requests.actions.items() if word != "export"}
    silent = replace(chicago, requests=replace(chicago.requests, actions=actions))
    request = ask(chicago, "outside-agent", "FBI", "criminal-investigation", "attested")
    assert decide_export(silent, Asked(request, own_agency=False)) == (None, None)
