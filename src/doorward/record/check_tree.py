"""Checking the public part of a log: from the bundles up to the checkpoint's root, every file of it.

1. Each bundle's entries are hashed and compared with the tile of level 0.
2. What the full tiles of level 0 come to is compared with the tiles of level 1.
3. Where two of these disagree, the checkpoint's root says which is false: one changed byte gives one finding
   that names its file.
4. All tiles above are compared with what lies below them.
5. Every other file below `tile/` is a partial tile of an earlier size, or is reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import product

from doorward.errors import MalformedError
from doorward.record.checkpoint import Checkpoint
from doorward.record.hashes import HASH_BYTES, Hash, format_hash
from doorward.record.log_files import LogFiles
from doorward.record.report import Report
from doorward.record.tiles import TILE_WIDTH, TileId, parse_bundle, parse_tile, parse_tile_path
from doorward.record.tree import root_of

_UNREADABLE: Hash = bytes(HASH_BYTES)  # stands for a node that neither file gives; a finding names both


@dataclass(slots=True)
class _Pair:
    """A bundle and its tile of level 0 as they were read; None where a file is missing or malformed."""

    index: int
    width: int
    bundle: list[Hash] | None
    tile: list[Hash] | None

    @property
    def agrees(self) -> bool:
        return self.bundle is not None and self.bundle == self.tile

    def candidates(self) -> list[list[Hash]]:
        found = [hashes for hashes in (self.bundle, self.tile) if hashes is not None]
        return found if len(found) < 2 or found[0] != found[1] else found[:1]


@dataclass(slots=True)
class _Base:
    """Level 0 in short: a node for each full tile, the pairs that disagree, and the pair at the right edge."""

    nodes: list[Hash] = field(default_factory=list)
    disagreeing: list[_Pair] = field(default_factory=list)
    edge: _Pair | None = None


def check_tree(files: LogFiles, checkpoint: Checkpoint, report: Report) -> None:
    """Add to a report what is false in a log's files; reads each bundle and tile once.

    Args:
        checkpoint: Verified; its size says which files there must be.

    Raises:
        StoreError: A file cannot be read.
    """
    _TreeCheck(files, checkpoint, report).run()


class _TreeCheck:
    def __init__(self, files: LogFiles, checkpoint: Checkpoint, report: Report) -> None:
        self._files = files
        self._checkpoint = checkpoint
        self._report = report

    def run(self) -> None:
        base = self._read_base()  # 1
        if self._report.is_full:
            return
        stored = self._read_stored_nodes(len(base.nodes))  # 2
        nodes, edge = self._judge(base, stored)  # 3
        self._blame_base(base, nodes, edge)
        self._check_upper(nodes)  # 4
        self._check_others()  # 5

    # 1

    def _read_base(self) -> _Base:
        base = _Base()
        full, rest = divmod(self._checkpoint.tree_size, TILE_WIDTH)
        for index in range(full):
            pair = self._read_pair(index, TILE_WIDTH)
            if not pair.agrees:
                base.disagreeing.append(pair)
            candidates = pair.candidates()
            base.nodes.append(root_of(candidates[0]) if candidates else _UNREADABLE)
            if self._report.is_full:
                return base
        if rest:
            base.edge = self._read_pair(full, rest)
        return base

    def _read_pair(self, index: int, width: int) -> _Pair:
        bundle_id, tile_id = TileId(None, index, width), TileId(0, index, width)
        entries = self._read(bundle_id)
        tile = self._read(tile_id)
        self._report.count("leaves", width)
        self._report.count("bundles")
        self._report.count("tiles")
        bundle = None
        if entries is not None:
            bundle = [sha256(b"\x00" + entry).digest() for entry in entries]
        return _Pair(index, width, bundle, tile)

    def _read(self, tile: TileId) -> list[bytes] | None:
        try:
            raw = self._files.read_tile(tile)
            if raw is not None:
                return _parse(raw, tile)
            self._report.find(tile.path, "the file is missing")
        except MalformedError as error:
            self._report.find(tile.path, str(error))
        return None

    # 2

    def _read_stored_nodes(self, count: int) -> list[Hash | None]:
        """Return the nodes that the tiles of level 1 have for the full tiles of level 0."""
        stored: list[Hash | None] = []
        for index in range(0, count, TILE_WIDTH):
            width = min(TILE_WIDTH, count - index)
            hashes = self._read_quietly(TileId(1, index // TILE_WIDTH, width))
            stored += hashes if hashes is not None else [None] * width
        return stored

    def _read_quietly(self, tile: TileId) -> list[bytes] | None:
        try:
            raw = self._files.read_tile(tile)
            return _parse(raw, tile) if raw is not None else None
        except MalformedError:
            return None  # another step reads it and says so

    # 3

    def _judge(self, base: _Base, stored: Sequence[Hash | None]) -> tuple[list[Hash], list[Hash]]:
        """Return the nodes of the full tiles and the leaves at the edge that give the checkpoint's root."""
        by_tile, unfitting = list(base.nodes), dict[int, Hash]()
        for pair in base.disagreeing:
            wanted = stored[pair.index] or _UNREADABLE
            if any(root_of(hashes) == wanted for hashes in pair.candidates()):
                by_tile[pair.index] = wanted
            else:
                unfitting[pair.index] = wanted
        above = [node if node is not None else by_tile[at] for at, node in enumerate(stored)]
        edges = (base.edge.candidates() or [[]]) if base.edge else [[]]
        for nodes, edge in product((by_tile, base.nodes, above), edges):
            if _root(nodes, edge) == self._checkpoint.root:
                return nodes, edge
        self._report.find(
            "checkpoint",
            f"the files do not come to its root at size {self._checkpoint.tree_size}",
            format_hash(_root(by_tile, edges[0])),
            format_hash(self._checkpoint.root),
        )
        # Nobody can say which is right, so what fits nothing is blamed whole.
        nodes = [unfitting.get(at, node) for at, node in enumerate(by_tile)]
        return nodes, edges[0] if len(edges) == 1 else []

    def _blame_base(self, base: _Base, nodes: Sequence[Hash], edge: Sequence[Hash]) -> None:
        blamed = set()
        for pair in base.disagreeing:
            blamed.add(pair.index)
            right = [hashes for hashes in pair.candidates() if root_of(hashes) == nodes[pair.index]]
            self._blame(pair, right[0] if right else None)
        if base.edge is not None and not base.edge.agrees:
            self._blame(base.edge, edge or None)
        for index, (got, right_node) in enumerate(zip(base.nodes, nodes, strict=True)):
            if got != right_node and index not in blamed:
                places = f"{TileId(None, index).path} and {TileId(0, index).path}"
                self._report.find(
                    places, "they come to another node than above", format_hash(right_node), format_hash(got)
                )

    def _blame(self, pair: _Pair, right: Sequence[Hash] | None) -> None:
        bundle_id = TileId(None, pair.index, pair.width)
        tile_id = TileId(0, pair.index, pair.width)
        if right is None:
            if pair.bundle is not None and pair.tile is not None:
                at = _first_difference(pair.bundle, pair.tile)
                self._report.find(
                    f"{bundle_id.path} and {tile_id.path}, entry {at}",
                    "they differ, and neither fits what is above",
                    format_hash(pair.bundle[at]),
                    format_hash(pair.tile[at]),
                )
            return  # a missing or malformed file has its finding
        for name, hashes in ((bundle_id, pair.bundle), (tile_id, pair.tile)):
            if hashes is not None and list(hashes) != list(right):
                at = _first_difference(hashes, right)
                leaf = pair.index * TILE_WIDTH + at
                self._report.find(
                    f"{name.path}, entry {at}",
                    f"leaf {leaf} is not the one that was signed",
                    format_hash(right[at]),
                    format_hash(hashes[at]),
                )

    # 4

    def _check_upper(self, nodes: Sequence[Hash]) -> None:
        level = 1
        while nodes:
            parents = []
            for start in range(0, len(nodes), TILE_WIDTH):
                row = nodes[start : start + TILE_WIDTH]
                tile = TileId(level, start // TILE_WIDTH, len(row))
                self._compare_tile(tile, row)
                if tile.is_full:
                    parents.append(root_of(row))
            nodes = parents
            level += 1

    def _compare_tile(self, tile: TileId, row: Sequence[Hash]) -> None:
        hashes = self._read(tile)
        self._report.count("tiles")
        if hashes is not None and hashes != list(row):
            at = _first_difference(hashes, row)
            self._report.find(
                f"{tile.path}, hash {at}",
                "it is not the node over the tile below",
                format_hash(row[at]),
                format_hash(hashes[at]),
            )

    # 5

    def _check_others(self) -> None:
        unsigned = 0
        for path in self._files.list_tile_paths():
            try:
                tile = parse_tile_path(path)
            except MalformedError:
                self._report.find(path, "no file of a log has this name")
                continue
            level_size = self._checkpoint.tree_size >> (8 * (tile.level or 0))
            width = min(TILE_WIDTH, max(0, level_size - tile.index * TILE_WIDTH))
            if tile.width > width:
                unsigned += 1
                self._check_beginning(tile, TileId(tile.level, tile.index, width) if width else None)
            elif tile.width < width:
                self._check_beginning(tile, TileId(tile.level, tile.index, width))
                self._report.count("partial tiles of earlier sizes")
        if unsigned:
            self._report.notes.append(
                f"{unsigned} files hold leaves beyond the checkpoint: a publisher was stopped before it signed"
            )

    def _check_beginning(self, tile: TileId, present: TileId | None) -> None:
        """Check that a tile of another size begins as the present one does, or the present one as it does."""
        own = self._read(tile)
        named = {finding.place.split(",")[0] for finding in self._report.findings}
        if own is None or present is None or present.path in named:
            return
        other = self._read_quietly(present)
        if other is not None and any(one != two for one, two in zip(own, other, strict=False)):
            self._report.find(tile.path, f"it does not agree with {present.path}")


def _root(nodes: Sequence[Hash], edge: Sequence[Hash]) -> Hash:
    return root_of([*nodes, root_of(edge)] if edge else nodes)


def _parse(raw: bytes, tile: TileId) -> list[bytes]:
    return parse_bundle(raw, tile.width) if tile.level is None else parse_tile(raw, tile.width)


def _first_difference(one: Sequence[Hash], other: Sequence[Hash]) -> int:
    return next(at for at, (left, right) in enumerate(zip(one, other, strict=True)) if left != right)
