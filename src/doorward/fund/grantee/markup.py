"""One XML part of a workbook, walked with a list of what may stand in it. Pure.

What is not on the list refuses the file: an element, attribute, word, comment or instruction. A document type is
refused before an entity of it could be read.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final
from xml.parsers import expat

Start = Callable[[str, Mapping[str, str]], str | None]
_SPACES: Final = re.compile(
    r"(?:http://schemas\.openxmlformats\.org/|http://schemas\.microsoft\.com/office/|http://purl\.org/dc/|http://purl\.oclc\.org/ooxml/"
    r"|http://www\.w3\.org/)[A-Za-z0-9/._-]{0,90}|urn:schemas-microsoft-com:[a-z:]{1,40}"
    r"|http://schemas\.libreoffice\.org/"
)
_NUMBER: Final = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,17})?(?:[eE]-?[0-9]{1,2})?|[0-9A-F]{6}|[0-9A-F]{8}")
_GUID: Final = re.compile(
    r"(?:[0-9]{1,3}_ncr:[0-9a-f]{1,4}_)?\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?"
)
_RANGE: Final = re.compile(
    r"\$?[A-Z]{1,3}\$?[0-9]{1,7}(?::\$?[A-Z]{1,3}\$?[0-9]{1,7})?|[0-9]{1,5}(?::[0-9]{1,5})?"
)
_PREFIXES: Final = re.compile(
    r"(?:x[a-z]{0,3}[0-9]{0,2}(?:ac)?|mc|loext)(?: (?:x[a-z]{0,3}[0-9]{0,2}(?:ac)?|mc|loext)){0,12}"
)
TOKENS: Final = frozenset(
    [
        "true",
        "false",
        "preserve",
        "xl",
        "Calc",
        "CalcA1",
        "CalcA1ExcelA1",
        "ExcelA1",
        "visible",
        "all",
        "frozen",
        "frozenSplit",
        "bottomRight",
        "bottomLeft",
        "topRight",
        "topLeft",
        "general",
        "auto",
        "autoNoTable",
        "normal",
        "pageBreakPreview",
        "pageLayout",
        "portrait",
        "landscape",
        "default",
        "downThenOver",
        "overThenDown",
        "none",
        "single",
        "left",
        "right",
        "center",
        "top",
        "bottom",
        "thin",
        "medium",
        "solid",
        "gray125",
        "minor",
        "major",
        "calibri",
        "nextColumn",
        "automatic",
        "ThisWorkbook",
        "downwards",
        "all",
        "placeholders",
        "objects",
        "context",
        "commIndicator",
        "displayed",
        "end",
        "asDisplayed",
    ]
)


def is_plain(value: str) -> bool:
    """Tell whether an attribute's value is a number, a range, an id of a program or a word of the format itself."""
    return (
        not value
        or value in TOKENS
        or any(pattern.fullmatch(value) for pattern in (_NUMBER, _GUID, _RANGE, _PREFIXES))
    )


class Walk:
    """A strict walk; the first thing that may not be there stands in ``refused``.

    Args:
        start: Called with the local name and attributes of each element; returns the kind of a refusal, or None.
        end: Called with the local name and the text of each element that takes text.
        texts: Elements that take text; elsewhere it is refused.
    """

    def __init__(self, start: Start, end: Callable[[str, str], None], texts: frozenset[str]) -> None:
        self._start, self._end, self._texts = start, end, texts
        self._held: list[str] = []
        self._stack: list[str] = []
        self.refused: str | None = None

    def read(self, raw: bytes) -> str | None:
        """Return why the part is refused, or None.

        Args:
            raw: Of a stranger.
        """
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in raw[:400]:
            return "damaged"
        parser = expat.ParserCreate(encoding="UTF-8", namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._starts
        parser.EndElementHandler = self._ends
        parser.CharacterDataHandler = self._takes
        parser.CommentHandler = lambda _: self._refuse("text")
        parser.ProcessingInstructionHandler = lambda *_: self._refuse("text")
        parser.StartDoctypeDeclHandler = lambda *_: self._refuse("damaged")
        parser.StartNamespaceDeclHandler = self._space
        is_well = True
        try:
            parser.Parse(raw, True)  # noqa: FBT003  # expat takes it by position only
        except (expat.ExpatError, _RefusedError):
            is_well = False
        return self.refused or (None if is_well else "damaged")

    def _refuse(self, kind: str) -> None:
        self.refused = kind
        raise _RefusedError

    def _space(self, _prefix: str | None, uri: str | None) -> None:
        if uri and not _SPACES.fullmatch(uri):
            self._refuse("setting")

    def _starts(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        self._stack.append(local)
        if len(self._stack) > 24:
            self._refuse("damaged")
        if local in self._texts:
            self._held = []
        kind = self._start(local, {key.rpartition(" ")[2]: value for key, value in attributes.items()})
        if kind:
            self._refuse(kind)

    def _takes(self, text: str) -> None:
        if self._stack[-1] in self._texts:
            self._held.append(text)
        elif text.strip(" \t\r\n"):
            self._refuse("text")

    def _ends(self, name: str) -> None:
        local = name.rpartition(" ")[2]
        self._stack.pop()
        self._end(local, "".join(self._held) if local in self._texts else "")


class _RefusedError(Exception):
    """Leaves the parser; it holds nothing."""
