"""What an operation may do and what it posts, by hand-counted examples."""

from dataclasses import replace
from datetime import date

import pytest

from doorward.fund.ledger.accounts import Account, Posting, unbalanced
from doorward.fund.ledger.decide import Posted, decide
from doorward.fund.ledger.operations import (
    Amend,
    Appropriate,
    Approve,
    CloseOut,
    CloseYear,
    Opening,
    OpenYear,
    Part,
    Pay,
    Post,
    Refund,
    Void,
    Withdraw,
)
from doorward.fund.ledger.state import PAID, WITHDRAWN, State
from tests_support.fund import (
    RULES,
    agree,
    check_whole,
    invoice,
    open_year,
    refusal,
    spent,
    started,
    step,
    submission,
)

A = Account
LATE = date(2027, 2, 1)


def test_an_agreement_takes_from_what_is_available_and_waits_for_another_person() -> None:
    state = step(State(RULES), open_year(2026))
    state = step(state, Appropriate(2026, "general", 1000, "ordinance", "SO-1"))
    state = step(state, agree("north", Part(2026, "general", 600)))
    assert [state.at(A.AVAILABLE, 2026, "general"), state.at(A.PENDING, 2026, "general", "north")] == [
        400,
        600,
    ]
    assert refusal(state, Post("north")) == "second-person"
    state = step(state, Post("north"), "director")
    assert [state.at(one, 2026, "general", "north") for one in (A.PENDING, A.ENCUMBERED)] == [0, 600]
    assert refusal(state, Post("north"), "director") == "agreement"


def test_nothing_goes_beyond_the_appropriation() -> None:
    state = started()
    assert refusal(state, agree("south", Part(2026, "general", 50_001))) == "appropriation"
    assert refusal(state, agree("south", Part(2026, "general", 50_000), Part(2026, "courtroom", 75_001))) == (
        "appropriation"
    )
    assert refusal(state, Amend("north", 2026, "general", 50_001)) == "appropriation"
    assert refusal(state, Appropriate(2026, "general", -50_001, "ordinance", "SO-2")) == "appropriation"
    state = step(state, Appropriate(2026, "general", -50_000, "ordinance", "SO-2"))
    assert state.at(A.APPROPRIATED, 2026, "general") == -50_000
    check_whole(state)


def test_nothing_goes_beyond_the_encumbrance_and_two_parts_of_a_line_are_one_sum() -> None:
    parts = (Part(2026, "general", 25_000, "screening"), Part(2026, "general", 25_001, "know-your-rights"))
    assert refusal(started(), invoice("first", "north", *parts)) == "encumbrance"
    pending = step(started(), agree("south", Part(2026, "general", 10)))
    assert refusal(pending, invoice("first", "south", Part(2026, "general", 1, "screening"))) == "encumbrance"


def test_a_split_invoice_is_approved_by_two_others_and_paid_once() -> None:
    parts = (
        Part(2026, "general", 300, "screening"),
        Part(2026, "general", 200, "know-your-rights"),
        Part(2026, "courtroom", 900, "representation"),
    )
    state = step(started(), invoice("first", "north", *parts), "clerk")
    assert refusal(state, Approve("first"), "clerk") == "second-person"
    state = step(state, Approve("first"), "manager")
    assert state.at(A.EXPENSE, 2026, "general", "north") == 0
    assert refusal(state, Approve("first"), "manager") == "second-person"
    assert refusal(state, Pay("first", "PV-1"), "manager") == "claim-status"
    answer = decide(state, submission(Approve("first"), "director"))
    assert isinstance(answer, Posted)
    assert unbalanced(answer.postings) == ()
    assert Posting(A.PAYABLE, 2026, "general", "north", -500) in answer.postings
    state = answer.state
    assert refusal(state, Approve("first"), "auditor") == "claim-status"
    assert refusal(state, Withdraw("first"), "clerk") == "claim-status"
    assert refusal(state, Pay("first", "PV-1"), "clerk") == "second-person"
    state = step(state, Pay("first", "PV-1"))
    assert [state.at(A.TREASURY, 2026, line) for line in ("general", "courtroom")] == [-500, -900]
    assert refusal(state, Pay("first", "PV-1")) == "claim-status"
    assert refusal(state, invoice("second", "north", parts[0], number="INV-first")) == "duplicate"
    check_whole(state)


