"""The root that draws a sample: of the public log up to the leaf that holds the report's entry, and with that leaf.

Once the leaf is in the log, that root is one number and nobody chooses it: not who draws, by waiting for another
checkpoint, nor who filed, since the leaf has a salt that they do not know (ADR 71).
"""

from collections.abc import Sequence
from pathlib import Path

from doorward.errors import ConfigError, VerificationError
from doorward.notes.note import Verifier, parse_verifier_key
from doorward.record.checkpoint import parse_checkpoint, verify_checkpoint
from doorward.record.hashes import Hash
from doorward.record.log_files import CHECKPOINT, VERIFIER_KEY, LogFiles
from doorward.record.proof import hash_range, make_consistency, verify_consistency
from doorward.record.tiles import TILE_HEIGHT, TILE_WIDTH, TileId, parse_tile, read_node


def read_verifier(log: Path, key: str | None) -> Verifier:
    """Return the key of the installation's log: whoever draws could sign a log of their own by another.

    Args:
        log: The folder of the installation's log, not of a copy that somebody names.
        key: What somebody said that it is; None says nothing.

    Raises:
        ConfigError: The folder has none.
        VerificationError: It has another than was said.
        MalformedError: It is none.
    """
    raw = LogFiles(log).read(VERIFIER_KEY)
    if raw is None:
        raise ConfigError("the installation's log has no verifier key", hint="publish the log first")
    verifier = parse_verifier_key(raw.decode("utf-8", "replace").strip())
    if key is not None and parse_verifier_key(key.strip()) != verifier:
        raise VerificationError(
            "another key was given than that of the installation's log", hint="leave it out"
        )
    return verifier


def read_root(log: Path, verifier: Verifier, leaf: int) -> Hash:
    """Return the root of the tree whose last leaf is this one, proven to be what the signed log began with.

    Args:
        log: A folder of the log, or a public copy; untrusted.
        verifier: The log's key.
        leaf: Its index.

    Raises:
        VerificationError: The log does not hold the leaf yet, is not signed by the key, or its tiles do not fit.
        MalformedError: A file of it is none.
        StoreError: It cannot be read.
    """
    files = LogFiles(log)
    raw = files.read(CHECKPOINT)
    if raw is None:
        raise VerificationError("the log has no checkpoint")
    checkpoint = verify_checkpoint(parse_checkpoint(raw), verifier)
    size, wanted = checkpoint.tree_size, leaf + 1
    if not 0 < wanted <= size:
        raise VerificationError(f"the log has {size} leaves and not yet leaf {leaf}", hint="publish it first")

    def read_tile(level: int, index: int) -> Sequence[Hash]:
        width = min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH)
        held = files.read_tile(TileId(level, index, width))
        if held is None:
            raise VerificationError("a tile of the log is missing", hint="put it back from a copy")
        return parse_tile(held, width)

    def read(level: int, index: int) -> Hash:
        return read_node(read_tile, level, index)

    root = hash_range(read, 0, wanted)
    verify_consistency(
        old_size=wanted,
        old_root=root,
        new_size=size,
        new_root=checkpoint.root,
        proof=make_consistency(read, wanted, size),
    )
    return root
