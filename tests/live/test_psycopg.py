"""The door with psycopg 3: sync, async, pipelines, cursors on the server, prepared and binary, cancel, COPY."""

import asyncio
import itertools
import os
import signal
import socket
import threading
import time
from datetime import date
from struct import pack
from typing import Any

import psycopg
import pytest
from psycopg import errors, pq
from psycopg.rows import dict_row

pytestmark = pytest.mark.pg
DEEP = 500
LONG = "SELECT count(*) FROM generate_series(1, 2000000000)"


def count(session: psycopg.Connection[Any]) -> int:
    row = session.execute("SELECT count(*) FROM persons").fetchone()
    assert row is not None
    return int(row[0])


def test_a_statement_is_prepared_once_and_run_with_values_of_every_kind(up: Any) -> None:
    with up.connect(prepare_threshold=0) as session:
        for height in range(12):
            found = session.execute("SELECT %s::int + %s::int", [height, 1], prepare=True).fetchone()
            assert found == (height + 1,)
        values = [1, 2.5, "naïve ☃", b"\x00\xff", date(2026, 1, 2), None, [1, 2], True]
        row = session.execute(
            "SELECT %s::int, %s::float8, %s::text, %s::bytea, %s::date, %s::text, %s::int[], %s::bool", values
        ).fetchone()
        assert list(row) == values


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "text"])
def test_rows_come_in_both_formats(up: Any, binary: bool) -> None:  # noqa: FBT001
    with up.connect(row_factory=dict_row) as session, session.cursor(binary=binary) as cursor:
        row = cursor.execute(
            "SELECT person_id, last_name, birth_date, sealed FROM persons LIMIT 1"
        ).fetchone()
        assert [type(value) for value in row.values()] == [int, str, date, bool]


@pytest.mark.parametrize("scrollable", [True, False])
def test_a_cursor_on_the_server_gives_every_row_once(up: Any, scrollable: bool) -> None:  # noqa: FBT001
    with up.connect(autocommit=False) as session:
        with session.cursor("c", scrollable=scrollable) as cursor:
            cursor.itersize = 7
            rows = [row[0] for row in cursor.execute("SELECT person_id FROM persons ORDER BY 1")]
        assert len(set(rows)) == len(rows) == count(session)


def test_rows_stream_one_by_one_and_the_rest_may_be_left(up: Any) -> None:
    with up.connect() as session:
        with session.cursor() as cursor:
            first = list(itertools.islice(cursor.stream("SELECT person_id FROM persons"), 3))
        assert len(first) == 3
        assert count(session) > 3


def test_a_transaction_and_its_savepoints_are_postgresqls_own(up: Any) -> None:
    with up.connect() as session:
        with session.transaction():
            session.execute("SET LOCAL statement_timeout = 12345")
            with pytest.raises(errors.DivisionByZero), session.transaction():
                session.execute("SELECT 1/0")
            assert session.execute("SHOW statement_timeout").fetchone() == ("12345ms",)
        assert session.info.transaction_status is pq.TransactionStatus.IDLE