def test_an_advance_is_covered_recouped_and_the_rest_returned() -> None:
    state = step(started(), invoice("adv", "north", Part(2026, "general", 30_000), kind="advance"), "clerk")
    for by in ("manager", "director"):
        state = step(state, Approve("adv"), by)
    assert refusal(state, Refund("north", 2026, "general", 1, 2026, "RF-1", advance=True)) == "refund"
    state = step(state, Pay("adv", "PV-1"))
    uncovered = Part(2026, "general", 20_001, "screening")
    assert refusal(state, invoice("second", "north", uncovered)) == "encumbrance"
    assert refusal(state, Amend("north", 2026, "general", -20_001)) == "encumbrance"
    part = Part(2026, "general", 25_000, "screening", 25_000)
    state = step(state, invoice("second", "north", part), "clerk")
    for by in ("manager", "director"):
        state = step(state, Approve("second"), by)
    assert state.claims["second"].status == PAID
    assert state.at(A.ADVANCE, 2026, "general", "north") == 5_000
    assert refusal(state, CloseOut("north")) == "waiting"
    state = step(state, Refund("north", 2026, "general", 5_000, 2026, "RF-1", advance=True))
    assert state.at(A.TREASURY, 2026, "general") == -25_000
    state = step(state, CloseOut("north"))
    assert state.at(A.AVAILABLE, 2026, "general") == 75_000
    check_whole(state)


def test_an_invoice_recoups_no_more_than_is_advanced() -> None:
    part = Part(2026, "general", 10, "screening", 1)
    assert refusal(started(), invoice("first", "north", part)) == "advance"
    assert refusal(started(), invoice("first", "north", Part(2026, "general", 10, "screening", 11))) == "form"


def test_a_restricted_line_buys_only_its_services_and_the_bond_line_is_off() -> None:
    state = started()
    assert refusal(state, invoice("first", "north", Part(2026, "courtroom", 10, "screening"))) == "service"
    assert refusal(state, Appropriate(2026, "bond", 10, "ordinance", "SO-1")) == "line-off"
    assert refusal(state, agree("south", Part(2026, "bond", 10))) == "line-off"
    assert refusal(state, Appropriate(2026, "other", 10, "ordinance", "SO-1")) == "line"
    assert refusal(state, Appropriate(2026, "general", 10, "gift", "SO-1")) == "source"


def test_a_refund_of_the_year_can_be_spent_again() -> None:
    state = spent(started())
    assert refusal(state, Refund("north", 2026, "general", 20_001, 2026, "RF-1")) == "refund"
    state = step(state, Refund("north", 2026, "general", 5_000, 2026, "RF-1"))
    assert state.at(A.ENCUMBERED, 2026, "general", "north") == 35_000
    assert state.at(A.EXPENSE, 2026, "general", "north") == 15_000
    assert state.at(A.TREASURY, 2026, "general") == -15_000


def test_what_is_not_paid_cannot_come_back() -> None:
    state = step(started(), invoice("first", "north", Part(2026, "general", 100, "screening")), "clerk")
    for by in ("manager", "director"):
        state = step(state, Approve("first"), by)
    assert refusal(state, Refund("north", 2026, "general", 1, 2026, "RF-1")) == "refund"


def test_a_refund_across_years_gives_no_authority_and_is_bounded_by_what_was_spent() -> None:
    state = step(spent(started()), open_year(2027))
    early = Refund("north", 2027, "general", 8_000, 2026, "RF-1")
    assert refusal(state, early, day=LATE) == "refund"
    state = step(state, CloseYear(2026, ("north",)), day=LATE)
    before = state.at(A.AVAILABLE, 2027, "general")
    state = step(state, early, day=LATE)
    assert state.at(A.AVAILABLE, 2027, "general") == before
    assert state.at(A.REFUND, 2027, "general", "north") == -8_000
    assert state.at(A.TREASURY, 2027, "general") == 8_000
    assert refusal(state, Refund("north", 2027, "general", 12_001, 2026, "RF-2"), day=LATE) == "refund"
    state = step(state, CloseOut("north"), day=LATE)
    state = step(state, Refund("north", 2027, "general", 12_000, 2026, "RF-2"), day=LATE)
    assert state.returned[2026, "general", "north"] == 20_000
    check_whole(state)


