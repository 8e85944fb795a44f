"""The frames of a spool segment: entries, and the two kinds of framing that stand between them.

A segment file is a run of frames, integers big-endian::

    frame:       u32 length of the payload | u32 crc32 of the payload | payload
    payload:     an entry (see `entry`), or
    segment:     u8 64 | u64 next sequence | i64 time in us | u8 version | u64 next leaf | sessions | requests
                 sessions: u32 count | 16 bytes each; requests: u32 count | 16-byte session, u64 number each
    block close: u8 65 | u64 next sequence | i64 time in us | u64 first sequence | u64 leaf index | 16 salt
    synced:      u8 66 | u64 next sequence, or
                 u8 66 | u64 next sequence | u64 bytes

A segment frame is the first of each file and only there. It carries what was open when the file began, so that
recovery needs no older file. A block holds the entries from its first sequence up to, without, the next one. A synced
frame stands only in a spool that syncs: everything before it was on the disk before it was written, or so many bytes
of the file were, up to its next sequence, where more was written during the sync. It says how far a loss of power can
have torn the file, and where only damage can have (`has_frame_behind`).

The checksum finds accidents; that nobody changed anything on purpose is what the tree is for.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from doorward.errors import MalformedError
from doorward.record.entry import MAX_ENTRY_BYTES, SALT_BYTES, SESSION_BYTES, Entry, Kind, decode_entry

SPOOL_VERSION: Final = 1
FRAME_OVERHEAD: Final = 8
MAX_OPEN: Final = (
    1_000_000  # sessions or requests that a segment may carry over; the gateway serves 400 clients
)

_SEGMENT: Final = 64
_BLOCK_CLOSE: Final = 65
_SYNCED: Final = 66
_FRAME: Final = struct.Struct(">II")
_SEGMENT_HEAD: Final = struct.Struct(">BQqBQ")
_COUNT: Final = struct.Struct(">I")
_REQUEST: Final = struct.Struct(">16sQ")
_CLOSE: Final = struct.Struct(">BQqQQ16s")
_MARK: Final = struct.Struct(">BQ")
_PART: Final = struct.Struct(">BQQ")
_SEQUENCE_AT: Final = FRAME_OVERHEAD + 1  # every payload has its sequence behind its first byte
_LOW_BITS: Final = 24  # of a sequence: what lies behind a broken frame in one file differs in these alone
_AHEAD: Final = 2**24  # more records than fit in a segment and a message of a client's largest size
_MAX_CHECKED_BYTES: Final = 2**30

OpenRequest = tuple[bytes, int]
"""Session and number of a request that waits for its last completion."""


@dataclass(frozen=True, slots=True)
class SegmentHead:
    """The first frame of a segment: where it begins, and what was open then."""

    next_sequence: int
    time_us: int
    next_leaf: int
    sessions: tuple[bytes, ...]
    requests: tuple[OpenRequest, ...]


@dataclass(frozen=True, slots=True)
class BlockClose:
    """The end of a block: entries `first` to `next_sequence - 1` are leaf `leaf_index`."""

    first: int
    next_sequence: int
    time_us: int
    leaf_index: int
    salt: bytes


@dataclass(frozen=True, slots=True)
class Synced:
    """Everything up to, without, this sequence is on the disk.

    Args:
        size: So many bytes of the file are; None where everything before this frame is.
    """

    next_sequence: int
    size: int | None = None


SpoolRecord = Entry | SegmentHead | BlockClose | Synced


def frame_payload(payload: bytes) -> bytes:
    """Return the frame around a payload."""
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def encode_segment_head(head: SegmentHead) -> bytes:
    """Return the payload of a segment frame."""
    return b"".join(
        (
            _SEGMENT_HEAD.pack(_SEGMENT, head.next_sequence, head.time_us, SPOOL_VERSION, head.next_leaf),
            _COUNT.pack(len(head.sessions)),
            *head.sessions,
            _COUNT.pack(len(head.requests)),
            *(_REQUEST.pack(session, number) for session, number in head.requests),
        )
    )


def encode_block_close(close: BlockClose) -> bytes:
    """Return the payload of a block-close frame."""
    return _CLOSE.pack(
        _BLOCK_CLOSE, close.next_sequence, close.time_us, close.first, close.leaf_index, close.salt
    )


def encode_synced(synced: Synced) -> bytes:
    """Return the payload of a synced frame."""
    if synced.size is None:
        return _MARK.pack(_SYNCED, synced.next_sequence)
    return _PART.pack(_SYNCED, synced.next_sequence, synced.size)


def decode_record(payload: bytes) -> SpoolRecord:
    """Return what a payload holds.

    Raises:
        MalformedError: It holds nothing that this version knows.
    """
    kind = payload[0] if payload else 0
    if kind == _SEGMENT:
        return _decode_segment_head(payload)
    if kind == _BLOCK_CLOSE:
        if len(payload) != _CLOSE.size:
            raise MalformedError(f"a block close has {_CLOSE.size} bytes, got {len(payload)}")
        _, next_sequence, time_us, first, leaf_index, salt = _CLOSE.unpack(payload)
        if first >= next_sequence:
            raise MalformedError(f"a block from {first} up to {next_sequence} holds nothing")
        return BlockClose(first, next_sequence, time_us, leaf_index, salt)
    if kind == _SYNCED:
        if len(payload) == _PART.size:
            return Synced(*_PART.unpack(payload)[1:])
        if len(payload) != _MARK.size:
            raise MalformedError(f"a synced frame has {_MARK.size} or {_PART.size} bytes, got {len(payload)}")
        return Synced(_MARK.unpack(payload)[1])
    return decode_entry(payload)


def _decode_segment_head(payload: bytes) -> SegmentHead:
    if len(payload) < _SEGMENT_HEAD.size:
        raise MalformedError("a segment's head is cut short")
    _, next_sequence, time_us, version, next_leaf = _SEGMENT_HEAD.unpack_from(payload)
    if version != SPOOL_VERSION:
        raise MalformedError(f"expected spool version {SPOOL_VERSION}, got {version}")
    sessions, offset = _cut_items(payload, _SEGMENT_HEAD.size, SESSION_BYTES)
    requests, offset = _cut_items(payload, offset, _REQUEST.size)
    if offset != len(payload):
        raise MalformedError("a segment's head has bytes behind its end")
    pairs = tuple((session, number) for session, number in map(_REQUEST.unpack, requests))
    return SegmentHead(next_sequence, time_us, next_leaf, tuple(sessions), pairs)


def _cut_items(payload: bytes, offset: int, size: int) -> tuple[list[bytes], int]:
    start = offset + _COUNT.size
    if start > len(payload):
        raise MalformedError("a segment's head is cut short")
    (count,) = _COUNT.unpack_from(payload, offset)
    end = start + count * size
    if count > MAX_OPEN or end > len(payload):
        raise MalformedError(f"a segment's head cannot hold {count} items")
    return [payload[at : at + size] for at in range(start, end, size)], end


def iterate_payloads(data: bytes, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield each whole payload with the offset behind its frame; ends at the first frame that is not whole.

    Whether what follows is a torn write or damage is for `has_frame_behind` to say.
    """
    size = len(data)
    unpack, crc32 = _FRAME.unpack_from, zlib.crc32
    while offset + FRAME_OVERHEAD <= size:
        length, checksum = unpack(data, offset)
        end = offset + FRAME_OVERHEAD + length
        if end > size or not 0 < length <= MAX_ENTRY_BYTES:
            return
        payload = data[offset + FRAME_OVERHEAD : end]
        if crc32(payload) != checksum:
            return
        offset = end
        yield offset, payload


