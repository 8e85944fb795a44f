"""An expression typed for one environment of the schema, with what is decided there folded away.

Cedar validates a policy once for each environment: with the action known, the types of principal and resource fix the
types of almost everything. Here the same knowledge makes trees small: `is`, the action, short circuits and constants
are folded, a branch that cannot be reached is dropped, and what must fail becomes `Fails`.

INVARIANT (same meaning): for every request of the environment whose entities follow the schema, a resolved tree gives
the value that the tree gave, or fails where it failed. Order of evaluation matters only to which failure is met, and
Cedar does not report that in a decision.

Source: Cedar language reference, "Policy validation"; held by the corpus on resolved and on plain trees.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from doorward.cedar import semantics
from doorward.cedar.ir import (
    ActionScope,
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
    Rule,
    Var,
    path_of,
    whole_condition,
)
from doorward.cedar.schema import Environment, Schema
from doorward.cedar.types import (
    BOOL,
    DATETIME,
    DECIMAL,
    DURATION,
    IP,
    LONG,
    STRING,
    EntityType,
    Field,
    RecordType,
    SetType,
    Type,
    make_record,
    type_of,
)
from doorward.cedar.values import CedarSet, Uid, Value

TRUE = Lit(True, type=BOOL, errs=False)  # noqa: FBT003  # the constant itself
FALSE = Lit(False, type=BOOL, errs=False)  # noqa: FBT003  # as above

# What each function takes and gives; where an argument's type is known to be another one, it always fails.
SIGNATURES: Mapping[str, tuple[tuple[Type, ...], Type]] = {
    "+": ((LONG, LONG), LONG),
    "-": ((LONG, LONG), LONG),
    "*": ((LONG, LONG), LONG),
    "neg": ((LONG,), LONG),
    "ip": ((STRING,), IP),
    "decimal": ((STRING,), DECIMAL),
    "datetime": ((STRING,), DATETIME),
    "duration": ((STRING,), DURATION),
    "lessThan": ((DECIMAL, DECIMAL), BOOL),
    "lessThanOrEqual": ((DECIMAL, DECIMAL), BOOL),
    "greaterThan": ((DECIMAL, DECIMAL), BOOL),
    "greaterThanOrEqual": ((DECIMAL, DECIMAL), BOOL),
    "isIpv4": ((IP,), BOOL),
    "isIpv6": ((IP,), BOOL),
    "isLoopback": ((IP,), BOOL),
    "isMulticast": ((IP,), BOOL),
    "isInRange": ((IP, IP), BOOL),
    "offset": ((DATETIME, DURATION), DATETIME),
    "durationSince": ((DATETIME, DATETIME), DURATION),
    "toDate": ((DATETIME,), DATETIME),
    "toTime": ((DATETIME,), DURATION),
    "toMilliseconds": ((DURATION,), LONG),
    "toSeconds": ((DURATION,), LONG),
    "toMinutes": ((DURATION,), LONG),
    "toHours": ((DURATION,), LONG),
    "toDays": ((DURATION,), LONG),
}
MAY_FAIL = frozenset(
    ("+", "-", "*", "neg", "ip", "decimal", "datetime", "duration", "offset", "durationSince", "toDate")
)
ORDERED = (LONG, DATETIME, DURATION)
ORDERINGS = frozenset(("<", "<=", ">", ">="))
ON_SETS = frozenset(("contains", "containsAll", "containsAny", "isEmpty"))


@dataclass(frozen=True, slots=True)
class Resolver:
    """Types and folds for one environment.

    Args:
        schema: Of the order or the corpus.
        environment: Which action, principal type, resource type.
        present: Whether principal and resource are known to be there with all that the schema requires of them.
        facts_in_file: Whether every entity that the request names is known to be one of the entity file.
    """

    schema: Schema
    environment: Environment
    present: bool = False
    facts_in_file: bool = False

    def rule(self, rule: Rule) -> Expr:
        """Return when a rule applies, its scope included, as one typed expression."""
        return self.expression(whole_condition(rule)) if self._takes(rule.action) else FALSE

    def _takes(self, scope: ActionScope) -> bool:
        """Return whether a head takes this action; most rules speak of others, and need no look at the rest."""
        if scope.actions is None:
            return True
        action = self.environment.action
        known = self.schema.action_groups.get(action, frozenset((action,)))
        above = known if scope.within else frozenset((action,))
        return not above.isdisjoint(scope.actions)

    def expression(self, node: Expr) -> Expr:
        """Return an expression typed and folded."""
        match node:
            case Lit(value=value):
                return replace(node, type=type_of(value), errs=False)
            case Var():
                return self._variable(node)
            case And(left=left, right=right):
                return self._and(node, self.expression(left), right)
            case Or(left=left, right=right):
                return self._or(node, self.expression(left), right)
            case Not(operand=operand):
                return _not(node, self.expression(operand))
            case If():
                return self._if(node, self.expression(node.condition))
            case Get():
                return self._get(node, self.expression(node.base))
            case Has():
                return self._has(node, self.expression(node.base))
            case Like():
                return _like(node, self.expression(node.base))
            case Is():
                return _is(node, self.expression(node.base))
            case MakeSet(elements=elements):
                return _set(node, tuple(map(self.expression, elements)))
            case MakeRecord(fields=fields):
                return _record(node, tuple((name, self.expression(part)) for name, part in fields))
            case Call(arguments=arguments):
                return self._call(node, tuple(map(self.expression, arguments)))
            case _:
                return node

    def _variable(self, node: Var) -> Expr:
        environment = self.environment
        match node.name:
            case "principal":
                return replace(node, type=EntityType(environment.principal), errs=False)
            case "resource":
                return replace(node, type=EntityType(environment.resource), errs=False)
            case "context":
                return replace(node, type=environment.context, errs=False)
            case _:
                return Lit(
                    environment.action, at=node.at, type=EntityType(environment.action.type), errs=False
                )

    def _and(self, node: And, left: Expr, raw_right: Expr) -> Expr:
        if is_false(left):
            return left
        if _is_no(BOOL, left):
            return _failing(node, "expected a boolean", left)
        right = self.expression(raw_right)
        if is_true(left):
            return _as_bool(right)
        if is_false(right) and not _may_err_as_bool(left):
            return right
        if is_true(right):
            return _as_bool(left)
        return replace(node, left=left, right=right, type=BOOL, errs=_may_err_as_bool(left, right))

    def _or(self, node: Or, left: Expr, raw_right: Expr) -> Expr:
        if is_true(left):
            return left
        if _is_no(BOOL, left):
            return _failing(node, "expected a boolean", left)
        right = self.expression(raw_right)
        if is_false(left):
            return _as_bool(right)
        if is_true(right) and not _may_err_as_bool(left):
            return right
        if is_false(right):
            return _as_bool(left)
        return replace(node, left=left, right=right, type=BOOL, errs=_may_err_as_bool(left, right))

    def _if(self, node: If, condition: Expr) -> Expr:
        if is_true(condition):
            return self.expression(node.then)
        if is_false(condition):
            return self.expression(node.otherwise)
        if _is_no(BOOL, condition):
            return _failing(node, "expected a boolean", condition)
        then, otherwise = self.expression(node.then), self.expression(node.otherwise)
        kind = then.type if then.type == otherwise.type else None
        if isinstance(then, Fails) or isinstance(otherwise, Fails):
            kind = otherwise.type if isinstance(then, Fails) else then.type
        errs = condition.errs or condition.type != BOOL or then.errs or otherwise.errs
        return replace(node, condition=condition, then=then, otherwise=otherwise, type=kind, errs=errs)

    def _get(self, node: Get, base: Expr) -> Expr:
        if isinstance(base, MakeRecord):
            part = next((part for name, part in base.fields if name == node.name), None)
            others = [part for name, part in base.fields if name != node.name]
            if part is not None and not any(other.errs for other in others):
                return part
        match base.type:
            case None:
                return replace(node, base=base)
            case RecordType() as record:
                found, sure = record.field(node.name), True
            case EntityType(name=kind):
                found, sure = self._attribute(kind, node.name), self._is_present(base)
            case _:
                return _failing(node, "expected an entity or a record", base)
        if found is None:
            return _failing(node, f"there is no `{node.name}`", base)
        errs = base.errs or not sure or not found.required
        return replace(node, base=base, type=found.type, errs=errs)

    def _has(self, node: Has, base: Expr) -> Expr:
        match base.type:
            case None:
                return replace(node, base=base, type=BOOL)
            case RecordType() as record:
                found, sure = record.field(node.name), True
            case EntityType(name=kind):
                found, sure = self._attribute(kind, node.name), self._is_present(base)
            case _:
                return _failing(node, "expected an entity or a record", base)
        if not base.errs and found is None:
            return FALSE
        if not base.errs and found is not None and found.required and sure:
            return TRUE
        return replace(node, base=base, type=BOOL, errs=base.errs)

    def _attribute(self, kind: str, name: str) -> Field | None:
        found = self.schema.entities.get(kind)
        return found.attributes.field(name) if found else None

    def _is_present(self, base: Expr) -> bool:
        if isinstance(base, Var):
            return self.present
        return self.facts_in_file and path_of(base) is not None and not self._leads_on(base)

    def _leads_on(self, base: Expr) -> bool:
        """Return whether a path goes through an entity of the file: what its attributes name may be missing."""
        while isinstance(base, Get):
            base = base.base
            if isinstance(base.type, EntityType) and not isinstance(base, Var):
                return True
        return False

    def _call(self, node: Call, arguments: tuple[Expr, ...]) -> Expr:
        if any(isinstance(argument, Fails) for argument in arguments):
            return next(argument for argument in arguments if isinstance(argument, Fails))
        name = node.function
        called = replace(node, arguments=arguments)
        errs = any(argument.errs for argument in arguments)
        if name in {"==", "!="} and len(arguments) == 2:
            return self._equality(called, errs=errs)
        if name in ORDERINGS and len(arguments) == 2:
            return _ordering(called, errs=errs)
        if name == "in" and len(arguments) == 2:
            return self._in(called, errs=errs)
        if name in {"hasTag", "getTag"} and len(arguments) == 2:
            return self._tag(called, errs=errs)
        if name in ON_SETS and len(arguments) == semantics.FUNCTIONS[name][0]:
            return _on_sets(called, errs=errs)
        return _function(called, errs=errs)

    def _equality(self, node: Call, *, errs: bool) -> Expr:
        left, right = node.arguments
        folded = _fold(node)
        if folded is not None:
            return folded
        if (
            not errs
            and left.type is not None
            and right.type is not None
            and never_equal(left.type, right.type)
        ):
            return FALSE if node.function == "==" else TRUE
        return replace(node, type=BOOL, errs=errs)

    def _in(self, node: Call, *, errs: bool) -> Expr:
        left, right = node.arguments
        if left.type is not None and not isinstance(left.type, EntityType):
            return _failing(node, "expected an entity", left, right)
        listed = isinstance(right, MakeSet)
        targets = right.elements if isinstance(right, MakeSet) else (right,)
        kinds = [_is_target(target.type, alone=not listed) for target in targets]
        if any(kind is False for kind in kinds):
            return _failing(node, "expected an entity or a set of entities", left, right)
        sure = isinstance(left.type, EntityType) and all(kinds)
        if not errs and sure:
            known = self._known_in(left, targets)
            if known is not None:
                return known
        return replace(node, type=BOOL, errs=errs or not sure)

    def _known_in(self, left: Expr, targets: tuple[Expr, ...]) -> Expr | None:
        assert isinstance(left.type, EntityType)
        if isinstance(left, Lit) and isinstance(left.value, Uid) and left.value in self.schema.action_groups:
            if all(isinstance(target, Lit) for target in targets):
                above = self.schema.action_groups[left.value]
                flat = [_uids(target) for target in targets if isinstance(target, Lit)]
                return TRUE if any(uid in above for uids in flat for uid in uids) else FALSE
            return None
        possible = self.schema.may_be_in.get(left.type.name, frozenset((left.type.name,)))
        reached = {_entity_kind(target.type) for target in targets}
        return None if reached & possible else FALSE

    def _tag(self, node: Call, *, errs: bool) -> Expr:
        base, name = node.arguments
        if base.type is not None and not isinstance(base.type, EntityType):
            return _failing(node, "expected an entity", base, name)
        if _is_no(STRING, name):
            return _failing(node, "expected a string", base, name)
        if base.type is None or name.type is None:
            return replace(node, type=BOOL if node.function == "hasTag" else None)
        kind = self.schema.entities.get(base.type.name)
        if kind is None or kind.tags is None:
            if node.function == "getTag":
                return _failing(node, "there is no such tag", base, name)
            return replace(node, type=BOOL, errs=True) if errs else FALSE
        if node.function == "hasTag":
            return replace(node, type=BOOL, errs=errs)
        return replace(node, type=kind.tags, errs=True)


def is_true(node: Expr) -> bool:
    """Return whether an expression is the constant true."""
    return isinstance(node, Lit) and node.value is True


def is_false(node: Expr) -> bool:
    """Return whether an expression is the constant false."""
    return isinstance(node, Lit) and node.value is False


def never_equal(left: Type, right: Type) -> bool:
    """Return whether no value of one type equals one of the other; two sets may both be empty."""
    match left, right:
        case SetType(), SetType():
            return False
        case RecordType(), RecordType():
            return any(_needed_apart(one, other) for one, other in ((left, right), (right, left)))
        case _:
            return left != right


def _needed_apart(one: RecordType, other: RecordType) -> bool:
    for name, found in one.fields:
        if found.required:
            there = other.field(name)
            if there is None or never_equal(found.type, there.type):
                return True
    return False


def _as_bool(node: Expr) -> Expr:
    if node.type == BOOL or isinstance(node, Fails):
        return node
    if node.type is not None:
        return _failing(node, "expected a boolean", node)
    return And(node, TRUE, at=node.at, type=BOOL)


def _is_no(kind: Type, node: Expr) -> bool:
    return isinstance(node, Fails) or (node.type is not None and node.type != kind)


def _may_err_as_bool(*parts: Expr) -> bool:
    return any(part.errs or part.type != BOOL for part in parts)


def _failing(node: Expr, reason: str, *_parts: Expr) -> Expr:
    # The parts would fail before or in its place: the whole fails either way.
    return Fails(reason, at=node.at)


def _not(node: Not, operand: Expr) -> Expr:
    if isinstance(operand, Lit) and isinstance(operand.value, bool):
        return FALSE if operand.value else TRUE
    if _is_no(BOOL, operand):
        return _failing(node, "expected a boolean", operand)
    return replace(node, operand=operand, type=BOOL, errs=_may_err_as_bool(operand))


def _like(node: Like, base: Expr) -> Expr:
    if _is_no(STRING, base):
        return _failing(node, "expected a string", base)
    if isinstance(base, Lit) and isinstance(base.value, str):
        return TRUE if semantics.matches(base.value, node.pattern) else FALSE
    return replace(node, base=base, type=BOOL, errs=base.errs or base.type is None)


def _is(node: Is, base: Expr) -> Expr:
    match base.type:
        case EntityType(name=kind) if not base.errs:
            return TRUE if kind == node.kind else FALSE
        case EntityType() | None if not isinstance(base, Fails):
            return replace(node, base=base, type=BOOL, errs=True)
        case _:
            return _failing(node, "expected an entity", base)


def _set(node: MakeSet, elements: tuple[Expr, ...]) -> Expr:
    failing = next((part for part in elements if isinstance(part, Fails)), None)
    if failing is not None:
        return failing
    kinds = {part.type for part in elements}
    only = kinds.pop() if len(kinds) == 1 else None
    kind = SetType(only) if only is not None else None
    return replace(node, elements=elements, type=kind, errs=any(part.errs for part in elements))


def _record(node: MakeRecord, fields: tuple[tuple[str, Expr], ...]) -> Expr:
    failing = next((part for _, part in fields if isinstance(part, Fails)), None)
    if failing is not None:
        return failing
    known = {name: Field(part.type) for name, part in fields if part.type is not None}
    kind = make_record(known) if len(known) == len(fields) else None
    return replace(node, fields=fields, type=kind, errs=any(part.errs for _, part in fields))


def _ordering(node: Call, *, errs: bool) -> Expr:
    left, right = node.arguments
    kinds = {part.type for part in (left, right)}
    if any(kind is not None and kind not in ORDERED for kind in kinds) or len(kinds - {None}) > 1:
        return _failing(node, "expected two longs, two datetimes or two durations", left, right)
    return _fold(node) or replace(node, type=BOOL, errs=errs or None in kinds)


def _on_sets(node: Call, *, errs: bool) -> Expr:
    sets = node.arguments[:1] if node.function in {"contains", "isEmpty"} else node.arguments
    for part in sets:
        if not isinstance(part, MakeSet) and part.type is not None and not isinstance(part.type, SetType):
            return _failing(node, "expected a set", *node.arguments)
    sure = all(isinstance(part, MakeSet) or part.type is not None for part in sets)
    return _fold(node) or replace(node, type=BOOL, errs=errs or not sure)


def _function(node: Call, *, errs: bool) -> Expr:
    found = SIGNATURES.get(node.function)
    if found is None or len(found[0]) != len(node.arguments):
        return _failing(node, f"`{node.function}` takes another number of arguments", *node.arguments)
    wanted, gives = found
    for kind, argument in zip(wanted, node.arguments, strict=True):
        if _is_no(kind, argument):
            return _failing(node, f"`{node.function}` expects {kind}", *node.arguments)
    folded = _fold(node)
    if folded is not None:
        return folded
    sure = all(argument.type is not None for argument in node.arguments)
    return replace(node, type=gives, errs=errs or not sure or node.function in MAY_FAIL)


def _fold(node: Call) -> Expr | None:
    values = [constant(argument) for argument in node.arguments]
    if any(value is None for value in values):
        return None
    try:
        value = semantics.call({}, node.function, tuple(value for value in values if value is not None))
    except semantics.Failed as error:
        return Fails(str(error), at=node.at)
    return Lit(value, at=node.at, type=type_of(value), errs=False)


def constant(node: Expr) -> Value | None:
    """Return the value of an expression of constants only, or None."""
    match node:
        case Lit(value=value):
            return value
        case MakeSet(elements=elements):
            values = [constant(part) for part in elements]
            found = [value for value in values if value is not None]
            return CedarSet(tuple(found)) if len(found) == len(elements) else None
        case _:
            return None


def _is_target(kind: Type | None, *, alone: bool) -> bool | None:
    """Return True for an entity (or, alone, a set of them), None where it is not known, False for anything else."""
    if kind is None or (alone and isinstance(kind, SetType) and _entity_kind(kind) is None):
        return None  # an empty set of anything holds no entity, and that is no error
    return isinstance(kind, EntityType) or (alone and isinstance(kind, SetType))


def _entity_kind(kind: Type | None) -> str | None:
    match kind:
        case EntityType(name=name) | SetType(element=EntityType(name=name)):
            return name
        case _:
            return None


def _uids(node: Lit) -> tuple[Uid, ...]:
    return (node.value,) if isinstance(node.value, Uid) else ()
