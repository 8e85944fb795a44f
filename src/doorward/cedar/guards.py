"""Less work for the same answer: conditions grouped by what they share, facts that are read often read once.

Grouping is only for conditions that cannot fail: then their parts may be asked in any order, and what one part rules
out need not be asked.
"""

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

OFTEN = 3  # reads of a fact that are worth a variable: two of them cost as much as making it


@dataclass(frozen=True, slots=True)
class Guarded:
    """One rule: the parts that must all hold, by their text, and its bit."""

    parts: Mapping[str, ast.expr]
    bit: int


def group_guards(tests: Sequence[tuple[ast.expr, int]], name: str) -> list[ast.stmt]:
    """Return statements that set the bit of each test that holds.

    Args:
        tests: Pure conditions with their bits.
        name: Of the variable that holds the bits; it exists already.
    """
    return _statements([Guarded(dict(_conjuncts(test)), bit) for test, bit in tests], name)


def _statements(rules: Sequence[Guarded], name: str) -> list[ast.stmt]:
    here = sum(rule.bit for rule in rules if not rule.parts)
    body: list[ast.stmt] = [_mark(name, here)] if here else []
    left = [rule for rule in rules if rule.parts]
    while left:
        counted = Counter(text for rule in left for text in rule.parts)
        # The guard of most rules first; of equal ones the first of the text, so that a text gives one program.
        guard = max(counted, key=counted.__getitem__)
        inside = [rule for rule in left if guard in rule.parts]
        test = inside[0].parts[guard]
        rest = [Guarded({t: part for t, part in r.parts.items() if t != guard}, r.bit) for r in inside]
        body.append(ast.If(test, _statements(rest, name), []))
        left = [rule for rule in left if guard not in rule.parts]
    return body


def _conjuncts(test: ast.expr) -> list[tuple[str, ast.expr]]:
    """Return the parts that must all hold, each with its text; `not (a or b)` is `not a` and `not b`."""
    match test:
        case ast.BoolOp(op=ast.And(), values=values):
            return [part for value in values for part in _conjuncts(value)]
        case ast.UnaryOp(op=ast.Not(), operand=ast.BoolOp(op=ast.Or(), values=values)):
            return [part for value in values for part in _conjuncts(ast.UnaryOp(ast.Not(), value))]
        case ast.UnaryOp(op=ast.Not(), operand=ast.UnaryOp(op=ast.Not(), operand=inner)):
            return _conjuncts(inner)
        case ast.Constant(value=True):
            return []
        case _:
            return [(ast.dump(test), test)]


def keep_facts(body: Sequence[ast.stmt], name: str) -> list[ast.stmt]:
    """Return the statements with each fact that they read often read once, into a variable, before them.

    Args:
        body: Statements.
        name: Of the mapping of facts by constant path.
    """
    paths = (_path(node, name) for statement in body for node in ast.walk(statement))
    read = Counter(path for path in paths if path is not None)
    often = {path: f"fact_{number}" for number, path in enumerate(read) if read[path] >= OFTEN}
    keeper = _Keeper(name, often)
    kept = [ast.Assign([ast.Name(own, ast.Store())], _read(name, path)) for path, own in often.items()]
    return [*kept, *(keeper.visit(statement) for statement in body)]


class _Keeper(ast.NodeTransformer):
    def __init__(self, facts: str, names: Mapping[str, str]) -> None:
        self._facts = facts
        self._names = names

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:  # the name that ast asks for
        own = self._names.get(_path(node, self._facts) or "")
        return self.generic_visit(node) if own is None else ast.Name(own, ast.Load())


def _path(node: ast.AST, name: str) -> str | None:
    match node:
        case ast.Subscript(value=ast.Name(id=of), slice=ast.Constant(value=str() as path)) if of == name:
            return path
        case _:
            return None


def _read(name: str, path: str) -> ast.expr:
    return ast.Subscript(ast.Name(name, ast.Load()), ast.Constant(path), ast.Load())


def _mark(name: str, bits: int) -> ast.stmt:
    return ast.AugAssign(ast.Name(name, ast.Store()), ast.BitOr(), ast.Constant(bits))
