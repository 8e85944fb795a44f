"""Checkpoints: the signed statement of a log's size and root.

`UnverifiedCheckpoint` is what stands in a file; `Checkpoint` is what a known key signed. Only `verify_checkpoint`
makes the second from the first. Our own checkpoints have no extension lines, and one with any is refused: cosignatures
of the newer kind do not cover them. Others' are read with theirs, which are never looked at.

Source: C2SP tlog-checkpoint.
"""

from dataclasses import dataclass
from typing import Final

from doorward.errors import MalformedError, VerificationError
from doorward.notes.note import Signer, UnverifiedNote, Verifier, parse_note, sign_note, verify_note
from doorward.record.hashes import EMPTY_ROOT, Hash, format_hash, parse_hash

MAX_TREE_SIZE: Final = 2**63 - 1  # readers in other languages have signed numbers


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The size and root that the named log's key signed."""

    origin: str
    tree_size: int
    root: Hash


@dataclass(frozen=True, slots=True)
class UnverifiedCheckpoint:
    """A checkpoint's claims and the note they stand in."""

    origin: str
    tree_size: int
    root: Hash
    note: UnverifiedNote
    extensions: tuple[str, ...] = ()


def format_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """Return a signed checkpoint.

    Raises:
        MalformedError: The origin is not the signer's name.
    """
    if checkpoint.origin != signer.name:
        raise MalformedError(f"`{signer.name}` does not sign for the log `{checkpoint.origin}`")
    text = f"{checkpoint.origin}\n{checkpoint.tree_size}\n{format_hash(checkpoint.root)}\n"
    return sign_note(text.encode(), signer)


def parse_checkpoint(raw: bytes, *, with_extensions: bool = False) -> UnverifiedCheckpoint:
    """Return what a checkpoint claims; nothing of it is verified.

    Args:
        with_extensions: Whether one of another log is read, which may have lines below its root.

    Raises:
        MalformedError: It is no checkpoint, or has extension lines where none may be.
    """
    note = parse_note(raw)
    lines = note.text.decode().removesuffix("\n").split("\n")
    if len(lines) < 3 or (len(lines) > 3 and not with_extensions):
        raise MalformedError(f"a checkpoint has an origin, a size and a root, got {len(lines)} lines")
    if not all(lines[3:]):
        raise MalformedError("an extension line of a checkpoint is not empty")
    origin, size, root = lines[:3]
    if not origin:
        raise MalformedError("a checkpoint names its log")
    if len(size) > 19 or not (size.isascii() and size.isdecimal()) or str(int(size)) != size:
        raise MalformedError("a checkpoint's size is a decimal number without leading zeros")
    if int(size) > MAX_TREE_SIZE:
        raise MalformedError(f"a checkpoint's size is at most {MAX_TREE_SIZE}")
    return UnverifiedCheckpoint(origin, int(size), parse_hash(root), note, tuple(lines[3:]))


def verify_checkpoint(unverified: UnverifiedCheckpoint, verifier: Verifier) -> Checkpoint:
    """Return the checkpoint that a log's own key signed.

    1. The origin is the key's name.
    2. The key signed the text.
    3. An empty tree has the empty root.

    Raises:
        VerificationError: One of these does not hold.
    """
    if unverified.origin != verifier.name:  # 1
        raise VerificationError(
            f"expected a checkpoint of `{verifier.name}`, got one of `{unverified.origin}`"
        )
    verify_note(unverified.note, [verifier])  # 2
    if unverified.tree_size == 0 and unverified.root != EMPTY_ROOT:  # 3
        raise VerificationError("expected the empty root at size 0, got another")
    return Checkpoint(unverified.origin, unverified.tree_size, unverified.root)
