"""What sealing adds to an entry of the disclosures: CPU and bytes, paired with the commitment in each round.

Nothing is asserted. No server: what the server does is the same with sealed rows, but for their size.

    .venv/bin/python bench/bench_sealing.py [--entries 20000] [--rounds 6]
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from doorward.record.entry import NO_SESSION, Entry, Field, Kind
from doorward.record.openings import stored_block
from doorward.record.replay import Block
from doorward.record.seal_keys import SealKeys
from doorward.record.sealing import open_row, seal_row

TIME_US = 1_900_000_000_000_000
PER_SESSION = 80


def main() -> None:
    parser = argparse.ArgumentParser(description="what sealing adds to an entry")
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=6)
    asked = parser.parse_args()
    entries = tuple(map(make_entry, range(asked.entries)))
    block = Block(0, b"b" * 16, entries)
    found = [measure(block) for _ in range(asked.rounds)]
    each = [median(column) / len(entries) for column in zip(*found, strict=True)]
    print(
        f"{len(entries):,} entries, {asked.rounds} rounds, CPU us an entry (median): commitment and row"
        f" {each[0] * 1e6:.1f}, sealing {each[1] * 1e6:.1f}, opening {each[2] * 1e6:.1f};"
        f" {each[3]:.0f} bytes more a row"
    )


def make_entry(number: int) -> Entry:
    """Return a statement or its end, as the gateway records them."""
    session = (number // PER_SESSION + 1).to_bytes(16, "big")
    kind, fields = (
        (Kind.REQUEST, ((Field.MESSAGE, b"Query"), (Field.TEXT, b"SELECT * FROM arrests WHERE id = 4711")))
        if number % 2 == 0
        else (Kind.COMPLETION, ((Field.OUTCOME, b"complete"), (Field.ROWS, b"1"), (Field.TAG, b"SELECT 1")))
    )
    assert session != NO_SESSION
    return Entry(kind, number, TIME_US, session, number // 2 + 1, number.to_bytes(16, "big"), fields)


def measure(block: Block) -> tuple[float, float, float, float]:
    """Return CPU seconds of the commitment, of sealing and of opening, and by how many bytes the rows grow."""
    with tempfile.TemporaryDirectory() as folder:
        keys = SealKeys.open(Path(folder), b"m" * 32)
        began = time.process_time()
        rows = stored_block(block).entries
        committed = time.process_time()
        with keys.turn():
            sealed = [seal_row(row, keys.choose) for row in rows]
            keys.sync()
        done = time.process_time()
        for row in sealed:
            open_row(row, keys.look_up)
        opened = time.process_time()
    grows = sum(len(row.body) for row in sealed) - sum(len(row.body) for row in rows)
    return committed - began, done - committed, opened - done, float(grows)


if __name__ == "__main__":
    main()
