"""A log's tiles as its signed root has them, whatever the files say: what is copied, and what older roots are made of.

INVARIANT (from-the-root): nothing is returned but what hashes, tile by tile, up to the root. The partial tiles are the
right edge, whose hashes together come to the root; a full tile comes to the hash that stands for it in the one above.
So a tile of another history below an honest one gives no root at any size, and is copied to nobody.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from doorward.errors import VerificationError
from doorward.record.edge import RightEdge
from doorward.record.hashes import Hash, hash_leaf
from doorward.record.log_files import LogFiles, cut_tile
from doorward.record.proof import hash_range
from doorward.record.tiles import TILE_HEIGHT, TILE_WIDTH, TileId, parse_bundle, parse_tile, read_node
from doorward.record.tree import root_of

_KEPT_TILES: Final = 64
_LOOK: Final = "stop, keep a copy of the whole folder, and run `doorward log verify`"


class SignedTiles:
    """The tiles, bundles and earlier roots of a log at one size.

    Args:
        files: Believed in nothing.
        size: Of a checkpoint that was verified.
        root: That checkpoint's.

    Raises:
        VerificationError: The partial tiles do not come to the root, or one is missing.
        MalformedError: One is none.
        StoreError: One cannot be read.
    """

    def __init__(self, files: LogFiles, size: int, root: Hash) -> None:
        self._files = files
        self._size = size
        self._edge = [self._read_edge(level) for level in range(-(-size.bit_length() // TILE_HEIGHT))]
        if RightEdge(size, self._edge).root() != root:
            raise VerificationError("the tiles of the log do not come to its checkpoint", hint=_LOOK)
        self._full = lru_cache(maxsize=_KEPT_TILES)(self._read_full)

    def root(self, size: int) -> Hash:
        """Return the root of the log's first leaves; at most the size of the log.

        Raises:
            As for `read`.

        Source: RFC 6962 section 2.1.
        """
        return hash_range(self._node, 0, size)

    def read(self, tile: TileId) -> bytes:
        """Return a tile or bundle of the log at its size or at a smaller one.

        Raises:
            VerificationError: It does not hash to what stands above it, or a file is missing.
            MalformedError: A file is no tile.
            StoreError: A file cannot be read.
        """
        raw = self._read(tile)
        self.check(tile, raw)
        return raw

    def check(self, tile: TileId, raw: bytes, whose: str = "the log") -> None:
        """Check a tile or bundle that stands elsewhere, such as in a copy.

        Args:
            whose: What it is a file of, in words.

        Raises:
            As for `read`.
        """
        if tile.level is None:
            found = [hash_leaf(entry) for entry in parse_bundle(raw, tile.width)]
        else:
            found = parse_tile(raw, tile.width)
        if found != self._row(tile.level or 0, tile.index)[: tile.width]:
            raise VerificationError(
                f"`{tile.path}` of {whose} does not hash to what stands above it", hint=_LOOK
            )

    def _read(self, tile: TileId) -> bytes:
        level_size = self._size >> TILE_HEIGHT * (tile.level or 0)
        whole = TileId(tile.level, tile.index, min(TILE_WIDTH, level_size - tile.index * TILE_WIDTH))
        raw = self._files.read_tile(whole)
        if raw is None:
            raise VerificationError(
                f"`{whole.path}` of the log is missing",
                hint="put it back from a copy, or `doorward log verify`",
            )
        return cut_tile(raw, whole, tile.width)

    def _read_edge(self, level: int) -> Sequence[Hash]:
        index, width = divmod(self._size >> TILE_HEIGHT * level, TILE_WIDTH)
        return parse_tile(self._read(TileId(level, index, width)), width) if width else ()

    def _read_full(self, level: int, index: int) -> Sequence[Hash]:
        hashes = parse_tile(self._read(TileId(level, index)), TILE_WIDTH)
        if root_of(hashes) != self._row(level + 1, index // TILE_WIDTH)[index % TILE_WIDTH]:
            raise VerificationError(
                f"`{TileId(level, index).path}` of the log does not hash to what stands above it", hint=_LOOK
            )
        return hashes

    def _row(self, level: int, index: int) -> Sequence[Hash]:
        """Return the hashes of a tile, as many as the log has at its size."""
        if index == self._size >> TILE_HEIGHT * (level + 1):
            return self._edge[level]
        return self._full(level, index)

    def _node(self, level: int, index: int) -> Hash:
        return read_node(self._row, level, index)
