"""Terms as formulas of z3, over the entities of one file.

Entities and (where nothing looks inside of them) texts are numbers: those of the file and the policies first, in an
order that keeps equal memberships together, then all others. So `in` a group is a range, and an agency file of 20,000
costs little more than one of 20.

What z3 is told about the file stands in `assumptions`; a proof holds under them.

INVARIANT (exact on the file): a formula has the value of its term for every assignment of facts whose entities are the
file's; tests/cedar/test_smt.py and the corpus compare with the engine.
"""

import ctypes
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import z3

from doorward.cedar import extensions
from doorward.cedar.entities import Entities
from doorward.cedar.terms import Term, Terms, needed
from doorward.cedar.types import BOOL, IP, STRING, EntityType, RecordType, SetType, Type
from doorward.cedar.values import (
    MAX_LONG,
    MIN_LONG,
    CedarSet,
    Datetime,
    Decimal,
    Duration,
    Ip,
    Uid,
    Value,
    dig,
)

Formula: TypeAlias = Any  # z3 is untyped: expressions, sorts and declarations alike


@dataclass(slots=True)
class Coding:
    """Numbers for the entities of one type, or for texts: known ones from 0, all others after them."""

    codes: dict[str, int] = field(default_factory=dict)

    def of(self, name: str) -> int:
        """Return the number of a name; a new one gets the next."""
        return self.codes.setdefault(name, len(self.codes))


