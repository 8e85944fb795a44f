"""From a policy and a resource to the term that says when the policy applies to it.

Supported, and nothing else: the scope; ``in``, ``is`` and ``==`` over the entity file; ``== != < <= > >= && || !`` and
``if``; ``[...].contains(x)`` with a literal set; attributes of resource, context and principal; long, bool, string.
Anything else is refused with its place: nothing is approximated (law 5).

One row's columns (``resource.<attribute>``) and the grant's parameters stay facts for PostgreSQL to read; the other
facts are the door's vocabulary.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from cedarpy import pst

from doorward.errors import UnsupportedPolicyError
from doorward.policy.hierarchy import Uid
from doorward.policy.parse import Policy
from doorward.policy.terms import FALSE, TRUE, Terms
from doorward.policy.walk import locate, token_of, walk

PRINCIPAL = "Person"
RECORD = "Record"
COLLECTION = "Collection"
_PRINCIPAL_PARENTS = {"principal.role": "Role", "principal.agency": "Agency"}
_SUPPORTED_OPERATORS = frozenset(
    ("eq", "not_eq", "less", "less_eq", "greater", "greater_eq", "and", "or", "in", "contains", "not")
)
_REASONS: Mapping[str, str] = {
    "add": "arithmetic may overflow, and an overflow is an error",
    "sub": "arithmetic may overflow, and an overflow is an error",
    "mul": "arithmetic may overflow, and an overflow is an error",
    "neg": "arithmetic may overflow, and an overflow is an error",
    "has": "every fact of a request is there, so `has` tells nothing",
    "like": "patterns have no exact form in a row predicate yet",
}


@dataclass(frozen=True, slots=True)
class Target:
    """What a decision is about: a collection, or any row of a table.

    Args:
        uid: The collection itself, or the table's collection for its rows.
        rows: Whether the rows are meant.
    """

    uid: Uid
    rows: bool


@dataclass(frozen=True, slots=True)
class Grounds:
    """What is fixed for one door while its policies are turned into terms.

    Args:
        terms: The table that the terms are made in.
        action: The action of the door.
        groups: Every action group that the action is in, itself included; asked of cedarpy.
        facts: Type of each fact by path: ``bool``, ``str``, ``int`` or an entity type.
        attributes: Type of each attribute of a row by name.
        is_within: Whether an entity of the file is in a target.
    """

    terms: Terms
    action: Uid
    groups: frozenset[Uid]
    facts: Mapping[str, str]
    attributes: Mapping[str, str]
    is_within: Callable[[Uid, Collection[Uid]], bool]


def lower_policy(grounds: Grounds, policy: Policy, target: Target) -> int:
    """Return when a policy applies to a target, as a term.

    Raises:
        UnsupportedPolicyError: A condition uses what cannot be compiled exactly.
    """
    return _Lowered(grounds, policy, target).condition()


def admits_action(grounds: Grounds, policy: Policy) -> bool:
    """Return whether a policy's scope takes the door's action at all."""
    match policy.template.action:
        case pst.ScopeAny():
            return True
        case pst.ActionEq(entity=entity):
            return _uid(entity) == grounds.action
        case pst.ActionIn(entities=entities):
            return any(_uid(entity) in grounds.groups for entity in entities)


def check_supported(policy: Policy) -> None:
    """Refuse a policy that uses a construct which cannot be compiled, even where it would never be reached.

    Raises:
        UnsupportedPolicyError: Names construct, policy, place and reason.
    """
    placed = {id(literal) for expression in walk(policy) for literal in _sets_of(expression)}
    for expression in walk(policy):
        match expression:
            case pst.BinaryOp(op=op) | pst.UnaryOp(op=op):
                if op not in _SUPPORTED_OPERATORS:
                    raise unsupported(policy, expression, _REASONS.get(op, "it has no exact form in SQL yet"))
            case pst.HasAttr() | pst.Like():
                raise unsupported(policy, expression, _REASONS[token_of(expression)])
            case pst.Set() if id(expression) not in placed:
                raise unsupported(
                    policy, expression, "a set stands only in `[...].contains(x)` and `x in [...]`"
                )
            case pst.Record() | pst.Slot():
                raise unsupported(policy, expression, "records and slots have no exact form in SQL yet")
            case _:
                pass


def _sets_of(expression: pst.Expr) -> Iterator[pst.Set]:
    """Yield the literal sets that an operator takes where a set may stand, or that fall with the operator itself."""
    match expression:
        case (
            pst.BinaryOp(op="contains", left=pst.Set() as literal)
            | pst.BinaryOp(op="in", right=pst.Set() as literal)
        ):
            yield literal
        case pst.BinaryOp(op=op, left=left, right=right) if op not in _SUPPORTED_OPERATORS:
            yield from (side for side in (left, right) if isinstance(side, pst.Set))
        case _:
            pass


def unsupported(policy: Policy, expression: pst.Expr | None, reason: str) -> UnsupportedPolicyError:
    """Return the refusal of a construct: which, in which policy, where, and why."""
    if expression is None:
        return UnsupportedPolicyError(
            f"policy `{policy.id}` cannot be compiled for the database door: {reason}", span=policy.span
        )
    name = token_of(expression) or ("[...]" if isinstance(expression, pst.Set) else "{...}")
    return UnsupportedPolicyError(
        f"`{name}` in policy `{policy.id}` cannot be compiled for the database door: {reason}",
        span=locate(policy, expression),
    )


class _Lowered:
    """One policy for one target."""

    def __init__(self, grounds: Grounds, policy: Policy, target: Target) -> None:
        self._grounds = grounds
        self._terms = grounds.terms
        self._policy = policy
        self._target = target

    def condition(self) -> int:
        template = self._policy.template
        scope = [
            self._principal_scope(template.principal),
            TRUE if admits_action(self._grounds, self._policy) else FALSE,
            TRUE if self._resource_scope(template.resource) else FALSE,
        ]
        if FALSE in scope:
            return FALSE
        clauses = []
        for clause in template.clauses:
            term = self._bool(clause.expr)
            clauses.append(term if isinstance(clause, pst.When) else self._terms.negate(term))
        return self._terms.conjoin([*scope, *clauses])

    def _principal_scope(self, constraint: pst.PrincipalOrResourceConstraint) -> int:
        match constraint:
            case pst.ScopeAny():
                return TRUE
            case pst.ScopeIs(entity_type=kind):
                return TRUE if str(kind) == PRINCIPAL else FALSE
            case pst.ScopeIn(entity=pst.EntityUid() as entity):
                return self._principal_within([_uid(entity)])
            case pst.ScopeIsIn(entity_type=kind, entity=pst.EntityUid() as entity):
                return self._principal_within([_uid(entity)]) if str(kind) == PRINCIPAL else FALSE
            case _:
                raise unsupported(
                    self._policy,
                    None,
                    "its scope names one person, and the door knows roles and agencies only",
                )

    def _principal_within(self, targets: Collection[Uid]) -> int:
        if any(target.type == PRINCIPAL for target in targets):
            raise unsupported(
                self._policy, None, "it names one person; the door knows roles and agencies only"
            )
        return self._terms.disjoin(
            self._terms.within(self._terms.fact(path, kind), targets)
            for path, kind in _PRINCIPAL_PARENTS.items()
        )

    def _resource_scope(self, constraint: pst.PrincipalOrResourceConstraint) -> bool:
        match constraint:
            case pst.ScopeAny():
                return True
            case pst.ScopeIs(entity_type=kind):
                return str(kind) == self._resource_type()
            case pst.ScopeEq(entity=pst.EntityUid() as entity):
                return self._resource_is(_uid(entity), None)
            case pst.ScopeIn(entity=pst.EntityUid() as entity):
                return self._resource_within([_uid(entity)])
            case pst.ScopeIsIn(entity_type=kind, entity=pst.EntityUid() as entity):
                return str(kind) == self._resource_type() and self._resource_within([_uid(entity)])
            case _:
                raise unsupported(self._policy, None, "its scope has a slot")

    def _resource_type(self) -> str:
        return RECORD if self._target.rows else COLLECTION

    def _resource_is(self, uid: Uid, expression: pst.Expr | None) -> bool:
        if uid.type == RECORD:
            raise unsupported(self._policy, expression, "a row is known by its attributes, not by an id")
        return not self._target.rows and uid == self._target.uid

    def _resource_within(self, targets: Collection[Uid]) -> bool:
        if any(target.type == RECORD for target in targets):
            raise unsupported(self._policy, None, "a row is known by its attributes, not by an id")
        return self._grounds.is_within(self._target.uid, targets)

    def _bool(self, expression: pst.Expr) -> int:
        terms = self._terms
        match expression:
            case pst.BoolLit(value=value):
                return TRUE if value else FALSE
            case pst.UnaryOp(op="not", arg=argument):
                return terms.negate(self._bool(argument))
            case pst.BinaryOp(op="and", left=left, right=right):
                first = self._bool(left)
                # Short circuit is meaning, not speed: the right side may read what this target does not have.
                return FALSE if first == FALSE else terms.conjoin((first, self._bool(right)))
            case pst.BinaryOp(op="or", left=left, right=right):
                first = self._bool(left)
                return TRUE if first == TRUE else terms.disjoin((first, self._bool(right)))
            case pst.BinaryOp(op=("eq" | "not_eq") as op, left=left, right=right):
                same = self._same(expression, left, right)
                return same if op == "eq" else terms.negate(same)
            case pst.BinaryOp(op=("less" | "less_eq") as op, left=left, right=right):
                return terms.less(self._value(left), self._value(right), or_same=op == "less_eq")
            case pst.BinaryOp(op=("greater" | "greater_eq") as op, left=left, right=right):
                return terms.less(self._value(right), self._value(left), or_same=op == "greater_eq")
            case pst.BinaryOp(op="in", left=left, right=right):
                return self._within(expression, left, right)
            case pst.BinaryOp(op="contains", left=pst.Set(elements=elements), right=right):
                return self._member(expression, elements, right)
            case pst.Is(base=base, entity_type=kind, in_expr=within):
                if self._type_of(base) != str(kind):
                    return FALSE
                return TRUE if within is None else self._within(expression, base, within)
            case _:
                return self._value(expression)

    def _same(self, expression: pst.Expr, left: pst.Expr, right: pst.Expr) -> int:
        for one, other in ((left, right), (right, left)):
            match one, other:
                case pst.Var(name="resource"), pst.EntityLit(value=value):
                    return TRUE if self._resource_is(_uid(value), expression) else FALSE
                case pst.Var(name="action"), pst.EntityLit(value=value):
                    return TRUE if _uid(value) == self._grounds.action else FALSE
                case pst.Var(), _:
                    raise unsupported(
                        self._policy, expression, "only roles, agencies and collections are known"
                    )
                case _:
                    pass
        return self._terms.same(self._value(left), self._value(right))

    def _within(self, expression: pst.Expr, left: pst.Expr, right: pst.Expr) -> int:
        elements = right.elements if isinstance(right, pst.Set) else (right,)
        targets = [_uid(element.value) for element in elements if isinstance(element, pst.EntityLit)]
        if len(targets) < len(elements):
            raise unsupported(
                self._policy, expression, "what an entity is compared with by `in` must be named"
            )
        match left:
            case pst.Var(name="principal"):
                return self._principal_within(targets)
            case pst.Var(name="resource"):
                return TRUE if self._resource_within(targets) else FALSE
            case pst.Var(name="action"):
                return TRUE if not self._grounds.groups.isdisjoint(targets) else FALSE
            case _:
                return self._terms.within(self._value(left), targets)

    def _member(self, expression: pst.Expr, elements: tuple[pst.Expr, ...], right: pst.Expr) -> int:
        literals = (pst.StringLit, pst.LongLit, pst.BoolLit, pst.EntityLit)
        if not all(isinstance(element, literals) for element in elements):
            raise unsupported(self._policy, expression, "the set must be of literals")
        return self._terms.member(self._value(right), [self._value(element) for element in elements])

    def _value(self, expression: pst.Expr) -> int:
        terms = self._terms
        match expression:
            case pst.BoolLit(value=value) | pst.LongLit(value=value) | pst.StringLit(value=value):
                return terms.value(value)
            case pst.EntityLit(value=entity):
                return terms.value(_uid(entity))
            case pst.GetAttr():
                return self._fact(expression)
            case pst.IfThenElse(cond=condition, then_expr=then, else_expr=otherwise):
                chosen = self._bool(condition)
                if chosen in {FALSE, TRUE}:  # as for the connectives: the other branch is never evaluated
                    return self._value(then if chosen == TRUE else otherwise)
                return terms.choose(chosen, self._value(then), self._value(otherwise))
            case pst.UnaryOp() | pst.BinaryOp() | pst.Is():
                return self._bool(expression)
            case _:
                raise unsupported(self._policy, expression, "only roles, agencies and attributes are known")

    def _fact(self, expression: pst.GetAttr) -> int:
        path = _path(expression)
        if path.startswith("resource."):
            kind = self._grounds.attributes.get(path.removeprefix("resource."))
            if kind is not None and self._target.rows:
                return self._terms.fact(path, kind)
        elif path in self._grounds.facts:
            return self._terms.fact(path, self._grounds.facts[path])
        raise unsupported(self._policy, expression, f"`{path}` is no fact that this door can compare")

    def _type_of(self, expression: pst.Expr) -> str:
        match expression:
            case pst.Var(name="principal"):
                return PRINCIPAL
            case pst.Var(name="resource"):
                return self._resource_type()
            case pst.EntityLit(value=value):
                return str(value.type)
            case pst.GetAttr():
                return self._terms.nodes[self._fact(expression)].type
            case _:
                raise unsupported(self._policy, expression, "its entity type cannot be told")


def _path(expression: pst.Expr) -> str:
    match expression:
        case pst.GetAttr(base=base, attr=attr):
            return f"{_path(base)}.{attr}"
        case pst.Var(name=name):
            return name
        case _:
            return "?"


def _uid(entity: pst.EntityUid) -> Uid:
    return Uid(str(entity.type), entity.id)
