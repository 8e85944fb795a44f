"""Entries that are on the disk before they are acknowledged: the spool beside hash chains in SQLite and PostgreSQL.

All writers take turns at a batch of the same entries in one loop, so that a busy machine touches each: the ratios of
the medians are what to read. CPU is this process's alone, so PostgreSQL's own work is not in it. Then 1, 4 and 16
sessions at a time, each of which waits for its one entry (`durable_sessions`). Beside them, how long a spool takes to
be opened again, and what recording adds to a statement; `bench_gateway_durable.py` has the gateway's statements.

    .venv/bin/python bench/bench_record_durable.py [--seconds 5] [--folder DIR] [--no-server] [--sessions-only] [--json]
"""

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import durable_sessions
import psycopg
from durable_sessions import Serve

from doorward.record.entry import Draft, Field, Kind
from doorward.record.segments import list_segments
from doorward.record.spool import Spool, SpoolLimits

SESSION = bytes(range(16))
TEXT = (
    b"SELECT last_name, first_name, birth_date FROM persons WHERE person_id = 12345 AND case_no = 'JH000000'"
)
BATCHES = (1, 10, 100, 1000)
SESSIONS = (1, 4, 16)
LARGE = SpoolLimits(total_bytes=2**40)
TABLE = "CREATE TABLE chain (number bigint PRIMARY KEY, hash bytea NOT NULL, body bytea NOT NULL)"

Write = Callable[[int, list[bytes]], None]


@dataclass(frozen=True)
class Row:
    """What one writer did at one batch size."""

    batch: int
    writer: str
    entries_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us_an_entry: float
    times_the_spool: float


class Chain:
    """A hash chain over rows, as one would write it without a log: each hash over the one before and the body."""

    def __init__(self) -> None:
        self.number, self.hash = 0, bytes(32)

    def rows(self, bodies: list[bytes]) -> list[tuple[int, bytes, bytes]]:
        made = []
        for body in bodies:
            self.number += 1
            self.hash = sha256(self.hash + body).digest()
            made.append((self.number, self.hash, body))
        return made


def spool_writer(folder: Path, *, durable: bool, preallocated: bool) -> Write:
    now = datetime.now(UTC)
    kinds: frozenset[Kind] | None = frozenset() if preallocated else None
    spool = Spool.open(folder, now=now, limits=LARGE, durable=kinds)

    def write(number: int, bodies: list[bytes]) -> None:
        drafts = [
            Draft(Kind.REQUEST, SESSION, number, ((Field.MESSAGE, b"Query"), (Field.TEXT, body)))
            for body in bodies
        ]
        spool.append(drafts, now=now, durable=durable)

    return write


def sqlite_writer(file: Path) -> Write:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(TABLE.replace("bigint", "integer"))
    chain = Chain()

    def write(_number: int, bodies: list[bytes]) -> None:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO chain VALUES (?, ?, ?)", chain.rows(bodies))
        connection.execute("COMMIT")

    return write


def postgres_writer(conninfo: str, stack: ExitStack, *, copies: bool) -> Write:
    connection = stack.enter_context(psycopg.connect(conninfo))
    table = "chain_copy" if copies else "chain"
    with connection.transaction():
        connection.execute(TABLE.replace("chain", table))  # of this file
    chain = Chain()
    insert = f"INSERT INTO {table} VALUES (%s, %s, %s)"

    def write(_number: int, bodies: list[bytes]) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            if copies:
                with cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types(["int8", "bytea", "bytea"])
                    for row in chain.rows(bodies):
                        copy.write_row(row)
            else:
                cursor.executemany(insert, chain.rows(bodies))

    return write


@contextmanager
def server(folder: Path) -> Iterator[str]:
    from doorward.embedded.clusters import record_spec
    from doorward.embedded.launcher import Cluster

    cluster = Cluster(record_spec(folder))
    cluster.start()
    try:
        yield cluster.dsn(user="postgres", dbname="postgres")
    finally:
        cluster.stop()


