"""Legal holds: what stands, and what it covers. Pure.

A hold stands from the moment in which it is placed until two people have lifted it: one says so, another does it.
Holds overlap; lifting one leaves the others. The database refuses a deletion under a hold by the same rule
(`desk_held` of migration 0002_papers); a test compares the two.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from doorward.errors import ConfigError

ANY = ""
MAX_REASON = 500


class Scope(StrEnum):
    """What a hold is over."""

    MATTER = "matter"
    KIND = "kind"
    TENANT = "tenant"


class Step(StrEnum):
    """What is done with a hold; each step is a row that is never changed."""

    PLACE = "hold"
    PROPOSE = "propose-lift"
    KEEP = "keep"
    LIFT = "lift"


@dataclass(frozen=True, slots=True)
class Over:
    """What a hold covers.

    Args:
        matter: Of a hold over one matter.
        tenant: Of the others; of a kind, `ANY` is every tenant.
        kind: Of the intake, or `visit`; `ANY` is every kind.
        begins: From when, or None: from the first.
        ends: Until before when, or None: open.
    """

    scope: Scope
    matter: uuid.UUID | None = None
    tenant: str = ANY
    kind: str = ANY
    begins: datetime | None = None
    ends: datetime | None = None

    def check(self) -> None:
        """Refuse what covers nothing, or what would not say what it covers.

        Raises:
            ConfigError: A part is missing, or the period ends before it begins.
        """
        if self.scope is Scope.MATTER and self.matter is None:
            raise ConfigError("a hold over a matter names one")
        if self.scope is Scope.TENANT and not self.tenant:
            raise ConfigError("a hold over a tenant names one")
        if self.scope is Scope.KIND and not (self.kind or self.begins or self.ends):
            raise ConfigError(
                "a hold over a kind names a kind, a period or both", hint="to hold all of a tenant, say so"
            )
        if self.begins is not None and self.ends is not None and self.ends <= self.begins:
            raise ConfigError("the period of a hold ends after it begins")


@dataclass(frozen=True, slots=True)
class Thing:
    """What might be erased: a matter with all that is in it, a paper of one, a visit.

    Args:
        matter: Its id, or None of what is in no matter.
        first: When the City had it first.
        last: When something happened to it last.
    """

    tenant: str
    kind: str
    first: datetime
    last: datetime
    matter: uuid.UUID | None = None


def covers(over: Over, thing: Thing) -> bool:
    """Return whether a hold is over this; a period covers what it touches at all."""
    if over.scope is Scope.MATTER:
        return over.matter is not None and over.matter == thing.matter
    if over.scope is Scope.TENANT:
        return over.tenant == thing.tenant
    return (
        over.tenant in {ANY, thing.tenant}
        and over.kind in {ANY, thing.kind}
        and (over.begins is None or thing.last >= over.begins)
        and (over.ends is None or thing.first < over.ends)
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One step as it is kept."""

    hold: uuid.UUID
    step: Step
    by: int


def standing(rows: Iterable[Row]) -> tuple[uuid.UUID, ...]:
    """Return the holds that stand after these steps, in the order in which they were placed."""
    found: dict[uuid.UUID, None] = {}
    for row in rows:
        if row.step is Step.PLACE:
            found[row.hold] = None
        elif row.step is Step.LIFT:
            found.pop(row.hold, None)
    return tuple(found)


def proposed_by(rows: Iterable[Row], hold: uuid.UUID) -> int | None:
    """Return who says that a standing hold should be lifted, or None: nobody does, or somebody said to keep it."""
    found = None
    for row in rows:
        if row.hold == hold:
            found = row.by if row.step is Step.PROPOSE else None
    return found


def check_step(rows: Iterable[Row], hold: uuid.UUID, step: Step, *, by: int) -> None:
    """Refuse a step that cannot be done now.

    Raises:
        ConfigError: The hold does not stand, nobody proposed to lift it, or whoever did would do it alone.
    """
    steps = tuple(rows)
    if hold not in standing(steps):
        raise ConfigError("no such hold stands")
    proposer = proposed_by(steps, hold)
    if step is Step.PROPOSE and proposer is not None:
        raise ConfigError(
            "that it should be lifted is said already", hint="another of the law department does it"
        )
    if step is Step.KEEP and proposer is None:
        raise ConfigError("nobody said that it should be lifted")
    if step is Step.LIFT and proposer is None:
        raise ConfigError("a hold is lifted by two people: one says so first")
    if step is Step.LIFT and proposer == by:
        raise ConfigError("a hold is lifted by two people, and you said so yourself")
