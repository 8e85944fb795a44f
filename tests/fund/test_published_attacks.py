"""Everything that was published, month after month, in the hands of somebody with a linear program."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.fund.grantee import published
from doorward.fund.published import edition as edition_module
from doorward.fund.published import settled
from doorward.fund.published.check import check_standing
from doorward.fund.published.edition import Edition
from doorward.fund.published.money import Cost, Money, make_costs
from doorward.fund.published.settled import Count
from tests_support.fund import open_year
from tests_support.fund_published import ENDED, PUBLIC, Attacker, Ledger, edition, month_at, report, truth

Months = list[tuple[list[int], list[int]]]
COUNTS = st.one_of(st.integers(0, 14), st.sampled_from([0, 3, 9, 10, 25, 140]))
MONTH = st.tuples(st.lists(COUNTS, min_size=4, max_size=4), st.lists(COUNTS, min_size=3, max_size=3))


def editions(months: Months, *, cases_before: bool = True, ledger: Ledger | None = None) -> list[Edition]:
    reports = [report(at, units, ends) for at, (units, ends) in enumerate(months)]
    return [edition(at, reports, ledger, cases_before=cases_before) for at in range(len(months))]


def attack(
    made: Sequence[Edition], months: Months, *, begins_empty: bool = False, most: int = 4
) -> list[tuple[str, str, str]]:
    attacker = Attacker(truth(months), begins_empty)
    for at in range(len(months)):  # every unknown is known to be one
        for table, codes in (("served", PUBLIC), ("ended", ENDED)):
            for code in codes:
                attacker.column(table, str(month_at(at)), code)
    for one in made:
        attacker.learn(one)
    return list(attacker.pinned(most))


def hold(months: Months, *, begins_empty: bool = False, most: int = 4) -> None:
    made = editions(months, cases_before=not begins_empty)
    for before, after in pairwise(made):
        assert check_standing(before, after) == []
    assert attack(made, months, begins_empty=begins_empty, most=most) == []


@settings(max_examples=4, deadline=None)
@given(st.lists(MONTH, min_size=14, max_size=14))
def test_no_small_number_can_be_had_from_all_months_and_both_tables(months: Months) -> None:
    hold(months)


def opened_first(months: Months) -> Months:
    """Return the months with no more ended cases, all in all, than were opened by then."""
    left, found = 0, []
    for units, ends in months:
        left += units[3]
        kept = []
        for count in ends:
            kept.append(min(count, left))
            left -= kept[-1]
        found.append((units, kept))
    return found


@pytest.mark.long
@pytest.mark.timeout(1200)
@settings(max_examples=4, deadline=None)
@given(st.lists(MONTH, min_size=13, max_size=13).map(opened_first))
def test_nor_by_whoever_knows_that_no_more_cases_end_than_were_opened(months: Months) -> None:
    hold(months, begins_empty=True)


@pytest.mark.long
@pytest.mark.timeout(1200)
@settings(max_examples=60, deadline=None)
@given(st.lists(MONTH, min_size=26, max_size=26), st.booleans())
def test_long_no_small_number_can_be_had(months: Months, begins_empty: bool) -> None:  # noqa: FBT001  # of hypothesis
    hold(opened_first(months) if begins_empty else months, begins_empty=begins_empty, most=40)


QUIET = ([40, 30, 20, 50], [20, 15, 12])
SMALL_ONCE: Months = [QUIET] * 5 + [([40, 4, 20, 50], [20, 3, 12])] + [QUIET] * 7
"""One small month of screenings and one of an outcome; everything else is large, so that any total tells."""


def test_a_single_small_month_is_kept_from_the_year_and_from_its_own_total() -> None:
    made = editions(SMALL_ONCE)
    assert attack(made, SMALL_ONCE) == []
    served = {(one.period, one.code): one.value for one in made[-1].served or ()}
    assert served["2026-06", "screening"] is None
    assert served["2026", "screening"] == 334
    assert served["2026-12", "screening"] is None  # or the year less eleven months would be the small one
    assert served["2026-06", "representation"] == 50
    assert served["2026", "representation"] == 600


def test_a_small_total_of_a_month_is_kept_as_well() -> None:
    months: Months = [QUIET] * 4 + [([40, 30, 20, 50], [2, 3, 2])] + [QUIET] * 8
    made = editions(months)
    assert {(one.period, one.code): one.value for one in made[-1].ended or ()}["2026-05", "all"] is None
    assert attack(made, months, most=20) == []


def only_small(year: published.Year, standing: frozenset[str], threshold: int) -> frozenset[str]:
    """A publisher that withholds small numbers and nothing else."""
    fresh = {one for one, value in year.values().items() if not 0 < value < threshold}
    return standing | {one for one in fresh if one.startswith((f"{len(year.months)}/", "year/"))}


def test_planted_a_publisher_that_withholds_small_numbers_alone_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settled, "publish", only_small)
    caught = attack(editions(SMALL_ONCE), SMALL_ONCE)
    assert ("served", "2026-06", "screening") in caught  # the year less eleven months
    assert ("ended", "2026-06", "no-stay") in caught  # the month's total less two outcomes


def test_planted_months_that_do_not_know_what_was_published_are_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = published.publish

    def forgetful(year: published.Year, standing: frozenset[str], threshold: int) -> frozenset[str]:
        newest = {
            one
            for one in honest(year, frozenset(), threshold)
            if one.startswith((f"{len(year.months)}/", "year/"))
        }
        return standing | newest

    monkeypatch.setattr(settled, "publish", forgetful)
    assert ("served", "2026-06", "screening") in attack(editions(SMALL_ONCE), SMALL_ONCE)


JOINED: Months = [([40, 30, 20, 24], [20, 0, 0]), ([40, 30, 20, 0], [4, 0, 0])]
"""24 were opened and 20 ended; so of the next month, in which none was opened, everybody knows that at most 4 ended."""


def test_planted_tables_that_are_settled_apart_are_caught_by_who_joins_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    joined = editions(JOINED, cases_before=False)
    assert attack(joined, JOINED, begins_empty=True) == []
    assert {one.value for one in joined[0].ended or () if one.code == "stay"} == {None}
    monkeypatch.setattr(settled, "_keep_apart", lambda *_, **__: None)
    assert attack(editions(JOINED, cases_before=False), JOINED, begins_empty=True) == [
        ("ended", "2026-02", "stay"), ("ended", "2026-02", "all")
    ]  # fmt: skip


def test_the_rule_between_the_tables_withholds_nothing_where_many_cases_run() -> None:
    months: Months = [([40, 30, 20, 60], [20, 15, 12])] * 12
    with_rule, without = (editions(months, cases_before=one)[-1] for one in (False, True))
    assert with_rule == replace(without, scheme=with_rule.scheme)
    assert with_rule.withheld == 0


def bought(months: Months) -> Ledger:
    """Return a ledger in which each unit was paid at a price of its own, and the year closed."""
    ledger = Ledger()
    ledger.begin(2026, "north", cents=100_000_000)
    for at, (units, _) in enumerate(months[:12]):
        day = date(2026, at + 1, 27)
        prices = (
            ("outreach", "know-your-rights", 5_000),
            ("legal", "screening", 9_000),
            ("legal", "brief-advice", 4_000),
            ("legal", "representation", 20_000),
        )
        parts = [
            (line, service, price * count)
            for (line, service, price), count in zip(prices, units, strict=True)
            if count
        ]
        if parts:
            ledger.buy(f"c-{at}", "north", day, *parts)
    ledger.do(open_year(2027), day=date(2027, 1, 2))
    ledger.close(2026)
    return ledger


def test_costs_are_shown_where_every_count_of_the_lines_services_stands() -> None:
    months: Months = [QUIET] * 13
    made = editions(months, ledger=bought(months))
    assert made[11].costs == ()  # the year was closed in January
    assert {(one.code, one.count, one.each) for one in made[12].costs} == {
        ("know-your-rights", 480, 5_000), ("screening", 360, 9_000), ("brief-advice", 240, 4_000),
        ("representation", 600, 20_000),
    }  # fmt: skip
    assert attack(made, months) == []


RARE: Months = [([40, 4 if at == 5 else 0, 20, 50], [20, 15, 12]) for at in range(13)]
"""Four screenings in the whole year, so that the year's count is withheld."""


