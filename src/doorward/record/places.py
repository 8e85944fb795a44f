"""Where in the log each worker's leaves stand: the one thing that no spool of one worker can say.

A block's close carries the number of its leaf among its worker's own. The publisher puts the workers' leaves into one
log in runs, and writes each run down here before anything else is done with it. So the spool folder as a whole still
says what the log is: a pass that was killed anywhere is done again from this file, leaf for leaf.

The file `places` of the spool folder is frames (`frame`) of 34 bytes, only ever appended to, integers big-endian::

    run: u8 80 | u64 leaf of the log | u8 worker | u64 the worker's own leaf | u64 count

INVARIANT (places-come-first): a run is on the disk before its disclosures are committed, so what was ever published
has a place here, or is worker 0's and has the place of its own number. A torn run at the end placed nothing.

Without the file every leaf is worker 0's: that is the record of one worker, and it needs no file.
"""

import os
import struct
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from doorward.errors import MalformedError, StoreError, VerificationError
from doorward.record.frame import FRAME_OVERHEAD, frame_payload, iterate_payloads
from doorward.record.log_files import sync_file, sync_folder
from doorward.record.workers import WRITERS

PLACES: Final = "places"
MAX_FILE_BYTES: Final = 256 * 1024 * 1024
COMPACT_BYTES: Final = 1024 * 1024  # some 30,000 runs: a busy day of a few workers
_RUN: Final = struct.Struct(">BQBQQ")
_KIND: Final = 80
_FRAME_BYTES: Final = FRAME_OVERHEAD + _RUN.size


@dataclass(frozen=True, slots=True)
class Run:
    """Leaves of one worker that follow each other in the log too.

    Args:
        first: The first one's index in the log.
        begins: Its number among the worker's own.
    """

    first: int
    worker: int
    begins: int
    count: int

    @property
    def end(self) -> int:
        """The index in the log behind the last one."""
        return self.first + self.count

    @property
    def own_end(self) -> int:
        """The worker's own number behind the last one."""
        return self.begins + self.count

    def behind(self, leaf_index: int) -> "Run":
        """Return the part from a leaf of the log on."""
        skipped = max(0, leaf_index - self.first)
        return Run(self.first + skipped, self.worker, self.begins + skipped, self.count - skipped)


