"""A walk over a policy's conditions in the order of its text, and the place of each construct.

Cedar's trees have no positions. The walk meets constructs in the order in which their tokens stand, so the n-th
construct with a token is at the n-th such token after the policy's head.
"""

from collections.abc import Iterator, Mapping

from cedarpy import pst

from doorward.errors import Span
from doorward.policy.parse import Policy

_SIGNS: Mapping[str, str] = {
    "eq": "==",
    "not_eq": "!=",
    "less": "<",
    "less_eq": "<=",
    "greater": ">",
    "greater_eq": ">=",
    "and": "&&",
    "or": "||",
    "add": "+",
    "sub": "-",
    "mul": "*",
    "not": "!",
    "neg": "-",
    "decimal_less_than": "lessThan",
    "decimal_less_eq": "lessThanOrEqual",
    "decimal_greater": "greaterThan",
    "decimal_greater_eq": "greaterThanOrEqual",
}
_PREFIXED = ("not", "neg", "datetime", "decimal", "duration", "ip")


def walk(policy: Policy) -> Iterator[pst.Expr]:
    """Yield every expression of a policy's conditions, as their tokens stand in the text."""
    for clause in policy.template.clauses:
        yield from _walk(clause.expr)


def token_of(expression: pst.Expr) -> str:
    """Return the token that stands for an expression in the text; the empty string for a set or a record."""
    match expression:
        case pst.BinaryOp(op=op) | pst.UnaryOp(op=op):
            return _SIGNS.get(op) or _camel(op)
        case pst.GetAttr(attr=attr):
            return attr
        case pst.HasAttr():
            return "has"
        case pst.Like():
            return "like"
        case pst.Is():
            return "is"
        case pst.IfThenElse():
            return "if"
        case pst.Var(name=name):
            return name
        case pst.StringLit(value=value):
            return f'"{value}"'
        case pst.EntityLit(value=value):
            return f'"{value.id}"'
        case pst.LongLit(value=value):
            return str(abs(value))
        case pst.BoolLit(value=value):
            return "true" if value else "false"
        case _:
            return ""


def locate(policy: Policy, expression: pst.Expr) -> Span:
    """Return where an expression stands; the policy's own place where it cannot be told."""
    wanted = token_of(expression)
    earlier = 0
    for met in walk(policy):
        if met is expression:
            break
        earlier += token_of(met) == wanted
    tokens = policy.source.policies[policy.number]
    head = next((at for at, token in enumerate(tokens) if token.text in {"when", "unless"}), len(tokens))
    places = [token.start for token in tokens[head:] if token.text == wanted]
    if not wanted or not places:
        return policy.span
    return policy.source.span(places[min(earlier, len(places) - 1)])


def locate_text(policy: Policy, text: str) -> Span:
    """Return where a token first stands in a policy, annotations included; the policy's place where it does not."""
    tokens = policy.source.policies[policy.number]
    for token in tokens:
        if token.text == text:
            return policy.source.span(token.start)
    return policy.span


def _walk(expression: pst.Expr) -> Iterator[pst.Expr]:
    match expression:
        case pst.BinaryOp(left=left, right=right):
            yield from _walk(left)
            yield expression
            yield from _walk(right)
        case pst.UnaryOp(op=op, arg=argument):
            if op in _PREFIXED:
                yield expression
                yield from _walk(argument)
            else:
                yield from _walk(argument)
                yield expression
        case pst.GetAttr(base=base) | pst.HasAttr(base=base) | pst.Like(base=base):
            yield from _walk(base)
            yield expression
        case pst.Is(base=base, in_expr=within):
            yield from _walk(base)
            yield expression
            if within is not None:
                yield from _walk(within)
        case pst.IfThenElse(cond=condition, then_expr=then, else_expr=otherwise):
            yield expression
            yield from _walk(condition)
            yield from _walk(then)
            yield from _walk(otherwise)
        case pst.Set(elements=elements):
            yield expression
            for element in elements:
                yield from _walk(element)
        case pst.Record(fields=fields):
            yield expression
            for part in fields.values():
                yield from _walk(part)
        case _:
            yield expression


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
