"""Where the hashes and entries of a log lie in files, and what stands in them.

A tile holds up to 256 hashes of one level of 8 tree levels; the tile at level L, index N holds the nodes of tree
level 8L from N * 256 on. A bundle holds the entries under a tile of level 0. The last of each level is partial.

Source: C2SP tlog-tiles.
"""

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from doorward.errors import MalformedError
from doorward.record.hashes import HASH_BYTES, Hash
from doorward.record.tree import root_of

TILE_WIDTH: Final = 256
TILE_HEIGHT: Final = 8
MAX_BUNDLE_ENTRY_BYTES: Final = 65_535

_LENGTH: Final = struct.Struct(">H")
_PATH: Final = re.compile(
    r"tile/(entries|0|[1-5]?[0-9]|6[0-3])/((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class TileId:
    """One tile or bundle.

    Args:
        level: The tile's level; None for a bundle of entries.
        index: From 0, in its level.
        width: The number of hashes or entries, 1 to 256; 256 is a full one.
    """

    level: int | None
    index: int
    width: int = TILE_WIDTH

    @property
    def is_full(self) -> bool:
        """True where nothing will ever be added."""
        return self.width == TILE_WIDTH

    @property
    def path(self) -> str:
        """The path below the log's folder."""
        level = "entries" if self.level is None else str(self.level)
        digits = f"{self.index % 1000:03d}"
        index = self.index // 1000
        while index:
            digits = f"x{index % 1000:03d}/{digits}"
            index //= 1000
        return f"tile/{level}/{digits}" + ("" if self.is_full else f".p/{self.width}")


def parse_tile_path(path: str) -> TileId:
    """Return the tile that a path below the log's folder names.

    Raises:
        MalformedError: It names none, or is another spelling of a name.
    """
    match = _PATH.fullmatch(path)
    if match is None or len(path) > 80:
        raise MalformedError("expected the path of a tile")
    digits = match[2].replace("x", "").replace("/", "") + match[3]
    width = int(match[4] or TILE_WIDTH)
    tile = TileId(None if match[1] == "entries" else int(match[1]), int(digits), width)
    if width > TILE_WIDTH or tile.path != path:
        raise MalformedError("expected the path of a tile, got another spelling of one")
    return tile


def list_tiles(tree_size: int, from_size: int = 0) -> Iterator[TileId]:
    """Yield the tiles of every level that a tree of a size has, and that one of a smaller size had not.

    Levels ascend; in a level, indices ascend. Bundles have the shape of level 0 and are not repeated.
    """
    level = 0
    while tree_size:
        for index in range(from_size // TILE_WIDTH, tree_size // TILE_WIDTH):
            yield TileId(level, index)
        width = tree_size % TILE_WIDTH
        if width and tree_size != from_size:
            yield TileId(level, tree_size // TILE_WIDTH, width)
        tree_size //= TILE_WIDTH
        from_size //= TILE_WIDTH
        level += 1


def parse_tile(raw: bytes, width: int) -> list[Hash]:
    """Return the hashes of a tile.

    Raises:
        MalformedError: It has another size than its name says.
    """
    if len(raw) != width * HASH_BYTES:
        raise MalformedError(f"expected {width * HASH_BYTES} bytes for {width} hashes, got {len(raw)}")
    return [raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)]


def format_tile(hashes: Sequence[Hash]) -> bytes:
    """Return the bytes of a tile."""
    return b"".join(hashes)


def parse_bundle(raw: bytes, width: int) -> list[bytes]:
    """Return the entries of a bundle.

    Raises:
        MalformedError: It has another number of entries than its name says, or an entry is cut short.
    """
    entries: list[bytes] = []
    offset, size = 0, len(raw)
    while offset < size:
        if offset + _LENGTH.size > size:
            raise MalformedError(f"entry {len(entries)} of the bundle is cut short")
        (length,) = _LENGTH.unpack_from(raw, offset)
        start, offset = offset + _LENGTH.size, offset + _LENGTH.size + length
        if offset > size:
            raise MalformedError(f"entry {len(entries)} of the bundle is cut short")
        entries.append(raw[start:offset])
    if len(entries) != width:
        raise MalformedError(f"expected {width} entries, got {len(entries)}")
    return entries


def format_bundle(entries: Sequence[bytes]) -> bytes:
    """Return the bytes of a bundle.

    Raises:
        MalformedError: An entry is too long for one.
    """
    if any(len(entry) > MAX_BUNDLE_ENTRY_BYTES for entry in entries):
        raise MalformedError(f"an entry of a bundle has at most {MAX_BUNDLE_ENTRY_BYTES} bytes")
    return b"".join(_LENGTH.pack(len(entry)) + entry for entry in entries)


def read_node(read_tile: Callable[[int, int], Sequence[Hash]], level: int, index: int) -> Hash:
    """Return the hash of a whole node.

    Args:
        read_tile: Returns the hashes of the tile at a level and an index, as many as there are.
        level: Of the tree, 0 for leaves.
        index: In that level.
    """
    tile_level, height = divmod(level, TILE_HEIGHT)
    first = index << height
    hashes = read_tile(tile_level, first // TILE_WIDTH)
    start = first % TILE_WIDTH
    return root_of(hashes[start : start + (1 << height)])
