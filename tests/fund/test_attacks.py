"""What the application's own role may not do, by SQL of any kind; nothing here goes through doorward's code."""

import uuid
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.fund import rows
from doorward.fund.ledger.accounts import Account, Posting
from doorward.fund.ledger.decide import Posted, decide
from doorward.fund.ledger.operations import (
    Appropriate,
    Approve,
    CloseYear,
    File,
    Operation,
    Part,
    Pay,
    Post,
    Submission,
    format_transaction,
)
from doorward.fund.ledger.refusal import Refusal
from doorward.fund.ledger.state import State
from doorward.fund.store import Receipt
from fund.conftest import NOW, Fund
from tests_support.fund import DAYS, OPERATIONS, PEOPLE, agree, invoice, open_year, submission

pytestmark = pytest.mark.pg
PUT = (
    "INSERT INTO fund.transaction (key, operation, login, day, year, agreement, claim, text) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, '{}') RETURNING number"
)
LATE = date(2027, 2, 1)


@pytest.fixture
def started(fund: Fund) -> Fund:
    """A fund with 1,000 cents in `general`, of which `north` holds 600, and a claim of 200 that waits."""
    operations: list[tuple[Operation, str]] = [
        (open_year(2026), "manager"),
        (open_year(2027), "manager"),
        (Appropriate(2026, "general", 1_000, "ordinance", "SO-1"), "manager"),
        (agree("north", Part(2026, "general", 600)), "manager"),
        (Post("north"), "director"),
        (invoice("first", "north", Part(2026, "general", 200, "screening")), "clerk"),
    ]
    store = fund.store()
    for operation, by in operations:
        assert isinstance(store.submit(submission(operation, by), now=NOW), Receipt)
    return fund


KEPT = ("transaction", "recorded", "year", "agreement", "claim", "claim_part", "posting")
OTHERS = ("standing", "holding", "line", "line_service", "source", "rule", "operation", "may_post")
CHANGES = ("UPDATE fund.{0} SET {1} = {1}", "DELETE FROM fund.{0}", "TRUNCATE fund.{0} CASCADE")


def changes(connection: psycopg.Connection[Any], tables: Sequence[str]) -> list[bytes]:
    """Return every way to change or remove rows of tables."""
    columns = {
        table: connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE (table_schema, table_name) = ('fund', %s) "
            "AND is_identity = 'NO'", [table],
        ).fetchall()[0][0]
        for table in tables
    }  # fmt: skip
    return [change.format(table, columns[table]).encode() for table in tables for change in CHANGES]


def test_nothing_is_changed_or_removed(started: Fund) -> None:
    with started.connect() as connection:
        for change in changes(connection, KEPT + OTHERS):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(change)


def test_a_superuser_must_first_take_a_trigger_away(started: Fund) -> None:
    with started.connect("postgres") as connection:
        for change in changes(connection, KEPT):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="is only added to"):
                connection.execute(change)


AROUND = (
    "SET ROLE doorward_fund_owner", "DROP TRIGGER taken ON fund.posting",
    "ALTER TABLE fund.posting DISABLE TRIGGER ALL",
    "SET session_replication_role = replica", "CREATE TABLE fund.mine ()", "CREATE TEMP TABLE mine ()",
    "SELECT fund.add_up(1)", "INSERT INTO fund.standing VALUES (2027, 'general', -5, 5)",
    "INSERT INTO fund.turn VALUES (true)", "INSERT INTO fund.line VALUES ('mine', true, true)",
    "GRANT doorward_fund_owner TO doorward_fund", "CREATE FUNCTION pg_temp.mine() RETURNS int RETURN 1",
    "INSERT INTO fund.year VALUES (2030, '2030-01-01', '2030-12-31', 1, 1)",
    "INSERT INTO fund.transaction (number, key, inserted) OVERRIDING SYSTEM VALUE VALUES (9, gen_random_uuid(), '1')",
)  # fmt: skip


