"""resolvers.toml: where each fact of a request comes from, its words, and what it can be at the database door."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from doorward.cedar.entities import Entities
from doorward.cedar.est import read_rules
from doorward.cedar.flat import compile_fact
from doorward.cedar.ir import Call, Expr
from doorward.cedar.resolve import Resolver
from doorward.cedar.scan import scan
from doorward.cedar.schema import Environment, Schema
from doorward.cedar.shapes import Untranslatable
from doorward.cedar.types import BOOL, DATETIME, LONG, STRING, EntityType, RecordType, Type, leaves
from doorward.cedar.values import Datetime
from doorward.errors import PolicySyntaxError
from doorward.orders.toml import Toml
from doorward.policy.request import CLAIM, GRANT, NOW, UNKNOWN, Fact, FactSpec, RequestModel, ResourceSpec
from doorward.policy.vocabulary import Vocabulary

COMPUTED, CLOCK = "computed", "clock"
KEYS = ("resolver", "says", "words", "unknown", "remedy", "is", "at_database")
FACT_TYPES = (BOOL, LONG, STRING, DATETIME)
REMEDIES = ("paper", "register")
_UNKNOWN: Mapping[Type, Fact] = {BOOL: False, LONG: 0, DATETIME: Datetime(0)}


@dataclass(frozen=True, slots=True)
class Resolved:
    """What resolvers.toml says, laid over the schema."""

    model: RequestModel
    vocabulary: Vocabulary


def read_resolvers(
    file: Toml, *, schema: Schema, entities: Entities, purposes: Sequence[str], database: bool
) -> Resolved | None:
    """Return the facts of the order; None where the schema has none. Faults are noted in the file.

    Args:
        file: resolvers.toml.
        schema: The pack's.
        entities: The pack's files, collections included.
        purposes: The order's words.
        database: Whether the order stands at a database, so that each fact needs its `at_database`.
    """
    file.refuse_others(("fact",))
    shape = _shape(file, schema)
    if shape is None:
        return None
    reader = _Reader(file, schema, entities, {"purposes": tuple(purposes)}, shape, database=database)
    for key in file.table("fact"):
        reader.read(key)
    for path in shape.types:
        if path not in reader.specs:
            file.note(
                f"`{path}` has no resolver: a fact without one does not load",
                "fact",
                hint=f'[fact."{path}"] with `resolver`, `says` and `at_database`',
            )
            reader.specs[path] = FactSpec(
                path, shape.types[path], None, _UNKNOWN.get(shape.types[path], ""), "", ""
            )
    return Resolved(reader.model(), reader.vocabulary())


@dataclass(frozen=True, slots=True)
class _Shape:
    """Every fact that the schema has: those of resources under the type's name, such as ``Place.public``."""

    principal: str
    resources: Mapping[str, bool]
    actions: Mapping[str, tuple[str, ...]]
    types: Mapping[str, Type]
    environment: Environment


def _shape(file: Toml, schema: Schema) -> _Shape | None:
    environments = list(schema.environments())
    principals = {environment.principal for environment in environments}
    contexts = {environment.context for environment in environments}
    if len(principals) != 1 or len(contexts) != 1:
        file.note(
            "the schema must have one type of principal and one context for all actions",
            hint="every fact of a request is there, whatever is asked; what is not known is `unknown`",
        )
        return None
    (principal,), (context,) = principals, contexts
    kinds = dict.fromkeys(environment.resource for environment in environments)
    types = dict(leaves(schema.entities[principal].attributes, "principal")) | dict(
        leaves(context, "context")
    )
    in_file = {kind: not schema.entities[kind].attributes.fields for kind in kinds}
    for kind in kinds:
        types |= dict(leaves(schema.entities[kind].attributes, kind))
    actions: dict[str, tuple[str, ...]] = {}
    for environment in environments:
        actions[environment.action.id] = (*actions.get(environment.action.id, ()), environment.resource)
    _check_shape(file, schema, types, optional=_optional(schema, principal, kinds, context))
    return _Shape(principal, in_file, actions, types, environments[0])


def _optional(schema: Schema, principal: str, kinds: Mapping[str, None], context: RecordType) -> list[str]:
    found = []
    stack = [(name, schema.entities[name].attributes) for name in (principal, *kinds)]
    stack.append(("context", context))
    while stack:
        path, record = stack.pop()
        for name, held in record.fields:
            if not held.required:
                found.append(f"{path}.{name}")
            if isinstance(held.type, RecordType):
                stack.append((f"{path}.{name}", held.type))
    return found


