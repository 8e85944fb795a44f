"""From named facts to a request: the way in for the command line, for cases on paper and for tests.

Strict: a path that is no fact, or a value of the wrong kind, refuses the whole request. What is not given is not known.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from doorward.errors import ConfigError
from doorward.policy.facts import (
    FACT_TYPES,
    RECORD_ATTRIBUTES,
    UNKNOWN_AGENCY,
    CollectionRef,
    Fact,
    Principal,
    RecordRef,
    Request,
    Resource,
    Standing,
    unknown_context,
)

T = TypeVar("T")

COMPUTED = "context.process"
CHOICES: Mapping[str, tuple[str, ...]] = {
    "context.register.standing": tuple(standing.value for standing in Standing),
    "context.initiative": ("asked", "own-motion"),
    "context.requester.identified": ("none", "claimed", "verified"),
} | {path: ("in", "out", "unknown") for path in FACT_TYPES if path.endswith(".scope")}


def build_request(
    facts: Mapping[str, Fact],
    *,
    resource: Resource,
    now: datetime,
    action: str = "query",
    login: str = "somebody",
) -> Request:
    """Return the request with these facts; every other fact is unknown.

    Args:
        facts: By dotted path as in `FACT_TYPES`.
        resource: What is asked for.
        now: Aware.
        action: The order's word.
        login: Who would act; no policy reads it.

    Raises:
        ConfigError: A path is no fact, a value is of the wrong kind, or the fact is computed.
    """
    for path, value in facts.items():
        _check(path, value)
    return Request(
        principal=Principal(
            id=login,
            role=str(facts.get("principal.role", "unknown")),
            agency=str(facts.get("principal.agency", UNKNOWN_AGENCY)),
        ),
        action=action,
        resource=resource,
        context=_with(unknown_context(now=now), "context", facts),
    )


def build_record(table: str, attributes: Mapping[str, Fact]) -> RecordRef:
    """Return one row of a table's collection, with every attribute given: none is guessed.

    Raises:
        ConfigError: An attribute is missing, does not exist or has the wrong kind.
    """
    for name in attributes:
        if name not in RECORD_ATTRIBUTES:
            raise ConfigError(
                f"`{name[:60]}` is no attribute of a row", hint=f"one of {', '.join(RECORD_ATTRIBUTES)}"
            )
    given: dict[str, Any] = {}
    for name, kind in RECORD_ATTRIBUTES.items():
        if type(attributes.get(name)).__name__ != kind:
            raise ConfigError(f"`{name}` of a row takes {_kind(kind)}")
        given[name] = attributes[name]
    return RecordRef(table=table, **given)


def build_resource(raw: str | Mapping[str, Fact]) -> Resource:
    """Return a collection by its id, or a row by its ``table`` and attributes.

    Raises:
        ConfigError: The row has no table, or an attribute is wrong.
    """
    if isinstance(raw, str):
        return CollectionRef(raw)
    table = raw.get("table")
    if not isinstance(table, str):
        raise ConfigError("a row needs its `table`, such as `clear.persons`")
    return build_record(table, {name: value for name, value in raw.items() if name != "table"})


def flatten_facts(raw: Mapping[str, Any], *, prefix: str = "") -> dict[str, Fact]:
    """Return nested objects as facts by dotted path.

    Raises:
        ConfigError: A value is neither an object, a string nor a boolean.
    """
    found: dict[str, Fact] = {}
    for name, value in raw.items():
        path = f"{prefix}.{name}" if prefix else name
        if isinstance(value, Mapping):
            found.update(flatten_facts(value, prefix=path))
        elif isinstance(value, (str, bool)):
            found[path] = value
        else:
            raise ConfigError(f"`{path[:80]}` takes a string, true or false")
    return found


def _check(path: str, value: Fact) -> None:
    if path not in FACT_TYPES:
        raise ConfigError(
            f"`{path[:80]}` is no fact of a request", hint="see the pack's resolvers.toml for the list"
        )
    if path == COMPUTED:
        raise ConfigError(f"`{path}` is computed from the papers and never stated")
    wanted = "bool" if FACT_TYPES[path] == "bool" else "str"
    if type(value).__name__ != wanted:
        raise ConfigError(f"`{path}` takes {_kind(wanted)}")
    if path in CHOICES and value not in CHOICES[path]:
        raise ConfigError(
            f"`{str(value)[:60]}` is no word for `{path}`", hint=f"one of {', '.join(CHOICES[path])}"
        )


def _kind(name: str) -> str:
    return "true or false" if name == "bool" else "a string"


def _with(value: T, path: str, facts: Mapping[str, Fact]) -> T:
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed: dict[str, Any] = {}
    for item in fields(value):
        here = f"{path}.{item.name}"
        if here in facts:
            changed[item.name] = (
                Standing(str(facts[here])) if here == "context.register.standing" else facts[here]
            )
        elif any(given.startswith(f"{here}.") for given in facts):
            changed[item.name] = _with(getattr(value, item.name), here, facts)
    return replace(value, **changed)
