"""A workbook (XLSX) as cells, or everything in it that may not be there. Pure.

calamine, which looking back reads workbooks with, hands out cells and hides the rest: comments, hidden rows, formulas,
properties, strings that no cell shows. Here the rest is the question, so the XML is walked (ADR 67); the tests hold the
cells to calamine's.
"""

import re
from collections.abc import Mapping
from typing import Final

from doorward.fund.grantee import parts
from doorward.fund.grantee.cells import (
    MAX_BYTES,
    MAX_ROWS,
    REPORT,
    WORDS,
    Cell,
    Place,
    Refusal,
    Row,
    Sheet,
    bounded,
    cell_of,
    column_name,
)
from doorward.fund.grantee.markup import Walk, is_plain
from doorward.fund.grantee.packing import unpack

MAX_SHEETS: Final = 8
MAX_CELLS: Final = 600_000
_PLACE: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_SHEET: Final = frozenset(
    [
        "worksheet",
        "sheetPr",
        "pageSetUpPr",
        "tabColor",
        "outlinePr",
        "dimension",
        "sheetViews",
        "sheetView",
        "pane",
        "selection",
        "sheetFormatPr",
        "cols",
        "col",
        "sheetData",
        "row",
        "c",
        "v",
        "is",
        "t",
        "r",
        "rPr",
        "b",
        "i",
        "sz",
        "color",
        "rFont",
        "family",
        "scheme",
        "charset",
        "u",
        "pageMargins",
        "pageSetup",
        "printOptions",
        "ignoredErrors",
        "ignoredError",
        "sheetProtection",
        "sheetCalcPr",
    ]
)
_REFUSED: Final[Mapping[str, str]] = {
    "f": "formula", "mergeCells": "merged", "mergeCell": "merged", "hyperlinks": "link", "hyperlink": "link",
    "drawing": "embedded", "legacyDrawing": "comment", "legacyDrawingHF": "embedded", "picture": "embedded",
    "oleObjects": "embedded", "oleObject": "embedded", "controls": "embedded",
    "dataValidations": "validation", "conditionalFormatting": "validation", "autoFilter": "validation",
    "tableParts": "validation", "dataConsolidate": "external", "customSheetViews": "hidden", "scenarios": "validation",
    "protectedRanges": "validation", "customProperties": "property", "rPh": "text", "phoneticPr": "text",
    "rowBreaks": "setting", "colBreaks": "setting", "extLst": "validation", "AlternateContent": "embedded",
}  # fmt: skip
_HEADERS: Final = frozenset(  # LibreOffice writes them empty
    ["headerFooter", "oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter"]
)
_TRUE: Final = ("1", "true")


def read_workbook(raw: bytes) -> tuple[tuple[Sheet, ...], tuple[Refusal, ...]]:
    """Return the sheets and what refuses the file; both may hold something, and then nothing enters.

    Args:
        raw: The whole file, of a stranger.
    """
    if len(raw) > MAX_BYTES:
        return (), (Refusal(Place(""), "size"),)
    files, refused = unpack(raw)
    if refused:
        return (), refused
    found: list[Refusal] = []
    for name, held in files.items():
        if name in parts.KNOWN:
            is_read_below = name in ("xl/workbook.xml", "xl/sharedStrings.xml")
            kind = None if is_read_below else parts.check_part(name, held)
            if kind:
                found.append(Refusal(Place(""), kind))
        elif not parts.SHEET.fullmatch(name):
            found.append(Refusal(Place(""), _part_kind(name)))
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels", "[Content_Types].xml"} <= set(files):
        return (), bounded([*found, Refusal(Place(""), "damaged")])
    listed, kind = parts.read_book(files["xl/workbook.xml"])
    if kind:
        found.append(Refusal(Place(""), kind))
    relations = parts.read_relations(files["xl/_rels/workbook.xml.rels"])
    targets = [relations.get(relation, "") for _, relation in listed]
    if (
        sorted(targets) != sorted(name for name in files if parts.SHEET.fullmatch(name))
        or len(listed) > MAX_SHEETS
    ):
        return (), bounded([*found, Refusal(Place(""), "part")])
    strings, kind = _read_strings(files.get("xl/sharedStrings.xml"))
    if kind:
        found.append(Refusal(Place(""), kind))
    unused = set(range(len(strings)))
    sheets: list[Sheet] = []
    for number, ((name, _), target) in enumerate(zip(listed, targets, strict=True), start=1):
        shown = name if name in (REPORT, WORDS) else f"sheet {number}"
        if shown != name or name in [one.name for one in sheets]:
            found.append(Refusal(Place(f"sheet {number}"), "sheet"))
        reading = _Reading(shown, strings, unused)
        reading.read(files[target])
        found += reading.refusals
        sheets.append(Sheet(shown, tuple(reading.rows)))
    if any(strings[one].strip() for one in unused):
        found.append(Refusal(Place(""), "text"))
    return tuple(sheets), bounded(found)


def _part_kind(name: str) -> str:
    return next((kind for pattern, kind in parts.PART_KINDS if pattern.search(name)), "part")


