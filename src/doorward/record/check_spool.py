"""Checking a worker's spool: every record's checksum and place, and that it goes on where the log ends.

1. Checksums, sequences, blocks and leaf indices have no gap (`segments`, `replay`).
2. Blocks that the log has already give the leaves that stand there.
3. The spool reaches at least as far as the log, and begins no later than behind it.
4. Sessions and requests balance over what was not published yet (`account`).
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from doorward.errors import MalformedError, VerificationError
from doorward.record.account import Account
from doorward.record.check_erasures import Erasures
from doorward.record.check_openings import LeafReader
from doorward.record.frame import SegmentHead
from doorward.record.openings import Totals
from doorward.record.places import LeafPlaces
from doorward.record.replay import Block, leaf_of
from doorward.record.report import Report
from doorward.record.segments import READERS_LOCK, WRITER_LOCK, SpoolReader
from doorward.record.workers import first_sequence, list_workers, worker_folder, worker_of


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
    """One check of a worker's spool against the log.

    Args:
        account: Knows the entries of the log already where `next_sequence` is given.
        places: Where the workers' leaves stand in the log.
        next_sequence: Behind the worker's last disclosed entry; None where the disclosures were not read.

    Attributes:
        end: After `run`: how many leaves this worker has closed and the sequence behind its last entry, or None
            where that is not known.
    """

    def __init__(  # what a spool is compared with
        self,
        leaves: LeafReader,
        report: Report,
        account: Account,
        *,
        places: LeafPlaces,
        worker: int,
        next_sequence: int | None,
        erasures: Erasures,
    ) -> None:
        self._leaves = leaves
        self._report = report
        self._account = account
        self._erasures = erasures
        self._places = places
        self._worker = worker
        self._published = places.count(worker, leaves.tree_size)
        self._next_sequence = next_sequence
        self._spool = f"spool of worker {worker}" if worker else "spool"
        self.end: tuple[int, int] | None = None

    def run(self, folder: Path) -> None:
        """Add to the report what is false in the spool.

        Raises:
            StoreError: A file cannot be read.
        """
        report, reader = self._report, SpoolReader(folder)
        try:
            if folder.exists() or not self._worker:
                self._check_records(reader)  # 1
        except MalformedError as error:
            self._erasures.is_partial = True
            report.find(self._spool, str(error))
            return
        if reader.file is None:
            if self._published:
                report.find(self._spool, f"there is none, and the log has {self._published} leaves")
            return
        if reader.torn is not None and not is_being_written(folder):
            report.find(
                f"{self._spool}, `{reader.torn.file}` at offset {reader.torn.offset}",
                f"{reader.torn.size} bytes at the end are no whole record",
            )
        state = reader.replay
        if not state.has_begun:
            return
        self.end = (state.next_leaf, state.next_sequence)
        if state.next_leaf < self._published:  # 3
            report.find(
                self._spool,
                "it ends before the log does",
                f"leaf {self._published}",
                f"leaf {state.next_leaf}",
            )

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
            self._erasures.note(entry)

    def _check_beginning(self, head: SegmentHead) -> None:
        if worker_of(head.next_sequence) != self._worker:  # 1
            owner = worker_of(head.next_sequence)
            self._report.find(
                self._spool, "it is another worker's", f"worker {self._worker}", f"worker {owner}"
            )
        if head.next_leaf > self._published:  # 3
            self._report.find(
                self._spool,
                "it begins behind the log's end",
                f"at most leaf {self._published}",
                f"leaf {head.next_leaf}",
            )
        if self._next_sequence is None:
            self._account.take_over(head.sessions, head.requests)
        elif head.next_leaf == self._published and head.next_sequence != self._next_sequence:
            self._report.find(
                self._spool, "it does not go on where the log ends", self._next_sequence, head.next_sequence
            )

    def _check_block(self, block: Block) -> None:
        self._report.count("spool blocks")
        if block.leaf_index < self._published:  # 2
            self._check_leaf(block)
            if self._next_sequence is not None:
                return  # noted from the disclosures
        elif block.leaf_index == self._published and self._next_sequence not in {None, block.first}:
            self._report.find(
                self._spool, "it does not go on where the log ends", self._next_sequence, block.first
            )
        for entry in block.entries:  # 4
            self._account.note(entry)
            self._erasures.note(entry)

    def _check_leaf(self, block: Block) -> None:
        leaf_index = self._places.find(self._worker, block.leaf_index)
        where = f"{self._spool}, entries {block.first} to {block.last}"
        if leaf_index is None:
            self._report.find(
                where, f"nothing says which leaf of the log is leaf {block.leaf_index} of this worker"
            )
            return
        leaf = self._leaves.read(leaf_index)
        if leaf is not None and leaf != leaf_of(block.salt, block.root()):
            self._report.find(where, f"they do not give leaf {leaf_index} of the log")


def check_spools(  # noqa: PLR0917  # what the spools are compared with
    spool_dir: Path,
    leaves: LeafReader,
    report: Report,
    account: Account,
    next_sequences: Mapping[int, int] | None,
    stored: Totals | None,
    erasures: Erasures,
) -> None:
    """Add to the report what is false in the workers' spools and their places in the log.

    Args:
        next_sequences: Behind each worker's last disclosed entry; None where the disclosures were not read.
        stored: What the disclosures had before; None where they were not read.
        erasures: Is told of every entry that the account is told of.

    Raises:
        StoreError: A file cannot be read.
    """
    try:
        places = LeafPlaces.load(spool_dir, leaves.tree_size)
        places.pending(leaves.tree_size)
    except (MalformedError, VerificationError) as error:
        erasures.is_partial = True
        report.find("spool", str(error))
        return
    folders = {worker: worker_folder(spool_dir, worker) for worker in places.workers} | list_workers(
        spool_dir
    )
    ends: dict[int, tuple[int, int] | None] = {}
    for worker, folder in sorted(folders.items()):
        behind = None if next_sequences is None else next_sequences.get(worker, first_sequence(worker))
        check = SpoolCheck(
            leaves, report, account, places=places, worker=worker, next_sequence=behind, erasures=erasures
        )
        check.run(folder)
        ends[worker] = check.end
    if stored is not None:
        _check_totals(report, stored, ends)


def _check_totals(report: Report, stored: Totals, ends: Mapping[int, tuple[int, int] | None]) -> None:
    known = [end for end in ends.values() if end is not None]
    recorded = sum(next_leaf for next_leaf, _ in known)
    if len(known) == len(ends) and stored.last_leaf is not None and stored.last_leaf >= recorded:
        report.find("disclosures", f"they open leaf {stored.last_leaf}, which was never recorded")
    for worker, (first, last) in sorted(stored.sequences.items()):
        end = ends.get(worker, (0, 0))
        if worker not in ends:
            report.find("disclosures", f"they have an entry {first}")
        elif end is not None and last >= end[1]:
            report.find("disclosures", f"they have an entry {last}, which was never recorded")