def _check_shape(file: Toml, schema: Schema, types: Mapping[str, Type], *, optional: Sequence[str]) -> None:
    for path in optional:
        file.note(
            f"`{path}` is optional in the schema", hint="every fact is required, and `unknown` is a value"
        )
    for path, kind in types.items():
        if kind not in FACT_TYPES and not isinstance(kind, EntityType):
            wanted = "Bool, Long, String, datetime or an entity"
            file.note(f"`{path}` is a {kind}; a fact is {wanted}")
    if any(kind.tags is not None for kind in schema.entities.values()):
        file.note("an entity type has tags; a fact is an attribute", hint="use an attribute that is required")


@dataclass(slots=True)
class _Reader:
    file: Toml
    schema: Schema
    entities: Entities
    named: Mapping[str, tuple[str, ...]]
    shape: _Shape
    database: bool = field(kw_only=True)
    specs: dict[str, FactSpec] = field(default_factory=dict)
    words: dict[str, tuple[Fact, ...]] = field(default_factory=dict)
    constants: dict[str, Fact] = field(default_factory=dict)
    derived: dict[str, tuple[str, Mapping[str, Fact]]] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)

    def read(self, key: str) -> None:
        at = ("fact", key)
        self.file.refuse_others(KEYS, *at)
        covered = [path for path in self.shape.types if path == key or path.startswith(f"{key}.")]
        if not covered:
            self.file.note(f"`{key}` is no fact of the schema", *at)
        for path in covered:
            if path in self.specs:
                self.file.note(f"`{path}` has two resolvers; a fact has one", *at)
            self.specs[path] = spec = self._spec(path, self.file.table(*at), at)
            if self.database and path.startswith(("principal.", "context.")):
                self._at_database(spec, self.file.get(dict, *at, "at_database"), at)

    def _spec(self, path: str, raw: Mapping[str, Any], at: tuple[str, ...]) -> FactSpec:
        kind = self.shape.types[path]
        name, says = self.file.get(str, *at, "resolver"), self.file.get(str, *at, "says")
        remedy = raw.get("remedy")
        if remedy not in {None, *REMEDIES}:
            self.file.note(
                f"`{remedy}` is no kind of remedy", *at, "remedy", hint=f"one of {', '.join(REMEDIES)}"
            )
            remedy = None
        if name == CLAIM and not _may_be_claimed(path, kind, remedy):
            self.file.note(f"`{path}` is nothing that anybody may state", *at, "resolver")
        if (name == COMPUTED) != ("is" in raw):
            self.file.note("a computed fact, and no other, has its definition in `is`", *at, "resolver")
        if path == NOW and name != CLOCK:
            self.file.note("the time is set by the clock", *at, "resolver")
        words, unknown = self._words(path, kind, raw, at)
        spec = FactSpec(path, kind, words, unknown, name, says, remedy)
        return self._define(spec, str(raw["is"]), at) if "is" in raw else spec

    def _words(
        self, path: str, kind: Type, raw: Mapping[str, Any], at: tuple[str, ...]
    ) -> tuple[tuple[Fact, ...] | None, Fact]:
        stated = raw.get("words")
        words: tuple[Fact, ...] | None = None
        if isinstance(kind, EntityType):
            words = tuple(uid.id for uid in self.entities if uid.type == kind.name)
        elif isinstance(stated, str) and stated in self.named:
            words = self.named[stated]
        elif stated is not None and kind == STRING:
            if isinstance(stated, list) and all(isinstance(word, str) for word in stated):
                words = tuple(stated)
            else:
                self.file.note(f"the words of `{path}` must be a list of texts", *at, "words")
        unknown: Fact = raw.get("unknown", _UNKNOWN.get(kind, UNKNOWN))
        spec = FactSpec(path, kind, None, unknown, "", "")
        if not spec.accepts(unknown):
            self.file.note(f"`unknown` of `{path}` has another type than the fact", *at, "unknown")
        if words is not None and unknown not in words and not isinstance(kind, EntityType):
            words = (*words, unknown)
        elif words is not None and unknown not in words:
            self.file.note(f"`{unknown}` stands for not known in `{path}` and is no entity of the files", *at)
        return words, unknown

    def _define(self, spec: FactSpec, text: str, at: tuple[str, ...]) -> FactSpec:
        """Return a computed fact with its definition, a Cedar expression over other facts."""
        source = scan(
            "resolvers.toml", f"permit (principal, action, resource) when {{ ({text}) == ({text}) }};"
        )
        resolver = Resolver(self.schema, self.shape.environment, present=True, facts_in_file=True)
        try:
            (rule,) = read_rules(source)
            assert isinstance(rule.condition, Call)
            definition: Expr = resolver.expression(rule.condition.arguments[0])
            compute = compile_fact(definition, self.schema, self.entities)
        except (PolicySyntaxError, Untranslatable, AssertionError) as error:
            self.file.note(f"the definition of `{spec.path}` is no expression over facts: {error}", *at, "is")
            return spec
        if definition.type != spec.type or definition.errs:
            self.file.note(
                f"the definition of `{spec.path}` must be a {spec.type} that is always there", *at, "is"
            )
        return FactSpec(
            spec.path,
            spec.type,
            spec.words,
            spec.unknown,
            spec.resolver,
            spec.says,
            None,
            definition,
            compute,
        )

    def _at_database(self, spec: FactSpec, raw: Mapping[str, Any], at: tuple[str, ...]) -> None:
        path = spec.path
        match dict(raw):
            case {"asked": True, **rest} if not rest and spec.words is not None:
                self.words[path] = spec.words
            case {"asked": True, **rest} if not rest and spec.type == BOOL:
                self.words[path] = (False, True)
            case {"words": list(words), **rest} if not rest and words and self._all_known(spec, words):
                self.words[path] = tuple(words)
            case {"value": value, **rest} if not rest and self._all_known(spec, [value]):
                self.constants[path] = value
            case {"unknown": True, **rest} if not rest:
                self.constants[path] = spec.unknown
            case {"any": True, **rest} if not rest:
                pass
            case {"parameter": True, **rest} if not rest and (path.startswith(GRANT) or path == NOW):
                self.parameters.add(path)
            case {"follows": str(source), **rest} if rest.keys() <= {"by"}:
                self._follows(path, source, rest.get("by"), at)
            case _:
                self.file.note(f"`at_database` says nothing usable of `{path}`", *at, "at_database")

    def _all_known(self, spec: FactSpec, values: Sequence[object]) -> bool:
        return all(spec.accepts(value) and (spec.words is None or value in spec.words) for value in values)

    def _follows(self, path: str, source: str, by: object, at: tuple[str, ...]) -> None:
        kind = self.shape.types.get(source)
        if not isinstance(kind, EntityType) or source not in self.words:
            self.file.note(
                f"`{path}` must follow an entity that stands above it and is asked", *at, "at_database"
            )
            return
        held = {uid.id: found for uid, found in self.entities.items() if uid.type == kind.name}
        if by is None:
            self.derived[path] = (source, {str(value): value for value in self.words[source]})
        elif all(isinstance(found.attributes.get(str(by)), (bool, str)) for found in held.values()):
            by_value = {name: found.attributes[str(by)] for name, found in held.items()}
            self.derived[path] = (
                source,
                {name: value for name, value in by_value.items() if isinstance(value, (bool, str))},
            )
        else:
            self.file.note(f"`{by}` is no attribute of every {kind.name}", *at, "at_database")

    def model(self) -> RequestModel:
        """Return every request that the order can be asked."""
        asked = {
            path: spec for path, spec in self.specs.items() if path.startswith(("principal.", "context."))
        }
        resources = {}
        for kind, in_file in self.shape.resources.items():
            own = [path for path in self.shape.types if path.startswith(f"{kind}.")]
            facts = {}
            for path in own:
                name = f"resource.{path.removeprefix(f'{kind}.')}"
                spec = self.specs[path]
                facts[name] = FactSpec(
                    name, spec.type, spec.words, spec.unknown, spec.resolver, spec.says, spec.remedy
                )
            resources[kind] = ResourceSpec(in_file, facts)
        in_order = {path: asked[path] for path in self.shape.types if path in asked}
        return RequestModel(
            self.schema, self.entities, self.shape.principal, in_order, resources, self.shape.actions
        )

    def vocabulary(self) -> Vocabulary:
        """Return what the database door can be asked."""
        return Vocabulary(self.words, self.constants, self.derived, frozenset(self.parameters))


def _may_be_claimed(path: str, kind: Type, remedy: object) -> bool:
    """Return whether anybody may state a fact: never who acts, what a register or a paper says, or an act (law 6)."""
    if not path.startswith("context.") or remedy is not None:
        return False
    return kind != BOOL or path.endswith("_claimed")
