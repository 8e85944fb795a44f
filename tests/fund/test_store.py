"""The fund on a real PostgreSQL: the same answers as the core, once for each key, from many connections."""

import threading
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from doorward.errors import StoreError, UpstreamError
from doorward.fund.database import install
from doorward.fund.ledger.accounts import Account
from doorward.fund.ledger.decide import Posted, decide
from doorward.fund.ledger.operations import (
    Appropriate,
    Approve,
    CloseYear,
    Part,
    Pay,
    Post,
    Refund,
    Submission,
)
from doorward.fund.ledger.refusal import Refusal
from doorward.fund.ledger.state import State
from doorward.fund.store import Receipt, Store
from doorward.record.entry import Field
from fund.conftest import NOW, Fund
from tests_support.fund import (
    DAYS,
    OPERATIONS,
    PEOPLE,
    RULES,
    agree,
    check_whole,
    invoice,
    open_year,
    submission,
)

pytestmark = pytest.mark.pg


def must(store: Store, one: Submission) -> Receipt:
    answer = store.submit(one, now=NOW)
    assert isinstance(answer, Receipt), answer
    return answer


def start(store: Store) -> None:
    for operation, by in (
        (open_year(2026), "manager"),
        (open_year(2027), "manager"),
        (Appropriate(2026, "general", 100_000, "ordinance", "SO-1"), "manager"),
        (agree("north", Part(2026, "general", 60_000)), "manager"),
        (Post("north"), "director"),
    ):
        must(store, submission(operation, by))


def only_what_is_not_nought(state: State) -> State:
    balances = {place: cents for place, cents in state.balances.items() if cents}
    returned = {place: cents for place, cents in state.returned.items() if cents}
    return State(state.rules, state.years, state.agreements, state.claims, balances, returned)


def test_a_whole_life_on_a_server(fund: Fund) -> None:
    store = fund.store()
    start(store)
    claims = invoice("first", "north", Part(2026, "general", 20_000, "screening"))
    receipt = None
    for operation, by, day in (
        (claims, "clerk", date(2026, 3, 1)),
        (Approve("first"), "manager", date(2026, 3, 2)),
        (Approve("first"), "director", date(2026, 3, 2)),
        (Pay("first", "PV-1"), "manager", date(2026, 3, 3)),
        (CloseYear(2026, ("north",)), "manager", date(2027, 1, 20)),
        (Refund("north", 2027, "general", 500, 2026, "RF-1"), "manager", date(2027, 2, 1)),
    ):
        receipt = must(store, submission(operation, by, day))
    assert receipt is not None
    state = store.state()
    check_whole(state)
    assert state.years[2026].closed
    assert state.at(Account.TREASURY, 2026, "general") == -20_000
    assert state.returned[2026, "general", "north"] == 500
    acts = [entry.get(Field.ACT) for entry in fund.record.entries]
    assert acts == [b"post", b"posted"] * 11
    assert fund.record.entries[receipt.entry].get(Field.WHAT) == b"refund"


def test_a_second_submit_of_a_key_finds_the_first(fund: Fund) -> None:
    store = fund.store()
    must(store, submission(open_year(2026)))
    one = submission(Appropriate(2026, "general", 1_000, "ordinance", "SO-1"))
    first, second = must(store, one), must(fund.store(), one)
    assert (second.again, second.number, second.postings) == (True, first.number, first.postings)
    other = Submission(one.key, one.by, one.day, Appropriate(2026, "general", 2_000, "ordinance", "SO-1"))
    answer = store.submit(other, now=NOW)
    assert isinstance(answer, Refusal)
    assert answer.code == "key"
    assert store.state().at(Account.APPROPRIATED, 2026, "general") == -1_000


def test_what_cannot_be_recorded_is_not_posted(fund: Fund) -> None:
    class Full:
        def record(self, drafts: Any, *, now: Any) -> int:
            del drafts, now
            raise StoreError("no space left")

    with pytest.raises(StoreError):
        fund.store(recorder=Full()).submit(submission(open_year(2026)), now=NOW)
    assert fund.store().state().years == {}


def test_an_install_again_changes_nothing_and_a_line_that_is_dropped_is_switched_off(fund: Fund) -> None:
    start(fund.store())
    lines = {code: line for code, line in RULES.lines.items() if code != "general"}
    with fund.connect("postgres") as connection:
        assert not install(connection, RULES).changed
        assert fund.store().state().rules == RULES
        install(connection, type(RULES)(lines, RULES.sources))
    answer = fund.store().submit(submission(Appropriate(2026, "general", 1, "ordinance", "SO-1")), now=NOW)
    assert isinstance(answer, Refusal)
    assert answer.code == "line-off"


def test_a_server_that_is_not_there_is_a_failure_with_a_hint(fund: Fund) -> None:
    store = Store("host=/nowhere dbname=none", fund.record)
    with pytest.raises(UpstreamError, match="does not answer") as raised:
        store.submit(submission(open_year(2026)), now=NOW)
    assert raised.value.hint


def test_many_connections_take_no_more_than_there_is(fund: Fund) -> None:
    start(fund.store())
    for number in range(8):
        must(
            fund.store(),
            submission(invoice(f"c{number}", "north", Part(2026, "general", 10_000, "screening")), "clerk"),
        )
    answers: list[Receipt | Refusal] = []

    def approve(by: str) -> Iterator[Receipt | Refusal]:
        store = fund.store()
        for number in range(8):
            yield store.submit(submission(Approve(f"c{number}"), by), now=NOW)
        store.close()

    threads = [
        threading.Thread(target=lambda by=by: answers.extend(approve(by))) for by in ("p1", "p2", "p3", "p4")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = fund.store().state()
    check_whole(state)
    assert len(answers) == 32
    assert state.at(Account.EXPENSE, 2026, "general", "north") == 60_000
    assert sum(claim.status == "approved" for claim in state.claims.values()) == 6
    assert {answer.code for answer in answers if isinstance(answer, Refusal)} <= {
        "claim-status",
        "encumbrance",
    }


def test_one_key_from_many_connections_is_posted_once(fund: Fund) -> None:
    start(fund.store())
    one = submission(Appropriate(2026, "general", 7, "ordinance", "SO-9"))
    answers: list[Receipt | Refusal] = []
    threads = [
        threading.Thread(target=lambda: answers.append(fund.store().submit(one, now=NOW))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.number for answer in answers if isinstance(answer, Receipt)}) == 1
    assert sorted(answer.again for answer in answers if isinstance(answer, Receipt)) == [False] + [True] * 5
    assert fund.store().state().at(Account.APPROPRIATED, 2026, "general") == -100_007


@settings(
    max_examples=15, deadline=None, phases=(Phase.explicit, Phase.generate, Phase.target),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(st.lists(st.builds(submission, OPERATIONS, PEOPLE, DAYS), min_size=20, max_size=60))
def test_the_server_holds_what_the_core_says(fund: Fund, submissions: list[Submission]) -> None:
    store = fund.store()
    state = store.state()  # what earlier examples left: a fund never starts anew
    for one in submissions:
        expected, answer = decide(state, one), store.submit(one, now=NOW)
        if isinstance(expected, Refusal):
            assert answer == expected
            continue
        assert isinstance(answer, Receipt)
        assert answer.postings == expected.postings
        state = expected.state
    assert isinstance(decide(state, submission(open_year(2026))), (Posted, Refusal))
    assert only_what_is_not_nought(store.state()) == only_what_is_not_nought(state)
    check_whole(state)
    store.close()
