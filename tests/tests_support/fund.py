"""A small fund for tests: rules, submissions by letter, and any operation that somebody might bring."""

import uuid
from datetime import date
from itertools import count

from hypothesis import strategies as st

from doorward.fund.ledger.accounts import AUTHORITY, NEVER_NEGATIVE, NEVER_POSITIVE, Account
from doorward.fund.ledger.decide import Posted, decide
from doorward.fund.ledger.operations import (
    Agree,
    Amend,
    Appropriate,
    Approve,
    CloseOut,
    CloseYear,
    File,
    OpenYear,
    Operation,
    Part,
    Pay,
    Post,
    Refund,
    Submission,
    Void,
    Withdraw,
)
from doorward.fund.ledger.refusal import Refusal
from doorward.fund.ledger.state import Line, Rules, State

RULES = Rules(
    {
        "general": Line("general", frozenset({"know-your-rights", "screening"})),
        "courtroom": Line("courtroom", frozenset({"representation"}), carries=True),
        "bond": Line("bond", frozenset({"bond-payment"}), enabled=False),
    },
    frozenset({"ordinance", "refunds"}),
)
_NUMBERS = count(1)


def submission(operation: Operation, by: str = "manager", day: date = date(2026, 3, 1)) -> Submission:
    return Submission(uuid.UUID(int=next(_NUMBERS), version=4), by, day, operation)


def open_year(year: int) -> OpenYear:
    return OpenYear(year, date(year, 1, 1), date(year, 12, 31))


def agree(agreement: str, *parts: Part, ends: date = date(2028, 12, 31)) -> Agree:
    return Agree(agreement, f"grantee-of-{agreement}", date(2026, 1, 1), ends, parts)


def invoice(claim: str, agreement: str, *parts: Part, kind: str = "invoice", number: str = "") -> File:
    return File(claim, agreement, kind, number or f"INV-{claim}", date(2026, 1, 1), date(2026, 2, 28), parts)


def step(state: State, operation: Operation, by: str = "manager", day: date = date(2026, 3, 1)) -> State:
    """Return the state after an operation that must not be refused."""
    answer = decide(state, submission(operation, by, day))
    assert isinstance(answer, Posted), answer
    return answer.state


def refusal(state: State, operation: Operation, by: str = "manager", day: date = date(2026, 3, 1)) -> str:
    """Return the code of the refusal that there must be."""
    answer = decide(state, submission(operation, by, day))
    assert isinstance(answer, Refusal)
    assert "\n" not in answer.says
    return answer.code


