"""The forecast and its error, counted by hand, and what holds for any months."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from doorward.fund.forecast import Forecast, Month, TooLittle, forecast, whole_months

LAST = date(2026, 12, 31)


def of(*cents: int, first: int = 1) -> dict[Month, int]:
    return {(2026, first + place): value for place, value in enumerate(cents)}


def test_counted_by_hand() -> None:
    # Whole months January to October; November and December are to come, so two months ahead.
    spent = of(100, 100, 100, 130, 100, 160, 100, 100, 130, 70)
    # Asked in April: 200 against 230; May: 220 (330 / 3 * 2) against 260; June: 220 against 260; July: 260 against 200;
    # August: 240 against 230; September: 240 against 200.
    found = forecast(spent, today=date(2026, 11, 26), last=LAST)
    assert found == Forecast(2, 200, 6, round((30 + 40 + 40 + 60 + 10 + 40) / 6), 60)


def test_months_that_are_to_come_later_miss_by_what_came_later() -> None:
    # In October, of December alone: asked in April, 100 for June against 160; May: 110 for July against 100;
    # June: 110 for August against 100; July: 130 for September against 130.
    found = forecast(
        of(100, 100, 100, 130, 100, 160, 100, 100, 130),
        today=date(2026, 10, 3),
        first=date(2026, 12, 1),
        last=LAST,
    )
    assert found == Forecast(1, 110, 4, 20, 60)


def test_a_month_that_is_not_over_is_forecast_and_does_not_count() -> None:
    spent = of(*[90] * 10)
    assert forecast(spent | {(2026, 11): 5_000}, today=date(2026, 11, 30), last=LAST) == Forecast(
        2, 180, 6, 0, 0
    )


def test_too_little_data_is_said_with_how_much_is_needed() -> None:
    found = forecast(of(10, 20, 30, 40, 50), today=date(2026, 6, 2), last=LAST)
    assert found == TooLittle(
        "too little data: 5 whole months of spending, and 13 are needed to say how wrong a forecast of 7 months would be"
    )
    assert isinstance(forecast({}, today=date(2026, 6, 2), last=LAST), TooLittle)
    assert forecast(of(*[9] * 12), today=date(2027, 1, 1), last=LAST) == TooLittle("the year is over")


def test_a_month_without_spending_is_nought_and_one_with_a_refund_is_below() -> None:
    spent = {(2026, 1): 300, (2026, 4): -60}
    months = whole_months(spent, date(2026, 5, 1))
    assert months == [((2026, 1), 300), ((2026, 2), 0), ((2026, 3), 0), ((2026, 4), -60)]


@given(st.lists(st.integers(-(10**12), 10**12), min_size=9, max_size=24), st.integers(1, 3))
def test_an_error_is_of_what_came(cents: list[int], ahead: int) -> None:
    spent = {(2025 + place // 12, place % 12 + 1): value for place, value in enumerate(cents)}
    spent[2025, 1] = spent[2025, 1] or 1  # the series begins with something
    months = len(cents) + ahead - 1
    today = date(2025 + len(cents) // 12, len(cents) % 12 + 1, 15)
    last = date(2025 + months // 12, months % 12 + 1, 28)
    found = forecast(spent, today=today, last=last)
    assert isinstance(found, Forecast)
    assert found.tries == len(cents) - ahead - 2
    assert 0 <= found.mean_error <= found.worst_error
    steady = forecast(dict.fromkeys(spent, 7_500), today=today, last=last)
    assert steady == Forecast(ahead, 7_500 * ahead, found.tries, 0, 0)
