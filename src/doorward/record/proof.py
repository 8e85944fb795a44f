"""Inclusion and consistency proofs of RFC 6962 trees: making them from nodes, and checking them.

Checking returns nothing and raises where a proof does not hold, so that no result can be ignored. A proof has
exactly the hashes that the tree's shape asks for; one too many is as wrong as one too few.

Making takes a function that reads whole nodes, by level and index; `tiles` says where those are stored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from doorward.errors import MalformedError, VerificationError
from doorward.notes.base64 import format_base64, parse_base64
from doorward.notes.note import MAX_NOTE_BYTES
from doorward.record.hashes import EMPTY_ROOT, HASH_BYTES, Hash, format_hash, hash_node, parse_hash

MAX_PROOF_HASHES: Final = 63  # sizes are below 2**63
PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_PROOF_FILE_BYTES: Final = (
    2 * MAX_NOTE_BYTES
)  # a checkpoint with all its signatures, and as much of `extra`

_INDEX: Final = "index "
_EXTRA: Final = "extra "

ReadNode = Callable[[int, int], Hash]
"""Returns the hash of the whole node at a level and an index."""


def hash_range(read: ReadNode, start: int, end: int) -> Hash:
    """Return the root over leaves `start` to `end - 1`, where `start` is where a subtree of a tree may begin.

    Args:
        read: Reads whole nodes; asked for at most one node a level.

    Source: RFC 6962 section 2.1.
    """
    size = end - start
    if size == 0:
        return EMPTY_ROOT
    # The whole subtrees of a range have the sizes of its bits, the largest first.
    peaks = []
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            peaks.append(read(level, start >> level))
            start += 1 << level
    node = peaks.pop()
    while peaks:
        node = hash_node(peaks.pop(), node)
    return node


def make_inclusion(read: ReadNode, leaf_index: int, tree_size: int) -> list[Hash]:
    """Return the proof that a leaf is in a tree: sibling hashes from the leaf to the root.

    Raises:
        VerificationError: There is no such leaf.

    Source: RFC 6962 section 2.1.1.
    """
    if not 0 <= leaf_index < tree_size:
        raise VerificationError(f"there is no leaf {leaf_index} in a tree of {tree_size}")
    proof = []
    start, end = 0, tree_size
    while end - start > 1:
        middle = start + _split(end - start)
        if leaf_index < middle:
            proof.append(hash_range(read, middle, end))
            end = middle
        else:
            proof.append(hash_range(read, start, middle))
            start = middle
    proof.reverse()
    return proof


def make_consistency(read: ReadNode, old_size: int, new_size: int) -> list[Hash]:
    """Return the proof that a tree was only appended to.

    Raises:
        VerificationError: The old tree is empty, which nothing can be inconsistent with, or larger.

    Source: RFC 6962 section 2.1.2.
    """
    if not 0 < old_size <= new_size:
        raise VerificationError(f"a tree of {new_size} cannot be shown to extend one of {old_size}")
    proof = []
    start, end, cut = 0, new_size, old_size
    is_old_root = True  # the subtree that is left over is the whole old tree, whose root is known
    while cut != end:
        middle = start + _split(end - start)
        if cut <= middle:
            proof.append(hash_range(read, middle, end))
            end = middle
        else:
            proof.append(hash_range(read, start, middle))
            start = middle
            is_old_root = False
    if not is_old_root:
        proof.append(hash_range(read, start, end))
    proof.reverse()
    return proof


def verify_inclusion(
    *, leaf_hash: Hash, leaf_index: int, tree_size: int, root: Hash, proof: Sequence[Hash]
) -> None:
    """Check that a leaf is in the tree with a root.

    Args:
        leaf_hash: From `hashes.hash_leaf`.
        leaf_index: Position from 0.
        tree_size: From a verified checkpoint, as the root is.
        proof: Sibling hashes from the leaf to the root.

    Raises:
        VerificationError: The proof has the wrong length or leads to another root.

    Source: RFC 6962 section 2.1.1; RFC 9162 section 2.1.3.2.
    """
    if not 0 <= leaf_index < tree_size:
        raise VerificationError(f"there is no leaf {leaf_index} in a tree of {tree_size}")
    inner, border = _path_shape(leaf_index, tree_size)
    _check_hashes([leaf_hash, *proof])
    _check_length(proof, inner + border)
    node = _climb(leaf_hash, proof[:inner], leaf_index)
    node = _climb_border(node, proof[inner:])
    _check_root(node, root, tree_size)


def verify_consistency(
    *, old_size: int, new_size: int, old_root: Hash, new_root: Hash, proof: Sequence[Hash]
) -> None:
    """Check that the tree with the new root holds the tree with the old root as its beginning.

    Args:
        old_size: At least 1; about an empty tree there is nothing to prove.

    Raises:
        VerificationError: The proof has the wrong length or leads to other roots.

    Source: RFC 6962 section 2.1.2; RFC 9162 section 2.1.4.2.
    """
    if not 0 < old_size <= new_size:
        raise VerificationError(f"a tree of {new_size} cannot be shown to extend one of {old_size}")
    if old_size == new_size:
        _check_length(proof, 0)
        _check_root(new_root, old_root, old_size)
        return
    _check_hashes(proof)
    inner, border = _path_shape(old_size - 1, new_size)
    # The path begins at the largest whole subtree that ends where the old tree ends.
    level = (old_size & -old_size).bit_length() - 1
    inner -= level
    if old_size == 1 << level:  # that subtree is the old tree, so its root is not repeated
        seed, rest = old_root, proof
        _check_length(proof, inner + border)
    else:
        _check_length(proof, 1 + inner + border)
        seed, rest = proof[0], proof[1:]
    index = (old_size - 1) >> level
    old = _climb_right(seed, rest[:inner], index)
    _check_root(_climb_border(old, rest[inner:]), old_root, old_size)
    new = _climb(seed, rest[:inner], index)
    _check_root(_climb_border(new, rest[inner:]), new_root, new_size)


@dataclass(frozen=True, slots=True)
class ProofFile:
    """What stands in a `.tlog-proof` file; nothing of it is verified.

    Args:
        extra: Bytes that the application put there, or None; no signature covers them.
    """

    leaf_index: int
    proof: tuple[Hash, ...]
    signed_checkpoint: bytes
    extra: bytes | None = None


def format_proof(
    *, leaf_index: int, proof: Sequence[Hash], signed_checkpoint: bytes, extra: bytes | None = None
) -> bytes:
    """Return an inclusion proof as a file that stands alone, with the checkpoint it leads to.

    Source: C2SP tlog-proof.
    """
    above = [] if extra is None else [f"{_EXTRA}{format_base64(extra)}"]
    lines = [PROOF_HEADER, *above, f"{_INDEX}{leaf_index}", *map(format_hash, proof)]
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + signed_checkpoint


def parse_proof_file(raw: bytes) -> ProofFile:
    """Return what a proof file says; nothing of it is verified.

    Raises:
        MalformedError: It is no such file, or larger than one may be.

    Source: C2SP tlog-proof.
    """
    if len(raw) > MAX_PROOF_FILE_BYTES:
        raise MalformedError(f"a proof file has at most {MAX_PROOF_FILE_BYTES} bytes, got {len(raw)}")
    head, separator, signed_checkpoint = raw.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise MalformedError("a proof file has only ASCII before its checkpoint") from error
    if not separator or lines.pop(0) != PROOF_HEADER:
        raise MalformedError(f"expected a file that begins with `{PROOF_HEADER}`")
    extra = None
    if lines and lines[0].startswith(_EXTRA):
        extra = parse_base64(lines.pop(0).removeprefix(_EXTRA))
    number = lines.pop(0) if lines else ""
    digits = number.removeprefix(_INDEX)
    if len(digits) > 19 or not (digits.isdecimal() and str(int(digits)) == digits and digits != number):
        raise MalformedError("expected `index` and a number on the line below the header")
    if len(lines) > MAX_PROOF_HASHES:
        raise MalformedError(f"a proof has at most {MAX_PROOF_HASHES} hashes")
    return ProofFile(int(digits), tuple(map(parse_hash, lines)), signed_checkpoint, extra)


def parse_proof(raw: bytes) -> tuple[int, list[Hash], bytes]:
    """Return a proof file's leaf index, hashes and signed checkpoint; nothing of it is verified.

    Raises:
        MalformedError: It is no such file, or has an `extra` line, which files of this log never have.
    """
    file = parse_proof_file(raw)
    if file.extra is not None:
        raise MalformedError("a proof file of this log has no `extra` line")
    return file.leaf_index, list(file.proof), file.signed_checkpoint


def _split(size: int) -> int:
    """Return the largest power of two below a size."""
    return 1 << ((size - 1).bit_length() - 1)


def _path_shape(leaf_index: int, tree_size: int) -> tuple[int, int]:
    """Return the number of siblings up to where the path meets the tree's right edge, and above it."""
    inner = (leaf_index ^ (tree_size - 1)).bit_length()
    return inner, (leaf_index >> inner).bit_count()


