"""What a relay costs a statement and a row, without and with limits, and what hashing adds to a COPY.

`python bench/bench_relay.py` prints CPU, best and median of repetitions in short slices. No server, socket or spool.
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from struct import pack
from tempfile import TemporaryDirectory

from doorward.gateway.allowances import Allowances, Grantee
from doorward.gateway.exports import Exporter
from doorward.gateway.limits import LimitRules, Limits
from doorward.gateway.relay import Relay, Terms
from doorward.pgwire.messages import (
    SYNC,
    Bind,
    BindValues,
    Execute,
    RowField,
    format_bind,
    format_bind_values,
    format_execute,
    format_frame,
    format_ready,
    format_row_description,
    format_tag,
)

REPETITIONS = 25
SLICE = 2_000
NOW = datetime.now(UTC)
HIGH = Limits(2**50, 2**50, 2**50, 600, 0, 2**50)
COLUMNS = format_row_description([RowField(b"abalance", 16397, 3, 23, 4)])
TAIL = format_tag(b"SELECT 1") + format_ready(b"I")
VALUES = format_bind_values(BindValues((), (b"12345",), ()))
PREPARED = format_bind(Bind(b"", b"P0_1", VALUES)) + format_execute(Execute(b"", 0)) + SYNC
PREPARED_REPLY = format_frame(b"2") + format_frame(b"D", b"\0\1\0\0\0\4-123") + TAIL
SIMPLE = format_frame(b"Q", b"SELECT abalance FROM pgbench_accounts WHERE aid = 12345;\0")
SIMPLE_REPLY = COLUMNS + format_frame(b"D", b"\0\1\0\0\0\4-123") + TAIL
BULK_ROWS = 400
BULK = format_frame(b"D", bytes(154)) * BULK_ROWS
COPY = format_frame(b"d", bytes(160)) * BULK_ROWS
COPY_OUT = format_frame(b"H", b"\0" + pack(">HH", 1, 0))


def statements(relay: Relay, asked: bytes, reply: bytes) -> Callable[[], None]:
    def work() -> None:
        for _ in range(SLICE):
            relay.from_client(asked)
            relay.from_server(reply)

    return work


def bulk(relay: Relay, opening: bytes, data: bytes) -> Callable[[], None]:
    relay.from_client(SIMPLE)
    relay.from_server(opening)

    def work() -> None:
        for _ in range(SLICE // 20):
            relay.from_server(data)

    return work


def exporter() -> Exporter:
    return Exporter(bytes(16), ("a", "b", "c", "d"), "o", "s", (), ("permit", (), ()))


def main() -> None:
    with TemporaryDirectory() as folder:
        rules = LimitRules(HIGH)
        terms = {"without limits": Terms()}
        for workers in (1, 4):
            allowances = Allowances(Path(folder), b"s" * 32, rules=rules, now=NOW, workers=workers)
            meter = allowances.meter(Grantee("a", "b", str(workers), "d"), NOW)
            terms[f"limits, {workers} workers"] = Terms(meter, None, exporter(), NOW)
        work: dict[tuple[str, str], tuple[Callable[[], None], int]] = {}
        for name, its in terms.items():
            session = bytes(16)
            work["simple", name] = (statements(Relay(session, its), SIMPLE, SIMPLE_REPLY), SLICE)
            work["prepared", name] = (statements(Relay(session, its), PREPARED, PREPARED_REPLY), SLICE)
            rows = SLICE // 20 * BULK_ROWS
            work["row of a SELECT", name] = (bulk(Relay(session, its), COLUMNS, BULK), rows)
            work["row of a COPY", name] = (bulk(Relay(session, its), COPY_OUT, COPY), rows)
        taken: dict[tuple[str, str], list[float]] = {key: [] for key in work}
        for _ in range(REPETITIONS):
            for key, (run, each) in work.items():
                begun = time.process_time_ns()
                run()
                taken[key].append((time.process_time_ns() - begun) / each / 1000)
    for (what, name), found in sorted(taken.items()):
        print(f"{what:<18} {name:<20} best {min(found):8.3f} us  median {statistics.median(found):8.3f} us")


if __name__ == "__main__":
    main()
