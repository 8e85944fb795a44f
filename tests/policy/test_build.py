"""Requests from named facts: strict, and nothing is guessed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError
from doorward.policy.build import build_record, build_request, build_resource, flatten_facts
from doorward.policy.facts import (
    FACT_TYPES,
    RECORD_ATTRIBUTES,
    CollectionRef,
    Fact,
    Paper,
    Papers,
    RecordRef,
    Standing,
    facts_of,
)

ROW: dict[str, Fact] = {name: "x" if kind == "str" else True for name, kind in RECORD_ATTRIBUTES.items()}
CLEAR = CollectionRef("clear")


@st.composite
def all_facts(draw: st.DrawFn) -> dict[str, Fact]:
    found: dict[str, Fact] = {}
    for path, kind in FACT_TYPES.items():
        if path == "context.process":
            continue
        if path.endswith(".scope"):
            found[path] = draw(st.sampled_from(["in", "out", "unknown"]))
        elif path == "context.register.standing":
            found[path] = draw(st.sampled_from([standing.value for standing in Standing]))
        elif path == "context.initiative":
            found[path] = draw(st.sampled_from(["asked", "own-motion"]))
        elif path == "context.requester.identified":
            found[path] = draw(st.sampled_from(["none", "claimed", "verified"]))
        else:
            found[path] = draw(st.booleans()) if kind == "bool" else draw(st.text(max_size=4))
    return found


@given(all_facts())
def test_a_request_has_exactly_the_facts_that_it_was_built_from(facts: dict[str, Fact]) -> None:
    request = build_request(facts, resource=CLEAR, now=datetime(2026, 1, 1, tzinfo=UTC))
    found = facts_of(request)
    process = found.pop("context.process")
    assert found == facts
    courts = ("court_criminal", "court_civil", "court_subpoena", "court_order")
    papers = [getattr(request.context.papers, name) for name in courts]
    assert process == any(p.verified and p.scope == "in" and p.current for p in papers)


def test_what_is_not_given_is_not_known(now: datetime) -> None:
    context = build_request({}, resource=CLEAR, now=now).context
    assert context.for_agency == "unknown"
    assert (context.task_force.member, context.task_force.attested) == (True, False)
    assert context.register.standing is Standing.UNVERIFIED
    assert not context.process


def test_fields_of_two_papers_are_never_one_process() -> None:
    half = Paper(presented=True, verified=True, scope="in", current=False)
    other = Paper(presented=True, verified=False, scope="in", current=True)
    whole = Paper(presented=True, verified=True, scope="in", current=True)
    assert not Papers(court_criminal=half, court_order=other).process
    assert Papers(court_criminal=half, court_order=whole).process
    assert not Papers(
        agency_subpoena=whole, administrative=whole, detainer=whole, immigration_court=whole
    ).process


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("context.nothing", "x", "is no fact"),
        ("context.process", True, "computed from the papers"),
        ("context.emergency", "yes", "takes true or false"),
        ("context.purpose", True, "takes a string"),
        ("context.register.standing", "sure", "no word for"),
        ("context.papers.detainer.scope", "maybe", "no word for"),
    ],
)
def test_a_fact_that_is_none_is_refused(now: datetime, path: str, value: Fact, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build_request({path: value}, resource=CLEAR, now=now)


def test_a_row_is_given_whole() -> None:
    assert isinstance(build_record("clear.persons", ROW), RecordRef)
    for name in ROW:
        with pytest.raises(ConfigError, match=f"`{name}` of a row takes"):
            build_record("clear.persons", {key: value for key, value in ROW.items() if key != name})
    with pytest.raises(ConfigError, match="`colour` is no attribute"):
        build_record("clear.persons", ROW | {"colour": "red"})


def test_a_resource_is_a_collection_or_a_row_with_its_table() -> None:
    assert build_resource("clear") == CLEAR
    found = build_resource(ROW | {"table": "clear.persons"})
    assert isinstance(found, RecordRef)
    assert found.table == "clear.persons"
    with pytest.raises(ConfigError, match="needs its `table`"):
        build_resource(ROW)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    )
)
def test_any_object_is_facts_or_refused(value: Any) -> None:
    try:
        found = flatten_facts({"a": value})
    except ConfigError:
        return
    assert all(path.startswith("a") for path in found)
