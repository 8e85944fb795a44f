"""When a filed matter is due: by the order's clocks, from when the City received it."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Final

from doorward.desk.deadlines.calendar import Calendar, make_calendar
from doorward.desk.deadlines.clock import Clock, Refused, start_clock
from doorward.desk.deadlines.count import Span
from doorward.orders.deadlines import CalendarRule, ClockRule, Deadlines, Unit

REFERRAL: Final = "referral"
ANSWER_BY: Final = "answer-by"  # the question for the date that a paper names


def find_due(
    deadlines: Deadlines,
    kind: str,
    given: Mapping[str, tuple[str, ...]],
    *,
    received: datetime,
    is_referred: bool,
    until: datetime | None,
) -> datetime | None:
    """Return when a matter is due, or None where no clock of the order runs for it; arguments as `find_clock`."""
    found = find_clock(deadlines, kind, given, received=received, is_referred=is_referred, until=until)
    return None if found is None else found.standing(received).due


def find_clock(
    deadlines: Deadlines,
    kind: str,
    given: Mapping[str, tuple[str, ...]],
    *,
    received: datetime,
    is_referred: bool,
    until: datetime | None,
) -> Clock | None:
    """Return the clock that begins when a matter is filed, or None where no clock of the order runs for it.

    Where the kind's own clock needs a date that the paper names and nobody has given one, the clock of what is
    referred runs, so that nothing waits without an end.

    Args:
        given: The answers to the kind's questions, of which a rule may name words.
        received: By the City, aware.
        is_referred: The order sends it to an office.
        until: The date that a paper names, aware.
    """
    rules = [choose_rule(deadlines, kind, given), deadlines.choose(REFERRAL) if is_referred else None]
    for rule in rules:
        found = None if rule is None else begin_clock(deadlines, rule, begins=received, until=until)
        if found is not None:
            return found
    return None


def choose_rule(deadlines: Deadlines, kind: str, given: Mapping[str, tuple[str, ...]]) -> ClockRule | None:
    """Return the kind's own clock, by the words that were answered, or None."""
    return deadlines.choose(kind, [word for said in given.values() for word in said])


def begin_clock(
    deadlines: Deadlines, rule: ClockRule, *, begins: datetime, until: datetime | None = None
) -> Clock | None:
    """Return a clock that begins, or None where it needs a date after its start and there is none."""
    fixed = rule.unit == Unit.FIXED
    if fixed and until is None:
        return None
    clock = start_clock(
        rule, calendar_of(deadlines, rule), Span(begins, deadlines.zone), until=until if fixed else None
    )
    return None if isinstance(clock, Refused) else clock


def calendar_of(deadlines: Deadlines, rule: ClockRule) -> Calendar:
    """Return the calendar by which a rule counts; hours and dates count by none, and get the first."""
    return _calendar(deadlines.calendars[rule.calendar or next(iter(deadlines.calendars))])


@cache
def _calendar(rule: CalendarRule) -> Calendar:
    return make_calendar(rule)
