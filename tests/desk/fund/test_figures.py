"""What a year will have spent at its end, where two fiscal years meet; counted by hand."""

from datetime import date

import pytest

from doorward.desk.fund.figures import LineSum, months_of, outlook
from doorward.fund.forecast import Forecast, Month
from doorward.fund.ledger.state import Year

LAST, THIS, NEXT = (Year(one, date(one, 1, 1), date(one, 12, 31)) for one in (2026, 2027, 2028))


def sums(spent: int, line: str = "legal", authority: int = 10_000) -> LineSum:
    return LineSum(line, authority, 0, 0, 0, 0, spent, spent, 0)


def monthly(cents: int, year: int, months: int) -> dict[Month, int]:
    return {(year, month): cents for month in range(1, months + 1)}


SPENT = {
    (2026, "legal"): monthly(100, 2026, 12) | {(2027, 1): 700},  # in January the last year is still paid for
    (2027, "legal"): {(2027, 1): 40},
    (2027, "outreach"): {(2027, 1): 5},
}


def test_months_are_those_of_a_line_of_a_year_or_of_all() -> None:
    assert months_of(SPENT)[2027, 1] == 745
    assert months_of(SPENT, line="legal")[2027, 1] == 740
    assert months_of(SPENT, year=2027) == {(2027, 1): 45}
    assert months_of(SPENT, line="legal", year=2027) == {(2027, 1): 40}


@pytest.mark.parametrize("line", ["legal", ""])
def test_what_the_last_year_still_pays_in_january_is_not_taken_from_this_one(line: str) -> None:
    spent = {
        (2025, "legal"): monthly(100, 2025, 12),
        (2026, "legal"): SPENT[2026, "legal"],
        (2027, "legal"): {(2027, 1): 40},
    }
    found = outlook(sums(40, line), spent, THIS, date(2027, 1, 20))
    assert found.spent_before == 0
    assert isinstance(found.said, Forecast)
    assert (found.said.to_come, found.at_end, found.left) == (1_200, 1_200, 8_800)


def test_a_year_that_was_opened_ahead_is_forecast_from_its_beginning() -> None:
    spent = {
        (2025, "legal"): monthly(100, 2025, 12),
        (2026, "legal"): monthly(100, 2026, 9),
    }
    found = outlook(sums(0), spent, THIS, date(2026, 10, 5))
    assert isinstance(found.said, Forecast)
    assert (found.said.months_ahead, found.said.to_come) == (12, 1_200)
    assert (found.spent_before, found.at_end, found.left) == (0, 1_200, 8_800)
    assert found.said.tries == 21 - 3 - (3 + 12) + 1  # three months pass before the twelve begin
