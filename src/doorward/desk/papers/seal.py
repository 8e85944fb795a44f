"""A sealed paper: its bytes in chunks, each of them authenticated with where it stands and whose it is. Pure.

A file::

    16 bytes  magic and version
    chunk 0 | chunk 1 | ... | last chunk      each AES-256-GCM, 65,536 bytes of the paper and a tag of 16

Nonce of a chunk: its number (11 bytes, big-endian) and 1 for the last, else 0: STREAM (Hoang, Reyhanitabar, Rogaway,
Vizar 2015), as age uses it. Associated data: magic, id of the paper, id of the matter, number, last. Each paper has a
key of its own, so no nonce comes twice under one key. The last chunk is never empty but for an empty paper.

- Cut short: what is last now does not say so. Longer, or in another order: its number differs.
- Another paper's file, or this one in another matter: the associated data differs.

The paper's key is wrapped by a key of the desk: `nonce (12) | AES-256-GCM(key)`, associated with both ids.
"""

import struct
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from doorward.errors import VerificationError

MAGIC: Final = b"doorward paper\x00\x01"
CHUNK_BYTES: Final = 65_536
TAG_BYTES: Final = 16
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
MAX_CHUNKS: Final = 1 << 20  # 64 GiB; the desk's own bounds are far below
_PLACE: Final = struct.Struct(">QB")
_WRAP: Final = b"doorward paper key\x00\x01"
_SEALED_BYTES: Final = CHUNK_BYTES + TAG_BYTES


@dataclass(frozen=True, slots=True)
class Binding:
    """What a file belongs to; it opens as nothing else."""

    paper: uuid.UUID
    matter: uuid.UUID


class Sealer:
    """Takes a paper piece by piece, and gives what is to be written.

    Args:
        key: 32 random bytes that nothing else is sealed with.
    """

    def __init__(self, key: bytes, binding: Binding) -> None:
        self._cipher = AESGCM(key)
        self._binding = binding
        self._rest = bytearray()
        self._number = 0
        self._head = MAGIC

    def feed(self, data: bytes) -> bytes:
        """Return what can be written after this piece; perhaps nothing yet."""
        self._rest += data
        made = [self._head]
        self._head = b""
        while len(self._rest) > CHUNK_BYTES:  # a whole chunk waits until it is known not to be the last
            made.append(self._chunk(bytes(self._rest[:CHUNK_BYTES]), last=False))
            del self._rest[:CHUNK_BYTES]
        return b"".join(made)

    def finish(self) -> bytes:
        """Return the end of the file; nothing is fed afterwards."""
        return self.feed(b"") + self._chunk(bytes(self._rest), last=True)

    def _chunk(self, data: bytes, *, last: bool) -> bytes:
        number, self._number = self._number, self._number + 1
        return self._cipher.encrypt(_nonce(number, last=last), data, _place(self._binding, number, last=last))


def open_chunks(read: Callable[[int], bytes], key: bytes, binding: Binding) -> Iterator[bytes]:
    """Yield a paper chunk by chunk, each one only after it was found to be what was sealed there.

    Args:
        read: Of the file from its begin; may return less than it is asked for, and nothing at the end. Untrusted.

    Raises:
        VerificationError: The file is none, is cut, longer, in another order, another paper's, or changed.
    """
    cipher = AESGCM(key)
    if _read_whole(read, len(MAGIC)) != MAGIC:
        raise VerificationError("this is no sealed paper of this version")
    here, number = _read_whole(read, _SEALED_BYTES), 0
    while True:
        after = _read_whole(read, _SEALED_BYTES) if len(here) == _SEALED_BYTES else b""
        last = not after
        try:
            data = cipher.decrypt(_nonce(number, last=last), here, _place(binding, number, last=last))
        except (InvalidTag, ValueError) as error:  # ValueError: shorter than a tag
            raise VerificationError(
                f"chunk {number} of a sealed paper is not what was sealed there"
            ) from error
        if (last and number and not data) or number >= MAX_CHUNKS:
            raise VerificationError("a sealed paper is longer than what was sealed")
        yield data
        if last:
            return
        here, number = after, number + 1


def sealed_bytes(size: int) -> int:
    """Return how long the file of a paper of so many bytes is."""
    chunks = max(1, -(-size // CHUNK_BYTES))
    return len(MAGIC) + size + chunks * TAG_BYTES


def wrap_key(key: bytes, binding: Binding, *, by: bytes, name: str, nonce: bytes) -> bytes:
    """Return a paper's key as it is kept.

    Args:
        by: The desk's key, 32 bytes.
        name: Of the desk's key.
        nonce: 12 random bytes.
    """
    return nonce + AESGCM(by).encrypt(nonce, key, _wrapping(binding, name))


def unwrap_key(wrapped: bytes, binding: Binding, *, by: bytes, name: str) -> bytes:
    """Return a paper's key.

    Raises:
        VerificationError: It was wrapped by another key, for another paper, or was changed.
    """
    try:
        return AESGCM(by).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _wrapping(binding, name))
    except (InvalidTag, ValueError) as error:
        raise VerificationError(
            "a paper's key is not what was kept of it", hint="was the desk's key file changed?"
        ) from error


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(NONCE_BYTES - 1, "big") + bytes((last,))


def _place(binding: Binding, number: int, *, last: bool) -> bytes:
    return MAGIC + binding.paper.bytes + binding.matter.bytes + _PLACE.pack(number, last)


def _wrapping(binding: Binding, name: str) -> bytes:
    return _WRAP + binding.paper.bytes + binding.matter.bytes + name.encode()


def _read_whole(read: Callable[[int], bytes], size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        piece = read(size - len(found))
        if not piece:
            break
        found += piece
    return bytes(found)
