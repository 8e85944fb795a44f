"""The parts of a workbook beside its sheets: what may stand in each, and what is said of the rest. Pure.

Elements and attributes after ECMA-376 Part 1 (SpreadsheetML 18, properties 15.2) and Part 2 (packages).
"""

import re
from collections.abc import Mapping
from typing import Final

from doorward.fund.grantee.markup import Walk, is_plain
from doorward.fund.grantee.traces import find_trace

PART_KINDS: Final = (  # which words a part that may not be there is refused with
    (re.compile(r"(?i)comment|person|note"), "comment"),
    (re.compile(r"(?i)vba|macro"), "macro"),
    (re.compile(r"(?i)printersettings"), "printer"),
    (re.compile(r"(?i)externallink|connections|querytable"), "external"),
    (
        re.compile(
            r"(?i)media|embed|drawing|chart|diagram|activex|ctrlprop|\.(?:png|jpe?g|emf|wmf|gif|bin)$"
        ),
        "embedded",
    ),
    (re.compile(r"(?i)customxml|docmetadata"), "custom-xml"),
    (re.compile(r"(?i)custom\.xml|docprops|thumbnail"), "property"),
    (re.compile(r"(?i)calcchain"), "formula"),
    (re.compile(r"(?i)table|pivot"), "validation"),
)
KNOWN: Final = (
    "[Content_Types].xml", "_rels/.rels", "docProps/app.xml", "docProps/core.xml", "xl/workbook.xml",
    "xl/_rels/workbook.xml.rels", "xl/styles.xml", "xl/sharedStrings.xml", "xl/theme/theme1.xml",
)  # fmt: skip
SHEET: Final = re.compile(r"xl/worksheets/sheet[0-9]{1,2}\.xml")
_RELATIONS: Final = frozenset(
    [
        "officeDocument",
        "core-properties",
        "extended-properties",
        "worksheet",
        "theme",
        "styles",
        "sharedStrings",
    ]
)
_TARGET: Final = re.compile(
    r"/?(?:xl/)?(?:docProps/(?:app|core)|workbook|worksheets/sheet[0-9]{1,2}|theme/theme1|styles"
    r"|sharedStrings)\.xml"
)
_ID: Final = re.compile(r"rId[0-9]{1,3}|R[0-9a-f]{8,16}")
_TYPE: Final = re.compile(r"application/[a-z0-9.+-]{1,90}|text/xml|image/(?:png|jpeg)", re.IGNORECASE)
_LANGUAGE: Final = re.compile(r"(?:[a-z]{2,3}(?:-[A-Z]{2})?)?")  # of the program, as LibreOffice says it
_STAMP: Final = re.compile(
    r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?Z"
)
_FORMAT: Final = re.compile(
    r'(?:General|[#0,.;()$\-_ *?%/@:\\]|\[\$-[0-9A-F]{1,6}\]|\[\$\$-[0-9A-F]{1,6}\]|\[Red\]|"\$"'
    r'|"-"\?{0,2}|yyyy|yy|m{1,5}|d{1,4}|h{1,2}|s{1,2}|AM/PM){1,60}'
)
_DIGIT_PLACE: Final = re.compile(r"[#0?@ymdhsG]")
_STYLE: Final = re.compile(
    r"Normal(?: [0-9])?|Comma(?: \[0\])?|Currency(?: \[0\])?|Percent|Default|Hyperlink|Result2?"
    r"|Heading[0-9]?|Heading [1-4]|TableStyle(?:Medium[0-9]{1,2}|Light[0-9]{1,2})|PivotStyle(?:Light"
    r"|Medium)[0-9]{1,2}"
)
_FONTS: Final = frozenset(
    [
        "Calibri", "Calibri Light", "Arial", "Aptos", "Aptos Narrow", "Aptos Display", "Cambria", "Times New Roman",
        "Liberation Sans", "Carlito", "DejaVu Sans", "Noto Sans", "Helvetica", "Helvetica Neue", "Verdana", "Tahoma",
        "Segoe UI", "Courier New", "宋体", "等线", "等线 Light",
    ]
)  # fmt: skip
_PROGRAM: Final = re.compile(
    r"Microsoft (?:Excel|Macintosh Excel)(?: Online)?"
    r"|LibreOffice/[0-9.]{1,12}\$[A-Za-z]{1,10}_[A-Za-z0-9_]{1,10} LibreOffice_project/[0-9a-f]{0,40}"
    r"(?:\$Build-[0-9]{1,3})?"
    r"|doorward|[0-9.]{1,12}|true|false"
)
_PARTS_TITLES: Final = frozenset(
    ["Report", "Words", "Worksheets", "Hojas de cálculo", "Feuilles de calcul", "Arkusze", "工作表"]
)
_CORE_TEXT: Final = frozenset(
    [
        "title",
        "subject",
        "description",
        "keywords",
        "category",
        "contentStatus",
        "identifier",
        "language",
        "version",
        "contentType",
    ]
)
_APP_TEXT: Final = frozenset(["Company", "Manager", "HyperlinkBase", "Template", "PresentationFormat"])
_APP_PROGRAM: Final = frozenset(
    [
        "Application",
        "AppVersion",
        "DocSecurity",
        "ScaleCrop",
        "LinksUpToDate",
        "SharedDoc",
        "HyperlinksChanged",
        "TotalTime",
    ]
)
_BOOK: Final = frozenset(
    [
        "workbook",
        "fileVersion",
        "workbookPr",
        "bookViews",
        "workbookView",
        "sheets",
        "sheet",
        "calcPr",
        "extLst",
        "ext",
        "revisionPtr",
        "calcFeatures",
        "feature",
        "workbookProtection",
        "fileRecoveryPr",
        "extCalcPr",
    ]
)
_FEATURE: Final = re.compile(r"microsoft\.com:[A-Za-z0-9_]{1,12}")


