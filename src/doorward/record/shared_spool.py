"""A spool that several threads of a process write to: they write in turns, and wait for the disk together (ADR 86).

Of those who wait, the first one syncs for all who have written by then, in its own thread and outside the turn; who
comes meanwhile writes, and waits for the next sync. A thread alone does what it would do with the spool itself.
"""

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from doorward.errors import StoreError
from doorward.record.entry import Draft
from doorward.record.grouping import Grouping
from doorward.record.spool import Spool

_INTERRUPTED: Final = "a sync of the spool was interrupted"


class _Thread:
    """One that waits."""

    __slots__ = ("failure", "is_released")

    def __init__(self) -> None:
        self.is_released = False
        self.failure: StoreError | None = None


class SharedSpool:
    """The one writer of a spool folder, for use by several threads.

    Args:
        spool: Open, and nobody else's from now on.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._turn = threading.Condition()
        self._groups: Grouping[_Thread] = Grouping()

    def append(self, drafts: Sequence[Draft], *, now: datetime, durable: bool = False) -> int:
        """Return the sequence of the last entry; all are recorded, and where it is asked for on the disk, on return.

        Raises:
            MalformedError: A draft is none. Nothing was recorded.
            StoreError: The disk refused, now or before; of a group that waits for one sync, each is told.
        """
        with self._turn:
            waits = self._spool.write(drafts, now=now, durable=durable)
            last = self._spool.last_sequence
            if waits:
                self._wait()
            return last

    def close(self, *, now: datetime) -> None:
        """Close the spool, once nobody waits; see `Spool.close`.

        Raises:
            StoreError: The disk refused.
        """
        with self._turn:
            while self._groups.waiting:
                self._turn.wait()
            self._spool.close(now=now)

    def _wait(self) -> None:
        mine = _Thread()
        self._groups.join(mine)
        try:
            while not mine.is_released:
                if mine.failure is not None or self._groups.has_failed:
                    raise mine.failure or StoreError(_INTERRUPTED)
                if self._groups.begin():
                    self._sync()
                else:
                    self._turn.wait()
        finally:
            if self._groups.leave(mine):  # interrupted, and `close` waits for whoever waits
                self._turn.notify_all()

    def _sync(self) -> None:
        """Sync for everybody who has written; called in turn, which others may take meanwhile."""
        failure: StoreError | None = StoreError(_INTERRUPTED)
        try:
            sync = self._spool.begin_sync()
            self._turn.release()
            try:
                sync.run()
            finally:
                self._turn.acquire()
            self._spool.end_sync(sync)
            failure = None
        except StoreError as error:
            failure = error
        finally:
            if failure is not None:
                self._spool.fail()
            for thread in self._groups.fail() if failure is not None else self._groups.succeed():
                thread.is_released, thread.failure = failure is None, failure
            self._turn.notify_all()
