"""From a start, a length and pauses to the moment at which a clock is over. Pure.

The day of the start is not counted and the last day is (5 ILCS 70/1.11; evidence B). A day on whose end the clock
stands still is not counted. Hours and minutes run by the world's clock, not the wall's: the hour that a city's spring
takes away is not lost to the one who answers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, TypeAlias

from doorward.desk.deadlines.calendar import DAY, Calendar
from doorward.orders.deadlines import ClockRule, OnClosedDay, Unit

Pauses: TypeAlias = tuple[tuple[datetime, datetime | None], ...]
_STEP: Final = {Unit.HOURS: timedelta(hours=1), Unit.MINUTES: timedelta(minutes=1)}


@dataclass(frozen=True, slots=True)
class Span:
    """Where a clock begins.

    Args:
        begins: Aware.
        zone: The city's, in which its days are counted.
    """

    begins: datetime
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class CountedDay:
    """One day of a clock.

    Args:
        number: Which of the counted days it is; 0 where it is not counted.
        why: Why it is not counted, or empty.
    """

    day: date
    number: int
    why: str = ""

    @property
    def is_counted(self) -> bool:
        """Whether it is one of the clock's days."""
        return self.number > 0


def find_due(span: Span, rule: ClockRule, calendar: Calendar, added: int, pauses: Pauses) -> datetime:
    """Return the first moment at which a clock is over; raises ConfigError as `Calendar.closed`.

    Args:
        rule: Not of a fixed date.
        added: By extensions, in the rule's unit.
        pauses: Each with its end.
    """
    if rule.unit in _STEP:
        still = sum(((until or begins) - begins for begins, until in pauses), timedelta())
        # In UTC: Python adds wall-clock time to a time of a zone.
        return span.begins.astimezone(UTC) + _STEP[rule.unit] * (rule.length + added) + still
    last = count_days(span, rule, calendar, added, pauses)[-1].day
    return end_of_day(last, rule.day_ends, span.zone)


def count_days(
    span: Span, rule: ClockRule, calendar: Calendar, added: int, pauses: Pauses
) -> tuple[CountedDay, ...]:
    """Return the days of a clock, to its last one; raises ConfigError as `Calendar.closed`."""
    found: list[CountedDay] = []
    number = 0
    for day in _days_after(day_received(span, rule, calendar)):
        why = _why_not(day, span, rule, calendar, pauses)
        number += not why
        found.append(CountedDay(day, 0 if why else number, why))
        if number == rule.length + added and not why:
            break
    if rule.on_closed_day == OnClosedDay.NEXT_OPEN:
        last = found[-1].day
        for day in _days_after(last - DAY):
            closed = calendar.closed(day)
            if day > last:
                found.append(CountedDay(day, 0, closed or f"first open day after {last}"))
            if closed is None:
                break
    return tuple(found)


def day_received(span: Span, rule: ClockRule, calendar: Calendar) -> date:
    """Return the day on which a request counts as received: the next open one where it came after hours."""
    begins = span.begins.astimezone(span.zone)
    if rule.received_until is None:
        return begins.date()
    if begins.time() >= rule.received_until:
        return calendar.next_open(begins.date() + DAY)
    return calendar.next_open(begins.date())


def end_of_day(day: date, hour: time | None, zone: tzinfo) -> datetime:
    """Return the first moment after a day in a zone, or this hour of it, in UTC."""
    at = datetime.combine(day + DAY, time(), zone) if hour is None else datetime.combine(day, hour, zone)
    return at.astimezone(UTC)


def _days_after(day: date) -> Iterator[date]:
    while True:
        day += DAY
        yield day


def _why_not(day: date, span: Span, rule: ClockRule, calendar: Calendar, pauses: Pauses) -> str:
    closed = calendar.closed(day)
    if rule.unit == Unit.BUSINESS_DAYS and closed is not None:
        return closed
    end = end_of_day(day, rule.day_ends, span.zone)
    return (
        "paused" if any(begins < end and (until is None or until >= end) for begins, until in pauses) else ""
    )
