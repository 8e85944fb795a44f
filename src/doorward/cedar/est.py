"""From Cedar text to rules: cedarpy parses, this gives its trees places and the shape that the targets compile.

Source: Cedar "JSON policy format"; checked against the engine by the shared corpus and by tests/cedar/test_est.py.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cedarpy

from doorward.cedar.ir import (
    ActionScope,
    And,
    Call,
    Expr,
    Get,
    Has,
    If,
    Is,
    Like,
    Lit,
    MakeRecord,
    MakeSet,
    Not,
    Or,
    Rule,
    Scope,
    Slot,
    Var,
)
from doorward.cedar.places import Placer
from doorward.cedar.scan import Source, find_syntax_error
from doorward.cedar.values import Uid
from doorward.errors import PolicySyntaxError


@dataclass(frozen=True, slots=True)
class Link:
    """A template filled in: which template, under which id, with which entities."""

    template: str
    id: str
    values: Mapping[str, Uid]


@lru_cache(maxsize=64)
def read_json(text: str) -> Mapping[str, Any]:
    """Return Cedar's JSON form of a text; an order needs it three times of each file, and nobody changes it.

    Raises:
        ValueError: The text is no Cedar.
    """
    found: Mapping[str, Any] = json.loads(cedarpy.policies_to_json_str(text))
    return found


def read_rules(source: Source, links: Sequence[Link] = ()) -> tuple[Rule, ...]:
    """Return the policies of a text in its order, then the links; a template that nobody links gives nothing.

    Args:
        source: The text.
        links: By the template's ``@id`` or its positional id.

    Raises:
        PolicySyntaxError: The text is no Cedar, or a link does not fit its template.
    """
    try:
        raw = read_json(source.text)
    except ValueError as error:
        span, said = find_syntax_error(source)
        raise PolicySyntaxError(f"this is no Cedar: {said}", span=span) from error
    rules = [_rule(source, name, found) for name, found in raw["staticPolicies"].items()]
    templates = [_rule(source, name, found) for name, found in raw["templates"].items()]
    rules.sort(key=lambda rule: rule.number)
    return (*rules, *(_link(link, templates) for link in links))


def template_ids(source: Source) -> tuple[str, ...]:
    """Return the positional ids of a text's templates; raises PolicySyntaxError where it is no Cedar."""
    try:
        return tuple(read_json(source.text)["templates"])
    except ValueError as error:
        span, said = find_syntax_error(source)
        raise PolicySyntaxError(f"this is no Cedar: {said}", span=span) from error


def _link(link: Link, templates: Sequence[Rule]) -> Rule:
    found = [rule for rule in templates if link.template in {rule.id, rule.annotations.get("id")}]
    if len(found) != 1:
        raise PolicySyntaxError(f"the link `{link.id}` names no template: `{link.template}`")
    rule = found[0]
    slots = {s.entity.name for s in (rule.principal, rule.resource) if isinstance(s.entity, Slot)}
    if slots != link.values.keys():
        raise PolicySyntaxError(f"the link `{link.id}` must fill {', '.join(sorted(slots))}")
    return replace(
        rule,
        id=link.id,
        principal=_fill(rule.principal, link.values),
        resource=_fill(rule.resource, link.values),
    )


def _fill(scope: Scope, values: Mapping[str, Uid]) -> Scope:
    return replace(scope, entity=values[scope.entity.name]) if isinstance(scope.entity, Slot) else scope


def _rule(source: Source, name: str, raw: Mapping[str, Any]) -> Rule:
    number = int(name.removeprefix("policy"))
    condition: Expr | None = None
    placer = Placer(source, number)
    for part in raw["conditions"]:
        body = placer.condition(part["kind"], _expression(part["body"]))
        body = Not(body) if part["kind"] == "unless" else body
        condition = body if condition is None else And(condition, body)
    return Rule(
        id=name,
        effect=raw["effect"],
        principal=_scope(raw["principal"]),
        action=_action_scope(raw["action"]),
        resource=_scope(raw["resource"]),
        condition=condition,
        annotations={key: value or "" for key, value in raw.get("annotations", {}).items()},
        number=number,
    )


def _scope(raw: Mapping[str, Any]) -> Scope:
    match raw["op"]:
        case "All":
            return Scope()
        case "is":
            inner = raw.get("in")
            return Scope(raw["entity_type"], _named(inner) if inner else None, within=bool(inner))
        case op:
            return Scope(entity=_named(raw), within=op == "in")


def _named(raw: Mapping[str, Any]) -> Uid | Slot:
    if "slot" in raw:
        return Slot("principal" if raw["slot"] == "?principal" else "resource")
    return _uid(raw["entity"])


def _action_scope(raw: Mapping[str, Any]) -> ActionScope:
    match raw:
        case {"op": "All"}:
            return ActionScope()
        case {"entities": entities}:
            return ActionScope(tuple(_uid(entity) for entity in entities), within=True)
        case _:
            return ActionScope((_uid(raw["entity"]),), within=raw["op"] == "in")


def _uid(raw: Mapping[str, str]) -> Uid:
    return Uid(raw["type"], raw["id"])


def _expression(raw: Mapping[str, Any]) -> Expr:
    (op, body), *_ = raw.items()
    match op, body:
        case "Value", _:
            return Lit(_value(body))
        case "Var", name:
            return Var(name)
        case "&&", {"left": left, "right": right}:
            return And(_expression(left), _expression(right))
        case "||", {"left": left, "right": right}:
            return Or(_expression(left), _expression(right))
        case "!", {"arg": argument}:
            return Not(_expression(argument))
        case "if-then-else", {"if": condition, "then": then, "else": otherwise}:
            return If(_expression(condition), _expression(then), _expression(otherwise))
        case ".", {"left": base, "attr": name}:
            return Get(_expression(base), name)
        case "has", {"left": base, "attr": name}:
            return Has(_expression(base), name)
        case "like", {"left": base, "pattern": pattern}:
            return Like(_expression(base), _pattern(pattern))
        case "is", {"left": base, "entity_type": kind}:
            tested = Is(_expression(base), kind)
            return And(tested, Call("in", (tested.base, _expression(body["in"])))) if "in" in body else tested
        case "Set", elements:
            return MakeSet(tuple(map(_expression, elements)))
        case "Record", fields:
            return MakeRecord(tuple((name, _expression(part)) for name, part in fields.items()))
        case _, {"left": left, "right": right}:
            return Call(op, (_expression(left), _expression(right)))
        case _, {"arg": argument}:
            return Call(op, (_expression(argument),))
        case _:
            return Call(op, tuple(map(_expression, body)))


def _value(raw: Any) -> bool | int | str | Uid:  # noqa: ANN401  # JSON as cedarpy wrote it
    return _uid(raw["__entity"]) if isinstance(raw, dict) else raw


def _pattern(raw: Sequence[Any]) -> tuple[str | None, ...]:
    parts: list[str | None] = []
    for part in raw:
        literal = None if part == "Wildcard" else part["Literal"]
        if literal is not None and parts and isinstance(parts[-1], str):
            parts[-1] += literal
        elif literal is not None or not parts or parts[-1] is not None:
            parts.append(literal)
    return tuple(parts)
