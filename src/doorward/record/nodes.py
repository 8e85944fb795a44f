"""The nodes of a log's tree, read from its tiles: what proofs are made of."""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Protocol

from doorward.errors import VerificationError
from doorward.record.hashes import Hash
from doorward.record.proof import ReadNode
from doorward.record.tiles import TILE_HEIGHT, TILE_WIDTH, TileId, parse_tile, read_node

_KEPT_TILES = 64  # a proof reads at most two a level


class ReadsTiles(Protocol):
    """A log's files, wherever they are; `LogFiles` is one."""

    def read_tile(self, tile: TileId) -> bytes | None:
        """Return a tile's bytes, or None where there is no such file; a partial one may be cut from the full one."""


def node_reader(files: ReadsTiles, tree_size: int) -> ReadNode:
    """Return a reader of the whole nodes of a tree of a size.

    Args:
        tree_size: From a checkpoint whose tiles are there. What is read is checked by whoever uses the proof.

    Raises:
        VerificationError: When a tile is missing.
        MalformedError: When one is none.
        StoreError: When one cannot be read.
    """

    @lru_cache(maxsize=_KEPT_TILES)
    def read_tile(level: int, index: int) -> Sequence[Hash]:
        width = min(TILE_WIDTH, (tree_size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH)
        if width < 1:
            raise VerificationError(f"a tree of {tree_size} has no tile {index} of level {level}")
        tile = TileId(level, index, width)
        raw = files.read_tile(tile)
        if raw is None:
            raise VerificationError(f"`{tile.path}` of the log is missing")
        return parse_tile(raw, width)

    return partial(read_node, read_tile)
