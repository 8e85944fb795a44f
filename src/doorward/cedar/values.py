"""Cedar's values: what an expression can come to, and when two of them are equal.

In Python ``True == 1``; in Cedar a boolean is no long. So values are never compared with ``==`` as they are, but by
`equal` and in sets by `key_of`, which keep the kinds apart.

Source: Cedar language reference, "Data types" and "Operators"; checked against cedarpy by tests/cedar.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, Union

MIN_LONG = -(2**63)
MAX_LONG = 2**63 - 1


class Uid(NamedTuple):
    """An entity's type and id."""

    type: str
    id: str

    def __str__(self) -> str:
        return f'{self.type}::"{self.id}"'


@dataclass(frozen=True, slots=True, order=True)
class Decimal:
    """A number with four decimal places; ``scaled`` is it times 10,000, in 64 bits."""

    scaled: int


@dataclass(frozen=True, slots=True, order=True)
class Datetime:
    """A moment: milliseconds since 1970-01-01 UTC, in 64 bits."""

    ms: int


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time in milliseconds, in 64 bits."""

    ms: int


@dataclass(frozen=True, slots=True)
class Ip:
    """An address with its prefix; ``10.0.0.1/24`` keeps the host's bits.

    Args:
        v6: Whether it is an IPv6 address.
        address: As a number.
        prefix: 0 to 32, or 0 to 128.
    """

    v6: bool
    address: int
    prefix: int

    @property
    def low(self) -> int:
        """The first address of its range."""
        return self.address >> self._host_bits << self._host_bits

    @property
    def high(self) -> int:
        """The last address of its range."""
        return self.address | (1 << self._host_bits) - 1

    @property
    def _host_bits(self) -> int:
        return (128 if self.v6 else 32) - self.prefix


@dataclass(frozen=True, slots=True, eq=False)
class CedarSet:
    """A set: its elements in the order in which they were first met, and their keys."""

    elements: tuple["Value", ...]
    keys: frozenset[object] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", frozenset(map(key_of, self.elements)))


Value: TypeAlias = Union[  # noqa: UP007  # a name in quotes takes no bar at run time
    bool, int, str, Uid, Decimal, Datetime, Duration, Ip, CedarSet, Mapping[str, "Value"]
]


def make_set(elements: Iterable[Value]) -> CedarSet:
    """Return the set of some values, each once."""
    return CedarSet(tuple({key_of(element): element for element in elements}.values()))


def key_of(value: Value) -> object:
    """Return something hashable that is equal for equal values and for no others."""
    if isinstance(value, bool):
        return bool, value
    if isinstance(value, CedarSet):
        return value.keys
    if isinstance(value, Mapping):
        return dict, frozenset((name, key_of(part)) for name, part in value.items())
    return value


def equal(left: Value, right: Value) -> bool:
    """Return Cedar's ``==``; values of different kinds are not equal, and that is no error."""
    return key_of(left) == key_of(right)


def dig(values: Mapping[str, Value], path: str) -> Value | None:
    """Return the value at a dotted path, or None; the empty path is the field without a name."""
    at: Value | None = values
    for name in path.split(".") if path else [""]:
        at = at.get(name) if isinstance(at, Mapping) else None
    return at
