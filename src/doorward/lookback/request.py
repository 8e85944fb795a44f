"""What an access in a log is as a request of an order: what the log tells, what is said of it, what stays open. Pure.

A log tells little of what the order asks. For each fact of the order its `reasons.toml` says where the log tells it,
or what it is at this kind of door, or that it is open: then the order is asked for every value. What is left out there
is what `resolvers.toml` says of the fact at the database door, and open where the person would be asked.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from doorward.cedar.types import BOOL, DATETIME, LONG, STRING, Type
from doorward.errors import ConfigError
from doorward.orders.lexicon import Log, Told
from doorward.orders.pack import Pack
from doorward.policy.request import Fact, FactSpec, Resource

TAG: Final = "tag:"
# What a log tells: its word, and the column of the table of facts.
TOLD: Final = {
    "searcher": "agency",
    "for-agency": "for_agency",
    "purpose": "purpose",
    "said": "said",
    "case": "case_said",
    "reach-back-days": "reach_back_days",
    "declaration": "declared",
    "participating": "participating",
    "kind": "kind",
    "at": "accessed_at",
    "offense-given": "offense_given",
}
_YES: Final = {"said": "stated", "case": "given"}  # which word is a yes, where the order's fact is a Bool


@dataclass(frozen=True, slots=True)
class Asked:
    """How every access of one kind of log is put to an order.

    Args:
        columns: SQL over the table of facts, by the path of the fact; it is NULL where the fact is open.
        constants: Facts that are the same for each access.
        reads: Columns of the table of facts that are read.
        same: Facts that one cell tells, each with the first of them: they are equal whatever the cell held.
    """

    action: str
    resource: Resource
    columns: Mapping[str, str]
    constants: Mapping[str, Fact]
    reads: tuple[str, ...]
    same: Mapping[str, str]


def make_asked(pack: Pack, log: Log) -> Asked:
    """Return how accesses of a kind of log are put to an order.

    Args:
        log: As the order's `reasons.toml` describes it.

    Raises:
        ConfigError: The log tells a fact that has another type.
    """
    specs = pack.requests.specs(log.resource.type)
    at_door = _at_door(pack)
    columns: dict[str, str] = {}
    constants: dict[str, Fact] = {}
    reads: set[str] = set()
    same: dict[str, str] = {}
    first: dict[str, str] = {}
    for path, spec in specs.items():
        if spec.definition is not None:
            continue
        told = log.facts.get(path)
        if told is not None and told.source is not None:
            column = _column(told.source)
            reads.add(column)
            columns[path] = sql = _sql(spec, told.source, column, told)
            leader = first.setdefault(f"{spec.type} {sql}", path)
            if leader != path:
                same[path] = leader
        elif told is not None and told.value is not None:
            constants[path] = told.value
        elif told is not None or _is_asked(at_door, _key(path, log)):
            columns[path] = f"CAST(NULL AS {_type(spec.type)})"
        else:
            constants[path] = _found(at_door, _key(path, log), spec)
    columns["principal"] = "CAST(NULL AS VARCHAR)"
    columns["resource"] = _quoted(log.resource.id) if log.resource.id else "CAST(NULL AS VARCHAR)"
    return Asked(log.action, log.resource, columns, constants, tuple(sorted(reads)), same)


def _key(path: str, log: Log) -> str:
    """Return how resolvers.toml names a fact: those of a resource by its type."""
    inside = path.removeprefix("resource.")
    return path if inside == path else f"{log.resource.type}.{inside}"


def _column(source: str) -> str:
    if source.startswith(TAG):
        return "tags"
    return TOLD[source]


def _sql(spec: FactSpec, source: str, column: str, told: Told) -> str:
    words = told.words
    if source.startswith(TAG):
        _expect(spec, BOOL, source)
        # What no pattern found may stand in a cell that cannot be read: `?` says that there is one.
        tag = _quoted(source.removeprefix(TAG))
        return (
            f"CASE WHEN list_contains(tags, {tag}) THEN true WHEN NOT list_contains(tags, '?') THEN false END"
        )
    if words:
        whens = " ".join(f"WHEN {_quoted(word)} THEN {_literal(value)}" for word, value in words.items())
        return f"CASE {column} {whens} END"
    if source in _YES and spec.type == BOOL:
        return f"({column} = {_quoted(_YES[source])})"
    if source == "at":
        _expect(spec, DATETIME, source)
        return "epoch_ms(accessed_at)"
    if source in {"declaration", "participating", "offense-given"}:
        _expect(spec, BOOL, source)
    elif source == "reach-back-days":
        _expect(spec, LONG, source)
    elif _type(spec.type) != "VARCHAR":
        _expect(spec, STRING, source)
    if told.open_where:
        return f"CASE WHEN {column} NOT IN ({', '.join(map(_quoted, told.open_where))}) THEN {column} END"
    return column


def _expect(spec: FactSpec, kind: Type, source: str) -> None:
    if spec.type != kind:
        raise ConfigError(
            f"`{spec.path}` cannot be told by `{source}`: it is no {kind}",
            hint="see reasons.toml of the order",
        )


def _at_door(pack: Pack) -> dict[str, Mapping[str, Any]]:
    """Return what resolvers.toml says of each fact at the database door, by path or the beginning of paths."""
    facts = tomllib.loads(pack.files["resolvers.toml"]).get("fact", {})
    return {path: said.get("at_database", {}) for path, said in facts.items()}


def _said(at_door: Mapping[str, Mapping[str, Any]], path: str) -> Mapping[str, Any]:
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        found = at_door.get(".".join(parts[:length]))
        if found is not None:
            return found
    return {}


def _is_asked(at_door: Mapping[str, Mapping[str, Any]], path: str) -> bool:
    said = _said(at_door, path)
    return not ("value" in said or said.get("unknown") is True)


def _found(at_door: Mapping[str, Mapping[str, Any]], path: str, spec: FactSpec) -> Fact:
    value = _said(at_door, path).get("value", spec.unknown)
    return value if spec.accepts(value) else spec.unknown


def _type(kind: Type) -> str:
    if kind == BOOL:
        return "BOOLEAN"
    return "BIGINT" if str(kind) in {"Long", "datetime", "duration", "decimal"} else "VARCHAR"


def _literal(value: str | bool) -> str:  # noqa: FBT001  # a constant of the order
    return ("true" if value else "false") if isinstance(value, bool) else _quoted(value)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
