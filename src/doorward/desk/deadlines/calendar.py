"""Which days an office is open, from a rule of the pack and the holidays of its region. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from doorward.errors import ConfigError
from doorward.orders.deadlines import CalendarRule

FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2200  # a date beyond is a mistyped one
LAST_EVENT_YEAR: Final = LAST_YEAR - 10  # the longest clock that began in it is over before
LONGEST_CLOSURE: Final = 366
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The open days of an office.

    Args:
        holidays: Names by day; asked for any day, so that nobody has to say which years are needed.
    """

    rule: CalendarRule
    holidays: Mapping[date, str] = field(compare=False, repr=False)

    def closed(self, day: date) -> str | None:
        """Return why the office is closed on a day, or None where it is open.

        Raises:
            ConfigError: The day lies outside of 1990 to 2200.
        """
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ConfigError(f"expected a day from {FIRST_YEAR} to {LAST_YEAR}, got the year {day.year}")
        closure = dict(self.rule.closures).get(day)
        if closure is not None:
            return closure
        if day.weekday() in self.rule.weekend:
            return "weekend"
        name = self.holidays.get(day)
        if name is None:
            return None
        kept = [one for one in name.split("; ") if not self._is_open_on(one)]
        return "; ".join(kept) or None

    def next_open(self, day: date) -> date:
        """Return the day itself where the office is open, else the next open one; raises as `closed`."""
        return self._search(day, DAY)

    def previous_open(self, day: date) -> date:
        """Return the day itself where the office is open, else the last open one; raises as `closed`."""
        return self._search(day, -DAY)

    def _search(self, day: date, step: timedelta) -> date:
        for _ in range(LONGEST_CLOSURE):
            if self.closed(day) is None:
                return day
            day += step
        raise ConfigError(f"the calendar `{self.rule.id}` has no open day within a year of {day}")

    def _is_open_on(self, name: str) -> bool:
        return name.removesuffix(" (observed)") in self.rule.open_on


def is_moment(at: datetime) -> bool:
    """Return whether a time has its offset and lies in years that a desk can have seen: others overflow."""
    return at.tzinfo is not None and FIRST_YEAR <= at.year <= LAST_EVENT_YEAR


def make_calendar(rule: CalendarRule) -> Calendar:
    """Return the calendar of a rule.

    Raises:
        ConfigError: The region is none of the `holidays` library, or `open_on` names no holiday of it.
    """
    if not rule.region:
        return Calendar(rule, {})
    import holidays

    country, _, subdivision = rule.region.partition("-")
    try:
        # The language is named: the default is the machine's.
        found = holidays.country_holidays(country, subdiv=subdivision or None, language="en_US")
    except (NotImplementedError, KeyError, ValueError) as error:
        raise ConfigError(
            f"`{rule.region}` of the calendar `{rule.id}` is no region whose holidays are known",
            hint="a country and its subdivision, as US-IL; without `holidays` list every closed day",
        ) from error
    for year in range(2024, 2032):  # an election day is not in every year
        found.get(date(year, 1, 1))
    names = {
        one.removesuffix(" (observed)") for day in list(found) for one in (found.get(day) or "").split("; ")
    }
    unknown = [name for name in rule.open_on if name not in names]
    if unknown:
        raise ConfigError(
            f"the calendar `{rule.id}` is open on `{unknown[0][:80]}`, which is no holiday of {rule.region}",
            hint=", ".join(sorted(names)),
        )
    return Calendar(rule, found)
