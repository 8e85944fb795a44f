"""How DuckDB, PostgreSQL and Spark write what the terms need: literals, sets, patterns, wide arithmetic.

Each is written by hand for its dialect: a general translator turns HUGEINT into types that PostgreSQL does not have and
drops TRY around an overflow (facts from trials with sqlglot 30). What a dialect has no exact form for it refuses.

An IP address is a text in every dialect: family, first and last address, address, prefix, all of fixed width, so that
equality is equality of texts and a range is a comparison of texts byte by byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from doorward.cedar.types import BOOL, STRING, EntityType, Primitive, RecordType, SetType, Type
from doorward.cedar.values import MAX_LONG, MIN_LONG, Datetime, Decimal, Duration, Ip, Uid
from doorward.errors import PolicyError

_ESCAPE = "!"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One dialect of SQL; this class writes what all three write alike.

    Args:
        name: As the command line takes it.
        text: Type name of a text.
        wide: Type of whole numbers in which two 64-bit numbers can be added or multiplied.
        narrow: Type of a 64-bit number.
    """

    name: str
    text: str
    wide: str
    narrow: str = "BIGINT"

    def identifier(self, name: str) -> str:
        """Return a quoted name."""
        return '"' + name.replace('"', '""') + '"'

    def literal(self, value: object) -> str:
        """Return a constant; raises PolicyError for a text that the dialect cannot hold."""
        match value:
            case bool():
                return "true" if value else "false"
            case int() as number:
                return self.number(number)
            case Datetime(ms=number) | Duration(ms=number) | Decimal(scaled=number):
                return self.number(number)
            case Uid(id=name):
                return self.text_literal(name)
            case Ip():
                return self.text_literal(format_ip(value))
            case _:
                return self.text_literal(str(value))

    def number(self, number: int) -> str:
        """Return a whole number; below 0 in parentheses."""
        return str(number) if number >= 0 else f"({number})"

    def text_literal(self, text: str) -> str:
        """Return a text."""
        parts = ["'" + part.replace("'", "''") + "'" for part in text.split("\0")]
        return parts[0] if len(parts) == 1 else "(" + " || chr(0) || ".join(parts) + ")"

    def type_name(self, kind: Type) -> str:
        """Return the type of a column that holds values of a Cedar type."""
        match kind:
            case SetType(element=element):
                return f"{self.type_name(element)}[]"
            case RecordType():
                inside = ", ".join(f"{self.identifier(n)} {self.type_name(f.type)}" for n, f in kind.fields)
                return f"STRUCT({inside})"
            case EntityType():
                return self.text
            case Primitive() if kind == BOOL:
                return "BOOLEAN"
            case Primitive() if kind == STRING or kind.name == "ipaddr":
                return self.text
            case _:
                return self.narrow

    def arithmetic(self, kind: str, left: str, right: str) -> str:
        """Return the exact sum, difference or product of two 64-bit numbers."""
        sign = {"add": "+", "sub": "-", "mul": "*"}[kind]
        return f"(CAST({left} AS {self.wide}) {sign} CAST({right} AS {self.wide}))"

    def fits(self, wide: str) -> str:
        """Return whether an exact number fits into 64 bits."""
        return f"{wide} BETWEEN {MIN_LONG} AND {MAX_LONG}"

    def quotient(self, left: str, right: str) -> str:
        """Return the whole quotient, towards zero."""
        return f"({left} / {right})"

    def like(self, text: str, pattern: Sequence[str | None]) -> str:
        """Return whether a text has a form."""
        form = "".join("%" if part is None else _escape(part) for part in pattern)
        return f"{text} LIKE {self.text_literal(form)} ESCAPE '{_ESCAPE}'"

    def make_set(self, parts: Sequence[str], kind: SetType) -> str:
        """Return a set of parts, in a form that is the same for equal sets."""
        raise NotImplementedError

    def make_record(self, parts: Sequence[str], kind: RecordType) -> str:
        """Return a record."""
        del parts, kind
        raise self.refusal("a record inside of a set")

    def contains(self, held: str, element: str) -> str:
        """Return whether a set has an element."""
        raise NotImplementedError

    def subset(self, held: str, container: str) -> str:
        """Return whether every element of a set is in another."""
        raise NotImplementedError

    def meets(self, left: str, right: str) -> str:
        """Return whether two sets share an element."""
        raise NotImplementedError

    def empty(self, held: str) -> str:
        """Return whether a set has no element."""
        raise NotImplementedError

    def byte_order(self, text: str) -> str:
        """Return a text that compares byte by byte."""
        return text

    def refusal(self, what: str) -> PolicyError:
        """Return the error for what the dialect has no exact form for."""
        return PolicyError(f"{what} has no exact form in {self.name}")


class DuckDb(Dialect):
    """DuckDB: what looks back over logs, and decides the corpus."""

    __slots__ = ()

    def quotient(self, left: str, right: str) -> str:
        """As in `Dialect`."""
        return f"({left} // {right})"

    def make_set(self, parts: Sequence[str], kind: SetType) -> str:
        """As in `Dialect`."""
        return f"CAST(list_sort(list_distinct([{', '.join(parts)}])) AS {self.type_name(kind)})"

    def make_record(self, parts: Sequence[str], kind: RecordType) -> str:
        """As in `Dialect`."""
        if not parts:
            raise self.refusal("a record without fields inside of a set")
        named = ", ".join(
            f"{self.identifier(n)} := {part}" for (n, _), part in zip(kind.fields, parts, strict=True)
        )
        return f"struct_pack({named})"

    def contains(self, held: str, element: str) -> str:
        """As in `Dialect`."""
        return f"list_contains({held}, {element})"

    def subset(self, held: str, container: str) -> str:
        """As in `Dialect`."""
        return f"list_has_all({container}, {held})"

    def meets(self, left: str, right: str) -> str:
        """As in `Dialect`."""
        return f"list_has_any({left}, {right})"

    def empty(self, held: str) -> str:
        """As in `Dialect`."""
        return f"(len({held}) = 0)"


