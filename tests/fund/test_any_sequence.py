"""Whatever people do in whatever order: the equation holds, nothing is overdrawn, and a fund closes to nothing."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from doorward.fund.ledger.accounts import MAY_POST, Account, unbalanced
from doorward.fund.ledger.decide import Posted, decide
from doorward.fund.ledger.operations import (
    NAMES,
    CloseOut,
    CloseYear,
    Operation,
    Pay,
    Refund,
    Submission,
    Void,
    Withdraw,
    format_transaction,
    parse_transaction,
)
from doorward.fund.ledger.state import APPROVED, WAITING, State
from tests_support.fund import (
    DAYS,
    OPERATIONS,
    PEOPLE,
    RULES,
    check_whole,
    open_year,
    spent,
    started,
    step,
    submission,
)

SUBMISSIONS = st.builds(submission, OPERATIONS, PEOPLE, DAYS)
STARTS = st.sampled_from(
    (State(RULES), step(started(2000), open_year(2027)), step(spent(started()), open_year(2027)))
)


def run(state: State, submissions: list[Submission]) -> State:
    for one in submissions:
        answer = decide(state, one)
        if not isinstance(answer, Posted):
            continue
        assert unbalanced(answer.postings) == ()
        may = MAY_POST[NAMES[type(one.operation)]].split()
        assert all(("+" if p.cents > 0 else "-") + p.account.value in may for p in answer.postings)
        assert all(not state.years[p.year].closed for p in answer.postings)
        assert parse_transaction(format_transaction(one, answer.postings)) == (one, answer.postings)
        state = answer.state
        check_whole(state)
    return state


@given(STARTS, st.lists(SUBMISSIONS, max_size=40))
def test_the_equation_holds_and_nothing_is_overdrawn(state: State, submissions: list[Submission]) -> None:
    run(state, submissions)


@given(STARTS, st.lists(SUBMISSIONS, max_size=40))
def test_every_fund_can_be_closed_to_nothing(state: State, submissions: list[Submission]) -> None:
    state = run(state, submissions)
    day = date(2030, 1, 1)
    for claim in state.claims.values():
        if claim.status == WAITING:
            state = step(state, Withdraw(claim.id), "closer", day)
        elif claim.status == APPROVED:
            state = step(state, Pay(claim.id, "PV-9"), "closer", day)
    for year, line, agreement in state.holdings():
        cents = state.at(Account.ADVANCE, year, line, agreement)
        if cents:
            refund: Operation = Refund(agreement, year, line, cents, year, "RF-9", advance=True)
            state = step(state, refund, "closer", day)
    for made in state.agreements.values():
        if any(state.at(Account.PENDING, *place) for place in state.holdings(agreement=made.id)):
            state = step(state, Void(made.id), "closer", day)
        if not made.closed:
            state = step(state, CloseOut(made.id), "closer", day)
    if state.years:  # a line that carries needs a year to carry into
        state = step(state, open_year(max(state.years) + 1), "closer", day)
        years = range(min(state.years), max(state.years) + 1)
        state = run(state, [submission(open_year(year), "closer", day) for year in years])
    for year in sorted(state.years)[:-1]:
        if not state.years[year].closed:
            state = step(state, CloseYear(year), "closer", day)
    check_whole(state)
    given_ = -sum(cents for place, cents in state.balances.items() if place[0] is Account.APPROPRIATED)
    kept = (Account.EXPENDED, Account.LAPSED, Account.AVAILABLE)
    assert given_ == sum(cents for place, cents in state.balances.items() if place[0] in kept)
    paid = -sum(cents for place, cents in state.balances.items() if place[0] is Account.TREASURY)
    net = (Account.EXPENSE, Account.REFUND)
    assert paid == sum(cents for place, cents in state.balances.items() if place[0] in net)
