"""Where cuts are kept: one file of the data folder, written whole by rename, and the keys of the officers beside it."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError, LogError, MalformedError, StoreError
from doorward.grants.cuts import Cut, decode_cuts, encode_cuts
from doorward.notes.note import Verifier, parse_verifier_key

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_OFFICERS: Final = 100


def load_officers(file: Path) -> list[Verifier]:
    """Return the keys of those who may cut widely, one a line; nobody where there is no file.

    Raises:
        ConfigError: A line is no key.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        keys = [parse_verifier_key(line) for line in lines if line.strip() and not line.startswith("#")]
    except (OSError, UnicodeDecodeError, MalformedError) as error:
        raise ConfigError(f"`{file.name}` must hold the officers' public keys, one a line") from error
    if len(keys) > MAX_OFFICERS:
        raise ConfigError(f"`{file.name}` names more than {MAX_OFFICERS} officers")
    return keys


def load_cuts(file: Path, officers: Sequence[Verifier]) -> list[Cut]:
    """Return the cuts that are kept; none where there is no file.

    Raises:
        ConfigError: The file is not what it must be: then nobody is let in.
    """
    try:
        text = file.read_bytes() if file.exists() else b"[]"
        rows = json.loads(text) if len(text) <= MAX_FILE_BYTES else None
        return decode_cuts(rows, officers)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"`{file.name}` cannot be read as cuts") from error
    except LogError as error:
        raise ConfigError(f"`{file.name}`: {error}") from error


def change_cuts(
    file: Path, officers: Sequence[Verifier], change: Callable[[list[Cut]], Sequence[Cut]]
) -> list[Cut]:
    """Return the cuts after a change, which is on disk when this returns.

    Raises:
        ConfigError: The file is not what it must be.
        StoreError: It cannot be written.
    """
    with _alone(file):
        cuts = list(change(load_cuts(file, officers)))
        partial = file.with_suffix(".partial")
        try:
            handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as sink:
                json.dump(encode_cuts(cuts), sink, indent=1)
                sink.flush()
                os.fsync(sink.fileno())
            partial.replace(file)
        except OSError as error:
            raise StoreError(f"the cuts cannot be written: {error.strerror}") from error
    return cuts


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    handle = os.open(file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
