"""What a paper is by its bytes, read as it comes by, and what else it could be to another program. Pure.

Nothing is unpacked and nothing is drawn. What is kept is evidence, whatever it does to a reader: so a file that is two
things at once is kept and flagged, and leaves the desk as bytes alone.
"""

import re
from dataclasses import dataclass
from typing import Final

from doorward.desk.messages.contents import HEAD, JPEG, MARKS, MAX_PIXELS, PDF, PNG, TAIL, TIFF
from doorward.errors import MalformedError

MESSAGE: Final = "message/rfc822"
KEPT: Final = (PDF, PNG, JPEG, TIFF, MESSAGE)
KEPT_WORDS: Final = "PDF, PNG, JPEG, TIFF or a message (.eml)"
FLAGS: Final = {
    "archive": "it is also an archive",
    "markup": "it also holds a web page's code",
    "second-pdf": "it also is a PDF to some readers",
    "late-head": "other bytes stand before its PDF head",
    "active": "it holds a script, an attachment or a command",
    "tape": "it is also an archive or a disk's image",
    "large-picture": "it would unfold to a very large picture",
}
"""What each flag says; a flagged paper is opened on a machine for that, or not at all."""
_HEAD: Final = 40_000  # an image of a disk says so at 32,769
_OVERLAP: Final = 16
_MARKUP: Final = (b"<script", b"<html", b"<!doctype html", b"<svg ", b"<iframe", b"<?php")
_ACTIVE: Final = (b"/javascript", b"/launch", b"/embeddedfile")
_BIG_TIFF: Final = (b"II+\x00", b"MM\x00+")
_HEADER: Final = re.compile(
    rb"(?m)^(from|date|subject|received|return-path|message-id|mime-version):", re.IGNORECASE
)
_FIELD: Final = re.compile(rb"[!-9;-~]{1,76}:[ \t\r\n]?")


@dataclass(frozen=True, slots=True)
class Found:
    """What a paper is.

    Args:
        kind: A media type of `KEPT`.
        flags: Words of `FLAGS`, in their order.
    """

    kind: str
    flags: tuple[str, ...]


class Look:
    """Looks at a paper that goes by piece by piece; holds a bounded part of it."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = b""
        self._seen: set[str] = set()

    def feed(self, piece: bytes) -> None:
        """Take the next piece; of any size."""
        if len(self._head) < _HEAD:
            self._head += piece[: _HEAD - len(self._head)]
        lower = (self._tail[-_OVERLAP:] + piece).lower()
        self._seen |= {"markup"} if any(mark in lower for mark in _MARKUP) else set()
        self._seen |= {"active"} if any(mark in lower for mark in _ACTIVE) else set()
        self._tail = (self._tail + piece)[-TAIL:]

    def finish(self) -> Found:
        """Return what it is.

        Raises:
            MalformedError: It is empty, or nothing that the desk keeps.
        """
        if not self._head:
            raise MalformedError("the file is empty")
        kind = self._kind()
        if kind is None:
            raise MalformedError(
                f"expected {KEPT_WORDS}, by what the file holds and not by its name", hint="scan it as a PDF"
            )
        flags = self._flags(kind)
        return Found(kind, tuple(flag for flag in FLAGS if flag in flags))

    def _kind(self) -> str | None:
        head = bytes(self._head)
        for mark, at, kind in MARKS:
            if head.startswith(mark, at):
                # A PDF that some program takes for an archive of old is still the paper that was served.
                return kind if kind in KEPT else (PDF if b"%PDF-" in head[:HEAD] else None)
        if head.startswith(_BIG_TIFF):
            return TIFF
        if b"%PDF-" in head[:HEAD]:
            return PDF
        return MESSAGE if _is_message(head) else None

    def _flags(self, kind: str) -> set[str]:
        head = bytes(self._head)
        flags = set(self._seen)
        if kind == MESSAGE:
            flags -= {
                "markup",
                "active",
            }  # letters are written in markup; it is no page to any reader of this type
        if kind != PDF:
            flags -= {"active"}
            if b"%PDF-" in head[:HEAD]:
                flags |= {"second-pdf"}
        elif not head.startswith(b"%PDF-"):
            flags |= {"late-head"}
        if b"PK\x05\x06" in self._tail or head.startswith(b"PK\x03\x04"):
            flags |= {"archive"}
        if head.startswith(b"CD001", 32_769) or head.startswith(b"ustar", 257):
            flags |= {"tape"}
        # PNG (RFC 2083, 4.1.1): the first chunk is IHDR, with width and height at 16 and 20.
        dots = int.from_bytes(head[16:20], "big") * int.from_bytes(head[20:24], "big")
        if kind == PNG and dots > MAX_PIXELS:
            flags |= {"large-picture"}
        return flags


def group(digest: str) -> str:
    """Return a digest in groups of eight, for people to compare and for lines to break."""
    return " ".join(digest[at : at + 8] for at in range(0, len(digest), 8))


def _is_message(head: bytes) -> bool:
    """Whether this begins as mail does (RFC 5322, 2.2): a header field first, and one that mail has among them."""
    fields = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    return b"\x00" not in fields and bool(_FIELD.match(fields)) and bool(_HEADER.search(fields))