def test_where_one_count_of_a_line_is_withheld_none_of_its_services_shows_what_was_spent_on_it() -> None:
    made = editions(RARE, ledger=bought(RARE))
    assert {one.code for one in made[12].costs} == {"know-your-rights"}  # outreach: alone in its line
    assert attack(made, RARE) == []
    assert residual(made[12]) == {}


def residual(made: Edition) -> dict[str, int]:
    """Return what is left of a closed line's money for the one service that shows none: the attack on costs."""
    of_line = {
        "outreach": {"know-your-rights", "orientation"},
        "legal": {"screening", "brief-advice", "representation"},
    }
    found = {}
    for line in made.lines:
        shown = {
            one.code: one.spent
            for one in made.costs
            if one.year == line.year and one.code in of_line[line.line]
        }
        counted = {one.code for one in made.served or ()} & of_line[line.line]
        missing = counted - shown.keys()
        if shown and len(missing) == 1:
            found[missing.pop()] = line.expended - sum(shown.values())
    return found


def test_planted_costs_of_each_count_that_stands_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def each_alone(money: Money, counts: dict[tuple[int, str], int | None], words: Any) -> tuple[Cost, ...]:
        alone = {**counts, (2026, "screening"): 1_000_000}
        return tuple(one for one in make_costs(money, alone, words) if one.code != "screening")

    monkeypatch.setattr(edition_module, "make_costs", each_alone)
    made = editions(RARE, ledger=bought(RARE))
    assert residual(made[12]) == {"screening": 4 * 9_000}


