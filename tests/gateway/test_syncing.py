"""One sync for all sessions that wait: who is let go when, and that a disk which refuses lets nobody go."""

import asyncio
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Semaphore
from types import SimpleNamespace
from typing import Any, cast

import pytest

from doorward.errors import StoreError, UnsyncedError
from doorward.gateway.actions import Action, Append, Close, EndStatement, ToClient, ToServer
from doorward.gateway.handshake import Channel
from doorward.gateway.server import Server
from doorward.gateway.sides import ClientSide
from doorward.gateway.syncing import Recorded, Syncing
from doorward.record.entry import Field, Kind
from doorward.record.spool import Spool, SpoolLimits
from record.samples import NOW, entries_of, query, seeded, session_id


class Disk:
    """A disk that fails at one call of one sort, and knows how many writes each sync that ended well covered."""

    def __init__(self, fail_at: tuple[str, int] = ("", 0)) -> None:
        self.fail_at = fail_at
        self.calls = {"write": 0, "sync": 0}
        self.covered = 0
        self.threads: list[str] = []

    def _call(self, sort: str) -> None:
        self.calls[sort] += 1
        if (sort, self.calls[sort]) == self.fail_at:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def write(self, file: int, data: bytes) -> int:
        self._call("write")
        return os.write(file, data)

    def sync(self, file: int) -> None:
        covers = self.calls["write"]
        self._call("sync")
        os.fdatasync(file)
        self.covered = covers


@dataclass
class Session:
    """Records request after request, and knows behind which write each of them stands."""

    door: "Door"
    number: int
    left: int
    told: int = 0
    lost_at: int | None = None
    write: int = 0

    def go(self) -> None:
        while self.left and self.lost_at is None:
            self.left -= 1
            found = self.door.record(self)
            if found is not Recorded.DONE:
                return
            self.tell()

    def tell(self) -> None:
        assert self.write <= self.door.disk.covered, "nobody is told before the sync that covers it"
        self.told += 1
        self.door.told.append((self.number, self.told))

    def confirmed(self) -> None:
        self.tell()
        self.go()

    def lost(self) -> None:
        self.lost_at = self.told

    def abort(self) -> None:
        raise AssertionError("a session could not be told")


@dataclass
class Door:
    """What there is of a server where sessions wait for the disk."""

    spool: Spool
    disk: Disk
    failed: StoreError | None = None
    told: list[tuple[int, int]] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.syncing = Syncing(self.spool, self.fail)

    def fail(self, error: StoreError) -> None:
        self.failed = self.failed or error

    def record(self, session: Session) -> Recorded:
        if self.failed is not None:
            return Recorded.FAILED
        text = b"%d %d" % (session.number, session.told + 1)
        try:
            waits = self.spool.write(
                [query(session_id(session.number), session.told + 1, text)], now=NOW, durable=True
            )
            session.write = self.disk.calls["write"]
            if self.syncing.wrote(session, waits=waits):
                return Recorded.DONE
        except StoreError as error:
            self.fail(error)
            return Recorded.FAILED
        if self.syncing.join(session):
            self.tasks.append(asyncio.get_running_loop().create_task(self.syncing.run()))
        return Recorded.WAITS

    async def settle(self) -> None:
        while waiting := [task for task in self.tasks if not task.done()]:
            await asyncio.wait(waiting)
        for task in self.tasks:
            task.result()
        try:
            self.spool.tick(now=NOW)  # as the server does a few times a second
        except StoreError as error:
            self.fail(error)


@contextmanager
def door_of(folder: Path, disk: Disk, segment_bytes: int = 1_500) -> Iterator[Door]:
    limits = SpoolLimits(segment_bytes=segment_bytes)
    spool = Spool.open(
        folder, now=NOW, random=seeded(), limits=limits, write=disk.write, sync=disk.sync, durable=frozenset()
    )
    door = Door(spool, disk)
    try:
        yield door
    finally:
        door.syncing.close()
        spool.fail()  # so that nothing is synced or cut: as a kill leaves it
        spool._release()


def serve(folder: Path, disk: Disk, counts: tuple[int, ...], segment_bytes: int = 1_500) -> Door:
    async def work(door: Door) -> None:
        sessions = [Session(door, number, count) for number, count in enumerate(counts, 1)]
        for session in sessions:
            session.go()
        await door.settle()
        assert door.failed is not None or [session.told for session in sessions] == list(counts)

    with door_of(folder, disk, segment_bytes) as door:
        asyncio.run(work(door))
    return door


