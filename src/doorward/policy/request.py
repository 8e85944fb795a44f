"""The request: who acts, what is asked, of what, and every fact that the order may read, side by side under its path.

Which facts there are is the pack's schema; where each comes from, its words and what stands for "not known" are the
pack's resolvers. Nothing of one city stands here. Whether a stated word is believed is `doorward.grants`; what follows
from it is `doorward.policy.outcome`.

INVARIANT (nothing is missing): a `Request` has a value for every fact. What is not known has the fact's `unknown`,
which for what would open something is the value that does not.
INVARIANT (computed is never stated): a fact with a definition is computed from the others when the request is built.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias

from doorward.cedar.entities import Entities
from doorward.cedar.ir import Expr, Rule
from doorward.cedar.lower import Subject
from doorward.cedar.python import build_function
from doorward.cedar.resolve import Resolver
from doorward.cedar.schema import Environment, Schema
from doorward.cedar.types import BOOL, DATETIME, LONG, STRING, EntityType, Type
from doorward.cedar.values import Datetime, Uid
from doorward.errors import ConfigError

Fact: TypeAlias = bool | int | str | Datetime
Remedy: TypeAlias = Literal["paper", "register"]
UNKNOWN = "unknown"
CLAIM = "claim"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
NOW = "context.now"
PURPOSE = "context.purpose"
GRANT = "context.grant."
PYTHON: Mapping[Type, type] = {
    BOOL: bool,
    LONG: int,
    DATETIME: Datetime,
}  # of a fact; of every other type a text


@dataclass(frozen=True, slots=True)
class FactSpec:
    """One fact.

    Args:
        path: Such as ``context.purpose``; of a resource ``resource.`` and the attribute.
        type: ``Bool``, ``Long``, ``String``, ``datetime`` or an entity type.
        words: The values that it may have; None where any of its type will do.
        unknown: Stands where nothing is known.
        resolver: Who sets it.
        says: How, in a sentence.
        remedy: Which kind of remedy may change it, or None: a claim is never a remedy.
        definition: What it is computed as, or None.
        compute: The definition over flat facts.
    """

    path: str
    type: Type
    words: tuple[Fact, ...] | None
    unknown: Fact
    resolver: str
    says: str
    remedy: Remedy | None = None
    definition: Expr | None = None
    compute: Callable[[Mapping[str, Any]], Any] | None = None

    @property
    def is_claim(self) -> bool:
        """Whether anybody may state it, so that nobody is told what would have been the right thing to state."""
        return self.resolver == CLAIM

    def accepts(self, value: object) -> bool:
        """Return whether a value is of the fact's type."""
        return value.__class__ is PYTHON.get(self.type, str)

    def allows(self, value: object) -> bool:
        """Return whether a value is of the fact's type and one of its words."""
        return self.accepts(value) and (self.words is None or value in self.words)


@dataclass(frozen=True, slots=True)
class Form:
    """What every request about one type of resource has.

    Args:
        specs: Every fact by path.
        unknown: What stands for each where nothing is known.
        computed: Those that are computed, in order, each from the facts before it.
        fits: Whether facts are complete and each is one of its words; False, never an exception, where they are not.
    """

    specs: Mapping[str, FactSpec]
    unknown: Mapping[str, Fact]
    computed: tuple[tuple[str, Callable[[Mapping[str, Any]], Any]], ...]
    fits: Callable[[Mapping[str, Any]], bool]


def make_form(specs: Mapping[str, FactSpec]) -> Form:
    """Return the form of requests with these facts."""
    computed = tuple((path, spec.compute) for path, spec in specs.items() if spec.compute is not None)
    unknown = {path: spec.unknown for path, spec in specs.items()}
    return Form(specs, unknown, computed, _fitting(specs))


def _fitting(specs: Mapping[str, FactSpec]) -> Callable[[Mapping[str, Any]], bool]:
    """Return a compiled test of facts: one expression over all of them, which is three times as fast as a loop."""
    held: dict[str, object] = {}
    tests: list[ast.expr] = []
    for number, (path, spec) in enumerate(specs.items()):
        fact: ast.expr = ast.Subscript(ast.Name("facts", ast.Load()), ast.Constant(path), ast.Load())
        name = ast.Name(f"known_{number}", ast.Load())
        if _is_listed(spec):
            # A text is looked up in a set of texts, which no value of another type is in.
            held[name.id] = frozenset(spec.words or ())
            tests.append(ast.Compare(fact, [ast.In()], [name]))
        else:
            held[name.id] = PYTHON.get(spec.type, str)
            tests.append(ast.Compare(ast.Attribute(fact, "__class__", ast.Load()), [ast.Is()], [name]))
    every: ast.expr = (
        ast.BoolOp(ast.And(), tests) if len(tests) > 1 else (tests or [ast.Constant(value=True)])[0]
    )
    test = build_function("fits", ("facts",), [ast.Return(every)], held)
    size = len(specs)

    def fits(facts: Mapping[str, Any]) -> bool:
        try:
            return len(facts) == size and bool(test(facts))
        except (KeyError, TypeError):
            return False

    return fits


