"""Workbooks made by hand: what a program would write, and what no program would."""

import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


class Error(str):
    """A cell that holds an error of the spreadsheet: `#N/A`."""

    __slots__ = ()


class Formula(str):
    """A cell whose text was computed."""

    __slots__ = ()


class Sheet:
    """A sheet: rows of cells from A1 on; None is no cell, and an empty list no row."""

    def __init__(
        self,
        name: str,
        rows: Sequence[Sequence[object]],
        *,
        state: str = "",
        merged: Sequence[str] = (),
        xml: str = "",
    ) -> None:
        self.name, self.rows, self.state, self.merged, self.xml = name, rows, state, merged, xml


def column(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def serial(moment: datetime) -> float:
    return (moment - datetime(1899, 12, 30)).total_seconds() / 86_400


def cell(place: str, value: object) -> str:
    match value:
        case None:
            return ""
        case Error():
            return f'<c r="{place}" t="e"><v>{value}</v></c>'
        case Formula():
            return f'<c r="{place}" t="str"><f>A1&amp;B1</f><v>{escape(value)}</v></c>'
        case bool():
            return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
        case int() | float():
            return f'<c r="{place}"><v>{value!r}</v></c>'
        case datetime():
            return f'<c r="{place}" s="1"><v>{serial(value)!r}</v></c>'
        case _:
            return (
                f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'
            )


def sheet_xml(sheet: Sheet) -> str:
    rows = "".join(
        f'<row r="{r}">{"".join(cell(f"{column(c)}{r}", value) for c, value in enumerate(row))}</row>'
        for r, row in enumerate(sheet.rows, 1)
        if row
    )
    merged = "".join(f'<mergeCell ref="{ref}"/>' for ref in sheet.merged)
    return (
        f'<?xml version="1.0"?><worksheet xmlns="{MAIN}"><sheetData>{sheet.xml or rows}</sheetData>'
        + (f"<mergeCells>{merged}</mergeCells>" if merged else "")
        + "</worksheet>"
    )


def save_workbook(path: Path, sheets: Sequence[Sheet], *, is_1904: bool = False) -> Path:
    """Write a workbook and return its path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<?xml version="1.0"?><Types xmlns="{PACKAGE}/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<?xml version="1.0"?><Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r" '
            f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        listed = "".join(
            f"<sheet name={quoteattr(one.name)} sheetId={quoteattr(str(number))} "
            + (f"state={quoteattr(one.state)} " if one.state else "")
            + f'r:id="s{number}"/>'
            for number, one in enumerate(sheets, 1)
        )
        properties = '<workbookPr date1904="1"/>' if is_1904 else ""
        archive.writestr(
            "xl/workbook.xml",
            f'<?xml version="1.0"?><workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">{properties}'
            f"<sheets>{listed}</sheets></workbook>",
        )
        relations = "".join(
            f'<Relationship Id="s{number}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
            for number in range(1, len(sheets) + 1)
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<?xml version="1.0"?><Relationships xmlns="{PACKAGE}/relationships">{relations}'
            f'<Relationship Id="st" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/styles.xml",
            f'<?xml version="1.0"?><styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
            '<xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>',
        )
        for number, one in enumerate(sheets, 1):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", sheet_xml(one))
    return path
