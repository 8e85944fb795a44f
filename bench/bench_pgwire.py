"""What the wire costs: ns a frame of the hop, MB/s of bulk rows, and what accounting adds to a statement.

`python bench/bench_pgwire.py` prints a table: best and median of repetitions, wall and CPU. The work is repeated in
short slices, so that a busy machine shows in the distance between best and median. No server, no socket.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from doorward.pgwire.frames import FrameHop, FrameReader, Rows
from doorward.pgwire.limits import MAX_CLIENT_FRAME_BYTES
from doorward.pgwire.messages import (
    SYNC,
    Bind,
    BindValues,
    Execute,
    RowField,
    Target,
    format_bind,
    format_bind_values,
    format_describe,
    format_execute,
    format_frame,
    format_ready,
    format_row_description,
    format_tag,
    parse_bind,
    parse_execute,
    parse_query,
    parse_target,
)
from doorward.pgwire.replies import ReplyQueue, Sent
from doorward.pgwire.scram import ScramClient, ScramServer, make_verifier

REPETITIONS = 15
COLUMNS = format_row_description([RowField(b"abalance", 16397, 3, 23, 4)])
ROW = format_frame(b"D", b"\0\1\0\0\0\4-123")
TAIL = format_tag(b"SELECT 1") + format_ready(b"I")
SIMPLE_REPLY = COLUMNS + ROW + TAIL
PREPARED_REPLY = format_frame(b"2") + SIMPLE_REPLY
VALUES = format_bind_values(BindValues((), (b"12345",), ()))
PREPARED = [
    format_bind(Bind(b"", b"P0_1", VALUES)),
    format_describe(Target(b"P", b"")),
    format_execute(Execute(b"", 0)),
    SYNC,
]
WIDE_ROW = format_frame(b"D", b"\0\4" + b"\0\0\0\x24" + bytes(154))
COPY_LINE = format_frame(b"d", bytes(160))


@dataclass(frozen=True)
class Cost:
    """What one piece of work costs."""

    name: str
    best_ns: float
    median_ns: float
    cpu_ns: float
    note: str


def measure(name: str, work: Callable[[int], object], loops: int, note: str = "", *, each: int = 1) -> Cost:
    """Time `work(loops)`, which does ``loops`` times ``each`` pieces."""
    wall, cpu = [], []
    for _ in range(REPETITIONS):
        wall_start, cpu_start = time.perf_counter_ns(), time.process_time_ns()
        work(loops)
        wall.append((time.perf_counter_ns() - wall_start) / loops / each)
        cpu.append((time.process_time_ns() - cpu_start) / loops / each)
    return Cost(name, min(wall), statistics.median(wall), min(cpu), note)


def hop(data: bytes) -> Callable[[int], object]:
    def work(loops: int) -> None:
        walk = FrameHop().hop
        for _ in range(loops):
            walk(data)

    return work


def hop_bulk(row: bytes, chunk_bytes: int, total_bytes: int) -> tuple[Callable[[int], object], int]:
    stream = row * (total_bytes // len(row))
    chunks = [stream[start : start + chunk_bytes] for start in range(0, len(stream), chunk_bytes)]

    def work(loops: int) -> None:
        for _ in range(loops):
            walk = FrameHop().hop
            for chunk in chunks:
                walk(chunk)

    return work, len(stream)


def account_prepared(loops: int) -> None:
    """What a gateway does with a prepared statement: read, parse, push, hop, account."""
    reader, queue, walk = FrameReader(MAX_CLIENT_FRAME_BYTES), ReplyQueue(), FrameHop()
    request = b"".join(PREPARED)
    for number in range(1, 2 * loops, 2):
        reader.feed(request)
        while (frame := reader.next_frame()) is not None:
            if frame.kind == ord("B"):
                bind = parse_bind(frame.payload)
                queue.push(Sent.BIND, number, name=bind.statement, portal=bind.portal)
            elif frame.kind == ord("D"):
                queue.push(Sent.DESCRIBE, 0, name=parse_target(frame.payload).name)
            elif frame.kind == ord("E"):
                queue.push(Sent.EXECUTE, number + 1, portal=parse_execute(frame.payload).portal)
            else:
                queue.push(Sent.SYNC, 0)
        account(queue, walk, PREPARED_REPLY)


def account_simple(loops: int) -> None:
    queue, walk = ReplyQueue(), FrameHop()
    for number in range(1, loops + 1):
        parse_query(b"SELECT abalance FROM pgbench_accounts WHERE aid = 12345;\0")
        queue.push(Sent.QUERY, number)
        account(queue, walk, SIMPLE_REPLY)


def account(queue: ReplyQueue, walk: FrameHop, data: bytes) -> None:
    for item in walk.hop(data):
        if isinstance(item, Rows):
            queue.rows(item)
        else:
            queue.frame(item)


def read_frames(loops: int) -> None:
    reader = FrameReader(MAX_CLIENT_FRAME_BYTES)
    request = b"".join(PREPARED)
    for _ in range(loops):
        reader.feed(request)
        while reader.next_frame() is not None:
            pass


def log_in(loops: int) -> None:
    verifier = make_verifier("a password", salt=bytes(16), iterations=1)
    client = ScramClient("a password", nonce="client-nonce-client")
    server = ScramServer(verifier, is_known=True, nonce="server-nonce-server")
    last = client.final(server.first(client.first()))
    for _ in range(loops):
        server = ScramServer(verifier, is_known=True, nonce="server-nonce-server")
        server.first(client.first())
        server.final(last)


def main() -> None:
    costs = [
        measure("hop, simple reply (4 frames)", hop(SIMPLE_REPLY), 20_000, "a frame", each=4),
        measure("hop, prepared reply (5 frames)", hop(PREPARED_REPLY), 20_000, "a frame", each=5),
        measure("reader, prepared request (4 frames)", read_frames, 20_000, "a frame", each=4),
        measure("parse_bind, one value", lambda n: [parse_bind(PREPARED[0][5:]) for _ in range(n)], 20_000),
        measure("all of a simple statement", account_simple, 10_000, "a statement"),
        measure("all of a prepared statement", account_prepared, 10_000, "a statement"),
        measure("SCRAM, the server's share", log_in, 2_000, "a login, iterations not counted"),
    ]
    print(f"{'':<44}{'best':>9}{'median':>9}{'CPU':>9}  ns")
    for cost in costs:
        print(f"{cost.name:<44}{cost.best_ns:>9.0f}{cost.median_ns:>9.0f}{cost.cpu_ns:>9.0f}  {cost.note}")
    print(f"\n{'':<44}{'best':>9}{'median':>9}  MB/s{'CPU':>9} s/GB")
    for name, row in (
        ("rows of 160 bytes", WIDE_ROW),
        ("CopyData of 160 bytes", COPY_LINE),
        ("rows of 10 bytes", ROW),
    ):
        for chunk_bytes in (8 * 1024, 64 * 1024):
            work, size = hop_bulk(row, chunk_bytes, 16 * 1024 * 1024)
            cost = measure(name, work, 1)
            label = f"{name}, chunks of {chunk_bytes // 1024} KB"
            print(f"{label:<44}{bulk(cost, size)}")
    big = format_frame(b"D", bytes(16 * 1024 * 1024))
    work, size = hop_bulk(big, 64 * 1024, len(big))
    print(f"{'one row of 16 MB, chunks of 64 KB':<44}{bulk(measure('', work, 5), size)}")


def bulk(cost: Cost, size: int) -> str:
    best, median = size / cost.best_ns * 1000, size / cost.median_ns * 1000
    return f"{best:>9.0f}{median:>9.0f}{cost.cpu_ns / size:>15.2f}"


if __name__ == "__main__":
    main()
