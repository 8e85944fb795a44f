"""What a reader's software is told of a PDF: read back with pikepdf, which did not write it."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pikepdf
import pypdfium2


@dataclass(frozen=True)
class Told:
    """Language, title and the tags in reading order."""

    language: str
    title: str
    shows_title: bool
    tags: tuple[str, ...]
    standards: frozenset[str]
    empty_alternatives: int

    @property
    def headings(self) -> tuple[int, ...]:
        return tuple(int(tag[1:]) for tag in self.tags if tag[0] == "H" and tag[1:].isdigit())


def read_tags(pdf: bytes) -> Told:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        root = document.Root
        assert root.MarkInfo.Marked
        tree = list(walk(root.StructTreeRoot.K))
        metadata = document.open_metadata()
        standards = {
            name
            for name, key, value in (
                ("ua-1", "pdfuaid:part", "1"),
                ("a-2", "pdfaid:part", "2"),
                ("a", "pdfaid:conformance", "A"),
            )
            if str(metadata.get(key)) == value
        }
        return Told(
            language=str(root.Lang),
            title=str(metadata["dc:title"]),
            shows_title=bool(root.ViewerPreferences.DisplayDocTitle),
            tags=tuple(str(node.S)[1:] for node in tree),
            standards=frozenset(standards),
            empty_alternatives=sum("/Alt" in node and not str(node.Alt).strip() for node in tree),
        )


def walk(kids: Any) -> Iterator[Any]:
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary):
            if "/S" in kid:
                yield kid
            if "/K" in kid:
                yield from walk(kid.K)


def read_text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()
    return " ".join("\n".join(pages).split())


def assert_well_told(pdf: bytes) -> Told:
    """Check what every letter and report keeps, and return what was read."""
    told = read_tags(pdf)
    assert told.standards == {"ua-1", "a-2", "a"}
    assert told.title.strip()
    assert told.shows_title
    assert told.empty_alternatives == 0
    assert told.tags.count("Title") == 1
    steps = [0, *told.headings]
    assert all(after <= before + 1 for before, after in pairwise(steps))
    return told
