"""The log's signing key: made once, kept in one file that only its owner reads.

The key's name is the log's origin and is for ever, like the log itself. A lost key means a new log; a leaked one
lets its holder sign in the log's name.
"""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from doorward.notes.key_files import SEED_BYTES, write_key
from doorward.notes.note import Signer

ORIGIN_PREFIX: Final = "doorward.example/"


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
    seed = random(SEED_BYTES)
    if origin is None:
        public_key = Signer.make("unnamed", seed).verifier.public_key
        origin = ORIGIN_PREFIX + sha256(public_key).hexdigest()[:8]
    signer = Signer.make(origin, seed)
    write_key(path, signer)
    return signer
