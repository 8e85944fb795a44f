"""Checking the spool: every record's checksum and place, and that it goes on where the log ends.

1. Checksums, sequences, blocks and leaf indices have no gap (`segments`, `replay`).
2. Blocks that the log has already give the leaves that stand there.
3. The spool reaches at least as far as the log, and begins no later than behind it.
4. Sessions and requests balance over what was not published yet (`account`).
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from doorward.errors import MalformedError
from doorward.record.account import Account
from doorward.record.check_openings import LeafReader
from doorward.record.frame import SegmentHead
from doorward.record.openings import Totals
from doorward.record.replay import Block, leaf_of
from doorward.record.report import Report
from doorward.record.segments import READERS_LOCK, WRITER_LOCK, SpoolReader


@contextmanager
def hold_segments(spool_dir: Path) -> Iterator[None]:
    """Keep the publisher from removing segments for as long as they are read."""
    try:
        lock = os.open(spool_dir / READERS_LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield  # no publisher has run yet, or the folder cannot be read and reading it will say so
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield
    finally:
        os.close(lock)


def is_being_written(spool_dir: Path) -> bool:
    """Tell whether a gateway has the spool open."""
    return is_held(spool_dir / WRITER_LOCK)


def is_held(file: Path) -> bool:
    """Tell whether a process holds a lock file alone; no file is held by nobody."""
    try:
        lock = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


class SpoolCheck:
    """One check of a spool against the log.

    Args:
        account: Knows the entries of the log already where `next_sequence` is given.
        next_sequence: Behind the last disclosed entry; None where the disclosures were not read.
    """

    def __init__(
        self, leaves: LeafReader, report: Report, account: Account, *, next_sequence: int | None
    ) -> None:
        self._leaves = leaves
        self._report = report
        self._account = account
        self._next_sequence = next_sequence

    def run(self, spool_dir: Path, stored: Totals | None) -> None:
        """Add to the report what is false in the spool.

        Args:
            stored: What the disclosures had before; None where they were not read.

        Raises:
            StoreError: A file cannot be read.
        """
        report, reader = self._report, SpoolReader(spool_dir)
        try:
            self._check_records(reader)  # 1
        except MalformedError as error:
            report.find("spool", str(error))
            return
        if reader.file is None:
            if self._leaves.tree_size:
                report.find("spool", f"there is none, and the log has {self._leaves.tree_size} leaves")
            return
        if reader.torn is not None and not is_being_written(spool_dir):
            report.find(
                f"spool, `{reader.torn.file}` at offset {reader.torn.offset}",
                f"{reader.torn.size} bytes at the end are no whole record",
            )
        state = reader.replay
        if not state.has_begun:
            return
        if state.next_leaf < self._leaves.tree_size:  # 3
            report.find(
                "spool",
                "it ends before the log does",
                f"leaf {self._leaves.tree_size}",
                f"leaf {state.next_leaf}",
            )
        if stored is not None:
            self._check_totals(stored, state.next_leaf, state.next_sequence)

    def _check_records(self, reader: SpoolReader) -> None:
        is_first = True
        for record in reader.read():
            if isinstance(record, SegmentHead):
                self._report.count("spool segments")
                if is_first:
                    self._check_beginning(record)
                is_first = False
            elif isinstance(record, Block):
                self._check_block(record)
        for entry in reader.replay.open_entries:
            self._account.note(entry)

    def _check_beginning(self, head: SegmentHead) -> None:
        tree_size = self._leaves.tree_size
        if head.next_leaf > tree_size:  # 3
            self._report.find(
                "spool",
                "it begins behind the log's end",
                f"at most leaf {tree_size}",
                f"leaf {head.next_leaf}",
            )
        if self._next_sequence is None:
            self._account.take_over(head.sessions, head.requests)
        elif head.next_leaf == tree_size and head.next_sequence != self._next_sequence:
            self._report.find(
                "spool", "it does not go on where the log ends", self._next_sequence, head.next_sequence
            )

    def _check_block(self, block: Block) -> None:
        self._report.count("spool blocks")
        tree_size = self._leaves.tree_size
        if block.leaf_index < tree_size:  # 2
            leaf = self._leaves.read(block.leaf_index)
            if leaf is not None and leaf != leaf_of(block.salt, block.root()):
                self._report.find(
                    f"spool, entries {block.first} to {block.last}",
                    f"they do not give leaf {block.leaf_index} of the log",
                )
            if self._next_sequence is not None:
                return  # noted from the disclosures
        elif block.leaf_index == tree_size and self._next_sequence not in {None, block.first}:
            self._report.find(
                "spool", "it does not go on where the log ends", self._next_sequence, block.first
            )
        for entry in block.entries:  # 4
            self._account.note(entry)

    def _check_totals(self, stored: Totals, next_leaf: int, next_sequence: int) -> None:
        report = self._report
        if stored.last_leaf is not None and stored.last_leaf >= next_leaf:
            report.find("disclosures", f"they open leaf {stored.last_leaf}, which was never recorded")
        if stored.first_sequence is not None and stored.first_sequence < 0:
            report.find("disclosures", f"they have an entry {stored.first_sequence}")
        if stored.last_sequence is not None and stored.last_sequence >= next_sequence:
            report.find("disclosures", f"they have an entry {stored.last_sequence}, which was never recorded")
