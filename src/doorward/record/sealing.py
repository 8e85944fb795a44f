"""Rows of disclosures sealed under keys that can be destroyed: what is erased is gone, and every proof stays. Pure.

A row's salt and fields are sealed; its number, kind, time, session, request and commitment are not. So without the key
the row says that something was recorded and when, and its commitment still opens the leaf. A salt is sealed with the
fields: with it in hand, short fields could be tried out against the commitment.

The unit of a key is what is erased together: a session; else a matter; else the month in which the entry was made.

    salt = 16 zero bytes
    body = 0xff | 16 bytes unit | AES-256-GCM-SIV(salt | fields)      0xff is no field's number

The nonce is the entry's number, so that the same entry gives the same bytes again: a pass of the publisher that was
killed may be repeated. GCM-SIV, so that two contents under one number would show no more than that they differ. The
row's other columns are authenticated with it.

Source: RFC 8452.
"""

from collections.abc import Callable, Container
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from doorward.errors import VerificationError
from doorward.record.entry import NO_SESSION, SALT_BYTES, Field, decode_fields, pack_header
from doorward.record.openings import StoredEntry

UNIT_BYTES: Final = 16
KEY_BYTES: Final = 32
MARK: Final = b"\xff"
NO_SALT: Final = bytes(SALT_BYTES)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HEAD: Final = len(MARK) + UNIT_BYTES
_LEAST: Final = _HEAD + SALT_BYTES + 16  # the tag

Choose = Callable[[bytes, str], tuple[bytes, bytes]]
"""Returns the unit and the key under which something of a unit and a month is sealed."""
LookUp = Callable[[bytes], bytes | None]
"""Returns the key of a unit, or None where it was destroyed or lost."""


def month_of(entry: StoredEntry) -> str:
    """Return the month of an entry in UTC, such as ``2026-11``."""
    return f"{_EPOCH + timedelta(microseconds=entry.time_us):%Y-%m}"


def month_unit(month: str) -> bytes:
    """Return the unit of what belongs to no session and no matter."""
    return sha256(f"doorward month {month}".encode()).digest()[:UNIT_BYTES]


def unit_of(entry: StoredEntry) -> bytes:
    """Return the unit of an entry that is not sealed: its session, its matter, or its month.

    Raises:
        MalformedError: The row holds no entry.
    """
    if entry.session != NO_SESSION:
        return entry.session
    matter = dict(decode_fields(entry.body)).get(Field.MATTER, b"")
    try:
        unit = bytes.fromhex(matter.decode("ascii"))
    except ValueError:
        unit = b""
    return unit if len(unit) == UNIT_BYTES else month_unit(month_of(entry))


def sealed_unit(entry: StoredEntry) -> bytes | None:
    """Return the unit under whose key a row is sealed, or None where it has not the form of a sealed one."""
    is_sealed = entry.body[: len(MARK)] == MARK and len(entry.body) >= _LEAST and entry.salt == NO_SALT
    return entry.body[len(MARK) : _HEAD] if is_sealed else None


def may_be_sealed_under(entry: StoredEntry, unit: bytes, erased: Container[bytes]) -> bool:
    """Return whether an erased unit can be the one of a sealed row; where its session was erased before, of its month.

    Of an entry without a session this is not known: its matter is sealed with it.
    """
    if entry.session == NO_SESSION:
        return unit in erased
    candidate, number = entry.session, 0
    while candidate in erased and candidate != unit:
        try:
            month = month_of(entry)
        except OverflowError:  # a time of no calendar, which nobody recorded
            return False
        candidate, number = month_unit(f"{month} {number}" if number else month), number + 1
    return candidate in erased


def seal_row(entry: StoredEntry, choose: Choose) -> StoredEntry:
    """Return a row sealed; one that is sealed already is returned as it is.

    Raises:
        MalformedError: The row holds no entry.
    """
    if sealed_unit(entry) is not None:
        return entry
    unit, key = choose(unit_of(entry), month_of(entry))
    sealed = AESGCMSIV(key).encrypt(_nonce(entry), entry.salt + entry.body, _beside(entry))
    return replace(entry, salt=NO_SALT, body=MARK + unit + sealed)


def open_row(entry: StoredEntry, look_up: LookUp) -> StoredEntry | None:
    """Return a row as it was before it was sealed, or None where its key is gone.

    Raises:
        VerificationError: It was changed, or the key is another.
    """
    unit = sealed_unit(entry)
    if unit is None:
        return entry
    key = look_up(unit)
    if key is None:
        return None
    try:
        plain = AESGCMSIV(key).decrypt(_nonce(entry), entry.body[_HEAD:], _beside(entry))
    except InvalidTag as error:
        raise VerificationError(f"the sealed row of entry {entry.sequence} was changed") from error
    return replace(entry, salt=plain[:SALT_BYTES], body=plain[SALT_BYTES:])


def _nonce(entry: StoredEntry) -> bytes:
    return b"row " + entry.sequence.to_bytes(8, "big")


def _beside(entry: StoredEntry) -> bytes:
    head = pack_header(entry.kind, entry.sequence, entry.time_us, entry.session, entry.request, salt=NO_SALT)
    return head + entry.leaf_index.to_bytes(8, "big") + entry.commitment
