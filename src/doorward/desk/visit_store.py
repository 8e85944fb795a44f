"""Visits as the desk keeps them: recorded first, put once, found again by the phone that filed them.

Held to the contract of `doorward.desk.front.store`. Requests of phones come beside Django's own, so that each call
lets go of its thread's connection.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from django.db import IntegrityError, connection, transaction

from doorward.desk.entries import visit_entry
from doorward.desk.filing import next_number
from doorward.desk.front.store import Conflict, PhonePlace, Stored
from doorward.desk.front.visits import Receipt
from doorward.desk.front.visits import Visit as Filed
from doorward.desk.limits import Limiter, Rate
from doorward.desk.models import EnrolmentCode, Phone, Place, Training, Visit
from doorward.desk.notices.outbox import tell_visit
from doorward.desk.recorder import recorder
from doorward.record.entry import Kind

SERIES: Final = "V-"
P = ParamSpec("P")
R = TypeVar("R")


def _alone(
    call: Callable[Concatenate["VisitStore", P], R],
) -> Callable[Concatenate["VisitStore", P], R]:
    @wraps(call)
    def called(self: "VisitStore", /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(self, *args, **kwargs)
        finally:
            connection.close()

    return called


@dataclass
class VisitStore:
    """The store of one desk; counts of tries are this process's own, and a desk is one process.

    Args:
        tenant: Whose places it knows, or None for all: a phone of another tenant is a stranger to it.
    """

    tenant: str | None = None
    counts: Limiter = field(default_factory=Limiter)

    @_alone
    def place_of(self, token_digest: bytes) -> PhonePlace | None:
        """Return the place of an enrolled phone, or None: never enrolled, or taken back."""
        found = Phone.objects.filter(digest=token_digest, taken_back=None).select_related("place").first()
        return None if found is None or not self._knows(found.place) else _place(found.place)

    @_alone
    def redeem(self, code_digest: bytes, token_digest: bytes, now: datetime) -> PhonePlace | None:
        """Bind a token to the place of a code that is neither used nor over; the same pair again is the same answer."""
        try:
            with transaction.atomic():
                code = (
                    EnrolmentCode.objects.select_for_update()
                    .filter(digest=code_digest, until__gt=now)
                    .first()
                )
                if code is None or not self._knows(code.place):
                    return None
                if code.used_by is None:
                    Phone.objects.create(digest=token_digest, place=code.place, enrolled=now)
                    code.used_by = token_digest
                    code.save(update_fields=["used_by"])
                return _place(code.place) if bytes(code.used_by) == token_digest else None
        except IntegrityError:  # the token stands for another place already
            return None

    @_alone
    def put_once(self, visit: Filed, body: bytes, place: PhonePlace, now: datetime) -> Stored | Conflict:
        """Put a record and its receipt, durably, or find those of the same id, bytes and place.

        Raises:
            StoreError: It cannot be recorded; nothing was put.
        """
        try:
            with transaction.atomic():
                return self._put(visit, body, place, now)
        except IntegrityError:  # another thread was first
            found = self._found(visit, body, place)
            if found is None:
                raise
            return found

    def count(self, key: str, *, limit: int, window_seconds: int, now: datetime) -> int:
        """Count one more under a key; return 0 if that is within the limit, else the seconds until it is again."""
        return self.counts.count(Rate("front", limit, window_seconds), key, now=now)

    def _put(self, visit: Filed, body: bytes, place: PhonePlace, now: datetime) -> Stored | Conflict:
        number = next_number(now, SERIES)  # takes its turn, so that who comes second finds the first
        there = self._found(visit, body, place)
        if there is not None:
            transaction.set_rollback(True)  # no number is used up
            return there
        key = uuid.UUID(visit.id)
        where = Place.objects.get(slug=place.id)
        fields = visit_entry(
            key, place.kind, posture=visit.posture or "", drill=visit.drill, digest=visit.digest, tenant=where.tenant,
        )  # fmt: skip
        entry = recorder().record([(Kind.VISIT, fields)], now=now)
        row = Visit.objects.create(
            id=key,
            number=number,
            place=where,
            version=visit.version,
            language=visit.language,
            drill=visit.drill,
            opened=visit.opened,
            received=now,
            walk=[list(step) for step in visit.walk],
            values={name: _stored(value) for name, value in visit.values.items()},
            sealed_fields=sorted(visit.sealed),
            unknown=list(visit.unknown),
            addressees=list(visit.to),
            posture=visit.posture or "",
            body=body,
            digest=visit.digest,
            entry=entry,
        )
        if visit.trained:
            # Whoever drilled at the place has worked through this version; who it was, a shared phone does not say.
            tenant = row.place.tenant
            Training.objects.create(
                tenant=tenant, version=visit.training, place=row.place, at=now, entry=entry
            )
        tell_visit(row, now)
        return Stored(Receipt(visit.id, number, now, visit.digest), new=True)

    def _knows(self, place: Place) -> bool:
        return self.tenant in {None, place.tenant}

    @staticmethod
    def _found(visit: Filed, body: bytes, place: PhonePlace) -> Stored | Conflict | None:
        there = Visit.objects.filter(pk=uuid.UUID(visit.id)).select_related("place").first()
        if there is None:
            return None
        if bytes(there.body) != body or there.place.slug != place.id:
            return Conflict()
        return Stored(Receipt(visit.id, there.number, there.received, there.digest), new=False)


def _place(place: Place) -> PhonePlace:
    return PhonePlace(place.slug, place.kind, place.name, place.contacts)


def _stored(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
