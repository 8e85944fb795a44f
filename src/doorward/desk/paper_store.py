"""Files of papers: written sealed, never in the clear; read only after the whole was found to be what was sealed.

A paper goes through three places: a draft (`run/papers`), its own name (`papers/<id>`), a row with its key. A crash
leaves a draft, or a file without a row, whose key is nowhere: it opens for nobody. Nothing is unpacked.
"""

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from doorward.desk.paper_keys import sync_folder
from doorward.desk.papers.kinds import Found, Look
from doorward.desk.papers.seal import KEY_BYTES, Binding, Sealer, open_chunks
from doorward.errors import StoreError, VerificationError

SUFFIX: Final = ".paper"
DRAFT: Final = ".draft"
GRACE: Final = timedelta(hours=1)  # a file that somebody is adding right now has no row yet


class Digest(Protocol):
    """What `hashlib` gives."""

    def update(self, data: bytes, /) -> None:
        """Take more."""
        ...

    def hexdigest(self) -> str:
        """Return it."""
        ...


@dataclass(frozen=True, slots=True)
class PaperFolder:
    """Where the files of a desk are.

    Args:
        papers: The sealed files.
        drafts: What is being written; on the same file system.
    """

    papers: Path
    drafts: Path

    @classmethod
    def of(cls, data: Path) -> "PaperFolder":
        """Return that of a data folder."""
        return cls(data / "papers", data / "run" / "papers")

    def make(self) -> None:
        """Make the folders, for the desk's user alone.

        Raises:
            StoreError: They cannot be made.
        """
        try:
            for folder in (self.papers, self.drafts):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _no_room("the folder of papers cannot be made", error) from error

    def file(self, paper: uuid.UUID) -> Path:
        """Return where a paper's file is."""
        return self.papers / f"{paper.hex}{SUFFIX}"


@dataclass
class Draft:
    """A paper that is coming in: sealed as it comes, and nothing until it is kept.

    Args:
        write: Does what `os.write` does.
    """

    folder: PaperFolder
    binding: Binding
    key: bytes = field(default_factory=lambda: os.urandom(KEY_BYTES), repr=False)
    write: Callable[[int, bytes], int] = os.write
    size: int = 0
    look: Look = field(default_factory=Look)
    _digest: Digest = field(default_factory=sha256)
    _handle: int = -1

    @property
    def path(self) -> Path:
        """Where it is until it is kept."""
        return self.folder.drafts / f"{self.binding.paper.hex}{DRAFT}"

    @property
    def sha256(self) -> str:
        """Of the paper as it came, hexadecimal."""
        return self._digest.hexdigest()

    def begin(self) -> None:
        """Make its file.

        Raises:
            StoreError: It cannot be made; nothing is kept.
        """
        self.folder.make()
        self._sealer = Sealer(self.key, self.binding)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._handle = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise _no_room("the paper cannot be kept", error) from error

    def feed(self, data: bytes) -> None:
        """Take the next piece.

        Raises:
            StoreError: The disk refused; nothing is kept.
        """
        self.size += len(data)
        self._digest.update(data)
        self.look.feed(data)
        self._write(self._sealer.feed(data))

    def keep(self) -> Found:
        """Return what the paper is; its file is on the disk, whole and under its name.

        Raises:
            MalformedError: It is nothing that the desk keeps; the draft is gone.
            StoreError: The disk refused; nothing is kept.
        """
        try:
            found = self.look.finish()
            self._write(self._sealer.finish())
            os.fsync(self._handle)
            self._close()
            self.path.rename(self.folder.file(self.binding.paper))
            sync_folder(self.folder.papers)
        except OSError as error:
            self.drop()
            raise _no_room("the paper cannot be kept", error) from error
        finally:
            if self._handle != -1:
                self.drop()
        return found

    def drop(self) -> None:
        """Remove what there is of it; a second call does nothing."""
        self._close()
        self.path.unlink(missing_ok=True)
        self.folder.file(self.binding.paper).unlink(missing_ok=True)

    def let_go(self) -> None:
        """Remove the draft, where it was not kept; what was kept stays."""
        self._close()
        self.path.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self.write(self._handle, bytes(rest)) :]
        except OSError as error:
            self.drop()
            raise _no_room("the paper cannot be kept", error) from error

    def _close(self) -> None:
        handle, self._handle = self._handle, -1
        if handle != -1:
            os.close(handle)


