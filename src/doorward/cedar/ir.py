"""The one tree that every target compiles: a rule's scope and conditions, with places and, once resolved, types.

Built by `doorward.cedar.est` from what cedarpy parsed; `doorward.cedar.resolve` types it for one environment of the
schema and folds what is decided there. A node without a type may hold a value of any kind.

INVARIANT (one tree): no target reads Cedar text or cedarpy's trees; what a target cannot express it refuses with
the node's place.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from doorward.cedar.types import Type
from doorward.cedar.values import Uid, Value

NOWHERE = -1
Effect: TypeAlias = Literal["permit", "forbid"]
Variable: TypeAlias = Literal["principal", "action", "resource", "context"]
WILDCARD = None  # in a pattern; its other parts are texts


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Node:
    """What every expression has.

    Args:
        at: Offset of its token in the text, or NOWHERE.
        type: Once resolved; None where values of several kinds may come out.
        errs: Whether evaluating it may fail.
    """

    at: int = NOWHERE
    type: Type | None = None
    errs: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Lit(Node):
    """A constant."""

    value: Value


@dataclass(frozen=True, slots=True, eq=False)
class Var(Node):
    """A part of the request."""

    name: Variable


@dataclass(frozen=True, slots=True, eq=False)
class And(Node):
    """Both hold; the right side is not evaluated where the left is false."""

    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Or(Node):
    """One holds; the right side is not evaluated where the left is true."""

    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Not(Node):
    """The opposite."""

    operand: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class If(Node):
    """One of two, by a condition; the other is not evaluated."""

    condition: "Expr"
    then: "Expr"
    otherwise: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Get(Node):
    """An attribute of an entity, or a field of a record."""

    base: "Expr"
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Has(Node):
    """Whether an entity has an attribute, or a record a field."""

    base: "Expr"
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Like(Node):
    """Whether a text has a form; ``pattern`` holds texts and WILDCARD."""

    base: "Expr"
    pattern: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Is(Node):
    """Whether an entity is of a type."""

    base: "Expr"
    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class MakeSet(Node):
    """A set of its parts."""

    elements: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, eq=False)
class MakeRecord(Node):
    """A record of its parts, in the order in which they are evaluated."""

    fields: tuple[tuple[str, "Expr"], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """An operator or a function of Cedar by its name in the text, such as ``<=``, ``containsAll`` or ``ip``."""

    function: str
    arguments: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Fails(Node):
    """What always fails, found by types alone; the reason is for people."""

    reason: str


Expr: TypeAlias = (
    Lit | Var | And | Or | Not | If | Get | Has | Like | Is | MakeSet | MakeRecord | Call | Fails
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of a template that a link fills."""

    name: Literal["principal", "resource"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a policy's head asks of its principal or resource.

    Args:
        kind: An entity type, or None for any.
        entity: An entity or a template's slot, or None where there is none.
        within: Whether to be in the entity is enough; otherwise it must be the entity.
    """

    kind: str | None = None
    entity: Uid | Slot | None = None
    within: bool = False


@dataclass(frozen=True, slots=True)
class ActionScope:
    """What a policy's head asks of its action.

    Args:
        actions: Those named, or None for any.
        within: Whether to be in one of them is enough.
    """

    actions: tuple[Uid, ...] | None = None
    within: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One policy as Cedar has it.

    Args:
        id: Positional as cedarpy gives it, or a link's own.
        condition: All of ``when`` and ``unless``, joined in the order of the text; None where there are none.
        annotations: By name; a bare one is the empty text.
        number: Which policy of its text it is, from 0.
    """

    id: str
    effect: Effect
    principal: Scope
    action: ActionScope
    resource: Scope
    condition: Expr | None
    annotations: dict[str, str] = field(default_factory=dict)
    number: int = 0


def children(expression: Expr) -> tuple[Expr, ...]:
    """Return an expression's parts in the order in which Cedar evaluates them."""
    match expression:
        case And(left=left, right=right) | Or(left=left, right=right):
            return left, right
        case Not(operand=operand):
            return (operand,)
        case If(condition=condition, then=then, otherwise=otherwise):
            return condition, then, otherwise
        case Get(base=base) | Has(base=base) | Like(base=base) | Is(base=base):
            return (base,)
        case MakeSet(elements=parts) | Call(arguments=parts):
            return parts
        case MakeRecord(fields=fields):
            return tuple(part for _, part in fields)
        case _:
            return ()


def walk(expression: Expr | None) -> Iterator[Expr]:
    """Yield an expression and all its parts, each before its own parts."""
    if expression is not None:
        yield expression
        for part in children(expression):
            yield from walk(part)


def path_of(expression: Expr) -> str | None:
    """Return the dotted path of a chain of attributes from a variable, such as ``context.purpose``; else None."""
    match expression:
        case Get(base=base, name=name):
            inner = path_of(base)
            return None if inner is None else f"{inner}.{name}"
        case Var(name=name):
            return name
        case _:
            return None


def whole_condition(rule: Rule) -> Expr:
    """Return when a rule applies: its scope and its conditions as one expression.

    A head never fails, so its parts may stand in any order; the action stands first, where it folds the rest away.
    """
    parts = [
        *_action_tests(rule.action),
        *_scope_tests(Var("principal"), rule.principal),
        *_scope_tests(Var("resource"), rule.resource),
        *(() if rule.condition is None else (rule.condition,)),
    ]
    whole = parts[0] if parts else Lit(True)  # noqa: FBT003  # the constant
    for part in parts[1:]:
        whole = And(whole, part)
    return whole


def _scope_tests(subject: Var, scope: Scope) -> Iterator[Expr]:
    if isinstance(scope.entity, Slot):
        yield Fails("a template is no policy until it is linked")
        return
    if scope.kind is not None:
        yield Is(subject, scope.kind)
    if scope.entity is not None:
        yield Call("in" if scope.within else "==", (subject, Lit(scope.entity)))


def _action_tests(scope: ActionScope) -> Iterator[Expr]:
    if scope.actions is None:
        return
    subject, named = Var("action"), tuple(Lit(uid) for uid in scope.actions)
    yield Call("in", (subject, MakeSet(named))) if scope.within else Call("==", (subject, *named))
