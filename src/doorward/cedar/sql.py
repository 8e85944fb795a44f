"""Terms as SQL: one expression a term, or a query of many with what they share written once.

The text has exactly two values: a column is not NULL (the caller gives a stand-in where it may be), every operator used
is total on such values, and what stands for an attribute of an entity that is not there is a harmless constant. So no
third value arises that Cedar does not have.

The same term always gives the same text: parts are sorted by their own text.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from doorward.cedar.dialects import Dialect, format_ip
from doorward.cedar.entities import Entities
from doorward.cedar.extensions import parse_ip
from doorward.cedar.terms import Term, Terms, needed
from doorward.cedar.types import RecordType, SetType, Type, stand_in
from doorward.cedar.values import CedarSet, Uid, Value, dig

Column = Callable[[str, Type], str]
_ATOMS = frozenset(("fact", "value"))
_INNER = frozenset(("and", "or", "same", "less", "member", "within", "like"))
MIN_SHARED = 40  # characters; a shorter text is repeated rather than given a column of its own


@dataclass(slots=True)
class SqlWriter:
    """Writes terms in one dialect.

    Args:
        terms: The table.
        dialect: DuckDB, PostgreSQL or Spark.
        column: Gives the SQL of a fact by path and type; never NULL. Raises PolicyError where there is none.
        entities: The file; decides `in` and holds attributes.
    """

    terms: Terms
    dialect: Dialect
    column: Column
    entities: Entities = field(default_factory=dict)
    _memo: dict[int, str] = field(default_factory=dict)
    _by_type: dict[str, list[Uid]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for uid in self.entities:
            self._by_type.setdefault(uid.type, []).append(uid)

    def write(self, term: int) -> str:
        """Return a term as an expression.

        Raises:
            PolicyError: The dialect or the door has no form for it.
        """
        for number in needed(self.terms, [term], self._memo):
            self._memo[number] = self.form(self.terms.nodes[number])
        return self._memo[term]

    def query(self, source: str, outputs: Mapping[str, int], *, keep: Sequence[str] = ()) -> str:
        """Return a query that gives each output as a column, and parts that several outputs share once.

        Args:
            source: What is selected from, a table or a query in parentheses.
            outputs: Terms by column name.
            keep: Columns of the source that are passed on, as SQL.
        """
        layers = self._layers(outputs.values())
        inner = source
        for number, layer in enumerate(layers):
            shared = ", ".join(f"{self._text_of(term)} AS {self._shared_name(term)}" for term in layer)
            inner = f"(SELECT *, {shared} FROM {inner} AS layer{number})"  # noqa: S608  # names of our own, quoted
            for term in layer:
                self._memo[term] = self._shared_name(term)
        chosen = [
            *keep,
            *(f"{self.write(term)} AS {self.dialect.identifier(name)}" for name, term in outputs.items()),
        ]
        return f"SELECT {', '.join(chosen)} FROM {inner} AS facts"  # noqa: S608  # as above

    def _text_of(self, term: int) -> str:
        text = self.write(term)
        return text if self.terms.nodes[term].kind in _ATOMS else f"({text})"

    def _shared_name(self, term: int) -> str:
        return self.dialect.identifier(f"shared {term}")

    def _layers(self, roots: Iterable[int]) -> list[list[int]]:
        """Return the terms to be written once, in layers: each layer uses only earlier ones."""
        nodes, ends = self.terms.nodes, list(roots)
        order = needed(self.terms, ends, {})
        uses = dict.fromkeys(order, 0)
        for used in (*ends, *(part for number in order for part in nodes[number].parts)):
            uses[used] += 1
        depth: dict[int, int] = {}
        size: dict[int, int] = {}
        layers: dict[int, list[int]] = {}
        for number in order:
            node = nodes[number]
            depth[number] = max((depth[part] for part in node.parts), default=0)
            size[number] = 12 + sum(size[part] for part in node.parts) + 8 * len(node.targets)
            if uses[number] > 1 and node.kind not in _ATOMS and size[number] > MIN_SHARED:
                layers.setdefault(depth[number], []).append(number)
                depth[number] += 1
                size[number] = 12
        return [layers[at] for at in sorted(layers)]

    def form(self, node: Term) -> str:
        """Return a term whose parts are written already."""
        dialect = self.dialect
        match node.kind:
            case "value":
                return dialect.literal(node.value)
            case "fact":
                return self.column(node.name, node.type)
            case "not":
                return self._opposite(node.parts[0])
            case "and" | "or":
                parts = sorted((self._inner(part) for part in node.parts), key=lambda text: (len(text), text))
                return f" {node.kind.upper()} ".join(parts)
            case "if":
                condition, then, otherwise = (self._memo[part] for part in node.parts)
                return f"CASE WHEN {condition} THEN {then} ELSE {otherwise} END"
            case "same":
                return self._same(node, "=")
            case "less":
                left, right = map(self._operand, node.parts)
                return f"{left} < {right}"
            case "member":
                wanted = ", ".join(sorted(dialect.literal(value) for value in node.targets))
                return f"{self._operand(node.parts[0])} IN ({wanted})"
            case "within":
                return self._one_of(node.parts[0], self._ids_within(node))
            case "like":
                return dialect.like(self._operand(node.parts[0]), node.pattern)
            case "add" | "sub" | "mul" | "add!" | "sub!" | "mul!":
                return self._arithmetic(node)
            case "mod":
                left, right = map(self._operand, node.parts)
                return f"((({left} % {right}) + {right}) % {right})"
            case "quotient":
                return dialect.quotient(*map(self._operand, node.parts))
            case "set" | "record" | "contains" | "subset" | "meets" | "empty":
                return self._on_sets(node)
            case "v6" | "loopback" | "multicast" | "in_range":
                return self._on_ip(node)
            case _:
                return self._on_entities(node)

    def _inner(self, term: int) -> str:
        text = self._memo[term]
        is_plain = self.terms.nodes[term].kind not in _INNER or text == self._shared_name(term)
        return text if is_plain else f"({text})"

    def _operand(self, term: int) -> str:
        text = self._memo[term]
        is_plain = self.terms.nodes[term].kind in _ATOMS or text == self._shared_name(term)
        return text if is_plain else f"({text})"

    def _opposite(self, term: int) -> str:
        node = self.terms.nodes[term]
        if self._memo[term] == self._shared_name(term):
            return f"NOT {self._memo[term]}"
        match node.kind:
            case "same" if not isinstance(self.terms.nodes[node.parts[0]].type, SetType):
                return self._same(node, "<>")
            case "less":
                left, right = map(self._operand, node.parts)
                return f"{left} >= {right}"
            case _:
                return f"NOT {self._inner(term)}"

    def _same(self, node: Term, sign: str) -> str:
        left, right = sorted(node.parts, key=lambda part: _rank(self.terms.nodes[part], self._memo[part]))
        if isinstance(self.terms.nodes[left].type, SetType):
            a, b = map(self._operand, (left, right))
            return f"({self.dialect.subset(a, b)} AND {self.dialect.subset(b, a)})"
        return f"{self._operand(left)} {sign} {self._operand(right)}"

    def _one_of(self, term: int, ids: Iterable[str]) -> str:
        wanted = sorted(map(self.dialect.text_literal, ids))
        return f"{self._operand(term)} IN ({', '.join(wanted)})" if wanted else "false"

    def _ids_within(self, node: Term) -> set[str]:
        kind = str(self.terms.nodes[node.parts[0]].type)
        inside = {
            u.id for u in self._by_type.get(kind, ()) if not self.entities[u].above.isdisjoint(node.targets)
        }
        hierarchy = self.terms.hierarchy.above
        inside |= {
            u.id for u, above in hierarchy.items() if u.type == kind and not above.isdisjoint(node.targets)
        }
        return inside | {uid.id for uid in node.targets if isinstance(uid, Uid) and uid.type == kind}

    def _arithmetic(self, node: Term) -> str:
        left, right = map(self._operand, node.parts)
        exact = self.dialect.arithmetic(node.kind[:3], left, right)
        fits = self.dialect.fits(exact)
        if node.kind.endswith("!"):
            return f"NOT ({fits})"
        narrow = self.dialect.narrow
        return f"CASE WHEN {fits} THEN CAST({exact} AS {narrow}) ELSE CAST(0 AS {narrow}) END"

    def _on_sets(self, node: Term) -> str:
        parts = [self._operand(part) for part in node.parts]
        match node.kind:
            case "set":
                assert isinstance(node.type, SetType)
                return self.dialect.make_set(parts, node.type)
            case "record":
                assert isinstance(node.type, RecordType)
                return self.dialect.make_record(parts, node.type)
            case "contains":
                return self.dialect.contains(*parts)
            case "subset":
                return self.dialect.subset(*parts)
            case "meets":
                return self.dialect.meets(*parts)
            case _:
                return self.dialect.empty(*parts)

    def _on_ip(self, node: Term) -> str:
        parts = [self._operand(part) for part in node.parts]
        if node.kind == "v6":
            return f"(substr({parts[0]}, 1, 1) = '6')"
        if node.kind == "in_range":
            return self._in_range(*parts)
        ranges = {"loopback": ("127.0.0.0/8", "::1"), "multicast": ("224.0.0.0/4", "ff00::/8")}[node.kind]
        known = [self.dialect.text_literal(format_ip(parse_ip(text))) for text in ranges]
        return "(" + " OR ".join(self._in_range(parts[0], network) for network in known) + ")"

    def _in_range(self, child: str, network: str) -> str:
        low, high = 3, 36  # where the first and the last address begin in `format_ip`
        order = self.dialect.byte_order
        return (
            f"(substr({child}, 1, 1) = substr({network}, 1, 1)"
            f" AND {order(f'substr({child}, {low}, 32)')} >= substr({network}, {low}, 32)"
            f" AND {order(f'substr({child}, {high}, 32)')} <= substr({network}, {high}, 32))"
        )

    def _on_entities(self, node: Term) -> str:
        kind = str(self.terms.nodes[node.parts[0]].type)
        uids = self._by_type.get(kind, [])
        match node.kind:
            case "exists":
                return self._one_of(node.parts[0], [uid.id for uid in uids])
            case "has_attr":
                held = [u.id for u in uids if dig(self.entities[u].attributes, node.name) is not None]
                return self._one_of(node.parts[0], held)
            case "attr":
                return self.lookup(
                    node, [((u.id,), dig(self.entities[u].attributes, node.name)) for u in uids]
                )
            case "below":
                return self._below(node, uids)
            case _:
                rows = [
                    ((uid.id, name), dig({"": tag}, node.name))
                    for uid in uids
                    for name, tag in self.entities[uid].tags.items()
                ]
                return self._keys(node, rows) if node.kind == "has_tag" else self.lookup(node, rows)

    def _keys(self, node: Term, rows: Sequence[tuple[tuple[str, ...], Value | None]]) -> str:
        tests = [self._is_key(node, key) for key, _ in rows]
        return f"({' OR '.join(tests)})" if tests else "false"

    def _is_key(self, node: Term, key: tuple[str, ...]) -> str:
        pairs = zip(node.parts, key, strict=True)
        return (
            "(" + " AND ".join(f"{self._operand(p)} = {self.dialect.text_literal(k)}" for p, k in pairs) + ")"
        )

    def lookup(self, node: Term, rows: Sequence[tuple[tuple[str, ...], Value | None]]) -> str:
        """Return a value looked up by one or two keys, rows of one value together; else a harmless constant."""
        by_value: dict[str, list[tuple[str, ...]]] = {}
        for key, value in rows:
            if value is not None:
                by_value.setdefault(self.constant(value, node.type), []).append(key)
        whens = []
        for value, keys in by_value.items():
            if len(node.parts) == 1:
                test = self._one_of(node.parts[0], [key[0] for key in keys])
            else:
                test = " OR ".join(self._is_key(node, key) for key in keys)
            whens.append(f"WHEN {test} THEN {value}")
        harmless = self.constant(stand_in(node.type), node.type)
        return f"CASE {' '.join(whens)} ELSE {harmless} END" if whens else harmless

    def _below(self, node: Term, uids: Sequence[Uid]) -> str:
        own, target = (self.terms.nodes[part].type for part in node.parts)
        left, right = map(self._operand, node.parts)
        is_set = isinstance(target, SetType)
        kind = target.element if isinstance(target, SetType) else target
        ways = []
        if own == kind:
            ways.append(self.dialect.contains(right, left) if is_set else f"{left} = {right}")
        for uid in uids:
            above = sorted(up.id for up in self.entities[uid].above if up.type == str(kind))
            if above:
                names = list(map(self.dialect.text_literal, above))
                assert kind is not None
                wanted = self.dialect.make_set(names, SetType(kind)) if is_set else ", ".join(names)
                meets = self.dialect.meets(right, wanted) if is_set else f"{right} IN ({wanted})"
                ways.append(f"({left} = {self.dialect.text_literal(uid.id)} AND {meets})")
        return f"({' OR '.join(ways)})" if ways else "false"

    def constant(self, value: Value, kind: Type) -> str:
        """Return a value of a type as SQL, sets and records too."""
        match value, kind:
            case CedarSet(elements=elements), SetType(element=element):
                return self.dialect.make_set([self.constant(part, element) for part in elements], kind)
            case Mapping(), RecordType():
                return self.dialect.make_record(
                    [self.constant(value[n], f.type) for n, f in kind.fields], kind
                )
            case _:
                return self.dialect.literal(value)


def _rank(node: Term, text: str) -> tuple[int, str]:
    # Columns first, then what is made of them, then constants; `same` has no order of its own.
    return (0 if node.kind == "fact" else 2 if node.kind == "value" else 1), text
