"""One worker's spool as the publisher reads it: which blocks come next, and which segments may go."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from doorward.errors import StoreError, VerificationError
from doorward.record.frame import SegmentHead, decode_record, iterate_payloads
from doorward.record.log_files import sync_file, sync_folder
from doorward.record.replay import Block
from doorward.record.segments import SpoolReader, list_segments
from doorward.record.workers import first_sequence, worker_of

_HEAD_BYTES = 64 * 1024 * 1024  # a head names at most a million open requests


@dataclass(slots=True)
class PassBound:
    """What one pass may still take; None is without a bound."""

    blocks: int
    entries: int | None = None
    size: int | None = None

    @property
    def is_reached(self) -> bool:
        """Whether nothing more may be taken."""
        return self.blocks <= 0 or any(rest is not None and rest <= 0 for rest in (self.entries, self.size))

    def take(self, block: Block) -> None:
        """Account for one block."""
        self.blocks -= 1
        if self.entries is not None:
            self.entries -= len(block.entries)
        if self.size is not None:
            self.size -= sum(len(value) for entry in block.entries for _, value in entry.fields)


class Source:
    """A worker's spool; thrown away and made again after a failure.

    Args:
        position: How many of its leaves are in the log.
        check_published: Told each block that is in the log already, with the worker.

    Attributes:
        position: As above, counting what `take` returned.
    """

    def __init__(
        self, worker: int, folder: Path, position: int, check_published: Callable[[int, Block], None]
    ) -> None:
        self._worker = worker
        self._folder = folder
        self._check_published = check_published
        self._reader = SpoolReader(folder)
        self._next_sequence = 0  # behind the last block that is in the log or was taken
        self._synced = 0  # the segment from which on the spool may not be on the disk
        self.position = position

    def take(self, bound: PassBound) -> list[Block]:
        """Return the next blocks that are closed, up to the bound.

        Raises:
            MalformedError: The spool is damaged; names file and offset.
            VerificationError: It does not go on where the log waits for it.
            StoreError: A file cannot be read.
        """
        blocks: list[Block] = []
        if bound.is_reached:
            return blocks
        if self._worker and not self._folder.exists():
            raise VerificationError(
                f"the spool of worker {self._worker} is gone",
                hint="put it back; a worker that no longer runs keeps its spool",
            )
        for block in self._reader.read():
            if not isinstance(block, Block):
                continue
            if worker_of(block.first) != self._worker:
                raise VerificationError(
                    f"the spool of worker {self._worker} holds entry {block.first}, "
                    f"which is one of worker {worker_of(block.first)}",
                    hint="put each worker's folder back to where it was; nothing was signed",
                )
            if block.leaf_index < self.position:
                self._check_published(self._worker, block)
                self._next_sequence = block.last + 1
                continue
            if block.leaf_index != self.position:
                raise VerificationError(
                    f"the log waits for leaf {self.position}{self._whose()}, "
                    f"and the spool goes on with leaf {block.leaf_index}",
                    hint="an older copy of the log or another spool was put here; nothing was signed",
                )
            blocks.append(block)
            self.position += 1
            self._next_sequence = block.last + 1
            bound.take(block)
            if bound.is_reached:
                break
        if not blocks and self._reader.replay.next_leaf < self.position:
            raise VerificationError(
                f"the log has {self.position} leaves{self._whose()}, and the spool ends "
                f"before leaf {self._reader.replay.next_leaf}",
                hint="the spool was lost or put back; nothing was signed",
            )
        return blocks

    def sync(self) -> None:
        """Return when everything read so far is on the disk.

        Raises:
            StoreError: A file cannot be opened.
            UnsyncedError: The disk did not confirm it.
        """
        for segment in list_segments(self._folder):
            if segment.first < self._synced:
                continue
            try:
                file = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    sync_file(file, segment.path.name, os.fdatasync)
                finally:
                    os.close(file)
            except OSError as error:
                raise StoreError(f"`{segment.path.name}` cannot be read: {error.strerror}") from error
            self._synced = segment.first
        sync_folder(self._folder)

    def covered(self) -> list[Path]:
        """Return the segments of which every block is in the log or was taken; never the one being written.

        Raises:
            StoreError: The folder cannot be read.
        """
        segments = list_segments(self._folder)
        return [segment.path for segment, after in pairwise(segments) if after.first <= self._next_sequence]

    def first_needed(self) -> int:
        """Return the number of the worker's first leaf that is still in its spool.

        Raises:
            StoreError: The first segment cannot be read.
        """
        segments = list_segments(self._folder)
        if not segments or segments[0].first == first_sequence(self._worker):
            return 0
        try:
            with segments[0].path.open("rb") as file:
                head = next(iterate_payloads(file.read(_HEAD_BYTES)), None)
        except OSError as error:
            raise StoreError(f"`{segments[0].path.name}` cannot be read: {error.strerror}") from error
        record = decode_record(head[1]) if head is not None else None
        return record.next_leaf if isinstance(record, SegmentHead) else 0

    def _whose(self) -> str:
        return f" of worker {self._worker}" if self._worker else ""
