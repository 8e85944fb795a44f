"""The counts of every grant of a day, in one mapped file that all workers of a host share.

The file is of one UTC day and is found again after a restart; the days before are removed. A page of it that a killed
process wrote is the kernel's, not the process's; only a crash of the host may lose the last counts.

Layout, in native 8-byte words, so that a count is one store and one load and is never seen in halves::

    head    magic | day | columns | slots in use | 4 unused
    slot    4 name | 16 rows | 16 bytes | 16 minute | 16 statements of it

A slot's name is a keyed hash: the file names no login and no case. A slot is given under a lock, once a connection;
counting takes none, because each worker writes its own column.
"""

import fcntl
import hmac
import mmap
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError, StoreError
from doorward.gateway.limits import MINUTE_SECONDS, Columns, LimitRules, Meter

MAX_WORKERS: Final = 16  # columns of a slot
MAX_SLOTS: Final = 65_536  # grants of a day; 36 MB, most of them never touched
GROWS_BY: Final = 1_024
WORD: Final = 8
HEAD_WORDS: Final = 8
NAME_WORDS: Final = 4
SLOT_WORDS: Final = NAME_WORDS + 4 * MAX_WORKERS
HEAD_BYTES: Final = HEAD_WORDS * WORD
SLOT_BYTES: Final = SLOT_WORDS * WORD
MAGIC: Final = 0x646F_6F72_6C69_6D31
_MAGIC, _DAY, _COLUMNS, _SLOTS = range(4)

Words = memoryview


@dataclass(frozen=True, slots=True)
class Grantee:
    """Who, why, on which case and for whom: all sessions of the same share one allowance."""

    login: str
    purpose: str
    case_no: str
    for_agency: str

    def name(self, secret: bytes) -> bytes:
        """Return the name of this grant's slot, which nobody without the secret can tell."""
        whole = b"".join(
            len(part).to_bytes(4) + part
            for part in (text.encode() for text in (self.login, self.purpose, self.case_no, self.for_agency))
        )
        return hmac.digest(secret, whole, "sha256")


class Allowances:
    """The counts as one worker of a host sees them; safe to call from the door's threads.

    Args:
        folder: Where the files of the days are.
        secret: Behind the names of the slots; the same in all workers and after a restart.
        worker: This worker's number, from 0.
        workers: How many there are.
        rules: The limits of the installation.
        now: When it is.

    Raises:
        ConfigError: There are more workers than columns.
        StoreError: The day's file cannot be made, or is none.
    """

    def __init__(
        self,
        folder: Path,
        secret: bytes,
        *,
        rules: LimitRules,
        now: datetime,
        worker: int = 0,
        workers: int = 1,
    ) -> None:
        if not 0 <= worker < workers <= MAX_WORKERS:
            raise ConfigError(f"counts are kept for at most {MAX_WORKERS} workers, numbered from 0")
        self.rules = rules
        self._folder, self._secret = folder, secret
        self._worker, self._workers = worker, workers
        self._lock = threading.Lock()
        self._live: weakref.WeakKeyDictionary[Meter, Grantee] = weakref.WeakKeyDictionary()
        self._day = self._open(now)

    def meter(self, grantee: Grantee, now: datetime) -> Meter:
        """Return what counts for a session of this grant.

        Raises:
            StoreError: There is no room for another grant, or the file cannot be grown.
        """
        with self._lock:
            if _day_of(now) != self._day.number:
                self._turn(now)
            columns = self._day.columns(grantee.name(self._secret))
            limits = self.rules.of(grantee.purpose)
            meter = Meter(limits, columns, own=self._worker, minute=minute_of(now))
            self._live[meter] = grantee
        return meter

    def tick(self, now: datetime) -> None:
        """Tell the meters which minute it is, and let them begin anew on a new day.

        Raises:
            StoreError: The new day's file cannot be made.
        """
        with self._lock:
            if _day_of(now) != self._day.number:
                self._turn(now)
            minute = minute_of(now)
            for meter in self._live:
                meter.minute = minute

    def _turn(self, now: datetime) -> None:
        self._day = self._open(now)
        for meter, grantee in self._live.items():
            meter.count_in(self._day.columns(grantee.name(self._secret)))

    def _open(self, now: datetime) -> "_Day":
        try:
            day = _Day(self._folder, now.astimezone(UTC), self._workers)
            for old in self._folder.glob("limits-*.map"):
                if old != day.path:
                    old.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"the counts of the day cannot be kept: {error.strerror}") from error
        return day


