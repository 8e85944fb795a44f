"""Published tables over 24 months: no small number can be had from them, or bounded more narrowly than the threshold."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.fund.grantee.published import MONTHS, Year, bounds, publish

THRESHOLD = 10
WORDS = ("kyr-session", "screening", "brief-advice", "full-representation")
COUNTS = st.one_of(st.integers(0, 14), st.sampled_from([0, 3, 9, 10, 25, 140]))


def published(months: list[list[int]]) -> tuple[Year, frozenset[str]]:
    year, standing = Year(WORDS, ()), frozenset[str]()
    for counts in months:
        year = Year(WORDS, (*year.months, tuple(counts)))
        after = publish(year, standing, THRESHOLD)
        assert standing <= after  # what stood is not taken back
        standing = after
        hold(year, standing)
    return year, standing


def small(year: Year) -> list[str]:
    return [
        one
        for one, value in year.values().items()
        if 0 < value < THRESHOLD and "*" not in one and "year" not in one
    ]


def hold(year: Year, standing: frozenset[str]) -> None:
    for one in small(year):
        low, high = bounds(year, standing, one)
        assert high - low >= THRESHOLD - 1
        assert one not in standing


@settings(max_examples=6, deadline=None)
@given(st.lists(st.lists(COUNTS, min_size=4, max_size=4), min_size=24, max_size=24))
def test_of_24_months_no_small_number_is_bounded_more_narrowly_than_the_threshold(
    months: list[list[int]],
) -> None:
    from scipy.optimize import linprog

    for part in (months[:MONTHS], months[MONTHS:]):
        year, standing = published(part)
        values = year.values()
        columns = {f"{m + 1}/{w}": m * len(WORDS) + at for m in range(MONTHS) for at, w in enumerate(WORDS)}
        rows, right = [], []
        for one in sorted(standing):
            row = np.zeros(len(columns))
            month, _, word = one.partition("/")
            for m, w in product(range(1, MONTHS + 1), WORDS):
                if month in ("year", str(m)) and word in ("*", w):
                    row[columns[f"{m}/{w}"]] = 1
            rows.append(row)
            right.append(values[one])
        for one in small(year)[
            :6
        ]:  # an independent attacker: a linear program over everything that was published
            aim = np.zeros(len(columns))
            aim[columns[one]] = 1
            least = linprog(aim, A_eq=rows or None, b_eq=right or None, method="highs")
            most = linprog(-aim, A_eq=rows or None, b_eq=right or None, method="highs")
            low, high = bounds(year, standing, one)
            assert round(least.fun) == low
            assert (most.status == 3 and high > 10**9) or round(-most.fun) == high


def test_large_numbers_are_published() -> None:
    _, standing = published([[20, 30, 40, 50]] * 12)
    assert len(standing) == 12 * 5 + 4


def test_a_single_small_number_takes_its_complement_or_its_total_along() -> None:
    year, standing = published([[3, 30, 40, 50]])
    assert "1/kyr-session" not in standing
    assert not {"1/screening", "1/brief-advice", "1/full-representation", "1/*"} <= standing
    assert bounds(year, standing, "1/kyr-session")[1] >= THRESHOLD


def test_the_years_total_does_not_give_away_the_one_month_that_was_withheld() -> None:
    year, standing = published([[20, 30, 40, 50]] * 5 + [[4, 30, 40, 50]] + [[20, 30, 40, 50]] * 6)
    low, high = bounds(year, standing, "6/kyr-session")
    assert high - low >= THRESHOLD - 1