class LeafPlaces:
    """The places of all leaves that may still be asked for; one writer, the publisher."""

    def __init__(self, file: Path, runs: Sequence[Run], *, size: int) -> None:
        self._file = file
        self._size = size  # of the file's whole runs; 0 where there is no file
        self._runs: list[Run] = []
        self._own: dict[int, list[Run]] = {}
        self._note(runs)

    @classmethod
    def load(cls, spool_dir: Path, tree_size: int, *, newest: int | None = None) -> Self:
        """Return the places of a spool folder whose log has so many leaves.

        Args:
            newest: Read no more runs than these, from the end; None reads all.

        Raises:
            MalformedError: The file is damaged, and not by a torn write at its end.
            StoreError: It cannot be read.
        """
        file = spool_dir / PLACES
        try:
            with file.open("rb") as source:
                if newest is not None:  # all runs have one size
                    runs_there = source.seek(0, os.SEEK_END) // _FRAME_BYTES
                    source.seek(max(0, runs_there - newest) * _FRAME_BYTES)
                data = source.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return cls(file, [Run(0, 0, 0, tree_size)] if tree_size else [], size=0)
        except OSError as error:
            raise StoreError(f"`{PLACES}` of the spool cannot be read: {error.strerror}") from error
        runs, size = _parse(data)
        return cls(file, runs, size=size)

    @property
    def end(self) -> int:
        """How many leaves have a place."""
        return self._runs[-1].end if self._runs else 0

    @property
    def workers(self) -> frozenset[int]:
        """Whose leaves have places."""
        return frozenset(self._own)

    def first_of(self, worker: int) -> int:
        """Return the index in the log of a worker's first leaf that is known, or behind the end where none is."""
        runs = self._own.get(worker)
        return runs[0].first if runs else self.end

    def find(self, worker: int, own_leaf: int) -> int | None:
        """Return the index in the log of a worker's leaf, or None where it has no place that is still known."""
        runs = self._own.get(worker, [])
        at = bisect_right(runs, own_leaf, key=lambda run: run.begins) - 1
        if at < 0 or own_leaf >= runs[at].own_end:
            return None
        return runs[at].first + own_leaf - runs[at].begins

    def count(self, worker: int, tree_size: int) -> int:
        """Return how many of a worker's leaves are in a log of this size."""
        for run in reversed(self._own.get(worker, [])):
            if run.first < tree_size:
                return run.begins + min(run.count, tree_size - run.first)
        return self._own[worker][0].begins if worker in self._own else 0

    def pending(self, tree_size: int) -> list[Run]:
        """Return what has its place and is not in a log of this size yet, in the log's order.

        Raises:
            VerificationError: The places do not lead on from that size.
        """
        if self.end < tree_size:
            raise VerificationError(
                f"the log has {tree_size} leaves, and the spool knows the places of {self.end}",
                hint="an older copy of the spool was put here; nothing was signed",
            )
        pending = [run.behind(tree_size) for run in self._runs if run.end > tree_size]
        if sum(run.count for run in pending) != self.end - tree_size:
            raise VerificationError(
                f"the log waits for leaf {tree_size}, and the spool no longer knows which one that is",
                hint="an older copy of the log was put here; nothing was signed",
            )
        return pending

    def add(self, runs: Sequence[Run]) -> bool:
        """Give the next leaves their places, and return True where that had to be written.

        Raises:
            StoreError: The disk refused; the places are to be loaded again.
        """
        needs_file = self._size > 0 or any(run.worker for run in runs)
        if needs_file and self._size == 0:
            self._replace([*self._runs, *runs])
        elif needs_file:
            self._append(runs)
        self._note(runs)
        return needs_file

    def compact(self, first_needed: Mapping[int, int]) -> None:
        """Forget the places of leaves before each worker's first needed one, where the file has grown large.

        Args:
            first_needed: By worker; everything of it from there on, and its last run, stays.

        Raises:
            StoreError: The disk refused; the places are as they were.
        """
        if self._size < COMPACT_BYTES:
            return
        last = {worker: runs[-1] for worker, runs in self._own.items()}
        kept = [
            run
            for run in self._runs
            if run.own_end > first_needed.get(run.worker, 0) or run is last[run.worker]
        ]
        if len(kept) * _FRAME_BYTES <= self._size // 2:
            self._replace(kept)
            self._runs, self._own = [], {}
            self._note(kept)

    def _note(self, runs: Iterable[Run]) -> None:
        # In memory a run that goes on where the one before ends is one with it.
        for run in runs:
            last, own = self._runs[-1] if self._runs else None, self._own.setdefault(run.worker, [])
            if last and (last.worker, last.end, last.own_end) == (run.worker, run.first, run.begins):
                run = Run(last.first, last.worker, last.begins, last.count + run.count)  # noqa: PLW2901  # the longer one
                self._runs.pop()
                own.pop()
            self._runs.append(run)
            own.append(run)

    def _append(self, runs: Sequence[Run]) -> None:
        data = _format(runs)
        try:
            file = os.open(self._file, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.ftruncate(file, self._size)  # a torn run that placed nothing
                if os.pwrite(file, data, self._size) != len(data):
                    raise OSError(0, "not all of it was written")
                sync_file(file, PLACES, os.fdatasync)
            finally:
                os.close(file)
        except OSError as error:
            raise _refused(error) from error
        self._size += len(data)

    def _replace(self, runs: Sequence[Run]) -> None:
        data, draft = _format(runs), self._file.with_suffix(".new")
        try:
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "wb") as sink:
                sink.write(data)
                sink.flush()
                sync_file(sink.fileno(), PLACES)
            draft.rename(self._file)
        except OSError as error:
            raise _refused(error) from error
        sync_folder(self._file.parent)
        self._size = len(data)


def _parse(data: bytes) -> tuple[list[Run], int]:
    if len(data) > MAX_FILE_BYTES:
        raise MalformedError(f"`{PLACES}` of the spool has more than {MAX_FILE_BYTES} bytes")
    runs: list[Run] = []
    size = 0
    for end, payload in iterate_payloads(data):
        run = _decode(payload)
        if runs and run.first < runs[-1].end:
            raise MalformedError(
                f"`{PLACES}` of the spool: a run at leaf {run.first} stands behind leaf {runs[-1].end}"
            )
        runs.append(run)
        size = end
    rest = data[size + _FRAME_BYTES :]
    if any(_is_frame(rest[at : at + _FRAME_BYTES]) for at in range(0, len(rest), _FRAME_BYTES)):
        raise MalformedError(
            f"`{PLACES}` of the spool at offset {size}: expected a whole run, got damaged bytes",
            hint="keep a copy of the folder before anything else, and find out who wrote to it",
        )
    return runs, size


def _decode(payload: bytes) -> Run:
    if len(payload) != _RUN.size or payload[0] != _KIND:
        raise MalformedError(f"`{PLACES}` of the spool holds something that this version does not know")
    _, first, worker, begins, count = _RUN.unpack(payload)
    if worker >= WRITERS or not count:
        raise MalformedError(f"`{PLACES}` of the spool: a run of {count} leaves of worker {worker} is none")
    return Run(first, worker, begins, count)


def _format(runs: Sequence[Run]) -> bytes:
    return b"".join(
        frame_payload(_RUN.pack(_KIND, run.first, run.worker, run.begins, run.count)) for run in runs
    )


def _is_frame(data: bytes) -> bool:
    return next(iterate_payloads(data), None) is not None


def _refused(error: OSError) -> StoreError:
    return StoreError(
        f"`{PLACES}` of the spool could not be written: {error.strerror}",
        hint="make room on the disk, or repair it",
    )
