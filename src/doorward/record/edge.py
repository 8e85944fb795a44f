"""The right edge of a growing log: what the next leaf, the next tiles and the root need, and nothing more.

It is derived data: `RightEdge` at a size follows from the partial tiles at that size, so a publisher loads it at
its start and never reads the rest of the log.
"""

from collections.abc import Sequence

from doorward.record.hashes import EMPTY_ROOT, Hash, hash_leaf
from doorward.record.tiles import TILE_WIDTH, TileId, format_bundle, format_tile
from doorward.record.tree import root_of


class RightEdge:
    """The hashes of each level's last tile, as long as it is not full.

    INVARIANT (edge): `levels[l]` has `(size >> 8 * l) % 256` hashes, and `entries` as many as `levels[0]`.
    """

    def __init__(
        self, size: int = 0, levels: Sequence[Sequence[Hash]] = (), entries: Sequence[bytes] = ()
    ) -> None:
        self.size = size
        self._levels = [list(level) for level in levels]
        self._entries = list(entries)
        self._full: list[tuple[TileId, bytes]] = []
        self._grown: set[int] = set()

    def append(self, entry: bytes) -> None:
        """Add one entry at the right."""
        self._entries.append(entry)
        if len(self._entries) == TILE_WIDTH:
            self._full.append((TileId(None, self.size // TILE_WIDTH), format_bundle(self._entries)))
            self._entries = []
        self._push(0, self.size, hash_leaf(entry))
        self.size += 1

    def _push(self, level: int, index: int, node: Hash) -> None:
        if level == len(self._levels):
            self._levels.append([])
        hashes = self._levels[level]
        hashes.append(node)
        self._grown.add(level)
        if len(hashes) == TILE_WIDTH:
            self._levels[level] = []
            self._full.append((TileId(level, index // TILE_WIDTH), format_tile(hashes)))
            self._push(level + 1, index // TILE_WIDTH, root_of(hashes))

    def take_tiles(self) -> list[tuple[TileId, bytes]]:
        """Return what must be written since the last call: full ones in the order of their end, then partial ones."""
        taken, self._full = self._full, []
        size = self.size
        if self._entries and self._grown:
            taken.append((self._partial(None, size, len(self._entries)), format_bundle(self._entries)))
        for level, hashes in enumerate(self._levels):
            if hashes and level in self._grown:
                taken.append((self._partial(level, size, len(hashes)), format_tile(hashes)))
            size //= TILE_WIDTH
        self._grown = set()
        return taken

    @staticmethod
    def _partial(level: int | None, level_size: int, width: int) -> TileId:
        return TileId(level, level_size // TILE_WIDTH, width)

    def root(self) -> Hash:
        """Return the root at the present size."""
        node: Hash | None = None
        for hashes in self._levels:
            # What is not whole below counts as one more node at the right: RFC 6962 splits at powers of two.
            row = [*hashes, node] if node is not None else hashes
            node = root_of(row) if row else None
        return EMPTY_ROOT if node is None else node
