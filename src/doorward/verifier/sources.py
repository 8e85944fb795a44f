"""Where a verifier reads a log from: a folder or a tar of it. Whatever lies there is hostile.

Nothing is read beyond the size that such a file may have; links, pipes and devices are not opened; a tar is not
unpacked, its members are found by name and read in place.
"""

import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from doorward.errors import ConfigError, MalformedError, StoreError

MAX_TAR_MEMBERS: Final = 2_000_000  # two files each 256 leaves: some 250 million leaves


class Source(Protocol):
    """A log's files, by their paths below its address."""

    @property
    def can_list(self) -> bool:
        """True where the source knows every file that it has."""

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """Return a file's bytes, or None where there is no such file.

        Raises:
            StoreError: It cannot be read, so nobody can tell.
            MalformedError: It is no file, or larger than such a file may be.
        """

    def paths(self) -> Iterator[str]:
        """Yield the paths of all files below `tile/`; nothing where the source cannot list.

        Raises:
            StoreError: It cannot be listed.
        """

    def close(self) -> None:
        """Let go of what is held open."""


class FolderSource:
    """A folder, such as a copy of the log."""

    can_list = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prefix = f"{folder}/"

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """As `Source.read`; a link or a pipe is no file of a log."""
        try:
            file = os.open(self._prefix + path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if (self._folder / path).is_symlink():
                raise MalformedError("it is a link, and a log has none") from error
            raise StoreError(f"`{path}` cannot be read: {error.strerror}") from error
        try:
            return _read_regular(file, path, max_bytes)
        except OSError as error:
            raise StoreError(f"`{path}` cannot be read: {error.strerror}") from error
        finally:
            os.close(file)

    def paths(self) -> Iterator[str]:
        """As `Source.paths`."""

        def refuse(error: OSError) -> None:
            raise StoreError(f"the log cannot be listed: {error.strerror}") from error

        top = self._folder / "tile"
        if not top.exists():
            return
        for at, folders, files in os.walk(top, onerror=refuse):
            folders.sort()
            links = [name for name in folders if (Path(at) / name).is_symlink()]  # not walked into
            for name in sorted([*files, *links]):
                yield os.fsencode((Path(at) / name).relative_to(self._folder)).decode("utf-8", "replace")

    def close(self) -> None:
        """Nothing is held."""


def _read_regular(file: int, path: str, max_bytes: int) -> bytes:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise MalformedError("it is no regular file")
    if status.st_size > max_bytes:
        raise MalformedError(f"`{path}` has more than {max_bytes} bytes")
    raw = os.read(file, status.st_size)
    while len(raw) < status.st_size and (more := os.read(file, status.st_size - len(raw))):
        raw += more
    return raw


class TarSource:
    """An uncompressed tar of a log.

    Raises:
        ConfigError: It is no tar, or a compressed one.
        MalformedError: It has a member that a log's tar cannot have.
        StoreError: It cannot be read.
    """

    can_list = True

    def __init__(self, file: Path) -> None:
        self._places: dict[str, tuple[int, int]] = {}
        try:
            self._index(file)
            self._file = file.open("rb")
        except OSError as error:
            raise StoreError(f"the tar cannot be read: {error.strerror}") from error
        # What `tarfile` raises besides: for a header whose number is none, and for headers chained without end.
        except (tarfile.TarError, EOFError, ValueError, RecursionError) as error:
            raise ConfigError(
                f"`{file.name}` is no uncompressed tar that can be read to its end",
                hint="a compressed one is unpacked first; an uncompressed one may be cut short",
            ) from error

    def _index(self, file: Path) -> None:
        with tarfile.open(file, "r:") as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # else it keeps each header in memory
                name = member.name.removeprefix("./")
                if member.isdir():
                    continue
                if not member.isreg() or member.issparse():
                    raise MalformedError(f"the tar has a link or a device: `{name!a}`")
                if name.startswith("/") or ".." in name.split("/"):
                    raise MalformedError(f"the tar has a member outside of its folder: `{name!a}`")
                if name in self._places:
                    raise MalformedError(f"the tar has two members of one name: `{name!a}`")
                if len(self._places) >= MAX_TAR_MEMBERS:
                    raise MalformedError(f"the tar has more than {MAX_TAR_MEMBERS} members")
                self._places[name] = (member.offset_data, member.size)

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """As `Source.read`."""
        place = self._places.get(path)
        if place is None:
            return None
        if place[1] > max_bytes:
            raise MalformedError(f"`{path}` has more than {max_bytes} bytes")
        try:
            self._file.seek(place[0])
            raw = self._file.read(place[1])
        except OSError as error:
            raise StoreError(f"`{path}` cannot be read: {error.strerror}") from error
        if len(raw) != place[1]:
            raise MalformedError(f"`{path}` is cut short")
        return raw

    def paths(self) -> Iterator[str]:
        """As `Source.paths`."""
        return (name for name in sorted(self._places) if name.startswith("tile/"))

    def close(self) -> None:
        """Close the tar."""
        self._file.close()