def started(cents: int = 100_000) -> State:
    """Return a fund with an open year, two lines with authority, and an agreement `north` that is posted."""
    state = step(State(RULES), open_year(2026))
    for line in ("general", "courtroom"):
        state = step(state, Appropriate(2026, line, cents, "ordinance", "SO-2026-1"))
    parts = (Part(2026, "general", cents // 2), Part(2026, "courtroom", cents // 4))
    state = step(state, agree("north", *parts))
    return step(state, Post("north"), "director")


def spent(state: State) -> State:
    """Return a fund after an invoice of 20,000 cents of `north` in `general` was approved by two and paid."""
    part = Part(2026, "general", 20_000, "screening")
    state = step(state, invoice("first", "north", part), "clerk")
    for by in ("manager", "director"):
        state = step(state, Approve("first"), by)
    return step(state, Pay("first", "PV-1"), "manager")


def check_whole(state: State) -> None:
    """Assert what must hold of every state: the equation, nothing overdrawn, nothing to spend in a closed year."""
    sums: dict[tuple[bool, int, str], int] = {}
    for (account, year, line, _), cents in state.balances.items():
        book = (account in AUTHORITY, year, line)
        sums[book] = sums.get(book, 0) + cents
        assert cents >= 0 or account not in NEVER_NEGATIVE, (account, year, line)
        assert cents <= 0 or account not in NEVER_POSITIVE, (account, year, line)
        if state.years[year].closed:
            spendable = {
                Account.AVAILABLE, Account.PENDING, Account.ENCUMBERED, Account.ADVANCE, Account.PAYABLE,
            }  # fmt: skip
            assert not cents or account not in spendable
    assert not any(sums.values())
    for year, line, agreement in state.holdings():
        assert state.at(Account.ENCUMBERED, year, line, agreement) >= state.at(
            Account.ADVANCE, year, line, agreement
        )
        assert state.at(Account.EXPENDED, year, line, agreement) == state.at(
            Account.EXPENSE, year, line, agreement
        )
        back = state.returned.get((year, line, agreement), 0)
        assert 0 <= back <= state.at(Account.EXPENSE, year, line, agreement)


YEARS = st.sampled_from((2026, 2027, 2028))
LINES = st.sampled_from(("general", "general", "courtroom", "bond"))
AGREEMENTS = st.sampled_from(("north", "south", "west"))
CLAIMS = st.sampled_from(("first", "second", "third", "fourth"))
CENTS = st.one_of(st.integers(1, 400), st.sampled_from((1, 100, 10_000)))
SERVICES = st.sampled_from(("screening", "screening", "representation", "know-your-rights"))
PEOPLE = st.sampled_from(("anna", "bert", "cleo", "dora"))
DAYS = st.sampled_from(
    (
        date(2025, 12, 31),
        date(2026, 3, 1),
        date(2027, 2, 1),
        date(2028, 2, 1),
        date(2029, 2, 1),
        date(2029, 2, 1),
    )
)


@st.composite
def claim_parts(draw: st.DrawFn) -> tuple[str, tuple[Part, ...]]:
    kind = draw(st.sampled_from(("invoice", "invoice", "advance")))
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        line = draw(LINES)
        service = "representation" if line == "courtroom" else draw(SERVICES)
        cents = draw(CENTS)
        recoup = draw(st.sampled_from((0, 0, cents, cents // 2))) if kind == "invoice" else 0
        parts.append(Part(draw(YEARS), line, cents, service if kind == "invoice" else "", recoup))
    return kind, tuple(parts)


@st.composite
def file_claims(draw: st.DrawFn) -> File:
    kind, parts = draw(claim_parts())
    number = draw(st.sampled_from(("INV-1", "INV-2", "INV-3", "INV-4")))
    return invoice(draw(CLAIMS), draw(AGREEMENTS), *parts, kind=kind, number=number)


OPERATIONS: st.SearchStrategy[Operation] = st.one_of(
    st.builds(open_year, YEARS),
    st.builds(
        Appropriate,
        YEARS,
        LINES,
        st.integers(-300, 2000),
        st.just("ordinance"),
        st.sampled_from(("SO-1", "SO-2")),
    ),
    st.builds(
        lambda agreement, parts: agree(agreement, *parts),
        AGREEMENTS,
        st.lists(st.builds(Part, YEARS, LINES, CENTS), min_size=1, max_size=3),
    ),
    st.builds(Amend, AGREEMENTS, YEARS, LINES, st.integers(-300, 300)),
    st.builds(Post, AGREEMENTS),
    st.builds(Void, AGREEMENTS),
    file_claims(),
    file_claims(),
    st.builds(Withdraw, CLAIMS),
    st.builds(Approve, CLAIMS),
    st.builds(Approve, CLAIMS),
    st.builds(Approve, CLAIMS),
    st.builds(Pay, CLAIMS, st.just("PV-7")),
    st.builds(Pay, CLAIMS, st.just("PV-7")),
    st.builds(Refund, AGREEMENTS, YEARS, LINES, CENTS, YEARS, st.just("RF-1"), st.booleans()),
    st.builds(CloseOut, AGREEMENTS),
    st.builds(CloseYear, YEARS, st.lists(AGREEMENTS, max_size=2, unique=True).map(tuple)),
)
"""Operations from small pools, so that many of them meet."""
