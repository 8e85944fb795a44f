"""The desk's own spool: what is done here is recorded before anybody is told of it (law 4).

One process writes it. Threads take turns and wait for the disk together; an append that fails ends the desk's recording
until it is started again, and without a record nothing is filed, decided or answered.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from doorward.errors import StoreError
from doorward.record.entry import NO_SESSION, Draft, Fields, Kind
from doorward.record.shared_spool import SharedSpool
from doorward.record.spool import Spool
from doorward.record.workers import DESK, first_sequence, worker_of

WORKER: Final = DESK
"""The desk's number among the writers of one host; gateway workers have those below."""


class Recorder:
    """The one writer of the desk's entries.

    Args:
        spool: Open, and nobody else's from now on.
    """

    def __init__(self, spool: Spool) -> None:
        self._shared = SharedSpool(spool)

    def record(self, drafts: Sequence[tuple[Kind, Fields]], *, now: datetime) -> int:
        """Return the sequence of the last entry; all are recorded when this returns.

        Raises:
            StoreError: The disk refused, now or before.
        """
        return self._shared.append([Draft(kind, NO_SESSION, 0, fields) for kind, fields in drafts], now=now)

    def close(self, *, now: datetime) -> None:
        """Let go of the spool."""
        self._shared.close(now=now)


def place_of(entry: int) -> str:
    """Return where an entry stands in the record, for people: the writer and the writer's own number."""
    return f"writer {worker_of(entry)}, entry {entry - first_sequence(worker_of(entry))}"


_held: list[Recorder] = []


def hold(recorder: Recorder | None) -> None:
    """Take this recorder for the process, or none."""
    _held[:] = [] if recorder is None else [recorder]


def recorder() -> Recorder:
    """Return the recorder of the process.

    Raises:
        StoreError: There is none: this process is not the desk.
    """
    if not _held:
        raise StoreError("nothing can be recorded here", hint="the desk is started by `doorward desk`")
    return _held[0]
