"""One entry of the record, opened to everybody: it, its salt, and the proof that its leaf is in the log. Pure.

What is opened is this one entry: its salts are its own, so that nothing of another one is told. Whoever reads it needs
the public key of the log and no disclosures.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Final

from doorward.errors import MalformedError, VerificationError
from doorward.notes.note import Verifier
from doorward.record.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from doorward.record.entry import Entry, Field, block_root, commit_entry, decode_entry, pack_header
from doorward.record.hashes import hash_leaf
from doorward.record.openings import StoredBlock
from doorward.record.proof import parse_proof, verify_inclusion
from doorward.record.replay import leaf_of

VERSION: Final = "doorward opening v1"
_KEYS: Final = {"version", "entry", "block_salt", "proof"}


@dataclass(frozen=True, slots=True)
class Opened:
    """An entry that is in the log, and the checkpoint under which it is."""

    entry: Entry
    leaf_index: int
    checkpoint: Checkpoint


def format_opening(block: StoredBlock, proof: bytes) -> bytes:
    """Return the file that opens a block of one entry.

    Args:
        proof: Of its leaf, as `record.proof.format_proof` writes it.

    Raises:
        MalformedError: The block has more than one entry, and opening it would tell of others.
    """
    if len(block.entries) != 1:
        raise MalformedError(f"expected a block of one entry, got one of {len(block.entries)}")
    (stored,) = block.entries
    header = pack_header(
        stored.kind, stored.sequence, stored.time_us, stored.session, stored.request, salt=stored.salt
    )
    document = {
        "version": VERSION,
        "entry": _encode(header + stored.body),
        "block_salt": _encode(block.salt),
        "proof": proof.decode("utf-8"),
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def verify_opening(raw: bytes, log: Verifier) -> Opened:
    """Return the entry that a file opens.

    1. The checkpoint in it is signed by the log's key.
    2. The entry's commitment, computed again, and the block's salt give a leaf.
    3. The proof leads from that leaf to the checkpoint's root.

    Args:
        raw: Of anybody.

    Raises:
        MalformedError: It is no such file.
        VerificationError: One of these does not hold.
    """
    try:
        document = json.loads(raw)
        if set(document) != _KEYS or document["version"] != VERSION:
            raise MalformedError(f"expected a file `{VERSION}`")
        entry_raw, salt = _decode(document["entry"]), _decode(document["block_salt"])
        proof_raw = document["proof"].encode("utf-8")
    except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise MalformedError(f"expected a file `{VERSION}`") from error
    index, proof, signed = parse_proof(proof_raw)
    checkpoint = verify_checkpoint(parse_checkpoint(signed), log)  # 1
    entry = decode_entry(entry_raw)
    leaf = leaf_of(salt, block_root([commit_entry(entry)]))  # 2
    verify_inclusion(
        leaf_hash=hash_leaf(leaf), leaf_index=index, tree_size=checkpoint.tree_size,
        root=checkpoint.root, proof=proof,
    )  # 3  # fmt: skip
    return Opened(entry, index, checkpoint)


def need_digest(opened: Opened, act: bytes, digest: str) -> None:
    """Check that an opened entry is of an act and holds a digest.

    Raises:
        VerificationError: It is of another, or holds another one.
    """
    if opened.entry.get(Field.ACT) != act or opened.entry.get(Field.DIGEST) != digest.encode():
        raise VerificationError("the entry that is opened does not hold the digest of these totals")


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
