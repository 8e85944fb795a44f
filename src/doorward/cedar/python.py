"""Rules as one Python function: from a request to the rules that apply and those that failed.

The function is built as a syntax tree of Python, never as text, so no constant of a policy can become code. Where the
resolved types say that nothing can fail, the plain operator of Python stands; elsewhere `doorward.cedar.semantics` is
called and a failure is met at the rule.

INVARIANT (an error is never lost): a rule that fails is counted as failed, whatever the others do.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from doorward.cedar import semantics
from doorward.cedar.entities import Entities
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
from doorward.cedar.types import BOOL, LONG, STRING, EntityType, RecordType, SetType, Type
from doorward.cedar.values import CedarSet, Uid, Value, make_set

PLAIN = (BOOL, LONG, STRING)
_COMPARE: Mapping[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}


@dataclass(frozen=True, slots=True)
class Applied:
    """Numbers of the rules that apply, and of those that failed, in the order in which they were given."""

    applying: tuple[int, ...]
    failed: tuple[int, ...]


Applies = Callable[[Uid, Uid, Uid, Mapping[str, Value], Entities], tuple[int, int]]


def compile_rules(conditions: Sequence[Expr]) -> Applies:
    """Return a function of principal, action, resource, context and entities that gives two bit sets.

    Bit n of the first is set where condition n holds, of the second where it failed.

    Args:
        conditions: Plain or resolved; resolved ones only for requests of their environment.
    """
    writer = Writer()
    body: list[ast.stmt] = [assign("applies", ast.Constant(0)), assign("failed", ast.Constant(0))]
    for number, condition in enumerate(conditions):
        body.append(writer.rule(condition, 1 << number))
    body.append(ast.Return(ast.Tuple([name_of("applies"), name_of("failed")], ast.Load())))
    return build_function(
        "question", ("principal", "action", "resource", "context", "entities"), body, writer.held
    )


def bits(mask: int) -> tuple[int, ...]:
    """Return the numbers of the bits that are set, lowest first."""
    return tuple(number for number in range(mask.bit_length()) if mask >> number & 1)


def build_function(
    name: str, arguments: Sequence[str], body: list[ast.stmt], held: Mapping[str, object]
) -> Callable[..., Any]:
    """Return a function of a syntax tree; ``held`` are the objects that it may name."""
    definition = ast.FunctionDef(
        name=name,
        args=ast.arguments(
            posonlyargs=[ast.arg(argument) for argument in arguments],
            args=[], vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[],
        ),
        body=body,
        decorator_list=[],
        returns=None,
        type_comment=None,
    )  # fmt: skip
    module = ast.Module([definition], [])
    scope: dict[str, Any] = {**held, "__builtins__": {}}
    exec(compile(ast.fix_missing_locations(module), f"<{name}>", "exec"), scope)  # noqa: S102  # our own tree, no text
    made: Callable[..., Any] = scope[name]
    return made


@dataclass(slots=True)
class Writer:
    """Writes expressions as Python; ``held`` are the objects that the function names, ``sets`` the sets among them."""

    held: dict[str, object] = field(default_factory=dict)
    sets: dict[frozenset[tuple[type, Any]], str] = field(default_factory=dict)

    def rule(self, condition: Expr, bit: int) -> ast.stmt:
        """Return the statement that marks a rule where it applies, and where it failed."""
        test = self.bool(condition)
        mark: ast.stmt = _mark("applies", bit)
        if not condition.errs and condition.type == BOOL:
            return ast.If(test, [mark], [])
        caught = ast.ExceptHandler(
            type=self.hold("Failed", semantics.Failed), name=None, body=[_mark("failed", bit)]
        )
        return ast.Try([ast.If(test, [mark], [])], [caught], [], [])

    def hold(self, name: str, thing: object) -> ast.expr:
        """Return how the function names an object."""
        if self.held.setdefault(name, thing) is not thing:
            name = f"{name}_{len(self.held)}"
            self.held[name] = thing
        return name_of(name)

    def hold_set(self, values: frozenset[Any]) -> ast.expr:
        """Return how the function names a set; an equal set has one name, so equal conditions have one text."""
        key = frozenset((type(value), value) for value in values)
        found = self.sets.setdefault(key, f"set_{len(self.sets)}")
        self.held[found] = values
        return name_of(found)

    def constant(self, value: Value) -> ast.expr:
        """Return a constant."""
        if isinstance(value, (bool, int, str)):
            return ast.Constant(value)
        return self.hold(f"constant_{len(self.held)}", value)

    def call(self, function: Callable[..., object], *arguments: ast.expr) -> ast.expr:
        """Return a call of a function that is held."""
        return ast.Call(self.hold(function.__name__.strip("<>"), function), list(arguments), [])

    def bool(self, node: Expr) -> ast.expr:
        """Return an expression that is a Python boolean, or fails."""
        written = self.write(node)
        return written if node.type == BOOL else self.call(semantics.as_bool, written)

    def write(self, node: Expr) -> ast.expr:
        """Return an expression that has the node's value, or fails."""
        match node:
            case Lit(value=value):
                return self.constant(value)
            case Var(name=name):
                return name_of(name)
            case And(left=left, right=right):
                return ast.BoolOp(ast.And(), [self.bool(left), self.bool(right)])
            case Or(left=left, right=right):
                return ast.BoolOp(ast.Or(), [self.bool(left), self.bool(right)])
            case Not(operand=operand):
                return ast.UnaryOp(ast.Not(), self.bool(operand))
            case If(condition=condition, then=then, otherwise=otherwise):
                return ast.IfExp(self.bool(condition), self.write(then), self.write(otherwise))
            case Get():
                return self._get(node)
            case Has(base=base, name=name):
                return self._on_entities(semantics.has, self.write(base), ast.Constant(name))
            case Like(base=base, pattern=pattern):
                test = semantics.matches if base.type == STRING else semantics.like
                return self.call(test, self.write(base), self.hold(f"pattern_{len(self.held)}", pattern))
            case Is(base=base, kind=kind):
                return self.call(semantics.is_of, self.write(base), ast.Constant(kind))
            case MakeSet(elements=elements):
                return self.call(make_set, ast.Tuple(list(map(self.write, elements)), ast.Load()))
            case MakeRecord(fields=fields):
                keys: list[ast.expr | None] = [ast.Constant(name) for name, _ in fields]
                return ast.Dict(keys, [self.write(part) for _, part in fields])
            case Call():
                return self._call(node)
            case Fails(reason=reason):
                return self.call(semantics.fail, ast.Constant(reason))

    def _get(self, node: Get) -> ast.expr:
        base = self.write(node.base)
        if isinstance(node.base.type, RecordType):
            found = node.base.type.field(node.name)
            if found is not None and found.required:
                return ast.Subscript(base, ast.Constant(node.name), ast.Load())
        return self._on_entities(semantics.get, base, ast.Constant(node.name))

    def _on_entities(self, function: Callable[..., object], *arguments: ast.expr) -> ast.expr:
        return self.call(function, name_of("entities"), *arguments)

    def _call(self, node: Call) -> ast.expr:
        written = list(map(self.write, node.arguments))
        kinds = [argument.type for argument in node.arguments]
        name = node.function
        if name in semantics.ON_ENTITIES:
            return self._on_entities(semantics.ON_ENTITIES[name], *written)
        if name in _COMPARE and len(kinds) == 2 and kinds[0] == kinds[1] and _is_comparable(kinds[0], name):
            return ast.Compare(written[0], [_COMPARE[name]()], [written[1]])
        if name == "contains" and isinstance(node.arguments[0], Lit | MakeSet):
            found = self._listed(node.arguments[0], kinds[1])
            if found is not None:
                return ast.Compare(written[1], [ast.In()], [found])
        function = semantics.FUNCTIONS.get(name)
        if function is None or function[0] != len(written):
            return self.call(semantics.fail, ast.Constant(f"`{name}` takes another number of arguments"))
        return ast.Call(
            self.hold(f"function_{list(semantics.FUNCTIONS).index(name)}", function[1]), written, []
        )

    def _listed(self, node: Expr, kind: Type | None) -> ast.expr | None:
        """Return a frozen set of constants that an element of a known plain type is looked up in."""
        if not isinstance(node.type, SetType) or node.type.element != kind or not _is_comparable(kind, "=="):
            return None
        values = _constant_set(node)
        if values is None:
            return None
        return self.hold_set(frozenset(map(self.plain, values)))

    def plain(self, value: Value) -> Value:
        """Return a constant as the request holds its like."""
        return value


def _constant_set(node: Expr) -> list[Value] | None:
    if isinstance(node, MakeSet) and all(isinstance(part, Lit) for part in node.elements):
        return [part.value for part in node.elements if isinstance(part, Lit)]
    if isinstance(node, Lit) and isinstance(node.value, CedarSet):
        return list(node.value.elements)
    return None


def _is_comparable(kind: Type | None, operator: str) -> bool:
    """Return whether Python's own operator means what Cedar's does for two values of a type."""
    if operator in {"==", "!="}:
        return kind in PLAIN or isinstance(kind, EntityType)
    return kind == LONG


def name_of(name: str) -> ast.Name:
    """Return a name as it is read."""
    return ast.Name(name, ast.Load())


def assign(name: str, value: ast.expr) -> ast.stmt:
    """Return the statement that gives a name a value."""
    return ast.Assign([ast.Name(name, ast.Store())], value)


def _mark(name: str, bit: int) -> ast.stmt:
    return ast.AugAssign(ast.Name(name, ast.Store()), ast.BitOr(), ast.Constant(bit))
