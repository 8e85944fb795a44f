"""What a file is, by its bytes alone; and whether it is two things at once. Pure.

Nothing is unpacked, so nothing can unfold: an archive is refused, and what a picture would become is read off its head.
"""

from collections.abc import Callable
from typing import Final

PDF, PNG, JPEG, TIFF, TEXT = "application/pdf", "image/png", "image/jpeg", "image/tiff", "text/plain"
OPENED: Final = (PDF, PNG, JPEG, TIFF, TEXT)  # what a desk can show and a person can read
MAX_PIXELS: Final = 80_000_000  # a page of A3 at 600 dots an inch has 70 million
HEAD: Final = 1024  # readers of PDF accept the header anywhere in here (ISO 32000-1, annex H.3.4.1)
TAIL: Final = 65_557  # an archive's end record and its longest comment (APPNOTE 4.3.16)
MARKS: Final[tuple[tuple[bytes, int, str], ...]] = (
    (b"%PDF-", 0, PDF),
    (b"\x89PNG\r\n\x1a\n", 0, PNG),
    (b"\xff\xd8\xff", 0, JPEG),
    (b"II*\x00", 0, TIFF),
    (b"MM\x00*", 0, TIFF),
    (b"GIF8", 0, "image/gif"),
    (b"PK\x03\x04", 0, "application/zip"),
    (b"PK\x05\x06", 0, "application/zip"),
    (b"\x1f\x8b", 0, "application/gzip"),
    (b"BZh", 0, "application/x-bzip2"),
    (b"\xfd7zXZ\x00", 0, "application/x-xz"),
    (b"7z\xbc\xaf\x27\x1c", 0, "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", 0, "application/vnd.rar"),
    (b"\x28\xb5\x2f\xfd", 0, "application/zstd"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, "application/x-ole-storage"),
    (b"\x78\x9f\x3e\x22", 0, "application/vnd.ms-tnef"),
    (b"{\\rtf", 0, "application/rtf"),
    (b"MZ", 0, "application/x-msdownload"),
    (b"\x7fELF", 0, "application/x-elf"),
    (b"RIFF", 0, "application/x-riff"),
    (b"ftyp", 4, "application/mp4"),
    (b"ustar", 257, "application/x-tar"),
    (b"CD001", 32_769, "application/x-iso9660-image"),
)
MARKUP: Final = (b"<!doctype", b"<html", b"<script", b"<svg", b"<?xml", b"<body", b"<iframe", b"<?php")
UNKNOWN: Final = "application/octet-stream"


def sniff_type(content: bytes) -> str:
    """Return what a file is by its first bytes; `UNKNOWN` where nothing says it."""
    for mark, at, kind in MARKS:
        if content.startswith(mark, at):
            return kind
    if _is_markup(content[:HEAD]):
        return "text/html"
    return TEXT if _is_text(content) else UNKNOWN


def find_danger(content: bytes, kind: str) -> str | None:
    """Return why a file of this type is not opened at a desk, or None.

    Args:
        kind: As `sniff_type` has it; what the sender declared counts for nothing.
    """
    if not content:
        return "it is empty"
    if kind not in OPENED:
        return "it is none of: PDF, PNG, JPEG, TIFF, plain text"
    other = _second_type(content, kind)
    if other is not None:
        return f"it is two files at once: {kind} and {other}"
    pixels = _pixels(content) if kind == PNG else 0
    return f"it would have more than {MAX_PIXELS} dots" if pixels > MAX_PIXELS else None


def _second_type(content: bytes, kind: str) -> str | None:
    """Return what else a file would be to another reader, or None."""
    head, lower = content[:HEAD], content[:HEAD].lower()
    tests: tuple[tuple[str, Callable[[], bool]], ...] = (
        (PDF, lambda: kind != PDF and b"%PDF-" in head),
        ("application/zip", lambda: b"PK\x05\x06" in content[-TAIL:] and b"PK\x01\x02" in content),
        ("text/html", lambda: any(mark in lower for mark in MARKUP if kind != PDF or mark != b"<?xml")),
        ("application/x-iso9660-image", lambda: content.startswith(b"CD001", 32_769)),
        ("application/x-tar", lambda: content.startswith(b"ustar", 257)),
    )
    return next((name for name, test in tests if test()), None)


def _pixels(content: bytes) -> int:
    # PNG (RFC 2083, 4.1.1): the first chunk is IHDR, with width and height at 16 and 20.
    return int.from_bytes(content[16:20], "big") * int.from_bytes(content[20:24], "big")


def _is_markup(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(MARKUP)


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any(ord(char) < 32 and char not in "\t\r\n\f" for char in text)
