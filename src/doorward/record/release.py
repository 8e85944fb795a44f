"""The public copy of a log, as its schedule gives it: a beginning of the log, signed, with the times of the schedule.

INVARIANT (a-beginning): what is released is a beginning of the publisher's log and begins with what was released
before. Before anything is signed, the tiles lead by consistency proofs from both to the root that the publisher signed,
and each tile and bundle that is released hashes to what stands above it. So no two checkpoints of the key have two
histories.
INVARIANT (no-clock): names, sizes and times of all files follow from the schedule alone.

Files are written first and the checkpoint last; a run that was killed is done again with the same bytes.
"""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from doorward.errors import StoreError, VerificationError
from doorward.notes.note import Signer, Verifier, format_verifier
from doorward.record.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint, verify_checkpoint
from doorward.record.hashes import EMPTY_ROOT, Hash, hash_leaf
from doorward.record.log_files import CHECKPOINT, VERIFIER_KEY, LogFiles, cut_tile
from doorward.record.proof import hash_range, make_consistency, verify_consistency
from doorward.record.schedule import Schedule, parse_schedule
from doorward.record.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    TileId,
    list_tiles,
    parse_bundle,
    parse_tile,
    read_node,
)
from doorward.record.tree import root_of

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
    reader = _Reader(files, latest)
    before = _released(public, signer.verifier)
    if before is not None and (before.tree_size > size or not reader.extends(before.tree_size, before.root)):
        raise VerificationError(
            "the log does not begin with what was released, or the clock went back",
            hint=_LOOK,
        )
    checkpoint = Checkpoint(signer.name, size, reader.root(size))
    if not reader.extends(size, checkpoint.root):
        raise VerificationError(
            f"the tiles of the log do not lead from {size} leaves to its checkpoint of {latest.tree_size}",
            hint=_LOOK,
        )
    if before == checkpoint:
        return size
    public.make()
    written = [VERIFIER_KEY, SCHEDULE]
    public.write_once(VERIFIER_KEY, format_verifier(signer.verifier).encode() + b"\n")
    public.write_once(SCHEDULE, schedule.format())
    for tile in list_tiles(size, 0 if before is None else before.tree_size):
        for one in (tile, TileId(None, tile.index, tile.width)) if tile.level == 0 else (tile,):
            public.write_once(one.path, reader.read_checked(one))
            written.append(one.path)
    public.sync()
    public.replace(CHECKPOINT, format_checkpoint(checkpoint, signer))
    public.sync()
    _set_times(public.folder, [*written, CHECKPOINT], moment)
    return size


class _Reader:
    """Tiles and roots of the publisher's log, at any smaller size.

    Raises:
        VerificationError: The log's tiles do not come to its checkpoint's root.
    """

    def __init__(self, files: LogFiles, latest: Checkpoint) -> None:
        self._files = files
        self._size = latest.tree_size
        self._root = latest.root
        self._hashes = lru_cache(maxsize=64)(self._read_hashes)
        if self.root(self._size) != latest.root:
            raise VerificationError("the tiles of the log do not come to its checkpoint", hint=_LOOK)

    def read(self, tile: TileId) -> bytes:
        """Return a tile as it was when the log had no more than it holds."""
        level_size = self._size >> TILE_HEIGHT * (tile.level or 0)
        whole = TileId(tile.level, tile.index, min(TILE_WIDTH, level_size - tile.index * TILE_WIDTH))
        raw = self._files.read_tile(whole)
        if raw is None:
            raise VerificationError(f"`{whole.path}` of the log is missing", hint="put it back from a copy")
        return cut_tile(raw, whole, tile.width)

    def read_checked(self, tile: TileId) -> bytes:
        """Return a tile or bundle that hashes to what stands above it in the publisher's log.

        A partial tile has nothing above it: the root at its size is made of all its hashes.

        Raises:
            VerificationError: It does not.
        """
        raw = self.read(tile)
        if tile.level is None:
            leaves = self._hashes(0, tile.index)[: tile.width]
            is_same = [hash_leaf(entry) for entry in parse_bundle(raw, tile.width)] == leaves
        elif tile.is_full:
            above = self._hashes(tile.level + 1, tile.index // TILE_WIDTH)[tile.index % TILE_WIDTH]
            is_same = root_of(parse_tile(raw, tile.width)) == above
        else:
            is_same = parse_tile(raw, tile.width) == self._hashes(tile.level, tile.index)[: tile.width]
        if not is_same:
            raise VerificationError(
                f"`{tile.path}` of the log does not hash to what stands above it", hint=_LOOK
            )
        return raw

    def root(self, size: int) -> Hash:
        """Return the root of the log's first leaves; that the rest extends them is for `extends`."""
        return hash_range(self._node, 0, size)

    def extends(self, size: int, root: Hash) -> bool:
        """Return True where the publisher's checkpoint extends a smaller tree, by proof and not by what files say."""
        if size == 0:
            return root == EMPTY_ROOT
        proof = make_consistency(self._node, size, self._size)
        try:
            verify_consistency(
                old_size=size, new_size=self._size, old_root=root, new_root=self._root, proof=proof
            )
        except VerificationError:
            return False
        return True

    def _node(self, level: int, index: int) -> Hash:
        return read_node(self._hashes, level, index)

    def _read_hashes(self, level: int, index: int) -> list[Hash]:
        width = min(TILE_WIDTH, (self._size >> TILE_HEIGHT * level) - index * TILE_WIDTH)
        return parse_tile(self.read(TileId(level, index, width)), width)


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
