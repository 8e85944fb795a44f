"""Posters, wallet cards, the visitors' notice and the paper form of a visit record: PDF/UA-1 by typst, codes by segno.

A printed sheet cannot be corrected, so no text stands on one that no person has reviewed; English is the source, under
the order's own signatures. Each sheet says its version and day in words and the domain beside its code, and says what
to do without a phone. The form has the fields of the record, no more and no fewer.
"""

import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from doorward.errors import ConfigError
from doorward.orders.pack import Pack
from doorward.orders.protocols.catalog import Catalog
from doorward.orders.protocols.model import (
    CARD,
    POSTER,
    SHEETS,
    SOURCE_LANGUAGE,
    VISITORS,
    Frame,
    Protocols,
    Sheet,
    Showing,
)
from doorward.orders.protocols.section import Said

STANDARD: Final = "ua-1"
FORM: Final = "form"
_STAFF_WORDS: Final = {"open": "open-on-phone", "version": "version"}
# Which of the frame's words stand on a sheet: what does not is not asked to be reviewed for it.
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    POSTER: _STAFF_WORDS,
    CARD: _STAFF_WORDS,
    VISITORS: {"version": "version"},
    FORM: {
        "open": "open-on-phone", "version": "version", "hand": "by-hand", "one": "yes-or-no", "all": "mark-all",
    },
}  # fmt: skip
TEMPLATE: Final = Path(__file__).with_name("paper.typ")
QUIET_ZONE: Final = 4  # modules, ISO/IEC 18004
ERROR_LEVEL: Final = "q"
MAX_URL: Final = 120  # with error level q that is version 9, 26 mm on the card
FINGERPRINT: Final = 12
# Inside of typst; the scripts that it lacks need a folder of fonts.
FONTS: Final = ("Libertinus Serif",)
MORE_FONTS: Final = ("Noto Sans", "Noto Naskh Arabic")
CJK: Final[Mapping[str, str]] = {"Hans": "Noto Sans CJK SC", "Hant": "Noto Sans CJK TC"}
REGIONS: Final[Mapping[str, str]] = {"Hans": "CN", "Hant": "TW"}
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+(:\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Print:
    """What every sheet of a run has in common.

    Args:
        site: Where the app is, ``https://`` and a host; no path, so that it can be read out and typed.
        training: The fingerprint that the compiled protocols have; they are what is printed.
        day: Of the print.
        fonts: A folder with Noto Sans, Noto Naskh Arabic, Noto Sans CJK; None for what typst has, which is Latin.
    """

    site: str
    training: str
    day: date
    fonts: Path | None = None


def sheet_names(frame: Frame) -> tuple[str, ...]:
    """Return what can be printed, in the order of the frame; the form always."""
    return (*(name for name in SHEETS if name in frame.sheets), FORM)


def print_sheet(
    pack: Pack, protocols: Protocols, showing: Showing, name: str, *, catalog: Catalog | None, run: Print
) -> bytes:
    """Return a sheet as PDF; the same arguments give the same bytes.

    Args:
        pack: The order, for its contact and whether it is a sample.
        protocols: Checked.
        showing: The place.
        name: One of `sheet_names`.
        catalog: Of the language; None for English.
        run: What every sheet has.

    Raises:
        ConfigError: A text of the sheet is not reviewed, the site is none, typst or segno is not installed, or the
            fonts lack a sign.
    """
    if name not in sheet_names(protocols.frame):
        known = ", ".join(sheet_names(protocols.frame))
        raise ConfigError(f"there is no sheet `{name[:80]}`", hint=f"one of {known}")
    writer = _Writer(catalog)
    given = _given(pack, protocols.frame, showing, writer, run, name=name)
    writer.refuse_unreviewed(name)
    return _typeset(given, run)


def find_unreviewed(
    pack: Pack, protocols: Protocols, showing: Showing, name: str, *, catalog: Catalog | None, run: Print
) -> frozenset[str]:
    """Return the texts of a sheet that no person has reviewed; with one of them it is not printed.

    Raises:
        ConfigError: The site is none, or segno is not installed.
    """
    writer = _Writer(catalog)
    _given(pack, protocols.frame, showing, writer, run, name=name)
    return frozenset(writer.unreviewed)


class _Writer:
    """Gives the words of a sheet in its language and remembers which no person has reviewed."""

    def __init__(self, catalog: Catalog | None) -> None:
        self.catalog = catalog
        self.unreviewed: set[str] = set()

    @property
    def language(self) -> str:
        return SOURCE_LANGUAGE if self.catalog is None else self.catalog.language

    def text(self, said: Said) -> str:
        if self.catalog is None:
            return said.text
        if not self.catalog.is_reviewed(said.text):
            self.unreviewed.add(said.text)
        return self.catalog.text(said.text)

    def texts(self, said: Iterable[Said]) -> list[str]:
        return [self.text(one) for one in said]

    def refuse_unreviewed(self, name: str) -> None:
        if self.unreviewed:
            raise ConfigError(
                f"`{name}` is not printed in `{self.language}`: no person has reviewed {len(self.unreviewed)} of its "
                f"texts, such as `{min(self.unreviewed)[:60]}`",
                hint="a person reads them against the English, then `doorward protocol reviewed`",
            )


def _given(
    pack: Pack, frame: Frame, showing: Showing, writer: _Writer, run: Print, *, name: str
) -> dict[str, Any]:
    language = writer.language
    script = language.partition("-")[2]
    spoken = frame.languages.get(language)
    latin = spoken is None or (not script and spoken.direction == "ltr")
    words = {key: writer.text(frame.words[word]) for key, word in WORDS[name].items()}
    given: dict[str, Any] = {
        "sheet": name,
        "lang": language.partition("-")[0],
        "region": REGIONS.get(script),
        "rtl": spoken is not None and spoken.direction == "rtl",
        "fonts": _fonts(script, latin=latin),
        "author": showing.tenant.name,
        "date": [run.day.year, run.day.month, run.day.day],
        "version": f"{words['version']} {run.training[:FINGERPRINT]}, {run.day.isoformat()}",
        "sample": writer.text(frame.words["sample"]) if pack.is_sample else None,
        "words": words,
    }
    first = showing.protocol.first
    if name != CARD:
        given["place"] = writer.text(showing.place.name)
    if name in {POSTER, CARD}:
        given["first"] = {"sentence": writer.text(first.sentence), "wait": writer.text(first.wait)}
        given["contacts"] = _contacts(frame, showing, writer)
    if name == POSTER:
        given["never"] = writer.texts(showing.protocol.never)
    if name != VISITORS:
        given["qr"] = _code(showing.place.id, run)
    return given | (_form(pack, showing, writer) if name == FORM else _lines(frame.sheets[name], writer))


def _fonts(script: str, *, latin: bool) -> list[str]:
    """Return the families of a sheet. The last one is always there, so that a sign that none has stops the print.

    Of a list of families that are all missing typst sets nothing and says nothing.
    """
    return list(FONTS) if latin else [*MORE_FONTS, *([CJK[script]] if script in CJK else []), *FONTS]


def _lines(sheet: Sheet, writer: _Writer) -> dict[str, Any]:
    return {"title": writer.text(sheet.title), "lines": writer.texts(sheet.lines)}


def _form(pack: Pack, showing: Showing, writer: _Writer) -> dict[str, Any]:
    record = showing.record
    return {
        "title": writer.text(record.title),
        "cites": ", ".join(pack.clauses[name].cite for name in record.cite),
        "fields": [
            {
                "id": field.id,
                "kind": field.kind,
                "label": writer.text(field.label),
                "help": writer.text(field.help) if field.help is not None else None,
                "choices": [writer.text(choice.label) for choice in field.choices],
            }
            for field in record.fields
        ],
    }


def _contacts(frame: Frame, showing: Showing, writer: _Writer) -> list[dict[str, str]]:
    """Return whom the first screen calls, as far as the pack has a number; the building's own is written by hand."""
    found = []
    for name in showing.protocol.first.call:
        contact, answering = frame.contacts[name], showing.tenant.contacts.get(name)
        blank = "_" * 18 if contact.site else None
        detail = answering.detail if answering is not None else contact.phone or blank
        if detail is not None:
            found.append({"label": writer.text(contact.label), "detail": detail})
    return found


def _code(place: str, run: Print) -> dict[str, Any]:
    """Return the code of the app's address: host, place, start of the fingerprint; nothing that follows anybody."""
    parts = urlsplit(run.site)
    host = parts.netloc
    if (
        parts.scheme != "https"
        or not _HOST.fullmatch(host)
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
    ):
        raise ConfigError(
            f"`{run.site[:80]}` is no site of the app",
            hint="https and a host, such as https://desk.sample.invalid",
        )
    url = f"https://{host}/#{place}.{run.training[:FINGERPRINT]}"
    if len(url) > MAX_URL:
        raise ConfigError(f"the address of the app is longer than {MAX_URL} signs")
    drawn, modules = _draw(url)
    return {"svg": drawn, "modules": modules, "domain": host, "alt": url}


@lru_cache(maxsize=256)  # a page that lists sheets asks for each place's several times
def _draw(url: str) -> tuple[str, int]:
    try:
        import segno
    except ImportError as error:
        raise ConfigError("a code needs segno", hint="pip install 'doorward[desk]'") from error
    code = segno.make(url, error=ERROR_LEVEL, micro=False, boost_error=False)
    drawn = io.BytesIO()
    code.save(drawn, kind="svg", border=QUIET_ZONE, xmldecl=False, light="#fff")
    return drawn.getvalue().decode(), int(code.symbol_size(border=QUIET_ZONE)[0])


def _typeset(given: Mapping[str, Any], run: Print) -> bytes:
    try:
        import typst
    except ImportError as error:
        raise ConfigError("a PDF needs typst", hint="pip install 'doorward[desk]'") from error
    if run.fonts is not None and not run.fonts.is_dir():
        raise ConfigError(f"`{run.fonts}` is no folder of fonts")
    try:
        made: bytes = typst.compile(
            TEMPLATE,
            root=TEMPLATE.parent,
            format="pdf",
            pdf_standards=STANDARD,
            sys_inputs={"given": json.dumps(given, sort_keys=True)},
            font_paths=[run.fonts] if run.fonts is not None else [],
            ignore_system_fonts=True,
            timestamp=int(datetime.combine(run.day, time(), UTC).timestamp()),
        )
    except typst.TypstError as error:
        said = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"typst does not set the sheet: {said}",
            hint="scripts other than Latin need --fonts, a folder with Noto Sans, Noto Naskh Arabic and Noto Sans CJK",
        ) from error
    return made
