"""A copy of the public log for a web server or an object storage, brought up to date file by file.

In this order, so that whoever reads meanwhile, or after a crash at any point, finds a log that holds:

1. The source's checkpoint is read, after the last one that witnesses cosigned. Its key is the copy's, and at the size
   that the copy has, the tree under its root is the copy's: nobody is shown two histories by a copy.
2. Bundles and tiles that the copy does not have yet, each of which hashes up to the checkpoint's root
   (`signed_tiles`); a file that is there with other bytes is never overwritten.
3. Archives: for each full tile of level 1 a tar of it and of all that lies below it, held to the same root. The same
   tiles give the same bytes.
4. Files that do not change with the log, such as a verifier.
5. The list of the archives' digests, then the checkpoint, then the last one that witnesses cosigned, where there is
   one and the tiles come to its root; each by rename.
6. Partial tiles go that full ones have replaced; what was written gets the time of the source's checkpoint, which the
   source has from its schedule.

A second run goes on where the first one stopped. Only one may run at a time.

The source is a log that may be public. How a publisher's own log grows tells when something happens, so a log without a
schedule (`SCHEDULE`) is refused, unless the caller says that its growth may be seen.
"""

import fcntl
import io
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from doorward.errors import ConfigError, LogError, StoreError, VerificationError
from doorward.notes.note import Verifier, parse_verifier_key
from doorward.record.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from doorward.record.log_files import CHECKPOINT, VERIFIER_KEY, WITNESSED, LogFiles
from doorward.record.signed_tiles import SignedTiles
from doorward.record.tiles import TILE_WIDTH, TileId, list_tiles

SCHEDULE: Final = "schedule"
ARCHIVES: Final = "archive"
DIGESTS: Final = f"{ARCHIVES}/SHA256SUMS"
ARCHIVE_LEAVES: Final = TILE_WIDTH * TILE_WIDTH
MAX_DIGESTS_BYTES: Final = 16 * 1024 * 1024  # some 190,000 archives, of 12 billion leaves
LOCK: Final = ".publish-lock"
_DRAFT: Final = ".new-archive"


@dataclass(slots=True)
class Published:
    """What a run did."""

    tree_size: int = 0
    files: int = 0
    archives: int = 0


def publish(
    source: LogFiles, target: LogFiles, extras: Mapping[str, bytes], *, needs_schedule: bool = True
) -> Published:
    """Bring a copy of a log up to the log's present checkpoint.

    Args:
        extras: Files beside the log that do not change with it, by their path.
        needs_schedule: False where everybody may see when the log grew.

    Raises:
        ConfigError: There is no log, it has no schedule, or another one runs on the copy.
        VerificationError: The copy is of another log, has leaves that the log has not, or other bytes.
        StoreError: A disk refused.
        MalformedError: A file of the log is none.
    """
    cosigned = source.read(WITNESSED)  # first: the source may grow and be cosigned meanwhile
    raw, key, schedule = (source.read(name) for name in (CHECKPOINT, VERIFIER_KEY, SCHEDULE))
    if raw is None or key is None:
        raise ConfigError(f"there is no log at `{source.folder}`", hint="name the folder of a released copy")
    if schedule is None and needs_schedule:
        raise ConfigError(
            f"the log `{source.folder}` has no schedule, so its growth would tell when something happened",
            hint="publish the copy that `log release` keeps; --unscheduled where everybody may see it",
        )
    moment = int((source.folder / CHECKPOINT).stat().st_mtime)
    target.make()
    with _lock(target.folder):
        verifier = _parse(key)
        now = verify_checkpoint(parse_checkpoint(raw), verifier)  # 1
        tiles = SignedTiles(source, now.tree_size, now.root)
        before = _published(tiles, target, verifier, now)
        if cosigned is not None:
            _check_witnessed(tiles, cosigned, verifier, now)
        wanted = list(_wanted(now.tree_size, before))
        done = Published(now.tree_size)
        written = [tile.path for tile in wanted if _copy(tiles, target, tile, moment)]  # 2
        done.files = len(written)
        digests = _archive(tiles, target, now.tree_size, written, moment)  # 3
        done.archives = len(written) - done.files
        fixed = {**extras, VERIFIER_KEY: key, **({SCHEDULE: schedule} if schedule is not None else {})}
        written += [path for path, data in fixed.items() if _put(target, path, data, moment)]  # 4
        changed = [*(tile.path for tile in wanted), *written]
        _set_times(target.folder, changed, moment)  # also of what a run that was stopped had written
        target.sync()
        for path, data in ((DIGESTS, digests), (CHECKPOINT, raw), (WITNESSED, cosigned)):  # 5
            written += [path] if data and _put(target, path, data, moment) else []
        target.sync()
        for tile in wanted:  # 6
            if tile.is_full:
                target.remove_partials(tile)
        _set_times(target.folder, [*changed, *written, CHECKPOINT], moment)
        return done


def _put(target: LogFiles, path: str, data: bytes, moment: int) -> bool:
    if target.read(path, MAX_DIGESTS_BYTES) == data:
        return False
    target.replace(path, data, moment=moment)
    return True


