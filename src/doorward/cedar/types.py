"""Cedar's types, as a schema declares them and as expressions have them.

Source: Cedar language reference, "Schema grammar" and "Policy validation".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from doorward.cedar.values import CedarSet, Datetime, Decimal, Duration, Ip, Uid, Value


@dataclass(frozen=True, slots=True)
class Primitive:
    """``Bool``, ``Long``, ``String``, or an extension type: ``decimal``, ``ipaddr``, ``datetime``, ``duration``."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class EntityType:
    """A reference to an entity of one type."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class SetType:
    """A set whose elements have one type."""

    element: "Type"

    def __str__(self) -> str:
        return f"Set<{self.element}>"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record or an attribute of an entity."""

    type: "Type"
    required: bool = True


@dataclass(frozen=True, slots=True)
class RecordType:
    """A record; ``fields`` are sorted by name."""

    fields: tuple[tuple[str, Field], ...]

    def field(self, name: str) -> Field | None:
        """Return a field, or None where the record has none of this name."""
        return next((found for given, found in self.fields if given == name), None)

    def __str__(self) -> str:
        inside = ", ".join(f"{name}{'' if f.required else '?'}: {f.type}" for name, f in self.fields)
        return f"{{{inside}}}"


Type: TypeAlias = Primitive | EntityType | SetType | RecordType

BOOL = Primitive("Bool")
LONG = Primitive("Long")
STRING = Primitive("String")
DECIMAL = Primitive("decimal")
IP = Primitive("ipaddr")
DATETIME = Primitive("datetime")
DURATION = Primitive("duration")
PRIMITIVES: Mapping[str, Primitive] = {
    kind.name: kind for kind in (BOOL, LONG, STRING, DECIMAL, IP, DATETIME, DURATION)
}


def type_of(value: Value) -> Type | None:
    """Return the type of a constant; None for a set or record, which constants of a text are not."""
    match value:
        case bool():
            return BOOL
        case int():
            return LONG
        case str():
            return STRING
        case Uid(type=kind):
            return EntityType(kind)
        case Decimal():
            return DECIMAL
        case Datetime():
            return DATETIME
        case Duration():
            return DURATION
        case Ip():
            return IP
        case _:
            return None


def stand_in(kind: Type) -> Value:
    """Return a value of a type that stands where there is none and nobody looks."""
    match kind:
        case SetType():
            return CedarSet(())
        case RecordType():
            return {name: stand_in(found.type) for name, found in kind.fields}
        case EntityType(name=name):
            return Uid(name, "")
    values: Mapping[str, Value] = {
        "Bool": False,
        "Long": 0,
        "decimal": Decimal(0),
        "datetime": Datetime(0),
        "duration": Duration(0),
        "ipaddr": Ip(v6=False, address=0, prefix=32),
    }
    return values.get(str(kind), "")


def make_record(fields: Mapping[str, Field]) -> RecordType:
    """Return the record type of some fields."""
    return RecordType(tuple(sorted(fields.items())))


def leaves(kind: Type, path: str) -> Iterator[tuple[str, Type]]:
    """Yield every part of a type that is no record, by dotted path below ``path``, in the order of the names."""
    if isinstance(kind, RecordType):
        for name, found in kind.fields:
            yield from leaves(found.type, f"{path}.{name}")
    else:
        yield path, kind