def test_no_way_around_the_triggers(started: Fund) -> None:
    with started.connect() as connection:
        for statement in AROUND:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def attempt(
    fund: Fund, operation: str, postings: Sequence[Posting], *, by: str = "manager", agreement: str | None = None,
    claim: str | None = None, year: int | None = None, day: date = LATE,
) -> None:  # fmt: skip
    """Do what the application's role can do to post this; raises what the server says."""
    with fund.connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        with connection.transaction():
            number = put(connection, operation, by=by, agreement=agreement, claim=claim, year=year, day=day)
            rows.put_postings(connection, number, postings)
            connection.execute("INSERT INTO fund.recorded VALUES (%s, %s)", [number, 10_000 + number])


def put(connection: psycopg.Connection[Any], operation: str, **more: Any) -> int:
    at = (
        more.get("by", "manager"),
        more.get("day", LATE),
        more.get("year"),
        more.get("agreement"),
        more.get("claim"),
    )
    row = connection.execute(PUT, [uuid.uuid1(), operation, *at]).fetchone()
    assert row is not None
    return int(row[0])


def pair(
    debit: Account, credit: Account, cents: int, *, year: int = 2026, line: str = "general"
) -> list[Posting]:
    held = {
        Account.PENDING,
        Account.ENCUMBERED,
        Account.EXPENDED,
        Account.EXPENSE,
        Account.PAYABLE,
        Account.ADVANCE,
    }
    return [
        Posting(account, year, line, "north" if account in held else "", value)
        for account, value in ((debit, cents), (credit, -cents))
    ]


A = Account
BOTH = pair(A.AVAILABLE, A.APPROPRIATED, 5)


def test_the_attacks_below_fail_for_what_they_do_alone(started: Fund) -> None:
    attempt(started, "appropriate", pair(A.AVAILABLE, A.APPROPRIATED, 5))
    assert started.store().state().at(A.AVAILABLE, 2026, "general") == 405


@pytest.mark.parametrize(
    ("operation", "postings", "says"),
    [
        ("appropriate", [Posting(A.AVAILABLE, 2026, "general", "", 5)], "debits are not the credits"),
        ("appropriate", [BOTH[0], Posting(A.APPROPRIATED, 2027, "general", "", -5)],
         "debits are not the credits"),
        ("appropriate", [BOTH[0], Posting(A.APPROPRIATED, 2026, "courtroom", "", -5)],
         "debits are not the credits"),
        ("appropriate", [], "posts nothing"),
        ("appropriate", pair(A.APPROPRIATED, A.AVAILABLE, 401), "nothing_beyond_the_appropriation"),
        ("appropriate", pair(A.AVAILABLE, A.APPROPRIATED, 5, line="bond"), "is off"),
        ("appropriate", pair(A.AVAILABLE, A.TREASURY, 5), "may not post"),
        ("amend", pair(A.PENDING, A.AVAILABLE, 401), "nothing_beyond_the_appropriation"),
        ("amend", pair(A.AVAILABLE, A.ENCUMBERED, 601), "nothing_beyond_the_encumbrance"),
        ("post", pair(A.ENCUMBERED, A.PENDING, 1), "holding_pending_check"),
        ("void", pair(A.AVAILABLE, A.ENCUMBERED, 601), "nothing_beyond_the_encumbrance"),
        ("approve", [*pair(A.EXPENDED, A.ENCUMBERED, 200), *pair(A.EXPENSE, A.PAYABLE, 200)], "last approval"),
        ("pay", pair(A.PAYABLE, A.TREASURY, 200), "holding_payable_check"),
        ("pay", [], "posts nothing"),
        ("close-out", [], "still holds|is waiting"),
        ("refund", [*pair(A.TREASURY, A.EXPENSE, 1), *pair(A.ENCUMBERED, A.EXPENDED, 1)], "check constraint"),
        ("close-year", [], "still holds|is waiting"),
        ("void", [], "posts nothing"),
    ],
)  # fmt: skip
def test_the_server_refuses(started: Fund, operation: str, postings: list[Posting], says: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=says):
        attempt(
            started, operation, postings, agreement=None if operation == "close-year" else "north",
            claim="first" if operation in {"approve", "pay"} else None,
            year=2026 if operation == "close-year" else None,
        )  # fmt: skip