def check_part(name: str, raw: bytes) -> str | None:
    """Return why a part beside the sheets is refused, or None.

    Args:
        name: One of `KNOWN`.
        raw: Of a stranger.
    """
    if name == "docProps/core.xml":
        return _check_core(raw)
    if name == "docProps/app.xml":
        return _check_app(raw)
    start = {"xl/styles.xml": _style, "xl/theme/theme1.xml": _theme}.get(name, _package)
    return Walk(start, lambda *_: None, frozenset()).read(raw)


def _package(name: str, attributes: Mapping[str, str]) -> str | None:
    if name == "Relationship":
        if attributes.get("TargetMode", "Internal") != "Internal":
            return "external"
        kind = attributes.get("Type", "").rpartition("/")[2]
        if kind not in _RELATIONS:
            return next(
                (word for pattern, word in PART_KINDS if pattern.search(kind)),
                "link" if kind == "hyperlink" else "part",
            )
        whole = _TARGET.fullmatch(attributes.get("Target", "")) and _ID.fullmatch(attributes.get("Id", ""))
        return None if whole and set(attributes) <= {"Id", "Type", "Target", "TargetMode"} else "part"
    if name in ("Default", "Override"):
        target = attributes.get("PartName", "").lstrip("/")
        fits = (not target or target in KNOWN or SHEET.fullmatch(target)) and _TYPE.fullmatch(
            attributes.get("ContentType", "")
        )
        extension = attributes.get("Extension", "xml") in ("xml", "rels", "bin", "png", "jpeg", "vml")
        return None if fits and extension else "part"
    return None if name in ("Types", "Relationships") and not attributes else "part"


def read_book(raw: bytes) -> tuple[list[tuple[str, str]], str | None]:
    """Return the name and the relation of each sheet, and why the list of sheets is refused, or None."""
    sheets: list[tuple[str, str]] = []

    def start(name: str, attributes: Mapping[str, str]) -> str | None:
        if name in ("definedNames", "definedName"):
            return "defined-name"
        if name in ("AlternateContent", "Choice", "absPath"):
            return "path"
        if name in ("externalReferences", "externalReference", "fileSharing"):
            return "author" if name == "fileSharing" else "external"
        if name not in _BOOK:
            return "setting"
        if name == "sheet":
            if attributes.get("state", "visible") != "visible":
                return "hidden"
            sheets.append((attributes.get("name", ""), attributes.get("id", "")))
            return None
        if name == "feature":
            return None if _FEATURE.fullmatch(attributes.get("name", "")) else "setting"
        if attributes.get("visibility", "visible") != "visible":
            return "hidden"
        return None if all(map(is_plain, attributes.values())) else "setting"

    refused = Walk(start, lambda *_: None, frozenset()).read(raw)
    return sheets, refused