@dataclass
class _Day:
    """One day's file, mapped."""

    folder: Path
    day: datetime
    workers: int
    number: int = field(init=False)
    path: Path = field(init=False)

    def __post_init__(self) -> None:
        self.number = _day_of(self.day)
        self.path = self.folder / f"limits-{self.day:%Y-%m-%d}.map"
        self._known: dict[bytes, int] = {}
        self._read = 0
        with self._locked() as handle:
            words = self._words = self._map(handle)
            if words[_MAGIC] == 0:
                words[_DAY], words[_MAGIC] = self.number, MAGIC
            if (words[_MAGIC], words[_DAY]) != (MAGIC, self.number) or words[_SLOTS] > self._room():
                raise self._strange()
            words[_COLUMNS] = max(words[_COLUMNS], self.workers)

    def columns(self, name: bytes) -> Columns:
        """Return the counts of a grant, in a new slot where it has none.

        Raises:
            StoreError: There is no room for another, or the file cannot be grown.
        """
        slot = self._known.get(name)
        if slot is None:
            try:
                slot = self._find(name)
            except OSError as error:
                raise StoreError(f"the counts of the day cannot be kept: {error.strerror}") from error
        words, start, used = self._words, HEAD_WORDS + slot * SLOT_WORDS + NAME_WORDS, self._words[_COLUMNS]
        parts = (words[at : at + used] for at in range(start, start + 4 * MAX_WORKERS, MAX_WORKERS))
        return Columns(*parts)

    def _find(self, name: bytes) -> int:
        with self._locked() as handle:
            if len(self._words) * WORD < os.fstat(handle).st_size:
                self._words = self._map(handle)  # another worker has grown it
            words = self._words
            for slot in range(self._read, words[_SLOTS]):
                start = HEAD_WORDS + slot * SLOT_WORDS
                self._known[words[start : start + NAME_WORDS].tobytes()] = slot
            self._read = words[_SLOTS]
            if name in self._known:
                return self._known[name]
            slot = self._read
            if slot >= MAX_SLOTS:
                raise StoreError(f"more than {MAX_SLOTS} grants were used on one day")
            if slot >= self._room():
                os.ftruncate(handle, HEAD_BYTES + (slot + GROWS_BY) * SLOT_BYTES)
                words = self._words = self._map(handle)
            start = HEAD_WORDS + slot * SLOT_WORDS
            words[start : start + NAME_WORDS] = memoryview(name).cast("Q")
            words[_SLOTS] = slot + 1  # last: a crash before it leaves a slot that nobody has
            self._known[name], self._read = slot, slot + 1
            return slot

    def _strange(self) -> StoreError:
        return StoreError(
            f"`{self.path}` holds no counts of this day", hint="remove it; the day's counts begin anew"
        )

    def _room(self) -> int:
        return (len(self._words) - HEAD_WORDS) // SLOT_WORDS

    def _map(self, handle: int) -> Words:
        # An older and shorter view stays valid: it is of the same pages.
        size = os.fstat(handle).st_size
        if size == 0:
            os.ftruncate(handle, HEAD_BYTES + GROWS_BY * SLOT_BYTES)
        elif size < HEAD_BYTES or (size - HEAD_BYTES) % SLOT_BYTES:
            raise self._strange()
        return memoryview(mmap.mmap(handle, 0)).cast("Q")

    @contextmanager
    def _locked(self) -> Iterator[int]:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            # By hand: a mapping keeps a duplicate of the descriptor open, and with it the lock.
            fcntl.flock(handle, fcntl.LOCK_UN)
            os.close(handle)


def minute_of(now: datetime) -> int:
    """Return the minute since 1970."""
    return int(now.timestamp()) // MINUTE_SECONDS


def _day_of(now: datetime) -> int:
    return now.astimezone(UTC).toordinal()
