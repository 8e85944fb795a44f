"""Quarters and years that a report is about, and the day on which it is due. Pure."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from doorward.desk.deadlines.calendar import DAY, FIRST_YEAR, LAST_YEAR, Calendar
from doorward.errors import ConfigError
from doorward.orders.deadlines import OnClosedDay, PeriodKind, ReportRule

_PERIOD: Final = re.compile(r"(\d{4})(?:-Q([1-4]))?")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A calendar year, or a quarter of one.

    Args:
        quarter: 1 to 4, or 0: the whole year.
    """

    year: int
    quarter: int = 0

    @property
    def kind(self) -> PeriodKind:
        """Whether it is a year or a quarter."""
        return PeriodKind.QUARTER if self.quarter else PeriodKind.YEAR

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, 3 * self.quarter - 2 if self.quarter else 1, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.after.first - DAY

    @property
    def after(self) -> "Period":
        """The next one of its kind."""
        if self.quarter in {0, 4}:
            return Period(self.year + 1, 1 if self.quarter else 0)
        return Period(self.year, self.quarter + 1)

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __str__(self) -> str:
        return f"{self.year}-Q{self.quarter}" if self.quarter else str(self.year)


def parse_period(text: str) -> Period:
    """Return the period of ``2026`` or ``2026-Q3``.

    Raises:
        ConfigError: It is neither, or the year is not from 1990 to 2199.
    """
    match = _PERIOD.fullmatch(text)
    if match is None or not text.isascii() or not FIRST_YEAR <= int(match[1]) < LAST_YEAR:
        raise ConfigError(f"expected a year such as 2026 or a quarter such as 2026-Q3, got `{text[:40]}`")
    return Period(int(match[1]), int(match[2] or 0))


def report_due(rule: ReportRule, period: Period, calendar: Calendar) -> date:
    """Return the last day for the report on a period.

    Args:
        calendar: The one that the rule names.

    Raises:
        ConfigError: The rule is of the other kind of period.
    """
    if period.kind != rule.period:
        raise ConfigError(f"the report `{rule.id}` is on a {rule.period.value}, and `{period}` is none")
    if rule.due_after_days:
        day = period.last + timedelta(days=rule.due_after_days)
    else:
        day = date(period.year + 1, rule.due_month, rule.due_day)
    if rule.on_closed_day == OnClosedDay.PREVIOUS_OPEN:
        return calendar.previous_open(day)
    return calendar.next_open(day) if rule.on_closed_day == OnClosedDay.NEXT_OPEN else day


def last_ended(kind: PeriodKind, today: date) -> Period:
    """Return the last period of a kind that was over before this day."""
    if kind == PeriodKind.YEAR:
        return Period(today.year - 1)
    quarter = (today.month - 1) // 3  # of the one before
    return Period(today.year, quarter) if quarter else Period(today.year - 1, 4)
