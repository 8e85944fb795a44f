"""The spool: where an entry is before anything of it is released (law 4).

One process writes (flock), one `os.write` an append, no fsync: what `append` returned for is with the operating
system and survives the death of every process of ours, not the loss of power (ADR 6). A spool may be opened so that
kinds of entries, or single appends, are synced before `append` returns (ADR 79); what was appended before them is too.
Who can wait without standing in everybody's way calls `write` instead, and lets one sync cover many (ADR 86).

After a StoreError nothing is written any more, and whole records are never taken back (`segment_file`); a new
`open` recovers.

What a crash leaves, and what `open` does about it:

- a torn record at the end of the last segment: cut. A damaged record anywhere else: nothing is opened.
- an open block: closed.
- requests without their last completion: each gets the completion `unknown`, "rows may have left".
- sessions without an end: each gets an end with the reason `recovered`.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from doorward.errors import MalformedError, StoreError, UnsyncedError
from doorward.record.entry import (
    JOINED,
    MAX_BODY_BYTES,
    NO_SESSION,
    SALT_BYTES,
    SESSION_BYTES,
    Draft,
    Field,
    Kind,
    encode_fields,
    pack_header,
)
from doorward.record.frame import (
    BlockClose,
    OpenRequest,
    SegmentHead,
    Synced,
    encode_block_close,
    encode_synced,
    frame_payload,
)
from doorward.record.ledger import LAST, Ledger
from doorward.record.segment_file import SegmentFile, Sync
from doorward.record.segments import WRITER_LOCK, SpoolReader
from doorward.record.workers import first_sequence, worker_of

MIB: Final = 1024 * 1024
RECOVERED: Final = b"recovered"
UNKNOWN: Final = b"unknown"
ROWS_MAY_HAVE_LEFT: Final = b"rows may have left"
MAX_REQUEST: Final = 2**63 - 1  # the disclosures' store has signed numbers

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_POOL_BYTES: Final = 256 * SALT_BYTES  # a system call for each salt would cost more than the rest


class SpoolInUseError(StoreError):
    """Another process writes to this spool."""


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """Where a spool begins a new file, closes a block, and stops.

    Args:
        segment_bytes: A segment that has reached this is followed by a new one.
        total_bytes: All segments together; reached only when nothing is published for a long time.
        block_requests: A block is closed when it holds so many requests.
        block_entries: And when it holds so many entries: one request may have many completions.
        block_bytes: And when its entries have so many bytes; readers hold a whole block.
        block_seconds: And when its first entry is so old.
    """

    segment_bytes: int = 16 * MIB
    total_bytes: int = 8 * 1024 * MIB
    block_requests: int = 1000
    block_entries: int = 10_000
    block_bytes: int = 8 * MIB
    block_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Recovered:
    """What `open` found unfinished and finished.

    Args:
        requests: Session and number of each request that got the completion `unknown`.
        sessions: The sessions that got an end.
        cut_bytes: The size of the torn write that was cut.
    """

    requests: tuple[OpenRequest, ...] = ()
    sessions: tuple[bytes, ...] = ()
    cut_bytes: int = 0


class Spool:
    """The one writer of a spool folder; made by `open`, not for use by several threads.

    Attributes:
        recovered: What `open` found unfinished.
    """

    recovered: Recovered

    def __init__(
        self,
        folder: Path,
        lock: int,
        *,
        limits: SpoolLimits,
        random: Callable[[int], bytes],
        write: Callable[[int, bytes], int],
        sync: Callable[[int], None] = os.fdatasync,
        worker: int = 0,
        durable: frozenset[Kind] | None = None,
    ) -> None:
        self._folder = folder
        self._lock = lock
        self._limits = limits
        self._block_us = int(limits.block_seconds * 1_000_000)
        self._salts = _draw_salts(random)
        self._durable = durable or frozenset()
        self._file = SegmentFile(
            folder, write=write, sync=sync, total_bytes=limits.total_bytes, preallocates=durable is not None
        )
        self._clock_is_behind = False
        self._sync: Sync | None = None  # begun and not ended
        self._unmarked: StoreError | None = None  # why a sync that went well could not be said
        self._is_awaited = False  # something that was written since the last sync began is waited for

        self._worker = worker
        self._next_sequence = first_sequence(worker)
        self._next_leaf = 0  # counted among this worker's own; its place in the log is for `places` to say
        self._time_us = 0  # of the last entry
        self._ledger = Ledger()
        self._block_first = (
            self._next_sequence
        )  # the open block's first entry; `_next_sequence` where no block is open
        self._block_requests = 0
        self._block_bytes = 0
        self._block_clock_us = 0  # what the clock said when it was opened

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        now: datetime,
        limits: SpoolLimits = SpoolLimits(),
        random: Callable[[int], bytes] = os.urandom,
        write: Callable[[int, bytes], int] = os.write,
        sync: Callable[[int], None] = os.fdatasync,
        worker: int = 0,
        durable: frozenset[Kind] | None = None,
    ) -> Self:
        """Return the spool of a folder, recovered and ready to append; a missing folder is made.

        Args:
            worker: Whose it is; its entries are numbered from `workers.first_sequence` on.
            random: Returns so many random bytes.
            write: Does what `os.write` does; tests let it fail.
            sync: Does what `os.fdatasync` does.
            durable: Kinds that are on the disk when `append` returns; with None the spool is not made for syncs.

        Raises:
            MalformedError: A record is damaged, and not by a torn write at the end; names file and offset.
            SpoolInUseError: Another process writes here.
            StoreError: The disk refused.
        """
        lock = _take_lock(folder)
        spool = cls(
            folder, lock, limits=limits, random=random, write=write, sync=sync, worker=worker, durable=durable
        )
        try:
            spool.recovered = spool._recover(now)
        except OSError as error:
            spool._release()
            raise StoreError(f"the spool `{folder}` cannot be opened: {error.strerror}") from error
        except BaseException:
            spool._release()
            raise
        return spool

    @property
    def closed_leaves(self) -> int:
        """How many blocks of this worker were ever closed."""
        return self._next_leaf

    @property
    def last_sequence(self) -> int:
        """The sequence of the last entry; one below this worker's first where there is none."""
        return self._next_sequence - 1

    @property
    def open_requests(self) -> tuple[OpenRequest, ...]:
        """Session and number of each request that waits for its last completion, oldest first."""
        return tuple(self._ledger.requests)

    @property
    def open_sessions(self) -> tuple[bytes, ...]:
        """The sessions without an end, oldest first."""
        return tuple(self._ledger.sessions)

    def room(self, enough: int) -> int:
        """Return how many bytes the spool's bound still lets in; see `SpoolLimits.total_bytes`."""
        return self._file.room(enough)

    def append(self, drafts: Sequence[Draft], *, now: datetime, durable: bool = False) -> None:
        """Record drafts, in their order, with one write; they are recorded when this returns.

        Requests and completions join the open block; every other kind is a block of one.

        Args:
            now: Aware, UTC. Where it is before the last entry's time, that time is used instead, and the
                first entry says by how much the clock went back.
            durable: Return only when they, and all before them, are on the disk; so it is for durable kinds too.

        Raises:
            MalformedError: A draft is none: a field twice, too long. Nothing was recorded.
            StoreError: The disk refused, now or before; the spool stays broken.
        """
        if self.write(drafts, now=now, durable=durable):
            self.sync()

    def write(self, drafts: Sequence[Draft], *, now: datetime, durable: bool = False) -> bool:
        """Record drafts as `append` does, and return whether nothing may follow before a sync of them has ended.

        Raises:
            MalformedError: As `append`.
            StoreError: As `append`.
        """
        self._check()
        if not drafts:
            return False
        bodies = [_encode_body(draft) for draft in drafts]  # may refuse, so before anything changes
        clock_us = (now - _EPOCH) // _MICROSECOND
        stepped_us = self._set_time(clock_us)
        if stepped_us:
            first = replace(
                drafts[0],
                fields=(*drafts[0].fields, (Field.CLOCK_STEPPED_BACK, b"%d" % stepped_us)),
            )
            bodies[0] = _encode_body(first)
        try:
            self._record(drafts, bodies, clock_us)
        except BaseException:  # what is counted and what is written may not agree any more
            self.fail()
            raise
        waits = durable or (bool(self._durable) and any(draft.kind in self._durable for draft in drafts))
        self._is_awaited = self._is_awaited or waits
        return waits

    def _record(self, drafts: Sequence[Draft], bodies: Sequence[bytes], clock_us: int) -> None:
        out: list[bytes] = []
        if self._block_is_old(clock_us):
            self._close_block(out)
        if self._file.size >= self._limits.segment_bytes:
            self._close_block(out)
            self._file.write(out)
            self._begin_segment()
            out = []
        for draft, body in zip(drafts, bodies, strict=True):
            self._add(draft, body, clock_us, out)
        self._file.write(out)

    def sync(self) -> None:
        """Return when everything that was written is on the disk; a sync that runs in a thread is waited for first.

        Raises:
            UnsyncedError: The disk did not confirm it; nothing is written any more.
            StoreError: The disk refused something else, now or before; the spool stays broken.
        """
        self._await_sync()
        self._check(is_written=True)
        self._is_awaited = False
        self._file.sync()
        self._mark(Synced(self._next_sequence))

    def begin_sync(self) -> Sync:
        """Return a sync of everything that is written now, to be run once, in any thread, then given to `end_sync`.

        Raises:
            StoreError: The disk refused before; the spool stays broken.
            RuntimeError: Another one has not been ended: of two at a time, one could take the other's error.
        """
        self._check(is_written=True)
        if self._sync is not None:
            raise RuntimeError("a sync of this spool runs already")
        self._is_awaited = False
        self._sync = Sync(self._file, self._next_sequence, self._file.size, self._file.number)
        return self._sync

    def end_sync(self, sync: Sync) -> None:
        """Return when everything that was written before a sync began is on the disk, and say so in the spool.

        A write that failed since takes nothing of it back.

        Raises:
            UnsyncedError: The disk did not confirm it; nothing is written any more.
            StoreError: A folder cannot be opened, or the sync was not run to its end; the spool stays broken.
        """
        if self._sync is sync:
            self._sync = None
        sync.check()
        if not self._file.is_open or self._file.is_broken:
            return  # and nothing is written any more
        if sync.number != self._file.number:
            return  # the file was left since, and synced to its end
        has_grown = self._file.size != sync.size
        self._mark(Synced(sync.next_sequence, sync.size if has_grown else None))

    def fail(self) -> None:
        """Write nothing any more: what came of a write or a sync is not known."""
        self._file.fail()

    def _mark(self, mark: Synced) -> None:
        # Not synced itself: lost with the power, it makes a torn end of what could have been called damage.
        try:
            self._file.write([frame_payload(encode_synced(mark))])
        except StoreError as error:
            # What it speaks of is on the disk all the same; the next who writes is told.
            self._unmarked = error

    def tick(self, *, now: datetime) -> None:
        """Close the open block where it is old enough; to be called a few times a second.

        Raises:
            StoreError: The disk refused, now or before; the spool stays broken.
        """
        self._check()
        if self._block_is_old((now - _EPOCH) // _MICROSECOND):
            out: list[bytes] = []
            self._close_block(out)
            self._file.write(out)

    def close(self, *, now: datetime) -> None:
        """Close the open block and let go of the folder; a second call does nothing.

        Raises:
            StoreError: The disk refused; the next `open` closes the block.
        """
        del now  # a block's close has the time of its last entry
        try:
            if self._file.is_open and not self._file.is_broken:
                out: list[bytes] = []
                self._close_block(out)
                self._file.write(out)
        finally:
            self._release()

    # blocks

    def _add(self, draft: Draft, body: bytes, clock_us: int, out: list[bytes]) -> None:
        kind = draft.kind
        joins = kind in JOINED
        if self._block_first == self._next_sequence:
            self._block_clock_us = clock_us
        elif not joins:
            self._close_block(out)
        header = pack_header(
            kind,
            self._next_sequence,
            self._time_us,
            draft.session,
            draft.request,
            salt=next(self._salts),
        )
        out.append(frame_payload(header + body))
        self._next_sequence += 1
        self._ledger.note(kind, draft.session, draft.request, draft.fields)
        self._block_bytes += len(body)
        if kind is Kind.REQUEST:
            self._block_requests += 1
        if not joins or self._block_is_large():
            self._close_block(out)

    def _block_is_large(self) -> bool:
        limits = self._limits
        return (
            self._block_requests >= limits.block_requests
            or self._next_sequence - self._block_first >= limits.block_entries
            or self._block_bytes >= limits.block_bytes
        )

    def _block_is_old(self, clock_us: int) -> bool:
        # A clock that went back while the block is open tells no age, so that block is closed too.
        is_open = self._block_first != self._next_sequence
        return is_open and not 0 <= clock_us - self._block_clock_us < self._block_us

    def _close_block(self, out: list[bytes]) -> None:
        if self._block_first == self._next_sequence:
            return
        close = BlockClose(
            self._block_first, self._next_sequence, self._time_us, self._next_leaf, next(self._salts)
        )
        out.append(frame_payload(encode_block_close(close)))
        self._next_leaf += 1
        self._block_first = self._next_sequence
        self._block_requests = self._block_bytes = 0

    def _set_time(self, clock_us: int) -> int:
        """Set the time of the next entries, and return by how much the clock has just gone back, if it has."""
        stepped_us = self._time_us - clock_us
        if stepped_us <= 0:
            self._time_us = clock_us
            self._clock_is_behind = False
            return 0
        is_news = not self._clock_is_behind
        self._clock_is_behind = True
        return stepped_us if is_news else 0

    def _begin_segment(self) -> None:
        self._await_sync()
        # A sync of the next file would not cover what is waited for in this one.
        self._file.begin(self._head(), is_awaited=self._is_awaited)
        self._is_awaited = False

    def _await_sync(self) -> None:
        """Return when no thread works on this file; whoever began the sync still has to end it."""
        if self._sync is not None:
            sync, self._sync = self._sync, None
            sync.run()
            sync.check()

    def _check(self, *, is_written: bool = False) -> None:
        # `is_written`: whoever is refused had written before, and no whole record is taken back.
        if self._file.is_open and not self._file.is_broken:
            return
        message = "the spool is closed"
        if (said := self._file.unsynced) is not None:
            message += f", because a write to it failed: {said}"
            raise UnsyncedError(message, may_have_been_stored=is_written, hint=said.hint)
        if self._file.is_broken:
            message += ", because a write to it failed" + (f": {self._unmarked}" if self._unmarked else "")
        raise StoreError(
            message,
            may_have_been_stored=is_written,
            hint=(self._unmarked and self._unmarked.hint)
            or "start the gateway again; it recovers what is there",
        )

    def _release(self) -> None:
        try:
            try:
                if self._sync is not None:
                    self._sync.run()  # its file must not be closed under it
            finally:
                self._file.close()
        finally:
            lock, self._lock = self._lock, -1
            if lock != -1:
                with suppress(OSError):  # nothing is in it
                    os.close(lock)

    def _head(self) -> SegmentHead:
        return SegmentHead(
            self._next_sequence,
            self._time_us,
            self._next_leaf,
            tuple(self._ledger.sessions),
            tuple(self._ledger.requests),
        )

    # recovery

    def _recover(self, now: datetime) -> Recovered:
        reader = SpoolReader(self._folder)
        for _ in reader.read():
            pass
        state = reader.replay
        self._next_sequence, self._next_leaf = state.next_sequence, state.next_leaf
        self._time_us, self._ledger = state.time_us, state.ledger
        self._block_first = state.next_sequence - len(state.open_entries)
        if reader.file is None:
            self._next_sequence = self._block_first = first_sequence(self._worker)
            self._file.begin(self._head())
            return Recovered()
        if reader.offset == 0:
            # A segment gets its name with its head in it, so no crash of ours leaves this.
            raise MalformedError(
                f"`{reader.file}` at offset 0: expected a segment's head, got damaged bytes",
                hint="keep a copy of the folder before anything else, and find out who wrote to it",
            )
        owner = worker_of(state.next_sequence)
        if owner != self._worker:
            raise MalformedError(
                f"`{reader.file}` is a segment of worker {owner}, not of worker {self._worker}",
                hint="put each worker's folder back to where it was",
            )
        # Whatever is behind the last whole record is a torn write, or the reader would have refused.
        cut_bytes = reader.torn.size if reader.torn else 0
        self._file.reopen(reader.file, reader.offset)
        out: list[bytes] = []
        self._close_block(out)
        self._file.write(out)
        found = Recovered(self.open_requests, self.open_sessions, cut_bytes)
        if found != Recovered():
            self.append(_finish(found), now=now)
        return found


def _finish(found: Recovered) -> list[Draft]:
    """Return the drafts that give everything unfinished its end."""
    what = b"the record was not closed"
    drafts = [
        Draft(Kind.RECOVERY, NO_SESSION, 0, ((Field.BYTES, b"%d" % found.cut_bytes), (Field.REASON, what)))
    ]
    unknown = ((Field.TEXT, ROWS_MAY_HAVE_LEFT), (Field.OUTCOME, UNKNOWN), LAST)
    drafts += [Draft(Kind.COMPLETION, session, number, unknown) for session, number in found.requests]
    reason = ((Field.REASON, RECOVERED),)
    drafts += [Draft(Kind.END, session, 0, reason) for session in found.sessions]
    return drafts


def _encode_body(draft: Draft) -> bytes:
    body = encode_fields(draft.fields)
    if len(body) > MAX_BODY_BYTES:
        raise MalformedError(f"an entry's fields have at most {MAX_BODY_BYTES} bytes, got {len(body)}")
    if len(draft.session) != SESSION_BYTES:
        raise MalformedError(f"expected a session of {SESSION_BYTES} bytes, got {len(draft.session)}")
    if not 0 <= draft.request <= MAX_REQUEST:
        raise MalformedError(f"expected a request from 0 to {MAX_REQUEST}, got {draft.request}")
    return body


def _draw_salts(random: Callable[[int], bytes]) -> Iterator[bytes]:
    while True:
        pool = random(_POOL_BYTES)
        for at in range(0, _POOL_BYTES, SALT_BYTES):
            yield pool[at : at + SALT_BYTES]


def _take_lock(folder: Path) -> int:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / WRITER_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"the spool `{folder}` cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise SpoolInUseError(
            f"another process writes to the spool `{folder}`", hint="stop the other gateway first"
        ) from error
    return lock
