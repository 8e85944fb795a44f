"""From the spool to the public log: the publisher.

One pass, in this order, each step called by its name so that a test can kill the process behind it:

1. `spool read`: the blocks that are closed and not in the log yet, up to a bound.
2. `spool synced`: the segments they came from are on the disk. A leaf that was signed must not outlive its
   source.
3. `places written`: in which order the workers' leaves follow each other (`places`); not where one worker is alone.
4. `disclosures committed`.
5. `tile written`, once a file: bundles and tiles, the full ones first.
6. `tiles synced`: the names too.
7. `checkpoint written`: signed and renamed; from here on the leaves are public.
8. `segments removed`: those that the checkpoint covers, and the partial tiles that full ones have replaced.

INVARIANT (same-leaves): a leaf is a function of the spool alone, and its place too, so a pass that was killed anywhere
is done again with the same bytes, and none is appended twice: the tree's size in the last checkpoint says what is in
the log.
INVARIANT (one-history): nothing is signed before the last checkpoint was read and its root recomputed from the
tiles; a tree that is shorter or other is refused.

After a failure the publisher forgets what it holds in memory and begins from the files. After a sync that the disk did
not confirm it does not begin again: the system may have dropped the bytes and call them clean, and would confirm the
next one.
"""

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from doorward.errors import LogError, StoreError, UnsyncedError, VerificationError
from doorward.notes.note import Signer, format_verifier
from doorward.record.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint, verify_checkpoint
from doorward.record.edge import RightEdge
from doorward.record.hashes import EMPTY_ROOT, Hash, format_hash
from doorward.record.log_files import CHECKPOINT, TILES, VERIFIER_KEY, LogFiles, sync_folder
from doorward.record.openings import Disclosures, StoredBlock, stored_block
from doorward.record.places import LeafPlaces, Run
from doorward.record.replay import Block, leaf_of
from doorward.record.segments import PUBLISHER_LOCK, READERS_LOCK
from doorward.record.sources import PassBound, Source
from doorward.record.tiles import TILE_WIDTH, TileId, parse_bundle, parse_tile
from doorward.record.workers import list_workers, worker_folder

MAX_PASS_BLOCKS: Final = 5_000
MAX_PASS_ENTRIES: Final = 20_000  # some 0.5 s of CPU, and what one commit of the disclosures holds
MAX_PASS_BYTES: Final = 64 * 1024 * 1024

Step = Callable[[str], None]


def _no_step(_name: str) -> None:
    return


@dataclass(slots=True)
class _Progress:
    """What is known from the files and the spool; thrown away after a failure."""

    edge: RightEdge
    places: LeafPlaces
    sources: dict[int, Source] = field(default_factory=dict)  # by worker
    turn: int = 0  # whose blocks come first in the next pass
    full: list[TileId] = field(default_factory=list)  # whose partial ones may go


