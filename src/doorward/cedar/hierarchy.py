"""The entity file: what is in what, closed over parents, as Cedar's ``in`` asks it.

The same JSON goes to cedarpy; this is the compiler's reading of it. A differential test holds the two together.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from doorward.cedar.values import Uid
from doorward.errors import Finding


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Every entity of the file with all that it is in, itself included."""

    above: Mapping[Uid, frozenset[Uid]]

    def is_within(self, entity: Uid, targets: Collection[Uid]) -> bool:
        """Return whether Cedar's ``entity in [targets]`` holds; an entity that is in no file is in itself only."""
        return not self.above.get(entity, frozenset((entity,))).isdisjoint(targets)

    def ids(self, kind: str) -> tuple[str, ...]:
        """Return the ids of one entity type in the order of the file."""
        return tuple(uid.id for uid in self.above if uid.type == kind)


def make_hierarchy(entities: Sequence[Mapping[str, Any]]) -> tuple[Hierarchy, tuple[Finding, ...]]:
    """Return the closure of Cedar's JSON entities, and what is wrong: twice there, unknown parent, a circle.

    Args:
        entities: Entities in Cedar's JSON form with explicit uids; cedarpy checks their types separately.
    """
    findings: list[Finding] = []
    parents: dict[Uid, tuple[Uid, ...]] = {}
    for entity in entities:
        uid = _uid(entity["uid"])
        if uid in parents:
            findings.append(Finding(f"entity `{uid}` stands twice in the entity files"))
        parents[uid] = tuple(_uid(parent) for parent in entity["parents"])
    for uid, above in parents.items():
        findings.extend(
            Finding(f"entity `{uid}` is in `{parent}`, which stands in no entity file")
            for parent in above
            if parent not in parents
        )
    closed = {uid: _closure(uid, parents) for uid in parents}
    findings.extend(
        Finding(f"entity `{uid}` is in itself by way of its parents")
        for uid, above in parents.items()
        if any(uid in closed.get(parent, ()) for parent in above)
    )
    return Hierarchy(closed), tuple(findings)


def _closure(start: Uid, parents: Mapping[Uid, Iterable[Uid]]) -> frozenset[Uid]:
    seen = {start}
    open_ends = [start]
    while open_ends:
        for parent in parents.get(open_ends.pop(), ()):
            if parent not in seen:
                seen.add(parent)
                open_ends.append(parent)
    return frozenset(seen)


def _uid(raw: Mapping[str, Any]) -> Uid:
    return Uid(str(raw["type"]), str(raw["id"]))
