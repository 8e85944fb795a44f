"""Simplifying a condition never changes what it says: compared with plain Python on random conditions."""

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.cedar.hierarchy import Hierarchy, make_hierarchy
from doorward.cedar.terms import FALSE, TRUE, Constant, Terms
from doorward.cedar.types import BOOL, LONG, STRING, EntityType, Type
from doorward.cedar.values import Uid

AGENCIES = ("a", "b", "c")
GROUPS = {"a": ("g",), "b": ("g", "h"), "c": ()}
FACTS: Mapping[str, tuple[Type, tuple[Any, ...]]] = {
    "p": (BOOL, (False, True)),
    "q": (BOOL, (False, True)),
    "r": (BOOL, (False, True)),
    "n": (LONG, (-1, 0, 1)),
    "s": (STRING, ("", "x", "y")),
    "t": (STRING, ("x", "z")),
    "e": (EntityType("Agency"), tuple(Uid("Agency", name) for name in AGENCIES)),
}
Expression = tuple[Any, ...]


def entity(kind: str, name: str, *parents: str) -> dict[str, Any]:
    return {
        "uid": {"type": kind, "id": name},
        "attrs": {},
        "parents": [{"type": "Group", "id": parent} for parent in parents],
    }


def hierarchy() -> Hierarchy:
    agencies = [entity("Agency", name, *groups) for name, groups in GROUPS.items()]
    found, findings = make_hierarchy([*agencies, entity("Group", "g"), entity("Group", "h", "g")])
    assert findings == ()
    return found


def texts() -> st.SearchStrategy[Expression]:
    leaf = st.sampled_from([("fact", "s"), ("fact", "t"), ("value", "x"), ("value", "")])
    return st.recursive(
        leaf, lambda inner: st.tuples(st.just("if"), booleans_of(inner), inner, inner), max_leaves=3
    )