def has_frame_behind(
    data: bytes, offset: int, next_sequence: int, *, synced_only: bool = False, start: int = 0
) -> bool:
    """Tell whether a whole frame of a later record stands somewhere behind a broken one.

    A torn write is a prefix of what was written, so nothing whole can follow it; if something does, the broken
    frames were damaged later, and cutting there would lose what was acknowledged. Any number of records may be damaged
    together (a page of a disk holds some twenty), so every later sequence counts, not the next one alone.

    Args:
        data: Of a spool; entries hold what clients sent, so it may be made to look like frames. More of that than a
            client has a reason for counts as a frame, and is refused.
        offset: Where the broken frame begins.
        next_sequence: The sequence that an entry there would have.
        synced_only: Look for synced frames alone: in a file of preallocated blocks a loss of power may keep a later
            page and not an earlier one, but never one behind a sync without everything before it.
        start: Where in its file the data begins.
    """
    checked = 0
    last = min(next_sequence + _AHEAD, 2**64 - 1)
    for high in range(next_sequence >> _LOW_BITS, (last >> _LOW_BITS) + 1):
        for found in _later_frame(high.to_bytes(5, "big"), synced_only=synced_only).finditer(
            data, offset + 1
        ):
            at = found.start()
            length, _ = _FRAME.unpack_from(data, at)
            sequence = int.from_bytes(data[at + _SEQUENCE_AT : at + _SEQUENCE_AT + 8], "big")
            if not next_sequence <= sequence <= last or at + length > len(data):
                continue
            checked += length
            if checked > _MAX_CHECKED_BYTES:
                return True
            _, payload = next(iterate_payloads(data, at), (0, b""))
            if payload and not (synced_only and _ends_before(payload, start + offset)):
                return True
    return False


def _ends_before(payload: bytes, offset: int) -> bool:
    """Tell whether a synced frame speaks of nothing behind an offset of its file."""
    return len(payload) == _PART.size and _PART.unpack(payload)[2] <= offset


def _later_frame(high: bytes, *, synced_only: bool) -> re.Pattern[bytes]:
    """Return what finds every place where a frame of a known record may begin, by its sequence's high bytes."""
    known = (_SYNCED,) if synced_only else (*Kind, _SEGMENT, _BLOCK_CLOSE, _SYNCED)
    kinds = re.escape(bytes(known))
    return re.compile(rb"(?s)(?=[\x00-\x04].{7}[" + kinds + rb"]" + re.escape(high) + rb")")


assert _CLOSE.size == 33 + SALT_BYTES, "the layout above"
