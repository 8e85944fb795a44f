"""The record: spool, publisher, check and proofs, each in entries or leaves a CPU-second beside wall time.

The spool is paired with a plain append-only file that gets the same bytes in the same writes, alternating in one
run, so that a busy machine touches both. Nothing here is asserted.

    .venv/bin/python bench/bench_record.py [--entries 200000] [--leaves 1000000] [--rounds 5] [--no-server] [--json]
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from doorward.notes.note import Signer
from doorward.record.checkpoint import Checkpoint, format_checkpoint
from doorward.record.disclosures import DATABASE, ROLE, PostgresDisclosures, prepare_server
from doorward.record.edge import RightEdge
from doorward.record.entry import Draft, Field, Kind
from doorward.record.fsck import check_log
from doorward.record.hashes import hash_leaf
from doorward.record.log import Publisher
from doorward.record.log_files import LogFiles
from doorward.record.openings import Disclosures, MemoryDisclosures
from doorward.record.proof import make_inclusion, verify_inclusion
from doorward.record.segments import list_segments
from doorward.record.spool import Spool, SpoolLimits
from doorward.record.tiles import TILE_WIDTH, TileId, parse_tile, read_node

SESSION = bytes(range(16))
TEXT = b"SELECT last_name FROM persons WHERE person_id = 12345"
SIGNER = Signer.make("doorward.example/bench", bytes(32))
PROOFS = 2_000


@dataclass(frozen=True)
class Figure:
    """One line of the table; rates are medians over the rounds."""

    what: str
    unit: str
    count: int
    per_second: float
    per_cpu_second: float
    note: str = ""


@dataclass
class Timer:
    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def timed() -> Iterator[Timer]:
    timer = Timer()
    wall, cpu = time.perf_counter(), time.process_time()
    yield timer
    timer.wall, timer.cpu = time.perf_counter() - wall, time.process_time() - cpu


def statement(number: int) -> list[Draft]:
    """The two entries of one statement, as the gateway records them."""
    asked = ((Field.MESSAGE, b"Query"), (Field.TEXT, TEXT))
    ended = (
        (Field.OUTCOME, b"complete"), (Field.ROWS, b"1"), (Field.BYTES, b"24"), (Field.TAG, b"SELECT 1"),
        (Field.LAST, b"1"),
    )  # fmt: skip
    return [Draft(Kind.REQUEST, SESSION, number, asked), Draft(Kind.COMPLETION, SESSION, number, ended)]


def drafts(entries: int) -> list[Draft]:
    return [draft for number in range(1, entries // 2 + 1) for draft in statement(number)]


def figure(what: str, unit: str, count: int, timers: list[Timer], note: str = "") -> Figure:
    return Figure(
        what,
        unit,
        count,
        count / statistics.median(timer.wall for timer in timers),
        count / statistics.median(timer.cpu for timer in timers),
        note,
    )


def bench_spool(folder: Path, entries: int, rounds: int) -> list[Figure]:
    everything = drafts(entries)
    figures = []
    for batch in (1, 10, 1000):
        batches = [everything[at : at + batch] for at in range(0, len(everything), batch)]
        ours, plain, ratios = [], [], []
        for round_ in range(rounds):
            sizes: list[int] = []
            ours.append(run_spool(folder / f"spool-{batch}-{round_}", batches, sizes))
            plain.append(run_plain(folder / f"plain-{batch}-{round_}", sizes))
            ratios.append(ours[-1].cpu / plain[-1].cpu)
        note = f"CPU {statistics.median(ratios):.1f} x the plain file"
        figures.append(figure(f"spool, {batch} an append", "entries", len(everything), ours, note))
        figures.append(figure(f"  plain file, {batch} a write", "entries", len(everything), plain))
    return figures


def run_spool(folder: Path, batches: list[list[Draft]], sizes: list[int]) -> Timer:
    def write(file: int, data: bytes) -> int:
        sizes.append(len(data))
        return os.write(file, data)

    now = datetime.now(UTC)
    spool = Spool.open(folder, now=now, write=write)
    with timed() as timer:
        for batch in batches:
            spool.append(batch, now=now)
    spool.close(now=now)
    return timer


def run_plain(path: Path, sizes: list[int]) -> Timer:
    buffer = os.urandom(max(sizes))
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with timed() as timer:
        for size in sizes:
            os.write(file, buffer[:size])
    os.close(file)
    return timer


def fill(folder: Path, entries: int) -> None:
    """Fill a spool with statements in blocks of up to 1,000 and sessions of 100 statements, closed."""
    now = datetime.now(UTC)
    spool = Spool.open(folder, now=now, limits=SpoolLimits(total_bytes=2**40))
    everything = drafts(entries)
    for at in range(0, len(everything), 200):
        grant = Draft(Kind.GRANT, SESSION, 0, ((Field.SCOPE, b"scope-1"),))
        spool.append([grant, *everything[at : at + 200]], now=now)
    spool.close(now=now)


def bench_publisher(folder: Path, entries: int, disclosures: Disclosures, where: str) -> list[Figure]:
    spool_dir, log_dir = folder / "spool", folder / "log"
    fill(spool_dir, entries)
    sizes = sum(segment.path.stat().st_size for segment in list_segments(spool_dir))
    publisher = Publisher.open(log_dir, spool_dir, SIGNER, disclosures)
    with timed() as published:
        while publisher.publish_once():
            pass
    publisher.close()
    with timed() as checked:
        report = check_log(log_dir, SIGNER.verifier, spool_dir, disclosures)
    if not report.holds:
        sys.exit(f"the record does not hold: {report.findings[0]}")
    count = report.counts["entries"]
    note = f"{report.counts['tree size']} leaves, {sizes / count:.0f} bytes an entry in the spool"
    return [
        figure(f"publisher, disclosures {where}", "entries", count, [published], note),
        figure(f"check with every leaf opened, {where}", "entries", count, [checked]),
    ]


def build_log(log_dir: Path, leaves: int) -> Timer:
    files, edge = LogFiles(log_dir), RightEdge()
    files.make()
    with timed() as timer:
        for number in range(leaves):
            edge.append(b"\x01" + number.to_bytes(32, "big"))
            if number % 65_536 == 65_535:
                write_tiles(log_dir, edge)
        write_tiles(log_dir, edge)
    checkpoint = Checkpoint(SIGNER.name, edge.size, edge.root())
    files.replace("checkpoint", format_checkpoint(checkpoint, SIGNER))
    return timer


def write_tiles(log_dir: Path, edge: RightEdge) -> None:
    # Without the syncs of the publisher: a bulk load, to have something to read.
    for tile, data in edge.take_tiles():
        path = log_dir / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def bench_log(folder: Path, leaves: int) -> list[Figure]:
    log_dir = folder / "large"
    built = build_log(log_dir, leaves)
    with timed() as checked:
        report = check_log(log_dir, SIGNER.verifier)
    if not report.holds:
        sys.exit(f"the log does not hold: {report.findings[0]}")
    made, verified = bench_proofs(log_dir, leaves)
    return [
        figure("bulk load of a log, no syncs", "leaves", leaves, [built]),
        figure("check of a public log", "leaves", leaves, [checked]),
        Figure(
            f"inclusion proof from {leaves:,} leaves", "proofs", PROOFS,
            1 / statistics.mean(made), 1 / statistics.mean(made),
            f"p50 {1e3 * statistics.median(made):.2f} ms, p99 {1e3 * percentile(made, 99):.2f} ms",
        ),
        Figure(
            "  its verification", "proofs", PROOFS,
            1 / statistics.mean(verified), 1 / statistics.mean(verified),
            f"p50 {1e6 * statistics.median(verified):.0f} us",
        ),
    ]  # fmt: skip


def bench_proofs(log_dir: Path, leaves: int) -> tuple[list[float], list[float]]:
    """Make and verify proofs of random leaves, each with no tile in memory."""
    files = LogFiles(log_dir)
    source = random.Random(1)  # noqa: S311  # places, not secrets
    made, verified = [], []
    root = None
    for _ in range(PROOFS):
        index = source.randrange(leaves)
        begun = time.perf_counter()
        proof = make_inclusion(node_reader(files, leaves), index, leaves)
        made.append(time.perf_counter() - begun)
        if root is None:
            root = root_of_log(log_dir)
        leaf = hash_leaf(b"\x01" + index.to_bytes(32, "big"))
        begun = time.perf_counter()
        verify_inclusion(leaf_hash=leaf, leaf_index=index, tree_size=leaves, root=root, proof=proof)
        verified.append(time.perf_counter() - begun)
    return made, verified


def node_reader(files: LogFiles, leaves: int) -> Callable[[int, int], bytes]:
    held: dict[tuple[int, int], list[bytes]] = {}

    def read_tile(level: int, index: int) -> list[bytes]:
        if (level, index) not in held:
            width = min(TILE_WIDTH, (leaves >> (8 * level)) - index * TILE_WIDTH)
            raw = files.read_tile(TileId(level, index, width))
            assert raw is not None
            held[level, index] = parse_tile(raw, width)
        return held[level, index]

    return lambda level, index: read_node(read_tile, level, index)


def root_of_log(log_dir: Path) -> bytes:
    from doorward.record.checkpoint import parse_checkpoint

    return parse_checkpoint((log_dir / "checkpoint").read_bytes()).root


def percentile(values: list[float], percent: int) -> float:
    return sorted(values)[len(values) * percent // 100]


@contextmanager
def record_server(folder: Path) -> Iterator[str]:
    from psycopg.conninfo import make_conninfo

    from doorward.embedded.clusters import record_spec
    from doorward.embedded.launcher import Cluster

    cluster = Cluster(record_spec(folder))
    cluster.start()
    try:
        owner = cluster.dsn(user="postgres", dbname="postgres")
        prepare_server(owner)
        yield make_conninfo(owner, user=ROLE, dbname=DATABASE)
    finally:
        cluster.stop()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=200_000)
    parser.add_argument("--leaves", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-server", action="store_true", help="leave out PostgreSQL")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        figures = bench_spool(folder, arguments.entries, arguments.rounds)
        figures += bench_publisher(folder / "memory", arguments.entries, MemoryDisclosures(), "in memory")
        if not arguments.no_server:
            with record_server(folder / "server") as conninfo, PostgresDisclosures(conninfo) as disclosures:
                figures += bench_publisher(
                    folder / "postgres", arguments.entries, disclosures, "in PostgreSQL"
                )
        figures += bench_log(folder, arguments.leaves)
    if arguments.json:
        print(json.dumps([asdict(one) for one in figures], indent=2))
        return
    print(f"{'':44} {'wall /s':>11} {'CPU /s':>11}")
    for one in figures:
        print(f"{one.what:44} {one.per_second:11,.0f} {one.per_cpu_second:11,.0f} {one.unit}  {one.note}")


if __name__ == "__main__":
    main()
