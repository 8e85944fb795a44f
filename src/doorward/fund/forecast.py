"""What a fund will have spent by the end of its year, with the error of the same method on the same data. Pure.

The method is the plainest that can be checked by hand: the mean of the last three whole months, for each month to come.
Its error is found by going back: from every earlier month at which it could have been asked for as many months ahead,
what it would have said is held against what came. Tries overlap, so that they are fewer than they look; there is no
claim of a probability. With fewer than four tries there is no forecast, and that is said.

Of a year that has not begun, its own months are forecast: those before it are left out, here and in each try.

A month is one of the calendar; what is spent counts in the month in which its posting was booked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

Month: TypeAlias = tuple[int, int]
WINDOW: Final = 3
LEAST_TRIES: Final = 4
METHOD: Final = (
    "the mean of the last three whole months, for each month to come; the error is what the same method would have "
    "missed by, asked at each earlier month for as many months ahead"
)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to come.

    Args:
        months_ahead: From the first month of the year that is not over, through its last.
        to_come: Cents, in these months together.
        tries: How often the method could be asked before.
        mean_error: By how many cents it missed, up or down, on the mean of these tries.
        worst_error: And in the worst of them.
    """

    months_ahead: int
    to_come: int
    tries: int
    mean_error: int
    worst_error: int


@dataclass(frozen=True, slots=True)
class TooLittle:
    """Why there is no forecast, in a line."""

    says: str


def month_of(day: date) -> Month:
    """Return the month of a day."""
    return day.year, day.month


def after(month: Month) -> Month:
    """Return the month after."""
    year, number = month
    return (year + 1, 1) if number == 12 else (year, number + 1)


def months_between(first: Month, end: Month) -> list[Month]:
    """Return the months from the first up to, and without, the end."""
    found = []
    while first < end:
        found.append(first)
        first = after(first)
    return found


def whole_months(spent: Mapping[Month, int], today: date) -> list[tuple[Month, int]]:
    """Return the cents of every month that is over, from the first in which anything was spent."""
    if not spent:
        return []
    return [(month, spent.get(month, 0)) for month in months_between(min(spent), month_of(today))]


def forecast(
    spent: Mapping[Month, int], *, today: date, last: date, first: date | None = None
) -> Forecast | TooLittle:
    """Return what will be spent from the first of this month through the year's last day, or why that is not said.

    Args:
        spent: Cents by the month in which they were booked; refunds count below nought.
        today: Its month is not over, and is forecast whole.
        last: The last day of the fiscal year.
        first: Its first day; where that is to come, nothing is forecast before it.
    """
    begins = max(month_of(today), month_of(first or today))
    wait = len(months_between(month_of(today), begins))
    ahead = len(months_between(begins, after(month_of(last))))
    if not ahead:
        return TooLittle("the year is over")
    series = [cents for _, cents in whole_months(spent, today)]
    misses = _misses(series, wait, ahead)
    if len(misses) < LEAST_TRIES:
        needed = WINDOW + wait + ahead + LEAST_TRIES - 1
        return TooLittle(
            f"too little data: {len(series)} whole months of spending, and {needed} are needed to say how wrong "
            f"a forecast of {ahead} {'month' if ahead == 1 else 'months'} would be"
        )
    sizes = [abs(miss) for miss in misses]
    return Forecast(ahead, _say(series, ahead), len(misses), _divide(sum(sizes), len(sizes)), max(sizes))


def _say(series: list[int], ahead: int) -> int:
    return _divide(sum(series[-WINDOW:]) * ahead, WINDOW)


def _misses(series: list[int], wait: int, ahead: int) -> list[int]:
    """Return what came, less what was said, for each month from which the method could have been asked."""
    return [
        sum(series[at + wait : at + wait + ahead]) - _say(series[:at], ahead)
        for at in range(WINDOW, len(series) - wait - ahead + 1)
    ]


def _divide(cents: int, by: int) -> int:
    """Return the nearest whole cent; a half goes up."""
    return (2 * cents + by) // (2 * by)
