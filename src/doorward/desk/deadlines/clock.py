"""A clock: a rule and what happened to it, an immutable value. Pure.

1. A clock changes by events alone, and what it may do next is a table: a pair that is not in it is refused.
2. A pause and an extension come only for a reason or clause of the rule, at most as often as it says, before the clock
   is over.
3. An event is never earlier than the one before it.
4. INVARIANT (never shortens): no event but `met` brings the due time forward.

=============  ======================================================
state          what may follow
=============  ======================================================
running        paused, extended, met, missed
paused         resumed, extended, met
missed         met (late)
met            nothing
=============  ======================================================
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Final

from doorward.desk.deadlines.calendar import FIRST_YEAR, LAST_EVENT_YEAR, Calendar, is_moment
from doorward.desk.deadlines.count import CountedDay, Pauses, Span, count_days, end_of_day, find_due
from doorward.errors import MalformedError
from doorward.orders.deadlines import ClockRule, Unit

MAX_EVENTS: Final = 100  # twice as many as every pause and extension that a rule can allow


class Happened(StrEnum):
    """What can happen to a clock."""

    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    EXTENDED = "extended"
    MET = "met"
    MISSED = "missed"


class State(StrEnum):
    """Where a clock is."""

    RUNNING = "running"
    PAUSED = "paused"
    OVERDUE = "overdue"
    MET = "met"
    MET_LATE = "met-late"


_NEXT: Final[Mapping[tuple[Happened, Happened], bool]] = dict.fromkeys(
    (
        (Happened.STARTED, Happened.PAUSED),
        (Happened.STARTED, Happened.EXTENDED),
        (Happened.STARTED, Happened.MET),
        (Happened.STARTED, Happened.MISSED),
        (Happened.PAUSED, Happened.RESUMED),
        (Happened.PAUSED, Happened.EXTENDED),
        (Happened.PAUSED, Happened.MET),
        (Happened.MISSED, Happened.MET),
    ),
    True,
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a clock.

    Args:
        at: Aware.
        reason: Of a pause, a word of the rule.
        clause: Of an extension, as in the rule.
        by: How much an extension adds, in the clock's unit.
        until: Of a clock that begins with a fixed date, that moment; of its extension, the new one.
    """

    kind: Happened
    at: datetime
    reason: str = ""
    clause: str = ""
    by: int = 0
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that the clock's rule does not allow, and why; nothing happened."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A clock at a moment.

    Args:
        due: The first moment at which it is over. While it is paused: as if it went on now.
        due_day: The last day, in the city.
        days_left: Of a clock in days: how many counted days are left after today, 0 on the last; None of others, and
            of one that is met.
        seconds_left: Until `due`; negative where it is over; None where it is met.
    """

    state: State
    due: datetime
    due_day: date
    days_left: int | None
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Clock:
    """A rule, the calendar that it counts by, and what happened; made by `start_clock`.

    Args:
        events: The first is the start.
    """

    rule: ClockRule
    calendar: Calendar
    span: Span
    events: tuple[Event, ...]

    @property
    def pauses(self) -> Pauses:
        """From when until when it stood still; the last end is None while it does."""
        found: list[tuple[datetime, datetime | None]] = []
        for event in self.events:
            if event.kind == Happened.PAUSED:
                found.append((event.at, None))
            elif found and found[-1][1] is None and event.kind in {Happened.RESUMED, Happened.MET}:
                found[-1] = (found[-1][0], event.at)
        return tuple(found)

    @property
    def added(self) -> int:
        """How much the extensions add, in the unit."""
        return sum(event.by for event in self.events if event.kind == Happened.EXTENDED)

    def due(self, now: datetime) -> datetime:
        """Return the first moment at which it is over; while it is paused, as if it went on now."""
        if self.rule.unit == Unit.FIXED:
            moved = [event.until for event in self.events if event.until is not None]
            return moved[-1]
        return find_due(self.span, self.rule, self.calendar, self.added, self._closed_pauses(now))

    def days(self, now: datetime) -> tuple[CountedDay, ...]:
        """Return every day from the day after the start to the last one, counted or why not; none of other clocks."""
        if self.rule.unit not in {Unit.BUSINESS_DAYS, Unit.CALENDAR_DAYS}:
            return ()
        return count_days(self.span, self.rule, self.calendar, self.added, self._closed_pauses(now))

    def standing(self, now: datetime) -> Standing:
        """Return where the clock is; `now` is aware and not before the last event, else that event's time is taken."""
        now = max(now, self.events[-1].at)
        due = self.due(now)
        met = next((event.at for event in self.events if event.kind == Happened.MET), None)
        last = self.events[-1].kind
        state = State.RUNNING
        if met is not None:
            state = State.MET if met < due else State.MET_LATE
        elif self._is_paused:
            state = State.PAUSED
        elif last == Happened.MISSED or now >= due:
            state = State.OVERDUE
        days = self.days(now)
        today = now.astimezone(self.span.zone).date()
        left = sum(day.is_counted and day.day > today for day in days) if days and met is None else None
        due_day = days[-1].day if days else due.astimezone(self.span.zone).date()
        return Standing(state, due, due_day, left, None if met else (due - now).total_seconds())

    def after(self, event: Event) -> "Clock | Refused":
        """Return the clock with one more event, or why its rule does not allow it.

        Args:
            event: Of a person or of the desk's daily look; its time is aware.
        """
        refusal = self._refusal(event)
        return replace(self, events=(*self.events, event)) if refusal is None else Refused(refusal)

    @property
    def _is_paused(self) -> bool:
        return self._phase == Happened.PAUSED

    @property
    def _phase(self) -> Happened:
        """Return what decides which event may follow: an extension and a resumption leave a clock as it was."""
        phase = Happened.STARTED
        for event in self.events[1:]:
            if event.kind == Happened.RESUMED:
                phase = Happened.STARTED
            elif event.kind != Happened.EXTENDED:
                phase = event.kind
        return phase

    def _closed_pauses(self, now: datetime) -> Pauses:
        now = max(now, self.events[-1].at)
        return tuple((begins, until or now) for begins, until in self.pauses)

    def _refusal(self, event: Event) -> str | None:
        if not is_moment(event.at):
            return f"an event has {_MOMENT}"
        if len(self.events) >= MAX_EVENTS:
            return f"a clock has at most {MAX_EVENTS} events"
        if event.at < self.events[-1].at:
            return "an event is not earlier than the one before it"
        if not _NEXT.get((self._phase, event.kind), False):
            return f"a clock that is {_SAID[self._phase]} is not {event.kind.value}"
        is_over = not self._is_paused and event.at >= self.due(event.at)
        if event.kind == Happened.MISSED:
            return None if is_over else "a clock is missed when its time is over, and not before"
        if event.kind in {Happened.PAUSED, Happened.EXTENDED} and is_over:
            return f"a clock that is over is not {event.kind.value}: that comes before"
        if event.kind == Happened.PAUSED:
            return self._refuse_pause(event)
        return self._refuse_extension(event) if event.kind == Happened.EXTENDED else None

    def _refuse_pause(self, event: Event) -> str | None:
        rule = next((one for one in self.rule.pauses if one.reason == event.reason), None)
        if rule is None:
            known = ", ".join(one.reason for one in self.rule.pauses)
            return f"`{self.rule.id}` is paused for {known}" if known else f"`{self.rule.id}` is never paused"
        taken = sum(one.kind == Happened.PAUSED and one.reason == rule.reason for one in self.events)
        if taken >= rule.at_most:
            return f"`{self.rule.id}` is paused for {rule.reason} at most {_times(rule.at_most)}"
        return None

    def _refuse_extension(self, event: Event) -> str | None:
        rule = next((one for one in self.rule.extensions if one.clause == event.clause), None)
        if rule is None:
            known = "; ".join(one.clause for one in self.rule.extensions)
            return (
                f"`{self.rule.id}` is extended under {known}"
                if known
                else f"`{self.rule.id}` is never extended"
            )
        taken = sum(one.kind == Happened.EXTENDED and one.clause == rule.clause for one in self.events)
        if taken >= rule.at_most:
            return f"`{self.rule.id}` is extended under {rule.clause} at most {_times(rule.at_most)}"
        if self.rule.unit == Unit.FIXED:
            if event.by or event.until is None or not is_moment(event.until):
                return f"a fixed date moves to {_MOMENT}"
            return (
                None if event.until > self.due(event.at) else "an extension ends later than what it extends"
            )
        if event.until is not None or not 1 <= event.by <= rule.by:
            return f"an extension under {rule.clause} adds from 1 to {rule.by} {self.rule.unit.value}"
        return None