class Formulas:
    """The formulas of one table of terms over one entity file.

    Args:
        terms: The table.
        entities: The file; an entity that a fact names may also stand outside of it.
        roots: Every term that will be asked for; tells whether texts are looked into.
        beside: Formulas over another table and file that are asked together with these: a fact of one path, and an
            entity of one type and id, is the same in both; what the files say of an entity is not.
        into_texts: Whether texts are looked into, where other formulas are asked beside these.
    """

    def __init__(
        self,
        terms: Terms,
        entities: Entities,
        roots: Iterable[int],
        *,
        beside: "Formulas | None" = None,
        into_texts: bool = False,
    ) -> None:
        self._terms = terms
        self._entities = entities
        used = needed(terms, roots, {})
        self._into_texts = into_texts or any(terms.nodes[number].kind == "like" for number in used)
        self.codings: dict[str, Coding] = {}
        self.name = ""
        if beside is not None:
            self.codings = beside.codings
            self.name = f"{beside.name}'"
        self._in_file: dict[str, frozenset[int]] = {}
        self._by_type: dict[str, list[Uid]] = {}
        self._functions: dict[str, Formula] = {}
        self._records: dict[RecordType, tuple[Formula, Formula]] = {}
        self._made: dict[int, Formula] = {}
        self._facts: dict[str, tuple[Formula, Type]] = {}
        self.assumptions: list[Formula] = []
        self._ip = _ip_sort()
        for uid in sorted(
            entities, key=lambda uid: (uid.type, sorted(map(str, entities[uid].above)), uid.id)
        ):
            self._by_type.setdefault(uid.type, []).append(uid)
            self.coding(uid.type).of(uid.id)
        for kind, uids in self._by_type.items():
            self._in_file[kind] = frozenset(self.coding(kind).of(uid.id) for uid in uids)
        for number in used:  # parts have lower numbers than what is made of them
            self._made[number] = self._write(
                terms.nodes[number], [self._made[part] for part in terms.nodes[number].parts]
            )

    def formula(self, term: int) -> Formula:
        """Return the formula of one of the roots, or of a part of one."""
        return self._made[term]

    @property
    def facts(self) -> Mapping[str, tuple[Formula, Type]]:
        """Every fact that was met: its constant and its type, by path."""
        return self._facts

    def coding(self, kind: str) -> Coding:
        """Return the numbers of an entity type."""
        return self.codings.setdefault(kind, Coding())

    def fact_is(self, path: str, value: Value) -> Formula:
        """Return the formula that a fact has a value."""
        constant, kind = self._facts[path]
        return constant == self.constant(value, kind)

    def stands_in_file(self, path: str) -> Formula:
        """Return the formula that the entity of a fact is one of the file's."""
        constant, kind = self._facts[path]
        return _in_ranges(constant, self._in_file.get(str(kind), ()))

    def constant(self, value: Value, kind: Type) -> Formula:
        """Return a value of a type as z3's."""
        match value:
            case bool():
                return z3.BoolVal(value)
            case int():
                return z3.IntVal(value)
            case Uid(type=of, id=name):
                return z3.IntVal(self.coding(of).of(name))
            case str():
                return _text(value) if self._into_texts else z3.IntVal(self.coding("").of(value))
            case Datetime(ms=number) | Duration(ms=number) | Decimal(scaled=number):
                return z3.IntVal(number)
            case Ip(v6=v6, address=address, prefix=prefix):
                make = self._ip.ip
                return make(z3.BoolVal(v6), *map(z3.IntVal, (address, prefix, value.low, value.high)))
            case CedarSet(elements=elements):
                assert isinstance(kind, SetType)
                return self._set([self.constant(part, kind.element) for part in elements], kind.element)
            case _:
                assert isinstance(kind, RecordType)
                return self._record(kind, [self.constant(value[n], f.type) for n, f in kind.fields])

    def value(self, written: Formula, kind: Type) -> Value | None:
        """Return what z3 found for a constant of a type; None for what has no finite form."""
        name = str(kind)
        if isinstance(kind, EntityType) or (kind == STRING and not self._into_texts):
            coding = self.coding("" if kind == STRING else name)
            number = written.as_long()
            known = next((known for known, code in coding.codes.items() if code == number), None)
            text = f"other-{number - len(coding.codes) + 1}" if known is None else known
            return Uid(name, text) if isinstance(kind, EntityType) else text
        if kind == BOOL:
            return bool(z3.is_true(written))
        if kind == STRING:
            return str(written.as_string()) if z3.is_string_value(written) else None
        if z3.is_int_value(written):
            made: Mapping[str, Callable[[int], Value]] = {
                "datetime": Datetime,
                "duration": Duration,
                "decimal": Decimal,
            }
            return made.get(name, int)(written.as_long())
        if kind == IP:
            v6, address, prefix = (
                z3.simplify(get(written)) for get in (self._ip.v6, self._ip.address, self._ip.prefix)
            )
            return Ip(z3.is_true(v6), address.as_long(), prefix.as_long())
        return None

    def _write(self, node: Term, parts: Sequence[Formula]) -> Formula:
        match node.kind:
            case "value":
                return self.constant(node.value, node.type)
            case "fact":
                return self._fact(node.name, node.type)
            case "not":
                return z3.Not(parts[0])
            case "and":
                return z3.And(*parts)
            case "or":
                return z3.Or(*parts)
            case "if":
                return z3.If(*parts)
            case "same":
                return parts[0] == parts[1]
            case "less":
                return parts[0] < parts[1]
            case "member":
                kind = self._terms.nodes[node.parts[0]].type
                return z3.Or(
                    *(parts[0] == self.constant(value, kind) for value in sorted(node.targets, key=str))
                )
            case "like":
                return z3.InRe(parts[0], _pattern(node.pattern))
            case "add" | "sub" | "mul":
                exact = _exact(node.kind, parts)
                return z3.If(_fits(exact), exact, z3.IntVal(0))
            case "add!" | "sub!" | "mul!":
                return z3.Not(_fits(_exact(node.kind[:-1], parts)))
            case "mod":
                return parts[0] % parts[1]
            case "quotient":
                return z3.If(parts[0] >= 0, parts[0] / parts[1], -(-parts[0] / parts[1]))
            case "set":
                assert isinstance(node.type, SetType)
                return self._set(parts, node.type.element)
            case "record":
                assert isinstance(node.type, RecordType)
                return self._record(node.type, parts)
            case "contains":
                return z3.IsMember(parts[1], parts[0])
            case "subset":
                return z3.IsSubset(parts[0], parts[1])
            case "meets":
                return z3.SetIntersect(parts[0], parts[1]) != z3.EmptySet(parts[0].sort().domain())
            case "empty":
                return parts[0] == z3.EmptySet(parts[0].sort().domain())
            case "v6" | "loopback" | "multicast" | "in_range":
                return self._on_ip(node.kind, parts)
            case _:
                return self._on_entities(node, parts)

    def _on_entities(self, node: Term, parts: Sequence[Formula]) -> Formula:
        kind = str(self._terms.nodes[node.parts[0]].type)
        uids = self._by_type.get(kind, [])
        match node.kind:
            case "within":
                wanted = node.targets
                inside = [
                    uid for uid in uids if uid in wanted or not self._entities[uid].above.isdisjoint(wanted)
                ]
                codes = {self.coding(kind).of(uid.id) for uid in inside}
                codes |= {self.coding(kind).of(t.id) for t in wanted if isinstance(t, Uid) and t.type == kind}
                return _in_ranges(parts[0], codes)
            case "below":
                return self._below(node, parts, uids)
            case "exists":
                return _in_ranges(parts[0], self._in_file.get(kind, ()))
            case "has_attr":
                having = [uid for uid in uids if dig(self._entities[uid].attributes, node.name) is not None]
                return _in_ranges(parts[0], {self.coding(kind).of(uid.id) for uid in having})
            case "attr":
                return self._attribute(node, kind, uids)(parts[0])
            case "has_tag":
                return z3.Or(
                    *(
                        z3.And(
                            parts[0] == self.coding(kind).of(uid.id), parts[1] == self.constant(name, STRING)
                        )
                        for uid in uids
                        for name in self._entities[uid].tags
                    )
                )
            case _:
                return self._tag(node, kind, uids)(parts[0], parts[1])

    def _below(self, node: Term, parts: Sequence[Formula], uids: Sequence[Uid]) -> Formula:
        own = self._terms.nodes[node.parts[0]].type
        other = self._terms.nodes[node.parts[1]].type
        target = other.element if isinstance(other, SetType) else other

        def meets(uid: Uid) -> Formula:
            code = z3.IntVal(self.coding(uid.type).of(uid.id))
            return z3.IsMember(code, parts[1]) if isinstance(other, SetType) else parts[1] == code

        ways = []
        if own == target:
            ways.append(
                z3.IsMember(parts[0], parts[1]) if isinstance(other, SetType) else parts[0] == parts[1]
            )
        for uid in uids:
            above = [up for up in sorted(self._entities[uid].above) if up.type == str(target)]
            if above:
                here = parts[0] == self.coding(uid.type).of(uid.id)
                ways.append(z3.And(here, z3.Or(*map(meets, above))))
        return z3.Or(*ways)

    def _attribute(self, node: Term, kind: str, uids: Sequence[Uid]) -> Formula:
        key = f"{self.name}{kind}.{node.name}"
        if key not in self._functions:
            function = self._functions[key] = z3.Function(key, z3.IntSort(), self._sort(node.type))
            for uid in uids:
                held = dig(self._entities[uid].attributes, node.name)
                if held is not None:
                    known = function(self.coding(kind).of(uid.id)) == self.constant(held, node.type)
                    self.assumptions.append(known)
        return self._functions[key]

    def _tag(self, node: Term, kind: str, uids: Sequence[Uid]) -> Formula:
        key = f"{self.name}{kind}#{node.name}"
        if key not in self._functions:
            function = self._functions[key] = z3.Function(
                key, z3.IntSort(), self._sort(STRING), self._sort(node.type)
            )
            for uid in uids:
                for name, tag in self._entities[uid].tags.items():
                    held = dig({"": tag}, node.name)
                    if held is not None:
                        at = function(self.coding(kind).of(uid.id), self.constant(name, STRING))
                        self.assumptions.append(at == self.constant(held, node.type))
        return self._functions[key]

    def _fact(self, path: str, kind: Type) -> Formula:
        constant = z3.Const(path, self._sort(kind))
        self._facts[path] = (constant, kind)
        if isinstance(kind, EntityType) or (kind == STRING and not self._into_texts):
            self.assumptions.append(constant >= 0)
        elif kind == IP:
            self.assumptions.append(self._is_ip(constant))
        elif constant.sort() == z3.IntSort():
            self.assumptions.append(_fits(constant))
        return constant

    def _is_ip(self, constant: Formula) -> Formula:
        sort = self._ip
        address, prefix, low, high = (
            get(constant) for get in (sort.address, sort.prefix, sort.low, sort.high)
        )
        bits = z3.If(sort.v6(constant), z3.IntVal(128), z3.IntVal(32))
        sizes = [(n, z3.IntVal(1 << n)) for n in range(129)]
        size: Formula = sizes[-1][1]
        for n, power in sizes[:-1]:
            size = z3.If(bits - prefix == n, power, size)
        end = z3.If(sort.v6(constant), z3.IntVal(1 << 128), z3.IntVal(1 << 32))
        in_bounds = z3.And(prefix >= 0, prefix <= bits, address >= 0, address < end)
        return z3.And(in_bounds, low == address - address % size, high == low + size - 1)

    def _on_ip(self, kind: str, parts: Sequence[Formula]) -> Formula:
        sort = self._ip
        if kind == "v6":
            return sort.v6(parts[0])
        if kind == "in_range":
            child, network = parts
            return z3.And(
                sort.v6(child) == sort.v6(network),
                sort.low(network) <= sort.low(child),
                sort.high(child) <= sort.high(network),
            )
        ranges = {"loopback": ("127.0.0.0/8", "::1"), "multicast": ("224.0.0.0/4", "ff00::/8")}[kind]
        known = [self.constant(extensions.parse_ip(text), IP) for text in ranges]
        return z3.Or(*(self._on_ip("in_range", (parts[0], network)) for network in known))

    def _sort(self, kind: Type) -> Formula:
        match kind:
            case SetType(element=element):
                return z3.SetSort(self._sort(element))
            case RecordType():
                return self._record_sort(kind)[0]
            case EntityType():
                return z3.IntSort()
            case _ if kind == BOOL:
                return z3.BoolSort()
            case _ if kind == IP:
                return self._ip
            case _ if kind == STRING and self._into_texts:
                return z3.StringSort()
            case _:
                return z3.IntSort()

    def _record_sort(self, kind: RecordType) -> tuple[Formula, Formula]:
        if kind not in self._records:
            name = f"{self.name}record{len(self._records)}"
            datatype = z3.Datatype(name)
            datatype.declare("make", *((f"{name}.{n}", self._sort(f.type)) for n, f in kind.fields))
            made = datatype.create()
            self._records[kind] = (made, made.make)
        return self._records[kind]

    def _record(self, kind: RecordType, parts: Sequence[Formula]) -> Formula:
        make = self._record_sort(kind)[1]
        return make(*parts) if parts else make

    def _set(self, parts: Sequence[Formula], element: Type) -> Formula:
        made = z3.EmptySet(self._sort(element))
        for part in parts:
            made = z3.SetAdd(made, part)
        return made


