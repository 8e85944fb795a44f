"""When a filed matter is due: by the order's clocks, from when the City received it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from doorward.desk.deadlines.calendar import make_calendar
from doorward.desk.deadlines.clock import Refused, start_clock
from doorward.desk.deadlines.count import Span
from doorward.orders.deadlines import ClockRule, Deadlines, Unit

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
    """Return when a matter is due, or None where no clock of the order runs for it.

    Where the kind's own clock needs a date that the paper names and nobody has given one, the clock of what is
    referred runs, so that nothing waits without an end.

    Args:
        given: The answers to the kind's questions, of which a rule may name words.
        received: By the City, aware.
        is_referred: The order sends it to an office.
        until: The date that a paper names, aware.
    """
    words = [word for said in given.values() for word in said]
    rules = [deadlines.choose(kind, words), deadlines.choose(REFERRAL) if is_referred else None]
    for rule in rules:
        found = None if rule is None else _due(deadlines, rule, received, until)
        if found is not None:
            return found
    return None


def _due(
    deadlines: Deadlines, rule: ClockRule, received: datetime, until: datetime | None
) -> datetime | None:
    fixed = rule.unit == Unit.FIXED
    if fixed and until is None:
        return None
    calendar = make_calendar(deadlines.calendars[rule.calendar or next(iter(deadlines.calendars))])
    clock = start_clock(rule, calendar, Span(received, deadlines.zone), until=until if fixed else None)
    return None if isinstance(clock, Refused) else clock.standing(received).due
