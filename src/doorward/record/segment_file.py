"""The segment that a spool is writing: whole records or nothing, and nothing after a failure.

INVARIANT (whole-records-stay): a whole record is never taken back, because a reader may have published it. What
a failed write left behind is cut down to whole records and no further.
INVARIANT (broken-is-for-good): after a StoreError nothing is written any more.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from doorward.errors import StoreError
from doorward.record.frame import SegmentHead, encode_segment_head, frame_payload, iterate_payloads
from doorward.record.segments import list_segments, segment_name

_NEW_SEGMENT: Final = "segment.new"
_DISK_HINT: Final = "make room on the disk, or repair it, then start the gateway again"


class SegmentFile:
    """The last file of a spool folder, open for appending.

    Args:
        write: Does what `os.write` does.
        total_bytes: The bound of all segments together.

    Attributes:
        size: Of this file.
    """

    def __init__(self, folder: Path, *, write: Callable[[int, bytes], int], total_bytes: int) -> None:
        self._folder = folder
        self._write_once = write
        self._total_bytes = total_bytes
        self._file = -1
        self._older_bytes = 0  # of the segments before this one, when they were last counted
        self._broken = False
        self.size = 0

    @property
    def is_open(self) -> bool:
        """False before the first file and after `close`."""
        return self._file != -1

    @property
    def is_broken(self) -> bool:
        """True after a failure, for good."""
        return self._broken

    def reopen(self, name: str, size: int) -> None:
        """Go on in a file that is there, cut to a size.

        Raises:
            OSError: It cannot be opened or cut.
        """
        self._file = os.open(self._folder / name, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.ftruncate(self._file, size)
        self.size = size
        self._count_older()

    def begin(self, head: SegmentHead) -> None:
        """Go on in a new file, which has its head from the moment it has its name.

        Raises:
            StoreError: The disk refused; nothing can be written any more.
        """
        data = frame_payload(encode_segment_head(head))
        draft = self._folder / _NEW_SEGMENT
        file = -1
        try:
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
            written = self._write_once(file, data)
            if written == len(data):
                draft.rename(self._folder / segment_name(head.next_sequence))
        except OSError as error:
            raise self._no_segment(file, error.strerror or "no reason given") from error
        if written != len(data):
            raise self._no_segment(file, f"{written} of {len(data)} bytes were written")
        self.close()
        self._file = file
        self.size = len(data)
        self._count_older()

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
            written = self._write_once(self._file, data)
        except OSError as error:
            raise self._salvage(data, error.strerror or "no reason given") from error
        if written != len(data):
            raise self._salvage(data, f"{written} of {len(data)} bytes were written")
        self.size += written

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
            arrived = max(os.fstat(self._file).st_size - self.size, 0)
            # INVARIANT (whole-records-stay)
            whole = max((end for end, _ in iterate_payloads(data[:arrived])), default=0)
            if whole != arrived:
                os.ftruncate(self._file, self.size + whole)
            stored = whole > 0
        except OSError:
            stored = None
        return StoreError(
            f"the spool could not be written: {why.lower()}", may_have_been_stored=stored, hint=_DISK_HINT
        )

    def _count_older(self) -> None:
        older = 0
        for segment in list_segments(self._folder)[:-1]:
            with contextlib.suppress(FileNotFoundError):  # published and removed in between
                older += segment.path.stat().st_size
        self._older_bytes = older

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""
        if self._file != -1:
            os.close(self._file)
            self._file = -1
