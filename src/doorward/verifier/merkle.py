"""RFC 6962 trees for somebody who only checks: hashes, roots, and the two kinds of proof; pure.

Nothing here is shared with what writes the record (ADR 81): a mistake in the writer's hashing is not repeated here, and
both are held to the same public vectors.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
MAX_SIZE: Final = 2**63 - 1
EMPTY_ROOT: Final = sha256(b"").digest()

ReadNode = Callable[[int, int], bytes]
"""Returns the hash over the leaves `index << level` to `(index + 1) << level`, which nobody has to believe."""


def hash_entries(entries: Sequence[bytes]) -> list[bytes]:
    """Return the hashes of leaves, RFC 6962 section 2.1."""
    digest = sha256
    return [digest(b"\x00" + entry).digest() for entry in entries]


def hash_pair(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node, RFC 6962 section 2.1."""
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over hashes of one level; an odd last one goes up as it is.

    Source: RFC 6962 section 2.1; splitting at the largest power of two is pairing from the left.
    """
    row, digest = list(hashes), sha256
    while len(row) > 1:
        odd = row[-1:] if len(row) % 2 else []
        row = [
            digest(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)
        ]
        row += odd
    return row[0] if row else EMPTY_ROOT


def leads_to(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return True where a leaf's hash and its proof come to the root of a tree of that size.

    Args:
        proof: Of anybody; siblings from the leaf to the root.

    Source: RFC 9162 section 2.1.3.2, step by step.
    """
    if not 0 <= index < size <= MAX_SIZE or any(len(value) != HASH_BYTES for value in (leaf, *proof)):
        return False
    at, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at % 2 or at == last:
            node = hash_pair(sibling, node)
            while at and at % 2 == 0:
                at, last = at >> 1, last >> 1
        else:
            node = hash_pair(node, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and node == root


def extends(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Return True where a proof shows that the old tree is the beginning of the new one.

    Args:
        proof: Of anybody.

    Source: RFC 9162 section 2.1.4.2, step by step.
    """
    if not 0 < old_size <= size <= MAX_SIZE or any(len(value) != HASH_BYTES for value in proof):
        return False
    if old_size == size:
        return not proof and old_root == root
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    at, last = old_size - 1, size - 1
    while at % 2:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at % 2 or at == last:
            old, new = hash_pair(sibling, old), hash_pair(sibling, new)
            while at and at % 2 == 0:
                at, last = at >> 1, last >> 1
        else:
            new = hash_pair(new, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old == old_root and new == root


def root_of(read: ReadNode, start: int, end: int) -> bytes:
    """Return the hash over leaves `start` to `end - 1`, where `start` is where a subtree may begin.

    Source: RFC 6962 section 2.1.
    """
    peaks = []
    for level in reversed(range((end - start).bit_length())):
        if (end - start) >> level & 1:
            peaks.append(read(level, start >> level))
            start += 1 << level
    node = peaks.pop() if peaks else EMPTY_ROOT
    for peak in reversed(peaks):
        node = hash_pair(peak, node)
    return node


def make_extension(read: ReadNode, old_size: int, size: int) -> list[bytes]:
    """Return the proof that `extends` takes.

    Args:
        old_size: At least 1, at most `size`.

    Source: RFC 9162 section 2.1.4.1: SUBPROOF, from the root down.
    """
    start, end, proof = 0, size, []
    while old_size != end:
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        if old_size <= middle:
            proof.append(root_of(read, middle, end))
            end = middle
        else:
            proof.append(root_of(read, start, middle))
            start = middle
    if start:
        proof.append(root_of(read, start, end))
    return proof[::-1]
