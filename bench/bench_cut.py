"""How long a cut takes: from the question to the last client told and the last backend gone, beside a DBA's own way.

The peer is what a DBA does without a door: `pg_terminate_backend` for each session of a role. Both run on the same
server in the same run, alternating: once with idle sessions, once with each in the middle of a statement that takes all
the processor it gets, on the same machine as the gateway. Nothing here is asserted.

    .venv/bin/python bench/bench_cut.py [--rounds 3] [--json]
"""

import argparse
import json
import select
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from bench_gateway import connect, doorward_up

from doorward.cli.folders import Folders
from doorward.cli.running import read_run
from doorward.cli.sample import PEOPLE
from doorward.gateway.control import ask_control
from doorward.grants.cut_files import change_cuts
from doorward.grants.cuts import Cut, What

SESSIONS = (1, 10, 60)
PERSON = PEOPLE[0]
BUSY = b"SELECT count(*) FROM generate_series(1, 100000000000)"
PASSWORD = "measured"  # noqa: S105  # of a role of this run
Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Way:
    """One way to end sessions."""

    name: str
    role: str
    connect: Callable[[], Connection]
    end: Callable[[], None]


def last_told(sessions: list[Connection]) -> float:
    """Return when the last of these clients has something to read: the end of its session."""
    waiting = {session.pgconn.socket: session for session in sessions}
    while waiting:
        ready, _, _ = select.select(list(waiting), [], [], 10)
        if not ready:
            raise SystemExit("a client was not told")
        for handle in ready:
            waiting.pop(handle)
    return time.perf_counter()


def last_gone(dba: Connection, role: str) -> float:
    """Return when no backend of these roles is left."""
    while True:
        row = dba.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE starts_with(usename, %s)", [role]
        ).fetchone()
        if row is not None and row[0] == 0:
            return time.perf_counter()


def measure(way: Way, count: int, dba: Connection, *, busy: bool) -> dict[str, float]:
    """Return milliseconds until the last client was told and the last backend was gone."""
    sessions = [way.connect() for _ in range(count)]
    for session in sessions if busy else ():
        session.pgconn.send_query(BUSY)
        session.pgconn.flush()
    time.sleep(0.5)
    started = time.perf_counter()
    way.end()
    told, gone = last_told(sessions), last_gone(dba, way.role)
    for session in sessions:
        session.close()
    return {"told_ms": (told - started) * 1000, "gone_ms": (gone - started) * 1000}


def cut_person(folders: Folders) -> None:
    """Do what `doorward cut --person` does after it has read its arguments."""
    begins = datetime.now(UTC).replace(microsecond=0)  # a cut is for now
    cut = Cut(What.PERSON, PERSON.login, begins, None, "measured", ("bench",))
    change_cuts(folders.cuts, [], lambda _cuts: [cut])
    for path in folders.run.glob("control-*.sock"):
        ask_control(path, {"ask": "cuts"})


def lift(folders: Folders) -> None:
    """Take the cut back."""
    change_cuts(folders.cuts, [], lambda _cuts: [])
    for path in folders.run.glob("control-*.sock"):
        ask_control(path, {"ask": "cuts"})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    with doorward_up() as (folders, port, _city_port, _cold, _warm):
        city = read_run(folders, "city")
        place = {"host": city["socket_dir"], "port": city["port"], "dbname": "clear"}
        with psycopg.connect(**place, user="postgres", autocommit=True) as dba:
            dba.execute("CREATE ROLE bench_direct LOGIN PASSWORD 'measured'")

            def direct() -> Connection:
                return psycopg.connect(**place, user="bench_direct", autocommit=True, password=PASSWORD)

            def terminate() -> None:
                dba.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bench_direct'"
                )

            ways = (
                Way("doorward cut", "dw_g_", lambda: connect(PERSON, port), lambda: cut_person(folders)),
                Way("pg_terminate_backend", "bench_direct", direct, terminate),
            )
            for busy in (False, True):
                for count in SESSIONS:
                    rounds: dict[str, list[dict[str, float]]] = {way.name: [] for way in ways}
                    for _ in range(given.rounds):
                        for way in ways:
                            rounds[way.name].append(measure(way, count, dba, busy=busy))
                        lift(folders)
                    for name, taken in rounds.items():
                        found[f"{name}, {count} {'busy' if busy else 'idle'} sessions"] = {
                            key: round(statistics.median(one[key] for one in taken), 1) for key in taken[0]
                        }
    if given.json:
        print(json.dumps(found, indent=1))
        return
    for name, figures in found.items():
        print(f"{name:<40} told {figures['told_ms']:>7} ms   backend gone {figures['gone_ms']:>7} ms")


if __name__ == "__main__":
    main()
