"""What is held back behind a sync, on the loops that the gateway runs on: a side that goes, a cut, an end meanwhile."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import uvloop

from doorward.gateway.actions import Append, BindLogin
from doorward.gateway.dial import Place
from doorward.gateway.handshake import Channel
from doorward.gateway.relay import Relay
from doorward.gateway.server import Server, ServerParts
from doorward.gateway.session import Phase
from doorward.gateway.sides import ClientSide, UpstreamSide
from doorward.pgwire.messages import format_frame, format_query
from doorward.record.entry import Draft, Entry, Field, Kind
from doorward.record.segments import read_spool
from doorward.record.spool import Spool

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RESULT = format_frame(b"T", b"\0\0") + format_frame(b"C", b"SELECT 0\0") + format_frame(b"Z", b"I")
SECONDS = 20
Runner = Callable[[Callable[[], Awaitable[None]]], None]


class Disk:
    """Confirms a sync when it is told to; until then whoever syncs waits."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.may_end.set()

    def sync(self, file: int) -> None:
        assert self.may_end.wait(SECONDS)
        os.fdatasync(file)


class Person:
    """A client that has its grant, with a PostgreSQL that answers nothing by itself."""

    def __init__(self, side: ClientSide, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.side, self.reader, self.writer = side, reader, writer
        self.heard = bytearray()  # by PostgreSQL
        self.backend: asyncio.StreamWriter

    def ask(self, text: str) -> None:
        self.writer.write(format_query(text.encode()))


class World:
    """A server of the gateway with its spool; what it reaches is here."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.disk = folder, Disk()
        self.spool = Spool.open(folder / "spool", now=NOW, sync=self.disk.sync, durable=frozenset())
        self.released: list[str] = []
        self.bound: list[str] = []
        logins = SimpleNamespace(
            end=lambda _logins: None,
            release=lambda login, _scope: self.released.append(login),
            bind=self._bind,
        )
        people = SimpleNamespace(find=lambda _login: None, find_application=lambda _login: None)
        door = SimpleNamespace(
            logins=logins, directory=people, pack=SimpleNamespace(digest="d"), cuts=(), observing=None
        )
        parts = ServerParts(
            door=cast("Any", door), spool=self.spool, server_secret=b"x" * 32, place=Place("/x", 1, "d", None),
            database="d", durable_purposes=frozenset({"durable"}),
        )  # fmt: skip
        self.server = Server(parts)
        self._sides: list[ClientSide] = []
        self._people: list[Person] = []
        self._reading: list[asyncio.Future[None]] = []
        self._backends: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    def _bind(self, _binding: object) -> str:
        self.bound.append("dw_g_x")
        return self.bound[-1]

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["World"]:
        def make() -> ClientSide:
            self._sides.append(ClientSide(self.server, Channel()))
            return self._sides[-1]

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._backends.put((reader, writer))

        loop = asyncio.get_running_loop()
        self._postgres = await asyncio.start_unix_server(take, str(self.folder / "pg"))
        self._door = await loop.create_server(make, "127.0.0.1", 0)
        try:
            yield self
        finally:
            await self._close()

    async def _close(self) -> None:
        self.disk.may_end.set()
        for person in self._people:
            person.side.abort()
            for writer in (person.writer, person.backend):
                cast("Any", writer.transport).abort()
        for server in (self._door, self._postgres):
            server.close()
            await server.wait_closed()
        async with asyncio.timeout(SECONDS):
            while self.server.tasks:
                await asyncio.gather(*self.server.tasks, return_exceptions=True)
            await asyncio.gather(*self._reading)
        self.server.syncing.close()
        for threads in (self.server.threads, self.server.watchers, self.server.floor_threads):
            threads.shutdown()
        await asyncio.sleep(0.01)  # what was aborted is told so
        self.spool.close(now=NOW)

    async def person(self) -> Person:
        reader, writer = await asyncio.open_connection(*self._door.sockets[0].getsockname()[:2])
        await until(lambda: bool(self._sides) and self._sides[-1].session is not None)
        side = self._sides[-1]
        upstream = UpstreamSide(side, cast("Any", None))  # its handshake is over
        upstream.ready.set_result(())
        await asyncio.get_running_loop().create_unix_connection(lambda: upstream, str(self.folder / "pg"))
        side.upstream, side.login = upstream, f"dw_g_{len(self._sides)}"
        side.answer = cast("Any", SimpleNamespace(
            claims=SimpleNamespace(purpose="durable"), binding=SimpleNamespace(scope_id="s"), on_behalf=None,
            is_protected=False, approval=None, emergency="",
        ))  # fmt: skip
        session = cast("Any", side.session)
        session._opened, session.phase, session.deadline = SimpleNamespace(login="anna"), Phase.RELAY, None
        session._relay = Relay(side.session_id)
        person = Person(side, reader, writer)
        heard, person.backend = await self._backends.get()
        self._reading.append(asyncio.ensure_future(_take_in(heard, person.heard)))
        self._people.append(person)
        return person

    def told(self) -> list[tuple[str, bytes]]:
        """Return the ends of sessions in the record."""
        return [
            (entry.session.hex(), dict(entry.fields)[Field.REASON])
            for entry in read_spool(self.folder / "spool")
            if isinstance(entry, Entry) and entry.kind is Kind.END
        ]


async def _take_in(reader: asyncio.StreamReader, into: bytearray) -> None:
    try:
        while data := await reader.read(65536):
            into += data
    except OSError:
        return


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not holds():  # noqa: ASYNC110  # of what is asked for, nothing tells
            await asyncio.sleep(0.002)


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Runner:
    runner = asyncio.run if request.param == "asyncio" else uvloop.run
    return lambda main: cast("Any", runner)(main())


async def two_that_wait(world: World) -> tuple[Person, Person]:
    """Return two sessions whose statements are held back."""
    one, other = await world.person(), await world.person()
    world.disk.may_end.clear()
    other.ask("select 2")
    await until(lambda: other.side.held is not None)
    one.ask("select 1")
    await until(lambda: one.side.held is not None)
    return one, other


@pytest.mark.parametrize("who", ["the backend", "the client"])
def test_who_goes_while_something_is_held_ends_nobody_else(run: Runner, tmp_path: Path, who: str) -> None:
    async def main() -> None:
        async with World(tmp_path).opened() as world:
            one, other = await two_that_wait(world)
            if who == "the client":
                world.disk.may_end.set()
                await until(lambda: one.side.held is None and other.side.held is None)
                await until(lambda: b"select 1" in one.heard)
                world.disk.may_end.clear()
                other.ask("select 3")
                await until(lambda: other.side.held is not None)
                one.backend.write(RESULT)
                await until(lambda: one.side.held is not None)
                cast("Any", one.writer.transport).abort()
            else:
                one.backend.transport.abort()
            await until(lambda: one.side.session is not None and one.side.session.phase is Phase.OVER)
            world.disk.may_end.set()
            await until(lambda: other.side.held is None and bool(world.released))
            assert world.server.crashed is None
            assert not world.server.stopped.is_set()
            wanted = b"select 2" if who == "the backend" else b"select 3"
            await until(lambda: wanted in other.heard)
            assert world.released == ["dw_g_1"]
            assert [session for session, _ in world.told()] == [one.side.session_id.hex()]

    run(main)


@pytest.mark.parametrize("how", ["deadline", "stop", "cut"])
def test_a_statement_that_is_held_does_not_run_after_its_session_was_ended(
    run: Runner, tmp_path: Path, how: str
) -> None:
    async def main() -> None:
        async with World(tmp_path).opened() as world:
            one, other = await two_that_wait(world)
            if how == "deadline":
                cast("Any", one.side.session).deadline = NOW - timedelta(seconds=1)
                one.side.wake(NOW)
            elif how == "stop":
                one.side.stop("the gateway stops")
            else:
                await world.server.cutting.end([one.side], "cut")
            world.disk.may_end.set()
            await until(lambda: b"select 2" in other.heard and bool(world.released))
            assert bytes(one.heard) == b""
            assert [session for session, _ in world.told()] == [one.side.session_id.hex()]

    run(main)


def test_rows_that_are_held_when_a_cut_is_announced_are_not_given_out(run: Runner, tmp_path: Path) -> None:
    async def main() -> None:
        async with World(tmp_path).opened() as world:
            one, other = await world.person(), await world.person()
            one.ask("select 1")
            await until(lambda: b"select 1" in one.heard)
            world.disk.may_end.clear()
            other.ask("select 2")
            await until(lambda: other.side.held is not None)
            one.backend.write(RESULT)
            await until(lambda: one.side.held is not None)
            one.side.announce("cut")
            world.disk.may_end.set()
            await until(lambda: one.side.held is None)
            one.side.stop("cut")
            async with asyncio.timeout(SECONDS):
                assert await one.reader.read() == b""

    run(main)


def test_no_login_is_bound_for_a_session_that_was_cut_while_its_decision_was_held(
    run: Runner, tmp_path: Path
) -> None:
    async def main() -> None:
        async with World(tmp_path).opened() as world:
            one, other = await world.person(), await world.person()
            side = one.side
            cast("Any", side).upstream, side.login = None, None
            cast("Any", side.session).phase = Phase.CONNECTING
            world.disk.may_end.clear()
            other.ask("select 2")
            await until(lambda: other.side.held is not None)
            side.perform(
                [
                    Append((Draft(Kind.DECISION, side.session_id, 0, ((Field.OUTCOME, b"permit"),)),)),
                    BindLogin(),
                ]
            )
            assert side.held is not None
            side.stop("cut")
            world.disk.may_end.set()
            await until(lambda: side.held is None and b"select 2" in other.heard)
            assert world.bound == []

    run(main)


def test_what_a_session_cannot_do_behind_its_sync_ends_that_one_alone(run: Runner, tmp_path: Path) -> None:
    async def main() -> None:
        async with World(tmp_path).opened() as world:
            asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
            one, other = await two_that_wait(world)

            def fails(_data: bytes) -> None:
                raise RuntimeError("something that nobody thought of")

            cast("Any", one.side.upstream).write = fails
            world.disk.may_end.set()
            await until(lambda: b"select 2" in other.heard and one.side not in world.server.sessions)
            assert world.server.crashed is None
            assert [session for session, _ in world.told()] == [one.side.session_id.hex()]

    run(main)