class PostgreSql(Dialect):
    """PostgreSQL 16 and later: scopes, and decisions on rows."""

    __slots__ = ()

    def text_literal(self, text: str) -> str:
        """As in `Dialect`; a NUL is refused, since no column can hold one."""
        if "\0" in text:
            raise self.refusal("a text with NUL")
        quoted = "'" + text.replace("'", "''") + "'"
        # With a backslash the E form means the same whatever standard_conforming_strings says.
        return "E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted

    def type_name(self, kind: Type) -> str:
        """As in `Dialect`; a set of sets or of records is refused."""
        if isinstance(kind, SetType) and isinstance(kind.element, SetType | RecordType):
            raise self.refusal("a set of sets or of records")
        if isinstance(kind, RecordType):
            raise self.refusal("a record inside of a set")
        return Dialect.type_name(self, kind)

    def make_set(self, parts: Sequence[str], kind: SetType) -> str:
        """As in `Dialect`; equality of sets is written as inclusion both ways, so no order is needed."""
        return f"CAST(ARRAY[{', '.join(parts)}] AS {self.type_name(kind)})"

    def contains(self, held: str, element: str) -> str:
        """As in `Dialect`."""
        return f"({element} = ANY ({held}))"

    def subset(self, held: str, container: str) -> str:
        """As in `Dialect`."""
        return f"({held} <@ {container})"

    def meets(self, left: str, right: str) -> str:
        """As in `Dialect`."""
        return f"({left} && {right})"

    def empty(self, held: str) -> str:
        """As in `Dialect`."""
        return f"(cardinality({held}) = 0)"

    def byte_order(self, text: str) -> str:
        """As in `Dialect`."""
        return f'{text} COLLATE "C"'


class Spark(Dialect):
    """Spark SQL 3.5 and later: the same lookback on many machines."""

    __slots__ = ()

    def identifier(self, name: str) -> str:
        """As in `Dialect`."""
        return "`" + name.replace("`", "``") + "`"

    def text_literal(self, text: str) -> str:
        """As in `Dialect`."""
        parts = ["'" + part.replace("\\", "\\\\").replace("'", "\\'") + "'" for part in text.split("\0")]
        return parts[0] if len(parts) == 1 else "concat(" + ", char(0), ".join(parts) + ")"

    def number(self, number: int) -> str:
        """As in `Dialect`; a plain number would be an INT or a DECIMAL by its size."""
        if number == MIN_LONG:
            return f"CAST('{number}' AS BIGINT)"
        return f"{number}L" if number >= 0 else f"({number}L)"

    def type_name(self, kind: Type) -> str:
        """As in `Dialect`."""
        match kind:
            case SetType(element=element):
                return f"ARRAY<{self.type_name(element)}>"
            case RecordType():
                raise self.refusal("a record inside of a set")
            case _:
                return Dialect.type_name(self, kind)

    def fits(self, wide: str) -> str:
        """As in `Dialect`."""
        low, high = (f"CAST('{bound}' AS {self.wide})" for bound in (MIN_LONG, MAX_LONG))
        return f"{wide} BETWEEN {low} AND {high}"

    def quotient(self, left: str, right: str) -> str:
        """As in `Dialect`."""
        return f"({left} div {right})"

    def make_set(self, parts: Sequence[str], kind: SetType) -> str:
        """As in `Dialect`."""
        return f"CAST(array_sort(array_distinct(array({', '.join(parts)}))) AS {self.type_name(kind)})"

    def contains(self, held: str, element: str) -> str:
        """As in `Dialect`."""
        return f"array_contains({held}, {element})"

    def subset(self, held: str, container: str) -> str:
        """As in `Dialect`."""
        return f"(size(array_except({held}, {container})) = 0)"

    def meets(self, left: str, right: str) -> str:
        """As in `Dialect`."""
        return f"arrays_overlap({left}, {right})"

    def empty(self, held: str) -> str:
        """As in `Dialect`."""
        return f"(size({held}) = 0)"


DUCKDB = DuckDb("duckdb", text="VARCHAR", wide="HUGEINT")
POSTGRESQL = PostgreSql("postgresql", text="text", wide="numeric")
SPARK = Spark("spark", text="STRING", wide="DECIMAL(38, 0)")
DIALECTS = {dialect.name: dialect for dialect in (DUCKDB, POSTGRESQL, SPARK)}


def format_ip(value: Ip) -> str:
    """Return an address as the text that stands for it in SQL."""
    numbers = ":".join(f"{number:032x}" for number in (value.low, value.high, value.address))
    return f"{6 if value.v6 else 4}:{numbers}:{value.prefix:03d}"


def _escape(part: str) -> str:
    return "".join(_ESCAPE + sign if sign in {"%", "_", _ESCAPE} else sign for sign in part)
