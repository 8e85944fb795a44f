"""The proof file of a leaf, from the public files of a log and its newest checkpoint, a cosigned one first."""

from collections.abc import Sequence

from doorward.errors import VerificationError
from doorward.notes.note import Verifier
from doorward.record.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from doorward.record.hashes import Hash, hash_leaf
from doorward.record.log_files import CHECKPOINT, WITNESSED, LogFiles
from doorward.record.proof import format_proof, make_inclusion, verify_inclusion
from doorward.record.tiles import TILE_HEIGHT, TILE_WIDTH, TileId, parse_tile, read_node


def prove_leaf(files: LogFiles, verifier: Verifier, leaf_index: int, leaf: bytes) -> bytes:
    """Return the tlog-proof file of a leaf; it was checked against the checkpoint.

    Where witnesses cosigned a checkpoint that covers the leaf, the proof is to that one, with their signatures.

    Args:
        verifier: The key that the checkpoint must be signed with.
        leaf: What must stand at that place.

    Raises:
        VerificationError: The leaf is not in the log yet, another one is there, or the log is another key's.
        MalformedError: A file of the log is none.
        StoreError: A file cannot be read.
    """
    raw, checkpoint = _find_checkpoint(files, verifier, leaf_index)

    def read_tile(level: int, index: int) -> Sequence[Hash]:
        width = min(TILE_WIDTH, (checkpoint.tree_size >> TILE_HEIGHT * level) - index * TILE_WIDTH)
        tile = TileId(level, index, width)
        found = files.read_tile(tile)
        if found is None:
            raise VerificationError(f"`{tile.path}` of the log is missing", hint="put it back from a copy")
        return parse_tile(found, width)

    proof = make_inclusion(
        lambda level, index: read_node(read_tile, level, index), leaf_index, checkpoint.tree_size
    )
    verify_inclusion(
        leaf_hash=hash_leaf(leaf), leaf_index=leaf_index, tree_size=checkpoint.tree_size, root=checkpoint.root,
        proof=proof,
    )  # fmt: skip
    return format_proof(leaf_index=leaf_index, proof=proof, signed_checkpoint=raw)


def _find_checkpoint(files: LogFiles, verifier: Verifier, leaf_index: int) -> tuple[bytes, Checkpoint]:
    size = None
    for name in (WITNESSED, CHECKPOINT):
        raw = files.read(name)
        if raw is not None:
            checkpoint = verify_checkpoint(parse_checkpoint(raw), verifier)
            if leaf_index < checkpoint.tree_size:
                return raw, checkpoint
            size = checkpoint.tree_size
    if size is None:
        raise VerificationError(f"the log `{files.folder}` has no checkpoint")
    raise VerificationError(
        f"leaf {leaf_index} is not in the log yet: it has {size}",
        hint="the publisher signs, and a copy is released, on a schedule; try again after it",
    )