def test_a_deep_pipeline_with_an_error_in_its_middle_skips_to_its_sync_and_goes_on(up: Any) -> None:
    with up.connect() as session:
        cursors: list[psycopg.Cursor[Any]] = []

        def ask() -> None:
            with session.pipeline() as pipeline:
                half = "SELECT 1 / (%s::int)"
                cursors.extend(session.execute(half, [number - DEEP // 2]) for number in range(DEEP))
                pipeline.sync()

        with pytest.raises(errors.DivisionByZero):
            ask()
        assert cursors[0].fetchone() == (0,)
        with session.pipeline():
            answers = [session.execute("SELECT %s::int", [number]) for number in range(DEEP)]
        assert [answer.fetchone() for answer in answers] == [(number,) for number in range(DEEP)]


def test_copy_out_gives_what_select_gives(up: Any) -> None:
    with up.connect() as session, session.cursor() as cursor:
        with cursor.copy("COPY (SELECT person_id FROM persons) TO STDOUT (FORMAT binary)") as copy:
            copy.set_types(["int4"])
            rows = [row[0] for row in copy.rows()]
        assert len(rows) == count(session)


@pytest.mark.parametrize(
    ("statement", "sqlstate"),
    [
        ("COPY persons FROM STDIN", "42501"),
        ("COPY public.persons FROM STDIN", "42501"),
        ("INSERT INTO persons DEFAULT VALUES", "42501"),
        ("UPDATE cases SET status = 'closed'", "42501"),
        ("DELETE FROM persons", "42501"),
        ("CREATE TABLE t (a int)", "25006"),
        ("SELECT lo_open(1, 262144)", "42501"),
        ("SELECT lo_create(0)", "42501"),
        ("SELECT pg_notify('c', '')", "42501"),
        ("START_REPLICATION SLOT s LOGICAL 0/0", "42601"),
    ],
)
def test_what_is_not_served_is_refused_with_one_message_and_the_session_goes_on(
    up: Any, statement: str, sqlstate: str
) -> None:
    with up.connect() as session:
        for prepare in (False, True):
            with pytest.raises(psycopg.Error) as refused:
                session.execute(statement.encode(), prepare=prepare)
            assert (refused.value.sqlstate, session.execute("SELECT 1").fetchone()) == (sqlstate, (1,))


def test_many_writes_at_once_are_refused_as_one_is(up: Any) -> None:
    with up.connect() as session, session.cursor() as cursor:
        with pytest.raises(errors.InsufficientPrivilege):
            cursor.executemany("INSERT INTO cases (case_no) VALUES (%s)", [["a"], ["b"], ["c"]])
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_who_listens_is_told_so_once_and_hears_nothing(up: Any) -> None:
    said: list[str] = []
    with up.connect() as session:
        session.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
        session.execute("LISTEN c")
        session.execute("NOTIFY c, 'x'")
        assert list(session.notifies(timeout=0.2, stop_after=1)) == []
        assert session.execute("SELECT 1").fetchone() == (1,)
    assert said == ["notifications do not pass this door: none will arrive here"]


@pytest.mark.parametrize("safe", [True, False], ids=["safe", "old"])
def test_a_cancel_reaches_the_statement_and_no_other_session(up: Any, safe: bool) -> None:  # noqa: FBT001
    with up.connect() as session, up.connect() as other:
        other.pgconn.send_query(b"SELECT pg_sleep(0.0); SELECT count(*) FROM persons")
        cancel = session.cancel_safe if safe else session.cancel
        timer = threading.Timer(0.3, cancel)
        timer.start()
        with pytest.raises(errors.QueryCanceled):
            session.execute(LONG)
        timer.join()
        assert session.execute("SELECT 1").fetchone() == (1,)
        for result in iter(other.pgconn.get_result, None):
            assert result.status == pq.ExecStatus.TUPLES_OK


def test_a_cancel_returns_once_postgresql_has_taken_it_so_that_it_meets_no_later_statement(up: Any) -> None:
    with up.city() as dba:
        postmaster = int(dba.execute("SELECT pg_read_file('postmaster.pid', 0, 20)").fetchone()[0].split()[0])
    with up.connect() as session:
        cancelling = threading.Thread(target=session.cancel_safe)
        os.kill(postmaster, signal.SIGSTOP)
        try:
            cancelling.start()
            cancelling.join(0.5)
            has_returned = not cancelling.is_alive()
        finally:
            os.kill(postmaster, signal.SIGCONT)
            cancelling.join()
        assert not has_returned
        assert session.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("key", [b"\0\0\0\0", b"", b"x" * 300], ids=["guessed", "none", "too long"])
def test_a_cancel_with_another_key_cancels_nothing_and_says_nothing(up: Any, key: bytes) -> None:
    with up.connect() as session:
        session.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 3000000)")
        with socket.create_connection(("127.0.0.1", up.port), timeout=20) as raw:
            raw.sendall(pack(">III", 12 + len(key), 80877102, session.info.backend_pid) + key)
            raw.shutdown(socket.SHUT_WR)
            answer = raw.recv(1000)
        assert answer == b"" or b"cancel key" in answer
        results = list(iter(session.pgconn.get_result, None))
        assert [result.status for result in results] == [pq.ExecStatus.TUPLES_OK]


@pytest.mark.parametrize(
    "versions",
    [
        {"max_protocol_version": "3.0"},
        {"max_protocol_version": "3.2"},
        {"max_protocol_version": "latest"},
        {"min_protocol_version": "3.0", "max_protocol_version": "3.2"},
    ],
    ids=str,
)
def test_a_client_of_protocol_3_2_is_answered_with_3_0_and_a_key_of_four_bytes(
    up: Any, versions: dict[str, str]
) -> None:
    if pq.version() < 180000:
        pytest.skip("this libpq does not know protocol 3.2")
    with up.connect(**versions) as session:
        assert session.pgconn.protocol_version == 3
        timer = threading.Timer(0.3, session.cancel_safe)
        timer.start()
        with pytest.raises(errors.QueryCanceled):
            session.execute(LONG)
        timer.join()


def test_a_client_that_takes_nothing_but_3_2_hears_why_it_cannot_come_in(up: Any) -> None:
    if pq.version() < 180000:
        pytest.skip("this libpq does not know protocol 3.2")
    with pytest.raises(psycopg.OperationalError, match=r"3\.0"):
        up.connect(min_protocol_version="3.2", max_protocol_version="3.2")


@pytest.mark.parametrize("mode", ["prefer", "disable"])
def test_a_client_that_asks_for_gss_first_is_served_without(up: Any, mode: str) -> None:
    with up.connect(gssencmode=mode, sslmode="prefer") as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_channel_binding_is_not_to_be_had_without_tls_and_the_client_says_so(up: Any) -> None:
    with pytest.raises(psycopg.OperationalError, match="channel binding"):
        up.connect(channel_binding="require", sslmode="prefer")


def test_many_async_sessions_ask_at_once(up: Any) -> None:
    async def ask(number: int) -> int:
        parameters = up.parameters()
        async with await psycopg.AsyncConnection.connect(**parameters) as session:
            async with session.pipeline():
                cursors = [await session.execute("SELECT %s::int", [number + step]) for step in range(5)]
            rows = [await cursor.fetchone() for cursor in cursors]
            assert rows == [(number + step,) for step in range(5)]
            async with session.cursor("c", withhold=True) as cursor:
                await cursor.execute("SELECT person_id FROM persons")
                found = [row async for row in cursor]
            return len(found)

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(ask(number) for number in range(8)))

    assert len(set(asyncio.run(all_of_them()))) == 1


def test_an_async_task_that_is_cancelled_leaves_the_session_closed_and_the_door_open(up: Any) -> None:
    async def leave() -> None:
        session = await psycopg.AsyncConnection.connect(**up.parameters())
        try:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await session.execute(LONG)
        finally:
            await session.close()

    asyncio.run(leave())
    deadline = time.monotonic() + 20
    with up.city() as dba:
        running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = %s"
        while dba.execute(running, [LONG]).fetchone() != (0,):
            assert time.monotonic() < deadline
    with up.connect() as session:
        assert session.execute("SELECT 1").fetchone() == (1,)
