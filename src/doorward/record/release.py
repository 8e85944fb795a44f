"""The public copy of a log, as its schedule gives it: a beginning of the log, signed, with the times of the schedule.

INVARIANT (a-beginning): what is released is a beginning of the publisher's log and begins with what was released
before. Both roots, and each tile and bundle that is released, are read from the root that the publisher signed
(`signed_tiles`), before anything is signed. So no two checkpoints of the key have two histories.
INVARIANT (no-clock): names, sizes and times of all files follow from the schedule alone.

Files are written first, with their times, and the checkpoint last; a run that was killed is done again with the same
bytes. No file is ever there with another time. The folders' own times are set behind what is written in them, by the
next run where one was killed before.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from doorward.errors import StoreError, VerificationError
from doorward.notes.note import Signer, Verifier, format_verifier
from doorward.record.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint, verify_checkpoint
from doorward.record.log_files import CHECKPOINT, VERIFIER_KEY, LogFiles
from doorward.record.schedule import Schedule, parse_schedule
from doorward.record.signed_tiles import SignedTiles
from doorward.record.tiles import TileId, list_tiles

SCHEDULE: Final = "schedule"
_LOOK: Final = "stop, keep a copy of both folders, and run `doorward log verify`"


def read_schedule(public: LogFiles) -> Schedule | None:
    """Return the schedule of a public log, or None where there is no log yet.

    Raises:
        MalformedError: The file is no schedule.
        StoreError: It cannot be read.
    """
    raw = public.read(SCHEDULE)
    return None if raw is None else parse_schedule(raw)


def log_size(files: LogFiles, verifier: Verifier) -> int:
    """Return how many leaves the publisher's log has.

    Raises:
        VerificationError: It has no checkpoint that the key signed.
    """
    return _latest(files, verifier).tree_size


def _latest(files: LogFiles, verifier: Verifier) -> Checkpoint:
    raw = files.read(CHECKPOINT)
    if raw is None:
        raise VerificationError(f"the log `{files.folder}` has no checkpoint")
    return verify_checkpoint(parse_checkpoint(raw), verifier)


def release(files: LogFiles, public: LogFiles, signer: Signer, schedule: Schedule, *, now: int) -> int:
    """Return how many leaves the public log has after bringing it to where the schedule has it.

    Args:
        files: The publisher's log; it has at least so many leaves.
        public: The folder that is served.
        signer: The log's key.
        now: Seconds since 1970.

    Raises:
        VerificationError: The publisher's log is shorter, its files are not what its checkpoint signs, or it does not
            begin with what was released. Nothing was signed.
        MalformedError: A file of a log is none.
        StoreError: A file cannot be read or written.
    """
    size, moment = schedule.size_at(now), schedule.slot_end(now)
    latest = _latest(files, signer.verifier)
    if latest.tree_size < size:
        raise VerificationError(
            f"the schedule asks for {size} leaves and the log has {latest.tree_size}", hint="pad it first"
        )
    tiles = SignedTiles(files, latest.tree_size, latest.root)
    before = _released(public, signer.verifier)
    if before is not None and (before.tree_size > size or tiles.root(before.tree_size) != before.root):
        raise VerificationError(
            "the log does not begin with what was released, or the clock went back",
            hint=_LOOK,
        )
    checkpoint = Checkpoint(signer.name, size, tiles.root(size))
    if before == checkpoint:
        _set_times(public.folder, [CHECKPOINT], moment)
        return size
    public.make()
    written = [VERIFIER_KEY, SCHEDULE]
    public.write_once(VERIFIER_KEY, format_verifier(signer.verifier).encode() + b"\n", moment=moment)
    public.write_once(SCHEDULE, schedule.format(), moment=moment)
    for tile in list_tiles(size, 0 if before is None else before.tree_size):
        for one in (tile, TileId(None, tile.index, tile.width)) if tile.level == 0 else (tile,):
            public.write_once(one.path, tiles.read(one), moment=moment)
            written.append(one.path)
    _set_times(public.folder, written, moment)  # also of what a run that was killed had written
    public.sync()
    public.replace(CHECKPOINT, format_checkpoint(checkpoint, signer), moment=moment)
    public.sync()
    _set_times(public.folder, [CHECKPOINT], moment)
    return size


def _released(public: LogFiles, verifier: Verifier) -> Checkpoint | None:
    raw = public.read(CHECKPOINT)
    return None if raw is None else verify_checkpoint(parse_checkpoint(raw), verifier)


def _set_times(folder: Path, names: Sequence[str], moment: int) -> None:
    """Give files and their folders the time of the slot: when they were written tells when the host was at work."""
    try:
        for name in names:
            os.utime(folder / name, (moment, moment))
        for at in sorted(
            {parent for name in names for parent in (folder / name).parents if folder in parent.parents}
        ):
            os.utime(at, (moment, moment))
        os.utime(folder, (moment, moment))
    except OSError as error:
        raise StoreError(f"the times of `{folder}` cannot be set: {error.strerror}") from error
