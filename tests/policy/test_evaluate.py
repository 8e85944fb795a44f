"""Which policies apply: compiled, and asked of Cedar's engine; every one that applies, and every error."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from doorward.errors import PolicyError
from doorward.orders.load import Pack
from doorward.policy.decider import Applied, Decider
from doorward.policy.decision import Outcome
from doorward.policy.evaluate import Evaluator
from doorward.policy.parse import Policy, parse_policies
from doorward.policy.request import Request, Resource

TEXT = """
@id("open") @clauses("B1") permit (principal, action, resource);
@id("close") @clauses("B3") forbid (principal, action, resource is Record) when { resource.sealed };
@id("group") @clauses("B3") forbid (principal in Group::"federal", action in [Action::"direct-access"], resource);
@id("named") @clauses("B3") forbid (principal == Person::"ann", action, resource);
"""
OVERFLOW = (
    '@id("errs") @clauses("B3") forbid (principal, action, resource) '
    "when { 9223372036854775807 + (if context.declaration then 0 else 1) > 0 };"
)
Apply = Callable[[Request], Applied]


def parse(text: str) -> tuple[Policy, ...]:
    policies, findings = parse_policies({"t.cedar": text}, clauses={"B1": True, "B3": True})
    assert findings == ()
    return policies


def engine(pack: Pack, text: str) -> Evaluator:
    rows = [*json.loads(pack.files["entities/agencies.json"]), *json.loads(pack.files["entities/roles.json"])]
    collections = [uid for uid in pack.requests.entities if uid.type == "Collection"]
    rows += [
        {
            "uid": uid._asdict(),
            "attrs": {},
            "parents": [up._asdict() for up in pack.requests.entities[uid].above],
        }
        for uid in collections
    ]
    schema = pack.files["chicago.cedarschema"]
    return Evaluator(parse(text), schema=schema, entities=rows, model=pack.requests)


@pytest.fixture(params=["compiled", "engine"])
def make(request: pytest.FixtureRequest, pack: Pack) -> Callable[[str], Apply]:
    if request.param == "engine":
        return lambda text: engine(pack, text).apply
    return lambda text: Decider(parse(text), pack.requests).apply


def ids(applied: Applied) -> list[str]:
    assert applied.errors == ()
    return [policy.id for policy in applied.policies]


def row(pack: Pack, request: Request, *, sealed: bool) -> Request:
    facts: dict[str, Any] = {
        path: spec.unknown for path, spec in pack.requests.resources["Record"].facts.items()
    }
    facts |= {"resource.collection": "clear.persons", "resource.sealed": sealed}
    return replace(request, resource=Resource("Record"), facts={**request.facts, **facts})


def test_a_permit_is_reported_beside_the_forbid_that_outweighs_it(
    pack: Pack, make: Callable[[str], Apply], detective: Request
) -> None:
    apply = make(TEXT)
    assert ids(apply(row(pack, detective, sealed=True))) == ["open", "close"]
    assert ids(apply(row(pack, detective, sealed=False))) == ["open"]


def test_groups_of_agencies_and_actions_are_followed(
    pack: Pack, make: Callable[[str], Apply], detective: Request
) -> None:
    agent = pack.requests.change(detective, {"principal.agency": "ICE-ERO"})
    assert ids(make(TEXT)(agent)) == ["open", "group"]
    assert ids(make(TEXT)(replace(agent, action="export"))) == ["open"]


def test_a_named_person_is_met_by_the_login(make: Callable[[str], Apply], detective: Request) -> None:
    assert ids(make(TEXT)(replace(detective, login="ann"))) == ["open", "named"]


def test_a_policy_that_errs_gives_an_error_and_is_not_skipped(
    make: Callable[[str], Apply], detective: Request
) -> None:
    applied = make(TEXT + OVERFLOW)(detective)
    assert len(applied.errors) == 1
    assert "errs" in applied.errors[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"principal.role": "wizard"}, "`principal.role` is no word of the order"),
        ({"principal.agency": "XXX"}, "`principal.agency` is no word of the order"),
        ({"context.for_agency": "YYY"}, "`context.for_agency` is no word of the order"),
        ({"context.purpose": "curiosity"}, "`context.purpose` is no word of the order"),
        ({"context.declaration": "yes"}, "`context.declaration` is no word of the order"),
        ({"context.more": True}, "has not the facts of the order"),
    ],
)
def test_a_request_with_facts_that_are_none_is_denied_with_its_error(
    pack: Pack, detective: Request, change: dict[str, Any], said: str
) -> None:
    decision = pack.decide(replace(detective, facts={**detective.facts, **change}))
    assert decision.outcome is Outcome.DENY
    assert any(said in error for error in decision.errors), decision.errors
    assert decision.clauses == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"resource": Resource("Collection", "attic")}, "`attic` is no collection"),
        ({"resource": Resource("Nothing")}, "is not asked of a `Nothing`"),
        ({"action": "steal"}, "`steal` is no action"),
    ],
)
def test_a_request_for_what_is_not_there_is_denied(
    pack: Pack, detective: Request, changed: dict[str, Any], said: str
) -> None:
    decision = pack.decide(replace(detective, **changed))
    assert decision.outcome is Outcome.DENY
    assert said in decision.errors[0]


def test_a_schema_or_entities_that_cedar_does_not_take_are_an_error(pack: Pack) -> None:
    with pytest.raises(PolicyError, match="does not take the order"):
        Evaluator((), schema="entity A in [B];", entities=[], model=pack.requests)
