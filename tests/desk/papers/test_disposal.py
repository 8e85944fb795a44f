"""Whether a paper may go: everything that keeps it is said, and it goes only where nothing does."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.desk.papers.disposal import Case, find_reasons
from doorward.orders.retention import Item

ITEM = Item(
    "papers", "papers", "22:115-4", ("papers",), ("detainer",), "matter-closed", 3, False, "cite", "text", "adopted",  # noqa: FBT003
    "law", date(2026, 1, 1),
)  # fmt: skip
CASE = Case("detainer", date(2023, 5, 4), is_evidence=True, is_erased=False, holds=0, awaits_hold=False)
TODAY = date(2026, 5, 5)
CERTIFICATE = "22:115-2026/7"
WRONG = ("", "  ", "ab", "x" * 41, "22;drop", "-22:115", "22\u202e115")  # no numbers of certificates


def test_a_paper_goes_where_nothing_keeps_it_and_not_a_day_before() -> None:
    assert find_reasons(CASE, ITEM, CERTIFICATE, today=TODAY) == ()
    assert find_reasons(CASE, ITEM, CERTIFICATE, today=date(2026, 5, 4)) == (
        "item `papers` keeps it until 2026-05-05",
    )


@pytest.mark.parametrize(
    ("case", "item", "certificate", "says"),
    [
        (replace(CASE, holds=2), ITEM, CERTIFICATE, "2 legal holds on it"),
        (replace(CASE, is_erased=True), ITEM, CERTIFICATE, "erased already"),
        (replace(CASE, is_evidence=False), ITEM, CERTIFICATE, "no evidence"),
        (replace(CASE, awaits_hold=True), ITEM, CERTIFICATE, "has not placed one"),
        (replace(CASE, since=None), ITEM, CERTIFICATE, "has not happened"),
        (replace(CASE, kind="subpoena"), ITEM, CERTIFICATE, "does not cover"),
        (CASE, replace(ITEM, covers=("visits",)), CERTIFICATE, "does not cover"),
        (CASE, None, CERTIFICATE, "no such item"),
        (CASE, replace(ITEM, standing="needs-counsel"), CERTIFICATE, "needs counsel"),
        (CASE, replace(ITEM, years=None, permanent=True), CERTIFICATE, "for ever"),
        (CASE, replace(ITEM, years=None), CERTIFICATE, "for ever"),
        *((CASE, ITEM, wrong, "certificate") for wrong in WRONG),
    ],
)  # fmt: skip
def test_each_reason_alone_keeps_a_paper(case: Case, item: Item | None, certificate: str, says: str) -> None:
    (reason,) = find_reasons(case, item, certificate, today=TODAY)
    assert says in reason


def test_everything_that_keeps_it_is_said_at_once() -> None:
    case = replace(CASE, holds=1, awaits_hold=True, since=None)
    assert len(find_reasons(case, ITEM, "", today=TODAY)) == 4


@pytest.mark.parametrize(
    ("since", "years", "due"),
    [
        (date(2020, 2, 29), 1, date(2021, 3, 2)), (date(2020, 2, 29), 4, date(2024, 3, 1)),
        (date(2020, 12, 31), 1, date(2022, 1, 1)), (date(2020, 1, 15), 0, date(2020, 1, 16)),
    ],
)  # fmt: skip
def test_a_term_is_over_when_its_last_day_is(since: date, years: int, due: date) -> None:
    assert replace(ITEM, years=years).due_on(since) == due


@given(
    st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    st.integers(0, 90),
    st.dates(date(1990, 1, 1), date(2120, 1, 1)),
)
def test_nothing_goes_before_its_years_are_over(since: date, years: int, today: date) -> None:
    reasons = find_reasons(replace(CASE, since=since), replace(ITEM, years=years), CERTIFICATE, today=today)
    if not reasons:
        assert (today.year - years, today.month, today.day) > (since.year, since.month, since.day)
