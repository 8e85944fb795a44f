"""Limits of a grant by real clients: shared by its sessions, kept over a restart, told once, and recorded."""

import signal
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from doorward.cli.sample import PEOPLE
from doorward.record.entry import Entry, Field, Kind
from tests_support.plain_city import PlainCity, plain_city

pytestmark = pytest.mark.pg
NONE = "rows = 0\nbytes = 0\nstatements_a_minute = 0\nstatement_seconds = 0\nsession_seconds = 0\nexport_rows = 0\n"
CLERK = PEOPLE[1]
MANY = "SELECT repeat('x', 100) FROM generate_series(1, 100000)"


@pytest.fixture(scope="module", name="city")
def city_fixture() -> Iterator[PlainCity]:
    with plain_city() as city:
        yield city


def limits(**given: int) -> str:
    """Only these limits."""
    names = [line.split(" ")[0] for line in NONE.splitlines()]
    return "".join(f"{name} = {given.get(name, 0)}\n" for name in names)


def refusal(city: PlainCity, *endings: bytes) -> list[Entry]:
    return [entry for entry in city.entries(Kind.COMPLETION) if entry.get(Field.LIMIT) in endings]


def rows_of(session: psycopg.Connection[tuple[object, ...]], question: str) -> int:
    """How many rows arrived before the end or the error."""
    count = 0
    with session.cursor() as cursor:
        for _ in cursor.stream(question):
            count += 1
    return count


def test_two_sessions_share_one_allowance_of_rows_and_another_purpose_has_its_own(city: PlainCity) -> None:
    with (
        city.limited(limits(rows=1000)),
        city.connect() as one,
        city.connect() as other,
        city.connect(CLERK) as clerk,
    ):
        assert rows_of(one, "SELECT generate_series(1, 600)") == 600
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded) as caught:
            rows_of(other, "SELECT generate_series(1, 600)")
        assert "1000 rows have left" in str(caught.value)
        assert "UTC" in (caught.value.diag.message_hint or "")
        for session in (one, other):  # what was reached is reached for all of them
            with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
                session.execute("SELECT 1")
        assert rows_of(clerk, "SELECT generate_series(1, 600)") == 600
    ended = refusal(city, b"rows of a day")
    assert [entry.get(Field.OUTCOME) for entry in ended] == [b"refused"] * 3
    assert [int(entry.get(Field.ROWS) or 0) for entry in ended] == [400, 0, 0]


def test_exactly_the_allowed_rows_leave_in_the_simple_protocol(city: PlainCity) -> None:
    with city.limited(limits(rows=777)):
        done = city.psql("-c", "SELECT generate_series(1, 5000)")
    # psql shows a result that ended in an error not at all; the record says what left.
    assert "ERROR:  a limit of this door is reached: 777 rows" in done.stderr
    assert int(refusal(city, b"rows of a day")[-1].get(Field.ROWS) or 0) == 777


def test_bytes_are_counted_as_they_leave_and_a_row_is_never_cut(city: PlainCity) -> None:
    too_many = pytest.raises(psycopg.errors.ConfigurationLimitExceeded, match="1000000 bytes")
    with city.limited(limits(bytes=1_000_000)), city.connect() as session, too_many:
        session.execute(MANY).fetchall()
    assert 900_000 < int(refusal(city, b"bytes of a day")[-1].get(Field.BYTES) or 0) <= 1_000_000
    # One value of 900 kB and one of 200 kB: the second does not fit.
    with city.limited(limits(bytes=1_000_000)), city.connect() as session:
        assert len(session.execute("SELECT repeat('x', 900000)").fetchall()) == 1
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            session.execute("SELECT repeat('x', 200000)").fetchall()
        assert session.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert [entry.get(Field.BYTES) for entry in refusal(city, b"bytes of a day")] == [b"0"]


def test_a_restart_and_a_kill_keep_the_count(city: PlainCity) -> None:
    with city.limited(limits(rows=1000)):
        with city.connect() as session:
            assert rows_of(session, "SELECT generate_series(1, 500)") == 500
        city.stop()
        city.start(limits(rows=1000))
        with city.connect() as session:
            assert rows_of(session, "SELECT generate_series(1, 400)") == 400
            city.stop(how=signal.SIGKILL)
        city.start(limits(rows=1000))
        with city.connect() as session, pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            rows_of(session, "SELECT generate_series(1, 101)")