def _is_listed(spec: FactSpec) -> bool:
    return PYTHON.get(spec.type, str) is str and spec.words is not None


@dataclass(frozen=True, slots=True)
class Resource:
    """What is asked for: an entity of the file by its id, or something that comes with the request (no id)."""

    type: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the order.

    Args:
        facts: Complete, by path; entities by id.
        login: Who would act; no policy reads it unless it names a person.
        checked: Which facts were checked against which form, by whoever built the request.
    """

    action: str
    resource: Resource
    facts: Mapping[str, Fact]
    login: str = "somebody"
    checked: tuple[Form, Mapping[str, Fact]] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """A type of resource: whether its entities stand in the entity file, else the facts that come with the request."""

    in_file: bool
    facts: Mapping[str, FactSpec] = field(default_factory=dict)


@dataclass(frozen=True)
class RequestModel:
    """Every request that the order can be asked.

    Args:
        schema: The pack's.
        entities: The pack's files, collections included.
        principal: The one entity type that acts.
        facts: Of principal and context, by path, in the order of the schema.
        resources: By entity type.
        actions: The order's words for what is asked, each with the types of resource that it may be asked of.
    """

    schema: Schema
    entities: Entities
    principal: str
    facts: Mapping[str, FactSpec]
    resources: Mapping[str, ResourceSpec]
    actions: Mapping[str, tuple[str, ...]]
    _conditions: dict[tuple[Rule, str, str], Expr] = field(default_factory=dict, repr=False)
    _forms: dict[str, Form] = field(default_factory=dict, repr=False)

    def environment(self, action: str, resource: str) -> Environment:
        """Return the environment of an action and a type of resource that it may be asked of."""
        found = self.schema.environment(self.principal, Uid("Action", action), resource)
        assert found is not None, "an action of the model is one of its schema"
        return found

    def resolver(self, action: str, resource: str) -> Resolver:
        """Return what types and folds expressions about an action and a type of resource."""
        environment = self.environment(action, resource)
        return Resolver(self.schema, environment, present=True, facts_in_file=True)

    def condition(self, rule: Rule, action: str, resource: str) -> Expr:
        """Return when a rule applies to an action and a type of resource, resolved; made once."""
        key = (rule, action, resource)
        if key not in self._conditions:
            self._conditions[key] = self.resolver(action, resource).rule(rule)
        return self._conditions[key]

    def subjects(self, resource: Resource) -> dict[str, Subject]:
        """Return how principal and resource are known."""
        spec = self.resources[resource.type]
        known = Subject(uid=Uid(resource.type, resource.id) if resource.id else None)
        comes = Subject(comes_with_request=True, parents=self.parents(resource.type))
        return {
            "principal": Subject(comes_with_request=True, parents=self.parents(self.principal)),
            "resource": known if spec.in_file else comes,
        }

    def parents(self, kind: str) -> tuple[str, ...]:
        """Return the attributes that name what an entity is directly in: those of a type that it may be in.

        So the schema alone says it: an entity that comes with a request is in what these attributes name.
        """
        entity = self.schema.entities[kind]
        return tuple(
            name
            for name, held in entity.attributes.fields
            if isinstance(held.type, EntityType) and held.type.name in entity.parents
        )

    def specs(self, resource: str) -> dict[str, FactSpec]:
        """Return every fact of a request about a type of resource, by path."""
        return {**self.facts, **self.resources[resource].facts}

    def ids(self, kind: str) -> tuple[str, ...]:
        """Return the ids of one entity type in the order of the files."""
        return tuple(uid.id for uid in self.entities if uid.type == kind)

    def build(
        self,
        facts: Mapping[str, Fact],
        *,
        resource: Resource,
        action: str,
        now: datetime,
        login: str = "somebody",
    ) -> Request:
        """Return the request with these facts; every other fact is unknown, computed ones are computed.

        Args:
            facts: By path.
            resource: What is asked for.
            action: The order's word.
            now: Aware.
            login: Who would act.

        Raises:
            ConfigError: A path is no fact, a value no word of it, the fact is computed, or the resource does not exist.
        """
        self._check_asked(action, resource)
        form = self.form(resource.type)
        if now.tzinfo is None:
            raise ConfigError("the time of a request needs a time zone")
        given = {**form.unknown, **facts}
        if NOW in given:
            given[NOW] = Datetime((now - EPOCH) // MILLISECOND)
        try:
            for path, compute in form.computed:
                given[path] = compute(given)
            fits = form.fits(given) and not any(path in facts for path, _ in form.computed)
        except (KeyError, TypeError):  # a value that is none, met before it was looked at
            fits = False
        if not fits:
            for path, value in facts.items():
                _check(form.specs.get(path), path, value)
            raise ConfigError("the request has not the facts of the order")
        return Request(action, resource, given, login, (form, given))

    def form(self, resource: str) -> Form:
        """Return the form of a request about a type of resource; made once."""
        if resource not in self._forms:
            self._forms[resource] = make_form(self.specs(resource))
        return self._forms[resource]

    def complete(self, request: Request) -> Request:
        """Return the request with its computed facts computed anew."""
        facts = dict(request.facts)
        for path, compute in self.form(request.resource.type).computed:
            facts[path] = compute(facts)
        return replace(request, facts=facts, checked=None)

    def change(self, request: Request, changes: Mapping[str, Fact]) -> Request:
        """Return the request with some facts changed; raises ConfigError as `build` does."""
        specs = self.form(request.resource.type).specs
        for path, value in changes.items():
            _check(specs.get(path), path, value)
        return self.complete(replace(request, facts={**request.facts, **changes}))

    def find_faults(self, request: Request) -> tuple[str, ...]:
        """Return why a request cannot be decided, without a value of it; empty where it can."""
        try:
            self._check_asked(request.action, request.resource)
        except ConfigError as error:
            return (str(error),)
        form = self.form(request.resource.type)
        checked = request.checked
        if checked is not None and checked[0] is form and checked[1] is request.facts:
            return ()
        if form.fits(request.facts):
            return ()
        if request.facts.keys() != form.specs.keys():
            return ("the request has not the facts of the order",)
        return tuple(
            f"`{path}` is no word of the order"
            for path, spec in form.specs.items()
            if not spec.allows(request.facts[path])
        )

    def _check_asked(self, action: str, resource: Resource) -> None:
        kinds = self.actions.get(action)
        if kinds is None:
            known = ", ".join(self.actions)
            raise ConfigError(f"`{action[:80]}` is no action of the order", hint=f"one of {known}")
        if resource.type not in kinds:
            raise ConfigError(
                f"`{action}` is not asked of a `{resource.type[:60]}`", hint=f"of {', '.join(kinds)}"
            )
        spec = self.resources[resource.type]
        if spec.in_file and Uid(resource.type, resource.id) not in self.entities:
            raise ConfigError(f"`{resource.id[:80]}` is no {resource.type.lower()} of the order")


def _check(spec: FactSpec | None, path: str, value: Fact) -> None:
    if spec is None:
        raise ConfigError(
            f"`{path[:80]}` is no fact of this request", hint="see the pack's resolvers.toml for the list"
        )
    if spec.definition is not None:
        raise ConfigError(f"`{path}` is computed from other facts and never stated")
    if not spec.accepts(value):
        raise ConfigError(f"`{path}` takes {kind_in_words(spec.type)}")
    if spec.words is not None and value not in spec.words:
        words = ", ".join(str(word) for word in spec.words[:40])
        raise ConfigError(f"`{str(value)[:60]}` is no word for `{path}`", hint=f"one of {words}")


def kind_in_words(kind: Type) -> str:
    """Return what a fact of a type takes, for a message."""
    words: dict[Type, str] = {
        BOOL: "true or false",
        LONG: "a whole number",
        STRING: "a text",
        DATETIME: "a time",
    }
    return words.get(kind, "the id of an entity")


def flatten_facts(raw: Mapping[str, Any], *, prefix: str = "") -> dict[str, Fact]:
    """Return nested objects as facts by path.

    Raises:
        ConfigError: A value is neither an object, a text, a whole number nor a boolean.
    """
    found: dict[str, Fact] = {}
    for name, value in raw.items():
        path = f"{prefix}.{name}" if prefix else name
        if isinstance(value, Mapping):
            found.update(flatten_facts(value, prefix=path))
        elif isinstance(value, (str, bool, int)):
            found[path] = value
        else:
            raise ConfigError(f"`{path[:80]}` takes a text, a whole number, true or false")
    return found
