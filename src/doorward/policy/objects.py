"""A request as Cedar's own objects: principal, action, resource, context, and the entities that come with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from doorward.cedar.entities import NO_VALUES, Entities, Entity
from doorward.cedar.types import EntityType, RecordType, Type
from doorward.cedar.values import Datetime, Uid, Value
from doorward.policy.request import Fact, Request, RequestModel

COMES = "row"  # the id of a resource that comes with its request: it is known by its attributes


@dataclass(frozen=True, slots=True)
class Objects:
    """A request as Cedar has it.

    Args:
        file: The entities of the order's files.
        own: Those that come with the request: attributes and direct parents.
    """

    principal: Uid
    action: Uid
    resource: Uid
    context: Mapping[str, Value]
    file: Entities
    own: Mapping[Uid, tuple[Mapping[str, Value], tuple[Uid, ...]]]

    def entities(self) -> Entities:
        """Return the file's entities and the request's own."""
        entities = dict(self.file)
        for uid, (attributes, parents) in self.own.items():
            above = (self.file[up].above for up in parents if up in self.file)
            entities[uid] = Entity(attributes, frozenset(parents).union(*above), NO_VALUES)
        return entities


def make_objects(model: RequestModel, request: Request) -> Objects:
    """Return a request's objects; its own entities with attributes and direct parents apart."""
    facts, kind = request.facts, request.resource.type
    principal = Uid(model.principal, request.login)
    own = {principal: _subject(model, "principal", model.principal, facts)}
    resource = Uid(kind, request.resource.id)
    if not model.resources[kind].in_file:
        resource = Uid(kind, COMES)
        own[resource] = _subject(model, "resource", kind, facts)
    context = model.environment(request.action, kind).context
    found = _value(context, "context", facts)
    assert isinstance(found, Mapping)
    return Objects(principal, Uid("Action", request.action), resource, found, model.entities, own)


def _subject(
    model: RequestModel, name: str, kind: str, facts: Mapping[str, Fact]
) -> tuple[Mapping[str, Value], tuple[Uid, ...]]:
    entity = model.schema.entities[kind]
    attributes = _value(entity.attributes, name, facts)
    assert isinstance(attributes, Mapping)
    named = [attributes[attribute] for attribute in model.parents(kind)]
    return attributes, tuple(uid for uid in named if isinstance(uid, Uid))


def _value(kind: Type, path: str, facts: Mapping[str, Fact]) -> Value:
    if isinstance(kind, RecordType):
        return {name: _value(found.type, f"{path}.{name}", facts) for name, found in kind.fields}
    value = facts[path]
    return Uid(kind.name, str(value)) if isinstance(kind, EntityType) else value


def to_json(value: Value) -> Any:  # noqa: ANN401  # JSON
    """Return a value of a request in Cedar's JSON."""
    match value:
        case Uid(type=kind, id=name):
            return {"__entity": {"type": kind, "id": name}}
        case Datetime(ms=ms):
            epoch = {"fn": "datetime", "arg": "1970-01-01"}
            return {
                "__extn": {
                    "fn": "offset",
                    "args": [{"__extn": epoch}, {"__extn": {"fn": "duration", "arg": f"{ms}ms"}}],
                }
            }
        case Mapping():
            return {name: to_json(part) for name, part in value.items()}
        case _:
            return value
