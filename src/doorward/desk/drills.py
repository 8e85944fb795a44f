"""Drills at the desk: matters and visits filed to practise, counted nowhere, deletable at once.

A matter or a visit is a drill from its beginning or never; the database refuses to make one of the other, and to delete
what is none. That a drill was filed and that it was deleted stands in the record; what somebody typed into it is gone.
"""

import uuid
from typing import Final

from django.db import DatabaseError, transaction

from doorward.desk.access import Actor, matter_of, visit_of
from doorward.desk.entries import act_entry
from doorward.desk.history import NotAllowedError
from doorward.desk.models import ClockEvent, LetterStep, Matter, MatterClock, OutgoingNotice, Visit
from doorward.desk.recorder import recorder
from doorward.desk.roles import Act
from doorward.record.entry import Kind

DELETE: Final = "delete-drill"


def delete_drill(actor: Actor, matter: Matter) -> str:
    """Return the number of a drill that was deleted, with all that was done with it.

    Raises:
        NotAllowedError: There is no such drill for this person, or they file nothing.
        StoreError: It cannot be recorded; nothing was deleted.
    """
    role = _role(actor)
    try:
        return _delete(actor, matter, role)
    except DatabaseError as error:
        raise NotAllowedError("something that is only added to rests on it; it stays") from error


def delete_drill_visit(actor: Actor, visit: Visit) -> str:
    """Return the number of a drill of a front desk that was deleted; that its place practised stays on file.

    Raises:
        NotAllowedError: There is no such drill for this person, they file nothing, or a hold keeps it.
        StoreError: It cannot be recorded; nothing was deleted.
    """
    role = _role(actor)
    try:
        with transaction.atomic():
            if visit_of(actor, visit.pk) is None:
                raise NotAllowedError("there is no such visit for you")
            locked = Visit.objects.select_for_update().get(pk=visit.pk)
            if not locked.drill:
                raise NotAllowedError("it is no drill, and no visit is deleted here")
            number, key = locked.number, locked.pk
            locked.delete()
            _record(actor, key, role)
    except DatabaseError as error:
        raise NotAllowedError("a legal hold keeps it; it stays") from error
    return number


def _role(actor: Actor) -> str:
    by = actor.assignment(frozenset(actor.roles))
    if by is None or not actor.may(Act.FILE):
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    return by.role


def _record(actor: Actor, key: uuid.UUID, role: str) -> None:
    fields = act_entry(key, DELETE, login=actor.account.login, office=role)
    recorder().record([(Kind.ACT, fields)], now=actor.now)  # the last thing before the commit


def _delete(actor: Actor, matter: Matter, role: str) -> str:
    with transaction.atomic():
        if matter_of(actor, matter.pk) is None:
            raise NotAllowedError("there is no such matter for you")
        locked = Matter.objects.select_for_update().get(pk=matter.pk)
        if not locked.drill:
            raise NotAllowedError("it is no drill, and no matter is deleted here")
        OutgoingNotice.objects.filter(subject=locked.pk).delete()
        for steps in (
            ClockEvent.objects.filter(clock__matter=locked),
            MatterClock.objects.filter(matter=locked),
            LetterStep.objects.filter(letter__matter=locked),
        ):
            if steps.exists():
                steps.delete()
        for relation in Matter._meta.related_objects:  # noqa: SLF001  # Django's own way to a model's parts
            parts = relation.related_model._default_manager.filter(**{relation.field.name: locked})  # type: ignore[union-attr]  # noqa: SLF001  # as above
            if parts.exists():  # a table that is only added to refuses a deletion of nothing, too
                parts.delete()
        locked.counsel.clear()
        key, number = locked.pk, locked.number
        locked.delete()
        _record(actor, key, role)
    return number
