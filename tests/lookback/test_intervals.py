"""Intervals: against published values, and against counting every possible draw."""

from itertools import combinations
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.lookback.labels.intervals import _at_least, exact, wilson


@pytest.mark.parametrize(
    ("yes", "of", "low", "high"),
    [  # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_is_as_published(yes: int, of: int, low: float, high: float) -> None:
    found = wilson(yes, of)
    assert found.share == yes / of
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


def test_wilson_of_nothing_says_nothing() -> None:
    assert wilson(0, 0).as_json() == {"share": None, "low": None, "high": None}


@given(st.integers(1, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_wilson_holds_the_share_and_stays_between_nought_and_one(pair: tuple[int, int]) -> None:
    found = wilson(*pair)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= pair[0] / pair[1] <= found.high <= 1


def tail(of: int, marked: int, drawn: int, numbers: range) -> float:
    ways = sum(comb(marked, n) * comb(of - marked, drawn - n) for n in numbers if drawn - n >= 0)
    return ways / comb(of, drawn)


@pytest.mark.parametrize("of", [7, 12, 23])
def test_the_exact_interval_holds_the_truth_in_all_but_one_draw_in_twenty_for_every_truth(of: int) -> None:
    for drawn in range(of + 1):
        found = [exact(yes, drawn, of) for yes in range(drawn + 1)]
        for truth in range(of + 1):
            too_low = [yes for yes, (_, high) in enumerate(found) if high < truth]
            too_high = [yes for yes, (low, _) in enumerate(found) if low > truth]
            for missed in (too_low, too_high):
                ways = sum(
                    comb(truth, yes) * comb(of - truth, drawn - yes) for yes in missed if drawn - yes >= 0
                )
                assert ways / comb(of, drawn) <= 0.025 + 1e-12


@given(st.integers(1, 3_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))), st.data())
def test_the_exact_interval_is_the_inverted_tail(pair: tuple[int, int], data: st.DataObject) -> None:
    drawn, of = pair
    yes = data.draw(st.integers(0, drawn))
    low, high = exact(yes, drawn, of)
    assert yes <= low <= high <= of - (drawn - yes)
    if drawn == of:
        assert (low, high) == (yes, yes)
    if yes < low:
        assert tail(of, low - 1, drawn, range(yes, min(drawn, low - 1) + 1)) <= 0.025 + 1e-9
    if high < of - (drawn - yes):
        assert tail(of, high + 1, drawn, range(yes + 1)) <= 0.025 + 1e-9


def test_a_large_log_has_an_interval_too() -> None:
    low, high = exact(0, 300, 50_000_000)
    assert low == 0
    assert high / 50_000_000 == pytest.approx(
        1 - 0.025 ** (1 / 300), rel=1e-3
    )  # binomial, as good as the same


def test_every_draw_of_a_small_whole_averages_to_the_truth() -> None:
    marked = [1, 0, 0, 1, 0, 1, 0]
    shares = [sum(draw) / 3 for draw in combinations(marked, 3)]
    assert sum(shares) / len(shares) == pytest.approx(3 / 7)


@given(st.integers(1, 10**8), st.data())
def test_a_tail_is_right_where_its_first_terms_are_too_small_for_a_float(
    of: int, data: st.DataObject
) -> None:
    marked = data.draw(st.integers(0, of))
    drawn = data.draw(st.integers(0, min(of, 20_000)))
    yes = data.draw(st.integers(0, drawn))
    hypergeom = pytest.importorskip("scipy.stats").hypergeom
    assert _at_least(yes, marked, drawn, of) == pytest.approx(
        float(hypergeom.sf(yes - 1, of, marked, drawn)), abs=1e-5
    )


def test_a_large_draw_with_few_of_them_has_a_narrow_interval() -> None:
    low, high = exact(10, 20_000, 50_000_000)
    assert 0.0002 < low / 50_000_000 < 0.0005 < high / 50_000_000 < 0.001
