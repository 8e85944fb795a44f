"""What a paper is by its bytes: names and declared types count for nothing; two things at once are flagged."""

import struct
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.desk.papers.kinds import FLAGS, KEPT, Look
from doorward.errors import MalformedError

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 10, 10) + b"\x08\x00\x00\x00\x00" + bytes(20)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(40) + b"\xff\xd9"
TIFF = b"II*\x00" + bytes(60)
MESSAGE = b"Received: by x\r\nFrom: a@b.example\r\nSubject: a paper\r\n\r\n<html><script>x</script>\r\n"
ZIP = b"PK\x03\x04" + bytes(30) + b"PK\x01\x02" + bytes(42) + b"PK\x05\x06" + bytes(18)


def look(*pieces: bytes) -> tuple[str, tuple[str, ...]]:
    looked = Look()
    for piece in pieces:
        looked.feed(piece)
    found = looked.finish()
    return found.kind, found.flags


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (PDF, "application/pdf"), (PNG, "image/png"), (JPEG, "image/jpeg"), (TIFF, "image/tiff"),
        (b"MM\x00*" + bytes(9), "image/tiff"), (b"II+\x00" + bytes(9), "image/tiff"), (MESSAGE, "message/rfc822"),
    ],
)  # fmt: skip
def test_what_is_kept_is_known_by_its_bytes(raw: bytes, kind: str) -> None:
    assert look(raw) == (kind, ())


@pytest.mark.parametrize(
    ("raw", "flag"),
    [
        (PDF + ZIP, "archive"), (ZIP + PDF, "archive"), (JPEG + ZIP, "archive"), (PNG + ZIP, "archive"),
        (PDF + b"<SCRIPT>alert(1)</script>", "markup"), (JPEG + b"<html><body>", "markup"),
        (b"<html><!--" + PDF, "markup"), (b"junk\n" + PDF, "late-head"), (PNG + PDF, "second-pdf"),
        (PDF + b"<</S/JavaScript/JS(app.alert(1))>>", "active"), (PDF + b"/Type/EmbeddedFile", "active"),
        (PDF[:40] + bytes(217 + 40 - len(PDF[:40])) + b"ustar\x00", "tape"),
        (PDF + bytes(32_769 - len(PDF)) + b"CD001", "tape"),
        (PNG[:16] + b"\x00\x01\x86\xa0\x00\x01\x86\xa0" + PNG[24:], "large-picture"),
    ],
)  # fmt: skip
def test_two_things_at_once_are_kept_and_flagged(raw: bytes, flag: str) -> None:
    kind, flags = look(raw)
    assert kind in KEPT
    assert flag in flags


@pytest.mark.parametrize(
    "raw",
    [
        b"", ZIP, b"MZ" + bytes(99), b"\x7fELF" + bytes(9), b"<html><script>", b"GIF89a" + bytes(9), b"plain words",
        b"\x1f\x8b" + zlib.compress(bytes(10**6)), b"\x00" * 100, b"Note: no mail\r\n\r\nFrom: x\r\n",
        b"From: a\x00b\r\n\r\n", b"{\\rtf1 }", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99),
    ],
)  # fmt: skip
def test_what_is_none_of_them_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        look(raw)


@given(
    st.sampled_from((PDF + ZIP, PNG + PDF, MESSAGE, PDF + b"<script>" + ZIP)),
    st.lists(st.integers(0, 400), max_size=6),
)
def test_any_pieces_are_the_same_paper(raw: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    assert look(*(raw[at:to] for at, to in pairwise(edges))) == look(raw)


@given(st.binary(max_size=500))
def test_any_bytes_are_a_paper_or_refused(raw: bytes) -> None:
    try:
        kind, flags = look(raw)
    except MalformedError:
        return
    assert kind in KEPT
    assert set(flags) <= set(FLAGS)


def test_what_is_looked_at_is_bounded() -> None:
    looked = Look()
    looked.feed(PDF)
    for _ in range(64):
        looked.feed(bytes(1_000_000))
    assert len(looked._head) <= 40_000
    assert len(looked._tail) <= 65_557
    assert looked.finish().kind == "application/pdf"