def test_statements_of_a_minute_are_refused_with_when_to_go_on_in_both_protocols(city: PlainCity) -> None:
    with city.limited(limits(statements_a_minute=5)), city.connect() as session:
        wait_for_a_young_minute()
        for _ in range(5):
            session.execute("SELECT 1")
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded) as caught:
            session.execute("SELECT %s::int", [1])
        assert "go on in" in (caught.value.diag.message_hint or "")
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            session.execute("SELECT 1; SELECT 2")
        assert not session.closed
    assert len(refusal(city, b"statements of a minute")) >= 2


def test_many_statements_in_one_text_count_each(city: PlainCity) -> None:
    with city.limited(limits(statements_a_minute=20)):
        wait_for_a_young_minute()
        done = city.psql("-c", "".join(f"SELECT {number};" for number in range(200)))
    assert "20 statements" in done.stderr


def test_within_a_transaction_a_refusal_fails_it_and_rollback_passes(city: PlainCity) -> None:
    with city.limited(limits(statements_a_minute=3)), city.connect(autocommit=False) as session:
        wait_for_a_young_minute()
        session.execute("SELECT 1")  # BEGIN counts too
        session.execute("SELECT 1")
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            session.execute("SELECT 1")
        states = [session.info.transaction_status.name]
        session.rollback()
        states.append(session.info.transaction_status.name)
    assert states == ["INERROR", "IDLE"]


def wait_for_a_young_minute() -> None:
    while datetime.now(UTC).second > 50:  # noqa: TID251  # the limit is of the clock's minute
        time.sleep(0.2)


@pytest.mark.parametrize(
    "statement", ["SELECT pg_sleep(60)", "SELECT count(*) FROM generate_series(1, 1000000000)"]
)
def test_the_gateways_own_clock_ends_a_statement_and_the_session_goes_on(
    city: PlainCity, statement: str
) -> None:
    with city.limited(limits(statement_seconds=1)), city.connect() as session:
        session.execute("SET statement_timeout = 0")
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded, match="may run for 1 seconds"):
            session.execute(statement)
        assert session.execute("SELECT 7").fetchone() == (7,)
    assert len(refusal(city, b"time of a statement")) >= 1


def test_a_client_that_never_reads_is_ended_too_and_its_backend_is_free(city: PlainCity) -> None:
    with city.limited(limits(statement_seconds=1)):
        session = city.connect()
        session.pgconn.send_query(b"SELECT repeat('x', 1000), generate_series(1, 10000000)")
        session.pgconn.flush()
        with city.server_connection() as dba:
            while dba.execute(RUNNING).fetchone() != (0,):
                time.sleep(0.05)
        session.pgconn.finish()
    ended = refusal(city, b"time of a statement")[-1]
    assert 0 < int(ended.get(Field.BYTES) or 0) < 100_000_000


RUNNING = """
SELECT count(*) FROM pg_stat_activity
WHERE usename LIKE 'dw_g_%' AND query LIKE '%10000000%' AND state = 'active'
"""


def test_a_session_ends_when_it_has_lasted_as_long_as_it_may(city: PlainCity) -> None:
    with city.limited(limits(session_seconds=2)), city.connect() as session:
        readable = socket.socket(fileno=session.fileno())
        try:
            readable.settimeout(30)
            assert b"57P05" in readable.recv(1000, socket.MSG_PEEK)
        finally:
            readable.detach()
        with pytest.raises(psycopg.errors.IdleSessionTimeout, match="a session may last so long"):
            session.execute("SELECT 1")
    reasons = [entry.get(Field.REASON) for entry in city.entries(Kind.END)]
    assert reasons[-1] == b"session time"


def test_a_purpose_has_limits_of_its_own(city: PlainCity) -> None:
    with city.limited(limits(rows=10) + "[limits.purpose.records-service]\nrows = 20"):
        with city.connect(CLERK) as clerk:
            assert rows_of(clerk, "SELECT generate_series(1, 20)") == 20
        with city.connect() as detective, pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            rows_of(detective, "SELECT generate_series(1, 11)")


def test_a_limit_of_a_purpose_that_the_order_has_not_is_a_fault(city: PlainCity) -> None:
    with pytest.raises(AssertionError, match="is no purpose of the order"):
        city.start("[limits.purpose.curiosity]\nrows = 20")
    city.gateway = None