def _read_strings(raw: bytes | None) -> tuple[list[str], str | None]:
    if raw is None:
        return [], None
    strings: list[str] = []
    held: list[str] = []

    def start(name: str, attributes: Mapping[str, str]) -> str | None:
        if name in _REFUSED:
            return _REFUSED[name]
        if name == "si":
            held.clear()
        elif name not in (
            "sst",
            "t",
            "r",
            "rPr",
            "b",
            "i",
            "u",
            "sz",
            "color",
            "rFont",
            "family",
            "scheme",
            "charset",
        ):
            return "setting"
        return _check_attributes(name, attributes)

    def end(name: str, text: str) -> None:
        if name == "t":
            held.append(text)
        elif name == "si":
            strings.append("".join(held))

    return strings, Walk(start, end, frozenset({"t"})).read(raw)


def _check_attributes(name: str, attributes: Mapping[str, str]) -> str | None:
    if name == "rFont":
        return parts.check_font(attributes.get("val", ""))
    return (
        None
        if all(is_plain(part) for value in attributes.values() for part in value.split(" "))
        else "setting"
    )


class _Reading:
    """One sheet while it is read: its rows, and each thing that may not be there with its place."""

    def __init__(self, name: str, strings: list[str], unused: set[int]) -> None:
        self.name, self.strings, self.unused = name, strings, unused
        self.rows: list[Row] = []
        self.refusals: list[Refusal] = []
        self._row = self._cells = 0
        self._column = -1
        self._kind = ""
        self._texts: list[str] = []
        self._now: dict[int, Cell] = {}

    def read(self, raw: bytes) -> None:
        kind = Walk(self._start, self._end, frozenset({"v", "t", "f"}) | (_HEADERS - {"headerFooter"})).read(
            raw
        )
        if kind:
            self.refuse(kind)

    def refuse(self, kind: str) -> None:
        column = column_name(self._column) if self._row and self._column >= 0 else ""
        self.refusals.append(Refusal(Place(self.name, self._row, column), kind))

    def _start(self, name: str, attributes: Mapping[str, str]) -> str | None:
        if name in _REFUSED:
            # its own elements would be refused too, and the place is known: the walk goes on for cells only
            if name == "f":
                self.refuse("formula")
                return None
            return _REFUSED[name]
        if name not in _SHEET and name not in _HEADERS:
            return "setting"
        if name in _HEADERS and not all(map(is_plain, attributes.values())):
            return "header-footer"
        if name in ("row", "col") and (attributes.get("hidden") in _TRUE or _is_nought(attributes)):
            self.refuse("hidden")
        if name == "row":
            return self._start_row(attributes)
        if name == "c":
            return self._start_cell(attributes)
        if name == "sheetPr" and re.fullmatch(r"Sheet[0-9]{1,2}", attributes.get("codeName", "")):
            attributes = {key: value for key, value in attributes.items() if key != "codeName"}
        return _check_attributes(name, attributes)

    def _start_row(self, attributes: Mapping[str, str]) -> str | None:
        number = attributes.get("r", str(self._row + 1))
        if not re.fullmatch(r"[1-9][0-9]{0,6}", number) or int(number) <= self._row:
            return "damaged"
        self._row, self._column, self._now = int(number), -1, {}
        return None if all(map(is_plain, attributes.values())) else "setting"

    def _start_cell(self, attributes: Mapping[str, str]) -> str | None:
        place = _PLACE.fullmatch(attributes.get("r", f"{column_name(self._column + 1)}{self._row}"))
        if place is None or int(place[2]) != self._row:
            return "damaged"
        column = _column_number(place[1])
        self._cells += 1
        if column <= self._column or self._cells > MAX_CELLS:
            return "damaged" if column <= self._column else "rows"
        self._column, self._kind, self._texts = column, attributes.get("t", "n"), []
        if self._kind not in ("n", "s", "str", "inlineStr", "b", "e", "d") or {"cm", "vm", "ph"} & set(
            attributes
        ):
            return "setting"
        return None if is_plain(attributes.get("s", "")) and set(attributes) <= {"r", "s", "t"} else "setting"

    def _end(self, name: str, text: str) -> None:
        if name in ("v", "t"):
            self._texts.append(text)
        elif name in _HEADERS and text.strip():
            self.refuse("header-footer")
        elif name == "c" and self._texts:
            text = "".join(self._texts)
            if self._kind == "s":
                at = int(text) if re.fullmatch(r"[0-9]{1,6}", text) else len(self.strings)
                text = self.strings[at] if at < len(self.strings) else ""
                self.unused.discard(at)
                if at >= len(self.strings):
                    self.refuse("damaged")
            if text:
                self._now[self._column] = cell_of(text, is_number=self._kind == "n")
        elif name == "row":
            if self._now:
                self.rows.append((self._row, self._now))
            if len(self.rows) > MAX_ROWS + 1:
                self.refuse("rows")
            self._column = -1
        elif name == "sheetData":
            self._row, self._column = 0, -1


def _is_nought(attributes: Mapping[str, str]) -> bool:
    sizes = [attributes.get("ht"), attributes.get("width")]
    return any(re.fullmatch(r"0(?:\.0*)?|0\.[0-9]+", one) is not None for one in sizes if one is not None)


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
