"""A year's statement: hand-counted, whole, the same bytes, and told to a screen reader as it is seen."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.letters.tagged import assert_well_told, read_text
from doorward.cli.fund_statement import render
from doorward.errors import MalformedError
from doorward.fund.ledger.export import make_statement
from doorward.fund.ledger.operations import Appropriate, Refund, Submission
from doorward.fund.yearly import ALL, Checked, Yearly, format_money, make_yearly, tables_of
from fund.test_export import whole_life, write
from tests_support.fund import DAYS, OPERATIONS, PEOPLE, submission

CHECKED = Checked(22, 0, published=True)
TITLES = {"general": "Screening and outreach", "source.ordinance": "Appropriation ordinance"}
DAY = date(2027, 2, 1)


def life() -> list[Submission]:
    steps = whole_life()
    more = submission(Appropriate(2026, "general", 50_00, "ordinance", "SO-2"))
    back = submission(Refund("north", 2027, "general", 5_00, 2026, "RF-1"), day=DAY)
    return [*steps[:5], more, *steps[5:], back]


def yearly(year: int = 2026, checked: Checked = CHECKED) -> Yearly:
    state, written = write(life())
    return make_yearly(state, written, year, TITLES, checked)


def pdf(found: Yearly) -> bytes:
    return render(found, day=DAY, office="Fund manager", is_sample=True)


def test_every_table_is_hand_counted() -> None:
    tables = tables_of(yearly())
    assert tables["Acts of appropriation, in dollars"].rows[-2:] == (
        ("2026-03-01", "Screening and outreach", "Appropriation ordinance", "SO-2", "50.00"),
        (ALL, "", "", "", "1,053.00"),
    )
    came = tables["What came into each line, in dollars"].rows
    assert came == (
        ("courtroom", "3.00", "0.00", "0.00", "3.00"),
        ("Screening and outreach", "1,000.00", "50.00", "0.00", "1,050.00"),
        (ALL, "1,003.00", "50.00", "0.00", "1,053.00"),
    )
    went = tables["Where it is, in dollars"].rows
    assert went[1] == (
        "Screening and outreach",
        "500.05",
        "0.00",
        "0.00",
        "0.00",
        "450.00",
        "99.95",
        "1,050.00",
    )
    assert [row[-1] for row in went] == [row[-1] for row in came]
    (courtroom, general, _) = tables["Each grantee, agreement and line, in dollars"].rows
    assert general[:2] == courtroom[:2] == ("grantee-of-north", "north")
    assert (general[3], general[5]) == ("500.05", "500.05")
    later = tables_of(yearly(2027))
    assert later["What came back, in dollars"].rows[0] == (
        "2027-02-01", "north", "Screening and outreach", "2026", "RF-1", "5.00",
    )  # fmt: skip
    assert later["What was paid, in dollars"].rows[-1] == (ALL, "(5.00)", "0.00", "0.00", "5.00")


def test_notes_say_what_was_not_looked_at_and_an_open_year_is_not_final() -> None:
    assert not any("no final statement" in note for note in yearly().notes)
    found = yearly(2027, Checked(22, 3, published=False))
    assert any("the spool alone" in note for note in found.notes)
    assert any(note.startswith("3 entries") for note in found.notes)
    assert any("no final statement" in note for note in found.notes)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.builds(submission, OPERATIONS, PEOPLE, DAYS), min_size=20, max_size=80))
def test_what_came_in_is_what_went_out_whatever_was_posted(submissions: list[Submission]) -> None:
    state, written = write(submissions)
    for year in state.years:
        tables = tables_of(make_yearly(state, written, year, {}, CHECKED))
        came = tables["What came into each line, in dollars"].rows
        assert [row[-1] for row in came] == [row[-1] for row in tables["Where it is, in dollars"].rows]


def test_a_ledger_that_does_not_add_up_gives_no_statement() -> None:
    state, written = write(life())
    false = replace(state, balances={place: cents + (cents > 0) for place, cents in state.balances.items()})
    with pytest.raises(MalformedError):
        make_yearly(false, written, 2026, TITLES, CHECKED)


def test_the_pdf_is_tagged_whole_and_has_the_same_bytes_again() -> None:
    found = yearly()
    raw = pdf(found)
    told = assert_well_told(raw)
    assert told.title == "Legal defense fund: fiscal year 2026"
    assert {"Table", "THead", "TH", "TD", "Caption", "L"} <= set(told.tags)
    assert told.tags.count("Table") == 5
    text = read_text(raw)
    for piece in (
        "SAMPLE",
        "1,053.00",
        "Screening and outreach",
        "grantee-of-north",
        "Carried out",
        "held against the record",
    ):
        assert piece in text
    assert pdf(found) == raw
    assert pdf(yearly(2027)) != raw


def test_a_year_without_a_posting_is_set() -> None:
    state, written = write(life()[:1])
    assert_well_told(pdf(make_yearly(state, written, 2026, {}, CHECKED)))


@given(st.integers(-(10**16), 10**16))
def test_money_is_exact(cents: int) -> None:
    said = format_money(cents)
    assert int(said.strip("()").replace(",", "").replace(".", "")) == abs(cents)
    assert said.startswith("(") == (cents < 0)


def test_a_figure_of_the_statement_is_the_ledgers_own() -> None:
    state, written = write(life())
    (_, general) = make_statement(state, written, 2026)
    assert format_money(general.expended) == "500.05"