def recorded(folder: Path) -> list[tuple[int, int]]:
    entries = [entry for entry in entries_of(folder) if entry.kind is Kind.REQUEST]
    texts = [dict(entry.fields)[Field.TEXT].split() for entry in entries]
    return [(int(session), int(number)) for session, number in texts]


def test_sessions_that_wait_at_the_same_time_share_a_sync(tmp_path: Path) -> None:
    disk = Disk()
    door = serve(tmp_path, disk, (10,) * 8, segment_bytes=2**24)
    assert len(door.told) == 80
    assert disk.calls["sync"] == 10, "groups of eight"
    assert sorted(recorded(tmp_path)) == sorted(door.told)
    for number in range(1, 9):
        assert [count for session, count in door.told if session == number] == list(range(1, 11))


def test_a_session_alone_is_synced_where_it_stands(tmp_path: Path) -> None:
    door = serve(tmp_path, Disk(), (12,))
    assert len(door.told) == 12
    assert len(door.tasks) == 1, "the first one alone does not know that it is"


@pytest.mark.parametrize("sort", ["write", "sync"])
@pytest.mark.parametrize("counts", [(6,), (4, 4, 4)], ids=["one session", "three sessions"])
def test_wherever_the_disk_refuses_nobody_is_told_of_what_it_does_not_have(
    tmp_path: Path, sort: str, counts: tuple[int, ...]
) -> None:
    for at in range(2, 60):  # the first write is the segment's head
        folder = tmp_path / f"{at}"
        disk = Disk((sort, at))
        door = serve(folder, disk, counts)
        has_failed = disk.calls[sort] >= at
        assert (door.failed is not None) == has_failed
        if sort == "sync" and has_failed:
            assert disk.calls["sync"] == at, "and it is never asked again"
            assert isinstance(door.failed, UnsyncedError)
        Spool.open(folder, now=NOW).close(now=NOW)
        assert set(door.told) <= set(recorded(folder)), at
        if not has_failed:
            assert len(door.told) == sum(counts)
            return
    raise AssertionError("more calls than there should be")


def test_who_joins_while_a_sync_fails_is_lost_with_it(tmp_path: Path) -> None:
    disk, goes_on, begun = Disk(("sync", 1)), Event(), Semaphore(0)
    whole = disk.sync

    def slow(file: int) -> None:
        begun.release()
        assert goes_on.wait(30)
        whole(file)

    disk.sync = slow  # type: ignore[method-assign]  # one that waits

    async def work(door: Door) -> None:
        one, two = Session(door, 1, 1), Session(door, 2, 1)
        one.go()
        await asyncio.get_running_loop().run_in_executor(None, begun.acquire)
        two.go()
        assert door.syncing.standing() > 0
        goes_on.set()
        await door.settle()
        assert door.syncing.standing() == 0
        assert (one.lost_at, two.lost_at, door.told) == (0, 0, [])
        assert isinstance(door.failed, UnsyncedError)

    with door_of(tmp_path, disk) as door:
        asyncio.run(work(door))


# a client's side


class Transport:
    """Takes what is written and knows whether it is read."""

    def __init__(self, done: list[str], name: str) -> None:
        self.done, self.name, self.reads = done, name, True

    def write(self, data: bytes) -> None:
        self.done.append(f"{self.name} {data.decode()}")

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        self.done.append(f"{self.name} closed")

    abort = close


class Side(ClientSide):
    """A client's side with a server that answers each append as it is told to."""

    def __init__(self, answers: list[Recorded]) -> None:
        self.done: list[str] = []
        self.spawned = 0
        server = SimpleNamespace(
            record=lambda _side, drafts, _now, purpose: self._record(answers, drafts, purpose),
            now=lambda: NOW,
            spawn=self._spawn,
            cancelling=SimpleNamespace(cancel_own=self._nothing, take_back=lambda _key: None),
            sessions=set(),
        )
        super().__init__(cast("Server", server), Channel())
        self.transport = cast("asyncio.Transport", Transport(self.done, "client"))
        upstream = Transport(self.done, "server")
        self.upstream = cast(
            "Any",
            SimpleNamespace(transport=upstream, write=upstream.write, is_full=False, abort=upstream.abort),
        )

    def _record(self, answers: list[Recorded], drafts: tuple[Any, ...], purpose: str) -> Recorded:
        assert not purpose
        self.done.append(f"recorded {drafts[0].request}")
        return answers.pop(0)

    def _spawn(self, work: Any) -> None:
        work.close()
        self.spawned += 1

    async def _nothing(self, *_key: object) -> None:
        return

    @property
    def reads(self) -> tuple[bool, bool]:
        return cast("Any", self.transport).reads, cast("Any", self.upstream).transport.reads

    def take(self) -> list[str]:
        taken, self.done[:] = list(self.done), []
        return taken


