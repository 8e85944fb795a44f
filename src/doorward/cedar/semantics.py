"""What each operator and function of Cedar comes to, for values of any kind.

The one place where Cedar's run-time errors are raised. Where types are known the compilers write plain Python instead;
where they are not, these are called.

INVARIANT (only `Failed`): whatever the values are, a function here returns a value or raises `Failed`.

Source: Cedar language reference, "Operators and functions"; tests/cedar compares with the engine.
"""

from collections.abc import Callable, Mapping
from typing import NoReturn

from doorward.cedar import extensions
from doorward.cedar.entities import Entities
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
    equal,
    key_of,
)


class Failed(Exception):  # noqa: N818  # a result of Cedar's semantics, caught by the code that evaluates a policy
    """An expression could not be evaluated; Cedar skips its policy and reports it."""


def fail(reason: str) -> NoReturn:
    """Raise `Failed`: what stands for an expression that always fails."""
    raise Failed(reason)


def as_bool(value: Value) -> bool:
    """Return a boolean as it is; raises Failed for anything else."""
    if isinstance(value, bool):
        return value
    raise Failed("expected a boolean")


def as_long(value: Value) -> int:
    """Return a long as it is; raises Failed for anything else, a boolean too."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Failed("expected a long")


def as_text(value: Value) -> str:
    """Return a text as it is; raises Failed for anything else."""
    if isinstance(value, str):
        return value
    raise Failed("expected a string")


def as_entity(value: Value) -> Uid:
    """Return an entity as it is; raises Failed for anything else."""
    if isinstance(value, Uid):
        return value
    raise Failed("expected an entity")


def as_set(value: Value) -> CedarSet:
    """Return a set as it is; raises Failed for anything else."""
    if isinstance(value, CedarSet):
        return value
    raise Failed("expected a set")


def get(entities: Entities, base: Value, name: str) -> Value:
    """Return an attribute or a field; raises Failed where there is none."""
    held = base if isinstance(base, Mapping) else _attributes(entities, as_entity(base))
    if held is None or name not in held:
        raise Failed(f"there is no `{name}`")
    return held[name]


def has(entities: Entities, base: Value, name: str) -> bool:
    """Return whether there is an attribute or a field; an entity that is not there has none."""
    held = base if isinstance(base, Mapping) else _attributes(entities, as_entity(base))
    return held is not None and name in held


def is_of(value: Value, kind: str) -> bool:
    """Return whether an entity is of a type."""
    return as_entity(value).type == kind


def is_in(entities: Entities, value: Value, target: Value) -> bool:
    """Return whether an entity is another one, or below it, or below one of a set."""
    uid = as_entity(value)
    targets = [as_entity(t) for t in target.elements] if isinstance(target, CedarSet) else [as_entity(target)]
    found = entities.get(uid)
    return any(uid == one or (found is not None and one in found.above) for one in targets)


def get_tag(entities: Entities, base: Value, name: Value) -> Value:
    """Return a tag; raises Failed where there is none."""
    found, key = entities.get(as_entity(base)), as_text(name)
    if found is None or key not in found.tags:
        raise Failed("there is no such tag")
    return found.tags[key]


def has_tag(entities: Entities, base: Value, name: Value) -> bool:
    """Return whether there is a tag; an entity that is not there has none."""
    found, key = entities.get(as_entity(base)), as_text(name)
    return found is not None and key in found.tags


def like(value: Value, pattern: tuple[str | None, ...]) -> bool:
    """Return whether a text has a form."""
    return matches(as_text(value), pattern)


def matches(text: str, pattern: tuple[str | None, ...]) -> bool:
    """Return whether a text has a form; texts of a pattern stand between wildcards, each at its first place."""
    if None not in pattern:
        return text == "".join(part for part in pattern if part is not None)
    first, last = pattern[0] or "", pattern[-1] or ""
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    middle = pattern[1 if pattern[0] is not None else 0 : -1 if pattern[-1] is not None else None]
    for part in middle:
        if part is not None:
            found = text.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
    return True


def less(left: Value, right: Value) -> bool:
    """Return ``<`` of two longs, moments or durations; raises Failed for two of different kinds."""
    if isinstance(left, Datetime) and isinstance(right, Datetime):
        return left.ms < right.ms
    if isinstance(left, Duration) and isinstance(right, Duration):
        return left.ms < right.ms
    return as_long(left) < as_long(right)


def less_or_same(left: Value, right: Value) -> bool:
    """Return ``<=`` of two longs, moments or durations; raises Failed for two of different kinds."""
    if isinstance(left, Datetime) and isinstance(right, Datetime):
        return left.ms <= right.ms
    if isinstance(left, Duration) and isinstance(right, Duration):
        return left.ms <= right.ms
    return as_long(left) <= as_long(right)


def in_64_bits(number: int) -> int:
    """Return a number that fits into 64 bits; raises Failed where it does not."""
    if MIN_LONG <= number <= MAX_LONG:
        return number
    raise Failed("the result does not fit into 64 bits")


def contains(value: Value, element: Value) -> bool:
    """Return whether a set has an element."""
    return key_of(element) in as_set(value).keys


def contains_all(value: Value, elements: Value) -> bool:
    """Return whether a set has all elements of another."""
    return as_set(value).keys >= as_set(elements).keys


def contains_any(value: Value, elements: Value) -> bool:
    """Return whether two sets share an element."""
    return not as_set(value).keys.isdisjoint(as_set(elements).keys)


def call(entities: Entities, name: str, arguments: tuple[Value, ...]) -> Value:
    """Return what an operator or function comes to; raises Failed, also for a wrong number of arguments."""
    if name in ON_ENTITIES and len(arguments) == 2:
        return ON_ENTITIES[name](entities, *arguments)
    found = FUNCTIONS.get(name)
    if found is None or len(arguments) != found[0]:
        raise Failed(f"`{name}` takes another number of arguments")
    return found[1](*arguments)


def _attributes(entities: Entities, uid: Uid) -> Mapping[str, Value] | None:
    found = entities.get(uid)
    return None if found is None else found.attributes


def _constructor(name: str) -> Callable[[Value], Value]:
    def construct(text: Value) -> Value:
        try:
            return extensions.PARSERS[name](as_text(text))
        except ValueError as error:
            raise Failed(f"`{name}`: {error}") from error

    return construct


def _of_ip(function: Callable[[Ip], bool]) -> Callable[[Value], Value]:
    def ask(value: Value) -> bool:
        if not isinstance(value, Ip):
            raise Failed("expected an IP address")
        return function(value)

    return ask


def _in_range(address: Value, network: Value) -> bool:
    if not isinstance(address, Ip) or not isinstance(network, Ip):
        raise Failed("expected an IP address")
    return extensions.is_in_range(address, network)


def _decimals(function: Callable[[int, int], bool]) -> Callable[[Value, Value], Value]:
    def compare(left: Value, right: Value) -> bool:
        if not isinstance(left, Decimal) or not isinstance(right, Decimal):
            raise Failed("expected a decimal")
        return function(left.scaled, right.scaled)

    return compare


def _offset(moment: Value, by: Value) -> Datetime:
    if not isinstance(moment, Datetime) or not isinstance(by, Duration):
        raise Failed("expected a datetime and a duration")
    return Datetime(in_64_bits(moment.ms + by.ms))


def _since(moment: Value, earlier: Value) -> Duration:
    if not isinstance(moment, Datetime) or not isinstance(earlier, Datetime):
        raise Failed("expected two datetimes")
    return Duration(in_64_bits(moment.ms - earlier.ms))


def _to_date(moment: Value) -> Datetime:
    if not isinstance(moment, Datetime):
        raise Failed("expected a datetime")
    return Datetime(in_64_bits(moment.ms - moment.ms % extensions.DAY_MS))


def _to_time(moment: Value) -> Duration:
    if not isinstance(moment, Datetime):
        raise Failed("expected a datetime")
    return extensions.to_time(moment)


def _unit(unit_ms: int) -> Callable[[Value], Value]:
    def convert(length: Value) -> int:
        if not isinstance(length, Duration):
            raise Failed("expected a duration")
        return extensions.to_unit(length, unit_ms)

    return convert


FUNCTIONS: Mapping[str, tuple[int, Callable[..., Value]]] = {
    "==": (2, equal),
    "!=": (2, lambda left, right: not equal(left, right)),
    "<": (2, less),
    "<=": (2, less_or_same),
    ">": (2, lambda left, right: less(right, left)),
    ">=": (2, lambda left, right: less_or_same(right, left)),
    "+": (2, lambda left, right: in_64_bits(as_long(left) + as_long(right))),
    "-": (2, lambda left, right: in_64_bits(as_long(left) - as_long(right))),
    "*": (2, lambda left, right: in_64_bits(as_long(left) * as_long(right))),
    "neg": (1, lambda number: in_64_bits(-as_long(number))),
    "contains": (2, contains),
    "containsAll": (2, contains_all),
    "containsAny": (2, contains_any),
    "isEmpty": (1, lambda value: not as_set(value).keys),
    **{name: (1, _constructor(name)) for name in extensions.PARSERS},
    "lessThan": (2, _decimals(int.__lt__)),
    "lessThanOrEqual": (2, _decimals(int.__le__)),
    "greaterThan": (2, _decimals(int.__gt__)),
    "greaterThanOrEqual": (2, _decimals(int.__ge__)),
    "isIpv4": (1, _of_ip(lambda address: not address.v6)),
    "isIpv6": (1, _of_ip(lambda address: address.v6)),
    "isLoopback": (1, _of_ip(extensions.is_loopback)),
    "isMulticast": (1, _of_ip(extensions.is_multicast)),
    "isInRange": (2, _in_range),
    "offset": (2, _offset),
    "durationSince": (2, _since),
    "toDate": (1, _to_date),
    "toTime": (1, _to_time),
    "toMilliseconds": (1, _unit(1)),
    "toSeconds": (1, _unit(1_000)),
    "toMinutes": (1, _unit(60_000)),
    "toHours": (1, _unit(3_600_000)),
    "toDays": (1, _unit(extensions.DAY_MS)),
}
ON_ENTITIES: Mapping[str, Callable[[Entities, Value, Value], Value]] = {
    "in": is_in,
    "getTag": get_tag,
    "hasTag": has_tag,
}
