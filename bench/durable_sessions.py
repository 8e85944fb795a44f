"""Sessions that each wait until their entry is on the disk, before `bench_record_durable`'s writers.

Each session records its next entry as soon as it was told of the last. A hash chain orders its rows, so a session of a
chain takes the chain's end under a lock, in SQLite the database's and in PostgreSQL that of one row, until it has
committed. Writers take turns at a slice of time, so that a busy machine touches each.
"""

import asyncio
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from pathlib import Path

import psycopg

from doorward.errors import StoreError
from doorward.gateway.syncing import Syncing
from doorward.record.entry import Draft, Field, Kind
from doorward.record.shared_spool import SharedSpool
from doorward.record.spool import Spool, SpoolLimits

SLICE_SECONDS = 0.2
LARGE = SpoolLimits(total_bytes=2**40)
NOW = datetime.now(UTC)

Taken = list[float]
Serve = Callable[[int, float], Taken]
"""Lets so many sessions record until a time, and returns how long each entry took."""


@dataclass(frozen=True)
class Served:
    """What one writer did for so many sessions."""

    sessions: int
    writer: str
    entries_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us_an_entry: float
    times_the_spool: float


def drafts(session: int, number: int, body: bytes) -> list[Draft]:
    fields = ((Field.MESSAGE, b"Query"), (Field.TEXT, body))
    return [Draft(Kind.REQUEST, session.to_bytes(16, "big"), number, fields)]


def open_spool(folder: Path) -> Spool:
    return Spool.open(folder, now=NOW, limits=LARGE, durable=frozenset())


