"""The outbox: a row for each notice, put in the transaction of what it tells of, and what becomes of it.

1. What is rolled back tells nobody, and what is filed is never without its row.
2. One row for an occasion, an addressee and a channel: a second pass, a second process, a form sent twice add none.
3. A row is claimed before it is sent. A crash between the sending and its being noted sends it again, with the same id.
4. A sealed matter tells its named counsel alone; one that is sealed after its row was put is looked at before sending.
5. A drill tells nobody.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from doorward.desk.access import WAITS
from doorward.desk.ids import draw_id
from doorward.desk.letters.release import parse_statement
from doorward.desk.models import Matter, MatterClock, OutgoingNotice, State, Visit, Waits
from doorward.desk.notices.telling import (
    GIVEN_UP,
    LAW,
    NO_WAY,
    PERSON,
    SOON,
    find_addressees,
    find_counsel,
    stage_at,
    wait_after,
)
from doorward.desk.notices.wake import wake
from doorward.grants.notices import FORGOTTEN, Stage

MATTER, VISIT = "matter", "visit"
SECOND: Final = "letter"  # a second signature that is owed; the notice's number is the matter's
LEASE: Final = timedelta(minutes=5)
NOBODY_THERE: Final = "the office has neither a mail address nor a webhook"


def tell_visit(visit: Visit, now: datetime) -> None:
    """Put the notices of a visit that was filed, within its transaction: to the law department and whom it is for."""
    if not visit.drill:
        to = find_addressees((LAW, *visit.addressees), Stage.ASKED, settings.DESK.notices)
        _put(VISIT, visit.pk, visit.number, Stage.ASKED, visit.entry, to, now)


def tell_matter(matter: Matter, now: datetime, *, occasion: int) -> None:
    """Put the notices of a matter that waits for an office now, within its transaction.

    Args:
        occasion: The entry of the decision by which it waits.
    """
    if matter.state == State.WAITING:
        _put(MATTER, matter.pk, matter.number, Stage.ASKED, occasion, _whom(matter, Stage.ASKED, now), now)


def tell_second(matter: Matter, office: str, now: datetime, *, occasion: int) -> None:
    """Put the notices of a letter that left with one signature and owes the second, within its transaction.

    Args:
        office: Whose people release the letter.
        occasion: The entry by which it left.
    """
    to = _whom(matter, Stage.ASKED, now, office=office)
    _put(SECOND, matter.pk, matter.number, Stage.ASKED, occasion, to, now)


def tell_clocks(now: datetime) -> int:
    """Put the notices of clocks that are about to end or over, and return how many were new.

    They are those of what waits for an office, whether the order referred or decided it, and of second signatures. What
    was over a week ago is told to nobody anew: lists show it.
    """
    if settings.DESK.notices.names_nobody:
        return 0
    soon = {"due__lte": now + SOON, "due__gt": now - FORGOTTEN}
    running = Matter.objects.filter(WAITS, drill=False, **soon).order_by("due")
    new = sum(_tell_end(MATTER, one, one.filed, one.due, now) for one in running.iterator(chunk_size=500))
    owed = MatterClock.objects.filter(runs=True, letter__isnull=False, matter__drill=False, **soon)
    for clock in owed.select_related("matter", "letter").order_by("due").iterator(chunk_size=500):
        assert clock.letter is not None
        begun = clock.events.values_list("at", flat=True).first()
        office = parse_statement(clock.letter.statement.encode()).office
        new += _tell_end(SECOND, clock.matter, begun or clock.matter.filed, clock.due, now, office=office)
    return new


def _tell_end(  # whose clock, and from when to when it runs
    about: str, matter: Matter, begun: datetime, due: datetime | None, now: datetime, *, office: str = ""
) -> int:
    stage = None if due is None else stage_at(begun, due, now)
    if due is None or stage is None:
        return 0
    to = _whom(matter, stage, now, office=office)
    return _put(about, matter.pk, matter.number, stage, int(due.timestamp()), to, now)


def claim(channel: str, now: datetime) -> OutgoingNotice | None:
    """Return a notice that is to be sent now, claimed for some minutes, or None; fresh ones first."""
    with transaction.atomic():
        found = (
            OutgoingNotice.objects.select_for_update(skip_locked=True)
            .filter(state=Waits.WAITING, channel=channel, again__lte=now)
            .order_by("tries", "made")
            .first()
        )
        if found is None:
            return None
        found.tries, found.again = found.tries + 1, now + LEASE
        found.save(update_fields=["tries", "again"])
    return found


def is_moot(notice: OutgoingNotice, now: datetime) -> bool:
    """Return whether what a notice tells of waits no longer, or was sealed from its addressee since."""
    if notice.about == VISIT:
        return False
    of_it = Matter.objects.filter(pk=notice.subject)
    matter = of_it.first()
    if matter is None:
        return True
    owed = matter.clocks.filter(runs=True, letter__isnull=False)
    if not (owed if notice.about == SECOND else of_it.filter(WAITS)).exists():
        return True
    if not _is_sealed(matter, now):
        return False
    return notice.addressee not in {f"{PERSON}{login}" for login in _counsel(matter)}


def close(notice: OutgoingNotice, failed: str, now: datetime, *, moot: bool = False) -> None:
    """Keep what became of a try."""
    if moot or not failed:
        notice.state = Waits.MOOT if moot else Waits.SENT
        notice.sent, notice.failed = (None if moot else now), ""
    else:
        is_over = now - notice.made >= GIVEN_UP
        notice.state = Waits.DEAD if is_over else Waits.WAITING
        notice.again, notice.failed = now + wait_after(notice.tries), failed[:200]
    notice.save(update_fields=["state", "sent", "again", "failed"])


def send_again(now: datetime) -> int:
    """Return how many notices that were given up are tried once more."""
    dead = OutgoingNotice.objects.filter(state=Waits.DEAD).exclude(channel=NO_WAY)
    count = dead.update(state=Waits.WAITING, again=now, made=now, tries=F("tries"))
    wake()
    return count


def _whom(matter: Matter, stage: Stage, now: datetime, *, office: str = "") -> tuple[tuple[str, str], ...]:
    if matter.drill:
        return ()
    if _is_sealed(matter, now):
        return find_counsel(_counsel(matter), settings.DESK.notices)
    return find_addressees((office or matter.addressee or LAW,), stage, settings.DESK.notices)


def _is_sealed(matter: Matter, now: datetime) -> bool:
    return matter.sealed_until is not None and matter.sealed_until > now


def _counsel(matter: Matter) -> list[str]:
    return list(matter.counsel.filter(is_active=True).values_list("login", flat=True))


def _put(  # noqa: PLR0917  # the columns of a row
    about: str,
    subject: uuid.UUID,
    number: str,
    stage: Stage,
    occasion: int,
    to: Iterable[tuple[str, str]],
    now: datetime,
) -> int:
    known = settings.DESK.notices
    if known.names_nobody:
        return 0  # nobody is told but by the pages
    rows = [
        OutgoingNotice(
            id=draw_id(), about=about, subject=subject, number=number, stage=stage.value, occasion=occasion,
            addressee=addressee, channel=channel, made=now, again=now,
            state=Waits.DEAD if channel == NO_WAY else Waits.WAITING,
            failed=NOBODY_THERE if channel == NO_WAY else "",
        )
        for addressee, channel in to
    ]  # fmt: skip
    there = OutgoingNotice.objects.filter(subject=subject, stage=stage.value, occasion=occasion)
    before = there.count()
    OutgoingNotice.objects.bulk_create(rows, ignore_conflicts=True)
    transaction.on_commit(wake)
    return there.count() - before


def waiting_and_dead() -> tuple[int, int]:
    """Return how many notices wait after a failed try, and how many were given up."""
    failed = OutgoingNotice.objects.filter(Q(state=Waits.WAITING, tries__gt=0) & ~Q(failed=""))
    return failed.count(), OutgoingNotice.objects.filter(state=Waits.DEAD).count()