def read_relations(raw: bytes) -> dict[str, str]:
    """Return the part of each relation of the workbook; the part was checked before."""
    found: dict[str, str] = {}

    def start(name: str, attributes: Mapping[str, str]) -> None:
        if name == "Relationship":
            target = attributes.get("Target", "")
            found[attributes.get("Id", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"

    Walk(start, lambda *_: None, frozenset()).read(raw)
    return found


def _style(name: str, attributes: Mapping[str, str]) -> str | None:
    for key, value in attributes.items():
        if key == "formatCode":
            if not _FORMAT.fullmatch(value) or not _DIGIT_PLACE.search(value) or ";;" in value:
                return "format"
        elif key in (
            "name",
            "defaultTableStyle",
            "defaultPivotStyle",
            "defaultSlicerStyle",
            "defaultTimelineStyle",
        ):
            if not (_STYLE.fullmatch(value) or re.fullmatch(r"(?:Slicer|TimeSlicer)StyleLight[0-9]", value)):
                return "format"
        elif key == "val" and name == "name":
            if value not in _FONTS:
                return "format"
        elif not is_plain(value):
            return "format"
    return None


def _theme(_name: str, attributes: Mapping[str, str]) -> str | None:
    """Look a theme through for numbers and dates: it names fonts in every script, and no list is whole."""
    for value in attributes.values():
        if not is_plain(value) and find_trace(value) not in (None, "script", "name", "word"):
            return "format"
    return None


def _check_core(raw: bytes) -> str | None:
    refused: list[str] = []

    def end(name: str, text: str) -> None:
        if name in ("creator", "lastModifiedBy"):
            refused.extend(["author"] * bool(text.strip()))
        elif name == "language":
            refused.extend(["property"] * (not _LANGUAGE.fullmatch(text.strip())))
        elif name in _CORE_TEXT:
            refused.extend(["property"] * bool(text.strip()))
        elif name in ("created", "modified", "lastPrinted"):
            refused.extend(["property"] * (not _STAMP.fullmatch(text.strip())))
        elif name == "revision":
            refused.extend(["property"] * (not re.fullmatch(r"[0-9]{0,5}", text.strip())))
        elif name != "coreProperties":
            refused.append("property")

    def start(_name: str, attributes: Mapping[str, str]) -> str | None:
        return None if set(attributes.values()) <= {"dcterms:W3CDTF"} else "property"

    names = _CORE_TEXT | {"creator", "lastModifiedBy", "created", "modified", "lastPrinted", "revision"}
    return Walk(start, end, names).read(raw) or next(iter(refused), None)


def _check_app(raw: bytes) -> str | None:
    refused: list[str] = []

    def end(name: str, text: str) -> None:
        text = text.strip()
        if name in _APP_TEXT:
            refused.extend(["property"] * bool(text))
        elif name in _APP_PROGRAM:
            refused.extend(["property"] * (bool(text) and not _PROGRAM.fullmatch(text)))
        elif name == "lpstr":
            refused.extend(["property"] * (text not in _PARTS_TITLES))
        elif name == "i4":
            refused.extend(["property"] * (not re.fullmatch(r"[0-9]{1,2}", text)))
        elif name not in ("Properties", "HeadingPairs", "TitlesOfParts", "vector", "variant"):
            refused.append("property")

    def start(_name: str, attributes: Mapping[str, str]) -> str | None:
        return (
            None
            if all(one in ("variant", "lpstr") or is_plain(one) for one in attributes.values())
            else "property"
        )

    return Walk(start, end, _APP_TEXT | _APP_PROGRAM | {"lpstr", "i4"}).read(raw) or next(iter(refused), None)


def check_font(name: str) -> str | None:
    """Return why the name of a font is refused, or None."""
    return None if name in _FONTS else "format"