def in_threads(make: Callable[[int], Callable[[int], None]]) -> Serve:
    """Return what serves sessions that are threads; `make` returns what one of them does for one entry."""
    numbers, made = count(1), dict[int, Callable[[int], None]]()

    def serve(sessions: int, until: float) -> Taken:
        taken: list[Taken] = [[] for _ in range(sessions)]

        def work(session: int) -> None:
            if session not in made:
                made[session] = make(session)
            record = made[session]
            while (begun := time.perf_counter()) < until:
                record(next(numbers))
                taken[session].append(time.perf_counter() - begun)

        threads = [threading.Thread(target=work, args=(session,)) for session in range(sessions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [one for each in taken for one in each]

    return serve


def shared_spool(folder: Path, body: bytes) -> Serve:
    shared = SharedSpool(open_spool(folder))
    return in_threads(
        lambda session: (
            lambda number: void(shared.append(drafts(session, number, body), now=NOW, durable=True))
        )
    )


def void(_value: object) -> None:
    return


def a_sync_each(folder: Path, body: bytes) -> Serve:
    spool, turn = open_spool(folder), threading.Lock()

    def make(session: int) -> Callable[[int], None]:
        def record(number: int) -> None:
            with turn:
                spool.append(drafts(session, number, body), now=NOW, durable=True)

        return record

    return in_threads(make)


class LoopSession:
    """A session of the gateway's loop, without its sockets."""

    def __init__(self, loop: "LoopServe", session: int, until: float) -> None:
        self.loop, self.session, self.until = loop, session, until
        self.begun, self.taken = 0.0, Taken()
        self.is_done = asyncio.Event()

    def go(self) -> None:
        while (begun := time.perf_counter()) < self.until:
            self.begun = begun
            if not self.loop.record(self):
                return
            self.taken.append(time.perf_counter() - self.begun)
        self.is_done.set()

    def confirmed(self) -> None:
        self.taken.append(time.perf_counter() - self.begun)
        asyncio.get_running_loop().call_soon(self.go)

    def lost(self) -> None:
        raise SystemExit("the disk refused")

    def abort(self) -> None:
        raise AssertionError("a session could not be told")


class LoopServe:
    """Sessions of one asyncio loop, as the gateway has them."""

    def __init__(self, folder: Path, body: bytes) -> None:
        self.spool, self.body, self.numbers = open_spool(folder), body, count(1)
        self.syncing = Syncing(self.spool, self.fail)
        self.tasks: set[asyncio.Task[None]] = set()

    def fail(self, error: StoreError) -> None:
        raise SystemExit(str(error))

    def record(self, who: LoopSession) -> bool:
        waits = self.spool.write(drafts(who.session, next(self.numbers), self.body), now=NOW, durable=True)
        if self.syncing.wrote(who, waits=waits):
            return True
        if self.syncing.join(who):
            task = asyncio.get_running_loop().create_task(self.syncing.run())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return False

    def __call__(self, sessions: int, until: float) -> Taken:
        async def work() -> Taken:
            all_of_them = [LoopSession(self, session, until) for session in range(sessions)]
            for each in all_of_them:
                asyncio.get_running_loop().call_soon(each.go)
            await asyncio.gather(*[each.is_done.wait() for each in all_of_them])
            await asyncio.gather(*self.tasks)
            return [one for each in all_of_them for one in each.taken]

        return asyncio.run(work())


CHAIN = "CREATE TABLE row (number {0} PRIMARY KEY, hash {1} NOT NULL, body {1} NOT NULL)"
END = "CREATE TABLE chain_end (number {0} NOT NULL, hash {1} NOT NULL)"


def sqlite_chain(file: Path, body: bytes) -> Serve:
    with sqlite3.connect(file, isolation_level=None) as first:
        first.execute("PRAGMA journal_mode = WAL")
        first.execute(CHAIN.format("integer", "blob"))
        first.execute(END.format("integer", "blob"))
        first.execute("INSERT INTO chain_end VALUES (0, zeroblob(32))")

    def make(_session: int) -> Callable[[int], None]:
        connection = sqlite3.connect(file, isolation_level=None, timeout=60, check_same_thread=False)
        connection.execute("PRAGMA synchronous = FULL")

        def record(_number: int) -> None:
            connection.execute("BEGIN IMMEDIATE")
            number, before = connection.execute("SELECT number, hash FROM chain_end").fetchone()
            after = sha256(before + body).digest()
            connection.execute("INSERT INTO row VALUES (?, ?, ?)", (number + 1, after, body))
            connection.execute("UPDATE chain_end SET number = ?, hash = ?", (number + 1, after))
            connection.execute("COMMIT")

        return record

    return in_threads(make)


def postgres_chain(conninfo: str, stack: ExitStack, body: bytes) -> Serve:
    with psycopg.connect(conninfo) as first:
        first.execute(CHAIN.format("bigint", "bytea").replace("TABLE row", 'TABLE "row"').encode())
        first.execute(END.format("bigint", "bytea").encode())
        first.execute("INSERT INTO chain_end VALUES (0, %s)", (bytes(32),))

    def make(_session: int) -> Callable[[int], None]:
        connection = stack.enter_context(psycopg.connect(conninfo))

        def record(_number: int) -> None:
            with connection.transaction():
                found = connection.execute("SELECT number, hash FROM chain_end FOR UPDATE").fetchone()
                assert found is not None
                number, after = found[0] + 1, sha256(found[1] + body).digest()
                connection.execute('INSERT INTO "row" VALUES (%s, %s, %s)', (number, after, body))
                connection.execute("UPDATE chain_end SET number = %s, hash = %s", (number, after))

        return record

    return in_threads(make)


def serve_all(writers: dict[str, Serve], sessions: int, seconds: float) -> list[Served]:
    """Let the writers take turns at so many sessions for so long, and compare each with the first of them."""
    taken: dict[str, Taken] = {name: [] for name in writers}
    walls, cpus = dict.fromkeys(writers, 0.0), dict.fromkeys(writers, 0.0)
    ends = time.monotonic() + seconds
    for serve in writers.values():
        serve(sessions, time.perf_counter() + 0.05)  # connections, and what a first time costs
    while time.monotonic() < ends:
        for name, serve in writers.items():
            wall, cpu = time.perf_counter(), time.process_time()
            taken[name] += serve(sessions, wall + SLICE_SECONDS)
            walls[name] += time.perf_counter() - wall
            cpus[name] += time.process_time() - cpu
    ours = statistics.median(next(iter(taken.values())))
    return [
        Served(
            sessions,
            name,
            len(all_of_them) / walls[name],
            1e3 * statistics.median(all_of_them),
            1e3 * sorted(all_of_them)[len(all_of_them) * 99 // 100],
            1e6 * cpus[name] / len(all_of_them),
            statistics.median(all_of_them) / ours,
        )
        for name, all_of_them in taken.items()
    ]
