"""Schemas and policies as the compilers read them: names, places, templates, and what is refused."""

from collections.abc import Iterable
from pathlib import Path

import cedarpy
import pytest
from hypothesis import given

from doorward.cedar.corpus import Case
from doorward.cedar.est import Link, read_rules
from doorward.cedar.ir import NOWHERE, Call, Get, Has, Is, Lit, MakeRecord, Scope, Var, walk
from doorward.cedar.python import bits, compile_rules
from doorward.cedar.resolve import Resolver
from doorward.cedar.scan import scan
from doorward.cedar.schema_text import parse_schema
from doorward.cedar.types import BOOL, LONG, STRING, EntityType, SetType
from doorward.cedar.values import Uid
from doorward.errors import PolicySyntaxError
from tests_support.cedar_cases import cases
from tests_support.corpus import read_some

SCHEMA = """
// a comment
@doc("x") namespace Clinic {
  type Name = { first: String, last?: __cedar::String, };
  entity Ward, Floor in [Ward, Building];
  entity Nurse in Ward = { "full name": Name, level: Level, wards: Set<Ward>, ok: Bool } tags Set<Long>;
  entity Level enum ["low", "h\\u{e9}"];
  action "all";
  action look, "see it" in [all, Action::"all"] appliesTo {
    principal: Nurse, resource: [Ward, Floor], context: { who: Name, when: datetime, },
  };
  action none appliesTo { principal: [Nurse], resource: [Ward], context: Empty };
}
type Empty = {};
entity Building;
"""


def test_a_schema_is_read_with_names_in_full() -> None:
    cedarpy.Schema.from_str(SCHEMA)  # the engine takes it
    schema = parse_schema(SCHEMA)
    nurse = schema.entities["Clinic::Nurse"]
    assert nurse.parents == {"Clinic::Ward"}
    assert nurse.tags == SetType(LONG)
    level = nurse.attributes.field("level")
    assert level is not None
    assert level.type == EntityType("Clinic::Level")
    assert str(nurse.attributes) == (
        "{full name: {first: String, last?: String}, level: Clinic::Level, ok: Bool, wards: Set<Clinic::Ward>}"
    )
    assert schema.entities["Clinic::Level"].choices == frozenset(("low", "hé"))
    assert schema.entities["Clinic::Floor"].parents == {"Clinic::Ward", "Building"}
    look = schema.actions[Uid("Clinic::Action", "see it")]
    assert look.resources == ("Clinic::Ward", "Clinic::Floor")
    assert schema.action_groups[look.uid] == {look.uid, Uid("Clinic::Action", "all"), Uid("Action", "all")}
    assert len(list(schema.environments())) == 5
    assert schema.environment("Clinic::Nurse", Uid("Clinic::Action", "all"), "Clinic::Ward") is None
    assert schema.may_be_in["Clinic::Nurse"] == {"Clinic::Nurse", "Clinic::Ward", "Building"}


@pytest.mark.parametrize(
    "text", ["entity", "entity A = { x: Nothing };", "action a appliesTo { principal", "type ;", "x"]
)
def test_a_text_that_is_no_schema_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(PolicySyntaxError, match="no Cedar schema"):
        parse_schema(text)


def count_placed(found: Iterable[Case]) -> int:
    """Return how many parts the policies of cases have; each has its place."""
    met = 0
    for case in found:
        source = scan(case.name, case.policies)
        for rule in read_rules(source):
            for node in walk(rule.condition):
                if isinstance(node, Lit | Var | Get | Has | Is | Call):
                    met += 1
                    assert node.at != NOWHERE, (case.name, node)
    return met


@pytest.mark.shared
def test_every_part_of_some_of_the_shared_corpus_has_its_place(shared: Path) -> None:
    assert count_placed(read_some(shared, every=12)) > 1_200


@pytest.mark.shared
@pytest.mark.long
def test_every_part_of_the_shared_corpus_has_its_place(shared: Path) -> None:
    assert count_placed(read_some(shared, every=1)) > 15_000


@given(case=cases())
def test_a_part_stands_where_its_token_stands(case: Case) -> None:
    source = scan("p", case.policies)
    for rule in read_rules(source):
        for node in walk(rule.condition):
            here = source.text[node.at :]
            match node:
                case Var(name=name) | Call(function=name) if name != "neg":
                    assert here.startswith(name)
                case Has():
                    assert here.startswith("has")
                case Get(name=name):
                    assert here.startswith((name, f'"{name}"'))
                case Lit(value=bool(value)):
                    assert here.startswith("true" if value else "false")
                case Lit(value=int(value)):
                    assert here.startswith(str(abs(value)))
                case _:
                    pass


