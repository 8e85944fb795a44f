"""The whole workbook is looked at: what no cell shows refuses it."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from doorward.fund.grantee.cells import KINDS
from doorward.fund.grantee.packing import unpack
from doorward.fund.grantee.report import read_report
from doorward.fund.grantee.separated import read_separated
from doorward.fund.grantee.template import format_csv, format_workbook
from doorward.fund.grantee.workbook import read_workbook
from fund_reports import AGREEMENT, CLEAN, UNITS, changed, packed, parts_of, workbook

SHEET, BOOK, STYLES = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"
NAME = "Jane Doe"
CORE = (
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{}</cp:coreProperties>'
)
APP = '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">{}</Properties>'
ROW = '<row r="2">'
HIDING = {
    "hidden sheet": ("hidden", changed(BOOK, 'name="Words"', 'name="Words" state="hidden"')),
    "very hidden sheet": ("hidden", changed(BOOK, 'name="Words"', 'name="Words" state="veryHidden"')),
    "hidden window": ("hidden", changed(BOOK, "<sheets>", '<bookViews><workbookView visibility="hidden"/></bookViews><sheets>')),
    "sheet of another name": ("sheet", changed(BOOK, 'name="Words"', 'name="Jane"')),
    "hidden row": ("hidden", changed(SHEET, ROW, '<row r="2" hidden="1">')),
    "row of no height": ("hidden", changed(SHEET, ROW, '<row r="2" ht="0" customHeight="1">')),
    "hidden column": ("hidden", changed(SHEET, "<sheetData>", '<cols><col min="3" max="3" width="9" hidden="true"/></cols><sheetData>')),
    "column of no width": ("hidden", changed(SHEET, "<sheetData>", '<cols><col min="3" max="3" width="0"/></cols><sheetData>')),
    "comments": ("comment", packed({**parts_of(workbook()), "xl/comments1.xml": NAME})),
    "threaded comments": ("comment", packed({**parts_of(workbook()), "xl/threadedComments/threadedComment1.xml": NAME})),
    "persons": ("comment", packed({**parts_of(workbook()), "xl/persons/person.xml": NAME})),
    "defined name": ("defined-name", changed(BOOK, "</sheets>", f'</sheets><definedNames><definedName name="Jane">{NAME}</definedName></definedNames>')),
    "author": ("author", packed({**parts_of(workbook()), "docProps/core.xml": CORE.format(f"<dc:creator>{NAME}</dc:creator>")})),
    "last author": ("author", packed({**parts_of(workbook()), "docProps/core.xml": CORE.format(f"<cp:lastModifiedBy>{NAME}</cp:lastModifiedBy>")})),
    "title": ("property", packed({**parts_of(workbook()), "docProps/core.xml": CORE.format(f"<dc:title>{NAME}</dc:title>")})),
    "date of a property": ("property", packed({**parts_of(workbook()), "docProps/core.xml": CORE.format(f"<dcterms:created>{NAME}</dcterms:created>")})),
    "company": ("property", packed({**parts_of(workbook()), "docProps/app.xml": APP.format(f"<Company>{NAME}</Company>")})),
    "manager": ("property", packed({**parts_of(workbook()), "docProps/app.xml": APP.format(f"<Manager>{NAME}</Manager>")})),
    "title of a part": ("property", packed({**parts_of(workbook()), "docProps/app.xml": APP.format(f"<TitlesOfParts><lpstr>{NAME}</lpstr></TitlesOfParts>")})),
    "custom properties": ("property", packed({**parts_of(workbook()), "docProps/custom.xml": NAME})),
    "embedded object": ("embedded", packed({**parts_of(workbook()), "xl/embeddings/oleObject1.bin": NAME})),
    "image": ("embedded", packed({**parts_of(workbook()), "xl/media/image1.png": NAME})),
    "drawing": ("embedded", changed(SHEET, "</worksheet>", '<drawing r:id="rId1" xmlns:r="http://schemas.openxmlformats.org/x"/></worksheet>')),
    "formula": ("formula", changed(SHEET, "<v>12</v>", "<f>LEN(&quot;Jane Doe&quot;)</f><v>12</v>")),
    "array formula": ("formula", changed(SHEET, "<v>12</v>", '<f t="array" ref="L3">12</f><v>12</v>')),
    "external link": ("external", packed({**parts_of(workbook()), "xl/externalLinks/externalLink1.xml": NAME})),
    "external relation": ("external", changed("_rels/.rels", "</Relationships>", '<Relationship Id="rId9" Type="x/worksheet" Target="file:///jane" TargetMode="External"/></Relationships>')),
    "hyperlink": ("link", changed(SHEET, "</worksheet>", '<hyperlinks><hyperlink ref="A1" tooltip="Jane Doe"/></hyperlinks></worksheet>')),
    "custom XML": ("custom-xml", packed({**parts_of(workbook()), "customXml/item1.xml": NAME})),
    "label": ("custom-xml", packed({**parts_of(workbook()), "docMetadata/LabelInfo.xml": NAME})),
    "format that hides": ("format", changed(STYLES, "<fonts", '<numFmts count="1"><numFmt numFmtId="170" formatCode=";;;"/></numFmts><fonts')),
    "format that hides a number": ("format", changed(STYLES, "<fonts", '<numFmts count="1"><numFmt numFmtId="170" formatCode="0;;"/></numFmts><fonts')),
    "words of a format": ("format", changed(STYLES, "<fonts", '<numFmts count="1"><numFmt numFmtId="170" formatCode="&quot;Jane Doe&quot;0"/></numFmts><fonts')),
    "name of a style": ("format", changed(STYLES, 'name="Normal"', 'name="Jane"')),
    "name of a font": ("format", changed(STYLES, "Arial", "Jane Doe")),
    "header for print": ("header-footer", changed(SHEET, "</worksheet>", f"<headerFooter><oddHeader>{NAME}</oddHeader></headerFooter></worksheet>")),
    "validation": ("validation", changed(SHEET, "</worksheet>", '<dataValidations><dataValidation prompt="Jane Doe"/></dataValidations></worksheet>')),
    "conditional format": ("validation", changed(SHEET, "</worksheet>", "<conditionalFormatting/></worksheet>")),
    "merged cells": ("merged", changed(SHEET, "</worksheet>", '<mergeCells><mergeCell ref="A1:B1"/></mergeCells></worksheet>')),
    "extension": ("validation", changed(SHEET, "</worksheet>", "<extLst><ext>Jane</ext></extLst></worksheet>")),
    "phonetic": ("text", changed(SHEET, "<is><t>record</t></is>", "<is><t>record</t><rPh><t>Jane</t></rPh></is>")),
    "text between elements": ("text", changed(SHEET, "</sheetData>", f"{NAME}</sheetData>")),
    "comment in XML": ("text", changed(SHEET, "<sheetData>", f"<!-- {NAME} --><sheetData>")),
    "instruction in XML": ("text", changed(SHEET, "<sheetData>", "<?jane doe?><sheetData>")),
    "string that no cell shows": ("text", packed({**parts_of(workbook()), "xl/sharedStrings.xml": f"<sst><si><t>{NAME}</t></si></sst>"})),
    "path": ("path", changed(BOOK, "<sheets>", '<x15ac:absPath url="C:/Jane" xmlns:x15ac="http://schemas.microsoft.com/office/x"/><sheets>')),
    "shared by": ("author", changed(BOOK, "<sheets>", '<fileSharing userName="Jane Doe"/><sheets>')),
    "code name": ("setting", changed(BOOK, 'filterPrivacy="1"', 'codeName="JaneDoe"')),
    "code name of a sheet": ("setting", changed(SHEET, "<sheetViews>", '<sheetPr codeName="JaneDoe"/><sheetViews>')),
    "unknown element": ("setting", changed(SHEET, "</worksheet>", "<jane/></worksheet>")),
    "space of names": ("setting", changed(SHEET, "<sheetViews>", '<sheetViews xmlns:j="jane:doe">')),
    "macro": ("macro", packed({**parts_of(workbook()), "xl/vbaProject.bin": NAME})),
    "printer": ("printer", packed({**parts_of(workbook()), "xl/printerSettings/printerSettings1.bin": NAME})),
    "chain of formulas": ("formula", packed({**parts_of(workbook()), "xl/calcChain.xml": NAME})),
    "table": ("validation", packed({**parts_of(workbook()), "xl/tables/table1.xml": NAME})),
    "unlisted sheet": ("part", packed({**parts_of(workbook()), "xl/worksheets/sheet9.xml": NAME})),
    "any part": ("part", packed({**parts_of(workbook()), "jane/doe": NAME})),
    "entities": ("damaged", changed(SHEET, "<worksheet", '<!DOCTYPE w [<!ENTITY a "Jane"><!ENTITY b "&a;&a;">]><worksheet')),
    "behind the archive": ("packing", workbook() + NAME.encode()),
    "encrypted": ("encrypted", b"\xd0\xcf\x11\xe0" + bytes(600)),
    "cells twice": ("damaged", changed(SHEET, '<c r="B2"', '<c r="A2"')),
}  # fmt: skip


def test_the_clean_workbook_and_its_csv_say_the_same() -> None:
    sheets, refusals = read_workbook(workbook())
    assert refusals == ()
    report, refusals = read_report(sheets, UNITS, {AGREEMENT})
    assert refusals == ()
    assert report is not None
    assert [one.units for one in report.units] == [12, 85, 13]
    assert [one.amount_cents for one in report.costs] == [450_000, 31_025]


@pytest.mark.parametrize("name", HIDING)
def test_what_hides_refuses_the_file(name: str) -> None:
    kind, raw = HIDING[name]
    _, refusals = read_workbook(raw)
    assert kind in [one.kind for one in refusals]
    assert not [one for one in refusals if "Jane" in str(one)]


def test_every_kind_of_refusal_is_in_small_words_without_a_stop() -> None:
    for says, hint in KINDS.values():
        assert says[0].islower()
        assert not says.endswith(".")
        assert hint is None or not hint.endswith(".")


def test_bytes_before_between_and_in_the_directory_refuse() -> None:
    raw = workbook()
    assert unpack(b"Jane" + raw)[1][0].kind == "packing"
    out = io.BytesIO(raw)
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = b"Jane Doe"
    assert unpack(out.getvalue())[1][0].kind == "packing"
    parts = parts_of(raw)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, held in parts.items():
            info = zipfile.ZipInfo(name)
            info.extra = struct.pack("<HH4s", 0x4444, 4, b"Jane")
            archive.writestr(info, held)
    assert unpack(out.getvalue())[1][0].kind == "packing"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, held in parts.items():
            info = zipfile.ZipInfo(name)
            info.comment = b"Jane Doe"
            archive.writestr(info, held)
    assert unpack(out.getvalue())[1][0].kind == "packing"


def test_a_part_that_was_replaced_in_place_lies_between() -> None:
    """`append` of another directory leaves the old part in the file, where nobody sees it."""
    out = io.BytesIO(workbook())
    with zipfile.ZipFile(out, "a") as archive:
        archive.infolist().pop()
        archive.filelist.pop()
        archive.writestr("xl/other.xml", "x")
    assert unpack(out.getvalue())[1]


def test_bytes_behind_a_packed_part_refuse() -> None:
    import zlib

    held = parts_of(workbook())["xl/styles.xml"]
    packer = zlib.compressobj(wbits=-15)
    body = packer.compress(held) + packer.flush() + b"Jane Doe"
    name = b"xl/styles.xml"
    common = struct.pack(
        "<HHHHHIIIHH", 20, 0, 8, 0, 0x21, zlib.crc32(held), len(body), len(held), len(name), 0
    )
    local = b"PK\x03\x04" + common + name + body
    central = b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    assert unpack(local + central + end)[1][0].kind == "packing"


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(120 << 20))
    assert unpack(out.getvalue())[1][0].kind == "size"


def test_a_file_as_excel_writes_it_without_personal_information_enters() -> None:
    parts = parts_of(workbook())
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
    words = list(dict.fromkeys(part for part in ("record", "agreement")))
    parts["xl/workbook.xml"] = (
        f'{head}<workbook xmlns="{main}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" mc:Ignorable="x15 xr xr6 xr10 xr2" '
        'xmlns:x15="http://schemas.microsoft.com/office/spreadsheetml/2010/11/main" '
        'xmlns:xr="http://schemas.microsoft.com/office/spreadsheetml/2014/revision">'
        '<fileVersion appName="xl" lastEdited="7" lowestEdited="7" rupBuild="29029"/><workbookPr filterPrivacy="1"/>'
        '<xr:revisionPtr revIDLastSave="0" documentId="13_ncr:1_{0B7A4A52-1F6C-4B6E-9C35-5B0C6E4E6F01}"/>'
        '<bookViews><workbookView xWindow="-120" yWindow="-120" windowWidth="29040" windowHeight="15720" '
        'xr2:uid="{00000000-000D-0000-FFFF-FFFF00000000}" xmlns:xr2="http://schemas.microsoft.com/office/2015/revision2"/>'
        '</bookViews><sheets><sheet name="Report" sheetId="1" r:id="rId1"/><sheet name="Words" sheetId="2" r:id="rId2"/>'
        '</sheets><calcPr calcId="191029"/><extLst><ext uri="{140A7094-0E35-4892-8432-C4D2E57EDEB5}">'
        '<x15:workbookPr chartTrackingRefBase="1"/></ext></extLst></workbook>'
    ).encode()
    parts["docProps/core.xml"] = (
        head
        + CORE.format('<dcterms:created xsi:type="dcterms:W3CDTF">2026-11-02T09:00:00Z</dcterms:created>')
    ).encode()
    parts["docProps/app.xml"] = (
        head
        + APP.format(
            "<Application>Microsoft Excel</Application><DocSecurity>0</DocSecurity><ScaleCrop>false</ScaleCrop>"
            '<TitlesOfParts><vt:vector size="2" baseType="lpstr" xmlns:vt="http://schemas.openxmlformats.org/x">'
            "<vt:lpstr>Report</vt:lpstr><vt:lpstr>Words</vt:lpstr></vt:vector></TitlesOfParts><Company></Company>"
            "<AppVersion>16.0300</AppVersion>"
        )
    ).encode()
    parts["xl/sharedStrings.xml"] = (
        f'{head}<sst xmlns="{main}" count="2" uniqueCount="2">'
        + "".join(f"<si><t>{word}</t></si>" for word in words)
        + "</sst>"
    ).encode()
    text = parts[SHEET].decode()
    for at, word in enumerate(words):
        text = text.replace(f't="inlineStr"><is><t>{word}</t></is>', f't="s"><v>{at}</v>', 1)
    parts[SHEET] = text.replace(
        "<sheetData>",
        '<sheetFormatPr defaultRowHeight="14.5" x14ac:dyDescent="0.35" '
        'xmlns:x14ac="http://schemas.microsoft.com/office/spreadsheetml/2009/9/ac"/><cols><col min="1" max="1" '
        'width="11.81640625" bestFit="1" customWidth="1"/></cols><sheetData>',
    ).encode()
    sheets, refusals = read_workbook(packed(parts))
    assert refusals == ()
    report, refusals = read_report(sheets, UNITS, {AGREEMENT})
    assert refusals == ()
    assert report is not None


@given(st.lists(st.lists(st.one_of(st.integers(0, 99_999), st.text(st.characters(min_codepoint=32, max_codepoint=0x4FF, exclude_categories=("Cc", "Cs", "Cf")), min_size=1, max_size=12)), min_size=1, max_size=17), min_size=1, max_size=6))  # fmt: skip
def test_cells_are_those_that_calamine_reads(rows: list[list[str | int]]) -> None:
    raw = format_workbook(UNITS, rows)
    sheets, _ = read_workbook(raw)
    theirs = CalamineWorkbook.from_filelike(io.BytesIO(raw)).get_sheet_by_name("Report").to_python()
    ours = {
        (number - 1, at): text
        for number, row in sheets[0].rows
        for at, cell in row.items()
        if (text := cell.text.strip())
    }
    read = {
        (number, at): str(int(cell)) if isinstance(cell, float) else str(cell).strip()
        for number, row in enumerate(theirs)
        for at, cell in enumerate(row)
        if str(cell).strip()
    }
    assert ours == read


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for found in (read_workbook(raw), read_workbook(b"PK\x03\x04" + raw), read_separated(raw)):
        assert isinstance(found[1], tuple)


@given(st.data())
def test_a_workbook_with_any_bytes_changed_is_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(workbook())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    sheets, refusals = read_workbook(bytes(raw))
    if not refusals:
        read_report(sheets, UNITS, {AGREEMENT})


def test_template_bytes_are_the_same_in_every_run_and_hold_nobody() -> None:
    assert format_workbook(UNITS) == format_workbook(UNITS)
    assert read_workbook(format_workbook(UNITS))[1] == ()
    assert "docProps/core.xml" not in parts_of(format_workbook(UNITS))


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("record,note\r\n".encode("utf-16"), "bytes"),
        (b"record\x00\r\n", "control"),
        (b'record,"two\nlines"\r\n', "quotes"),
        (b'record,"open\r\n', "quotes"),
        (b'rec"ord,x\r\n', "quotes"),
        (b"record\xe9\r\n", "bytes"),
        ("record,no\u200bte\r\n".encode(), "control"),
        ("record,\ufeffx\r\n".encode(), "control"),
        (b"record,\x1b[2J\r\n", "control"),
        (b"x" * (9 << 20), "size"),
        (b"x\r\n" * 30_000, "rows"),
    ],
)
def test_csv_that_two_programs_would_read_differently_is_refused(raw: bytes, kind: str) -> None:
    assert [one.kind for one in read_separated(raw)[1]] == [kind]


def test_csv_with_a_mark_semicolons_or_either_end_of_line_reads_the_same() -> None:
    from fund_reports import rows_of

    raw = format_csv([[str(cell) for cell in row] for row in rows_of(CLEAN)])
    plain = read_separated(raw)[0]
    assert read_separated(b"\xef\xbb\xbf" + raw)[0] == plain
    assert read_separated(raw.replace(b"\r\n", b"\n"))[0] == plain
    assert read_separated(raw.replace(b",", b";"))[0] == plain
