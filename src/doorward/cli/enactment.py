"""The statement by which an order is in force at one installation: read, verified, and kept under the order's eyes.

It lies in the data folder as `statement.note`, the law department's public keys beside it as `law.keys`. With
`production = true` nobody is let in without it; where it lies there it must hold in any case. A worker reads it again
every few seconds, so that an order ends when its statement does.
"""

from datetime import datetime
from pathlib import Path
from typing import Final

from doorward.cli.folders import Folders
from doorward.errors import ConfigError, LogError
from doorward.grants.cut_files import load_officers
from doorward.notes.note import MAX_NOTE_BYTES, parse_note
from doorward.orders.pack import Pack
from doorward.orders.statement import Statement, Verified, parse_statement, verify_statement

NEVER_STATED: Final = "no statement: a trial, nobody has put this order into force"
_ENACT: Final = "two people of the law department sign it: `doorward order sign`, then `doorward order enact`"


def read_note(file: Path) -> bytes:
    """Return the bytes of a note; raises ConfigError where it cannot be read."""
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_NOTE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read `{file}`: {error.strerror}") from error


def load_statement(folders: Folders, pack: Pack, *, now: datetime, needed: bool) -> Verified | None:
    """Return the statement that puts an order into force here, or None where none lies here and none is needed.

    Args:
        needed: Whether the order may stand at the door only with one.

    Raises:
        ConfigError: It is missing and needed, or it does not hold now.
    """
    if not folders.statement.exists():
        if needed:
            raise ConfigError(f"no statement has put the order `{pack.name}` into force here", hint=_ENACT)
        return None
    raw = read_note(folders.statement)
    try:
        return verify_statement(raw, load_officers(folders.law), digest=pack.digest, now=now)
    except LogError as error:
        raise ConfigError(f"`{folders.statement.name}` does not hold: {error}", hint=_ENACT) from error


def enact(folders: Folders, pack: Pack, raw: bytes, *, now: datetime) -> Verified:
    """Put a statement into the data folder, in place of the one before, and return it.

    Args:
        raw: The note; nobody is trusted.
        now: Aware. A statement that begins later is refused: it would end what is in force now.

    Raises:
        ConfigError: It is no statement, too few keys of the law department signed it, it is about another pack, is
            over or not yet in force, or does not follow the one before.
    """
    before = _parsed(folders.statement) if folders.statement.exists() else None
    try:
        found = verify_statement(raw, load_officers(folders.law), digest=pack.digest, now=now, last=before)
    except LogError as error:
        raise ConfigError(f"the statement does not hold: {error}", hint=error.hint or _ENACT) from error
    partial = folders.statement.with_suffix(".partial")
    partial.write_bytes(raw)
    partial.replace(folders.statement)
    return found


def describe(found: Verified | None) -> str:
    """Return one line for a screen: which statement, from when, until when, by whose signatures."""
    if found is None:
        return NEVER_STATED
    stated = found.statement
    until = f"until {stated.until:%Y-%m-%d %H:%M} UTC" if stated.until else "without an end"
    return (
        f"number {stated.number}, in force from {stated.effective:%Y-%m-%d %H:%M} UTC {until}, "
        f"signed by {', '.join(found.signers)}"
    )


def _parsed(file: Path) -> Statement:
    try:
        return parse_statement(parse_note(read_note(file)).text)
    except LogError as error:
        raise ConfigError(
            f"`{file.name}` is no statement: {error}", hint="move it away, and say why"
        ) from error
