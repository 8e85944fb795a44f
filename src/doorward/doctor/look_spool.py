"""Looking at a record without reading all of it: two segments of each worker's spool, and the checkpoint."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from doorward.doctor.record import SpoolFacts
from doorward.errors import LogError, MalformedError, StoreError
from doorward.record.check_spool import hold_segments, is_being_written, is_held
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.frame import SegmentHead, decode_record, iterate_payloads
from doorward.record.log_files import CHECKPOINT, LogFiles
from doorward.record.places import LeafPlaces
from doorward.record.replay import Block, Replay
from doorward.record.segments import PUBLISHER_LOCK, Segment, ends_in_blocks, list_segments
from doorward.record.workers import list_workers

MAX_HEAD_BYTES: Final = 1024 * 1024
MAX_SEGMENT_BYTES: Final = 256 * 1024 * 1024  # a segment has 16 MiB and what one append brings
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Read:
    """One segment, read to its end: the state behind it, its blocks, and the bytes that are no whole record."""

    state: Replay
    blocks: list[Block]
    torn_bytes: int


def look_at_spool(spool_dir: Path, log_dir: Path, *, bound_bytes: int) -> SpoolFacts:
    """Return what the workers' spools and the checkpoint say together; changes nothing.

    Raises:
        MalformedError: A record, the places or the checkpoint is damaged.
        StoreError: A file cannot be read.
    """
    leaves = _read_leaves(log_dir)
    places = LeafPlaces.load(spool_dir, leaves or 0)
    workers = list_workers(spool_dir)
    with hold_segments(spool_dir):
        looks = [
            _look_at_worker(folder, places.count(worker, leaves or 0)) for worker, folder in workers.items()
        ]
    room = os.statvfs(spool_dir)
    return SpoolFacts(
        writable=all(os.access(folder, os.W_OK | os.X_OK, effective_ids=True) for folder in workers.values()),
        free_bytes=room.f_bavail * room.f_frsize,
        spool_bytes=sum(look.size for look in looks),
        bound_bytes=bound_bytes,
        leaves=leaves,
        waiting=sum(look.waiting for look in looks),
        oldest=min((look.oldest for look in looks if look.oldest is not None), default=None),
        last=max((look.last for look in looks if look.last is not None), default=None),
        torn_bytes=sum(look.torn_bytes for look in looks),
        gateway_runs=any(look.is_written for look in looks),
        publisher_runs=is_held(spool_dir / PUBLISHER_LOCK),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """One worker's spool."""

    size: int
    waiting: int
    oldest: datetime | None
    last: datetime | None
    torn_bytes: int
    is_written: bool


def _look_at_worker(folder: Path, published: int) -> _Look:
    is_written = is_being_written(folder)
    segments = list_segments(folder)
    last = _read_segment(segments[-1]) if segments else None
    state = last.state if last is not None else Replay()
    return _Look(
        size=sum(segment.path.stat().st_size for segment in segments),
        waiting=max(state.next_leaf - published, 0),
        oldest=_find_oldest(segments, published),
        last=_time(state.time_us) if state.time_us else None,
        torn_bytes=last.torn_bytes if last is not None and not is_written else 0,
        is_written=is_written,
    )


def _read_leaves(log_dir: Path) -> int | None:
    raw = LogFiles(log_dir).read(CHECKPOINT)
    return parse_checkpoint(raw).tree_size if raw is not None else None


def _find_oldest(segments: list[Segment], leaves: int) -> datetime | None:
    # The last segment that begins at or before the first leaf that is missing has it.
    for segment in reversed(segments):
        if _read_head(segment).next_leaf <= leaves:
            for block in _read_segment(segment).blocks:
                if block.leaf_index >= leaves:
                    return _time(block.entries[0].time_us)
            return None
    return _time(_read_head(segments[0]).time_us) if segments else None


def _read_head(segment: Segment) -> SegmentHead:
    for _, payload in iterate_payloads(_read(segment.path, MAX_HEAD_BYTES)):
        record = decode_record(payload)
        if isinstance(record, SegmentHead):
            return record
        break
    raise MalformedError(f"`{segment.path.name}` does not begin with a segment's head")


def _read_segment(segment: Segment) -> _Read:
    data = _read(segment.path, MAX_SEGMENT_BYTES)
    state, whole = Replay(), 0
    blocks: list[Block] = []
    try:
        for end, block in _replay(data, state):
            whole = end
            blocks += [block] if block is not None else []
    except LogError as error:
        raise MalformedError(f"`{segment.path.name}`: {error}") from error
    rest = data[whole:].rstrip(b"\0") if ends_in_blocks(len(data), data) else data[whole:]
    return _Read(state, blocks, len(rest))


def _replay(data: bytes, state: Replay) -> Iterator[tuple[int, Block | None]]:
    for end, payload in iterate_payloads(data):
        yield end, state.note(decode_record(payload))


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(max_bytes)
    except OSError as error:
        raise StoreError(f"the spool file `{path.name}` cannot be read: {error.strerror}") from error


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
