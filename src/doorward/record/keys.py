"""The log's signing key: made once, kept in one file that only its owner reads.

The key's name is the log's origin and is for ever, like the log itself. A lost key means a new log; a leaked one
lets its holder sign in the log's name.
"""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError, MalformedError, StoreError
from doorward.record.note import Signer, format_signer, parse_signer

ORIGIN_PREFIX: Final = "doorward.example/"
_SEED_BYTES: Final = 32
_MAX_KEY_FILE_BYTES: Final = 4096


def make_log_key(
    path: Path, *, origin: str | None = None, random: Callable[[int], bytes] = os.urandom
) -> Signer:
    """Return a new signer, written to a file that must not exist yet.

    Args:
        origin: The log's name; without one, `doorward.example/` and eight digits of the key's own hash.

    Raises:
        ConfigError: The file exists.
        MalformedError: The origin cannot be a key's name.
        StoreError: The file cannot be written.
    """
    seed = random(_SEED_BYTES)
    if origin is None:
        public_key = Signer.make("unnamed", seed).verifier.public_key
        origin = ORIGIN_PREFIX + sha256(public_key).hexdigest()[:8]
    signer = Signer.make(origin, seed)
    try:
        # The draft is whole before it gets the name, so that a crash leaves a key or none.
        draft = path.with_name(path.name + ".new")
        draft.unlink(missing_ok=True)
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as sink:
            sink.write(format_signer(signer) + "\n")
            sink.flush()
            os.fsync(sink.fileno())
        os.link(draft, path)
        draft.unlink()
    except FileExistsError as error:
        raise ConfigError(
            f"there is a key at `{path}` already", hint="a log keeps its key; a new key is a new log"
        ) from error
    except OSError as error:
        raise StoreError(f"the key `{path}` cannot be written: {error.strerror}") from error
    return signer


def load_log_key(path: Path) -> Signer:
    """Return the signer that a file holds.

    Raises:
        ConfigError: There is no such file, it is readable for others, or it holds no key.
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
        return parse_signer(raw.decode("utf-8").strip())
    except (MalformedError, UnicodeDecodeError) as error:
        raise ConfigError(f"the key `{path}` is none that this version reads") from error
