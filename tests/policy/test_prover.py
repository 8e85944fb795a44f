"""z3 against Cedar's engine: a model exists exactly where a request exists."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import islice, product

from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.cedar.hierarchy import Hierarchy
from doorward.cedar.ir import Rule, path_of, walk, whole_condition
from doorward.orders.assemble import assemble_pack
from doorward.orders.load import Pack, read_templates
from doorward.orders.scaffold import make_draft
from doorward.policy.evaluate import Evaluator
from doorward.policy.parse import parse_policies
from doorward.policy.prover import Prover
from doorward.policy.request import Fact, Request, Resource
from doorward.policy.symbolic import Symbolic
from tests_support.examples import examples

FILES = make_draft("draft", read_templates(), today=date(2026, 3, 1))
PACK = assemble_pack({name: text.encode() for name, text in FILES.items()})
NOW = datetime(2026, 3, 1, tzinfo=UTC)
MAX_TRIED = 4_000
PARTS = (
    "context.emergency",
    "context.own_case",
    "resource.sealed",
    "context.process",
    "context.papers.court.verified",
    'context.papers.court.scope == "in"',
    'context.purpose == "safety"',
    'context.purpose == "own-case"',
    '["safety", "excluded-work"].contains(context.purpose)',
    'context.for_agency in Group::"excluded"',
    "context.for_agency == context.requester.agency",
    'context.requester.agency.party == "own"',
    'context.requester.agency == Agency::"office"',
    'principal in Role::"clerk"',
    'principal in Agency::"office"',
    'context.purpose like "s*y"',
)  # fmt: skip
conditions = st.recursive(
    st.sampled_from(PARTS),
    lambda inner: st.one_of(
        inner.map(lambda part: f"!({part})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} && {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} || {two[1]})"),
        st.tuples(inner, inner, inner).map(lambda three: "(if {} then {} else {})".format(*three)),
    ),
    max_leaves=7,
)


def with_policies(texts: list[str]) -> Pack:
    clauses = {clause.id: clause.decides for clause in PACK.clauses.values()}
    policies, findings = parse_policies({"drawn.cedar": "\n".join(texts)}, clauses=clauses)
    assert findings == ()
    evaluator = Evaluator(
        policies,
        schema=FILES["order.cedarschema"],
        entities=json.loads(FILES["entities/agencies.json"]),
        model=PACK.requests,
    )
    return replace(PACK, policies=policies, evaluator=evaluator)


def read_by(pack: Pack, rule: Rule) -> frozenset[str]:
    """The facts that a rule reads as it was written, and those that the computed ones are made of."""
    found = set[str]()
    ends = [whole_condition(rule)]
    while ends:
        for node in walk(ends.pop()):
            path = path_of(node)
            spec = pack.requests.specs("Record").get(path or "")
            if spec is not None and spec.definition is not None:
                ends.append(spec.definition)
            elif spec is not None:
                found.add(spec.path)
            elif path == "principal":
                found |= {"principal.role", "principal.agency"}
    return frozenset(found)


def every_request(pack: Pack, read: frozenset[str]) -> list[Request]:
    """Every request in the facts that are read, the others not known; at most MAX_TRIED."""
    specs = {path: spec for path, spec in pack.requests.specs("Record").items() if path in read}
    choices = [spec.words or (False, True) for spec in specs.values()]
    made = []
    for values in islice(product(*choices), MAX_TRIED + 1):
        facts: dict[str, Fact] = dict(zip(specs, values, strict=True))
        made.append(pack.request(facts, resource=Resource("Record"), now=NOW, action="read"))
    return made


@given(st.lists(conditions, min_size=1, max_size=3))
@settings(max_examples=examples(25, deep=300))
def test_a_model_exists_exactly_where_a_request_exists(drawn: list[str]) -> None:
    pack = with_policies(
        [
            f'@id("p{n}") @clauses("C1") @says("x")\n'
            f'forbid (principal, action == Action::"read", resource) when {{ {condition} }};'
            for n, condition in enumerate(drawn)
        ]
    )
    hierarchy = Hierarchy({uid: e.above | {uid} for uid, e in pack.requests.entities.items()})
    order = Symbolic(pack.policies, pack.requests, hierarchy).order("read", "Record")
    for policy in pack.policies:
        term = order.applies.get(policy.id, 0)
        found = Prover(order, pack.requests, _roots=[term]).find(term)
        assert not isinstance(found, str)
        if found is not None:
            assert policy in pack.evaluator.apply(found).policies
            continue
        every = every_request(pack, read_by(pack, policy.rule))
        assert not any(policy in pack.decider.apply(request).policies for request in every)
