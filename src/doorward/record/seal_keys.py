"""The folder of keys under which disclosures are sealed: a file a month, in no backup of the disclosures.

    <32 hex digits of the unit> <base64: 48 bytes>        the unit's key, wrapped under the master key
    <32 hex digits of the unit> erased <certificate>      it was destroyed

A key is on the disk before anything is sealed under it (`sync`). Destroying a key writes the month's file anew without
it, and its bytes may stay on the medium where it lay: the wrapping makes them worth nothing to whoever lacks the master
key, which lies in another folder.

Whoever makes or destroys keys takes a turn (flock), and reads the folder anew where somebody else wrote to it.
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from doorward.errors import ConfigError, MalformedError, StoreError, UnsyncedError, VerificationError
from doorward.notes.base64 import format_base64, parse_base64
from doorward.notes.key_files import write_secret
from doorward.record.log_files import sync_file, sync_folder
from doorward.record.sealing import KEY_BYTES, month_unit

ERASED: Final = "erased"
_LOCK: Final = "lock"
_MONTH: Final = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_LINE: Final = re.compile(
    r"([0-9a-f]{32}) (?:erased ([0-9A-Za-z][0-9A-Za-z ./:-]{2,39})|([0-9A-Za-z+/]{64}))"
)
_WRAP: Final = b"doorward-key"  # a nonce of 12 bytes; each unit has a random key of its own


def make_master(file: Path, random: Callable[[int], bytes] = os.urandom) -> bytes:
    """Return the master key of a file that must not exist yet; it is on the disk, or there is none.

    Raises:
        ConfigError: It exists, or cannot be written.
        UnsyncedError: The disk did not confirm it.
    """
    key = random(KEY_BYTES)
    try:
        write_secret(file, key.hex())
    except (ConfigError, StoreError) as error:
        raise ConfigError(f"the key `{file}` cannot be made: {error}") from error
    sync_folder(file.parent)
    return key


def read_master(file: Path) -> bytes:
    """Return the master key of a file.

    Raises:
        ConfigError: It cannot be read, is open to others, or is none.
    """
    try:
        if file.stat().st_mode & 0o077:
            raise ConfigError(
                f"the key `{file}` is open to other users", hint="chmod 600, and ask who read it"
            )
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise ConfigError(f"the key `{file}` cannot be read") from error
    if len(key) != KEY_BYTES:
        raise ConfigError(f"the key `{file}` has another length than a key")
    return key


class SealKeys:
    """The keys of all months; made by `open`.

    Attributes:
        erased: The certificate under which each unit was erased.
    """

    def __init__(self, folder: Path, master: bytes) -> None:
        self.folder = folder
        self.erased: dict[bytes, str] = {}
        self._wrapper = AESGCMSIV(master)
        self._keys: dict[bytes, bytes] = {}
        self._months: dict[bytes, str] = {}
        self._fresh: dict[str, list[str]] = {}
        self._seen: tuple[tuple[str, int, int, int], ...] | None = None  # None: read anew

    @classmethod
    def open(cls, folder: Path, master: bytes) -> Self:
        """Return the keys of a folder.

        Raises:
            StoreError: The folder cannot be read.
            MalformedError: A file is none.
            VerificationError: A key was wrapped under another master key.
        """
        keys = cls(folder, master)
        keys.load()
        return keys

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Let nobody else make or destroy keys meanwhile; what others did before is known then.

        Raises:
            StoreError: The folder cannot be read or locked.
            UnsyncedError: The disk did not confirm what others did.
        """
        try:
            lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"the keys `{self.folder}` cannot be locked: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # What was read outside of a turn may have been cut since, and nobody knows that it reached the disk.
            if self._seen is None or self._seen != self._look():
                self.load()
                self._settle()
            self._seen = None  # a key that was made and not written is forgotten where the turn fails
            yield
            self._seen = self._look()
        finally:
            self._fresh = {}
            os.close(lock)

    def _look(self) -> tuple[tuple[str, int, int, int], ...]:
        found = [(file.name, file.stat()) for file in sorted(self.folder.glob("*.keys"))]
        return tuple((name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in found)

    def _settle(self) -> None:
        """Return when what was read is on the disk: whoever wrote it may have been killed before it was."""
        try:
            for file in self._files():
                handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    sync_file(handle, file.name)
                finally:
                    os.close(handle)
        except OSError as error:
            raise StoreError(f"the keys `{self.folder}` cannot be read: {error.strerror}") from error
        sync_folder(self.folder)

    def load(self) -> None:
        """Read every file anew."""
        self.erased, self._keys, self._months = {}, {}, {}
        try:
            files = [(file, file.read_text(encoding="ascii", errors="replace")) for file in self._files()]
        except OSError as error:
            raise StoreError(f"the keys `{self.folder}` cannot be read: {error.strerror}") from error
        for file, raw in files:
            # What a crash cut short was never sealed under: `sync` had not returned.
            for number, line in enumerate(raw[: raw.rfind("\n") + 1].splitlines(), 1):
                self._take(file.stem, line, f"{file.name}:{number}")

    def _files(self) -> list[Path]:
        if not self.folder.is_dir():
            raise StoreError(
                f"the keys of the disclosures are not at `{self.folder}`", hint="put their own copy back"
            )
        files = sorted(self.folder.glob("*.keys"))
        for file in files:
            if not _MONTH.fullmatch(file.stem):
                raise MalformedError(f"`{file.name}` is no month's file of keys")
        return files

    def _take(self, month: str, line: str, place: str) -> None:
        found = _LINE.fullmatch(line)
        if found is None:
            raise MalformedError(f"{place}: expected a unit with its key, or that it was erased")
        unit = bytes.fromhex(found[1])
        self._months[unit] = month
        if found[2]:
            self._keys.pop(unit, None)
            self.erased[unit] = found[2]
            return
        try:
            self._keys[unit] = self._wrapper.decrypt(_WRAP, parse_base64(found[3]), unit)
        except InvalidTag as error:
            raise VerificationError(f"{place}: the key was wrapped under another master key") from error

    def look_up(self, unit: bytes) -> bytes | None:
        """Return a unit's key, or None where it has none, or none any more."""
        return self._keys.get(unit)

    def choose(self, unit: bytes, month: str) -> tuple[bytes, bytes]:
        """Return under which unit's key something is sealed: its own, or where that was erased, one of its month.

        A key that is made here is on the disk after `sync`, which comes before anything sealed under it is kept.
        """
        number = 0
        while unit in self.erased:
            unit, number = month_unit(f"{month} {number}" if number else month), number + 1
        key = self._keys.get(unit)
        if key is None:
            key = os.urandom(KEY_BYTES)
            wrapped = format_base64(self._wrapper.encrypt(_WRAP, key, unit))
            self._fresh.setdefault(month, []).append(f"{unit.hex()} {wrapped}\n")
            self._keys[unit], self._months[unit] = key, month
        return unit, key

    def sync(self) -> None:
        """Return when every key that was made is on the disk.

        Raises:
            StoreError: The disk refused; none of a month that it refused stays.
            UnsyncedError: It did not confirm them.
        """
        for month, lines in sorted(self._fresh.items()):
            file = self.folder / f"{month}.keys"
            try:
                is_new = not file.exists()
                handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
                try:
                    _append(handle, "".join(lines).encode(), file.name)
                finally:
                    os.close(handle)
            except OSError as error:
                raise StoreError(
                    f"the keys of the disclosures cannot be written: {error.strerror}"
                ) from error
            if is_new:
                sync_folder(self.folder)
        self._fresh = {}

    def units_of(self, month: str) -> frozenset[bytes]:
        """Return the units whose keys stand in a month's file and are not erased."""
        return frozenset(unit for unit in self._keys if self._months[unit] == month)

    def erase(self, units: Iterable[bytes], certificate: str) -> int:
        """Return how many keys were destroyed, in a turn; their units say under which certificate. Twice is once.

        Raises:
            StoreError: The disk refused; run it again.
            UnsyncedError: It did not confirm it.
        """
        gone = {unit for unit in units if unit in self._keys}
        for month in sorted({self._months[unit] for unit in gone}):
            self._rewrite(month, {unit: certificate for unit in gone if self._months[unit] == month})
        for unit in gone:
            del self._keys[unit]
            self.erased[unit] = certificate
        return len(gone)

    def _rewrite(self, month: str, gone: Mapping[bytes, str]) -> None:
        file = self.folder / f"{month}.keys"
        draft = file.with_suffix(".new")
        try:
            lines = []
            for line in file.read_text(encoding="ascii").splitlines():
                certificate = gone.get(bytes.fromhex(line[:32]))
                lines.append(line if certificate is None else f"{line[:32]} {ERASED} {certificate}")
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as sink:
                sink.write("".join(f"{line}\n" for line in lines))
                sink.flush()
                sync_file(sink.fileno(), draft.name)
            draft.rename(file)
        except OSError as error:
            raise StoreError(f"the keys of {month} cannot be destroyed: {error.strerror}") from error
        sync_folder(self.folder)


def _append(handle: int, raw: bytes, name: str) -> None:
    """Put whole lines behind the whole lines of a file; where the disk refuses, none of them stays."""
    size = os.fstat(handle).st_size
    whole = size
    if (
        size and os.pread(handle, 1, size - 1) != b"\n"
    ):  # torn by a crash; nothing was sealed under what it cut
        whole = os.pread(handle, size, 0).rfind(b"\n") + 1
    try:
        os.ftruncate(handle, whole)
        while raw:
            raw = raw[os.write(handle, raw) :]
        sync_file(handle, name)
    except (OSError, UnsyncedError):
        with suppress(OSError):  # what it was is said already
            os.ftruncate(handle, whole)
        raise
