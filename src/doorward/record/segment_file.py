"""The segment that a spool is writing: whole records or nothing, and nothing after a failure.

INVARIANT (whole-records-stay): a whole record is never taken back, because a reader may have published it. What
a failed write left behind is cut down to whole records and no further.
INVARIANT (broken-is-for-good): after a StoreError nothing is written any more. That holds for a sync above all: after
one that failed the system may call the lost pages clean, and the next one would succeed for bytes that are gone.

A segment that is to be synced lies in blocks filled with zeros before (`segments.PREALLOCATED_BYTES`), so that
a sync has data to write and no size. It is cut to what is in it when it is left or opened again.
INVARIANT (synced-then-cut): such a file is cut only after a sync. By its size a reader knows that a loss of power may
have kept a later page and not an earlier one; a file of another size has every page, or is damaged.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final

from doorward.errors import StoreError, UnsyncedError
from doorward.record.frame import SegmentHead, encode_segment_head, frame_payload, iterate_payloads
from doorward.record.log_files import sync_file, sync_folder
from doorward.record.segments import (
    PREALLOCATED_BYTES,
    SPARE_BYTES,
    is_preallocated_size,
    list_segments,
    segment_name,
)

_NEW_SEGMENT: Final = "segment.new"
_DISK_HINT: Final = "make room on the disk, or repair it, then start the gateway again"


class Sync:
    """One sync of a spool's file: run in any thread, while the spool's own goes on writing.

    Args:
        next_sequence: Behind the last entry that was written before it began.
        size: So many bytes were written then.
        number: Of the file.
    """

    __slots__ = ("_claim", "_ended_well", "_failure", "_file", "_running", "next_sequence", "number", "size")

    def __init__(self, file: "SegmentFile", next_sequence: int, size: int, number: int) -> None:
        self._file = file
        self._claim = Lock()
        self._running = Lock()
        self._running.acquire()
        self._ended_well = False
        self._failure: StoreError | None = None
        self.next_sequence = next_sequence
        self.size = size
        self.number = number

    def run(self) -> None:
        """Return when it has ended; what came of it is for `check` to say. Whoever calls first does it, once.

        Total: whoever waits is woken whatever happens.
        """
        if not self._claim.acquire(blocking=False):
            with self._running:
                return
        try:
            self._file.sync()
            self._ended_well = True
        except StoreError as error:
            self._failure = error
        finally:
            self._running.release()

    def check(self) -> None:
        """Return where it ended well.

        Raises:
            StoreError: It failed, has not ended, or was never run.
        """
        if self._failure is not None:
            raise self._failure
        if not self._ended_well:
            raise StoreError("a sync of the spool was never run to its end")


class SegmentFile:
    """The last file of a spool folder, open for appending.

    Args:
        write: Does what `os.write` does.
        sync: Does what `os.fdatasync` does.
        total_bytes: The bound of all segments together.
        preallocates: Whether blocks are filled before they are written to; for a spool that is synced often.

    Attributes:
        size: Of this file.
        number: Of this file among those that were opened here.
    """

    def __init__(
        self,
        folder: Path,
        *,
        write: Callable[[int, bytes], int],
        sync: Callable[[int], None] = os.fdatasync,
        total_bytes: int,
        preallocates: bool = False,
    ) -> None:
        self._folder = folder
        self._write_once = write
        self._sync_once = sync
        self._preallocates = preallocates
        self._flags = os.O_RDWR if preallocates else os.O_WRONLY | os.O_APPEND
        self._allocated = 0  # the file's size where that is more than what is in it
        self._name_is_synced = False
        self._total_bytes = total_bytes
        self._file = -1
        self._older_bytes = 0  # of the segments before this one, when they were last counted
        self._broken = False
        self.unsynced: UnsyncedError | None = None  # what the disk said, for whoever writes after it
        self.size = self.number = 0

    @property
    def is_open(self) -> bool:
        """False before the first file and after `close`."""
        return self._file != -1

    @property
    def is_broken(self) -> bool:
        """True after a failure, for good."""
        return self._broken

    def fail(self) -> None:
        """Write nothing any more."""
        self._broken = True

    def reopen(self, name: str, size: int) -> None:
        """Go on in a file that is there, cut to a size.

        Raises:
            OSError: It cannot be opened or cut.
            UnsyncedError: The disk did not confirm what is in it; it was not cut.
        """
        self._file = os.open(self._folder / name, self._flags | os.O_CLOEXEC)
        present = os.fstat(self._file).st_size
        if present != size and is_preallocated_size(present):
            sync_file(self._file, name, self._sync_once)  # INVARIANT (synced-then-cut)
        os.ftruncate(self._file, size)
        os.lseek(self._file, size, os.SEEK_SET)
        self.size = self._allocated = size
        self.number += 1
        self._name_is_synced = False
        self._count_older()

    def begin(self, head: SegmentHead, *, is_awaited: bool = False) -> None:
        """Go on in a new file, which has its head from the moment it has its name.

        Args:
            is_awaited: Something in this file is waited for, so it is synced before it is left.

        Raises:
            StoreError: The disk refused; nothing can be written any more.
        """
        if self.is_open and (self._preallocates or is_awaited):
            self._leave()
        data = frame_payload(encode_segment_head(head))
        draft = self._folder / _NEW_SEGMENT
        file = -1
        try:
            file = os.open(draft, self._flags | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            written = self._write_once(file, data)
            if written == len(data):
                if self._preallocates:
                    os.fsync(file)  # a name that survives a loss of power has its head
                draft.rename(self._folder / segment_name(head.next_sequence))
        except OSError as error:
            raise self._no_segment(file, error.strerror or "no reason given") from error
        if written != len(data):
            raise self._no_segment(file, f"{written} of {len(data)} bytes were written")
        try:
            self.close()
        except StoreError:
            os.close(file)
            raise
        self._file = file
        self.size = self._allocated = len(data)
        self.number += 1
        self._name_is_synced = False
        self._count_older()

    def _leave(self) -> None:
        """Sync this file and cut it to what is in it, while it is still the last one.

        Zeros are no damage at the end of the last file alone; and what is synced later must not outlive this.
        """
        self.sync()  # INVARIANT (synced-then-cut)
        if self._allocated == self.size:
            return
        try:
            os.ftruncate(self._file, self.size)
            os.fsync(self._file)  # the size with it
        except OSError as error:
            raise self._no_segment(-1, error.strerror or "no reason given") from error
        self._allocated = self.size

    def _no_segment(self, file: int, why: str) -> StoreError:
        self._broken = True
        if file != -1:
            os.close(file)
        return StoreError(
            f"a new spool segment could not be made: {why.lower()}",
            may_have_been_stored=False,
            hint=_DISK_HINT,
        )

    def write(self, frames: list[bytes]) -> None:
        """Append frames with one write.

        Raises:
            StoreError: The disk refused or the spool is full; nothing can be written any more.
        """
        if not frames:
            return
        data = b"".join(frames)
        self._check_bound(len(data))
        try:
            if self._preallocates and self.size + len(data) + SPARE_BYTES > self._allocated:
                self._allocate(self.size + len(data))
            written = self._write_once(self._file, data)
        except OSError as error:
            raise self._salvage(data, error.strerror or "no reason given") from error
        except BaseException:  # how much arrived is not known, so nothing may be written or cut behind it
            self.fail()
            raise
        if written != len(data):
            raise self._salvage(data, f"{written} of {len(data)} bytes were written")
        self.size += written

    def sync(self) -> None:
        """Return when everything that was written would survive a loss of power.

        Raises:
            UnsyncedError: The disk did not confirm it; nothing is written any more, and nobody knows what is on it.
            StoreError: A folder cannot be opened; nothing is written any more.
        """
        try:
            sync_file(self._file, "the segment of the spool", self._sync_once)
            if not self._name_is_synced:
                for folder in (self._folder, self._folder.parent):
                    sync_folder(folder)
                self._name_is_synced = True
        except BaseException as error:  # whatever ended it: what is on the disk is not known any more
            if isinstance(error, UnsyncedError):
                self.unsynced = error
            self.fail()
            raise

    def _allocate(self, wanted: int) -> None:
        end = -(-(wanted + SPARE_BYTES) // PREALLOCATED_BYTES) * PREALLOCATED_BYTES
        # Its size first: the pages of a file that a loss of power left at another size would be damage.
        os.ftruncate(self._file, end)
        zeros = memoryview(bytes(end - self._allocated))
        while zeros:
            zeros = zeros[os.pwrite(self._file, zeros, end - len(zeros)) :]
        self._allocated = end

    def room(self, enough: int) -> int:
        """Return how many bytes the bound still lets in; counted anew where it is less than `enough`."""
        room = self._total_bytes - self._older_bytes - self.size
        if room < enough:
            self._count_older()  # the publisher removes segments without telling
            room = self._total_bytes - self._older_bytes - self.size
        return room

    def _check_bound(self, more: int) -> None:
        if self._older_bytes + self.size + more <= self._total_bytes:
            return
        self._count_older()  # the publisher removes segments without telling
        if self._older_bytes + self.size + more > self._total_bytes:
            self._broken = True
            raise StoreError(
                f"the spool has reached its bound of {self._total_bytes} bytes",
                may_have_been_stored=False,
                hint="the publisher takes no entries out; see why, then start the gateway again",
            )

    def _salvage(self, data: bytes, why: str) -> StoreError:
        """Cut a failed write down to its whole records, and return the error to raise."""
        self._broken = True
        stored: bool | None
        try:
            behind = max(os.fstat(self._file).st_size - self.size, 0)
            arrived = os.pread(self._file, len(data), self.size) if self._preallocates else data[:behind]
            # INVARIANT (whole-records-stay)
            whole = max((end for end, _ in iterate_payloads(arrived)), default=0)
            if self._preallocates:
                # INVARIANT (synced-then-cut): filled, not cut: of two syncs one may take the other's error.
                torn = arrived[whole:].rstrip(b"\0")
                os.pwrite(self._file, bytes(len(torn)), self.size + whole)
            elif whole != behind:
                os.ftruncate(self._file, self.size + whole)
            stored = whole > 0
        except OSError:
            stored = None
        return StoreError(
            f"the spool could not be written: {why.lower()}", may_have_been_stored=stored, hint=_DISK_HINT
        )

    def _count_older(self) -> None:
        older = 0
        try:
            for segment in list_segments(self._folder)[:-1]:
                with contextlib.suppress(FileNotFoundError):  # published and removed in between
                    older += segment.path.stat().st_size
        except (OSError, StoreError) as error:
            self._broken = True
            raise StoreError("how large the spool is cannot be told", hint=_DISK_HINT) from error
        self._older_bytes = older

    def close(self) -> None:
        """Let go of the file; a second call does nothing.

        Raises:
            UnsyncedError: The disk did not confirm what is in it; it was not cut.
            StoreError: The disk refused at the last moment; nothing can be written any more.
        """
        if self._file == -1:
            return
        try:
            if self._allocated > self.size and not self._broken:
                self.sync()  # INVARIANT (synced-then-cut)
                with contextlib.suppress(OSError):  # zeros at the end are no damage
                    os.ftruncate(self._file, self.size)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        file, self._file = self._file, -1
        try:
            os.close(file)
        except OSError as error:  # some file systems write here what they said was written
            self._broken = True
            raise StoreError(
                f"a segment of the spool could not be closed: {(error.strerror or 'no reason given').lower()}",
                hint=_DISK_HINT,
            ) from error
