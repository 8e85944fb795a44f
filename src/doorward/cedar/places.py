"""Where each part of a policy stands in its text.

Cedar's trees carry no places. The parts of a tree come in the order of the text's tokens, so a pointer that moves
forward through the tokens meets each of them. It decides nothing: a wrong place would be a wrong number in a message,
and a part whose token is not found has none.
"""

from collections.abc import Sequence
from dataclasses import replace

from doorward.cedar.ir import (
    NOWHERE,
    And,
    Call,
    Expr,
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
from doorward.cedar.scan import Source, Token, unquote
from doorward.cedar.values import Uid

INFIX = frozenset(("==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*"))
CONSTRUCTORS = frozenset(("ip", "decimal", "datetime", "duration"))


class Placer:
    """Gives the conditions of one policy their places, one after the other in the order of the text."""

    def __init__(self, source: Source, number: int) -> None:
        self._tokens: Sequence[Token] = source.policies[number]
        self._at = 0

    def condition(self, kind: str, body: Expr) -> Expr:
        """Return the body of one ``when`` or ``unless`` with places."""
        self._find(kind)
        return self._place(body)

    def _find(self, *texts: str) -> int:
        """Return the offset of the next token that is one of the texts, and move behind it; else NOWHERE."""
        for step in range(self._at, len(self._tokens)):
            if self._tokens[step].text in texts:
                self._at = step + 1
                return self._tokens[step].start
        return NOWHERE

    def _find_name(self, name: str) -> int:
        """Return the offset of a name, written plain or as a text."""
        for step in range(self._at, len(self._tokens)):
            text = self._tokens[step].text
            if text == name or (text[0] == '"' and unquote(text) == name):
                self._at = step + 1
                return self._tokens[step].start
        return NOWHERE

    def _peek(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def _place(self, node: Expr) -> Expr:
        match node:
            case And():
                return self._and(node)
            case Or(left=left, right=right):
                left = self._place(left)
                at = self._find("||")
                return Or(left, self._place(right), at=at)
            case Not(operand=operand):
                at = self._find("!")
                return Not(self._place(operand), at=at)
            case If(condition=condition, then=then, otherwise=otherwise):
                at = self._find("if")
                condition = self._place(condition)
                self._find("then")
                then = self._place(then)
                self._find("else")
                return If(condition, then, self._place(otherwise), at=at)
            case Call():
                return self._call(node)
            case MakeRecord(fields=fields):
                return self._record(fields)
            case MakeSet(elements=elements):
                at = self._find("[")
                return MakeSet(tuple(map(self._place, elements)), at=at)
            case _:
                return self._leaf(node)

    def _leaf(self, node: Expr) -> Expr:
        match node:
            case Lit(value=value):
                return Lit(value, at=self._literal(value))
            case Var(name=name):
                return Var(name, at=self._find(name))
            case Get(base=base, name=name):
                base = self._place(base)
                return Get(base, name, at=self._find_name(name))
            case Has(base=base, name=name):
                base = self._place(base)
                at = self._find("has")
                self._find_name(name)
                return Has(base, name, at=at)
            case Like(base=base, pattern=pattern):
                base = self._place(base)
                return Like(base, pattern, at=self._find("like"))
            case Is(base=base, kind=kind):
                base = self._place(base)
                return Is(base, kind, at=self._find("is"))
            case _:
                return node

    def _literal(self, value: object) -> int:
        match value:
            case bool():
                return self._find("true" if value else "false")
            case int():
                return self._find(str(abs(value)))
            case Uid(id=name):
                return self._find_name(name)
            case _:
                return self._find_name(str(value))

    def _and(self, node: And) -> Expr:
        left, right = self._place(node.left), node.right
        if (
            isinstance(left, Is)
            and isinstance(right, Call)
            and right.arguments[0] is getattr(node.left, "base", None)
        ):
            # `x is T in y` names x once.
            at = self._find("in")
            return And(left, Call("in", (left.base, self._place(right.arguments[1])), at=at), at=left.at)
        if isinstance(right, Has) and self._peek() == ".":
            # `x has a.b` is x has a, and x.a has b.
            self._find(".")
            return And(left, replace(right, at=self._find_name(right.name)), at=left.at)
        at = self._find("&&")
        return And(left, self._place(right), at=at)

    def _call(self, node: Call) -> Expr:
        first, *rest = node.arguments or (None,)
        if node.function == "neg" and first is not None:
            at = self._find("-")
            return Call("neg", (self._place(first),), at=at)
        if node.function in CONSTRUCTORS or first is None:
            at = self._find(node.function)
            return Call(node.function, tuple(map(self._place, node.arguments)), at=at)
        first = self._place(first)
        at = self._find(node.function)
        return Call(node.function, (first, *map(self._place, rest)), at=at)

    def _record(self, fields: Sequence[tuple[str, Expr]]) -> Expr:
        at = self._find("{")
        start, furthest, placed = self._at, self._at, []
        for name, part in fields:  # cedarpy gives them in another order than the text
            self._at = start
            while self._find_name(name) != NOWHERE and self._peek() != ":":
                pass
            placed.append((name, self._place(part)))
            furthest = max(furthest, self._at)
        self._at = furthest
        return MakeRecord(tuple(placed), at=at)
