"""The check of one log against one checkpoint, from the checkpoint downwards.

What a checkpoint signs is a root. The hashes at the right edge of the tree come to it; each of these is the root of a
full tile, whose hashes are then known to be signed too, and so on down to the entries. So each file is compared with
what was signed, one that differs is named, and no more is held at a time than one tile a level.

1. Edge: the last tile of each level, as stored or as what lies below it gives it, whichever comes to the signed root.
2. Parts: each full tile of level 1 with the 256 tiles and bundles below it; independent of each other, so that several
   processes may share them.
3. Rest: the full tiles that level 1's edge covers.
4. Other files: partial tiles of earlier sizes begin as the present ones do; other names are reported.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from typing import Final

from doorward.errors import MalformedError, StoreError
from doorward.verifier.findings import Kind, Verdict
from doorward.verifier.layout import ENTRIES, WIDTH, Tile, parse_entries, parse_hashes, parse_path
from doorward.verifier.merkle import extends, fold, hash_entries, make_extension, root_of
from doorward.verifier.note import Signed
from doorward.verifier.sources import Source

_KEPT_TILES: Final = 32  # a proof needs at most two a level, and no log has more than eight levels

Row = Sequence[bytes | None]
"""Hashes of one tile that are known to be signed; None where nobody can know."""


@dataclass(frozen=True, slots=True)
class Part:
    """A full tile and the hash over it that was signed; None where nobody can know it."""

    level: int
    index: int
    node: bytes | None


def show(value: bytes | None) -> str:
    """Return a hash as findings write it."""
    return value.hex() if value is not None else "nothing"


class Walk:
    """The steps of one check; each adds to the verdict.

    Args:
        size: The number of leaves that was signed.
    """

    def __init__(self, source: Source, size: int, verdict: Verdict) -> None:
        self._source = source
        self._size = size
        self._verdict = verdict

    # reading

    def present(self, level: int, index: int) -> Tile:
        """Return the tile at a place as it is at the signed size."""
        there = self._size >> (8 * max(level, 0))
        return Tile(level, index, min(WIDTH, there - index * WIDTH))

    def read(self, tile: Tile, *, quietly: bool = False) -> list[bytes] | None:
        """Return a tile's hashes, for a bundle those of its entries; None where it is missing or malformed.

        Args:
            quietly: Another step reports what is wrong with it.

        Raises:
            StoreError: It cannot be read.
        """
        try:
            hashes = self._read(tile)
        except MalformedError as error:
            if not quietly:
                self._verdict.find(Kind.FILE_MALFORMED, tile.path, str(error))
            return None
        if hashes is None and not quietly:
            self._verdict.find(Kind.FILE_MISSING, tile.path, "the file is missing")
        return hashes

    def _read(self, tile: Tile) -> list[bytes] | None:
        raw, held = self._source.read(tile.path, tile.max_bytes), tile
        if raw is None and tile.width < WIDTH:  # a log that has grown may have dropped its partial tiles
            held = Tile(tile.level, tile.index)
            raw = self._source.read(held.path, held.max_bytes)
        if raw is None:
            return None
        if tile.level == ENTRIES:
            entries = parse_entries(raw, held.width)
            return hash_entries(entries[: tile.width])
        return parse_hashes(raw, held.width)[: tile.width]

    def read_again(self, level: int, index: int) -> list[bytes]:
        """Return the hashes of a tile that was read before.

        Raises:
            StoreError: It cannot be read, or is missing or malformed now.
        """
        tile = self.present(level, index)
        hashes = self.read(tile, quietly=True)
        if hashes is None:
            raise StoreError(f"`{tile.path}` was there, and could not be had again")
        return hashes

    # 1

    def edge(self, signed: Signed) -> list[list[bytes]]:
        """Return the right edge's hashes by level: those that come to the signed root, or else the stored ones."""
        tiles = self._edge_tiles()
        stored = [self.read(tile) if tile.width else [] for tile in tiles]
        self._verdict.count("tiles", sum(tile.width > 0 for tile in tiles))
        held = [row if row is not None else [] for row in stored]
        if None not in stored and edge_root(held) == signed.root:
            return held
        choices = []
        for tile, row in zip(tiles, stored, strict=True):
            below = self._edge_below(tile) if tile.width else None
            choices.append([one for one in (row, below) if one is not None] or [[]])
        for chosen in product(*choices):
            if edge_root(chosen) == signed.root:
                for tile, row, right in zip(tiles, stored, chosen, strict=True):
                    if row is not None and row != right:
                        self._differs(tile, row, right)
                return list(chosen)
        self._verdict.find(
            Kind.CHECKPOINT_ROOT,
            "checkpoint",
            f"the files do not come to its root at size {self._size}",
            show(signed.root),
            show(edge_root(held)),
        )
        return held

    def _edge_tiles(self) -> list[Tile]:
        """Return the last tile of each level; one of no width where the last one is full."""
        tiles: list[Tile] = []
        while there := self._size >> (8 * len(tiles)):
            tiles.append(Tile(len(tiles), there // WIDTH, there % WIDTH))
        return tiles

    def _edge_below(self, tile: Tile) -> list[bytes] | None:
        """Return an edge tile's hashes as what lies below gives them."""
        if tile.level == 0:
            return self.read(Tile(ENTRIES, tile.index, tile.width), quietly=True)
        return self._below(tile)

    def _below(self, tile: Tile) -> list[bytes] | None:
        """Return a tile's hashes as the tiles below it give them, or None where one is not there."""
        row = []
        for child in range(tile.index * WIDTH, tile.index * WIDTH + tile.width):
            hashes = self.read(Tile(tile.level - 1, child), quietly=True)
            if hashes is None and tile.level == 1:
                hashes = self.read(Tile(ENTRIES, child), quietly=True)
            if hashes is None:
                return None
            row.append(fold(hashes))
        return row

    def _differs(self, tile: Tile, got: Sequence[bytes], expected: Row) -> None:
        at = next(n for n, (one, two) in enumerate(zip(got, expected, strict=True)) if one != two)
        self._verdict.find(
            Kind.ENTRY_DIFFERS if tile.level == ENTRIES else Kind.TILE_DIFFERS,
            f"{tile.path}, entry {at}",
            f"leaf {tile.index * WIDTH + at} is not the one that was signed"
            if tile.level <= 0
            else "the hash is not the one that was signed",
            show(expected[at]),
            show(got[at]),
        )

    def edge_bundle(self, row: Sequence[bytes]) -> None:
        """Compare the last, partial bundle with the last leaves."""
        tile = self.present(ENTRIES, self._size // WIDTH)
        if not tile.width:
            return
        self._verdict.count("bundles")
        self._verdict.count("leaves", tile.width)
        hashes = self.read(tile)
        if hashes is not None and row and hashes != list(row):
            self._differs(tile, hashes, row)

    # 2 and 3

    def parts(self, edge: Sequence[Sequence[bytes]]) -> Iterator[Part]:
        """Yield the parts from left to right; the full tiles above them are compared on the way."""
        for level in reversed(range(1, len(edge))):
            first = (self._size >> (8 * level + 8)) * WIDTH
            for at, node in enumerate(edge[level]):
                yield from self._descend(level - 1, first + at, node)

    def _descend(self, level: int, index: int, node: bytes | None) -> Iterator[Part]:
        if level <= 1:
            yield Part(level, index, node)
            return
        for at, below in enumerate(self.row(Tile(level, index), node)):
            yield from self._descend(level - 1, index * WIDTH + at, below)

    def part(self, part: Part) -> None:
        """Compare one part's files with what was signed."""
        if part.level == 0:
            self._pair(part.index, part.node)
            return
        for at, node in enumerate(self.row(Tile(1, part.index), part.node)):
            self._pair(part.index * WIDTH + at, node)
            if self._verdict.is_full:
                return

    def row(self, tile: Tile, node: bytes | None) -> Row:
        """Return the signed hashes of a full tile above level 0, and report where the stored ones are others."""
        self._verdict.count("tiles")
        stored = self.read(tile)
        if stored is not None and node in {None, fold(stored)}:
            return stored
        below = self._below(tile)
        if below is not None and node in {None, fold(below)}:
            if stored is not None:
                self._differs(tile, stored, below)
            return below
        if stored is not None:
            self._verdict.find(
                Kind.BOTH_DIFFER,
                tile.path,
                "it and what lies below it are not what was signed",
                show(node),
                show(fold(stored)),
            )
        return [None] * WIDTH

    def _pair(self, index: int, node: bytes | None) -> None:
        tile, bundle = Tile(0, index), Tile(ENTRIES, index)
        count = self._verdict.count
        count("tiles")
        count("bundles")
        count("leaves", WIDTH)
        hashes, leaves = self.read(tile), self.read(bundle)
        if hashes is not None and node == fold(hashes):
            if leaves is not None and leaves != hashes:
                self._differs(bundle, leaves, hashes)
        elif leaves is not None and node == fold(leaves):
            if hashes is not None:
                self._differs(tile, hashes, leaves)
        elif leaves is not None and hashes is not None and (node is not None or leaves != hashes):
            self._verdict.find(
                Kind.BOTH_DIFFER,
                f"{bundle.path} and {tile.path}",
                "neither is what was signed",
                show(node),
                show(fold(leaves)),
            )
        elif node is not None and (leaves or hashes):
            left = bundle if leaves else tile
            self._verdict.find(
                Kind.ENTRY_DIFFERS if leaves else Kind.TILE_DIFFERS,
                left.path,
                "it is not what was signed",
                show(node),
                show(fold(leaves or hashes or [])),
            )

    # 4

    def others(self) -> None:
        """Compare partial tiles of earlier sizes with the present ones; report files that a log does not have."""
        beyond = 0
        # Nothing is compared with what is known to be false.
        named = {name for one in self._verdict.findings for name in one.place.split(",")[0].split(" and ")}
        for path in self._source.paths():
            tile = parse_path(path)
            if tile is None:
                self._verdict.find(Kind.NAME_UNKNOWN, ascii(path)[1:-1], "no file of a log has this name")
                continue
            present = self.present(tile.level, tile.index)
            if tile.width == present.width:
                continue
            own = self.read(tile)
            is_there = present.width > 0 and present.path not in named
            other = self.read(present, quietly=True) if is_there else None
            if tile.width > present.width:
                beyond += 1
            else:
                self._verdict.count("partial tiles of earlier sizes")
            if own and other and any(one != two for one, two in zip(own, other, strict=False)):
                self._verdict.find(Kind.PARTIAL_DIFFERS, path, f"it does not agree with {present.path}")
            if self._verdict.is_full:
                return
        if beyond:
            self._verdict.notes.append(
                f"{beyond} files hold leaves beyond the checkpoint; they were not signed"
            )


def edge_root(edge: Sequence[Sequence[bytes]]) -> bytes:
    """Return the root to which the last tiles of all levels come, the lowest level first."""
    node: bytes | None = None
    for row in edge:
        if row:
            node = fold([*row, node] if node is not None else row)
    return node if node is not None else fold([])


def find_root(walk: Walk, size: int, signed: Signed) -> bytes | None:
    """Return the root at an earlier size that what was signed contains; None where the files do not prove it.

    What is read here is read again, and a server may answer otherwise the second time: it counts only where the hashes
    from which the earlier root is made come to the signed root as well.

    Args:
        size: At least 1, at most the signed one.

    Raises:
        StoreError: A file cannot be read, or is not there any more.

    Source: RFC 9162 section 2.1.4.
    """
    read = partial(_read_node, lru_cache(maxsize=_KEPT_TILES)(walk.read_again))
    root = root_of(read, 0, size)
    proof = make_extension(read, size, signed.size)
    return root if extends(size, root, signed.size, signed.root, proof) else None


def _read_node(read: Callable[[int, int], Sequence[bytes]], level: int, index: int) -> bytes:
    tile_level, above = divmod(level, 8)
    tile, first = divmod(index << above, WIDTH)
    return fold(read(tile_level, tile)[first : first + (1 << above)])