def _in_ranges(constant: Formula, codes: Iterable[int]) -> Formula:
    """Return that a number is one of some, as few ranges as there are."""
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return z3.Or(
        *(
            constant == low if low == high else z3.And(low <= constant, constant <= high)
            for low, high in ranges
        )
    )


def _exact(kind: str, parts: Sequence[Formula]) -> Formula:
    left, right = parts
    return left + right if kind == "add" else left - right if kind == "sub" else left * right


def _fits(number: Formula) -> Formula:
    return z3.And(number >= MIN_LONG, number <= MAX_LONG)


def _text(value: str) -> Formula:
    # Not StringVal: it reads `\u{..}` inside of the text as an escape.
    context = z3.main_ctx()
    codes = (ctypes.c_uint * len(value))(*map(ord, value))
    return z3.SeqRef(z3.Z3_mk_u32string(context.ref(), len(value), codes), context)


def _pattern(pattern: Sequence[str | None]) -> Formula:
    anything = z3.Full(z3.ReSort(z3.StringSort()))
    parts = [anything if part is None else z3.Re(_text(part)) for part in pattern]
    return parts[0] if len(parts) == 1 else z3.Concat(*parts)


def _ip_sort() -> Formula:
    datatype = z3.Datatype("ip")
    fields = (("v6", z3.BoolSort()), *((name, z3.IntSort()) for name in ("address", "prefix", "low", "high")))
    datatype.declare("ip", *fields)
    return datatype.create()