def approve_raw(fund: Fund, by: str, cents: int = 0) -> None:
    postings = [*pair(A.EXPENDED, A.ENCUMBERED, cents), *pair(A.EXPENSE, A.PAYABLE, cents)] if cents else []
    attempt(fund, "approve", postings, by=by, claim="first", agreement="north")


def test_an_approval_is_of_two_others_and_of_what_was_claimed(started: Fund) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="who filed"):
        approve_raw(started, "clerk")
    approve_raw(started, "manager")
    with pytest.raises(psycopg.errors.UniqueViolation):
        approve_raw(started, "manager", 200)
    with pytest.raises(psycopg.errors.CheckViolation, match="not what was claimed"):
        approve_raw(started, "director", 199)
    with pytest.raises(psycopg.errors.CheckViolation, match="last approval"):
        approve_raw(started, "director")
    approve_raw(started, "director", 200)
    with pytest.raises(psycopg.errors.CheckViolation, match="approved before"):
        approve_raw(started, "third", 200)
    pay = pair(A.PAYABLE, A.TREASURY, 199)
    with pytest.raises(psycopg.errors.CheckViolation, match="paid whole"):
        attempt(started, "pay", pay, claim="first", agreement="north")
    attempt(started, "pay", pair(A.PAYABLE, A.TREASURY, 200), claim="first", agreement="north")
    with pytest.raises(psycopg.errors.UniqueViolation):
        attempt(started, "pay", pair(A.PAYABLE, A.TREASURY, 200), claim="first", agreement="north")


def test_nothing_goes_into_a_closed_year(started: Fund) -> None:
    store = started.store()
    for operation, by in (
        (Approve("first"), "manager"),
        (Approve("first"), "director"),
        (Pay("first", "PV-1"), "manager"),
    ):
        assert isinstance(store.submit(submission(operation, by), now=NOW), Receipt)
    with pytest.raises(psycopg.errors.CheckViolation, match="not over"):
        attempt(started, "close-year", [], year=2026, day=date(2026, 12, 31))
    assert isinstance(store.submit(submission(CloseYear(2026), "manager", LATE), now=NOW), Receipt)
    with pytest.raises(psycopg.errors.CheckViolation, match="closed"):
        attempt(started, "appropriate", pair(A.AVAILABLE, A.APPROPRIATED, 5))
    with pytest.raises(psycopg.errors.CheckViolation, match="is closed"):
        attempt(started, "close-year", [], year=2026)


INVOICED = [*pair(A.EXPENDED, A.ENCUMBERED, 200), *pair(A.EXPENSE, A.PAYABLE, 200)]


def late(connection: psycopg.Connection[Any]) -> None:
    rows.put_postings(connection, 1, BOTH)


def twice(connection: psycopg.Connection[Any]) -> None:
    number = put(connection, "appropriate")
    rows.put_postings(connection, number, BOTH)
    again = "INSERT INTO fund.posting VALUES (%s, 3, 'available', 2026, 'general', '', 5, 0)"
    connection.execute(again, [number])


def after_the_check(connection: psycopg.Connection[Any]) -> None:
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    connection.execute("SET CONSTRAINTS fund.transaction_is_recorded DEFERRED")
    number = put(connection, "approve", claim="first", agreement="north")
    rows.put_postings(connection, number, INVOICED)


def unrecorded(connection: psycopg.Connection[Any]) -> None:
    rows.put_postings(connection, put(connection, "appropriate"), BOTH)


def a_part_more(connection: psycopg.Connection[Any]) -> None:
    connection.execute("INSERT INTO fund.claim_part VALUES ('first', 2, 2026, 'general', 'screening', 5, 0)")


