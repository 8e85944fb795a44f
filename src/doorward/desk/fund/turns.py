"""Turns in which handed-in files are read: one of each account at a time, and so many in all.

Of one process, as `limits`: a desk is one process (ADR 60).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """The turns of a process; for use by several threads.

    Args:
        at_once: In all.
        patience: Seconds that somebody waits for a free one.
    """

    def __init__(self, at_once: int, *, patience: float) -> None:
        self._free = threading.BoundedSemaphore(at_once)
        self._patience = patience
        self._lock = threading.Lock()
        self._theirs: set[str] = set()

    @contextmanager
    def take(self, account: str) -> Iterator[bool]:
        """Yield whether it is their turn: it is not while another file of theirs is read or waits.

        Args:
            account: The login of whoever is signed in.
        """
        with self._lock:
            is_first = account not in self._theirs
            self._theirs.add(account)
        if not is_first:
            yield False
            return
        try:
            if self._free.acquire(timeout=self._patience):
                try:
                    yield True
                finally:
                    self._free.release()
            else:
                yield False
        finally:
            with self._lock:
                self._theirs.discard(account)
