"""Legal holds as acts: placed by one of the law department, lifted by two. Each step is recorded before it is shown.

INVARIANT (a hold stops what is under way): placing and erasing take turns, and an erasure asks after its turn came.

Whatever erases something of the desk asks `check_free` after `take_turn`; of a row, the database asks too.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction
from django.db.models import Max

from doorward.desk.access import Actor, matter_of, matters
from doorward.desk.entries import act_entry
from doorward.desk.history import NotAllowedError
from doorward.desk.ids import draw_id
from doorward.desk.models import Assignment, HoldStep, Matter, Paper, Place
from doorward.desk.papers.holds import (
    MAX_REASON,
    Over,
    Row,
    Scope,
    Step,
    Thing,
    check_step,
    covers,
    proposed_by,
    standing,
)
from doorward.desk.recorder import place_of, recorder
from doorward.desk.roles import MAY, Act, Role
from doorward.errors import ConfigError
from doorward.record.entry import Field, Kind

OBLIGATION: Final = "legal-hold"  # of the order
SEES: Final = frozenset({Role.LAW, Role.AUDITOR})
_TURN: Final = 0x70617065  # any number that no other lock has


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold that stands.

    Args:
        first: The step that placed it.
        proposed_by: Who says that it should be lifted, or None.
    """

    first: HoldStep
    over: Over
    proposed_by: int | None

    @property
    def place(self) -> str:
        """Where its entry stands in the record, for people."""
        return place_of(self.first.entry)


def take_turn(*, shared: bool = False) -> None:
    """Wait until nobody else places a hold, erases or wraps keys again; held until the transaction ends."""
    name = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name}(%s)", [_TURN])


def all_standing() -> tuple[Hold, ...]:
    """Return every hold that stands, for the desk's own rules; people get `holds_seen`."""
    steps = list(HoldStep.objects.select_related("matter", "by"))
    rows = _rows(steps)
    first = {one.hold: one for one in steps if one.step == Step.PLACE}
    return tuple(Hold(first[key], _over(first[key]), proposed_by(rows, key)) for key in standing(rows))


def holds_seen(actor: Actor) -> tuple[Hold, ...] | None:
    """Return the holds that somebody may see, or None: none at all. One of a sealed matter is its counsel's."""
    if not actor.roles & SEES:
        return None
    held = all_standing()
    named = [one.over.matter for one in held if one.over.matter is not None]
    seen = set(matters(actor).filter(pk__in=named).values_list("pk", flat=True))
    return tuple(one for one in held if one.over.matter is None or one.over.matter in seen)


def holds_over(matter: Matter) -> tuple[Hold, ...]:
    """Return the holds over a matter, and so over every paper in it."""
    thing = thing_of(matter)
    return tuple(one for one in all_standing() if covers(one.over, thing))


def steps_of(hold: uuid.UUID) -> tuple[HoldStep, ...]:
    """Return what was done with a hold, in its order."""
    return tuple(HoldStep.objects.filter(hold=hold).select_related("by"))


def tenants() -> tuple[str, ...]:
    """Return the agencies that the desk has people or places of."""
    found = set(Assignment.objects.values_list("tenant", flat=True)) | set(
        Place.objects.values_list("tenant", flat=True)
    )
    return tuple(sorted(found))


def check_free(thing: Thing) -> None:
    """Refuse what is under a hold.

    Raises:
        NotAllowedError: It is.
    """
    count = sum(covers(one.over, thing) for one in all_standing())
    if count:
        raise NotAllowedError(f"{count} legal hold{'s' if count > 1 else ''} on it: nothing of it is erased")


def thing_of(matter: Matter) -> Thing:
    """Return a matter as holds see it: from when the City had it to what happened last."""
    last = [matter.filed]
    last += [at for at in (matter.events.aggregate(at=Max("at"))["at"],) if at is not None]
    last += [at for at in (Paper.objects.filter(matter=matter).aggregate(at=Max("presented"))["at"],) if at]
    return Thing(matter.tenant, matter.kind, min(matter.received, matter.filed), max(last), matter.pk)


def awaits_hold(matter: Matter) -> bool:
    """Whether the order asked for a legal hold of a matter, and none stands nor was placed since it was filed."""
    if OBLIGATION not in matter.obligations:
        return False
    if holds_over(matter):
        return False
    thing = thing_of(matter)
    since = HoldStep.objects.filter(step=Step.PLACE.value, at__gte=matter.filed)
    return not any(covers(_over(one), thing) for one in since)


def place(actor: Actor, over: Over, reason: str) -> uuid.UUID:
    """Return the id of a new hold.

    Raises:
        NotAllowedError: They may not, or there is no such matter for them.
        ConfigError: It covers nothing, or has no reason.
        StoreError: It cannot be recorded; nothing is held.
    """
    _check(actor, reason)
    over.check()
    if over.matter is not None and matter_of(actor, over.matter) is None:
        raise NotAllowedError("there is no such matter for you")
    hold = draw_id()
    with transaction.atomic():
        take_turn()
        _add(actor, hold, Step.PLACE, reason, over)
    return hold


def do_step(actor: Actor, hold: uuid.UUID, step: Step, reason: str) -> None:
    """Propose to lift a hold, say to keep it, or lift it.

    Raises:
        NotAllowedError: They may not, or there is no such hold for them.
        ConfigError: It cannot be done now, or has no reason.
        StoreError: It cannot be recorded; nothing was done.
    """
    _check(actor, reason)
    with transaction.atomic():
        take_turn()
        if hold not in {one.first.hold for one in holds_seen(actor) or ()}:
            raise NotAllowedError("no such hold stands for you")
        check_step(_rows(HoldStep.objects.filter(hold=hold)), hold, step, by=actor.account.pk)
        _add(actor, hold, step, reason)


def _check(actor: Actor, reason: str) -> None:
    if not actor.may(Act.HOLD):
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    if not 0 < len(reason.strip()) <= MAX_REASON:
        raise ConfigError(f"say why, in at most {MAX_REASON} characters")


def _add(actor: Actor, hold: uuid.UUID, step: Step, reason: str, over: Over | None = None) -> None:
    by = actor.assignment(MAY[Act.HOLD])
    assert by is not None
    fields = act_entry(hold, step.value, login=actor.account.login, office=by.role)
    if over is not None:
        fields = tuple(sorted((*fields, (Field.WHAT, over.scope.value.encode()))))
    entry = recorder().record([(Kind.ACT, fields)], now=actor.now)
    what = {} if over is None else {
        "scope": over.scope.value, "matter_id": over.matter, "tenant": over.tenant, "kind": over.kind,
        "begins": over.begins, "ends": over.ends,
    }  # fmt: skip
    HoldStep.objects.create(
        hold=hold, step=step.value, at=actor.now, by=actor.account, office=by.role, reason=reason.strip(),
        entry=entry, **what,
    )  # fmt: skip


def _rows(steps: Iterable[HoldStep]) -> tuple[Row, ...]:
    return tuple(Row(one.hold, Step(one.step), one.by_id) for one in steps)


def _over(step: HoldStep) -> Over:
    return Over(Scope(step.scope), step.matter_id, step.tenant, step.kind, step.begins, step.ends)