def an_agreement_of_nobody(connection: psycopg.Connection[Any]) -> None:
    number = put(connection, "appropriate", agreement="south")
    connection.execute(
        "INSERT INTO fund.agreement (id, grantee, begins, ends, transaction, author) "
        "VALUES ('south', 'any', '2026-01-01', '2026-12-31', %s, 'manager')", [number],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        (late, "all at once"), (twice, "all at once"), (after_the_check, "last approval"),
        (unrecorded, "transaction_is_recorded"), (a_part_more, "makes it"), (an_agreement_of_nobody, "makes it"),
    ],
)  # fmt: skip
def test_what_is_put_in_piece_by_piece_is_refused(
    started: Fund, attack: Callable[[psycopg.Connection[Any]], None], says: str
) -> None:
    with started.connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        with pytest.raises(psycopg.errors.IntegrityError, match=says), connection.transaction():
            attack(connection)


def test_nothing_is_written_that_is_not_serializable(started: Fund) -> None:
    with started.connect() as connection, pytest.raises(psycopg.errors.CheckViolation, match="serializable"):
        put(connection, "open-year")


def rich(state: State) -> State:
    """Return a state in which far more may be done: sums, years and people are no bound."""
    more = {
        Account.AVAILABLE,
        Account.ENCUMBERED,
        Account.PENDING,
        Account.EXPENSE,
        Account.EXPENDED,
        Account.ADVANCE,
    }
    balances = {place: cents + (1_000 if place[0] in more else 0) for place, cents in state.balances.items()}
    years = {number: type(year)(year.year, year.begins, year.ends) for number, year in state.years.items()}
    agreements = {
        name: type(one)(one.id, one.grantee, one.begins, one.ends, "nobody")
        for name, one in state.agreements.items()
    }
    claims = {
        name: type(one)(
            one.id, one.agreement, one.kind, one.number, "nobody", one.parts, one.approvers, one.status
        )
        for name, one in state.claims.items()
    }
    return State(state.rules, years, agreements, claims, balances, {})


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.builds(submission, OPERATIONS, PEOPLE, DAYS), min_size=5, max_size=40),
    st.lists(st.builds(submission, OPERATIONS, PEOPLE, DAYS), min_size=5, max_size=20),
)
def test_the_server_alone_refuses_what_the_core_refuses(
    started: Fund, before: list[Submission], tried: list[Submission]
) -> None:
    store = started.store()
    for one in before:
        store.submit(one, now=NOW)
    state = store.state()
    for one in tried:
        real, wished = decide(state, one), decide(rich(state), one)
        if isinstance(real, Refusal) and isinstance(wished, Posted) and not is_only_early(one, real):
            with pytest.raises(psycopg.errors.IntegrityError):
                write(started, one, wished)
    store.close()


def is_only_early(one: Submission, real: Refusal) -> bool:
    """Whether the core refuses to file what the server refuses to approve: a claim that waits holds no money."""
    return isinstance(one.operation, File) and real.code in {"encumbrance", "advance"}


def write(fund: Fund, one: Submission, wished: Posted) -> None:
    """Write what somebody wished, in a database transaction that is taken back in the end."""
    with fund.connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        with connection.transaction(force_rollback=True):
            number = rows.put_transaction(
                connection, one, format_transaction(one, wished.postings), wished.state
            )
            rows.put_postings(connection, number, wished.postings)
            connection.execute("INSERT INTO fund.recorded VALUES (%s, %s)", [number, 10_000_000 + number])
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            raise AssertionError(f"the server took {one} with {wished.postings}, that the core refuses")


def test_nothing_is_taken_over_into_a_line_that_runs(started: Fund) -> None:
    """One person, an agreement that runs, and money that was spent on it: no second person, no claim."""
    postings = [
        Posting(Account.APPROPRIATED, 2026, "general", "", -300),
        Posting(Account.AVAILABLE, 2026, "general", "", 100),
        Posting(Account.EXPENDED, 2026, "general", "north", 200),
        Posting(Account.EXPENSE, 2026, "general", "north", 200),
        Posting(Account.TREASURY, 2026, "general", "", -200),
    ]
    with pytest.raises(psycopg.errors.CheckViolation, match="the line runs already"):
        attempt(started, "opening", postings, agreement="north", day=date(2026, 3, 1))
