"""One sync for all sessions that wait for the disk at the same time (ADR 86).

What a session records is written at once, in the order in which it came. Where it is to be on the disk before anything
follows, what follows is held back until a sync has ended that began after the write. That sync runs in a thread: other
sessions go on, and those that come to wait meanwhile share the next one. A session that is alone at work is synced
where it stands: to hand it to a thread would cost it some 50 to 100 microseconds, and nobody else waits.

A sync that fails ends the door for everybody: those who waited for it, those who joined since, and all others.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from typing import Protocol

from doorward.errors import StoreError
from doorward.record.grouping import Grouping
from doorward.record.spool import Spool


class Recorded(Enum):
    """What became of an append."""

    DONE = auto()
    WAITS = (
        auto()
    )  # written; whoever recorded it is told once it is on the disk, and nothing may follow before
    FAILED = auto()  # nothing may follow


class Waiter(Protocol):
    """Whoever holds something back."""

    def confirmed(self) -> None:
        """Let go of what was held back: what it waited for is on the disk."""
        ...

    def lost(self) -> None:
        """Let go of nothing, ever: what it waited for may not be on the disk."""
        ...

    def abort(self) -> None:
        """Cut both sides: it could not be told."""
        ...


class Syncing:
    """The syncs of one worker's spool.

    Args:
        spool: Written by the loop's thread alone.
        fail: Ends the door; called before those who wait are told.
    """

    def __init__(self, spool: Spool, fail: Callable[[StoreError], None]) -> None:
        self._spool = spool
        self._fail = fail
        self._groups: Grouping[Waiter] = Grouping()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sync")
        self._since: float | None = None

    def standing(self) -> float:
        """Return for how many seconds the sync that runs in the thread has been running; 0 where none does."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def wrote(self, who: Waiter, *, waits: bool) -> bool:
        """Take note of a write, and return whether what it was for may follow at once.

        Raises:
            StoreError: The disk did not confirm it; the spool stays broken.
        """
        is_alone = self._groups.wrote(who)
        if not waits:
            return True
        if is_alone:
            self._spool.sync()
            return True
        return False

    def heard(self, who: Waiter) -> None:
        """Take note that something came from somebody, who would be held up by a sync in the loop's thread."""
        self._groups.heard(who)

    def join(self, who: Waiter) -> bool:
        """Let somebody wait, and return whether `run` is to be started, behind this turn of the loop."""
        return self._groups.join(who)

    async def run(self) -> None:
        """Sync for everybody who waits, group after group, until nobody does."""
        loop = asyncio.get_running_loop()
        while self._groups.begin():
            try:
                sync = self._spool.begin_sync()
                self._since = time.monotonic()
                await loop.run_in_executor(self._thread, sync.run)
                self._since = None
                self._spool.end_sync(sync)
            except StoreError as error:
                self._fail(error)
                for who in self._groups.fail():
                    who.lost()
                return
            for who in self._groups.succeed():
                self._confirm(who)
            await asyncio.sleep(0)  # whoever has been heard by now is in the next group

    @staticmethod
    def _confirm(who: Waiter) -> None:
        # As in any callback of a connection: what fails there ends that one, and the others of the group go on.
        try:
            who.confirmed()
        except Exception as error:  # noqa: BLE001  # whatever it is, the session is closed (law 1)
            who.abort()
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a session could not go on behind its sync", "exception": error}
            )

    def close(self) -> None:
        """End the thread, once nothing runs in it."""
        self._thread.shutdown()