def append(number: int) -> Append:
    return Append((query(session_id(1), number),))


def act(text: str) -> Action:
    return ToServer(text.encode()) if text.islower() else ToClient(text.encode())


WAITS, DONE, FAILED = Recorded.WAITS, Recorded.DONE, Recorded.FAILED


def test_what_follows_is_held_back_in_its_order_and_so_is_what_comes_later() -> None:
    side = Side([WAITS, DONE, WAITS])
    side.perform([append(1), act("a"), act("A")])
    side.perform([append(2), act("b")])
    side.perform([act("c"), append(3), act("d")])
    assert side.take() == ["recorded 1"]
    side.confirmed()
    assert side.take() == ["server a", "client A", "recorded 2", "server b", "server c", "recorded 3"]
    side.confirmed()
    assert side.take() == ["server d"]
    side.perform([act("E")])
    assert side.take() == ["client E"]


def test_nothing_is_read_once_more_has_come_than_what_waits_and_again_afterwards() -> None:
    side = Side([WAITS, WAITS])
    side.perform([append(1), act("a")])
    side.perform([])
    assert side.reads == (True, True), "a statement that waits costs no call for it"
    side.perform([append(2), act("b")])
    assert side.reads == (False, False)
    side.confirmed()
    assert side.reads == (False, False), "the second one waits now"
    side.confirmed()
    assert side.reads == (True, True)


@pytest.mark.parametrize(
    ("is_client_full", "is_server_full", "is_draining", "reads"),
    [
        (False, False, False, (True, True)),
        (True, False, False, (True, False)),
        (True, False, True, (True, True)),
        (False, True, False, (False, True)),
        (True, True, False, (False, False)),
    ],
)
def test_who_does_not_take_what_is_written_is_still_waited_for_afterwards(
    *, is_client_full: bool, is_server_full: bool, is_draining: bool, reads: tuple[bool, bool]
) -> None:
    side = Side([WAITS])
    side.perform([append(1)])
    side.perform([act("a")])
    side.is_full, side.is_draining = is_client_full, is_draining
    cast("Any", side.upstream).is_full = is_server_full
    side.confirmed()
    assert side.reads == reads


@pytest.mark.parametrize("held", [True, False])
def test_where_the_disk_refuses_nothing_that_was_held_back_is_done(
    held: bool,  # noqa: FBT001  # a parameter of the case
) -> None:
    side = Side([WAITS if held else FAILED, FAILED])
    side.perform([append(1), act("a"), act("A")])
    if held:
        side.lost()
    side.perform([append(2), act("b")])
    assert not any(text.endswith((" a", " A", " b")) for text in side.take())


def test_the_end_of_a_client_is_recorded_behind_what_is_held_and_frees_its_login_only_then() -> None:
    side = Side([WAITS, WAITS])
    released: list[str] = []
    side.login = "login"
    side.answer = cast("Any", SimpleNamespace(claims=None, binding=SimpleNamespace(scope_id="s")))

    def release(login: str, _scope: str) -> Any:
        released.append(login)
        return side._nothing()

    side._release = release  # type: ignore[assignment,method-assign]  # needs a database
    side.perform([append(1), act("a")])
    side.session = cast("Any", SimpleNamespace(client_gone=lambda: [append(2), Close("gone")]))
    side.connection_lost(None)
    assert (side.take(), released) == (["recorded 1"], [])
    side.confirmed()
    assert (side.take(), released) == (["recorded 2"], []), "nothing goes to PostgreSQL for nobody"
    side._close = lambda: None  # type: ignore[method-assign]  # needs a loop
    side.confirmed()
    assert released == ["login"]


def test_what_only_ends_a_statement_is_not_held_back() -> None:
    side = Side([WAITS])
    side.perform([append(1), EndStatement(), act("A")])
    assert (side.is_draining, side.spawned) == (True, 1)
    assert side.take() == ["recorded 1"]
    side.confirmed()
    assert side.take() == ["client A"]


@pytest.mark.parametrize(("follows", "waits"), [("a", True), ("A", False)])
def test_a_cancel_waits_for_a_statement_that_is_held_back_and_for_nothing_else(
    follows: str,
    waits: bool,  # noqa: FBT001  # a parameter of the case
) -> None:
    async def work() -> None:
        side = Side([WAITS])
        side.perform([append(1), act(follows)])
        cancel = asyncio.create_task(side.sent())
        await asyncio.sleep(0)
        assert cancel.done() != waits
        side.confirmed()
        await asyncio.wait_for(cancel, 30)

    asyncio.run(work())
