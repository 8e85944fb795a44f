"""What reads a PDF, in the child: where each piece of text stands on each page.

A piece is what the page draws in one line without a jump; blanks that stand in the file are kept, blanks that pdfium
infers from distances part pieces. What the pieces mean is found out by the parent (`printed`), which is pure.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import ConfigError, MalformedError

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

MAX_PAGES: Final = 50_000
MAX_PAGE_CHARACTERS: Final = 200_000  # a page of a print has 3,000 to 12,000
JUMP: Final = 0.8  # of the height of a letter: wider than any blank in a line of text
PASSWORD: Final = 4  # FPDF_ERR_PASSWORD
SECURITY: Final = 5  # FPDF_ERR_SECURITY
HYPHENS: Final = "\x02\ufffe"  # what pdfium gives for a hyphen at the end of a line

_HYPHENS: Final = dict.fromkeys(map(ord, HYPHENS), "-")
Box = tuple[float, float, float, float]


def run(file: Path, folder: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return how many pages there are and which have no text; `pages.jsonl` gets a line a page.

    Raises:
        MalformedError: It is no PDF that can be read, is encrypted, or has no text at all.
        ConfigError: pypdfium2 is not installed.
        OSError: The file cannot be read, or the folder not written.
    """
    del options
    try:
        import pypdfium2
    except ImportError as error:
        raise ConfigError("reading a PDF needs pypdfium2", hint="pip install 'doorward[lookback]'") from error
    with file.open("rb") as stream:
        if b"%PDF-" not in stream.read(1024):
            raise MalformedError("it is no PDF")
    try:
        document = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) in {PASSWORD, SECURITY}:
            raise MalformedError("it is encrypted", hint="ask for it without a password") from error
        raise MalformedError("it is damaged: its pages cannot be found") from error
    count = len(document)
    if count > MAX_PAGES:
        raise MalformedError(f"it has {count:,} pages, and at most {MAX_PAGES:,} are read")
    without, broken, outside = [], [], 0
    with (folder / "pages.jsonl").open("w", encoding="utf-8", errors="replace") as out:
        for number in range(count):
            page = _read_page(document, number)
            outside += page["outside"] if page is not None else 0
            if page is None:
                broken.append(number + 1)
            elif not page["runs"]:
                without.append(number + 1)
            else:
                out.write(json.dumps(page) + "\n")
    if count and len(without) + len(broken) == count and without:
        raise MalformedError(
            f"it has no text: its {count:,} pages are pictures (a scan)",
            hint="ask for the file that was printed or scanned; a machine's reading of a picture is no evidence",
        )
    if len(broken) == count:
        raise MalformedError("it is damaged: none of its pages can be read")
    return {"pages": count, "without": without[:1000], "broken": broken[:1000], "outside": outside}


def _read_page(document: "PdfDocument", number: int) -> dict[str, Any] | None:
    from pypdfium2 import PdfiumError

    try:
        page = document[number]
    except PdfiumError:
        return None
    try:
        width, height = page.get_size()
        runs, outside = [], 0
        for box, text in _runs(page):
            left, top, right, bottom = box
            # What stands beyond the paper is printed nowhere; a place that is no number stands nowhere.
            if 0 <= (left + right) / 2 <= width and 0 <= (top + bottom) / 2 <= height:
                runs.append([*(round(side, 2) for side in box), text])
            else:
                outside += 1
        return {"page": number + 1, "runs": runs, "outside": outside}
    except PdfiumError:
        return None
    finally:
        page.close()


def _runs(page: "PdfPage") -> Iterator[tuple[Box, str]]:
    """Yield left, top, right, bottom (from the page's upper left corner) and text of each piece."""
    text_page = page.get_textpage()
    try:
        letters = _Letters(page, text_page)
        start: int | None = None
        for index in range(letters.count):
            if letters.ends(index, start):
                if start is not None:
                    yield from letters.piece(start, index)
                start = None if letters.is_gap(index) else index
            elif start is None and not letters.is_gap(index):
                start = index
            if start is not None and letters.text[index] in HYPHENS:
                yield from letters.piece(start, index + 1)
                start = None
        if start is not None:
            yield from letters.piece(start, letters.count)
    finally:
        text_page.close()


@dataclass(slots=True)
class _Letters:
    """The letters of a page, by index; boxes are asked for only where a piece may begin or end."""

    page: Any
    text_page: Any
    count: int = 0
    text: str = ""
    width: float = 0.0
    height: float = 0.0
    rotation: int = 0

    def __post_init__(self) -> None:
        import ctypes

        from pypdfium2 import raw

        self.count = min(raw.FPDFText_CountChars(self.text_page), MAX_PAGE_CHARACTERS)
        self.rotation = self.page.get_rotation()
        width, height = self.page.get_size()
        self.width, self.height = (height, width) if self.rotation in {90, 270} else (width, height)
        buffer = ctypes.create_string_buffer((self.count + 1) * 2)
        raw.FPDFText_GetText(
            self.text_page, 0, self.count, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort))
        )
        text = buffer.raw[: self.count * 2].decode("utf-16-le", "replace")
        if len(text) != self.count or "\0" in text:  # letters beyond the first plane, or left out: one by one
            text = "".join(
                _letter(raw.FPDFText_GetUnicode(self.text_page, index)) for index in range(self.count)
            )
        self.text = text

    def is_gap(self, index: int) -> bool:
        """Whether nothing of a piece stands here: the end of a line, or a blank that is not in the file."""
        from pypdfium2 import raw

        letter = self.text[index]
        if letter in "\r\n":
            return True
        return letter.isspace() and raw.FPDFText_IsGenerated(self.text_page, index) == 1

    def ends(self, index: int, start: int | None) -> bool:
        """Whether a piece that is open ends before this letter."""
        if start is None:
            return False
        if self.is_gap(index):
            return True
        if index <= start or not self.text[index - 1].isspace() or self.text[index].isspace():
            return False
        before = index - 1
        while before > start and self.text[before].isspace():
            before -= 1
        left, right = self.box(before), self.box(index)
        jump = JUMP * max(left[3] - left[1], 1.0)
        blanks = index - 1 - before
        return right[0] - left[2] > jump * max(blanks, 1) or abs(right[3] - left[3]) > jump / 2

    def box(self, index: int) -> Box:
        """Left, top, right, bottom of a letter as the page is looked at."""
        import ctypes

        from pypdfium2 import raw

        found = raw.FS_RECTF()
        raw.FPDFText_GetLooseCharBox(self.text_page, index, ctypes.byref(found))
        left, right, bottom, top = found.left, found.right, found.bottom, found.top
        if self.rotation == 90:  # degrees
            return bottom, left, top, right
        if self.rotation == 180:  # degrees
            return self.width - right, bottom, self.width - left, top
        if self.rotation == 270:  # degrees
            return self.height - top, self.width - right, self.height - bottom, self.width - left
        return left, self.height - top, right, self.height - bottom

    def piece(self, start: int, end: int) -> Iterator[tuple[Box, str]]:
        """Yield a piece, if anything stands in it."""
        text = self.text[start:end].translate(_HYPHENS)
        if not text.strip():
            return
        last = end - 1
        while last > start and self.text[last].isspace():
            last -= 1
        first, final = self.box(start), self.box(last)
        yield (first[0], min(first[1], final[1]), final[2], max(first[3], final[3])), text


def _letter(code: int) -> str:
    is_letter = 0 < code < 0xD800 or 0xE000 <= code <= 0x10FFFF  # the planes of Unicode
    return chr(code) if is_letter else "\ufffd"