class Publisher:
    """The one writer of a log; made by `open`.

    Args:
        signer: Its name is the log's origin.
    """

    def __init__(self, log_dir: Path, spool_dir: Path, signer: Signer, disclosures: Disclosures) -> None:
        self._files = LogFiles(log_dir)
        self._spool_dir = spool_dir
        self._signer = signer
        self._verifier = signer.verifier
        self._disclosures = disclosures
        self._lock = -1
        self._progress: _Progress | None = None
        self._unsynced: UnsyncedError | None = None

    @classmethod
    def open(cls, log_dir: Path, spool_dir: Path, signer: Signer, disclosures: Disclosures) -> Self:
        """Return the publisher of a log, which is made where there is none.

        Raises:
            VerificationError: The log is another key's, has lost its checkpoint, or does not agree with itself.
            StoreError: Another publisher runs, or a file cannot be read or written.
        """
        publisher = cls(log_dir, spool_dir, signer, disclosures)
        publisher._lock = _take_lock(spool_dir)
        try:
            publisher._make_log()
            publisher._load()
        except BaseException:
            publisher.close()
            raise
        return publisher

    def close(self) -> None:
        """Let go of the spool; a second call does nothing."""
        if self._lock != -1:
            os.close(self._lock)
            self._lock = -1

    @property
    def tree_size(self) -> int:
        """The number of leaves in the log."""
        return self._loaded().edge.size

    def publish_once(self, step: Step = _no_step) -> int:
        """Publish what is closed in the spool, up to a bound, and return the number of new leaves.

        Args:
            step: Called behind each step with its name.

        Raises:
            MalformedError: The spool is damaged; names file and offset.
            VerificationError: Spool, disclosures and log do not agree. Nothing was signed.
            StoreError: A disk or the disclosures' server refused. The next call begins again.
            UnsyncedError: A disk did not confirm a sync. Every later call raises the same.
        """
        if self._unsynced is not None:
            raise self._unsynced
        progress = self._loaded()
        try:
            return self._publish(progress, step)
        except UnsyncedError as error:
            self._unsynced = error
            raise
        except BaseException:
            self._progress = None
            raise

    # one pass

    def _publish(self, progress: _Progress, step: Step) -> int:
        self._find_sources(progress)
        pending = progress.places.pending(progress.edge.size)
        runs = self._read_pending(progress, pending) if pending else self._read_next(progress)
        blocks = [
            replace(block, leaf_index=leaf_index)
            for run, found in runs
            for leaf_index, block in enumerate(found, run.first)
        ]
        step("spool read")
        if blocks:
            for source in progress.sources.values():
                source.sync()
            step("spool synced")
            # INVARIANT (places-come-first)
            if not pending and progress.places.add([run for run, _ in runs]):
                step("places written")
            openings = [stored_block(block) for block in blocks]
            self._disclosures.commit(openings)
            step("disclosures committed")
            self._append(progress, openings, step)
        self._clean(progress)
        step("segments removed")
        return len(blocks)

    def _find_sources(self, progress: _Progress) -> None:
        # Looked for in each pass: a worker that starts for the first time makes its folder.
        for worker in progress.places.workers | list_workers(self._spool_dir).keys():
            if worker not in progress.sources:
                position = progress.places.count(worker, progress.edge.size)
                folder = worker_folder(self._spool_dir, worker)
                progress.sources[worker] = Source(worker, folder, position, self._check_published)

    def _read_pending(self, progress: _Progress, pending: list[Run]) -> list[tuple[Run, list[Block]]]:
        """Return the runs of a pass that did not come to its end, each whole."""
        found = []
        for run in pending:
            source = progress.sources.get(run.worker)
            blocks = source.take(PassBound(run.count)) if source is not None else []
            if len(blocks) != run.count:
                raise VerificationError(
                    f"leaf {run.first + len(blocks)} of the log is to come from worker {run.worker}, "
                    "and its spool ends before",
                    hint="the spool was lost or put back; nothing was signed",
                )
            found.append((run, blocks))
        return found

    def _read_next(self, progress: _Progress) -> list[tuple[Run, list[Block]]]:
        """Return the next run of each worker, together up to the bound of a pass; who is first takes turns.

        Worker 0 is the first one to have its turn: what it published alone, and nobody wrote down, it publishes
        again in the same places.
        """
        bound = PassBound(MAX_PASS_BLOCKS, MAX_PASS_ENTRIES, MAX_PASS_BYTES)
        workers = sorted(progress.sources)
        turn = progress.turn % len(workers)
        progress.turn = turn + 1
        found: list[tuple[Run, list[Block]]] = []
        first = progress.edge.size
        for worker in (*workers[turn:], *workers[:turn]):
            source = progress.sources[worker]
            begins = source.position
            blocks = source.take(bound)
            if blocks:
                found.append((Run(first, worker, begins, len(blocks)), blocks))
                first += len(blocks)
        return found

    def _check_published(self, worker: int, block: Block) -> None:
        """Check that a block which is in the log is there with the leaf that the spool gives."""
        progress = self._loaded()
        leaf_index = progress.places.find(worker, block.leaf_index)
        if leaf_index is None:
            raise VerificationError(
                f"leaf {block.leaf_index} of worker {worker} has no place in the log",
                hint="an older copy of the spool was put here; nothing was signed",
            )
        index, at = divmod(leaf_index, TILE_WIDTH)
        width = min(TILE_WIDTH, progress.edge.size - index * TILE_WIDTH)
        bundle = self._files.read_tile(TileId(None, index, width))
        entries = parse_bundle(bundle, width) if bundle is not None else []
        if entries[at : at + 1] != [leaf_of(block.salt, block.root())]:
            raise VerificationError(
                f"leaf {leaf_index} of the log is not the one that the spool gives",
                hint="stop, keep a copy of the whole data folder, and run `doorward log verify`",
            )

    def _append(self, progress: _Progress, openings: list[StoredBlock], step: Step) -> None:
        edge = progress.edge
        for opening in openings:
            edge.append(leaf_of(opening.salt, opening.root))
        for tile, data in edge.take_tiles():
            self._files.write_once(tile.path, data)
            step("tile written")
            if tile.is_full:
                progress.full.append(tile)
        self._files.sync()
        step("tiles synced")
        self._sign(edge.size, edge.root())
        step("checkpoint written")

    def _sign(self, tree_size: int, root: Hash) -> None:
        # INVARIANT (one-history): the size only grows; the root is that of the tiles just written.
        checkpoint = Checkpoint(self._signer.name, tree_size, root)
        self._files.replace(CHECKPOINT, format_checkpoint(checkpoint, self._signer))
        self._files.sync()

    def _clean(self, progress: _Progress) -> None:
        for tile in progress.full:
            self._files.remove_partials(tile)
        progress.full = []
        covered = [path for source in progress.sources.values() for path in source.covered()]
        if not covered:
            return
        try:
            readers = os.open(self._spool_dir / READERS_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:  # a full disk: it is made at the first removal
            raise StoreError(f"`{READERS_LOCK}` of the spool cannot be made: {error.strerror}") from error
        try:
            fcntl.flock(readers, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in covered:
                path.unlink()
            progress.places.compact(
                {worker: source.first_needed() for worker, source in progress.sources.items()}
            )
        except BlockingIOError:
            return  # somebody checks the spool; the next pass removes them
        except OSError as error:
            raise StoreError(f"a published segment could not be removed: {error.strerror}") from error
        finally:
            os.close(readers)
        for folder in {path.parent for path in covered}:
            sync_folder(folder)

    # beginning

    def _make_log(self) -> None:
        """Make the log where there is none: the verifier's key, then a checkpoint of the empty tree."""
        files = self._files
        files.make()
        if files.read(CHECKPOINT) is not None:
            return
        if (files.folder / TILES).exists():
            raise VerificationError(
                f"the log `{files.folder}` has tiles and no checkpoint",
                hint="put the last checkpoint back; without it nothing may be signed here",
            )
        files.write_once(VERIFIER_KEY, format_verifier(self._verifier).encode() + b"\n")
        self._sign(0, EMPTY_ROOT)

    def _loaded(self) -> _Progress:
        return self._progress or self._load()

    def _load(self) -> _Progress:
        raw = self._files.read(CHECKPOINT)
        if raw is None:
            raise VerificationError(f"the log `{self._files.folder}` has lost its checkpoint")
        try:
            checkpoint = verify_checkpoint(parse_checkpoint(raw), self._verifier)
        except LogError as error:
            raise VerificationError(
                f"the log `{self._files.folder}` is not one of this key: {error}",
                hint="a log keeps its key; start a new log in an empty folder",
            ) from error
        edge = self._load_edge(checkpoint.tree_size)
        if edge.root() != checkpoint.root:
            raise VerificationError(
                f"the log's tiles have the root {format_hash(edge.root())} at size {edge.size}, "
                f"and its checkpoint {format_hash(checkpoint.root)}",
                hint="stop, keep a copy of the whole data folder, and run `doorward log verify`",
            )
        self._progress = _Progress(edge, LeafPlaces.load(self._spool_dir, edge.size))
        return self._progress

    def _load_edge(self, tree_size: int) -> RightEdge:
        levels = []
        entries: list[bytes] = []
        level, level_size = 0, tree_size
        while level_size:
            index, width = divmod(level_size, TILE_WIDTH)
            hashes: list[Hash] = []
            if width:
                hashes = parse_tile(self._read_partial(TileId(level, index, width)), width)
                if level == 0:
                    entries = parse_bundle(self._read_partial(TileId(None, index, width)), width)
            levels.append(hashes)
            level, level_size = level + 1, index
        return RightEdge(tree_size, levels, entries)

    def _read_partial(self, tile: TileId) -> bytes:
        raw = self._files.read_tile(tile)
        if raw is None:
            raise VerificationError(f"`{tile.path}` of the log is missing", hint="put it back from a copy")
        return raw


def _take_lock(spool_dir: Path) -> int:
    try:
        spool_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(spool_dir / PUBLISHER_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"the spool `{spool_dir}` cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise StoreError(
            f"another publisher runs on the spool `{spool_dir}`", hint="stop that one first"
        ) from error
    return lock
