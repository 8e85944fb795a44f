"""Who waits for which sync: appends that wait for the disk at the same time share one. Pure: no disk, clock or thread.

INVARIANT (covered-only): who waits is released by a sync that began after its bytes were written, and by no other.
INVARIANT (one-at-a-time): a sync begins only when the one before it has ended, so none can take the other's error.
INVARIANT (failed-for-good): after a sync that failed nobody is released any more, whoever joins and whatever ends.

Who joins while a sync runs waits for the next one, and that one begins as soon as this one has ended: nobody waits for
a time to pass.
"""

from typing import Generic, TypeVar

Who = TypeVar("Who")


class Grouping(Generic[Who]):
    """The waiters of one file, in the order of their bytes."""

    def __init__(self) -> None:
        self._covered: list[Who] = []  # by the sync that runs
        self._joined: list[Who] = []  # since it began
        self._last: Who | None = None
        self._runs = False
        self._failed = False

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._covered) + len(self._joined)

    @property
    def runs(self) -> bool:
        """True from `begin` to `succeed` or `fail`."""
        return self._runs

    @property
    def has_failed(self) -> bool:
        """True from `fail` on."""
        return self._failed

    def wrote(self, who: Who) -> bool:
        """Take note that somebody's bytes are written, and return whether a sync of them holds up nobody.

        That is where nobody waits and nobody else was heard since: others are at work where they wrote, or sent.
        """
        is_alone = self._last is who and not self._runs and not self._joined
        self._last = who
        return is_alone

    def heard(self, who: Who) -> None:
        """Take note that somebody is at work: whoever wrote last is not alone any more, unless it is the same one."""
        if who is not self._last:
            self._last = None

    def join(self, who: Who) -> bool:
        """Let somebody wait whose bytes are written, and return whether a sync is to be begun; False: one will be."""
        self._joined.append(who)
        return not self._runs and len(self._joined) == 1 and not self._failed

    def begin(self) -> int:
        """Return how many a sync that begins now covers; 0 where none is to: one runs or failed, or nobody waits."""
        if self._runs or self._failed or not self._joined:
            return 0
        self._covered, self._joined, self._runs = self._joined, [], True
        return len(self._covered)

    def leave(self, who: Who) -> bool:
        """Let somebody go who does not wait any more, and return whether they still did; the others' sync stays."""
        for waiters in (self._covered, self._joined):
            if who in waiters:
                waiters.remove(who)
                return True
        return False

    def succeed(self) -> list[Who]:
        """Return whom the sync that has ended released, in the order of their bytes.

        Raises:
            RuntimeError: None runs: whoever calls has lost count, and nobody may be released on its word.
        """
        if not self._runs:
            raise RuntimeError("no sync runs that could have ended")
        released, self._covered, self._runs = self._covered, [], False
        return [] if self._failed else released

    def fail(self) -> list[Who]:
        """Return everybody who waits: what failed releases none of them, and nothing is begun any more."""
        lost = [*self._covered, *self._joined]
        self._covered, self._joined, self._runs, self._failed = [], [], False, True
        return lost
