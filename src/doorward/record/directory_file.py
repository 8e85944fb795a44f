"""The directory of a city's logs as a file: read whole, replaced in one step, by one process at a time."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from doorward.errors import ConfigError, StoreError
from doorward.notes.note import MAX_NOTE_BYTES
from doorward.record.log_files import sync_file, sync_folder


def read_note(file: Path) -> bytes | None:
    """Return a note's bytes, unchecked, or None where there is no such file.

    Raises:
        StoreError: It cannot be read, or is larger than a note.
    """
    try:
        # A pipe is no directory, and opening one would wait for ever.
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as source:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise StoreError(f"`{file}` is no regular file")
            raw = source.read(MAX_NOTE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"`{file}` cannot be read: {error.strerror}") from error
    if len(raw) > MAX_NOTE_BYTES:
        raise StoreError(f"`{file}` has more than {MAX_NOTE_BYTES} bytes")
    return raw


def replace_file(file: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file in one step and return when it would survive a loss of power; a reader sees the old or the new.

    Raises:
        StoreError: The disk refused; the old one is there.
    """
    draft = file.with_name(f"{file.name}.new")
    try:
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as sink:
            sink.write(data)
            sink.flush()
            sync_file(handle, file.name)
        draft.replace(file)
    except OSError as error:
        raise StoreError(f"`{file}` cannot be written: {error.strerror}") from error
    sync_folder(file.parent)


@contextmanager
def hold_file(file: Path) -> Iterator[None]:
    """Hold a directory's folder for one command at a time: of two, one would take back what the other wrote.

    Raises:
        ConfigError: Another command holds it, or there is no such folder.
    """
    try:
        held = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"`{file.parent}` cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ConfigError(f"another command writes to `{file.parent}`", hint="wait for its end") from error
    finally:
        os.close(held)
