"""Cedar's schema syntax, read into a `Schema`.

cedarpy checks a schema and does not give back what it read, so it is read here. Call it only for a text that cedarpy
takes: what cedarpy refuses may give any `PolicySyntaxError` here.

Source: Cedar language reference, "Human-readable schema grammar"; name resolution as in RFC 24 and RFC 70 of
cedar-policy/rfcs (a name is looked for in its namespace, then in the empty one; common types, entity types, built-ins).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from doorward.cedar.scan import unquote
from doorward.cedar.schema import Action, EntityKind, Schema
from doorward.cedar.types import PRIMITIVES, EntityType, Field, RecordType, SetType, Type, make_record
from doorward.cedar.values import Uid
from doorward.errors import PolicySyntaxError, Span

_TOKEN = re.compile(
    r'(?P<space>\s+|//[^\n]*)|(?P<string>"(?:\\.|[^"\\])*")|(?P<word>[A-Za-z_]\w*)|(?P<sign>::|[^\s\w])',
    re.DOTALL | re.ASCII,
)
T = TypeVar("T")
_BUILT_IN = "__cedar"
EMPTY = RecordType(())


@dataclass(slots=True)
class _Names:
    """Every name that the text declares, full."""

    entities: set[str] = field(default_factory=set)
    types: dict[str, tuple[str, "_Written"]] = field(default_factory=dict)


# A type as it is written: a name, a set's element, or a record's fields.
_Written = str | tuple["_Written"] | dict[str, tuple["_Written", bool]]


@dataclass(slots=True)
class _Entity:
    name: str
    namespace: str
    parents: list[str]
    attributes: _Written
    tags: "_Written | None"
    choices: list[str] | None


@dataclass(slots=True)
class _Action:
    id: str
    namespace: str
    parents: list[tuple[str, str]]
    principals: list[str]
    resources: list[str]
    context: _Written


def parse_schema(text: str, *, file: str = "schema") -> Schema:
    """Return the schema of a text.

    Raises:
        PolicySyntaxError: The text is no schema in Cedar's own syntax.
    """
    reader = _Reader(text, file)
    reader.read()
    return _resolve(reader)


class _Reader:
    """Reads declarations; names stay as they are written."""

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._text = text
        self._tokens = [
            (match.group(), match.start()) for match in _TOKEN.finditer(text) if match.lastgroup != "space"
        ]
        self._at = 0
        self.names = _Names()
        self.entities: list[_Entity] = []
        self.actions: list[_Action] = []

    def read(self) -> None:
        while self._at < len(self._tokens):
            self._annotations()
            if self._take("namespace"):
                namespace = self._path()
                self._need("{")
                while not self._take("}"):
                    self._annotations()
                    self._declaration(namespace)
            else:
                self._declaration("")

    def _declaration(self, namespace: str) -> None:
        match self._next():
            case "entity":
                self._entity(namespace)
            case "action":
                self._action(namespace)
            case "type":
                name = self._next()
                self._need("=")
                self.names.types[_full(namespace, name)] = (namespace, self._type())
            case other:
                raise self._fault(f"expected entity, action or type, got `{other}`")
        self._need(";")

    def _entity(self, namespace: str) -> None:
        names = list(self._several())
        parents: list[str] = []
        attributes: _Written = {}
        tags: _Written | None = None
        choices: list[str] | None = None
        if self._take("enum"):
            choices = [unquote(token) for token in self._list(self._next)]
        else:
            if self._take("in"):
                parents = self._paths()
            if self._take("=") or self._peek() == "{":
                attributes = self._record()
            if self._take("tags"):
                tags = self._type()
        for name in names:
            self.names.entities.add(_full(namespace, name))
            self.entities.append(_Entity(name, namespace, parents, attributes, tags, choices))

    def _action(self, namespace: str) -> None:
        names = [_plain(token) for token in self._several()]
        parents: list[tuple[str, str]] = []
        applies: dict[str, _Written | list[str]] = {}
        if self._take("in"):
            bracket = self._peek() == "["
            parents = self._list(self._action_name) if bracket else [self._action_name()]
        if self._take("appliesTo"):
            self._need("{")
            while not self._take("}"):
                part = self._next()
                self._need(":")
                applies[part] = self._type() if part == "context" else self._paths()
                self._take(",")
        if self._take("attributes"):
            self._record()
        for name in names:
            principals, resources = applies.get("principal", []), applies.get("resource", [])
            context = applies.get("context", {})
            assert isinstance(principals, list)
            assert isinstance(resources, list)
            assert not isinstance(context, list)
            self.actions.append(_Action(name, namespace, parents, principals, resources, context))

    def _action_name(self) -> tuple[str, str]:
        """Return the written type (empty where none) and the id of an action."""
        parts = [self._next()]
        while self._take("::"):
            parts.append(self._next())
        return "::".join(parts[:-1]), _plain(parts[-1])

    def _paths(self) -> list[str]:
        return self._list(self._path) if self._peek() == "[" else [self._path()]

    def _path(self) -> str:
        name = self._next()
        while self._take("::"):
            name += f"::{self._next()}"
        return name

    def _type(self) -> _Written:
        if self._peek() == "{":
            return self._record()
        name = self._path()
        if name == "Set" and self._take("<"):
            element = self._type()
            self._need(">")
            return (element,)
        return name

    def _record(self) -> dict[str, tuple[_Written, bool]]:
        self._need("{")
        fields: dict[str, tuple[_Written, bool]] = {}
        while not self._take("}"):
            self._annotations()
            name = _plain(self._next())
            required = not self._take("?")
            self._need(":")
            fields[name] = (self._type(), required)
            self._take(",")
        return fields

    def _annotations(self) -> None:
        while self._take("@"):
            self._next()
            if self._take("("):
                self._next()
                self._need(")")

    def _several(self) -> Iterator[str]:
        yield self._next()
        while self._take(","):
            yield self._next()

    def _list(self, item: Callable[[], T]) -> list[T]:
        self._need("[")
        found = []
        while not self._take("]"):
            found.append(item())
            self._take(",")
        return found

    def _peek(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise self._fault("the text ends in the middle of a declaration")
        self._at += 1
        return self._tokens[self._at - 1][0]

    def _take(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._at += 1
        return True

    def _need(self, token: str) -> None:
        if not self._take(token):
            raise self._fault(f"expected `{token}`, got `{self._peek()[:40]}`")

    def _fault(self, message: str) -> PolicySyntaxError:
        at = self._tokens[min(self._at, len(self._tokens) - 1)][1] if self._tokens else 0
        before = self._text[:at]
        span = Span(self._file, before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1)
        return PolicySyntaxError(f"this is no Cedar schema: {message}", span=span)


def _resolve(read: _Reader) -> Schema:
    entities, actions = {}, {}
    resolver = _Resolver(read.names)
    for entity in read.entities:
        attributes = resolver.type(entity.attributes, entity.namespace)
        assert isinstance(attributes, RecordType)
        entities[_full(entity.namespace, entity.name)] = EntityKind(
            parents=frozenset(resolver.entity(name, entity.namespace) for name in entity.parents),
            attributes=attributes,
            tags=None if entity.tags is None else resolver.type(entity.tags, entity.namespace),
            choices=None if entity.choices is None else frozenset(entity.choices),
        )
    for action in read.actions:
        context = resolver.type(action.context, action.namespace)
        uid = Uid(_full(action.namespace, "Action"), action.id)
        actions[uid] = Action(
            uid=uid,
            parents=tuple(Uid(kind or uid.type, name) for kind, name in action.parents),
            principals=tuple(resolver.entity(name, action.namespace) for name in action.principals),
            resources=tuple(resolver.entity(name, action.namespace) for name in action.resources),
            context=context if isinstance(context, RecordType) else EMPTY,
        )
    return Schema(entities, actions)


class _Resolver:
    def __init__(self, names: _Names) -> None:
        self._names = names

    def entity(self, name: str, namespace: str) -> str:
        return next(
            (full for full in (_full(namespace, name), name) if full in self._names.entities),
            _full(namespace, name),
        )

    def type(self, written: _Written, namespace: str) -> Type:
        if isinstance(written, dict):
            return make_record(
                {name: Field(self.type(kind, namespace), needed) for name, (kind, needed) in written.items()}
            )
        if isinstance(written, tuple):
            return SetType(self.type(written[0], namespace))
        return self._named(written, namespace)

    def _named(self, name: str, namespace: str) -> Type:
        scope, _, last = name.rpartition("::")
        if scope == _BUILT_IN:
            return PRIMITIVES[last]
        for full in (_full(namespace, name), name):
            if full in self._names.types:
                home, written = self._names.types[full]
                return self.type(written, home)
            if full in self._names.entities:
                return EntityType(full)
        found = PRIMITIVES.get(name)
        if found is None:
            raise PolicySyntaxError(f"this is no Cedar schema: `{name}` is no type of it")
        return found


def _full(namespace: str, name: str) -> str:
    return f"{namespace}::{name}" if namespace and "::" not in name else name


def _plain(token: str) -> str:
    return unquote(token) if token.startswith('"') else token
