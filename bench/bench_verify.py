"""Checking a public log as an outsider, and proofs from its tiles: entries a CPU-second, milliseconds, memory.

The log is built in a scratch folder, some 200 bytes an entry with its files, and removed afterwards. Rounds of one and
of two processes alternate, so that a busy machine touches both. Nothing here is asserted.

    .venv/bin/python bench/bench_verify.py [--entries 1000000] [--rounds 2] [--json]
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from doorward.notes.note import Signer, format_verifier
from doorward.record.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint, verify_checkpoint
from doorward.record.edge import RightEdge
from doorward.record.hashes import hash_leaf
from doorward.record.proof import hash_range, make_consistency, make_inclusion
from doorward.record.tiles import TILE_WIDTH, TileId, parse_bundle, parse_tile, read_node
from doorward.verifier.merkle import extends, leads_to
from doorward.verifier.single_file import make_single_file

SIGNER = Signer.make("doorward.example/bench", bytes(32))
PROOFS = 1_000
CHILD = """
import sys
from doorward.verifier.check import Task, check
from doorward.verifier.note import parse_key
if __name__ == "__main__":
    verdict = check(Task(sys.argv[1], parse_key(sys.argv[2]), processes=int(sys.argv[3])))
    assert verdict.holds and not verdict.could_not_tell, verdict
"""


@dataclass(frozen=True)
class Figure:
    what: str
    value: str


def write(folder: Path, tile: TileId, data: bytes) -> None:
    file = folder / tile.path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def build(folder: Path, entries: int) -> float:
    """Write a log, and return the CPU seconds that it took."""
    began = time.process_time()
    edge = RightEdge()
    partial: dict[int | None, tuple[TileId, bytes]] = {}  # the newest of each level
    for number in range(entries):
        edge.append(b"\x01" + number.to_bytes(32, "big"))
        if number % 65_536 == 65_535 or number + 1 == entries:
            for tile, data in edge.take_tiles():
                if tile.is_full:
                    write(folder, tile, data)
                else:
                    partial[tile.level] = tile, data
    for tile, data in partial.values():
        if (entries >> (8 * (tile.level or 0))) - tile.index * TILE_WIDTH == tile.width:
            write(folder, tile, data)
    (folder / "checkpoint").write_bytes(
        format_checkpoint(Checkpoint(SIGNER.name, entries, edge.root()), SIGNER)
    )
    (folder / "vkey").write_text(format_verifier(SIGNER.verifier))
    return time.process_time() - began


class Reader:
    """Whole nodes from tiles; `forget` is called before each proof, so that none is kept from the one before."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder, self._size = folder, size
        self.tile = lru_cache(maxsize=64)(self._tile)
        self.forget = self.tile.cache_clear

    def _tile(self, level: int, index: int) -> list[bytes]:
        width = min(TILE_WIDTH, (self._size >> (8 * level)) - index * TILE_WIDTH)
        return parse_tile((self._folder / TileId(level, index, width).path).read_bytes(), width)

    def node(self, level: int, index: int) -> bytes:
        return read_node(self.tile, level, index)

    def entry(self, index: int) -> bytes:
        at = index // TILE_WIDTH
        width = min(TILE_WIDTH, self._size - at * TILE_WIDTH)
        raw = (self._folder / TileId(None, at, width).path).read_bytes()
        return parse_bundle(raw, width)[index % TILE_WIDTH]


def percentiles(samples: list[float]) -> str:
    ordered = sorted(samples)
    return (
        f"p50 {statistics.median(ordered) * 1e3:.2f} ms, p99 {ordered[len(ordered) * 99 // 100] * 1e3:.2f} ms"
    )


def measure_proofs(folder: Path) -> list[Figure]:
    head = verify_checkpoint(parse_checkpoint((folder / "checkpoint").read_bytes()), SIGNER.verifier)
    reader, source = Reader(folder, head.tree_size), Random(1)  # noqa: S311  # places, not secrets
    made: list[float] = []
    cpu: list[float] = []
    checked: list[float] = []
    for _ in range(PROOFS):
        index = source.randrange(head.tree_size)
        reader.forget()
        wall, used = time.perf_counter(), time.process_time()
        proof = make_inclusion(reader.node, index, head.tree_size)
        made.append(time.perf_counter() - wall)
        cpu.append(time.process_time() - used)
        leaf = hash_leaf(reader.entry(index))
        used = time.process_time()
        assert leads_to(leaf, index, head.tree_size, proof, head.root)
        checked.append(time.process_time() - used)
    inclusion = [
        Figure("inclusion proof from tiles, wall", percentiles(made)),
        Figure("inclusion proof from tiles, CPU", percentiles(cpu)),
        Figure("inclusion proof checked, CPU", percentiles(checked)),
    ]
    made, cpu, checked = [], [], []
    for _ in range(PROOFS):
        size = source.randrange(1, head.tree_size)
        old_root = hash_range(reader.node, 0, size)
        reader.forget()
        wall, used = time.perf_counter(), time.process_time()
        proof = make_consistency(reader.node, size, head.tree_size)
        made.append(time.perf_counter() - wall)
        cpu.append(time.process_time() - used)
        used = time.process_time()
        assert extends(size, old_root, head.tree_size, head.root, proof)
        checked.append(time.process_time() - used)
    return [
        *inclusion,
        Figure("consistency proof from tiles, wall", percentiles(made)),
        Figure("consistency proof from tiles, CPU", percentiles(cpu)),
        Figure("consistency proof checked, CPU", percentiles(checked)),
    ]


def run(command: list[str]) -> tuple[float, float, int]:
    """Return wall and CPU seconds of a process with its children, and the largest resident size so far, in MiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - wall
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used, after.ru_maxrss // 1024


def measure_checks(folder: Path, scratch: Path, entries: int, rounds: int) -> list[Figure]:
    script = scratch / "child.py"
    script.write_text(CHILD)
    alone = scratch / "verify_log.py"
    alone.write_text(make_single_file())
    key = format_verifier(SIGNER.verifier)
    ways = {
        "log verify, 1 process": [sys.executable, str(script), str(folder), key, "1"],
        "log verify, 2 processes": [sys.executable, str(script), str(folder), key, "2"],
        "verify_log.py": [sys.executable, "-I", "-S", str(alone), str(folder), "--key", key],
    }
    taken: dict[str, list[tuple[float, float, int]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, command in ways.items():
            taken[way].append(run(command))
    figures = []
    for way, times in taken.items():
        wall, used = (statistics.median(one[at] for one in times) for at in (0, 1))
        figures.append(
            Figure(
                way,
                f"{entries / used:,.0f} entries a CPU-second, {entries / wall:,.0f} a second ({wall:.1f} s)",
            )
        )
    largest = max(one[2] for times in taken.values() for one in times)
    return [*figures, Figure("largest process of these", f"{largest} MiB")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dw-verify-") as scratch:
        folder = Path(scratch) / "log"
        used = build(folder, options.entries)
        figures = [
            Figure("entries", f"{options.entries:,}"),
            Figure("load average at the start", f"{os.getloadavg()[0]:.1f}"),
            Figure("log built", f"{options.entries / used:,.0f} entries a CPU-second"),
            *measure_proofs(folder),
            *measure_checks(folder, Path(scratch), options.entries, options.rounds),
        ]
    if options.json:
        sys.stdout.write(json.dumps([asdict(one) for one in figures], indent=2) + "\n")
        return
    for one in figures:
        sys.stdout.write(f"{one.what:<40} {one.value}\n")


if __name__ == "__main__":
    main()
