"""From a resolved expression to terms: its value, and whether evaluating it fails.

The values are those of the environment's facts: `context.purpose`, `principal.role`. Principal and resource come with
the request (their attributes are facts), or stand in the entity file like every other entity; `Subject` says which.

What has no terms is refused with its place (`Untranslatable`): a text that becomes an extension value while it is not
constant, a record with optional fields inside of a set or a tag.

INVARIANT (short circuit): the right side of `&&` and `||` and the branches of `if` fail only where they are reached.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from doorward.cedar import extensions, semantics
from doorward.cedar.ir import (
    And,
    Call,
    Expr,
    Fails,
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
    Var,
)
from doorward.cedar.schema import Schema
from doorward.cedar.sets import contains, contains_all, contains_any, equal, is_empty, union_type
from doorward.cedar.shapes import (
    FAILS,
    Choice,
    Fields,
    Held,
    Listed,
    Outcome,
    Scalar,
    Shape,
    Untranslatable,
    each,
    merge,
)
from doorward.cedar.terms import FALSE, TRUE, Kind, Terms
from doorward.cedar.types import BOOL, DATETIME, DURATION, LONG, STRING, EntityType, RecordType, Type
from doorward.cedar.values import CedarSet, Uid

ORDERED = (LONG, DATETIME, DURATION)
_ARITHMETIC: Mapping[str, Kind] = {"+": "add", "-": "sub", "*": "mul"}
_UNITS = {
    "toMilliseconds": 1,
    "toSeconds": 1_000,
    "toMinutes": 60_000,
    "toHours": 3_600_000,
    "toDays": 86_400_000,
}
_ON_IP: Mapping[str, Kind] = {
    "isLoopback": "loopback",
    "isMulticast": "multicast",
    "isIpv6": "v6",
    "isIpv4": "v6",
}
_SWAPPED = {">": "<", ">=": "<=", "greaterThan": "lessThan", "greaterThanOrEqual": "lessThanOrEqual"}


@dataclass(frozen=True, slots=True)
class Subject:
    """How the principal or the resource is known.

    Args:
        uid: Itself, where it is one known entity.
        comes_with_request: Whether its attributes are facts; else they stand in the entity file.
        parents: Of one that comes with the request, the attributes that name what it is directly in.
    """

    uid: Uid | None = None
    comes_with_request: bool = False
    parents: tuple[str, ...] = ()


IN_FILE = Subject()


@dataclass(frozen=True, slots=True)
class Lowering:
    """Lowers expressions that were resolved for one environment.

    Args:
        terms: The table that the terms are made in.
        schema: Of the expressions.
        subjects: How principal and resource are known; one that is not named stands in the entity file.
        facts_in_file: Whether every entity that a fact names is known to be one of the entity file.
    """

    terms: Terms
    schema: Schema
    subjects: Mapping[str, Subject] = field(default_factory=dict)
    facts_in_file: bool = False
    _shapes: dict[str, Shape] = field(
        default_factory=dict, repr=False
    )  # of one environment, so a path has one type

    def condition(self, expression: Expr) -> tuple[int, int]:
        """Return when a condition holds, and when evaluating it fails.

        Raises:
            Untranslatable: It has no terms.
        """
        outcome = self._as_bool(self.lower(expression))
        holds = outcome.shape.term if isinstance(outcome.shape, Scalar) else FALSE
        return self.terms.conjoin((holds, self.terms.negate(outcome.fails))), outcome.fails

    def lower(self, node: Expr) -> Outcome:
        """Return what an expression comes to, and when it fails; raises Untranslatable."""
        match node:
            case Fails():
                return FAILS
            case Lit(value=value):
                return Outcome(self._constant(value, node.at))
            case Var(name=name):
                return Outcome(self._variable(name, node.type))
            case And(left=left, right=right):
                return self._connect(left, right, reached_when=True)
            case Or(left=left, right=right):
                return self._connect(left, right, reached_when=False)
            case Not(operand=operand):
                return self._bool_of(self.lower(operand), self.terms.negate)
            case If():
                return self._if(node)
            case Get(name=name):
                return self._then(self.lower(node.base), lambda base: self._get(base, name))
            case Has(name=name):
                return self._then(self.lower(node.base), lambda base: self._has(base, name))
            case Like(pattern=pattern):
                return self._then(
                    self.lower(node.base),
                    lambda base: self._of_type(base, STRING, lambda t: self.terms.like(t, pattern)),
                )
            case Is(kind=kind):
                return self._then(self.lower(node.base), lambda base: self._is(base, kind))
            case MakeSet(elements=elements):
                return self._gather(elements, lambda parts: Outcome(Listed(tuple(parts))))
            case MakeRecord(fields=fields):
                names = [name for name, _ in fields]
                return self._gather(
                    [part for _, part in fields],
                    lambda parts: Outcome(Fields({n: Held(p) for n, p in zip(names, parts, strict=True)})),
                )
            case Call():
                return self._call(node)

    def _constant(self, value: object, at: int) -> Shape:
        if isinstance(value, CedarSet):
            return Listed(tuple(self._constant(part, at) for part in value.elements))
        if isinstance(value, Mapping):
            return Fields({name: Held(self._constant(part, at)) for name, part in value.items()})
        return Scalar(self.terms.value(value))  # type: ignore[arg-type]  # every other value of Cedar is a constant

    def _variable(self, name: str, kind: Type | None) -> Shape:
        if name == "context":
            assert isinstance(kind, RecordType)
            return self.facts(kind, name)
        known = self._subject(name).uid
        assert isinstance(kind, EntityType)
        return Scalar(self.terms.fact(name, kind) if known is None else self.terms.value(known))

    def facts(self, kind: Type, path: str) -> Shape:
        """Return what stands at a path of the request: facts, taken apart as far as they are records."""
        if path not in self._shapes:
            self._shapes[path] = self._taken_apart(
                kind, path, self.terms.fact, lambda there: self.terms.fact(f"{there}?", BOOL)
            )
        return self._shapes[path]

    def _taken_apart(
        self, kind: Type, path: str, leaf: Callable[[str, Type], int], there: Callable[[str], int]
    ) -> Shape:
        if not isinstance(kind, RecordType):
            return Scalar(leaf(path, kind))
        return Fields(
            {
                name: Held(
                    self._taken_apart(found.type, f"{path}.{name}", leaf, there),
                    TRUE if found.required else there(f"{path}.{name}"),
                )
                for name, found in kind.fields
            }
        )

    def _subject(self, name: str) -> Subject:
        return self.subjects.get(name, IN_FILE)

    def _connect(self, left: Expr, right: Expr, *, reached_when: bool) -> Outcome:
        terms = self.terms
        first = self._as_bool(self.lower(left))
        if not isinstance(first.shape, Scalar):
            return first
        reached = first.shape.term if reached_when else terms.negate(first.shape.term)
        if reached == FALSE:
            return first
        second = self._as_bool(self.lower(right))
        fails = terms.disjoin((first.fails, terms.conjoin((reached, second.fails))))
        then = second.shape.term if isinstance(second.shape, Scalar) else FALSE
        join = terms.conjoin if reached_when else terms.disjoin
        return Outcome(Scalar(join((first.shape.term, then))), fails)

    def _if(self, node: If) -> Outcome:
        terms = self.terms
        asked = self._as_bool(self.lower(node.condition))
        if not isinstance(asked.shape, Scalar):
            return asked
        condition = asked.shape.term
        options = ((condition, node.then), (terms.negate(condition), node.otherwise))
        found = [(when, self.lower(branch)) for when, branch in options if when != FALSE]
        fails = terms.disjoin((asked.fails, *(terms.conjoin((when, out.fails)) for when, out in found)))
        return Outcome(merge(terms, ((w, out.shape) for w, out in found if out.shape is not None)), fails)

    def _then(self, before: Outcome, function: Callable[[Shape], Outcome]) -> Outcome:
        """Return what a function gives for a value; where the value failed, the whole fails."""
        if before.shape is None:
            return before
        after = each(self.terms, before.shape, function)
        return Outcome(after.shape, self.terms.disjoin((before.fails, after.fails)))

    def _gather(self, nodes: Sequence[Expr], function: Callable[[list[Shape]], Outcome]) -> Outcome:
        """Return what a function gives for several values, each of one kind."""

        def rest(done: list[Shape], left: Sequence[Expr]) -> Outcome:
            if not left:
                return function(done)
            return self._then(self.lower(left[0]), lambda shape: rest([*done, shape], left[1:]))

        return rest([], nodes)

    def _of_type(self, shape: Shape, kind: Type, function: Callable[[int], int]) -> Outcome:
        if not isinstance(shape, Scalar) or self.terms.nodes[shape.term].type != kind:
            return FAILS
        return Outcome(Scalar(function(shape.term)))

    def _as_bool(self, outcome: Outcome) -> Outcome:
        return self._bool_of(outcome, lambda term: term)

    def _bool_of(self, outcome: Outcome, function: Callable[[int], int]) -> Outcome:
        return self._then(outcome, lambda shape: self._of_type(shape, BOOL, function))

    def _entity(self, shape: Shape) -> tuple[int, str] | None:
        if isinstance(shape, Scalar):
            kind = self.terms.nodes[shape.term].type
            if isinstance(kind, EntityType):
                return shape.term, kind.name
        return None

    def _is(self, shape: Shape, kind: str) -> Outcome:
        entity = self._entity(shape)
        return FAILS if entity is None else Outcome(Scalar(TRUE if entity[1] == kind else FALSE))

    def _get(self, base: Shape, name: str) -> Outcome:
        held = base.fields.get(name) if isinstance(base, Fields) else self._attribute(base, name)
        if held is None:
            return FAILS
        return Outcome(held.shape, self.terms.negate(held.present))

    def _has(self, base: Shape, name: str) -> Outcome:
        if not isinstance(base, Fields) and self._entity(base) is None:
            return FAILS
        held = base.fields.get(name) if isinstance(base, Fields) else self._attribute(base, name)
        return Outcome(Scalar(FALSE if held is None else held.present))

    def _attribute(self, base: Shape, name: str) -> Held | None:
        """Return an attribute of an entity and when it is there; None where it never is."""
        entity = self._entity(base)
        kind = self.schema.entities.get(entity[1]) if entity else None
        found = kind.attributes.field(name) if kind else None
        if entity is None or found is None:
            return None
        terms, (term, _) = self.terms, entity
        node = terms.nodes[term]
        if node.kind == "if":
            condition, then, otherwise = node.parts
            one, other = (self._attribute(Scalar(part), name) for part in (then, otherwise))
            assert one is not None
            assert other is not None
            both = merge(terms, ((condition, one.shape), (terms.negate(condition), other.shape)))
            assert both is not None
            return Held(both, terms.choose(condition, one.present, other.present))
        if node.kind == "fact" and self._subject(node.name).comes_with_request:
            path = f"{node.name}.{name}"
            return Held(
                self.facts(found.type, path), TRUE if found.required else terms.fact(f"{path}?", BOOL)
            )
        sure = self.facts_in_file and node.kind == "fact" and node.name not in self.subjects
        exists = TRUE if sure else terms.apply("exists", (term,))
        there = exists if found.required else terms.apply("has_attr", (term,), name=name)
        shape = self._taken_apart(
            found.type,
            name,
            lambda path, leaf: terms.apply("attr", (term,), type=leaf, name=path),
            lambda path: terms.apply("has_attr", (term,), name=path),
        )
        return Held(shape, there)

    def _call(self, node: Call) -> Outcome:
        return self._gather(node.arguments, lambda shapes: self._apply(node, shapes))

    def _apply(self, node: Call, shapes: list[Shape]) -> Outcome:
        name, terms = node.function, self.terms
        if name in _SWAPPED:
            name, shapes = _SWAPPED[name], shapes[::-1]
        match name, shapes:
            case "==", [left, right]:
                return Outcome(Scalar(equal(terms, left, right)))
            case "!=", [left, right]:
                return Outcome(Scalar(terms.negate(equal(terms, left, right))))
            case (("<" | "<=" | "lessThan" | "lessThanOrEqual"), [left, right]):
                return self._compare(name, left, right)
            case (("+" | "-" | "*"), [Scalar(), Scalar()]):
                return self._arithmetic(_ARITHMETIC[name], shapes, (LONG, LONG), LONG)
            case "neg", [Scalar()]:
                return self._arithmetic("sub", [Scalar(terms.value(0)), *shapes], (LONG, LONG), LONG)
            case "in", [left, right]:
                return self._in(left, right)
            case (("hasTag" | "getTag"), [left, right]):
                return self._tag(name, left, right)
            case "contains", [Listed() | Scalar() as held, element]:
                return self._on_set(held, lambda: contains(terms, held, element))
            case "containsAll", [Listed() | Scalar() as held, Listed() | Scalar() as wanted]:
                return self._on_set(held, lambda: contains_all(terms, held, wanted), wanted)
            case "containsAny", [Listed() | Scalar() as held, Listed() | Scalar() as wanted]:
                return self._on_set(held, lambda: contains_any(terms, held, wanted), wanted)
            case "isEmpty", [Listed() | Scalar() as held]:
                return self._on_set(held, lambda: is_empty(terms, held))
            case _:
                return self._extension(node, name, shapes)

    def _compare(self, name: str, left: Shape, right: Shape) -> Outcome:
        if not isinstance(left, Scalar) or not isinstance(right, Scalar):
            return FAILS
        kinds = {self.terms.nodes[shape.term].type for shape in (left, right)}
        kind = kinds.pop()
        of_decimals = name.startswith("less")
        if kinds or (str(kind) != "decimal" if of_decimals else kind not in ORDERED):
            return FAILS
        or_same = name in {"<=", "lessThanOrEqual"}
        return Outcome(Scalar(self.terms.less(left.term, right.term, or_same=or_same)))

    def _arithmetic(self, kind: Kind, shapes: list[Shape], wanted: tuple[Type, Type], gives: Type) -> Outcome:
        numbers = [shape.term for shape in shapes if isinstance(shape, Scalar)]
        if tuple(self.terms.nodes[number].type for number in numbers) != wanted:
            return FAILS
        value, overflows = self.terms.arithmetic(kind, (numbers[0], numbers[1]), gives)  # type: ignore[arg-type]  # one of the three
        return Outcome(Scalar(value), overflows)

    def _on_set(self, held: Shape, test: Callable[[], int], *others: Shape) -> Outcome:
        for shape in (held, *others):
            if not isinstance(shape, Listed) and union_type(self.terms, shape) is None:
                return FAILS
        return Outcome(Scalar(test()))

    def _in(self, left: Shape, right: Shape) -> Outcome:
        entity = self._entity(left)
        if entity is None:
            return FAILS
        if isinstance(right, Listed):
            if any(self._entity(part) is None for part in right.parts):
                return FAILS
            return Outcome(Scalar(self.terms.disjoin(self._below(entity, part) for part in right.parts)))
        element = union_type(self.terms, right)
        if element is not None and not isinstance(element, EntityType):
            # Only an empty set of anything else holds no element that is no entity.
            return Outcome(Scalar(FALSE), self.terms.negate(is_empty(self.terms, right)))
        if element is None and self._entity(right) is None:
            return FAILS
        return Outcome(Scalar(self._below(entity, right)))

    def _below(self, entity: tuple[int, str], target: Shape) -> int:
        assert isinstance(target, Scalar)
        terms, (term, kind) = self.terms, entity
        if terms.nodes[term].kind == "if":
            condition, then, otherwise = terms.nodes[term].parts
            one, other = (self._below((part, kind), target) for part in (then, otherwise))
            return terms.choose(condition, one, other)
        wanted = self._entity(target)
        reached = wanted[1] if wanted else str(union_type(terms, target))
        above = self.schema.may_be_in.get(kind, frozenset((kind,)))
        # Actions have no entity type of the schema; what they are in stands in the hierarchy.
        if kind in self.schema.entities and reached not in above:
            return FALSE
        node = terms.nodes[term]
        subject = self._subject(node.name) if node.kind == "fact" else IN_FILE
        if not subject.comes_with_request:
            return terms.below(term, target.term)
        own = self._itself(term, kind, target, wanted)
        parents = self.schema.entities[kind].attributes
        for name in subject.parents:
            found = parents.field(name)
            assert found is not None
            assert isinstance(found.type, EntityType)
            parent = terms.fact(f"{node.name}.{name}", found.type)
            own = terms.disjoin((own, self._below((parent, found.type.name), target)))
        return own

    def _itself(self, term: int, kind: str, target: Scalar, wanted: tuple[int, str] | None) -> int:
        if wanted is not None:
            return self.terms.same(term, target.term) if wanted[1] == kind else FALSE
        is_own_kind = str(union_type(self.terms, target)) == kind
        return self.terms.apply("contains", (target.term, term)) if is_own_kind else FALSE

    def _tag(self, name: str, base: Shape, key: Shape) -> Outcome:
        entity = self._entity(base)
        if entity is None or not isinstance(key, Scalar) or self.terms.nodes[key.term].type != STRING:
            return FAILS
        kind = self.schema.entities.get(entity[1])
        if kind is None or kind.tags is None:
            return Outcome(Scalar(FALSE)) if name == "hasTag" else FAILS
        terms, parts = self.terms, (entity[0], key.term)
        there = terms.apply("has_tag", parts)
        if name == "hasTag":
            return Outcome(Scalar(there))
        shape = self._taken_apart(
            kind.tags,
            "",
            lambda path, leaf: terms.apply("tag", parts, type=leaf, name=path),
            self._refuse_optional,
        )
        return Outcome(shape, terms.negate(there))

    def _refuse_optional(self, path: str) -> int:
        raise Untranslatable(f"a tag is a record with the optional field `{path.lstrip('.')}`")

    def _extension(self, node: Call, name: str, shapes: list[Shape]) -> Outcome:
        terms = self.terms
        scalars = [shape.term for shape in shapes if isinstance(shape, Scalar)]
        kinds = [str(terms.nodes[term].type) for term in scalars]
        if len(scalars) != len(shapes):
            return FAILS
        match name, scalars, kinds:
            case _, [text], ["String"] if name in extensions.PARSERS:
                return self._construct(node, text)
            case (("isLoopback" | "isMulticast" | "isIpv6"), [address], ["ipaddr"]):
                return Outcome(Scalar(terms.apply(_ON_IP[name], (address,))))
            case "isIpv4", [address], ["ipaddr"]:
                return Outcome(Scalar(terms.negate(terms.apply("v6", (address,)))))
            case "isInRange", [address, network], ["ipaddr", "ipaddr"]:
                return Outcome(Scalar(terms.apply("in_range", (address, network))))
            case "offset", [_, _], ["datetime", "duration"]:
                return self._arithmetic("add", shapes, (DATETIME, DURATION), DATETIME)
            case "durationSince", [_, _], ["datetime", "datetime"]:
                return self._arithmetic("sub", shapes, (DATETIME, DATETIME), DURATION)
            case "toDate", [moment], ["datetime"]:
                rest = terms.divide("mod", moment, extensions.DAY_MS, DURATION)
                return self._arithmetic("sub", [Scalar(moment), Scalar(rest)], (DATETIME, DURATION), DATETIME)
            case "toTime", [moment], ["datetime"]:
                return Outcome(Scalar(terms.divide("mod", moment, extensions.DAY_MS, DURATION)))
            case _, [length], ["duration"] if name in _UNITS:
                return Outcome(Scalar(terms.divide("quotient", length, _UNITS[name], LONG)))
            case _:
                return FAILS

    def _construct(self, node: Call, text: int) -> Outcome:
        """Return an extension value of a constant text, or of one of several by condition."""
        term = self.terms.nodes[text]
        if term.kind == "if":
            condition, then, otherwise = term.parts
            branches = Choice(((condition, Scalar(then)), (self.terms.negate(condition), Scalar(otherwise))))
            return each(
                self.terms,
                branches,
                lambda shape: self._construct(node, shape.term) if isinstance(shape, Scalar) else FAILS,
            )
        if not isinstance(term.value, str):
            raise Untranslatable(f"`{node.function}` of a text that is not constant", node.at)
        try:
            return Outcome(self._constant(semantics.call({}, node.function, (term.value,)), node.at))
        except semantics.Failed:
            return FAILS