def _climb(node: Hash, siblings: Sequence[Hash], index: int) -> Hash:
    for level, sibling in enumerate(siblings):
        node = hash_node(sibling, node) if index >> level & 1 else hash_node(node, sibling)
    return node


def _climb_right(node: Hash, siblings: Sequence[Hash], index: int) -> Hash:
    """Climb with the left siblings only: the right ones did not exist in the old tree."""
    for level, sibling in enumerate(siblings):
        if index >> level & 1:
            node = hash_node(sibling, node)
    return node


def _climb_border(node: Hash, siblings: Sequence[Hash]) -> Hash:
    for sibling in siblings:
        node = hash_node(sibling, node)
    return node


def _check_hashes(values: Sequence[Hash]) -> None:
    if any(len(value) != HASH_BYTES for value in values):
        raise VerificationError(f"a proof is made of hashes of {HASH_BYTES} bytes")


def _check_length(proof: Sequence[Hash], expected: int) -> None:
    if len(proof) != expected:
        raise VerificationError(f"expected a proof of {expected} hashes, got {len(proof)}")


def _check_root(got: Hash, expected: Hash, size: int) -> None:
    if got != expected:
        raise VerificationError(
            f"expected root {format_hash(expected)} at size {size}, got {format_hash(got)}"
        )
