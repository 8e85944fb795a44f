"""Signing keys in files: one file a key, which only its owner reads."""

import os
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError, MalformedError, StoreError
from doorward.notes.note import Signer, format_signer, parse_signer

SEED_BYTES: Final = 32
_MAX_KEY_FILE_BYTES: Final = 4096


def write_key(path: Path, signer: Signer) -> None:
    """Write a signing key to a file that must not exist yet; it is there whole or not at all.

    Raises:
        ConfigError: The file exists.
        StoreError: The file cannot be written.
    """
    write_secret(path, format_signer(signer))


def write_secret(path: Path, line: str) -> None:
    """Write a key's line to a file that must not exist yet; it is there whole or not at all.

    Raises:
        ConfigError: The file exists.
        StoreError: The file cannot be written.
    """
    # The draft is whole before it gets the name, so that a crash leaves a key or none.
    draft = path.with_name(path.name + ".new")
    try:
        draft.unlink(missing_ok=True)
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as sink:
            sink.write(line + "\n")
            sink.flush()
            os.fsync(sink.fileno())
        os.link(draft, path)
    except FileExistsError as error:
        raise ConfigError(
            f"there is a key at `{path}` already", hint="a key is kept; a new one gets a file of its own"
        ) from error
    except OSError as error:
        raise StoreError(f"the key `{path}` cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)  # a secret under another name is one too many


def load_key(path: Path) -> Signer:
    """Return the signer that a file holds.

    Raises:
        ConfigError: There is no such file, it is readable for others, or it holds no key.
    """
    try:
        return parse_signer(load_secret(path))
    except MalformedError as error:
        raise ConfigError(f"the key `{path}` is none that this version reads") from error


def load_secret(path: Path) -> str:
    """Return the line of a file that only its owner reads; nothing of it is checked.

    Raises:
        ConfigError: There is no such file, it is readable for others, or it holds no text.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise ConfigError(
                    f"the key `{path}` is open to other users", hint="chmod 600, and ask who read it"
                )
            raw = file.read(_MAX_KEY_FILE_BYTES)
    except OSError as error:
        raise ConfigError(f"the key `{path}` cannot be read: {error.strerror}") from error
    try:
        return raw.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise ConfigError(f"the key `{path}` is none that this version reads") from error
