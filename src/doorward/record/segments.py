"""The segment files of a spool, and reading them back in order.

Files are named by their first sequence, so their names sort as they follow each other. All but the last are
whole. The last one may end in a torn write; the reader stops there and says so in `torn`, and it is up to the
caller what that means: the writer's recovery cuts it, the publisher waits, the check reports it.

A spool that syncs writes into blocks that it allocated before, `PREALLOCATED_BYTES` at a time and zeros until they are
written. Zeros up to the end of such a file are no torn write: nothing was ever there. It always ends in `SPARE_BYTES`
of them, by which it is told from a file that has this size by chance.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from doorward.errors import MalformedError, StoreError
from doorward.record.frame import (
    SegmentHead,
    SpoolRecord,
    Synced,
    decode_record,
    has_frame_behind,
    iterate_payloads,
)
from doorward.record.replay import Block, Replay

WRITER_LOCK: Final = "writer.lock"
PUBLISHER_LOCK: Final = "publisher.lock"
PREALLOCATED_BYTES: Final = 1024 * 1024
SPARE_BYTES: Final = 64  # zeros that such a file ends in, however full it is; no record ends so by accident
MAX_LOOKS: Final = 5  # at a file that is being written while it is read
READERS_LOCK: Final = "readers.lock"  # shared by whoever reads all segments; removal needs it alone
_SEGMENT_NAME: Final = re.compile(r"seg-([0-9]{20})\.spool")


@dataclass(frozen=True, slots=True)
class Torn:
    """Bytes at the end of the last segment that are no whole record."""

    file: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of a spool."""

    first: int
    path: Path


def segment_name(first_sequence: int) -> str:
    """Return the name of the segment that begins with an entry."""
    return f"seg-{first_sequence:020d}.spool"


def is_preallocated_size(size: int) -> bool:
    """Tell whether a file of this size may be one of preallocated blocks; `ends_in_blocks` tells whether it is."""
    return size > 0 and size % PREALLOCATED_BYTES == 0


def ends_in_blocks(size: int, end: bytes) -> bool:
    """Tell whether a file ends in zeros that were never written to.

    Its size alone tells nothing: clients choose the lengths of what is recorded, and any file may have it.

    Args:
        size: Of the whole file.
        end: Its last bytes, `SPARE_BYTES` or more where it has them.
    """
    return is_preallocated_size(size) and end.endswith(bytes(SPARE_BYTES))


def list_segments(folder: Path) -> list[Segment]:
    """Return the segments of a folder in order.

    Raises:
        StoreError: The folder cannot be read.
    """
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError as error:
        raise StoreError(f"the spool `{folder}` cannot be read: {error.strerror}") from error
    found = [(match, name) for name in names if (match := _SEGMENT_NAME.fullmatch(name))]
    return sorted(
        (Segment(int(match[1]), folder / name) for match, name in found), key=lambda segment: segment.first
    )


class SpoolReader:
    """Reads a spool from its first segment on; `read` goes on where it stopped, also after new writes.

    Attributes:
        replay: The state after what was read.
        torn: After `read`: the bytes at the end that were no whole record, or None.
        file: The name of the segment that was read last, or None.
        offset: How far it was read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segment: Segment | None = None
        self.replay = Replay()
        self.torn: Torn | None = None
        self.offset = 0

    @property
    def file(self) -> str | None:
        """The name of the segment that was read last, or None before the first."""
        return self._segment.path.name if self._segment else None

    def read(self) -> Iterator[SpoolRecord | Block]:
        """Yield every record up to the end of what is there; behind a block's close, the block.

        Raises:
            MalformedError: A record is damaged, or cannot follow the one before it; names file and offset.
            StoreError: A file cannot be read.
        """
        self.torn = None
        while True:
            # The list comes first: a segment that has a successor now is whole when it is read after.
            segments = list_segments(self._folder)
            if self._segment is None:
                if not segments:
                    return
                self._segment = segments[0]
            later = [segment for segment in segments if segment.first > self._segment.first]
            was_removed = self._segment not in segments
            if was_removed and later and later[0].first == self.replay.next_sequence:
                self._segment, self.offset = later[0], 0  # read to its end, published and removed
                continue
            yield from self._read_segment(self._segment, is_last=not later)
            if not later:
                return
            self._segment, self.offset = later[0], 0

    def _read_segment(self, segment: Segment, *, is_last: bool) -> Iterator[SpoolRecord | Block]:
        for _ in range(MAX_LOOKS):
            start = self.offset
            data = _read_from(segment.path, start)
            yield from self._read_whole(segment, data)
            rest = data[self.offset - start :]
            is_preallocated = is_last and ends_in_blocks(start + len(data), data)
            size = len(rest.rstrip(b"\0")) if is_preallocated else len(rest)
            if not size:
                return
            next_sequence = self.replay.next_sequence if self.offset else segment.first
            synced_only = is_preallocated and self.offset > 0
            if is_last and not has_frame_behind(
                rest, 0, next_sequence, synced_only=synced_only, start=self.offset
            ):
                self.torn = Torn(segment.path.name, self.offset, size)
                return
            if not is_last or _read_from(segment.path, start) == data:
                break
            # The writer filled a page behind the one that was read too early; the next look sees both.
        raise MalformedError(
            f"`{segment.path.name}` at offset {self.offset}: expected a whole record, got damaged bytes",
            hint="keep a copy of the folder before anything else, and find out who wrote to it",
        )

    def _read_whole(self, segment: Segment, data: bytes) -> Iterator[SpoolRecord | Block]:
        start = self.offset
        for end, payload in iterate_payloads(data):
            try:
                record = decode_record(payload)
                self._check_place(record, segment)
                block = self.replay.note(record)
            except MalformedError as error:
                raise MalformedError(f"`{segment.path.name}` at offset {self.offset}: {error}") from error
            self.offset = start + end
            yield record
            if block is not None:
                yield block

    def _check_place(self, record: SpoolRecord, segment: Segment) -> None:
        if (self.offset == 0) != isinstance(record, SegmentHead):
            raise MalformedError("a segment's head is the first record of its file, and only that")
        if isinstance(record, SegmentHead) and record.next_sequence != segment.first:
            raise MalformedError(f"the file is named for entry {segment.first}, and begins elsewhere")
        if isinstance(record, Synced) and (record.size or 0) > self.offset:
            raise MalformedError(f"{record.size} bytes are called synced before they are there")


def read_spool(folder: Path) -> Iterator[SpoolRecord | Block]:
    """Yield every record of a spool, and each block behind its close; a torn end is left out.

    Raises:
        MalformedError: A record is damaged, or cannot follow the one before it; names file and offset.
        StoreError: A file cannot be read.
    """
    return SpoolReader(folder).read()


def _read_from(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()
    except OSError as error:
        raise StoreError(f"the spool file `{path.name}` cannot be read: {error.strerror}") from error
