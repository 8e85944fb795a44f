"""Which policies apply, asked of cedarpy: every one that applies, and every error."""

import json
from dataclasses import replace
from datetime import datetime

import pytest

from doorward.errors import PolicyError
from doorward.orders.load import Pack
from doorward.policy.decision import Outcome
from doorward.policy.evaluate import Evaluator
from doorward.policy.facts import CollectionRef, Principal, RecordRef, Request
from doorward.policy.parse import parse_policies

TEXT = """
@id("open") @clauses("B1") permit (principal, action, resource);
@id("close") @clauses("B3") forbid (principal, action, resource is Record) when { resource.sealed };
@id("group") @clauses("B3") forbid (principal in Group::"federal", action in [Action::"direct-access"], resource);
"""


@pytest.fixture
def evaluator(pack: Pack) -> Evaluator:
    return make(pack, TEXT)


def make(pack: Pack, text: str) -> Evaluator:
    policies, findings = parse_policies({"t.cedar": text}, clauses={"B1": True, "B3": True})
    assert findings == ()
    entities = [
        {"uid": uid._asdict(), "attrs": {}, "parents": [up._asdict() for up in above if up != uid]}
        for uid, above in pack.model.hierarchy.above.items()
        if uid.type != "Agency"
    ]
    entities += [
        row for row in json.loads(pack.files["entities/agencies.json"]) if row["uid"]["type"] == "Agency"
    ]
    return Evaluator(
        policies, schema=pack.files["chicago.cedarschema"], entities=entities, hierarchy=pack.model.hierarchy
    )


def row(*, sealed: bool) -> RecordRef:
    return RecordRef(
        "clear.persons",
        "person",
        "CPD",
        public_source=False,
        sealed=sealed,
        juvenile=False,
        case_no="",
        unit="",
    )


def test_a_permit_is_reported_beside_the_forbid_that_outweighs_it(
    evaluator: Evaluator, detective: Request
) -> None:
    applied = evaluator.apply(replace(detective, resource=row(sealed=True)))
    assert [policy.id for policy in applied.policies] == ["open", "close"]
    assert applied.errors == ()
    assert [p.id for p in evaluator.apply(replace(detective, resource=row(sealed=False))).policies] == [
        "open"
    ]


def test_groups_of_agencies_and_actions_are_followed(evaluator: Evaluator, detective: Request) -> None:
    agent = replace(detective, principal=Principal("agent", "outside-agent", "ICE-ERO"))
    assert [p.id for p in evaluator.apply(agent).policies] == ["open", "group"]
    assert evaluator.action_groups("query") == {"query", "direct-access"}
    assert evaluator.action_groups("export") == {"export"}


def test_a_policy_that_errs_gives_an_error_and_is_not_skipped(pack: Pack, detective: Request) -> None:
    overflow = (
        '@id("errs") @clauses("B3") forbid (principal, action, resource) '
        "when { 9223372036854775807 + (if context.declaration then 0 else 1) > 0 };"
    )
    applied = make(pack, TEXT + overflow).apply(detective)
    assert len(applied.errors) == 1
    assert "errs" in applied.errors[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda r: replace(r, principal=Principal("x", "wizard", "CPD")),
            "role `wizard` stands in no entity file",
        ),
        (
            lambda r: replace(r, principal=Principal("x", "officer", "XXX")),
            "agency `XXX` stands in no entity file",
        ),
        (
            lambda r: replace(r, context=replace(r.context, for_agency="YYY")),
            "agency `YYY` stands in no entity file",
        ),
        (
            lambda r: replace(r, resource=CollectionRef("attic")),
            "collection `attic` stands in no entity file",
        ),
        (lambda r: replace(r, action="steal"), "steal"),
        (lambda r: replace(r, context=replace(r.context, now=datetime(2026, 1, 1))), "no time zone"),
        (lambda r: replace(r, context=replace(r.context, declaration="yes")), "context"),
    ],
)
def test_a_request_that_is_none_is_denied_with_its_error(
    pack: Pack, detective: Request, change: object, said: str
) -> None:
    assert callable(change)
    decision = pack.decide(change(detective))
    assert decision.outcome is Outcome.DENY
    assert any(said in error for error in decision.errors), decision.errors
    assert decision.clauses == ()


def test_a_purpose_that_is_no_word_is_denied(pack: Pack, detective: Request) -> None:
    decision = pack.decide(replace(detective, context=replace(detective.context, purpose="curiosity")))
    assert (decision.outcome, decision.errors) == (Outcome.DENY, ("the purpose is no word of the order",))


def test_a_schema_or_entities_that_cedar_does_not_take_are_an_error(pack: Pack) -> None:
    with pytest.raises(PolicyError, match="does not take the order"):
        Evaluator((), schema="entity A in [B];", entities=[], hierarchy=pack.model.hierarchy)