def _set_times(folder: Path, written: Sequence[str], moment: int) -> None:
    """Give files and their folders the log's own time: that of writing tells when the host was at work."""
    files = {folder / path for path in written}
    folders = {parent for file in files for parent in file.parents if folder in parent.parents} | {folder}
    try:
        for path in (*files, *folders):
            if path.exists():  # a partial tile may be gone already
                os.utime(path, (moment, moment))
    except OSError as error:
        raise StoreError(f"the times of `{folder}` cannot be set: {error.strerror}") from error


def _parse(key: bytes) -> Verifier:
    return parse_verifier_key(key.decode("utf-8", "replace").strip())


def _published(tiles: SignedTiles, target: LogFiles, verifier: Verifier, now: Checkpoint) -> int:
    """Return the size that the copy has."""
    raw = target.read(CHECKPOINT)
    if raw is None:
        return 0
    try:
        before = verify_checkpoint(parse_checkpoint(raw), verifier)
    except LogError as error:
        raise VerificationError(
            f"`{target.folder}` holds a copy of another log: {error}",
            hint="publish each log to a folder of its own",
        ) from error
    size = before.tree_size
    if size > now.tree_size or tiles.root(size) != before.root:
        raise VerificationError(
            f"`{target.folder}` holds {size} signed leaves that are not this log's {now.tree_size}",
            hint="stop, keep both folders, and run `doorward log verify` on each",
        )
    return size


def _check_witnessed(tiles: SignedTiles, raw: bytes, verifier: Verifier, now: Checkpoint) -> None:
    """Hold the last checkpoint that witnesses cosigned to the tiles; the cosignatures are the readers' to check."""
    found = verify_checkpoint(parse_checkpoint(raw), verifier)
    if found.tree_size > now.tree_size or tiles.root(found.tree_size) != found.root:
        raise VerificationError(
            f"the log's tiles do not come to its `{WITNESSED}` of {found.tree_size} leaves",
            hint="stop, keep a copy of both, and run `doorward log verify`",
        )


def _wanted(size: int, before: int) -> Iterator[TileId]:
    for tile in list_tiles(size, before):
        if tile.level == 0:
            yield TileId(None, tile.index, tile.width)
        yield tile


def _copy(tiles: SignedTiles, target: LogFiles, tile: TileId, moment: int) -> bool:
    data = tiles.read(tile)
    is_new = not (target.folder / tile.path).exists()
    target.write_once(tile.path, data, moment=moment)
    return is_new


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreError(f"the copy `{folder}` cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ConfigError(f"another `publish` runs on `{folder}`", hint="wait for its end") from error
    finally:
        os.close(lock)


# 3


def _archive(tiles: SignedTiles, target: LogFiles, size: int, written: list[str], moment: int) -> bytes:
    """Write the archives that are not listed yet, add their paths to what was written, and return the list."""
    listed = _listed(target)
    for index in range(size // ARCHIVE_LEAVES):
        path = _archive_path(index)
        if path not in listed or not (target.folder / path).exists():
            listed[path] = _write_archive(tiles, target, index, path, moment)
            written.append(path)
    return "".join(f"{digest}  {path}\n" for path, digest in listed.items()).encode()


def _archive_path(index: int) -> str:
    return TileId(1, index).path.replace("tile/1", ARCHIVES, 1) + ".tar"


def _listed(target: LogFiles) -> dict[str, str]:
    raw = target.read(DIGESTS, MAX_DIGESTS_BYTES) or b""
    pairs = (line.split("  ", 1) for line in raw.decode("ascii", "replace").splitlines() if "  " in line)
    return {path: digest for digest, path in pairs}


class _Sink(Protocol):
    def write(self, data: bytes, /) -> int: ...


class _Digesting(io.RawIOBase):
    """Passes on what is written, and hashes it."""

    def __init__(self, sink: _Sink) -> None:
        self._sink = sink
        self.digest = sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]  # only bytes come here
        self.digest.update(data)
        return self._sink.write(data)


def _write_archive(tiles: SignedTiles, target: LogFiles, index: int, path: str, moment: int) -> str:
    """Write one archive under its name, and return its digest."""
    draft, end = target.folder / _DRAFT, target.folder / path
    try:
        end.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with draft.open("wb") as file:
            sink = _Digesting(file)
            with tarfile.open(fileobj=sink, mode="w|", format=tarfile.USTAR_FORMAT) as tar:
                for tile in _archived(index):
                    _add(tar, tiles, target, tile)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o644)
        os.utime(draft, (moment, moment))
        draft.rename(end)
    except OSError as error:
        raise StoreError(
            f"`{path}` could not be written: {error.strerror}", hint="make room on the disk"
        ) from error
    return sink.digest.hexdigest()


def _archived(index: int) -> Iterator[TileId]:
    yield TileId(1, index)
    for child in range(index * TILE_WIDTH, (index + 1) * TILE_WIDTH):
        yield TileId(0, child)
        yield TileId(None, child)


def _add(tar: tarfile.TarFile, tiles: SignedTiles, target: LogFiles, tile: TileId) -> None:
    data = target.read_tile(tile)
    if data is None:
        raise VerificationError(
            f"`{tile.path}` of the copy is missing", hint="run `doorward log verify` on it"
        )
    tiles.check(tile, data, "the copy")
    member = tarfile.TarInfo(tile.path)  # no time, no owner: the same tiles give the same bytes
    member.size, member.mode = len(data), 0o644
    tar.addfile(member, io.BytesIO(data))
