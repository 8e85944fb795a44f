"""What happened to the log itself, and what it keeps of its neighbours, as entries of their own writer.

The writer has a spool beside the workers' (`workers.LOG_WRITER`). It is opened for each entry and closed again, so that
the publisher and a command may both write, one after the other.
"""

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from doorward.record.entry import NO_SESSION, Draft, Field, Kind
from doorward.record.spool import Spool
from doorward.record.workers import LOG_WRITER, worker_folder


class Happened(StrEnum):
    """The field `what` of an entry about the log."""

    BOUND = "bound"
    MOVED = "moved"
    RESTORED = "restored"
    CHECKPOINT = "checkpoint"  # a neighbour's, kept
    BEHIND = "behind"  # a neighbour shows less than was kept of it
    BEGUN = "begun"  # listed in the directory; a new log's first entry
    ENDED = "ended"  # this is the log's last entry
    FORK = "fork"  # a neighbour shows another tree of the size that was kept


def draft_of(happened: Happened, *, by: str = "", reason: str = "", text: bytes = b"") -> Draft:
    """Return the entry of something that happened to the log.

    Args:
        by: The role of whoever did it; empty where nobody did.
        reason: In their own words.
        text: What else there is to say, such as a checkpoint.
    """
    fields = (
        (Field.LOGIN, by.encode()),
        (Field.TEXT, text),
        (Field.REASON, reason.encode()),
        (Field.WHAT, happened.encode()),
    )
    return Draft(Kind.LOG, NO_SESSION, 0, tuple(field for field in fields if field[1]))


def record_of_log(
    spool_dir: Path, drafts: Sequence[Draft], *, now: datetime, random: Callable[[int], bytes] = os.urandom
) -> None:
    """Record what happened to the log; it is on the disk when this returns.

    Raises:
        MalformedError: The writer's spool is damaged.
        StoreError: Another process writes there right now, or the disk refused.
    """
    folder = worker_folder(spool_dir, LOG_WRITER)
    spool = Spool.open(folder, now=now, random=random, worker=LOG_WRITER, durable=frozenset({Kind.LOG}))
    try:
        spool.append(drafts, now=now)
    finally:
        spool.close(now=now)