def test_places_are_told_apart_where_tokens_repeat() -> None:
    head = "permit (principal, action, resource)\n"
    text = head + "when { principal has a.b && {b: principal.a, a: 1}.a == principal.b.a };"
    source = scan("p", text)
    (rule,) = read_rules(source)
    variables = [
        source.span(n.at).column for n in walk(rule.condition) if isinstance(n, Var) and n.at != NOWHERE
    ]
    assert variables == [8, 33, 57]
    (record,) = [node for node in walk(rule.condition) if isinstance(node, MakeRecord)]
    assert source.span(record.at).column == 29


def test_templates_are_linked_and_their_slots_filled() -> None:
    text = (
        '@id("share") permit (principal == ?principal, action, resource in ?resource) when { context.n > 0 };'
    )
    source = scan("t", text)
    assert read_rules(source) == ()
    link = Link("share", "ann", {"principal": Uid("User", "ann"), "resource": Uid("Folder", "f")})
    (rule,) = read_rules(source, [link])
    assert (rule.id, rule.principal, rule.resource) == (
        "ann", Scope(entity=Uid("User", "ann")), Scope(entity=Uid("Folder", "f"), within=True),
    )  # fmt: skip
    for wrong in (Link("gone", "x", {}), Link("share", "x", {"principal": Uid("User", "u")})):
        with pytest.raises(PolicySyntaxError, match=r"link `x`"):
            read_rules(source, [wrong])


def test_a_linked_template_decides_as_the_engine_does() -> None:
    text = '@id("t") forbid (principal in ?principal, action, resource);'
    linked = cedarpy.PolicySet.from_str(text + "permit (principal, action, resource);").with_linked(
        "t", "one", {"?principal": 'Group::"g"'}
    )
    request = {"principal": 'User::"u"', "action": 'Action::"a"', "resource": 'User::"u"', "context": {}}
    entities = (
        '[{"uid": {"type": "User", "id": "u"}, "attrs": {}, "parents": [{"type": "Group", "id": "g"}]}]'
    )
    assert cedarpy.is_authorized(request, linked, entities).diagnostics.reasons == ["one"]
    (rule,) = read_rules(scan("t", text), [Link("t", "one", {"principal": Uid("Group", "g")})])
    schema = parse_schema(
        "entity Group; entity User in Group; action a appliesTo { principal: User, resource: User };"
    )
    (environment,) = schema.environments()
    from doorward.cedar.entities import read_entities

    rows = [{"uid": {"type": "User", "id": "u"}, "attrs": {}, "parents": [{"type": "Group", "id": "g"}]}]
    applies, failed = compile_rules([Resolver(schema, environment).rule(rule)])(
        Uid("User", "u"), Uid("Action", "a"), Uid("User", "u"), {}, read_entities(rows, schema)
    )
    assert (bits(applies), failed) == ((0,), 0)


def test_what_is_no_cedar_is_refused_with_its_place() -> None:
    with pytest.raises(PolicySyntaxError, match=r"p\.cedar:2:12"):
        read_rules(scan("p.cedar", "permit (principal, action, resource)\nwhen { if };"))


def test_types_come_from_the_schema_and_dead_branches_go() -> None:
    schema = parse_schema(
        "entity U { n: Long, s?: String }; entity V;"
        "action a, b appliesTo { principal: [U], resource: [V], context: {} };"
    )
    environment = schema.environment("U", Uid("Action", "a"), "V")
    assert environment is not None
    text = """permit (principal, action in [Action::"b"], resource);
    permit (principal is U, action, resource is V) when { principal is V || action == Action::"a" };
    permit (principal, action, resource) when { principal.n + 1 > 2 || principal.s == "x" };
    permit (principal, action, resource) when { resource has s && resource.s.t.u };"""
    resolver = Resolver(schema, environment, present=True)
    never, always, may_fail, dead = (resolver.rule(rule) for rule in read_rules(scan("p", text)))
    assert isinstance(never, Lit)
    assert never.value is False
    assert isinstance(always, Lit)
    assert always.value is True
    assert (may_fail.type, may_fail.errs) == (BOOL, True)
    assert {str(node.type) for node in walk(may_fail)} == {"Bool", "Long", "String", "U"}
    assert isinstance(dead, Lit)
    assert STRING not in {node.type for node in walk(dead)}