def test_planted_a_number_that_was_taken_back_or_told_later_is_caught() -> None:
    made = editions(SMALL_ONCE)
    before, after = made[5], made[6]

    def changed(
        counts: tuple[Count, ...] | None, period: str, code: str, value: int | None
    ) -> tuple[Count, ...]:
        return tuple(
            replace(one, value=value) if (one.period, one.code) == (period, code) else one
            for one in counts or ()
        )

    assert check_standing(before, after) == []
    for period, code, value in (
        ("2026-06", "screening", 4),
        ("2026-05", "screening", None),
        ("2026-05", "screening", 31),
    ):
        told = replace(after, served=changed(after.served, period, code, value))
        assert check_standing(before, told) == [f"`{code}` of {period} in `served` is not what stood"]
    assert check_standing(made[4], after) == [f"the month before it is {made[4].month}"]
    assert check_standing(before, replace(after, threshold=5)) == [
        "it counts something else than the month before"
    ]
    cost = Cost(2025, "screening", 100, 10, 10)
    assert check_standing(replace(before, costs=(cost,)), after) == [
        "the cost of `screening` in 2025 is not what stood"
    ]


def test_named_who_knows_the_price_of_a_unit_can_divide_what_a_line_spent() -> None:
    """What suppression of counts cannot close: the money of a line is public, and so is the price in an agreement."""
    ledger = Ledger()
    ledger.begin(2026, "north")
    ledger.buy("c-1", "north", date(2026, 2, 20), ("outreach", "know-your-rights", 3 * 5_000))
    reports = [report(0, [40, 30, 20, 50]), report(1, [3, 30, 20, 50])]
    january, february = (edition(at, reports, ledger) for at in (0, 1))
    counts = {(one.period, one.code): one.value for one in february.served or ()}
    assert counts["2026-02", "know-your-rights"] is None

    def spent(made: Edition) -> int:
        return next((line.expended for line in made.lines if line.line == "outreach"), 0)

    assert (spent(february) - spent(january)) // 5_000 == 3
