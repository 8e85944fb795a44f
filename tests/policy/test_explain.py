"""Explanations: reasons that hold, conditions that do not, remedies that help, and no coaching."""

from datetime import datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.gateway.verdict import refuse_outsider, refuse_staff
from doorward.orders.load import Pack, load_pack, shipped_orders
from doorward.policy.decision import Outcome
from doorward.policy.request import Fact, Resource
from tests_support.examples import examples
from tests_support.order_cases import requests

ORDERS = shipped_orders()
CLOSED = (Outcome.DENY, Outcome.REFER)
OPENNESS = {Outcome.DENY: 0, Outcome.REFER: 1, Outcome.OUTSIDE: 2, Outcome.PERMIT: 2}


@cache
def pack_of(order: str) -> Pack:
    return load_pack(order)


@pytest.mark.parametrize("order", ORDERS)
@given(data=st.data())
@settings(max_examples=examples(30, deep=300))
def test_what_is_said_of_an_answer_is_true(order: str, data: st.DataObject) -> None:
    pack = pack_of(order)
    request = data.draw(requests(pack))
    explained = pack.explain(request)
    decision = explained.decision
    assert decision == pack.decide(request)
    assert tuple(reason.policy.id for reason in explained.reasons) == decision.policies
    assert not (explained.near and explained.reasons)
    applying = pack.decider.apply(request).policies
    for miss in explained.near:
        assert miss.unmet
        assert miss.policy not in applying
    if decision.outcome not in CLOSED:
        assert explained.remedies == ()


@pytest.mark.parametrize("order", ORDERS)
@given(data=st.data())
@settings(max_examples=examples(60, deep=600))
def test_a_remedy_that_is_shown_helps_and_changes_no_claim(order: str, data: st.DataObject) -> None:
    pack = pack_of(order)
    request = data.draw(requests(pack))
    explained = pack.explain(request)
    shown = [
        policy.remedy
        for reason in explained.reasons
        if (policy := reason.policy).remedy is not None and policy.remedy.text in explained.remedies
    ]
    assert len({remedy.text for remedy in shown}) == len(explained.remedies)
    cures: dict[str, Fact] = {path: value for remedy in shown for path, value in remedy.cure.items()}
    specs = pack.requests.specs(request.resource.type)
    assert all(specs[path].remedy in {"paper", "register"} for path in cures)
    if cures:
        after = pack.decide(pack.requests.change(request, cures))
        assert OPENNESS[after.outcome] > OPENNESS[explained.decision.outcome]
    assert all(remedy.cure or explained.decision.outcome is Outcome.REFER for remedy in shown)


@pytest.mark.parametrize("order", ORDERS)
@given(data=st.data())
@settings(max_examples=examples(30, deep=300))
def test_nobody_is_told_which_claim_would_have_fitted(order: str, data: st.DataObject) -> None:
    pack = pack_of(order)
    request = data.draw(requests(pack))
    specs = pack.requests.specs(request.resource.type)
    claims = [path for path, spec in specs.items() if spec.is_claim]
    for miss in pack.explain(request).near:
        for condition in miss.unmet:
            assert not any(path in condition.text for path in claims)


def test_both_audiences(pack: Pack, now: datetime) -> None:
    facts: dict[str, Fact] = {
        "principal.role": "detective",
        "principal.agency": "CPD",
        "context.requester.agency": "CPD",
        "context.for_agency": "CPD",
        "context.purpose": "criminal-investigation",
        "context.task_force.member": False,
        "context.channel": "database",
    }
    request = pack.request(facts, resource=Resource("Collection", "clear"), now=now)
    explained = pack.explain(request)
    staff, outsider = refuse_staff(explained, pack), refuse_outsider(explained.decision, pack)
    assert staff.hint == "the case is open in the register of cases and assigned to this login"
    assert "local-policy" in str(staff.detail)
    told = f"{outsider.message} {outsider.detail} {outsider.hint}"
    assert outsider.detail == "clause local-policy"
    assert "register" not in told
    assert not any(policy in told for policy in explained.decision.policies)


def test_two_papers_that_help_only_together_are_shown_together(pack: Pack, now: datetime) -> None:
    """A task force member without an own case: each remedy alone leaves it referred."""
    facts: dict[str, Fact] = {
        "principal.role": "detective",
        "principal.agency": "CPD",
        "context.requester.agency": "CPD",
        "context.for_agency": "CPD",
        "context.purpose": "criminal-investigation",
        "context.task_force.member": True,
        "context.channel": "database",
    }
    explained = pack.explain(pack.request(facts, resource=Resource("Collection", "clear"), now=now))
    assert explained.decision.policies == ("task-force-not-attested", "case-not-verified")
    assert len(explained.remedies) == 2


def test_where_nothing_decides_the_nearest_permits_say_what_they_lack(pack: Pack, now: datetime) -> None:
    facts: dict[str, Fact] = {
        "principal.role": "records-clerk",
        "principal.agency": "CPD",
        "context.requester.agency": "CPD",
        "context.for_agency": "CPD",
        "context.purpose": "criminal-investigation",
        "context.task_force.member": False,
        "context.channel": "database",
    }
    explained = pack.explain(pack.request(facts, resource=Resource("Collection", "clear"), now=now))
    assert explained.decision.policies == ()
    first = explained.near[0]
    assert first.policy.id == "records-clerk"
    assert [(c.text, dict(c.facts)) for c in first.unmet] == [
        ("", {"context.purpose": "criminal-investigation"})
    ]
    assert 'principal in Duty::"custodian"' in {c.text for miss in explained.near for c in miss.unmet}
