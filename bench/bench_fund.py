"""Transactions a second of the fund with every constraint, paired with what has none, in the same run.

Four ways take turns in each round, each in processes of their own with one connection each:

- `fund`: `Store.submit` of an appropriation: two postings, all triggers and checks, two entries synced in a spool
- `unrecorded`: the same with a recorder that keeps nothing, so that what the record costs is the difference
- `naive`: two rows of a double entry into a table without a constraint, one transaction
- `bare`: one row into a table without a constraint, one transaction

CPU is told beside wall time: of the clients, and of all processes of the server. Nothing is asserted.

    .venv/bin/python bench/bench_fund.py [--each 200] [--rounds 3]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from doorward.desk.recorder import Recorder
from doorward.embedded.clusters import record_spec
from doorward.embedded.launcher import Cluster
from doorward.fund.database import install, make_database
from doorward.fund.ledger.operations import Appropriate, OpenYear, Operation, Submission
from doorward.fund.place import DATABASE, ROLE
from doorward.fund.rules import make_rules
from doorward.fund.store import Receipt, Store
from doorward.orders.load import load_fund, load_pack
from doorward.record.spool import Spool

WAYS = ("fund", "unrecorded", "naive", "bare")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICKS = os.sysconf("SC_CLK_TCK")
BARE = """
CREATE TABLE IF NOT EXISTS bare (key uuid, account text, year int, line text, agreement text, cents bigint);
GRANT INSERT ON bare TO doorward_fund;
"""
INSERT = "INSERT INTO bare VALUES (%s, %s, 2026, 'legal', '', %s)"


class Nothing:
    """A recorder that keeps nothing and counts for all processes by their number."""

    def __init__(self, worker: int) -> None:
        self._next = (worker + 32 << 56) + time.time_ns() % 2**55  # far from those of a spool

    def record(self, drafts: object, *, now: datetime) -> int:
        """Return the next number."""
        del drafts, now
        self._next += 1
        return self._next


@dataclass
class Took:
    """What a round of one way took."""

    wall: float
    client: float
    server: float
    count: int


def submission(operation: Operation) -> Submission:
    return Submission(uuid.uuid4(), "manager", date(2026, 3, 1), operation)  # a bench makes ids


def work(conninfo: str, way: str, spool: str, worker: int, count: int) -> None:
    """Do one process's share; says `ready`, waits for a line, and prints its CPU seconds."""
    recorder = Recorder(Spool.open(Path(spool), now=NOW, worker=worker)) if way == "fund" else Nothing(worker)
    store = Store(conninfo, recorder)
    connection = psycopg.connect(conninfo, autocommit=True)
    store.state()
    print("ready", flush=True)
    sys.stdin.readline()
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        if way in {"fund", "unrecorded"}:
            answer = store.submit(submission(Appropriate(2026, "legal", 100, "ordinance", "SO-1")), now=NOW)
            if not isinstance(answer, Receipt):
                raise SystemExit(str(answer))
            continue
        key = uuid.uuid4()  # as above
        with connection.transaction():
            connection.execute(INSERT, [key, "available", 100])
            if way == "naive":
                connection.execute(INSERT, [key, "appropriated", -100])
    print(time.perf_counter() - began, time.process_time() - cpu, flush=True)


def server_seconds(postmaster: int) -> float:
    """Return the CPU seconds of a server: of the processes that it has, and of those that it had."""
    total = 0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text(encoding="ascii").rpartition(") ")[2].split()
        except OSError:
            continue
        if int(folder.name) == postmaster:
            total += sum(map(int, fields[11:15]))
        elif int(fields[1]) == postmaster:
            total += sum(map(int, fields[11:13]))
    return total / TICKS


def run_once(  # noqa: PLR0917  # one place calls it
    conninfo: str, way: str, folder: Path, processes: int, each: int, postmaster: int
) -> Took:
    """Return what a round of one way took."""
    running = [
        subprocess.Popen(
            [sys.executable, __file__, "--work", conninfo, way, str(folder / f"worker-{worker}"),
             str(worker), str(each)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for worker in range(1, processes + 1)
    ]  # fmt: skip
    for one in running:
        assert one.stdout is not None
        one.stdout.readline()
    before, began = server_seconds(postmaster), time.perf_counter()
    for one in running:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    client = 0.0
    for one in running:
        assert one.stdout is not None
        client += float(one.stdout.readline().split()[1])
    wall = time.perf_counter() - began
    server = server_seconds(postmaster) - before
    for one in running:
        one.communicate()
    return Took(wall, client, server, each * processes)


def server(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the conninfo of a fund with an open year, and the server's first process."""
    cluster = Cluster(record_spec(folder))
    cluster.start()
    try:
        superuser = cluster.dsn(user="postgres", dbname="postgres")
        make_database(superuser)
        with psycopg.connect(make_conninfo(superuser, dbname=DATABASE), autocommit=True) as connection:
            install(connection, make_rules(load_fund(load_pack("chicago"))))
            connection.execute(BARE.encode())
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert row is not None
            postmaster = int(
                Path(f"/proc/{row[0]}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()[1]
            )
        conninfo = cluster.dsn(user=ROLE, dbname=DATABASE)
        year = OpenYear(2026, date(2026, 1, 1), date(2026, 12, 31))
        Store(conninfo, Nothing(0)).submit(submission(year), now=NOW)
        yield conninfo, postmaster
    finally:
        cluster.stop()


def main() -> None:
    if sys.argv[1:2] == ["--work"]:
        conninfo, way, spool, worker, count = sys.argv[2:]
        work(conninfo, way, spool, int(worker), int(count))
        return
    parser = argparse.ArgumentParser(description="the fund's transactions a second")
    parser.add_argument("--each", type=int, default=200, help="transactions of a process in a round")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} cores, load {load} before")
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "server").mkdir(mode=0o755)
        for conninfo, postmaster in server(folder / "server"):
            for processes in (1, 4):
                took: dict[str, list[Took]] = {way: [] for way in WAYS}
                for _ in range(asked.rounds):
                    for way in WAYS:
                        took[way].append(run_once(conninfo, way, folder, processes, asked.each, postmaster))
                tell(processes, took)
    print(f"load {', '.join(f'{one:.1f}' for one in os.getloadavg())} after")


def tell(processes: int, took: dict[str, list[Took]]) -> None:
    for way, rounds in took.items():
        rates = [one.count / one.wall for one in rounds]
        paired = [first.wall / one.wall for first, one in zip(rounds, took["bare"], strict=True)]
        client = statistics.median(one.client / one.count for one in rounds) * 1e3
        behind = statistics.median(one.server / one.count for one in rounds) * 1e3
        print(
            f"{processes} connections, {way:10} {statistics.median(rates):8.0f} /s "
            f"({min(rates):.0f} to {max(rates):.0f}), {statistics.median(paired):5.1f} times `bare`'s wall; "
            f"CPU ms each: client {client:.2f}, server {behind:.2f}"
        )


if __name__ == "__main__":
    main()
