"""The clocks of a matter: begun when it is filed, paused, extended and met by acts, missed by the desk's own look.

What may happen to a clock is `doorward.desk.deadlines.clock`; here it is kept, event by event, and judged again at
each look. A clock's row and the matter's `due` are counted from the events whenever one comes, within its transaction.

INVARIANT (nothing but an answer meets a clock): one that the order no longer chooses, because somebody put an answer
right or closed the matter, is put aside with the reason, and stays in the history as it ran.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from doorward.desk.access import Actor
from doorward.desk.deadlines.clock import Clock, Event, Happened, Refused, Standing, replay_clock
from doorward.desk.deadlines.clock import State as Stands
from doorward.desk.due import REFERRAL, begin_clock, calendar_of, choose_rule
from doorward.desk.entries import act_entry
from doorward.desk.history import NotAllowedError, add_event, lock_matter
from doorward.desk.models import Account, ClockEvent, Letter, Matter, MatterClock, State
from doorward.desk.order import order
from doorward.desk.recorder import recorder
from doorward.desk.roles import Act
from doorward.errors import MalformedError
from doorward.orders.deadlines import ClockRule, ExtensionRule, PauseRule, Unit
from doorward.record.entry import Kind

ASIDE: Final = "set-aside"  # the last event of a clock that is no longer the matter's
CORRECTED: Final = "corrected"
MISSED: Final = "miss"  # the word of the record; nobody does it
DESK: Final = "desk"
MOST: Final = 50  # clocks that one look notes: a look is part of a page
ACTS: Final = {Happened.PAUSED: Act.PAUSE, Happened.RESUMED: Act.RESUME, Happened.EXTENDED: Act.EXTEND}


@dataclass(frozen=True, slots=True)
class Kept:
    """A clock of a matter as it was kept.

    Args:
        clock: None where the order in force cannot count what happened to it.
        events: How many are kept: a form that was made from fewer is too old.
        aside: Why it is no longer the matter's, or empty.
    """

    row: MatterClock
    clock: Clock | None
    events: int
    aside: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the rule of a clock allows now."""

    pauses: tuple[PauseRule, ...]
    may_resume: bool
    extensions: tuple[ExtensionRule, ...]


def clocks_of(matter: Matter) -> list[Kept]:
    """Return the clocks of a matter, in the order in which they began."""
    rows = matter.clocks.prefetch_related("events")
    return [_kept(row) for row in rows]


def offers(clock: Clock, now: datetime) -> Offer:
    """Return what may be done with a clock now: each is tried, so that nothing is offered that would be refused."""
    at = _not_before(clock, now)
    later = clock.due(at) + timedelta(days=1) if clock.rule.unit == Unit.FIXED else None

    def fits(event: Event) -> bool:
        return not isinstance(clock.after(event), Refused)

    return Offer(
        tuple(one for one in clock.rule.pauses if fits(Event(Happened.PAUSED, at, reason=one.reason))),
        fits(Event(Happened.RESUMED, at)),
        tuple(
            one
            for one in clock.rule.extensions
            if fits(Event(Happened.EXTENDED, at, clause=one.clause, by=0 if later else 1, until=later))
        ),
    )


def preview(matter: Matter, key: int, event: Event) -> Standing:
    """Return how a clock would stand after an event; nothing happens.

    Raises:
        NotAllowedError: There is no such clock, or its rule does not allow it.
    """
    return _after(_find(matter, key), event).standing(event.at)


def change(actor: Actor, matter: Matter, key: int, event: Event, *, seen: int) -> Matter:
    """Return the matter after one of its clocks was paused, resumed or extended.

    Args:
        key: Of the clock.
        event: Its time is taken from now.
        seen: How many events the page showed: where others came since, nothing happens, and a second submit of one form
            happens once.

    Raises:
        NotAllowedError: They may not, the rule does not allow it, or the page was too old.
        StoreError: It cannot be recorded; nothing was done.
    """
    act = ACTS[event.kind]
    with transaction.atomic():
        locked = lock_matter(actor, matter, act)
        kept = _find(locked, key)
        if kept.events != seen:
            raise NotAllowedError(
                "something happened to this clock since the page was made, and nothing was done now",
                hint="look at how it stands",
            )
        after = _after(kept, event)
        due = after.standing(after.events[-1].at).due
        said = {"clock": kept.row.rule, "reason": event.reason, "clause": event.clause, "by": event.by}
        more = {"what": kept.row.rule, "reason": event.reason or event.clause, "until": due.isoformat()}
        done = add_event(actor, locked, act, {**said, "due": due.isoformat()}, more=more)
        _append(kept, after, by=actor.account, entry=done.entry)
        _count_due(locked)
    return locked