def booleans_of(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    number = st.sampled_from([("fact", "n"), ("value", 0), ("value", 1)])
    return st.one_of(
        st.sampled_from([("fact", "p"), ("fact", "q"), ("fact", "r"), ("value", True), ("value", False)]),
        st.tuples(st.just("same"), inner, inner),
        st.tuples(st.sampled_from(["less", "at most"]), number, number),
        st.tuples(
            st.just("within"), st.just(("fact", "e")), st.sampled_from([("g",), ("h",), ("g", "h"), ()])
        ),
        st.tuples(st.just("member"), inner, st.sampled_from([("x",), ("x", "y"), (), ("x", "y", "z")])),
    )


def conditions() -> st.SearchStrategy[Expression]:
    return st.recursive(
        booleans_of(texts()),
        lambda inner: st.one_of(
            st.tuples(st.just("not"), inner),
            st.tuples(st.sampled_from(["and", "or"]), inner, inner),
            st.tuples(st.sampled_from(["and", "or"]), inner, inner, inner),
            st.tuples(st.just("if"), inner, inner, inner),
            st.tuples(st.just("same"), inner, inner),
        ),
        max_leaves=14,
    )


def build(terms: Terms, expression: Expression) -> int:
    match expression:
        case ("value", value):
            return terms.value(value)
        case ("fact", name):
            return terms.fact(name, FACTS[name][0])
        case ("not", inner):
            return terms.negate(build(terms, inner))
        case ("and", *parts):
            return terms.conjoin(build(terms, part) for part in parts)
        case ("or", *parts):
            return terms.disjoin(build(terms, part) for part in parts)
        case ("if", condition, then, otherwise):
            return terms.choose(build(terms, condition), build(terms, then), build(terms, otherwise))
        case ("same", left, right):
            return terms.same(build(terms, left), build(terms, right))
        case (("less" | "at most") as kind, left, right):
            return terms.less(build(terms, left), build(terms, right), or_same=kind == "at most")
        case ("within", left, groups):
            return terms.within(build(terms, left), [Uid("Group", name) for name in groups])
        case ("member", left, values):
            return terms.member(build(terms, left), [terms.value(value) for value in values])
    raise AssertionError(expression)


def evaluate(expression: Expression, facts: Mapping[str, Any]) -> Any:
    match expression:
        case ("value", value):
            return value
        case ("fact", name):
            return facts[name]
        case ("not", inner):
            return not evaluate(inner, facts)
        case ("and", *parts):
            return all(evaluate(part, facts) for part in parts)
        case ("or", *parts):
            return any(evaluate(part, facts) for part in parts)
        case ("if", condition, then, otherwise):
            return evaluate(then if evaluate(condition, facts) else otherwise, facts)
        case ("same", left, right):
            return evaluate(left, facts) == evaluate(right, facts)
        case ("less", left, right):
            return evaluate(left, facts) < evaluate(right, facts)
        case ("at most", left, right):
            return evaluate(left, facts) <= evaluate(right, facts)
        case ("within", left, groups):
            own = GROUPS[evaluate(left, facts).id]
            return bool({*own, *(["g"] if "h" in own else [])} & set(groups))
        case ("member", left, values):
            return evaluate(left, facts) in values
    raise AssertionError(expression)


@st.composite
def some_facts(draw: st.DrawFn) -> dict[str, Constant]:
    return {name: draw(st.sampled_from(values)) for name, (_, values) in FACTS.items()}


@given(conditions(), some_facts())
def test_a_condition_with_all_facts_known_is_what_python_says(
    expression: Expression, facts: dict[str, Constant]
) -> None:
    terms = Terms(hierarchy())
    term = terms.replace_all(build(terms, expression), facts)
    assert term == (TRUE if evaluate(expression, facts) else FALSE)


@given(conditions(), some_facts(), st.permutations(sorted(FACTS)), st.integers(0, len(FACTS)))
def test_the_order_in_which_facts_become_known_does_not_matter(
    expression: Expression, facts: dict[str, Constant], order: list[str], known: int
) -> None:
    terms = Terms(hierarchy())
    term = build(terms, expression)
    for name in order[:known]:
        term = terms.replace(term, name, facts[name])
    assert terms.facts(term).isdisjoint(order[:known])
    rest = {name: facts[name] for name in order[known:]}
    assert terms.replace_all(term, rest) == (TRUE if evaluate(expression, facts) else FALSE)


@given(conditions())
def test_a_condition_that_reads_no_fact_is_decided(expression: Expression) -> None:
    terms = Terms(hierarchy())
    term = build(terms, expression)
    assert (term in {TRUE, FALSE}) == (not terms.facts(term))


def test_true_and_one_are_different_constants() -> None:
    terms = Terms(hierarchy())
    assert terms.value(value=True) != terms.value(1)
    assert terms.value(value=False) != terms.value(0)


@pytest.fixture
def terms() -> Terms:
    return Terms(hierarchy())


def test_a_condition_and_its_opposite_meet(terms: Terms) -> None:
    p, q = terms.fact("p", BOOL), terms.fact("q", BOOL)
    assert terms.conjoin((p, terms.negate(p))) == FALSE
    assert terms.disjoin((terms.conjoin((p, q)), terms.negate(terms.conjoin((p, q))))) == TRUE


def test_what_is_implied_is_left_out(terms: Terms) -> None:
    p, q = terms.fact("p", BOOL), terms.fact("q", BOOL)
    assert terms.conjoin((p, terms.disjoin((p, q)))) == p
    assert terms.conjoin((p, terms.disjoin((terms.negate(p), q)))) == terms.conjoin((p, q))
    assert terms.disjoin((p, terms.conjoin((p, q)))) == p


def test_what_two_exceptions_share_is_written_once(terms: Terms) -> None:
    p, q, r = (terms.fact(name, BOOL) for name in "pqr")
    both = terms.conjoin((terms.disjoin((p, r)), terms.disjoin((q, r))))
    assert both == terms.disjoin((terms.conjoin((p, q)), r))


def test_equal_conditions_have_one_number_whatever_their_order(terms: Terms) -> None:
    parts = [terms.fact(name, BOOL) for name in "pqr"]
    assert len({terms.conjoin(order) for order in itertools.permutations(parts)}) == 1
