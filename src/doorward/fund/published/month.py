"""Months: of the calendar, of a fiscal year, and the day on which each is published. Pure."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from doorward.errors import ConfigError, MalformedError
from doorward.orders.fund import FundWords

_MONTH: Final = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of the calendar."""

    year: int
    month: int

    def __str__(self) -> str:
        """Return it as ``2026-03``."""
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def after(self) -> "Month":
        """The next one."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def last(self) -> date:
        """Its last day."""
        after = self.after
        return date(after.year, after.month, 1) - timedelta(days=1)

    @classmethod
    def of(cls, day: date) -> "Month":
        """Return the month of a day."""
        return cls(day.year, day.month)


def parse_month(text: str) -> Month:
    """Return the month that a text such as ``2026-03`` names.

    Raises:
        MalformedError: It names none.
    """
    found = _MONTH.fullmatch(text)
    if found is None:
        raise MalformedError(f"expected a month such as 2026-03, got `{text[:20]}`")
    return Month(int(found.group(1)), int(found.group(2)))


def months_until(first: Month, last: Month) -> tuple[Month, ...]:
    """Return every month from the first to the last; none where the last is before."""
    found = []
    while first <= last:
        found.append(first)
        first = first.after
    return tuple(found)


def fiscal_year_of(month: Month, words: FundWords) -> int:
    """Return the fiscal year that a month is in; it has the number of the year in which it ends.

    Raises:
        ConfigError: Fiscal years begin within a month, so that a month is in two.
    """
    begins, day = words.begins
    if day != 1:
        raise ConfigError(
            "the fund is published by month, and its fiscal year begins within one",
            hint="`fiscal_year.begins` of fund.toml is the first day of a month",
        )
    return month.year if begins == 1 or month.month < begins else month.year + 1
