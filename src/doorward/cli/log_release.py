"""`doorward log release`: the public copy of the log, brought to where its schedule has it; run it once a slot.

Where the log has too few leaves, entries that say nothing are recorded first, and the publisher makes leaves of them.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from doorward.cli.folders import Folders
from doorward.cli.host_logs import Listing
from doorward.cli.installation import Config, Data, find_installation
from doorward.cli.publisher import find_signer
from doorward.cli.settings import read_settings
from doorward.cli.witnesses import Witnesses
from doorward.desk.recorder import Recorder
from doorward.errors import ConfigError, StoreError
from doorward.notes.note import Signer, Verifier
from doorward.record.binding import BOUND, verify_bound
from doorward.record.check_spool import hold_segments
from doorward.record.entry import Kind
from doorward.record.keeping import PADDING
from doorward.record.log_files import LogFiles
from doorward.record.places import LeafPlaces
from doorward.record.release import log_size, read_schedule, release
from doorward.record.schedule import Schedule, first_schedule
from doorward.record.segments import SpoolReader
from doorward.record.spool import Spool
from doorward.record.workers import RELEASES, worker_folder

WORKER: Final = RELEASES
PORTION: Final = 1000
WAIT_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.2


def release_log(
    to: Annotated[Path, typer.Argument(help="the folder that is served to the public")],
    every: Annotated[int | None, typer.Option(help="the first time: length of a slot, in seconds")] = None,
    leaves: Annotated[int | None, typer.Option(help="the first time: leaves in each slot")] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Bring the public copy of the log to where its schedule has it; its growth tells nothing of what happened."""
    now = datetime.now(UTC)  # noqa: TID251  # the command line is where the clock is read
    folders, public = find_installation(config, data), LogFiles(to)
    public.make()
    with _turn(public.folder):
        schedule = _schedule(public, every, leaves, int(now.timestamp()))
        _release(folders, public, schedule, config, now)


def _release(
    folders: Folders, public: LogFiles, schedule: Schedule, config: Path | None, now: datetime
) -> None:
    Listing(read_settings(config) if config is not None else None, folders).look()
    signer, files = find_signer(folders), LogFiles(folders.log)
    if config is not None:  # the sample's key proves nothing to anybody
        verify_bound(folders.keys / BOUND, signer.verifier)
    size = schedule.size_at(int(now.timestamp()))
    missing = size - log_size(files, signer.verifier)
    if missing > 0:
        # What a run before recorded while the publisher was away is not recorded again.
        missing = max(0, missing - _padding_that_waits(folders, size - missing))
        pad(folders, missing, now=now)
        _wait(files, signer.verifier, size)
    release(files, public, signer, schedule, now=int(now.timestamp()))
    missing_witnesses = _show(config, files, public, signer)
    backlog = log_size(files, signer.verifier) - size
    typer.echo(
        f"{public.folder}: {size} leaves, {max(missing, 0)} of them padding made now; {backlog} wait for the next slots"
    )
    if missing_witnesses is not None:
        typer.echo(f"witnesses: {missing_witnesses or 'the quorum cosigned it'}")


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Hold the public folder: of two that overlap, one would put back the checkpoint of the other.

    Raises:
        ConfigError: Another one holds it.
        StoreError: It cannot be opened.
    """
    try:
        # The folder itself: a file of a lock's would be served.
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"the public log `{folder}` cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ConfigError(f"another `log release` runs on `{folder}`", hint="wait for its end") from error
    finally:
        os.close(held)


def _show(config: Path | None, files: LogFiles, public: LogFiles, signer: Signer) -> str | None:
    """Return which witnesses are missing on what was released; None where the settings name none for it."""
    found = read_settings(config).witnesses if config is not None else None
    if found is None or found.public is None or found.public.resolve() != public.folder.resolve():
        return None
    return Witnesses(found, files, signer).show(time.monotonic(), at_once=True)


def _schedule(public: LogFiles, every: int | None, leaves: int | None, now: int) -> Schedule:
    kept = read_schedule(public)
    if kept is not None:
        if (every or kept.every, leaves or kept.leaves) != (kept.every, kept.leaves):
            raise ConfigError(
                f"the schedule of `{public.folder}` is {kept.leaves} leaves every {kept.every} seconds, and stays",
                hint="another schedule is another log",
            )
        return kept
    if every is None or leaves is None:
        raise ConfigError(
            f"`{public.folder}` has no schedule yet", hint="--every and --leaves; docs/howto/record-audit.md"
        )
    return first_schedule(every, leaves, now)


def _padding_that_waits(folders: Folders, have: int) -> int:
    """Return how many leaves of padding are recorded and not in the publisher's log of so many leaves yet."""
    folder = worker_folder(folders.spool, WORKER)
    if not folder.exists():
        return 0
    with hold_segments(folders.spool):
        reader = SpoolReader(folder)
        for _ in reader.read():
            pass
        recorded = reader.replay.next_leaf if reader.replay.has_begun else 0
        return max(0, recorded - LeafPlaces.load(folders.spool, have).count(WORKER, have))


def pad(folders: Folders, count: int, *, now: datetime) -> None:
    """Record so many entries that say nothing, a leaf each.

    Raises:
        StoreError: The disk refused, or another release writes right now.
    """
    recorder = Recorder(Spool.open(worker_folder(folders.spool, WORKER), now=now, worker=WORKER))
    try:
        for start in range(0, count, PORTION):
            recorder.record([(Kind.KEEPING, PADDING)] * min(PORTION, count - start), now=now)
    finally:
        recorder.close(now=now)


def _wait(files: LogFiles, verifier: Verifier, size: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while log_size(files, verifier) < size:
        if time.monotonic() > deadline:
            raise StoreError(
                "the publisher does not take in what was recorded; nothing was released",
                hint="start `doorward publisher`, then run this again",
            )
        time.sleep(LOOK_SECONDS)
