"""The template of a report, as CSV and as a workbook, whose bytes are the same in every run. Pure.

``filterPrivacy`` asks the program to leave its user's name out when it saves (ECMA-376 Part 1, 18.2.28).
"""

import io
import zipfile
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from doorward.fund.grantee.cells import REPORT, WORDS, column_name
from doorward.fund.grantee.report import COLUMNS, words_rows
from doorward.orders.fund_units import FundUnits

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_FORM: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the first day that an archive can say
_STYLES: Final = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}">'
    '<fonts count="2"><font><sz val="11"/><name val="Arial"/></font>'
    '<font><b/><sz val="11"/><name val="Arial"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/>'
    '</fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/>'
    "<bottom/><diagonal/></border></borders>"
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
    '</cellStyleXfs><cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs><cellStyles count="1">'
    '<cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


def format_csv(rows: Sequence[Sequence[str]] = ()) -> bytes:
    """Return a report as CSV in UTF-8, its headings first.

    Args:
        rows: Texts by column of `COLUMNS`; none for an empty template.
    """
    lines = [",".join(_quoted(cell) for cell in row) for row in (COLUMNS, *rows)]
    return ("\r\n".join(lines) + "\r\n").encode("utf-8")


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(one in cell for one in ',"\r\n;') else cell


def format_workbook(units: FundUnits, rows: Sequence[Sequence[str | int]] = ()) -> bytes:
    """Return a report as a workbook of two sheets: the table, and the words that may stand in it.

    Args:
        units: The order's words.
        rows: By column of `COLUMNS`; an int becomes a number. None for an empty template.
    """
    relation = f'<Relationship Id="rId{{}}" Type="{_RELATIONS}/{{}}" Target="{{}}"/>'
    parts = {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        f'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{_FORM}.sheet.main+xml"/>'
        + "".join(
            f'<Override PartName="/xl/{name}.xml" ContentType="{_FORM}.{kind}+xml"/>'
            for name, kind in (
                ("worksheets/sheet1", "worksheet"),
                ("worksheets/sheet2", "worksheet"),
                ("styles", "styles"),
            )
        )
        + "</Types>",
        "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
        + relation.format(1, "officeDocument", "xl/workbook.xml")
        + "</Relationships>",
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><workbookPr filterPrivacy="1"/>'
        f'<sheets><sheet name="{REPORT}" sheetId="1" r:id="rId1"/>'
        f'<sheet name="{WORDS}" sheetId="2" r:id="rId2"/></sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
        + relation.format(1, "worksheet", "worksheets/sheet1.xml")
        + relation.format(2, "worksheet", "worksheets/sheet2.xml")
        + relation.format(3, "styles", "styles.xml")
        + "</Relationships>",
        "xl/worksheets/sheet1.xml": _sheet((COLUMNS, *rows)),
        "xl/worksheets/sheet2.xml": _sheet(words_rows(units)),
        "xl/styles.xml": _STYLES,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text.encode("utf-8"))
    return out.getvalue()


def _sheet(rows: Sequence[Sequence[str | int]]) -> str:
    body = []
    for number, row in enumerate(rows, start=1):
        style = ' s="1"' if number == 1 else ""
        cells = [
            f'<c r="{column_name(column)}{number}"{style}><v>{cell}</v></c>'
            if isinstance(cell, int)
            else f'<c r="{column_name(column)}{number}"{style} t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
            for column, cell in enumerate(row)
            if cell != ""
        ]
        body.append(f'<row r="{number}">{"".join(cells)}</row>')
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    views = f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
    return f'{_HEAD}<worksheet xmlns="{_MAIN}">{views}<sheetData>{"".join(body)}</sheetData></worksheet>'
