"""One meaning of the shipped orders: compiled Python, Cedar's engine and terms give every request one answer."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.cedar.hierarchy import Hierarchy
from doorward.cedar.terms import TRUE
from doorward.cedar.types import EntityType
from doorward.cedar.values import Uid
from doorward.orders.load import find_pack, load_pack, shipped_orders
from doorward.orders.pack import Pack
from doorward.policy.decision import Outcome
from doorward.policy.outcome import apply_outcome_rule
from doorward.policy.parse import Policy
from doorward.policy.request import Request
from doorward.policy.symbolic import Symbolic, SymbolicOrder
from tests_support.examples import examples
from tests_support.order_cases import requests

ORDERS = tuple(shipped_orders())
OPENNESS = (Outcome.DENY, Outcome.REFER, Outcome.OUTSIDE, Outcome.PERMIT)


@cache
def pack_of(order: str) -> Pack:
    return load_pack(find_pack(order))


@cache
def symbolic(order: str, action: str, resource: str) -> SymbolicOrder:
    pack = pack_of(order)
    hierarchy = Hierarchy({uid: found.above | {uid} for uid, found in pack.requests.entities.items()})
    return Symbolic(pack.policies, pack.requests, hierarchy).order(action, resource)


def known(request: Request, pack: Pack) -> dict[str, object]:
    """Every fact as terms have it, principal and resource included."""
    specs = pack.requests.specs(request.resource.type)
    facts: dict[str, object] = {
        path: Uid(kind.name, str(value)) if isinstance(kind := specs[path].type, EntityType) else value
        for path, value in request.facts.items()
    }
    resource = Uid(request.resource.type, request.resource.id)
    return facts | {"principal": Uid(pack.requests.principal, request.login), "resource": resource}


@pytest.mark.parametrize("order", ORDERS)
@given(data=st.data())
@settings(max_examples=examples(60, deep=600))
def test_compiled_python_applies_what_the_engine_applies(order: str, data: st.DataObject) -> None:
    pack = pack_of(order)
    request = data.draw(requests(pack))
    assert pack.decider.apply(request) == pack.evaluator.apply(request)
    assert pack.decide(request) == pack.answer(pack.evaluator.apply(request))


@pytest.mark.parametrize("order", ORDERS)
@given(data=st.data())
@settings(max_examples=examples(40, deep=300))
def test_the_order_as_terms_gives_the_answer_of_the_rule_over_lists(order: str, data: st.DataObject) -> None:
    pack = pack_of(order)
    request = data.draw(requests(pack))
    made = symbolic(order, request.action, request.resource.type)
    facts = known(request, pack)

    def holds(term: int) -> bool:
        return made.terms.replace_all(term, facts) == TRUE  # type: ignore[arg-type]  # constants, by type

    decision = pack.decide(request)
    assert [outcome for outcome in Outcome if holds(made.outcomes[outcome])] == [decision.outcome]
    assert [p.id for p in made.policies if holds(made.decides(p))] == list(decision.policies)
    assert not any(holds(term) for term in made.fails.values())
    assert holds(made.nothing) is (decision.policies == ())


@pytest.mark.parametrize("order", ORDERS)
@given(data=st.data())
@settings(max_examples=examples(40, deep=400))
def test_a_forbid_more_never_opens_and_a_permit_more_never_closes(order: str, data: st.DataObject) -> None:
    pack = pack_of(order)
    applying = pack.decider.apply(data.draw(requests(pack))).policies
    added: Policy = data.draw(st.sampled_from(pack.policies))
    if added in applying:
        return
    more = tuple(policy for policy in pack.policies if policy in applying or policy is added)
    before = apply_outcome_rule(applying, clause_order=pack.clause_order).outcome
    after = apply_outcome_rule(more, clause_order=pack.clause_order).outcome
    if added.effect == "permit":
        assert OPENNESS.index(after) >= OPENNESS.index(before) or not added.decides
    else:
        assert after in {before, Outcome.DENY, Outcome.REFER}
        assert after not in {Outcome.PERMIT, Outcome.OUTSIDE} or after is before
