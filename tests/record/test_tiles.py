import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import MalformedError
from doorward.record.edge import RightEdge
from doorward.record.hashes import hash_leaf
from doorward.record.tiles import (
    MAX_BUNDLE_ENTRY_BYTES,
    TileId,
    format_bundle,
    format_tile,
    list_tiles,
    parse_bundle,
    parse_tile,
    parse_tile_path,
    read_node,
)
from doorward.record.tree import root_of
from record.samples import naive_root


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (TileId(0, 0), "tile/0/000"),
        (TileId(0, 1234067), "tile/0/x001/x234/067"),
        (TileId(3, 999, 5), "tile/3/999.p/5"),
        (TileId(0, 1000), "tile/0/x001/000"),
        (TileId(None, 273, 112), "tile/entries/273.p/112"),
        (TileId(63, 0, 1), "tile/63/000.p/1"),
    ],
)
def test_a_tile_has_the_path_of_the_specification(tile: TileId, path: str) -> None:
    assert tile.path == path
    assert parse_tile_path(path) == tile


tiles = st.builds(
    TileId, st.one_of(st.none(), st.integers(0, 63)), st.integers(0, 2**55), st.integers(1, 256)
)


@given(tiles)
def test_a_tile_survives_its_path(tile: TileId) -> None:
    assert parse_tile_path(tile.path) == tile


@given(st.one_of(st.text(), st.text("tile/entriesx.p0123456789", max_size=40), tiles.map(lambda t: t.path)))
def test_any_path_is_a_tiles_in_its_one_spelling_or_malformed(path: str) -> None:
    try:
        tile = parse_tile_path(path)
    except MalformedError:
        return
    assert tile.path == path


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0", "tile/0/1000", "tile/00/000", "tile/64/000", "tile/0/x000/001", "tile/0/000.p/256",
        "tile/0/000.p/300", "tile/0/000.p/0", "tile/0/000.p/01", "tile/0/x001/x234/67", "tile/0/001/067",
        "../tile/0/000", "tile/0/000\n", "tile/0/" + "x001/" * 20 + "000",
    ],
)  # fmt: skip
def test_another_spelling_of_a_path_is_refused(path: str) -> None:
    with pytest.raises(MalformedError):
        parse_tile_path(path)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_survives_its_bytes(entries: list[bytes]) -> None:
    raw = format_bundle(entries)
    assert parse_bundle(raw, len(entries)) == entries


def test_a_bundles_length_prefix_is_two_bytes_big_endian() -> None:
    assert format_bundle([b"abc", b""]) == b"\0\3abc\0\0"
    assert parse_bundle(format_bundle([b"x" * MAX_BUNDLE_ENTRY_BYTES]), 1) == [b"x" * 65_535]
    with pytest.raises(MalformedError, match="at most 65535 bytes"):
        format_bundle([b"x" * 65_536])


@given(st.binary(max_size=100), st.integers(0, 20))
def test_any_bytes_are_a_bundle_of_a_width_or_malformed(raw: bytes, width: int) -> None:
    try:
        entries = parse_bundle(raw, width)
    except MalformedError:
        return
    assert len(entries) == width
    assert format_bundle(entries) == raw


@pytest.mark.parametrize("raw", [b"\0", b"\0\2a", b"\0\1a\0"])
def test_a_bundle_that_is_cut_short_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError, match="cut short"):
        parse_bundle(raw, 1)


@given(st.binary(max_size=200), st.integers(1, 6))
def test_any_bytes_are_a_tile_of_a_width_or_malformed(raw: bytes, width: int) -> None:
    try:
        hashes = parse_tile(raw, width)
    except MalformedError:
        assert len(raw) != 32 * width
        return
    assert format_tile(hashes) == raw


def brute_force_tiles(size: int) -> set[TileId]:
    found, level = set(), 0
    while size:
        found |= {TileId(level, index) for index in range(size // 256)}
        if size % 256:
            found.add(TileId(level, size // 256, size % 256))
        size, level = size // 256, level + 1
    return found


@given(st.integers(0, 200_000), st.integers(0, 1_000))
def test_the_tiles_of_a_size_and_those_that_are_new_since_another(old: int, more: int) -> None:
    new = old + more
    assert set(list_tiles(new)) == brute_force_tiles(new)
    assert set(list_tiles(new, old)) == brute_force_tiles(new) - brute_force_tiles(old)


def grow(sizes: list[int]) -> tuple[RightEdge, dict[str, bytes]]:
    edge = RightEdge()
    files: dict[str, bytes] = {}
    for size in sizes:
        while edge.size < size:
            edge.append(b"entry %d" % edge.size)
        for tile, data in edge.take_tiles():
            assert files.setdefault(tile.path, data) == data, "a tile never changes"
    return edge, files


@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=5).map(sorted))
def test_a_growing_edge_gives_the_tiles_and_roots_of_the_whole_tree(sizes: list[int]) -> None:
    edge, files = grow(sizes)
    hashes = [hash_leaf(b"entry %d" % number) for number in range(edge.size)]
    assert edge.root() == root_of(hashes)
    wanted = {tile for old, new in zip([0, *sizes], sizes, strict=False) for tile in list_tiles(new, old)}
    bundles = {TileId(None, tile.index, tile.width) for tile in wanted if tile.level == 0}
    assert set(files) == {tile.path for tile in wanted | bundles}
    for tile in wanted:
        span = 256**tile.level if tile.level else 1
        nodes = [
            naive_root(hashes[(tile.index * 256 + at) * span : (tile.index * 256 + at + 1) * span])
            for at in range(tile.width)
        ]
        assert parse_tile(files[tile.path], tile.width) == nodes


def test_an_edge_of_three_levels_has_the_root_of_the_tree() -> None:
    edge, files = grow([65_536 + 256 + 3])
    hashes = [hash_leaf(b"entry %d" % number) for number in range(edge.size)]
    assert edge.root() == root_of(hashes)
    assert "tile/2/000.p/1" in files
    assert "tile/1/001.p/1" in files


@given(st.integers(1, 1_500), st.data())
def test_a_node_is_read_from_its_tile(size: int, data: st.DataObject) -> None:
    _, files = grow([size])
    hashes = [hash_leaf(b"entry %d" % number) for number in range(size)]
    level = data.draw(st.integers(0, size.bit_length() - 1))
    index = data.draw(st.integers(0, (size >> level) - 1))

    def read_tile(tile_level: int, tile_index: int) -> list[bytes]:
        width = min(256, (size >> (8 * tile_level)) - tile_index * 256)
        return parse_tile(files[TileId(tile_level, tile_index, width).path], width)

    assert read_node(read_tile, level, index) == naive_root(hashes[index << level : (index + 1) << level])
