"""The spool, the publisher, the backup: whether what is recorded gets out, and whether there is room; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from doorward.doctor.line import Line, broken, look, ok

WAITS: Final = timedelta(seconds=60)  # the publisher looks twice a second
AHEAD: Final = timedelta(seconds=5)
BACKUP: Final = timedelta(days=2)
LEAST_FREE: Final = 1024**3
FULL_SHARE: Final = 0.5  # of the spool's bound


@dataclass(frozen=True, slots=True)
class SpoolFacts:
    """What the spool's folder and the log's checkpoint say.

    Args:
        writable: Whether this user may write there, and its file system may be written.
        free_bytes: Of its file system, for users.
        spool_bytes: Of all segments.
        bound_bytes: At which the spool refuses, and with it the door.
        leaves: In the log, by its checkpoint, or None where there is no log yet.
        waiting: Blocks that are closed and not in the log.
        oldest: The time of the oldest entry that is not in the log, or None.
        last: The time of the last entry, or None.
        torn_bytes: At the end, of no whole record, while nobody writes.
        gateway_runs: Whether a gateway holds the spool.
        publisher_runs: Whether a publisher does.
    """

    writable: bool
    free_bytes: int
    spool_bytes: int
    bound_bytes: int
    leaves: int | None
    waiting: int
    oldest: datetime | None
    last: datetime | None
    torn_bytes: int
    gateway_runs: bool
    publisher_runs: bool


def check_spool(facts: SpoolFacts, *, now: datetime) -> Iterator[Line]:
    """Yield what to say of the spool and of who reads it."""
    yield from _check_room(facts)
    yield from _check_processes(facts)
    yield _check_waiting(facts, now)
    if facts.last is not None and facts.last > now + AHEAD:
        yield look(
            "spool clock",
            f"the last entry is {(facts.last - now).total_seconds():.0f} s ahead of this host's clock",
            expected="a clock that goes forward",
            do="look at this host's clock; entries keep the later time until it is reached",
        )
    else:
        yield ok("spool clock", "no entry is ahead of this host's clock")
    if facts.torn_bytes:
        yield look(
            "spool end",
            f"{facts.torn_bytes} bytes are no whole record",
            expected="whole records",
            do="start the gateway: it cuts a torn write and records that it did",
        )


def _check_room(facts: SpoolFacts) -> Iterator[Line]:
    check = "spool"
    if not facts.writable:
        yield broken(
            check,
            "it cannot be written: nothing is recorded, so nobody is let in",
            expected="a folder that the gateway's user may write",
            do="see its owner, its mode and whether the file system is mounted read-only",
        )
        return
    full = facts.spool_bytes > facts.bound_bytes * FULL_SHARE
    if full or facts.free_bytes < LEAST_FREE:
        yield look(
            check,
            f"{_size(facts.spool_bytes)} of {_size(facts.bound_bytes)} used, "
            f"{_size(facts.free_bytes)} free on its disk",
            expected=f"less than half used, and {_size(LEAST_FREE)} free",
            do="see why the publisher does not empty it; a full disk closes the door",
        )
    else:
        yield ok(
            check, f"writable, {_size(facts.spool_bytes)} in it, {_size(facts.free_bytes)} free on its disk"
        )


def _check_processes(facts: SpoolFacts) -> Iterator[Line]:
    if facts.gateway_runs:
        yield ok("gateway", "one runs on this data folder")
    else:
        yield look(
            "gateway", "none runs on this data folder", expected="one", do="doorward gateway --config …"
        )
    if facts.publisher_runs:
        yield ok("publisher", "one runs on this data folder")
    elif facts.gateway_runs or facts.waiting:
        yield broken(
            "publisher",
            f"none runs, and {facts.waiting} blocks wait",
            expected="one",
            do="doorward publisher --config …; what it says on standard error names the reason",
        )
    else:
        yield look("publisher", "none runs", expected="one", do="doorward publisher --config …")


def _check_waiting(facts: SpoolFacts, now: datetime) -> Line:
    if facts.leaves is None:
        return look(
            "published", "there is no log yet", expected="a log with a checkpoint", do="start the publisher"
        )
    said = f"{facts.leaves} leaves in the log, {facts.waiting} blocks wait"
    if facts.oldest is None or now - facts.oldest <= WAITS:
        return ok("published", said)
    age = (now - facts.oldest).total_seconds()
    return broken(
        "published",
        f"{said}, the oldest since {age:.0f} s",
        expected=f"at most {WAITS.seconds} s",
        do="see what the publisher says on standard error, and whether the record's server answers",
    )


def check_backup(done: datetime | None, *, now: datetime) -> Line:
    """Return how old the last backup is; `done` is None where nobody ever made one with `doorward backup`."""
    if done is None:
        return look(
            "backup", "none is known", expected="one of the last two days", do="doorward backup --to …"
        )
    age = now - done
    said = f"made {done:%Y-%m-%d %H:%M} UTC"
    if age > BACKUP:
        return look("backup", said, expected="one of the last two days", do="doorward backup --to …")
    return ok("backup", said)


def _size(count: int) -> str:
    for unit, name in ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} B"
