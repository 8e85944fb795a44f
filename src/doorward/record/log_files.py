"""The public files of a log: reading them, and writing them so that a crash leaves no half of one.

A file is written under one temporary name, synced, then renamed. A tile that is there is never overwritten with
other bytes: whoever tries has another history. The checkpoint is the only file that changes.
"""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from doorward.errors import StoreError, UnsyncedError, VerificationError
from doorward.record.tiles import TileId, format_bundle, format_tile, parse_bundle, parse_tile

CHECKPOINT: Final = "checkpoint"
WITNESSED: Final = "witnessed"  # the last checkpoint that enough witnesses cosigned
VERIFIER_KEY: Final = "vkey"
TILES: Final = "tile"
TEMPORARY: Final = ".new"
MAX_SMALL_FILE_BYTES: Final = 128 * 1024  # checkpoint and vkey
MAX_TILE_FILE_BYTES: Final = 256 * (65_535 + 2)  # a bundle of the largest entries


class LogFiles:
    """One log's folder; one writer, any number of readers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._unsynced: set[Path] = set()  # folders that have a new name in them

    # reading

    def read(self, path: str, max_bytes: int = MAX_SMALL_FILE_BYTES) -> bytes | None:
        """Return a file's bytes, or None where there is no such file.

        Raises:
            StoreError: It cannot be read, or is larger than such a file can be.
        """
        try:
            # Neither a link nor a pipe is a file of a log, and opening a pipe would wait for ever.
            opened = os.open(self.folder / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(opened, "rb") as file:
                if not stat.S_ISREG(os.fstat(opened).st_mode):
                    raise StoreError(f"`{path}` of the log is no regular file")
                raw = file.read(max_bytes + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"`{path}` of the log cannot be read: {error.strerror}") from error
        if len(raw) > max_bytes:
            raise StoreError(f"`{path}` of the log has more than {max_bytes} bytes")
        return raw

    def read_tile(self, tile: TileId) -> bytes | None:
        """Return a tile's bytes, or None where there is no such file; a partial one may be cut from the full one.

        Raises:
            StoreError: It cannot be read.
            MalformedError: The full one, from which it would be cut, is none.
        """
        raw = self.read(tile.path, MAX_TILE_FILE_BYTES)
        if raw is None and not tile.is_full:
            # A log may drop partial tiles once the full one is there.
            full = self.read(TileId(tile.level, tile.index).path, MAX_TILE_FILE_BYTES)
            if full is not None:
                return cut_tile(full, TileId(tile.level, tile.index), tile.width)
        return raw

    def list_tile_paths(self) -> Iterator[str]:
        """Yield the path of every file below `tile/`, sorted within each folder.

        Raises:
            StoreError: A folder cannot be read.
        """

        def refuse(error: OSError) -> None:
            raise StoreError(f"the log `{self.folder}` cannot be listed: {error.strerror}") from error

        top = self.folder / TILES
        if not top.exists():
            return
        for at, folders, files in os.walk(top, onerror=refuse):
            folders.sort()
            for name in sorted(files):
                yield (Path(at) / name).relative_to(self.folder).as_posix()

    # writing

    def make(self) -> None:
        """Make the folder; readable for everybody, because a log is public.

        Raises:
            StoreError: It cannot be made.
        """
        try:
            self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the log `{self.folder}` cannot be made: {error.strerror}") from error

    def write_once(self, path: str, data: bytes, *, moment: int | None = None) -> None:
        """Write a file that will never change; nothing happens where it has these bytes already.

        Args:
            moment: As in `replace`.

        Raises:
            VerificationError: It is there with other bytes.
            StoreError: The disk refused.
        """
        present = self.read(path, MAX_TILE_FILE_BYTES)
        if present == data:
            return
        if present is not None:
            raise VerificationError(
                f"`{path}` of the log is there with other bytes than the spool gives, so it stays",
                hint="stop, keep a copy of the whole data folder, and run `doorward log verify`",
            )
        self.replace(path, data, moment=moment)

    def replace(self, path: str, data: bytes, *, moment: int | None = None) -> None:
        """Write a file in one step: a reader sees the old bytes or the new ones.

        Args:
            moment: Seconds since 1970, the time that the file has from its first appearance on; None is the clock's.

        Raises:
            StoreError: The disk refused.
        """
        target = self.folder / path
        try:
            if not target.parent.exists():
                target.parent.mkdir(mode=0o755, parents=True)
                self._unsynced.update(parent for parent in target.parents if self.folder in parent.parents)
                self._unsynced.add(self.folder)
            draft = self.folder / TEMPORARY
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(file, rest) :]
                if moment is not None:
                    os.utime(file, (moment, moment))
                sync_file(file, path)
            finally:
                os.close(file)
            draft.rename(target)
            self._unsynced.add(target.parent)
        except OSError as error:
            raise StoreError(
                f"`{path}` of the log could not be written: {error.strerror}",
                hint="make room on the disk, or repair it",
            ) from error

    def sync(self) -> None:
        """Return when every name written so far would survive a loss of power.

        Raises:
            StoreError: The disk refused.
        """
        for folder in sorted(self._unsynced):
            sync_folder(folder)
        self._unsynced = set()

    def remove_partials(self, tile: TileId) -> None:
        """Remove the partial ones that a full tile, already published, has replaced.

        Raises:
            StoreError: The disk refused.
        """
        folder = self.folder / f"{tile.path}.p"
        try:
            if folder.exists():
                for file in folder.iterdir():
                    file.unlink()
                folder.rmdir()
        except OSError as error:
            raise StoreError(f"`{tile.path}.p` of the log could not be removed: {error.strerror}") from error


def sync_folder(folder: Path) -> None:
    """Return when the names in a folder would survive a loss of power.

    Raises:
        StoreError: The folder cannot be opened.
        UnsyncedError: The disk did not confirm it.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            sync_file(handle, str(folder))
        finally:
            os.close(handle)
    except OSError as error:
        raise StoreError(f"`{folder}` could not be synced: {error.strerror}") from error


def sync_file(handle: int, name: str, sync: Callable[[int], None] | None = None) -> None:
    """Return when an open file or folder would survive a loss of power.

    Args:
        sync: Does what `os.fsync` does.

    Raises:
        UnsyncedError: The disk did not confirm it; whoever asked must not ask again.
    """
    try:
        (sync or os.fsync)(handle)
    except OSError as error:
        raise UnsyncedError(
            f"`{name}` could not be synced: {error.strerror}",
            hint="see what the kernel says of the disk, run `doorward log verify`, then start again",
        ) from error


def cut_tile(raw: bytes, tile: TileId, width: int) -> bytes:
    """Return the first hashes or entries of a tile's bytes: the tile as it was when it had so many.

    Raises:
        MalformedError: The bytes are no such tile.
    """
    if width == tile.width:
        return raw
    if tile.level is None:
        return format_bundle(parse_bundle(raw, tile.width)[:width])
    return format_tile(parse_tile(raw, tile.width)[:width])