def compare(writers: dict[str, Write], batch: int, seconds: float) -> list[Row]:
    """Let the writers take turns at a batch for so long."""
    bodies = [TEXT + b" /* %d */" % number for number in range(batch)]
    walls: dict[str, list[float]] = {name: [] for name in writers}
    cpus: dict[str, float] = dict.fromkeys(writers, 0.0)
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until or number < 30:
        number += 1
        for name, write in writers.items():
            wall, cpu = time.perf_counter(), time.process_time()
            write(number, bodies)
            walls[name].append(time.perf_counter() - wall)
            cpus[name] += time.process_time() - cpu
    ours = statistics.median(walls["spool, synced"])
    return [
        Row(
            batch,
            name,
            batch / statistics.mean(taken),
            1e3 * statistics.median(taken),
            1e3 * sorted(taken)[len(taken) * 99 // 100],
            1e6 * cpus[name] / batch / number,
            statistics.median(taken) / ours,
        )
        for name, taken in walls.items()
    ]


def recovery(folder: Path, entries: int, *, durable: bool) -> tuple[int, float, float]:
    """Return the bytes of a spool that a kill left, and the seconds, wall and CPU, to open it again."""
    now = datetime.now(UTC)
    kinds: frozenset[Kind] | None = frozenset() if durable else None
    spool = Spool.open(folder, now=now, limits=LARGE, durable=kinds)
    for at in range(0, entries, 20):
        drafts = []
        for number in range(at // 2 + 1, at // 2 + 11):
            ended = ((Field.OUTCOME, b"complete"), (Field.TAG, b"SELECT 1"), (Field.LAST, b"1"))
            drafts += [
                Draft(Kind.REQUEST, SESSION, number, ((Field.MESSAGE, b"Query"), (Field.TEXT, TEXT))),
                Draft(Kind.COMPLETION, SESSION, number, ended),
            ]
        spool.append(drafts, now=now)
    size = sum(segment.path.stat().st_size for segment in list_segments(folder))
    spool._release()  # noqa: SLF001  # the lock goes and no block is closed, as after a kill
    wall, cpu = time.perf_counter(), time.process_time()
    Spool.open(folder, now=now, limits=LARGE, durable=kinds)
    return size, time.perf_counter() - wall, time.process_time() - cpu


def statement_cost(folder: Path, statements: int = 20_000) -> float:
    """Return the CPU microseconds that recording adds to one statement: a request and its completion, two appends."""
    now = datetime.now(UTC)
    spool = Spool.open(folder, now=now, limits=LARGE)
    asked = ((Field.MESSAGE, b"Query"), (Field.TEXT, TEXT))
    ended = ((Field.OUTCOME, b"complete"), (Field.ROWS, b"1"), (Field.BYTES, b"24"), (Field.TAG, b"SELECT 1"))
    begun = time.process_time()
    for number in range(1, statements + 1):
        spool.append([Draft(Kind.REQUEST, SESSION, number, asked)], now=now)
        spool.append([Draft(Kind.COMPLETION, SESSION, number, (*ended, (Field.LAST, b"1")))], now=now)
    return 1e6 * (time.process_time() - begun) / statements


def batch_writers(folder: Path, stack: ExitStack, conninfo: str | None) -> dict[str, Write]:
    writers = {
        "spool, synced": spool_writer(folder / "synced", durable=True, preallocated=True),
        "spool, synced, growing file": spool_writer(folder / "growing", durable=True, preallocated=False),
        "spool, not synced": spool_writer(folder / "unsynced", durable=False, preallocated=False),
        "SQLite, WAL, FULL": sqlite_writer(folder / "chain.sqlite"),
    }
    if conninfo is not None:
        writers["PostgreSQL, executemany"] = postgres_writer(conninfo, stack, copies=False)
        writers["PostgreSQL, COPY"] = postgres_writer(conninfo, stack, copies=True)
    return writers


def session_writers(folder: Path, stack: ExitStack, conninfo: str | None) -> dict[str, Serve]:
    writers: dict[str, Serve] = {
        "spool, one sync, loop": durable_sessions.LoopServe(folder / "loop", TEXT),
        "spool, one sync, threads": durable_sessions.shared_spool(folder / "threads", TEXT),
        "spool, a sync each": durable_sessions.a_sync_each(folder / "each", TEXT),
        "SQLite chain, WAL, FULL": durable_sessions.sqlite_chain(folder / "sessions.sqlite", TEXT),
    }
    if conninfo is not None:
        writers["PostgreSQL chain"] = durable_sessions.postgres_chain(conninfo, stack, TEXT)
    return writers


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="for each batch size, all writers together"
    )
    parser.add_argument("--folder", type=Path, help="where to write; the disk is what is measured")
    parser.add_argument("--no-server", action="store_true", help="leave out PostgreSQL")
    parser.add_argument("--sessions-only", action="store_true", help="leave out batches and recovery")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dw-", dir=arguments.folder)))
        folder.chmod(0o755)
        conninfo = None if arguments.no_server else stack.enter_context(server(folder / "server"))
        writers = {} if arguments.sessions_only else batch_writers(folder, stack, conninfo)
        load = Path("/proc/loadavg").read_text(encoding="ascii").split()[0]
        rows = [row for batch in BATCHES if writers for row in compare(writers, batch, arguments.seconds)]
        together = session_writers(folder, stack, conninfo)
        served = [
            row
            for number in SESSIONS
            for row in durable_sessions.serve_all(together, number, arguments.seconds)
        ]
        opened = {
            name: recovery(folder / name, 300_000, durable=name == "synced left")
            for name in ("left", "synced left")
            if writers
        }
        cost = statement_cost(folder / "cost")
    if arguments.json:
        print(
            json.dumps(
                {
                    "load": load,
                    "rows": [asdict(row) for row in rows],
                    "sessions": [asdict(row) for row in served],
                    "recovery": opened,
                    "statement_us": cost,
                }
            )
        )
        return
    print(f"load average {load}")
    print(f"{'batch':>5} {'writer':28} {'entries/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'CPU us':>7} {'x':>6}")
    for row in rows:
        print(
            f"{row.batch:5} {row.writer:28} {row.entries_per_second:10,.0f} {row.p50_ms:8.2f} {row.p99_ms:8.2f} "
            f"{row.cpu_us_an_entry:7.1f} {row.times_the_spool:6.2f}"
        )
    print(f"{'sess.':>5} {'writer':28} {'entries/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'CPU us':>7} {'x':>6}")
    for one in served:
        print(
            f"{one.sessions:5} {one.writer:28} {one.entries_per_second:10,.0f} {one.p50_ms:8.2f} {one.p99_ms:8.2f} "
            f"{one.cpu_us_an_entry:7.1f} {one.times_the_spool:6.2f}"
        )
    for name, (size, wall, cpu) in opened.items():
        print(f"opened again, {name}: 300,000 entries, {size / 2**20:.0f} MiB: {wall:.2f} s, CPU {cpu:.2f} s")
    print(f"added to a statement: {cost:.1f} us of CPU")


if __name__ == "__main__":
    main()
