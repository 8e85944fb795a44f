"""Requests from named facts: strict, complete, and nothing is guessed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.cedar.types import BOOL, DATETIME, EntityType
from doorward.errors import ConfigError
from doorward.orders.load import Pack, load_pack
from doorward.policy.request import Fact, FactSpec, Resource, flatten_facts

CLEAR = Resource("Collection", "clear")
PACK = load_pack("chicago")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
COURTS = ("court_criminal", "court_civil", "court_subpoena", "court_order")


def values(spec: FactSpec) -> st.SearchStrategy[Fact]:
    if spec.words is not None:
        return st.sampled_from(spec.words)
    return st.booleans() if spec.type == BOOL else st.text(max_size=4)


@st.composite
def all_facts(draw: st.DrawFn) -> dict[str, Fact]:
    specs = PACK.requests.facts.items()
    return {p: draw(values(spec)) for p, spec in specs if spec.definition is None and spec.type != DATETIME}


@given(all_facts())
def test_a_request_has_exactly_the_facts_that_it_was_built_from(facts: dict[str, Fact]) -> None:
    found = dict(PACK.request(facts, resource=CLEAR, now=NOW).facts)
    computed = {path for path, spec in PACK.requests.facts.items() if spec.definition is not None}
    assert computed == {
        "context.process", "context.court_shown", "context.requester.party", "context.requester.component",
    }  # fmt: skip
    process, shown = found["context.process"], found["context.court_shown"]
    assert {path: v for path, v in found.items() if path not in computed and path != "context.now"} == facts
    papers = [{n: facts[f"context.papers.{c}.{n}"] for n in ("verified", "scope", "current")} for c in COURTS]
    assert process == any(p["verified"] and p["scope"] == "in" and p["current"] for p in papers)
    assert shown == any(facts[f"context.papers.{court}.presented"] for court in COURTS)
    assert found["context.requester.party"] == PACK.agencies[str(facts["context.requester.agency"])].party


def test_what_is_not_given_is_not_known() -> None:
    facts = PACK.request({}, resource=CLEAR, now=NOW).facts
    assert facts["context.for_agency"] == "unknown"
    assert (facts["context.task_force.member"], facts["context.task_force.attested"]) == (True, False)
    assert facts["context.register.standing"] == "unverified"
    assert facts["context.process"] is False


def test_fields_of_two_papers_are_never_one_process() -> None:
    def paper(court: str, **facts: Fact) -> dict[str, Fact]:
        return {f"context.papers.{court}.{name}": value for name, value in facts.items()}

    def process(*papers: dict[str, Fact]) -> Fact:
        facts = {path: value for facts in papers for path, value in facts.items()}
        return PACK.request(facts, resource=CLEAR, now=NOW).facts["context.process"]

    half = paper("court_criminal", presented=True, verified=True, scope="in", current=False)
    other = paper("court_order", presented=True, verified=False, scope="in", current=True)
    whole = paper("court_order", presented=True, verified=True, scope="in", current=True)
    assert process(half, other) is False
    assert process(half, whole) is True
    for agency in ("agency_subpoena", "administrative", "detainer", "immigration_court"):
        assert process(paper(agency, presented=True, verified=True, scope="in", current=True)) is False


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("context.nothing", "x", "is no fact"),
        ("resource.kind", "x", "is no fact"),
        ("context.process", True, "computed from other facts"),
        ("context.emergency", "yes", "takes true or false"),
        ("context.purpose", True, "takes a text"),
        ("context.register.standing", "sure", "no word for"),
        ("context.papers.detainer.scope", "maybe", "no word for"),
        ("context.for_agency", "NOBODY", "no word for"),
    ],
)
def test_a_fact_that_is_none_is_refused(path: str, value: Fact, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        PACK.request({path: value}, resource=CLEAR, now=NOW)


@given(st.data())
def test_any_value_of_any_fact_is_taken_or_refused(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(PACK.requests.facts)))
    value: Any = data.draw(
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers(), max_size=2)
    )
    spec = PACK.requests.facts[path]
    good = spec.definition is None and path != "context.now" and spec.allows(value)
    if good:
        assert PACK.request({path: value}, resource=CLEAR, now=NOW).facts[path] == value
    elif path != "context.now":
        with pytest.raises(ConfigError):
            PACK.request({path: value}, resource=CLEAR, now=NOW)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ConfigError, match="time zone"):
        PACK.request({}, resource=CLEAR, now=datetime(2026, 1, 1))


@pytest.mark.parametrize(
    ("action", "resource", "said"),
    [
        ("steal", CLEAR, "no action of the order"),
        ("query", Resource("Place"), "is not asked of a `Place`"),
        ("query", Resource("Collection", "attic"), "no collection of the order"),
    ],
)
def test_what_cannot_be_asked_is_refused(action: str, resource: Resource, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        PACK.request({}, resource=resource, now=NOW, action=action)


def test_a_resource_brings_its_own_facts() -> None:
    asked = PACK.request({"resource.kind": "library"}, resource=Resource("Place"), now=NOW, action="enter")
    assert (asked.facts["resource.kind"], asked.facts["resource.public"]) == ("library", False)
    with pytest.raises(ConfigError, match="no word for"):
        PACK.request({"resource.kind": "castle"}, resource=Resource("Place"), now=NOW, action="enter")


def test_every_entity_fact_has_the_entities_of_the_files_as_its_words(pack: Pack) -> None:
    for spec in pack.requests.facts.values():
        if isinstance(spec.type, EntityType):
            assert spec.words == pack.requests.ids(spec.type.name)


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
