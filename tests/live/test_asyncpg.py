"""The door with asyncpg: its statement cache, cursors, introspection of types, COPY, cancel, and what it is refused."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from doorward.cli.sample import PEOPLE

pytestmark = pytest.mark.pg


def with_session(up: Any, work: Callable[[Any], Awaitable[None]], **changed: Any) -> None:
    """Run a coroutine with a session of the detective, which states the claims as settings of the connection."""
    claims = {
        "doorward.purpose": PEOPLE[0].purpose,
        "doorward.case": PEOPLE[0].case_no,
        "doorward.for": "CPD",
    }

    async def run() -> None:
        parameters = {
            "host": "127.0.0.1", "port": up.port, "user": PEOPLE[0].login, "password": PEOPLE[0].password,
            "database": "clear", "ssl": False, "server_settings": claims, "timeout": 20,
        }  # fmt: skip
        session = await asyncpg.connect(**(parameters | changed))
        try:
            await work(session)
        finally:
            await session.close(timeout=20)

    asyncio.run(run())


def test_statements_are_cached_and_answer_with_their_types(up: Any) -> None:
    async def work(session: Any) -> None:
        for number in range(20):
            assert await session.fetchval("SELECT $1::int + 1", number) == number + 1
        row = await session.fetchrow(
            "SELECT person_id, last_name, birth_date, sealed, updated_at FROM persons LIMIT 1"
        )
        assert isinstance(row["last_name"], str)
        assert await session.fetchval("SELECT array_agg(person_id) FROM persons") is not None

    with_session(up, work)


def test_a_statement_cache_of_none_works_too(up: Any) -> None:
    async def work(session: Any) -> None:
        assert [await session.fetchval("SELECT $1::text", text) for text in ("a", "☃")] == ["a", "☃"]

    with_session(up, work, statement_cache_size=0)


def test_types_that_it_does_not_know_are_looked_up_in_the_catalog(up: Any) -> None:
    async def work(session: Any) -> None:
        # A composite, a range and an array of an enum-like domain: the recursive query over pg_type is asked.
        assert await session.fetchval("SELECT '[1,3)'::int4range") == asyncpg.Range(1, 3)
        assert await session.fetchval("SELECT ROW(1, 'a')") == (1, "a")
        # The row of a view: its type is looked up, columns and all.
        assert await session.fetchval("SELECT p FROM persons p LIMIT 1") is not None
        yes_no = "SELECT 'YES'::information_schema.yes_or_no"
        assert await session.fetchval(yes_no) == "YES"

    with_session(up, work)


def test_a_cursor_reads_in_pieces(up: Any) -> None:
    async def work(session: Any) -> None:
        async with session.transaction(readonly=True):
            ids = [
                row[0] async for row in session.cursor("SELECT person_id FROM persons ORDER BY 1", prefetch=7)
            ]
            cursor = await session.cursor("SELECT person_id FROM persons ORDER BY 1")
            assert [row[0] for row in await cursor.fetch(3)] == ids[:3]
            await cursor.forward(2)
            assert (await cursor.fetchrow())[0] == ids[5]
        assert len(ids) == await session.fetchval("SELECT count(*) FROM persons")

    with_session(up, work)


def test_a_query_is_copied_out(up: Any) -> None:
    async def work(session: Any) -> None:
        out = io.BytesIO()
        tag = await session.copy_from_query("SELECT person_id FROM persons", output=out, format="csv")
        assert tag == f"COPY {len(out.getvalue().splitlines())}"
        assert tag == f"COPY {await session.fetchval('SELECT count(*) FROM persons')}"

    with_session(up, work)


def test_writes_of_every_kind_are_refused_and_the_session_goes_on(up: Any) -> None:
    async def work(session: Any) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.executemany("INSERT INTO cases (case_no) VALUES ($1)", [("a",), ("b",)])
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.copy_records_to_table("cases", records=[("a",)], columns=["case_no"])
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute("UPDATE cases SET status = $1", "closed")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.fetch("EXPLAIN SELECT * FROM persons")
        assert await session.fetchval("SELECT 1") == 1

    with_session(up, work)


def test_a_call_that_times_out_cancels_its_statement(up: Any) -> None:
    async def work(session: Any) -> None:
        with pytest.raises(TimeoutError):
            await session.fetchval("SELECT count(*) FROM generate_series(1, 2000000000)", timeout=0.3)
        assert await session.fetchval("SELECT 1") == 1

    with_session(up, work)


def test_who_listens_is_told_that_nothing_will_arrive(up: Any) -> None:
    async def work(session: Any) -> None:
        said: list[str] = []
        session.add_log_listener(lambda _session, message: said.append(message.message))
        await session.add_listener("c", lambda *_: said.append("heard"))
        await session.execute("NOTIFY c")
        await session.fetchval("SELECT 1")
        assert said == ["notifications do not pass this door: none will arrive here"]
        await session.remove_listener("c", lambda *_: None)

    with_session(up, work)


def test_a_session_is_given_back_to_a_pool_as_it_came(up: Any) -> None:
    async def work(session: Any) -> None:
        await session.execute("SET statement_timeout = 12345")
        await session.reset()
        assert await session.fetchval("SELECT 1") == 1

    with_session(up, work)


def test_a_refusal_reads_as_one(up: Any) -> None:
    async def work(_session: Any) -> None:
        pytest.fail("let in")

    claims = {"doorward.purpose": "civil-immigration-enforcement", "doorward.for": "ICE-ERO"}
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="refused: "):
        with_session(up, work, server_settings=claims)
    with pytest.raises(asyncpg.InvalidPasswordError):
        with_session(up, work, password="wrong")