def test_a_void_takes_back_pending_and_what_no_advance_rests_on() -> None:
    state = step(started(), Amend("north", 2026, "general", 1_000))
    state = step(state, Void("north"))
    assert state.at(A.AVAILABLE, 2026, "general") == 100_000
    assert state.holdings(agreement="north")
    assert refusal(state, Void("north")) == "agreement"
    assert refusal(state, invoice("first", "north", Part(2026, "general", 1, "screening"))) == "encumbrance"


def test_a_year_is_closed_to_nothing_and_nothing_goes_into_it() -> None:
    state = spent(started())
    assert refusal(state, CloseYear(2026)) == "day"
    assert refusal(state, CloseYear(2026, ("north",)), day=LATE) == "year"
    state = step(state, open_year(2027))
    state = step(state, CloseYear(2026, ("north",)), day=LATE)
    assert state.at(A.LAPSED, 2026, "general") == 50_000
    assert state.at(A.CARRIED, 2026, "general") == 30_000
    assert state.at(A.CARRIED, 2026, "courtroom") == 100_000
    assert state.at(A.AVAILABLE, 2027, "courtroom") == 75_000
    assert state.at(A.ENCUMBERED, 2027, "general", "north") == 30_000
    assert refusal(state, Appropriate(2026, "general", 1, "ordinance", "SO-3"), day=LATE) == "closed-year"
    assert (
        refusal(state, invoice("second", "north", Part(2026, "general", 1, "screening")), day=LATE)
        == "closed-year"
    )
    assert refusal(state, CloseYear(2026), day=LATE) == "closed-year"
    check_whole(state)


def test_a_year_with_a_claim_that_waits_stays_open() -> None:
    state = step(started(), invoice("first", "north", Part(2026, "general", 100, "screening")), "clerk")
    assert refusal(state, CloseYear(2026), day=LATE) == "waiting"
    state = step(state, Withdraw("first"), "clerk")
    assert state.claims["first"].status == WITHDRAWN
    check_whole(step(step(state, open_year(2027)), CloseYear(2026), day=LATE))


def test_an_opening_takes_over_what_an_agreement_holds() -> None:
    state = step(State(RULES), open_year(2026))
    opening = Opening(
        2026, "general", 1000, "AUD-1", "north", "grantee-of-north", date(2026, 1, 1), date(2026, 12, 31), 300, 200
    )  # fmt: skip
    state = step(state, opening)
    assert state.at(A.AVAILABLE, 2026, "general") == 500
    assert state.at(A.TREASURY, 2026, "general") == -200
    assert refusal(state, opening) == "agreement"
    check_whole(state)


def test_nothing_is_taken_over_into_a_line_that_runs() -> None:
    """Else one person could make an agreement, and spend on it, without a second."""
    taken = Opening(
        2026, "general", 1000, "AUD-1", "north", "grantee-of-north", date(2026, 1, 1), date(2026, 12, 31), 300, 200
    )  # fmt: skip
    state = step(State(RULES), open_year(2026))
    state = step(state, Appropriate(2026, "general", 1, "ordinance", "SO-1"))
    assert refusal(state, taken) == "opening"
    state = step(step(State(RULES), open_year(2026)), taken)
    south = replace(taken, agreement="south", grantee="grantee-of-south")
    check_whole(step(state, south))
    assert refusal(step(state, Amend("north", 2026, "general", 1)), south) == "opening"


@pytest.mark.parametrize("word", ["A123456789", "a-12345678", "INV/A 1", "x" * 41, "", "-x"])
def test_a_reference_that_could_be_a_person_or_words_is_refused(word: str) -> None:
    assert refusal(started(), Appropriate(2026, "general", 1, "ordinance", word)) == "form"


@pytest.mark.parametrize("cents", [10**14 + 1, True, 1.5])
def test_a_sum_is_whole_cents_within_bounds(cents: int) -> None:
    assert refusal(started(), Appropriate(2026, "general", cents, "ordinance", "SO-1")) == "form"


def test_years_do_not_overlap() -> None:
    state = step(State(RULES), open_year(2026))
    assert refusal(state, open_year(2026)) == "year"
    assert refusal(state, OpenYear(2027, date(2026, 12, 31), date(2027, 12, 31))) == "year"
    assert refusal(state, OpenYear(2027, date(2027, 12, 31), date(2027, 1, 1))) == "form"
