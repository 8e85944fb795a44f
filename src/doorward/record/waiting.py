"""How far the publisher is behind a worker's spool, seen from the worker: what alarms before the disk is full."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from doorward.errors import LogError
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.log_files import CHECKPOINT, LogFiles
from doorward.record.places import LeafPlaces
from doorward.record.segments import list_segments
from doorward.record.workers import worker_folder

NEWEST_RUNS: Final = 1_000


def count_published(log_dir: Path, spool_dir: Path, worker: int) -> int:
    """Return how many leaves of a worker are in the log, by the log's own word; no signature is checked.

    Raises:
        LogError: The log or the places cannot be read.
    """
    raw = LogFiles(log_dir).read(CHECKPOINT)
    if raw is None:
        return 0
    tree_size = parse_checkpoint(raw).tree_size
    # A worker looks every few seconds, so at the end of the places first: its last run in the log stands there, unless
    # it has long been idle.
    places = LeafPlaces.load(spool_dir, tree_size, newest=NEWEST_RUNS)
    if places.first_of(worker) >= tree_size:
        places = LeafPlaces.load(spool_dir, tree_size)
    return places.count(worker, tree_size)


@dataclass(frozen=True, slots=True)
class SpoolLook:
    """What is seen of a worker's spool from outside.

    Args:
        published: How many of its leaves are in the log, or None where that cannot be told.
        spool_bytes: Of its segments, published or not.
        runs: False where this host's log ended or is gone: then nothing will be published.
    """

    published: int | None
    spool_bytes: int
    runs: bool = True


def look_at_spool(log_dir: Path, spool_dir: Path, worker: int, *, runs: bool = True) -> SpoolLook:
    """Return what is seen of a worker's spool; total, because whoever looks has an alarm to give.

    Args:
        runs: Whether the log is there and has not ended, as the caller found it.
    """
    try:
        published = count_published(log_dir, spool_dir, worker)
    except LogError:
        published = None
    size = 0
    with suppress(LogError):
        for segment in list_segments(worker_folder(spool_dir, worker)):
            with suppress(OSError):  # published and removed in between
                size += segment.path.stat().st_size
    return SpoolLook(published, size, runs)


@dataclass(slots=True)
class Backlog:
    """For how long a leaf has been waiting: one that was there at a look, until a later look finds it published.

    Under load the log is always a little behind; a publisher that goes on reaches each leaf that is waited for, so the
    time does not grow.
    """

    _leaf: int = 0
    _since: float | None = None

    def look(self, *, closed: int, published: int | None, now: float) -> float:
        """Return the seconds for which something has been waiting; 0 where nothing is.

        Args:
            closed: How many leaves the worker has closed.
            published: How many of them are in the log, or None where that is not known.
            now: Of a clock that never goes back.
        """
        if self._since is not None and published is not None and published >= self._leaf:
            self._since = None
        if self._since is None and closed > (published or 0):
            self._leaf, self._since = closed, now
        return 0.0 if self._since is None else now - self._since