_MOMENT: Final = f"a time with its offset, from {FIRST_YEAR} to {LAST_EVENT_YEAR}"
_SAID: Final[Mapping[Happened, str]] = {
    Happened.STARTED: "running",
    Happened.PAUSED: "paused",
    Happened.MISSED: "overdue",
    Happened.MET: "met",
}


def start_clock(
    rule: ClockRule, calendar: Calendar, span: Span, *, until: datetime | None = None
) -> "Clock | Refused":
    """Return a clock that begins.

    Args:
        rule: Of the pack.
        calendar: The one that the rule names; of hours and fixed dates it counts nothing.
        span: When it begins, and the city's time zone.
        until: Of a fixed date, that moment; aware. Of others None.
    """
    if not is_moment(span.begins):
        return Refused(f"a clock begins at {_MOMENT}")
    if (rule.unit == Unit.FIXED) != (until is not None):
        return Refused("a fixed date has its moment, and no other clock has one")
    if until is not None and (not is_moment(until) or until <= span.begins):
        return Refused(f"a fixed date lies after the start and is {_MOMENT}")
    return Clock(rule, calendar, span, (Event(Happened.STARTED, span.begins, until=until),))


def end_of_fixed_day(day: date, span: Span) -> datetime:
    """Return the moment at which a day in the city is over, for papers that name a day and no hour."""
    return end_of_day(day, None, span.zone)


def replay_clock(rule: ClockRule, calendar: Calendar, zone: tzinfo, events: Iterable[Event]) -> Clock:
    """Return the clock to which these events happened.

    Args:
        events: As they were kept; they are judged again.

    Raises:
        MalformedError: They are no history of a clock of this rule; says which event, by its number.
    """
    clock: Clock | None = None
    for number, event in enumerate(events, start=1):
        if clock is not None:
            found = clock.after(event)
        elif event.kind == Happened.STARTED:
            found = start_clock(rule, calendar, Span(event.at, zone), until=event.until)
        else:
            found = Refused("a history begins with `started`")
        if isinstance(found, Refused):
            raise MalformedError(f"event {number} of a clock `{rule.id}` is not lawful: {found.sentence}")
        clock = found
    if clock is None:
        raise MalformedError(f"a clock `{rule.id}` has at least its start")
    return clock


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
