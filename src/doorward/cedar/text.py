"""Expressions as Cedar text again, for people who ask which condition was not met.

What is written is parsed to the same tree; only names of a policy's author, such as brackets and line breaks, are lost.

Source: Cedar grammar, "Expr".
"""

import re
from collections.abc import Mapping

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
from doorward.cedar.values import Uid

# How tightly a form binds; what binds less tightly than its place asks stands in parentheses.
_IF, _OR, _AND, _RELATION, _SUM, _PRODUCT, _UNARY, _MEMBER = range(8)
_BINARY: Mapping[str, int] = {
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), _RELATION),
    "+": _SUM,
    "-": _SUM,
    "*": _PRODUCT,
}
_FREE = frozenset(
    ("ip", "decimal", "datetime", "duration")
)  # written `ip("..")`; every other function is a method
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset(("true", "false", "if", "then", "else", "in", "like", "has", "is", "__cedar"))
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


def format_expression(node: Expr) -> str:
    """Return an expression as it was read, as Cedar text of one line."""
    return _write(node, _IF)


def quote(text: str) -> str:
    """Return a text as Cedar quotes it: one line, and nothing that a terminal would act on."""
    return f'"{"".join(map(_escape, text))}"'


def _write(node: Expr, least: int) -> str:
    text, binds = _form(node)
    return text if binds >= least else f"({text})"


def _form(node: Expr) -> tuple[str, int]:
    match node:
        case And(left=left, right=right):
            return f"{_write(left, _AND)} && {_write(right, _RELATION)}", _AND
        case Or(left=left, right=right):
            return f"{_write(left, _OR)} || {_write(right, _AND)}", _OR
        case Not(operand=operand):
            return f"!{_write(operand, _MEMBER)}", _UNARY
        case If(condition=condition, then=then, otherwise=otherwise):
            parts = (_write(part, _IF) for part in (condition, then, otherwise))
            return "if {} then {} else {}".format(*parts), _IF
        case Has(base=base, name=name):
            return f"{_write(base, _SUM)} has {name if _is_name(name) else quote(name)}", _RELATION
        case Like(base=base, pattern=pattern):
            return f"{_write(base, _SUM)} like {_pattern(pattern)}", _RELATION
        case Is(base=base, kind=kind):
            return f"{_write(base, _SUM)} is {kind}", _RELATION
        case Call(function=name, arguments=arguments):
            return _call(name, arguments)
        case _:
            return _primary(node)


def _primary(node: Expr) -> tuple[str, int]:
    match node:
        case Lit(value=bool() as value):
            return str(value).lower(), _MEMBER
        case Lit(value=int() as value):
            return str(value), _MEMBER if value >= 0 else _UNARY
        case Lit(value=Uid(type=kind, id=name)):
            return f"{kind}::{quote(name)}", _MEMBER
        case Lit(value=value):
            return quote(str(value)), _MEMBER
        case Var(name=name):
            return name, _MEMBER
        case Get(base=base, name=name):
            return _write(base, _MEMBER) + (f".{name}" if _is_name(name) else f"[{quote(name)}]"), _MEMBER
        case MakeSet(elements=elements):
            return f"[{_list(elements)}]", _MEMBER
        case MakeRecord(fields=fields):
            inside = ", ".join(f"{quote(name)}: {_write(part, _IF)}" for name, part in fields)
            return f"{{{inside}}}", _MEMBER
        case Fails(reason=reason):
            return f"an error: {reason}", _MEMBER
        case _:
            raise AssertionError(node)


def _call(name: str, arguments: tuple[Expr, ...]) -> tuple[str, int]:
    if name in _BINARY:
        binds = _BINARY[name]
        left, right = arguments
        # Relations do not chain; sums and products group to the left.
        return f"{_write(left, binds + (binds == _RELATION))} {name} {_write(right, binds + 1)}", binds
    if name == "neg":
        # `-5` is a number and no negation; `-(5)` is one.
        (operand,) = arguments
        return f"-({_write(operand, _IF)})" if _is_number(operand) else f"-{_write(operand, _MEMBER)}", _UNARY
    if name in _FREE:
        return f"{name}({_list(arguments)})", _MEMBER
    return f"{_write(arguments[0], _MEMBER)}.{name}({_list(arguments[1:])})", _MEMBER


def _list(parts: tuple[Expr, ...]) -> str:
    return ", ".join(_write(part, _IF) for part in parts)


def _is_number(node: Expr) -> bool:
    return isinstance(node, Lit) and isinstance(node.value, int)


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name not in _RESERVED


def _pattern(pattern: tuple[str | None, ...]) -> str:
    written = ("*" if part is None else "".join(map(_escape, part)).replace("*", "\\*") for part in pattern)
    return f'"{"".join(written)}"'


def _escape(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if char.isprintable() else f"\\u{{{ord(char):x}}}"
