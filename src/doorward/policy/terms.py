"""Conditions as shared, simplified terms: what is left of a policy when some facts are known.

A term is a number in a table; equal terms have equal numbers, so comparing, memoising and merging are cheap.
Every construction simplifies, so a condition that is decided is `TRUE` or `FALSE` and nothing else.

Evaluation has exactly two values here and never errs: `doorward.policy.check` refuses whatever could err, and
strict validation fixed the types. So the usual laws of Boolean algebra hold and order does not matter.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from doorward.policy.hierarchy import Hierarchy, Uid

Value = bool | int | str | Uid
Kind = Literal["value", "fact", "not", "and", "or", "if", "same", "less", "within", "member"]
FALSE = 0
TRUE = 1


@dataclass(frozen=True, slots=True)
class Node:
    """One term.

    Args:
        kind: ``value`` (constant), ``fact`` (not known yet), a connective, or a comparison.
        parts: Terms that it is made of; sorted for ``and``, ``or`` and ``same``.
        path: Of a fact.
        type: Of a value or fact: ``bool``, ``int``, ``str`` or an entity type. Tells True from 1.
        value: Of a constant.
        targets: Of ``within`` (entities) and ``member`` (constants).
    """

    kind: Kind
    parts: tuple[int, ...] = ()
    path: str = ""
    type: str = ""
    value: Value = False
    targets: frozenset[Value] = frozenset()


class Terms:
    """The table of terms of one compilation.

    Args:
        hierarchy: Decides ``in`` for known entities.
    """

    def __init__(self, hierarchy: Hierarchy) -> None:
        self._hierarchy = hierarchy
        self.nodes: list[Node] = []
        self._numbers: dict[Node, int] = {}
        self._facts: list[frozenset[str]] = []
        self._replaced: dict[tuple[int, str, str, Value], int] = {}
        self.value(value=False)
        self.value(value=True)

    def value(self, value: Value) -> int:
        """Return the constant."""
        kind = value.type if isinstance(value, Uid) else type(value).__name__
        return self._add(Node("value", type=kind, value=value))

    def fact(self, path: str, kind: str) -> int:
        """Return the fact at a dotted path; ``kind`` is ``bool``, ``int``, ``str`` or an entity type."""
        return self._add(Node("fact", path=path, type=kind))

    def negate(self, term: int) -> int:
        """Return the opposite."""
        if term in {FALSE, TRUE}:
            return TRUE - term
        node = self.nodes[term]
        match node.kind:
            case "not":
                return node.parts[0]
            case "and":  # pushed inward, so that equal conditions meet in one form
                return self.disjoin(self.negate(part) for part in node.parts)
            case "or":
                return self.conjoin(self.negate(part) for part in node.parts)
            case _:
                return self._add(Node("not", (term,)))

    def conjoin(self, terms: Iterable[int]) -> int:
        """Return whether all hold; True of none."""
        return self._gather("and", terms)

    def disjoin(self, terms: Iterable[int]) -> int:
        """Return whether any holds; False of none."""
        return self._gather("or", terms)

    def choose(self, condition: int, then: int, otherwise: int) -> int:
        """Return one of two terms of the same type."""
        if condition == TRUE or then == otherwise:
            return then
        if condition == FALSE:
            return otherwise
        if self._is_bool(then) and self._is_bool(otherwise):
            return self.disjoin(
                (self.conjoin((condition, then)), self.conjoin((self.negate(condition), otherwise)))
            )
        return self._add(Node("if", (condition, then, otherwise)))

    def same(self, left: int, right: int) -> int:
        """Return whether two terms of one type are equal."""
        if left == right:
            return TRUE
        for one, other in ((left, right), (right, left)):
            node = self.nodes[one]
            if node.kind == "if":
                condition, then, otherwise = node.parts
                return self.choose(condition, self.same(then, other), self.same(otherwise, other))
        a, b = self.nodes[left], self.nodes[right]
        if a.kind == "value" and b.kind == "value":
            return FALSE  # equal constants have one number
        for one, other in ((left, right), (right, left)):
            if one in {FALSE, TRUE}:
                return other if one == TRUE else self.negate(other)
        return self._add(Node("same", (min(left, right), max(left, right))))

    def less(self, left: int, right: int, *, or_same: bool) -> int:
        """Return whether a whole number is below another, or at most it."""
        a, b = self.nodes[left], self.nodes[right]
        if a.kind == "if":
            condition, then, otherwise = a.parts
            low, high = (self.less(part, right, or_same=or_same) for part in (then, otherwise))
            return self.choose(condition, low, high)
        if b.kind == "if":
            condition, then, otherwise = b.parts
            low, high = (self.less(left, part, or_same=or_same) for part in (then, otherwise))
            return self.choose(condition, low, high)
        if or_same:
            return self.negate(self.less(right, left, or_same=False))
        if left == right:
            return FALSE
        if isinstance(a.value, int) and isinstance(b.value, int) and a.kind == b.kind == "value":
            return TRUE if a.value < b.value else FALSE
        return self._add(Node("less", (left, right)))

    def within(self, entity: int, targets: Iterable[Uid]) -> int:
        """Return whether an entity is one of the targets or below one."""
        wanted = frozenset(targets)
        node = self.nodes[entity]
        if node.kind == "if":
            condition, then, otherwise = node.parts
            return self.choose(condition, self.within(then, wanted), self.within(otherwise, wanted))
        if isinstance(node.value, Uid):
            return TRUE if self._hierarchy.is_within(node.value, wanted) else FALSE
        return self._add(Node("within", (entity,), targets=wanted)) if wanted else FALSE

    def member(self, element: int, constants: Iterable[int]) -> int:
        """Return whether a term equals one of some constants."""
        wanted = set(constants)
        node = self.nodes[element]
        if node.kind == "if":
            condition, then, otherwise = node.parts
            return self.choose(condition, self.member(then, wanted), self.member(otherwise, wanted))
        if node.kind == "value":
            return TRUE if element in wanted else FALSE
        if len(wanted) <= 1 or self._is_bool(element):
            return self.disjoin(self.same(element, constant) for constant in wanted)
        return self._add(
            Node("member", (element,), targets=frozenset(self.nodes[number].value for number in wanted))
        )

    def facts(self, term: int) -> frozenset[str]:
        """Return the paths of the facts that a term still reads."""
        return self._facts[term]

    def replace(self, term: int, path: str, value: Value) -> int:
        """Return the term when the fact at a path is known."""
        if path not in self._facts[term]:
            return term
        key = (term, path, type(value).__name__, value)
        found = self._replaced.get(key)
        if found is None:
            found = self._replaced[key] = self._rebuild(self.nodes[term], path, value)
        return found

    def replace_all(self, term: int, known: Mapping[str, Value]) -> int:
        """Return the term when several facts are known."""
        for path in sorted(self._facts[term] & known.keys()):
            term = self.replace(term, path, known[path])
        return term

    def _rebuild(self, node: Node, path: str, value: Value) -> int:
        if node.kind == "fact":
            return self.value(value)
        parts = [self.replace(part, path, value) for part in node.parts]
        match node.kind:
            case "not":
                return self.negate(parts[0])
            case "and":
                return self.conjoin(parts)
            case "or":
                return self.disjoin(parts)
            case "if":
                return self.choose(*parts)
            case "same":
                return self.same(*parts)
            case "less":
                return self.less(*parts, or_same=False)
            case "within":
                return self.within(parts[0], (uid for uid in node.targets if isinstance(uid, Uid)))
            case _:
                return self.member(parts[0], (self.value(constant) for constant in node.targets))

    def _gather(self, kind: Literal["and", "or"], terms: Iterable[int]) -> int:
        neutral, decisive = (TRUE, FALSE) if kind == "and" else (FALSE, TRUE)
        parts: set[int] = set()
        for term in terms:
            node = self.nodes[term]
            parts.update(node.parts if node.kind == kind else (term,))
        parts.discard(neutral)
        if decisive in parts or any(self.negate(part) in parts for part in list(parts)):
            return decisive
        parts = self._factor(kind, self._absorb(kind, parts))
        if len(parts) > 1:
            return self._add(Node(kind, tuple(sorted(parts))))
        return parts.pop() if parts else neutral

    def _absorb(self, kind: Literal["and", "or"], parts: set[int]) -> set[int]:
        # a AND (a OR b) is a; a AND (NOT a OR b) is a AND b; and the same with the two exchanged.
        dual: Kind = "or" if kind == "and" else "and"
        kept = set(parts)
        for part in sorted(parts):
            node = self.nodes[part]
            if node.kind != dual:
                continue
            others = kept - {part}
            if not others.isdisjoint(node.parts):
                kept = others
                continue
            left = [inner for inner in node.parts if self.negate(inner) not in others]
            if len(left) < len(node.parts):
                again = self.conjoin(left) if dual == "and" else self.disjoin(left)
                return set(self._parts(self._gather(kind, others | {again}), kind))
        return kept

    def _factor(self, kind: Literal["and", "or"], parts: set[int]) -> set[int]:
        # (a OR c) AND (b OR c) is (a AND b) OR c, where all such parts share c; and with the two exchanged.
        dual: Literal["and", "or"] = "or" if kind == "and" else "and"
        split = [part for part in sorted(parts) if self.nodes[part].kind == dual]
        common = (
            set.intersection(*(set(self.nodes[part].parts) for part in split)) if len(split) > 1 else set()
        )
        if not common:
            return parts
        rests = [self._gather(dual, set(self.nodes[part].parts) - common) for part in split]
        merged = self._gather(dual, {self._gather(kind, rests), *common})
        return set(self._parts(self._gather(kind, parts - set(split) | {merged}), kind))

    def _parts(self, term: int, kind: Kind) -> tuple[int, ...]:
        node = self.nodes[term]
        return node.parts if node.kind == kind else (term,)

    def _is_bool(self, term: int) -> bool:
        node = self.nodes[term]
        return node.kind != "if" and (node.kind not in {"value", "fact"} or node.type == "bool")

    def _add(self, node: Node) -> int:
        found = self._numbers.get(node)
        if found is None:
            found = len(self.nodes)
            self._numbers[node] = found
            self.nodes.append(node)
            facts = frozenset((node.path,)) if node.kind == "fact" else frozenset[str]()
            self._facts.append(facts.union(*(self._facts[part] for part in node.parts)))
        return found
