"""A schema: which entity types there are and what is in what, which actions, on what, in which context.

Only what the compilers ask of it. Whether a text is a schema at all, and whether entities and policies follow it, is
cedarpy's to say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from doorward.cedar.types import RecordType, Type
from doorward.cedar.values import Uid


@dataclass(frozen=True, slots=True)
class EntityKind:
    """One entity type.

    Args:
        parents: Entity types that it may be directly in.
        attributes: Of every entity of the type.
        tags: Type of its tags, or None where it has none.
        choices: The ids that exist, for an enumerated type; else None.
    """

    parents: frozenset[str]
    attributes: RecordType
    tags: Type | None = None
    choices: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One action.

    Args:
        parents: Actions that it is directly in.
        principals: Entity types that may ask it, in the order of the text.
        resources: Entity types that it may be asked of.
        context: Type of the request's context.
    """

    uid: Uid
    parents: tuple[Uid, ...]
    principals: tuple[str, ...]
    resources: tuple[str, ...]
    context: RecordType


@dataclass(frozen=True, slots=True)
class Environment:
    """What is fixed once it is known which action is asked, and of what types principal and resource are."""

    principal: str
    action: Uid
    resource: str
    context: RecordType


@dataclass(frozen=True)
class Schema:
    """A whole schema."""

    entities: Mapping[str, EntityKind]
    actions: Mapping[Uid, Action]

    @cached_property
    def action_groups(self) -> Mapping[Uid, frozenset[Uid]]:
        """Every action with all that it is in, itself included."""
        return {uid: frozenset(self._above_action(uid)) for uid in self.actions}

    @cached_property
    def may_be_in(self) -> Mapping[str, frozenset[str]]:
        """Every entity type with all types that an entity of it may be in at any distance, itself included."""
        found: dict[str, frozenset[str]] = {}
        for name in self.entities:
            seen, ends = {name}, [name]
            while ends:
                for parent in self.entities[ends.pop()].parents:
                    if parent not in seen and parent in self.entities:
                        seen.add(parent)
                        ends.append(parent)
            found[name] = frozenset(seen)
        return found

    def environments(self) -> Iterator[Environment]:
        """Yield each action with each pair of types that it applies to."""
        for action in self.actions.values():
            for principal in action.principals:
                for resource in action.resources:
                    yield Environment(principal, action.uid, resource, action.context)

    def environment(self, principal: str, action: Uid, resource: str) -> Environment | None:
        """Return the environment of a request, or None where the schema has none."""
        found = self.actions.get(action)
        if found is None or principal not in found.principals or resource not in found.resources:
            return None
        return Environment(principal, action, resource, found.context)

    def _above_action(self, uid: Uid) -> set[Uid]:
        seen, ends = {uid}, [uid]
        while ends:
            action = self.actions.get(ends.pop())
            for parent in action.parents if action else ():
                if parent not in seen:
                    seen.add(parent)
                    ends.append(parent)
        return seen
