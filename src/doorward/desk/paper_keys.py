"""The desk's keys for papers: one file outside of the database, which only the desk's user reads.

One key a line, the first is the one in use; the others open what has not been wrapped again yet. A lost file loses
every paper. A key that is taken out makes every copy of what it wrapped worthless: so an erasure reaches old copies.
"""

import os
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from doorward.desk.papers.seal import KEY_BYTES
from doorward.errors import ConfigError, StoreError

_LINE: Final = "doorward-paper-key"
_NAME_BYTES: Final = 4
_MAX_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class DeskKey:
    """One key, and what it is called in the rows that it wrapped."""

    name: str
    key: bytes = field(repr=False)

    @classmethod
    def make(cls, random: Callable[[int], bytes] = os.urandom) -> "DeskKey":
        """Return a new key."""
        return cls(random(_NAME_BYTES).hex(), random(KEY_BYTES))


def load_keys(path: Path) -> tuple[DeskKey, ...]:
    """Return the keys of a file, the one in use first.

    Raises:
        ConfigError: There is no such file, it is readable for others, or it holds no keys; never what stands in it.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise ConfigError(
                    f"the key `{path}` is open to other users", hint="chmod 600, and ask who read it"
                )
            raw = file.read(_MAX_BYTES)
    except OSError as error:
        raise ConfigError(f"the key of papers `{path}` cannot be read: {error.strerror}") from error
    found = []
    for line in raw.decode("ascii", errors="replace").splitlines():
        word, _, rest = line.partition(" ")
        name, _, text = rest.partition(" ")
        try:
            key = b64decode(text, validate=True)
        except (Error, ValueError):
            key = b""
        if word != _LINE or not name or len(key) != KEY_BYTES:
            raise ConfigError(f"the key of papers `{path}` is none that this version reads")
        found.append(DeskKey(name, key))
    if not found:
        raise ConfigError(f"the key of papers `{path}` is empty")
    return tuple(found)


def make_keys(path: Path) -> None:
    """Make a first key, unless the file is there already.

    Raises:
        StoreError: It cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save_keys(draft, [DeskKey.make()])
        os.link(draft, path)
        sync_folder(path.parent)
    except FileExistsError:
        return
    except OSError as error:
        raise StoreError(f"the key of papers `{path}` cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)  # a secret under another name is one too many


def save_keys(path: Path, keys: Sequence[DeskKey]) -> None:
    """Write the keys; the file is there whole, old or new.

    Raises:
        StoreError: It cannot be written; the old file is as it was.
    """
    draft = path.with_name(f".{path.name}.new")
    text = "".join(f"{_LINE} {one.name} {b64encode(one.key).decode()}\n" for one in keys)
    try:
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as sink:
            sink.write(text)
            sink.flush()
            os.fsync(sink.fileno())
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"the key of papers `{path}` cannot be written: {error.strerror}") from error


def sync_folder(folder: Path) -> None:
    """Bring the names of a folder to the disk.

    Raises:
        OSError: The disk refused.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
