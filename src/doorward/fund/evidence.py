"""What a key signed, held against what the record has of it. Pure."""

from base64 import b64decode
from collections.abc import Sequence

from doorward.errors import LogError
from doorward.notes.note import Verifier
from doorward.record.entry import Entry, Field


def has_false_signature(signed: bytes, by: str, entry: Entry | None, keys: Sequence[Verifier]) -> bool:
    """Return whether a signature that an entry has is false; one of a key that is not on file says nothing.

    Args:
        signed: The text that was signed (`entries.Proof`).
        by: The login that is said to have signed it.
        keys: Those on file, named by office and login.
    """
    said = None if entry is None else entry.get(Field.EVIDENCE)
    if said is None:
        return False
    try:
        raw = b64decode(said, validate=True)
        for key in keys:
            office, _, login = key.name.partition("/")
            if key.id == raw[:4] and login == by and office:
                key.verify(signed, raw[4:])
    except (ValueError, LogError):
        return True
    return False