def set_date(actor: Actor, matter: Matter, until: datetime, *, seen: int) -> Matter:
    """Return the matter with the date that its paper names, which the law department has read there.

    The clock of what is referred stood in for it, and is met: the office has looked.

    Args:
        seen: How many clocks the page showed.

    Raises:
        NotAllowedError: They may not, the order has no such date for this kind, it has one, or the page was too old.
        StoreError: It cannot be recorded; nothing was done.
    """
    with transaction.atomic():
        locked = lock_matter(actor, matter, Act.SET_DATE)
        if locked.clocks.count() != seen:
            raise NotAllowedError("a clock began since the page was made", hint="look at how it stands")
        rule = date_rule(locked)
        if rule is None:
            raise NotAllowedError("the order keeps no date of a paper for this matter, or it has one already")
        deadlines = order().deadlines
        clock = (
            None if deadlines is None else begin_clock(deadlines, rule, begins=locked.received, until=until)
        )
        if clock is None:
            raise NotAllowedError("the date of a paper lies after the day on which it came, and before 2190")
        more = {"what": rule.id, "until": until.isoformat()}
        done = add_event(actor, locked, Act.SET_DATE, {"clock": rule.id, "due": until.isoformat()}, more=more)
        for kept in _running(locked):
            if kept.row.rule == _referral_id():
                _meet(kept, by=actor.account, now=actor.now, entry=done.entry)
        begin(locked, clock, by=actor.account, entry=done.entry)
    return locked


def date_rule(matter: Matter) -> ClockRule | None:
    """Return the rule by which the date of this matter's paper is kept, where it has none yet."""
    deadlines = order().deadlines
    rule = None if deadlines is None else choose_rule(deadlines, matter.kind, _given(matter))
    if rule is None or rule.unit != Unit.FIXED or matter.state not in {State.WAITING, State.DECIDED}:
        return None
    return None if matter.clocks.filter(rule=rule.id).exists() else rule


# --- within the transaction of another act, whose entry they bear


def begin(matter: Matter, clock: Clock, *, by: Account, entry: int, letter: Letter | None = None) -> None:
    """Keep a clock that begins."""
    row = MatterClock.objects.create(matter=matter, rule=clock.rule.id, letter=letter)
    _append(Kept(row, clock, 0), clock, by=by, entry=entry)
    _count_due(matter)


def meet(matter: Matter, *, by: Account, now: datetime, entry: int, letter: Letter | None = None) -> None:
    """Note that what the matter's clocks wait for is done.

    Args:
        letter: Whose second signature is in; without one, the matter is answered.
    """
    for kept in _running(matter, letter):
        _meet(kept, by=by, now=now, entry=entry)
    _count_due(matter)


def follow(matter: Matter, *, by: Account, now: datetime, entry: int) -> None:
    """Bring the clocks to the answer that the order gives now: what waits has a clock, what waits no more is met."""
    deadlines = order().deadlines
    running = _running(matter)
    if deadlines is None:
        return
    referral = deadlines.choose(REFERRAL)
    if matter.state == State.WAITING and not running and referral is not None:
        clock = begin_clock(deadlines, referral, begins=now)
        if clock is not None:
            begin(matter, clock, by=by, entry=entry)
    if matter.state == State.DECIDED:
        for kept in running:
            if kept.row.rule == _referral_id():
                _meet(kept, by=by, now=now, entry=entry)
    _count_due(matter)


def rechoose(matter: Matter, until: datetime | None, *, by: Account, now: datetime, entry: int) -> None:
    """Begin the clock that the corrected answers choose, from when the matter came; another of its kind is put aside.

    Args:
        until: The date that a paper names, as the answers say it now.
    """
    deadlines = order().deadlines
    rule = None if deadlines is None else choose_rule(deadlines, matter.kind, _given(matter))
    running = _running(matter)
    if deadlines is not None and rule is not None and all(kept.row.rule != rule.id for kept in running):
        clock = begin_clock(deadlines, rule, begins=matter.received, until=until)
        if clock is not None:
            begin(matter, clock, by=by, entry=entry)
    for kept in running:
        if kept.row.rule not in {_referral_id(), rule.id if rule else ""}:
            _put_aside(kept, CORRECTED, by=by, now=now, entry=entry)
    follow(matter, by=by, now=now, entry=entry)


def put_aside(matter: Matter, reason: str, *, by: Account, now: datetime, entry: int) -> None:
    """Note that a matter is closed with its clocks running: they are not met, and run no more."""
    for kept in _running(matter):
        _put_aside(kept, reason, by=by, now=now, entry=entry)
    _count_due(matter)


# --- the desk's own look


