"""Small files that several processes change: alone under a lock, written whole, on disk before the old one goes."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from doorward.errors import ConfigError, StoreError


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Hold a file for one change at a time, in this process and in every other.

    Raises:
        StoreError: The lock beside it cannot be made.
    """
    try:
        handle = os.open(file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"`{file.name}` cannot be locked: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write_whole(file: Path, value: Any) -> None:  # noqa: ANN401  # what json takes
    """Write a value as JSON, readable by its owner only, by rename.

    Raises:
        StoreError: It cannot be written; the file is as it was.
    """
    partial = file.with_suffix(".partial")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as sink:
            os.fchmod(sink.fileno(), 0o600)
            sink.write(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
            sink.flush()
            os.fsync(sink.fileno())
        partial.replace(file)
    except OSError as error:
        raise StoreError(f"`{file.name}` cannot be written: {error.strerror}") from error


def read_whole(file: Path, *, max_bytes: int, absent: Any) -> Any:  # noqa: ANN401  # JSON is checked by whoever reads
    """Return the value of a file, or `absent` where there is none.

    Raises:
        ConfigError: It is too large, no JSON, or cannot be read.
    """
    try:
        if not file.exists():
            return absent
        if file.stat().st_size > max_bytes:
            raise ConfigError(f"`{file.name}` is larger than {max_bytes} bytes")
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"`{file.name}` cannot be read as JSON") from error
