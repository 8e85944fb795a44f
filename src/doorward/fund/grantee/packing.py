"""The parts of a workbook's archive, where every byte of the file is one of them. Pure.

Bytes between, before or behind the parts, a comment of the archive, a part that the directory does not list: whoever
opens the workbook does not see them, whoever holds the file has them (APPNOTE.TXT 6.3.10, 4.3).
"""

import io
import struct
import zipfile
import zlib
from typing import Final

from doorward.fund.grantee.cells import Place, Refusal

MAX_PARTS: Final = 40
MAX_UNPACKED: Final = 96 << 20
_LOCAL: Final = 30
_END: Final = 22
_CENTRAL: Final = 46
_TIMES: Final = (0x5455, 0x000A, 0x7875)  # times, and numbers of the user of the machine
_PADDING: Final = 0xA220  # what Windows leaves room with
_ZIP64: Final = 0x0001
_DATA_DESCRIPTOR: Final = 0x08
_ENCRYPTED: Final = 0x01
_COMPOUND: Final = b"\xd0\xcf\x11\xe0"  # an encrypted workbook, or one of the old form


def unpack(raw: bytes) -> tuple[dict[str, bytes], tuple[Refusal, ...]]:
    """Return the parts by name, or none and why not.

    Args:
        raw: Of a stranger.
    """
    if raw[:4] == _COMPOUND:
        return {}, _refused("encrypted")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            infos = archive.infolist()
            names = [info.filename for info in infos]
            if any(info.flag_bits & _ENCRYPTED for info in infos):
                return {}, _refused("encrypted")
            if len(infos) > MAX_PARTS or len(set(map(str.lower, names))) != len(names):
                return {}, _refused("part")
            if sum(info.file_size for info in infos) > MAX_UNPACKED:
                return {}, _refused("size")
            if archive.comment or not _is_whole(raw, infos, archive.start_dir):
                return {}, _refused("packing")
            # `read` goes no further than the size that the directory says, and checks the sum
            return {info.filename: archive.read(info) for info in infos}, ()
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        ValueError,
        NotImplementedError,
        EOFError,
        IndexError,
        OSError,
    ):
        pass
    # outside of `except`: no traceback holds the bytes
    return {}, _refused("damaged")


def _refused(kind: str) -> tuple[Refusal, ...]:
    return (Refusal(Place(""), kind),)


def _is_whole(raw: bytes, infos: list[zipfile.ZipInfo], start: int) -> bool:
    """Tell whether parts, directory and end follow each other without a byte in between."""
    at = 0
    for info in sorted(infos, key=lambda one: one.header_offset):
        name_length, extra_length = struct.unpack_from("<HH", raw, at + 26)
        name = raw[at + _LOCAL : at + _LOCAL + name_length]
        extra = raw[at + _LOCAL + name_length : at + _LOCAL + name_length + extra_length]
        if info.header_offset != at or raw[at : at + 4] != b"PK\x03\x04":
            return False
        if (
            name != info.filename.encode("utf-8")
            or not _is_plain(extra)
            or info.comment
            or not _is_plain(info.extra)
        ):
            return False
        begins = at + _LOCAL + name_length + extra_length
        if info.compress_type == zipfile.ZIP_DEFLATED and not _ends_there(raw, begins, info.compress_size):
            return False
        at = begins + info.compress_size
        if info.flag_bits & _DATA_DESCRIPTOR:
            at += 16 if raw[at : at + 4] == b"PK\x07\x08" else 12
    if at != start:
        return False
    for _ in infos:
        if raw[at : at + 4] != b"PK\x01\x02":
            return False
        at += _CENTRAL + sum(struct.unpack_from("<HHH", raw, at + 28))
    return raw[at : at + 4] == b"PK\x05\x06" and len(raw) == at + _END


def _ends_there(raw: bytes, begins: int, size: int) -> bool:
    """Tell whether what is packed ends where its part ends: bytes behind it would be read by nobody."""
    unpacking = zlib.decompressobj(-15)
    rest = raw[begins : begins + size]
    total = 0
    while rest and not unpacking.eof:
        total += len(unpacking.decompress(rest, 1 << 20))
        if total > MAX_UNPACKED:
            return False
        rest = unpacking.unconsumed_tail
    return unpacking.eof and not unpacking.unused_data


def _is_plain(extra: bytes) -> bool:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        held = extra[at + 4 : at + 4 + length]
        if kind == _PADDING:
            if any(held[4:]) or len(held) != length:
                return False
        elif kind not in (*_TIMES, _ZIP64) or length > 36:
            return False
        at += 4 + length
    return at == len(extra)
