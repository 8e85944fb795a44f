"""Where cuts are kept: one file of the data folder, written whole by rename, and the keys of the officers beside it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError, LogError, MalformedError
from doorward.grants.cuts import Cut, decode_cuts, encode_cuts
from doorward.grants.whole_file import alone, read_whole, write_whole
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
    rows = read_whole(file, max_bytes=MAX_FILE_BYTES, absent=[])
    try:
        return decode_cuts(rows, officers)
    except LogError as error:
        raise ConfigError(f"`{file.name}` holds no cuts: {error}") from error


def change_cuts(
    file: Path, officers: Sequence[Verifier], change: Callable[[list[Cut]], Sequence[Cut]]
) -> list[Cut]:
    """Return the cuts after a change, which is on disk when this returns.

    Raises:
        ConfigError: The file is not what it must be.
        StoreError: It cannot be written.
    """
    with alone(file):
        cuts = list(change(load_cuts(file, officers)))
        write_whole(file, encode_cuts(cuts))
    return cuts
