"""The app's icons, drawn by code: a door that stands ajar. Pure."""

import struct
import zlib
from typing import Final

_GROUND: Final = (0x14, 0x30, 0x3F)
_FRAME: Final = (0xF2, 0xF5, 0xF7)
_DOOR: Final = (0x8F, 0xD0, 0xEE)
_UNITS: Final = 32  # both drawings are on a grid of 32 by 32, within the part that no mask cuts away
_FRAME_AT: Final = (10, 6, 22, 26)  # left, top, right, bottom
_OPENING_AT: Final = (12, 8, 20, 26)
_DOOR_AT: Final = (12, 8, 17, 26)
_KNOB_AT: Final = (15, 17, 16, 18)


def make_svg() -> bytes:
    """Return the icon as SVG."""
    parts = (
        ((0, 0, _UNITS, _UNITS), _GROUND),
        (_FRAME_AT, _FRAME),
        (_OPENING_AT, _GROUND),
        (_DOOR_AT, _DOOR),
        (_KNOB_AT, _GROUND),
    )
    shapes = "".join(
        f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" fill="#{_hex(colour)}"/>'
        for (left, top, right, bottom), colour in parts
    )
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_UNITS} {_UNITS}">{shapes}</svg>\n'
    return svg.encode("ascii")


def make_png(pixels: int) -> bytes:
    """Return the icon as PNG of so many pixels a side; a multiple of 32 is sharp.

    Source: PNG (Third Edition), sections 5 and 9: a palette of eight bits, no filter.
    """
    lines = [bytes(_at(at * _UNITS // pixels, row) for at in range(pixels)) for row in range(_UNITS)]
    rows = b"".join(b"\0" + lines[row * _UNITS // pixels] for row in range(pixels))
    header = struct.pack(">IIBBBBB", pixels, pixels, 8, 3, 0, 0, 0)
    palette = bytes(part for colour in (_GROUND, _FRAME, _DOOR) for part in colour)
    chunks = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _at(column: int, row: int) -> int:
    def within(box: tuple[int, int, int, int]) -> bool:
        return box[0] <= column < box[2] and box[1] <= row < box[3]

    if within(_KNOB_AT):
        return 0
    if within(_DOOR_AT):
        return 2
    if within(_OPENING_AT):
        return 0
    return 1 if within(_FRAME_AT) else 0


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _hex(colour: tuple[int, int, int]) -> str:
    return "".join(f"{part:02x}" for part in colour)