@dataclass
class OpenPaper:
    """A paper that was looked through and is whole; its chunks are given out once."""

    size: int
    _handle: int
    _key: bytes = field(repr=False)
    _binding: Binding

    def read(self, size: int) -> bytes:
        """Return the next bytes of the sealed file."""
        return os.read(self._handle, size)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the paper; the file is closed at the end, or when the reader goes away.

        Raises:
            VerificationError: The file was changed meanwhile.
        """
        try:
            os.lseek(self._handle, 0, os.SEEK_SET)
            yield from open_chunks(self.read, self._key, self._binding)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""
        handle, self._handle = self._handle, -1
        if handle != -1:
            os.close(handle)


def open_paper(folder: PaperFolder, binding: Binding, key: bytes, *, size: int, digest: str) -> OpenPaper:
    """Return a paper whose whole file was read once and is what its row says.

    Args:
        digest: SHA-256 of the paper, as the record has it.

    Raises:
        StoreError: There is no file.
        VerificationError: It is not what was sealed, or not what the row says.
    """
    try:
        handle = os.open(folder.file(binding.paper), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise StoreError(
            f"the file of a paper is not there: {error.strerror}",
            hint="call the security officer; nothing was read",
        ) from error
    found = OpenPaper(size, handle, key, binding)
    try:
        _look_through(found, key, binding, size=size, digest=digest)
    except BaseException:
        found.close()
        raise
    return found


def _look_through(paper: OpenPaper, key: bytes, binding: Binding, *, size: int, digest: str) -> None:
    seen, length = sha256(), 0
    for chunk in open_chunks(paper.read, key, binding):
        seen.update(chunk)
        length += len(chunk)
    if length != size or seen.hexdigest() != digest:
        raise VerificationError("the file of a paper is not the one that was recorded")


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found.

    Args:
        drafts: Left behind by a crash, and removed.
        erased: Files of papers whose key is gone, and removed.
        strays: Files without a row; removed only where that was asked for.
        missing: Papers with a key and without a file.
    """

    drafts: int
    erased: int
    strays: tuple[uuid.UUID, ...]
    missing: tuple[uuid.UUID, ...]


def sweep(
    folder: PaperFolder,
    rows: Callable[[], Mapping[uuid.UUID, bool]],
    *,
    now: datetime,
    grace: timedelta = GRACE,
    remove_strays: bool = False,
) -> Swept:
    """Remove what a crash left behind, and return what was found.

    Args:
        rows: Gives the papers that have a row, and whether each has its key; asked after the folder was listed, so
            that what came meanwhile is known.
        grace: Files younger than this are left: somebody may be adding them.
        remove_strays: A file without a row has no key and opens for nobody; but an older copy of the database has no
            row for it either, and the newer one has. So a person says so.

    Raises:
        StoreError: The folder cannot be read or written.
    """
    try:
        drafts = _old(folder.drafts, DRAFT, now - grace)
        listed = _old(folder.papers, SUFFIX, now - grace)
        known = rows()
        named = {paper.hex: has_key for paper, has_key in known.items()}
        erased = [file for file in listed if named.get(file.stem) is False]
        strays = [file for file in listed if file.stem not in named]
        for file in (*drafts, *erased, *(strays if remove_strays else ())):
            file.unlink(missing_ok=True)
        missing = tuple(
            paper for paper, has_key in known.items() if has_key and not folder.file(paper).exists()
        )
    except OSError as error:
        raise StoreError(f"the folder of papers cannot be swept: {error.strerror}") from error
    return Swept(len(drafts), len(erased), tuple(_id_of(file) for file in strays), missing)


def _id_of(file: Path) -> uuid.UUID:
    try:
        return uuid.UUID(file.stem)
    except ValueError:
        return uuid.UUID(int=0)  # a name that this desk never gave


def _old(folder: Path, suffix: str, until: datetime) -> list[Path]:
    if not folder.is_dir():
        return []
    return [
        file
        for file in sorted(folder.iterdir())
        if file.suffix == suffix and datetime.fromtimestamp(file.stat().st_mtime, UTC) <= until
    ]


def _no_room(what: str, error: OSError) -> StoreError:
    why = (error.strerror or "no reason given").lower()
    return StoreError(f"{what}: {why}; nothing was kept", hint="the security officer makes room on the disk")
