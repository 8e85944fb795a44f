"""Conditions as shared, simplified terms: what is left of a rule when some facts are known.

A term is a number in a table; equal terms have equal numbers, so comparing, memoising and merging are cheap.
Every construction simplifies, so a condition that is decided is `TRUE` or `FALSE` and nothing else.

A term has a value always and never errs: what could fail in Cedar is lowered to a pair of terms, the value and whether
it fails (`doorward.cedar.lower`). So the usual laws of Boolean algebra hold and order does not matter. Where a value
would fail, its term stands for something harmless: a sum that overflows is 0.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from doorward.cedar import extensions, semantics
from doorward.cedar.hierarchy import Hierarchy
from doorward.cedar.types import BOOL, LONG, Type, type_of
from doorward.cedar.values import MAX_LONG, MIN_LONG, Datetime, Decimal, Duration, Ip, Uid

Constant = bool | int | str | Uid | Decimal | Datetime | Duration | Ip
Kind = Literal[
    "value", "fact", "not", "and", "or", "if", "same", "less", "within", "member", "like",
    "add", "sub", "mul", "add!", "sub!", "mul!", "mod", "quotient",
    "attr", "has_attr", "exists", "tag", "has_tag", "below",
    "set", "record", "contains", "subset", "meets", "empty",
    "v6", "loopback", "multicast", "in_range",
]  # fmt: skip
FALSE = 0
TRUE = 1
_ON_IP: Mapping[str, Callable[[Ip], bool]] = {
    "v6": lambda address: address.v6,
    "loopback": extensions.is_loopback,
    "multicast": extensions.is_multicast,
}


@dataclass(frozen=True, slots=True)
class Term:
    """One term.

    Args:
        kind: ``value`` (constant), ``fact`` (not known yet), a connective, a comparison, or a function.
        parts: Terms that it is made of; sorted for ``and``, ``or``, ``same`` and ``set``.
        type: Of its value.
        name: Of a fact its path; of ``attr`` and ``tag`` the dotted name.
        value: Of a constant.
        targets: Of ``within`` (entities) and ``member`` (constants).
        pattern: Of ``like``.
    """

    kind: Kind
    parts: tuple[int, ...] = ()
    type: Type = BOOL
    name: str = ""
    value: Constant = False
    targets: frozenset[Constant] = frozenset()
    pattern: tuple[str | None, ...] = ()


class Terms:
    """The table of terms of one compilation.

    Args:
        hierarchy: Decides ``in`` for known entities.
        thorough: Also find what is implied and what alternatives share. It makes texts short and equal conditions
            meet; a solver that looks at the whole does without.
    """

    def __init__(self, hierarchy: Hierarchy, *, thorough: bool = True) -> None:
        self.hierarchy = hierarchy
        self._thorough = thorough
        self.nodes: list[Term] = []
        self._numbers: dict[Term, int] = {}
        self._facts: list[frozenset[str]] = []
        self._replaced: dict[tuple[int, str, type, Constant], int] = {}
        self.value(value=False)
        self.value(value=True)

    def value(self, value: Constant) -> int:
        """Return the constant."""
        return self._add(Term("value", type=type_of(value) or BOOL, value=value))

    def fact(self, path: str, kind: Type) -> int:
        """Return the fact at a dotted path."""
        return self._add(Term("fact", name=path, type=kind))

    def constant(self, term: int) -> Constant | None:
        """Return the value of a constant, or None."""
        node = self.nodes[term]
        return node.value if node.kind == "value" else None

    def negate(self, term: int) -> int:
        """Return the opposite."""
        if term in {FALSE, TRUE}:
            return TRUE - term
        node = self.nodes[term]
        match node.kind:
            case "not":
                return node.parts[0]
            case "and" if self._thorough:  # pushed inward, so that equal conditions meet in one form
                return self.disjoin(self.negate(part) for part in node.parts)
            case "or" if self._thorough:
                return self.conjoin(self.negate(part) for part in node.parts)
            case _:
                return self._add(Term("not", (term,)))

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
        if self.nodes[then].type == BOOL:
            return self.disjoin(
                (self.conjoin((condition, then)), self.conjoin((self.negate(condition), otherwise)))
            )
        return self._add(Term("if", (condition, then, otherwise), self.nodes[then].type))

    def same(self, left: int, right: int) -> int:
        """Return whether two terms of one type are equal."""
        if left == right:
            return TRUE
        if self.nodes[left].kind == "if":
            return self._spread(left, lambda part: self.same(part, right))
        if self.nodes[right].kind == "if":
            return self._spread(right, lambda part: self.same(left, part))
        a, b = self.nodes[left], self.nodes[right]
        if a.kind == "value" and b.kind == "value":
            return FALSE  # equal constants have one number
        for one, other in ((left, right), (right, left)):
            if one in {FALSE, TRUE}:
                return other if one == TRUE else self.negate(other)
        return self._add(Term("same", (min(left, right), max(left, right))))

    def less(self, left: int, right: int, *, or_same: bool = False) -> int:
        """Return whether a number, moment or duration is below another, or at most it."""
        if self.nodes[left].kind == "if":
            return self._spread(left, lambda part: self.less(part, right, or_same=or_same))
        if self.nodes[right].kind == "if":
            return self._spread(right, lambda part: self.less(left, part, or_same=or_same))
        if or_same:
            return self.negate(self.less(right, left))
        if left == right:
            return FALSE
        low, high = self._number(left), self._number(right)
        if low is not None and high is not None:
            return TRUE if low < high else FALSE
        return self._add(Term("less", (left, right)))

    def within(self, entity: int, targets: Iterable[Uid]) -> int:
        """Return whether an entity is one of the targets or below one."""
        wanted = frozenset(targets)
        node = self.nodes[entity]
        if node.kind == "if":
            return self._spread(entity, lambda part: self.within(part, wanted))
        if isinstance(node.value, Uid):
            return TRUE if self.hierarchy.is_within(node.value, wanted) else FALSE
        if not wanted:
            return FALSE
        return self._add(Term("within", (entity,), targets=frozenset[Constant](wanted)))

    def below(self, entity: int, target: int) -> int:
        """Return whether an entity is another one or below it, or one of a set or below one of it."""
        if self.nodes[entity].kind == "if":
            return self._spread(entity, lambda part: self.below(part, target))
        if self.nodes[target].kind == "if":
            return self._spread(target, lambda part: self.below(entity, part))
        if entity == target:
            return TRUE
        known = self.nodes[target].value
        if isinstance(known, Uid):
            return self.within(entity, (known,))
        return self._add(Term("below", (entity, target)))

    def member(self, element: int, constants: Iterable[int]) -> int:
        """Return whether a term equals one of some constants."""
        wanted = set(constants)
        node = self.nodes[element]
        if node.kind == "if":
            return self._spread(element, lambda part: self.member(part, wanted))
        if node.kind == "value":
            return TRUE if element in wanted else FALSE
        if len(wanted) <= 1 or node.type == BOOL:
            return self.disjoin(self.same(element, constant) for constant in wanted)
        return self._add(
            Term("member", (element,), targets=frozenset(self.nodes[number].value for number in wanted))
        )

    def like(self, text: int, pattern: tuple[str | None, ...]) -> int:
        """Return whether a text has a form."""
        node = self.nodes[text]
        if node.kind == "if":
            return self._spread(text, lambda part: self.like(part, pattern))
        if isinstance(node.value, str):
            return TRUE if semantics.matches(node.value, pattern) else FALSE
        if None not in pattern:
            return self.same(text, self.value("".join(part for part in pattern if part is not None)))
        return TRUE if set(pattern) == {None} else self._add(Term("like", (text,), pattern=pattern))

    def arithmetic(
        self, kind: Literal["add", "sub", "mul"], numbers: tuple[int, int], gives: Type
    ) -> tuple[int, int]:
        """Return a sum, difference or product (0 where it does not fit into 64 bits), and whether it does not fit."""
        low, high = map(self._number, numbers)
        if low is not None and high is not None:
            exact = {"add": low + high, "sub": low - high, "mul": low * high}[kind]
            fits = MIN_LONG <= exact <= MAX_LONG
            return self._of(exact if fits else 0, gives), FALSE if fits else TRUE
        overflow: Kind = f"{kind}!"  # type: ignore[assignment]  # the three names that end so
        return self._add(Term(kind, numbers, gives)), self._add(Term(overflow, numbers))

    def divide(self, kind: Literal["mod", "quotient"], left: int, by: int, gives: Type) -> int:
        """Return the rest (never below 0) or the whole quotient (towards zero) by a constant above 0."""
        number = self._number(left)
        if number is not None:
            towards_zero = abs(number) // by * (1 if number >= 0 else -1)
            return self._of(number % by if kind == "mod" else towards_zero, gives)
        return self._add(Term(kind, (left, self.value(by)), gives))

    def apply(self, kind: Kind, parts: tuple[int, ...], *, type: Type = BOOL, name: str = "") -> int:  # noqa: A002  # as the field
        """Return a function of terms that has no law of its own here; conditions inside are drawn out."""
        drawn = next((number for number, part in enumerate(parts) if self.nodes[part].kind == "if"), None)
        if drawn is not None:
            before, after = parts[:drawn], parts[drawn + 1 :]
            return self._spread(
                parts[drawn], lambda one: self.apply(kind, (*before, one, *after), type=type, name=name)
            )
        if kind == "set":
            parts = tuple(sorted(set(parts)))
        values = [self.nodes[part].value for part in parts]
        if kind in _ON_IP and isinstance(values[0], Ip):
            return TRUE if _ON_IP[kind](values[0]) else FALSE
        if kind == "in_range" and all(isinstance(value, Ip) for value in values):
            child, network = (value for value in values if isinstance(value, Ip))
            return TRUE if extensions.is_in_range(child, network) else FALSE
        return self._add(Term(kind, parts, type, name))

    def facts(self, term: int) -> frozenset[str]:
        """Return the paths of the facts that a term still reads."""
        return self._facts[term]

    def replace(self, term: int, path: str, value: Constant) -> int:
        """Return the term when the fact at a path is known."""
        if path not in self._facts[term]:
            return term
        key = (term, path, type(value), value)
        found = self._replaced.get(key)
        if found is None:
            known = self.value(value)
            found = self._replaced[key] = self.rebuild(
                term, lambda node: known if node.kind == "fact" and node.name == path else None
            )
        return found

    def replace_all(self, term: int, known: Mapping[str, Constant]) -> int:
        """Return the term when several facts are known."""
        for path in sorted(self._facts[term] & known.keys()):
            term = self.replace(term, path, known[path])
        return term

    def rebuild(self, term: int, swap: Callable[[Term], int | None]) -> int:
        """Return the term with every part for which ``swap`` gives a term put in its place."""
        memo: dict[int, int] = {}

        def again(number: int) -> int:
            if number not in memo:
                node = self.nodes[number]
                swapped = swap(node)
                memo[number] = self._made(node, tuple(map(again, node.parts))) if swapped is None else swapped
            return memo[number]

        return again(term)

    def _made(self, node: Term, parts: tuple[int, ...]) -> int:
        if parts == node.parts:
            return self._add(node)
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
                return self.less(*parts)
            case "below":
                return self.below(*parts)
            case "within":
                return self.within(parts[0], (uid for uid in node.targets if isinstance(uid, Uid)))
            case "member":
                return self.member(parts[0], (self.value(constant) for constant in node.targets))
            case "like":
                return self.like(parts[0], node.pattern)
            case "add" | "sub" | "mul":
                return self.arithmetic(node.kind, (parts[0], parts[1]), node.type)[0]
            case "add!" | "sub!" | "mul!":
                name: Literal["add", "sub", "mul"] = node.kind[:-1]  # type: ignore[assignment]  # one of the three
                return self.arithmetic(name, (parts[0], parts[1]), LONG)[1]
            case "mod" | "quotient":
                by = self._number(parts[1]) or 1
                return self.divide(node.kind, parts[0], by, node.type)
            case _:
                return self.apply(node.kind, parts, type=node.type, name=node.name)

    def _spread(self, term: int, function: Callable[[int], int]) -> int:
        condition, then, otherwise = self.nodes[term].parts
        return self.choose(condition, function(then), function(otherwise))

    def _gather(self, kind: Literal["and", "or"], terms: Iterable[int]) -> int:
        neutral, decisive = (TRUE, FALSE) if kind == "and" else (FALSE, TRUE)
        parts: set[int] = set()
        for term in terms:
            node = self.nodes[term]
            parts.update(node.parts if node.kind == kind else (term,))
        parts.discard(neutral)
        if decisive in parts or any(self._opposite(part) in parts for part in parts):
            return decisive
        if self._thorough:
            parts = self._factor(kind, self._absorb(kind, parts))
        if len(parts) > 1:
            return self._add(Term(kind, tuple(sorted(parts))))
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

    def _opposite(self, term: int) -> int | None:
        """Return the opposite if it has been made already; a part whose opposite was never made has none beside it."""
        node = self.nodes[term]
        if node.kind == "not":
            return node.parts[0]
        if node.kind in {"and", "or"}:
            return self.negate(term) if self._thorough else None
        return self._numbers.get(Term("not", (term,)))

    def _parts(self, term: int, kind: Kind) -> tuple[int, ...]:
        node = self.nodes[term]
        return node.parts if node.kind == kind else (term,)

    def _number(self, term: int) -> int | None:
        """Return a constant as the whole number that stands for it in 64 bits, or None."""
        match self.constant(term):
            case Datetime(ms=number) | Duration(ms=number) | Decimal(scaled=number):
                return number
            case int() as number if not isinstance(number, bool):
                return number
            case _:
                return None

    def _of(self, number: int, kind: Type) -> int:
        made: Mapping[str, Callable[[int], Constant]] = {
            "datetime": Datetime,
            "duration": Duration,
            "decimal": Decimal,
        }
        return self.value(made.get(str(kind), int)(number))

    def _add(self, node: Term) -> int:
        found = self._numbers.get(node)
        if found is None:
            found = len(self.nodes)
            self._numbers[node] = found
            self.nodes.append(node)
            facts = frozenset((node.name,)) if node.kind == "fact" else frozenset[str]()
            self._facts.append(facts.union(*(self._facts[part] for part in node.parts)))
        return found


def needed(terms: Terms, roots: Iterable[int], known: Mapping[int, object]) -> list[int]:
    """Return the terms that the roots are made of and that are not known, parts first."""
    seen: set[int] = set()
    ends = list(roots)
    while ends:
        number = ends.pop()
        if number not in seen and number not in known:
            seen.add(number)
            ends.extend(terms.nodes[number].parts)
    return sorted(seen)
