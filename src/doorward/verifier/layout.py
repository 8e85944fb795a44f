"""Where hashes and entries of a log lie, and what stands in such a file, for somebody who only checks; pure.

Source: C2SP tlog-tiles.
"""

import re
from dataclasses import dataclass
from typing import Final

from doorward.errors import MalformedError
from doorward.verifier.merkle import HASH_BYTES

WIDTH: Final = 256
ENTRIES: Final = -1  # the level under which bundles of entries stand
MAX_BUNDLE_BYTES: Final = WIDTH * (2 + 65_535)

_NAME: Final = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?")


@dataclass(frozen=True, slots=True)
class Tile:
    """One file of a log: hashes of one level, or entries."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Its path below the log's address."""
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{'/'.join(groups)}" + (f".p/{self.width}" if self.width < WIDTH else "")

    @property
    def max_bytes(self) -> int:
        """How many bytes such a file has at most."""
        return MAX_BUNDLE_BYTES if self.level == ENTRIES else self.width * HASH_BYTES


def parse_path(path: str) -> Tile | None:
    """Return the tile of a path, or None where it names none or spells one in another way."""
    match = _NAME.fullmatch(path)
    if match is None:
        return None
    level = ENTRIES if match[1] == "entries" else int(match[1])
    tile = Tile(level, int(re.sub("[x/]", "", match[2])), int(match[3] or WIDTH))
    return tile if tile.path == path and tile.width and level < 64 else None


def parse_hashes(raw: bytes, width: int) -> list[bytes]:
    """Return the hashes of a tile.

    Raises:
        MalformedError: It has another size than its name says.
    """
    if len(raw) != width * HASH_BYTES:
        raise MalformedError(f"expected {width * HASH_BYTES} bytes for {width} hashes, got {len(raw)}")
    return [raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)]


def parse_entries(raw: bytes, width: int) -> list[bytes]:
    """Return the entries of a bundle.

    Raises:
        MalformedError: It has another number of entries than its name says, or one is cut short.
    """
    size = len(raw)
    stride = size // width
    length = raw[:2]
    # Entries of one length, as a record has them, are cut in one go: each length stands at its place and is the same.
    is_even = bool(size) and stride * width == size and 2 + int.from_bytes(length, "big") == stride
    if is_even and raw[::stride] == length[:1] * width and raw[1::stride] == length[1:] * width:
        return [raw[at : at + stride - 2] for at in range(2, size + 1, stride)]
    entries: list[bytes] = []
    at = 0
    while at + 2 <= size and len(entries) < width:
        start = at + 2
        at = start + (raw[at] << 8 | raw[at + 1])
        entries.append(raw[start:at])
    if at != size or len(entries) != width:
        raise MalformedError(f"expected {width} whole entries, and the bundle has others")
    return entries
