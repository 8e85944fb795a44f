"""The one hash function of the record, and the hashes of RFC 6962's tree.

Everything in the record is SHA-256. What is hashed, and in what order, is decided by the callers; this module
only keeps leaves and nodes apart, so that no node can be passed off as a leaf.
"""

from hashlib import sha256
from typing import Final, TypeAlias

from doorward.errors import MalformedError
from doorward.notes.base64 import format_base64, parse_base64

Hash: TypeAlias = bytes
"""32 bytes."""

HASH_BYTES: Final = 32
EMPTY_ROOT: Final[Hash] = sha256(b"").digest()
"""The root of a tree without leaves."""

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def hash_leaf(entry: bytes) -> Hash:
    """Return the hash of a leaf.

    Source: RFC 6962 section 2.1.
    """
    return sha256(_LEAF + entry).digest()


def hash_node(left: Hash, right: Hash) -> Hash:
    """Return the hash of a node over its two children.

    Source: RFC 6962 section 2.1.
    """
    return sha256(_NODE + left + right).digest()


def format_hash(value: Hash) -> str:
    """Return a hash in standard base64, as checkpoints and proofs write it."""
    return format_base64(value)


def parse_hash(text: str) -> Hash:
    """Return the hash that a line of base64 stands for.

    Raises:
        MalformedError: It is no canonical base64 of 32 bytes.
    """
    value = parse_base64(text)
    if len(value) != HASH_BYTES:
        raise MalformedError(f"expected a hash of {HASH_BYTES} bytes, got {len(value)}")
    return value