def note_missed(now: datetime) -> int:
    """Return how many clocks were found over and noted as missed; each with an entry of its own, before it is noted.

    A matter that somebody is acting on now is left to the next look.

    Raises:
        StoreError: It cannot be recorded; those before stay noted.
    """
    late = MatterClock.objects.filter(runs=True, missed=False, due__lte=now).order_by("due", "id")
    noted = 0
    for key, matter in late.values_list("pk", "matter_id")[:MOST]:
        with transaction.atomic():
            locked = Matter.objects.select_for_update(skip_locked=True).filter(pk=matter).first()
            kept = None if locked is None else _kept(MatterClock.objects.get(pk=key))
            if locked is None or kept is None or kept.clock is None or kept.row.missed or not kept.row.runs:
                continue
            after = kept.clock.after(Event(Happened.MISSED, _not_before(kept.clock, now)))
            if isinstance(after, Refused):
                continue
            fields = act_entry(locked.pk, MISSED, login="", office=DESK, more={"what": kept.row.rule})
            entry = recorder().record([(Kind.ACT, fields)], now=now)
            _append(kept, after, by=None, entry=entry)
            noted += 1
    return noted


def _kept(row: MatterClock) -> Kept:
    rows = list(row.events.all())
    aside = rows[-1].reason if rows and rows[-1].kind == ASIDE else ""
    deadlines = order().deadlines
    rule = None if deadlines is None else deadlines.clocks.get(row.rule)
    if deadlines is None or rule is None:
        return Kept(row, None, len(rows), aside)
    events = [
        Event(Happened(one.kind), one.at, one.reason, one.clause, one.added, one.until)
        for one in rows
        if one.kind != ASIDE
    ]
    try:
        clock = replay_clock(rule, calendar_of(deadlines, rule), deadlines.zone, events)
    except MalformedError:  # the order in force counts this clock otherwise than the one under which it ran
        return Kept(row, None, len(rows), aside)
    return Kept(row, clock, len(rows), aside)


def _find(matter: Matter, key: int) -> Kept:
    row = matter.clocks.filter(pk=key, runs=True).first()
    if row is None:
        raise NotAllowedError("this matter has no such clock that runs")
    return _kept(row)


def _running(matter: Matter, letter: Letter | None = None) -> list[Kept]:
    return [_kept(row) for row in matter.clocks.filter(runs=True, letter=letter)]


def _after(kept: Kept, event: Event) -> Clock:
    if kept.clock is None:
        raise NotAllowedError(
            "the order in force does not count this clock as it ran", hint="answer the matter"
        )
    at = _not_before(kept.clock, event.at)
    found = kept.clock.after(Event(event.kind, at, event.reason, event.clause, event.by, event.until))
    if isinstance(found, Refused):
        raise NotAllowedError(found.sentence)
    return found


def _meet(kept: Kept, *, by: Account, now: datetime, entry: int) -> None:
    if kept.clock is None:
        _put_aside(kept, "answered", by=by, now=now, entry=entry)
        return
    after = kept.clock.after(Event(Happened.MET, _not_before(kept.clock, now)))
    assert not isinstance(after, Refused)  # every clock that runs may be met
    _append(kept, after, by=by, entry=entry)


def _put_aside(kept: Kept, reason: str, *, by: Account, now: datetime, entry: int) -> None:
    at = now if kept.clock is None else _not_before(kept.clock, now)
    ClockEvent.objects.create(
        clock=kept.row, number=kept.events, kind=ASIDE, at=at, reason=reason, by=by, entry=entry
    )
    kept.row.runs, kept.row.due = False, None
    kept.row.save(update_fields=["runs", "due"])


def _append(kept: Kept, after: Clock, *, by: Account | None, entry: int) -> None:
    event = after.events[-1]
    ClockEvent.objects.create(
        clock=kept.row, number=kept.events, kind=event.kind.value, at=event.at, reason=event.reason,
        clause=event.clause, added=event.by, until=event.until, by=by, entry=entry,
    )  # fmt: skip
    stands = after.standing(event.at)
    row = kept.row
    row.runs = stands.state not in {Stands.MET, Stands.MET_LATE}
    row.missed = any(one.kind == Happened.MISSED for one in after.events)
    row.due = stands.due if row.runs and stands.state != Stands.PAUSED else None
    row.save(update_fields=["runs", "missed", "due"])


def _count_due(matter: Matter) -> None:
    matter.due = first_due(matter.clocks.filter(runs=True, due__isnull=False))
    matter.save(update_fields=["due"])


def first_due(rows: Iterable[MatterClock]) -> datetime | None:
    """Return which of these is due first, or None."""
    return min((row.due for row in rows if row.due is not None), default=None)


def _not_before(clock: Clock, now: datetime) -> datetime:
    """Return now, or the time of the last event where a request that began earlier comes to the lock later."""
    return max(now, clock.events[-1].at)


def _given(matter: Matter) -> dict[str, tuple[str, ...]]:
    return {name: tuple(words) for name, words in matter.answers.items()}


def _referral_id() -> str:
    deadlines = order().deadlines
    rule = None if deadlines is None else deadlines.choose(REFERRAL)
    return "" if rule is None else rule.id
