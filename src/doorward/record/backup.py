"""Copying a record while it is at work, so that the copy can be gone on with; and telling whether it may be.

The publisher goes from the spool over the disclosures to the log, then removes the segments. A copy that can be gone on
with is one that a crash could have left:

1. No segment is removed meanwhile (`hold_spool`, held by the caller over 2 to 4).
2. The log, at one checkpoint: its tiles and no others.
3. The disclosures, at one moment after that: they open every leaf of 2.
4. The spool after that, the places of the workers' leaves before their blocks: it reaches beyond 2 and 3, and begins
   no later than 2 ends.

INVARIANT (held): in a copy the checkpoint is `checkpoint.held`. A publisher signs nothing in a log with tiles and
without a checkpoint, so a copy that somebody put in place is not signed on before somebody said that nothing newer was
published (`check_newest`): an older log that is signed on has two histories, and whoever has both checkpoints can prove
it.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from doorward.errors import LogError, StoreError, VerificationError
from doorward.notes.note import Verifier, parse_verifier_key
from doorward.record.check_spool import hold_segments
from doorward.record.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from doorward.record.log_files import CHECKPOINT, VERIFIER_KEY, LogFiles, sync_folder
from doorward.record.places import PLACES, LeafPlaces
from doorward.record.segments import MAX_LOOKS, READERS_LOCK, SpoolReader, Torn, list_segments
from doorward.record.signed_tiles import SignedTiles
from doorward.record.tiles import TileId, list_tiles
from doorward.record.workers import list_workers, worker_folder

HELD: Final = "checkpoint.held"


@contextmanager
def hold_spool(spool_dir: Path) -> Iterator[None]:
    """Keep the publisher from removing segments, also one that has not removed any yet.

    Raises:
        StoreError: The lock cannot be made.
    """
    try:
        lock = os.open(spool_dir / READERS_LOCK, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            owner = spool_dir.stat()
            if os.geteuid() == 0:
                os.fchown(lock, owner.st_uid, owner.st_gid)  # or the publisher could not open it
        finally:
            os.close(lock)
    except OSError as error:
        raise StoreError(f"the spool `{spool_dir}` cannot be held: {error.strerror}") from error
    with hold_segments(spool_dir):
        yield


def copy_log(log_dir: Path, to: Path) -> Checkpoint:
    """Copy a log at its checkpoint, and return that; the publisher may be at work.

    Raises:
        VerificationError: The log has no checkpoint or no key, its key did not sign it, or a tile is missing or not
            what the checkpoint signs.
        MalformedError: A file of the log is none.
        StoreError: A file cannot be read or written.
    """
    files, copy = LogFiles(log_dir), LogFiles(to)
    raw, key = files.read(CHECKPOINT), files.read(VERIFIER_KEY)
    if raw is None or key is None:
        raise VerificationError(
            f"the log `{log_dir}` has no checkpoint or no key", hint="start the publisher once"
        )
    checkpoint = verify_checkpoint(parse_checkpoint(raw), _verifier(key))
    copy.make()
    copy.write_once(VERIFIER_KEY, key)
    tiles = SignedTiles(files, checkpoint.tree_size, checkpoint.root)
    for tile in _all_tiles(checkpoint.tree_size):
        copy.write_once(tile.path, tiles.read(tile))
    copy.replace(HELD, raw)
    copy.sync()
    return checkpoint


@dataclass(frozen=True, slots=True)
class CopiedSpool:
    """What a copied spool says.

    Args:
        reach: By worker: from which of its own leaves on it holds blocks, and how far.
        places: Where the workers' leaves stand in the log.
        cut: What ended a worker's last segment and was no whole record, so that it is not in the copy: a write that
            still went on or was cut off, or damage to the very last record.
    """

    reach: Mapping[int, tuple[int, int]]
    places: LeafPlaces
    cut: Sequence[Torn] = ()


def copy_spool(spool_dir: Path, to: Path, tree_size: int) -> CopiedSpool:
    """Copy every worker's whole records, and before them the places of their leaves; return what the copy says.

    Raises:
        MalformedError: A record is damaged, and not by a write that was cut off at the end; names file and offset.
        VerificationError: A copied file does not hold what was read before.
        StoreError: A file cannot be read or written.
    """
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    # First: a run is written down here before its disclosures are, and behind the blocks that it is about.
    if (spool_dir / PLACES).exists():
        _copy_file(spool_dir / PLACES, to / PLACES)
    places = LeafPlaces.load(to, tree_size)  # refuses damage; a torn run at its end placed nothing
    reach, cut = {}, []
    for worker, folder in list_workers(spool_dir).items():
        copy = worker_folder(to, worker)
        copy.mkdir(mode=0o700, exist_ok=True)
        torn = _copy_segments(folder, copy)
        cut += [torn] if torn is not None else []
        sync_folder(copy)
        reach[worker] = _reach(copy)
    return CopiedSpool(reach, places, tuple(cut))


def _copy_segments(folder: Path, to: Path) -> Torn | None:
    """Copy segments up to the last whole record, and return what stood behind it and was none."""
    reader = SpoolReader(folder)
    for _ in range(MAX_LOOKS):  # what is being written becomes whole
        for _ in reader.read():
            pass
        if reader.torn is None:
            break
    if reader.file is None:  # what a worker begins now is behind everything that was copied before
        return None
    for segment in list_segments(folder):
        is_last = segment.path.name == reader.file
        _copy_file(segment.path, to / segment.path.name, reader.offset if is_last else None)
        if is_last:  # a later one was begun since
            break
    return reader.torn


def _copy_file(source: Path, to: Path, size: int | None = None) -> None:
    try:
        write_private(to, source.read_bytes()[:size])
    except OSError as error:
        raise StoreError(f"`{source.name}` could not be copied: {error.strerror}") from error


def _reach(folder: Path) -> tuple[int, int]:
    reader, first = SpoolReader(folder), -1
    for _ in reader.read():
        first = reader.replay.next_leaf if first < 0 else first
    if reader.torn is not None:
        raise VerificationError(
            f"`{reader.torn.file}` was read as whole, and its copy is not: the disk gave it twice differently",
            hint="see what the kernel says of the disk, then run it again",
        )
    return max(first, 0), reader.replay.next_leaf


def check_copy(checkpoint: Checkpoint, spool: CopiedSpool, last_opened: int | None) -> None:
    """Check that a copy is one that a crash could have left.

    Args:
        last_opened: The last leaf that the copied disclosures open, or None.

    Raises:
        VerificationError: It is not, and the record cannot be gone on with from it.
    """
    hint = "run it again; if it stays so, `doorward log verify`"
    size = checkpoint.tree_size
    for worker, (first, beyond) in spool.reach.items():
        published = spool.places.count(worker, size)
        if not first <= published <= beyond:
            whose = f" of worker {worker}" if worker else ""
            raise VerificationError(
                f"the log ends at leaf {published}{whose}, and the spool goes from {first} to {beyond}",
                hint=hint,
            )
    opened = -1 if last_opened is None else last_opened
    beyond = max(spool.places.end, sum(beyond for _, beyond in spool.reach.values()))
    if not size - 1 <= opened < max(beyond, 1):
        raise VerificationError(
            f"the disclosures open leaves up to {opened}, and the log has {size}", hint=hint
        )


def check_newest(log_dir: Path, newest: bytes) -> Checkpoint:
    """Return the held checkpoint of a copy that may be gone on with: nothing newer was published.

    Args:
        newest: The newest checkpoint that anybody has, from a public copy or whoever keeps them.

    Raises:
        MalformedError: It is no checkpoint.
        VerificationError: It is newer than the copy, is not a beginning of it, or is another log's; or the copy's tiles
            do not come to what it holds.
    """
    files = LogFiles(log_dir)
    raw, key = files.read(HELD), files.read(VERIFIER_KEY)
    if raw is None or key is None:
        raise VerificationError(f"the log `{log_dir}` has no `{HELD}` or no key")
    verifier = _verifier(key)
    held = verify_checkpoint(parse_checkpoint(raw), verifier)
    published = verify_checkpoint(parse_checkpoint(newest), verifier)
    if published.tree_size > held.tree_size:
        raise VerificationError(
            f"{published.tree_size} leaves were published, and this copy has {held.tree_size}",
            hint="a log that goes on from here has two histories: begin a new log (docs/howto/backup.md)",
        )
    tiles = SignedTiles(files, held.tree_size, held.root)
    if tiles.root(published.tree_size) != published.root:
        raise VerificationError(
            f"what was published at size {published.tree_size} is not a beginning of this copy",
            hint="two histories are there already: keep both, and tell who verifies the log",
        )
    return held


def release(log_dir: Path) -> None:
    """Let a copied log be gone on with.

    Raises:
        StoreError: It cannot be.
    """
    try:
        (log_dir / HELD).rename(log_dir / CHECKPOINT)
    except OSError as error:
        raise StoreError(f"`{HELD}` cannot be renamed: {error.strerror}") from error
    sync_folder(log_dir)


def write_private(file: Path, data: bytes) -> None:
    """Write a new file that only its owner reads, and return when it is on the disk.

    Raises:
        OSError: It is there, or the disk refused.
    """
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as sink:
        sink.write(data)
        sink.flush()
        os.fsync(sink.fileno())


def _all_tiles(tree_size: int) -> Iterator[TileId]:
    for tile in list_tiles(tree_size):
        if tile.level == 0:
            yield TileId(None, tile.index, tile.width)
        yield tile


def _verifier(key: bytes) -> Verifier:
    try:
        return parse_verifier_key(key.decode("utf-8").strip())
    except (LogError, UnicodeDecodeError) as error:
        raise VerificationError(f"`{VERIFIER_KEY}` of the log is no verifier key") from error
