"""Entities: attributes, tags and everything above each, read from Cedar's JSON.

cedarpy checks entities against the schema; here the schema only tells how a bare text or a bare ``{type, id}`` is
meant, as in Cedar's own reader.

Source: Cedar language reference, "Entities and context syntax".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from doorward.cedar import extensions
from doorward.cedar.schema import Schema
from doorward.cedar.types import BOOL, EntityType, Primitive, RecordType, SetType, Type
from doorward.cedar.values import Datetime, Decimal, Duration, Ip, Uid, Value, make_set

_CONSTRUCTOR = {"ipaddr": "ip", "decimal": "decimal", "datetime": "datetime", "duration": "duration"}
NO_VALUES: Mapping[str, Value] = {}


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity.

    Args:
        above: Every entity that it is in, itself left out.
    """

    attributes: Mapping[str, Value]
    above: frozenset[Uid]
    tags: Mapping[str, Value]


Entities = Mapping[Uid, Entity]


def read_entities(rows: Iterable[Mapping[str, Any]], schema: Schema | None = None) -> dict[Uid, Entity]:
    """Return the entities of Cedar's JSON form, and the schema's actions, closed over parents.

    Args:
        rows: As cedarpy takes them.
        schema: Tells how values are meant; without it a value must say so itself.

    Raises:
        ValueError: A value is none of Cedar's.
    """
    parents: dict[Uid, tuple[Uid, ...]] = {}
    held: dict[Uid, tuple[Mapping[str, Value], Mapping[str, Value]]] = {}
    for row in rows:
        uid = read_uid(row["uid"])
        kind = schema.entities.get(uid.type) if schema else None
        attributes = kind.attributes if kind else None
        tags = kind.tags if kind else None
        parents[uid] = tuple(map(read_uid, row.get("parents", ())))
        held[uid] = (
            read_record(row.get("attrs", {}), attributes),
            {name: read_value(value, tags) for name, value in row.get("tags", {}).items()},
        )
    for action in schema.actions.values() if schema else ():
        parents.setdefault(action.uid, action.parents)
        held.setdefault(action.uid, (NO_VALUES, NO_VALUES))
    return {uid: Entity(held[uid][0], close_over(uid, parents), held[uid][1]) for uid in held}


def close_over(start: Uid, parents: Mapping[Uid, Sequence[Uid]]) -> frozenset[Uid]:
    """Return everything above an entity, itself left out."""
    seen: set[Uid] = set()
    ends = list(parents.get(start, ()))
    while ends:
        uid = ends.pop()
        if uid not in seen:
            seen.add(uid)
            ends.extend(parents.get(uid, ()))
    return frozenset(seen)


def read_uid(raw: Any) -> Uid:  # noqa: ANN401  # JSON
    """Return a uid written as ``{type, id}``, with or without ``__entity`` around it; raises ValueError."""
    inner = raw.get("__entity", raw) if isinstance(raw, dict) else None
    if not isinstance(inner, dict) or inner.keys() != {"type", "id"}:
        raise ValueError("expected an entity with `type` and `id`")
    return Uid(str(inner["type"]), str(inner["id"]))


def read_record(raw: Any, kind: RecordType | None = None) -> dict[str, Value]:  # noqa: ANN401  # JSON
    """Return a JSON object's values by name; raises ValueError."""
    if not isinstance(raw, dict):
        raise ValueError("expected an object")  # noqa: TRY004  # one error for all that is no value
    found = {}
    for name, value in raw.items():
        held = kind.field(name) if kind else None
        found[name] = read_value(value, held.type if held else None)
    return found


def read_value(raw: Any, kind: Type | None = None) -> Value:  # noqa: ANN401  # JSON
    """Return a JSON value as Cedar's; raises ValueError where it is none, as a number with a point is."""
    match raw:
        case bool():
            return raw
        case int():
            return raw
        case str():
            is_text = not isinstance(kind, Primitive) or kind.name not in _CONSTRUCTOR
            return raw if is_text else extensions.PARSERS[_CONSTRUCTOR[kind.name]](raw)  # type: ignore[union-attr]  # as tested
        case list():
            element = kind.element if isinstance(kind, SetType) else None
            return make_set(read_value(part, element) for part in raw)
        case {"__entity": _}:
            return read_uid(raw)
        case {"__extn": called}:
            return _extension(called)
        case {"type": str(), "id": str()} if isinstance(kind, EntityType):
            return read_uid(raw)
        case {"fn": _, **rest} if (
            isinstance(kind, Primitive) and kind != BOOL and rest.keys() <= {"arg", "args"}
        ):
            return _extension(raw)
        case dict():
            return read_record(raw, kind if isinstance(kind, RecordType) else None)
        case _:
            raise ValueError("a value is a boolean, a whole number, a text, a list or an object")


def _extension(raw: Mapping[str, Any]) -> Value:
    name = raw["fn"]
    arguments = [_argument(argument) for argument in raw.get("args", [raw.get("arg")])]
    match name, arguments:
        case "offset", [Datetime() as moment, Duration() as by]:
            return extensions.offset(moment, by)
        case _, [str() as text] if name in extensions.PARSERS:
            return extensions.PARSERS[name](text)
        case _:
            raise ValueError(
                "expected `ip`, `decimal`, `datetime`, `duration` or `offset` with its arguments"
            )


def _argument(raw: Any) -> Decimal | Ip | Datetime | Duration | str:  # noqa: ANN401  # JSON
    value = _extension(raw.get("__extn", raw)) if isinstance(raw, dict) else raw
    if not isinstance(value, (str, Decimal, Ip, Datetime, Duration)):
        raise ValueError("expected a text or another extension value")  # noqa: TRY004  # as above
    return value
