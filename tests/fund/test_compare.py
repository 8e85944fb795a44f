"""Whoever is a superuser of the fund's database is found by the record."""

import pytest

from doorward.fund import rows
from doorward.fund.compare import Comparison, Told, compare
from doorward.fund.ledger.operations import Appropriate, Approve, Part, Pay, Post
from doorward.fund.store import Receipt
from fund.conftest import NOW, Fund
from tests_support.fund import agree, invoice, open_year, submission

pytestmark = pytest.mark.pg


@pytest.fixture
def filled(fund: Fund) -> Fund:
    store = fund.store()
    for operation, by in (
        (open_year(2026), "manager"),
        (Appropriate(2026, "general", 1_000, "ordinance", "SO-1"), "manager"),
        (agree("north", Part(2026, "general", 600)), "manager"),
        (Post("north"), "director"),
        (invoice("first", "north", Part(2026, "general", 500, "screening")), "clerk"),
        (Approve("first"), "manager"),
        (Approve("first"), "director"),
        (Pay("first", "PV-1"), "manager"),
    ):
        assert isinstance(store.submit(submission(operation, by), now=NOW), Receipt)
    return fund


def look(fund: Fund) -> Comparison:
    with fund.store().reading() as connection:
        kept, postings, state = (
            rows.read_kept(connection),
            rows.read_postings(connection),
            rows.read_state(connection),
        )
    told = [Told(one.number, one.entry, one.text, postings.get(one.number, ())) for one in kept]
    return compare(told, fund.record.entries, state.balances, state.returned)


def test_a_ledger_that_nobody_touched_is_what_the_record_says(filled: Fund) -> None:
    assert look(filled) == Comparison(8, (), ())


TAMPERING = {
    "a posting": "UPDATE fund.posting SET cents = cents * 2 WHERE transaction = 8",
    "a posting and its balances": (
        "UPDATE fund.posting SET cents = cents - 100 * sign(cents)::bigint WHERE transaction = 2; "
        "UPDATE fund.standing SET appropriated = appropriated + 100, available = available - 100"
    ),
    "a balance": "UPDATE fund.standing SET available = available + 1",
    "a text": "UPDATE fund.transaction SET text = replace(text, 'SO-1', 'SO-2') WHERE number = 2",
    "who did it": "UPDATE fund.transaction SET text = replace(text, 'director', 'somebody') WHERE number = 7",
    "the last transaction gone": (
        "DELETE FROM fund.posting WHERE transaction = 8; DELETE FROM fund.recorded WHERE transaction = 8; "
        "DELETE FROM fund.transaction WHERE number = 8"
    ),
    "another entry named": "UPDATE fund.recorded SET entry = 999 WHERE transaction = 3",
    "one made up": (
        "INSERT INTO fund.transaction (key, operation, login, day, text, inserted) "
        "VALUES (gen_random_uuid(), 'appropriate', 'manager', '2026-03-01', '{}', '1'); "
        "INSERT INTO fund.recorded SELECT max(number), 500 FROM fund.transaction"
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_what_a_superuser_changes_is_found(filled: Fund, what: str) -> None:
    with filled.connect("postgres") as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(TAMPERING[what].encode())
    assert look(filled).wrong
