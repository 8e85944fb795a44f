"""What is printed: tagged, in its language, reviewed, the same bytes, and whole without a phone."""

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pikepdf
import pytest

from doorward.errors import ConfigError
from doorward.orders.load import Pack
from doorward.orders.protocols.catalog import read_catalog
from doorward.orders.protocols.messages import collect_messages
from doorward.orders.protocols.model import Protocols
from doorward.orders.protocols.paper import Print, print_sheet, sheet_names
from tests_support.protocols import showing_of

SITE = "https://desk.sample.invalid"
RUN = Print(SITE, "0123456789abcdef" * 4, date(2026, 3, 1))
SHEETS = ("poster", "card", "visitors", "form")


def printed(  # noqa: PLR0917  # what a sheet is, in the order of a sentence
    pack: Pack, protocols: Protocols, place: str, sheet: str, language: str | None = None, run: Print = RUN
) -> bytes:
    catalog = None
    if language is not None:
        catalog = read_catalog(language, collect_messages(protocols), pack.files)
    return print_sheet(pack, protocols, showing_of(protocols, place), sheet, catalog=catalog, run=run)


def elements_of(node: pikepdf.Object) -> Iterator[pikepdf.Object]:
    """Yield every element of the tree of tags."""
    kids = node.get("/K")
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            yield kid
            yield from elements_of(kid)


def words_of(raw: bytes) -> str:
    pdfium = pytest.importorskip("pypdfium2", reason="reads the text back")
    document = pdfium.PdfDocument(raw)
    return " ".join(" ".join(page.get_textpage().get_text_range() for page in document).split())


def test_a_poster_a_card_a_notice_and_a_form_can_be_printed(protocols: Protocols) -> None:
    assert sheet_names(protocols.frame) == SHEETS


@pytest.mark.parametrize("sheet", SHEETS)
@pytest.mark.parametrize("language", [None, "es", "pl"])
def test_a_sheet_is_tagged_titled_and_in_its_language(
    reviewed: Pack, protocols: Protocols, sheet: str, language: str | None
) -> None:
    with pikepdf.open(io.BytesIO(printed(reviewed, protocols, "library", sheet, language))) as pdf:
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.Lang) == (language or "en")
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        with pdf.open_metadata() as meta:
            assert meta["pdfuaid:part"] == "1"
            assert meta["dc:title"]
        tags = [str(element.S) for element in elements_of(pdf.Root.StructTreeRoot)]
        figures = [element for element in elements_of(pdf.Root.StructTreeRoot) if element.S == "/Figure"]
        assert tags.count("/H1") == 1
        assert len(figures) == (0 if sheet == "visitors" else 1)
        assert all(str(figure.Alt).startswith(f"{SITE}/#library.0123456789ab") for figure in figures)


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_same_sheet_gives_the_same_bytes(chicago: Pack, protocols: Protocols, sheet: str) -> None:
    assert printed(chicago, protocols, "lot", sheet, None) == printed(chicago, protocols, "lot", sheet, None)


@pytest.mark.parametrize("sheet", SHEETS)
@pytest.mark.parametrize("language", ["es", "pl", "zh-Hans", "zh-Hant", "ar"])
def test_no_text_is_printed_that_no_person_has_reviewed(
    chicago: Pack, protocols: Protocols, sheet: str, language: str
) -> None:
    with pytest.raises(
        ConfigError, match=f"`{sheet}` is not printed in `{language}`: no person has reviewed"
    ):
        printed(chicago, protocols, "library", sheet, language)


@pytest.mark.parametrize("language", ["zh-Hans", "ar"])
def test_a_script_that_the_fonts_lack_is_refused_and_not_left_blank(
    reviewed: Pack, protocols: Protocols, language: str
) -> None:
    with pytest.raises(ConfigError, match="could not be displayed") as caught:
        printed(reviewed, protocols, "library", "poster", language)
    assert "--fonts" in (caught.value.hint or "")


def test_a_card_says_what_to_do_without_a_phone(chicago: Pack, protocols: Protocols) -> None:
    told = words_of(printed(chicago, protocols, "library", "card", None))
    for words in (
        "Danger? 911 first.",
        "Get the person in charge. Show where to wait.",
        "Say: I can't consent past this point. I stand aside.",
        "Block nobody. Tell no untruth.",
        "Agents wait in the reading room, like every visitor.",
        "+1 312 555 0100",
        "desk.sample.invalid",
        "Version 0123456789ab, 2026-03-01",
        "Sample. No office has adopted this text.",
    ):
        assert words in told


def test_the_visitors_notice_has_no_word_of_agents_and_no_code(chicago: Pack, protocols: Protocols) -> None:
    told = words_of(printed(chicago, protocols, "library", "visitors", None))
    assert "You may stay, and you may leave." in told
    assert "agents" not in told.lower()
    assert "desk.sample" not in told


@pytest.mark.parametrize("place", ["library", "school", "clinic", "lot", "park", "office"])
def test_the_form_has_the_fields_of_the_record_no_more_and_no_fewer(
    chicago: Pack, protocols: Protocols, place: str
) -> None:
    told = words_of(printed(chicago, protocols, place, "form", None))
    at = 0
    for field in showing_of(protocols, place).record.fields:
        for text in (field.label.text, *(choice.label.text for choice in field.choices)):
            found = told.find(text, at)
            assert found >= 0, text
            at = found + len(text)


def test_a_card_is_a_card(chicago: Pack, protocols: Protocols) -> None:
    with pikepdf.open(io.BytesIO(printed(chicago, protocols, "library", "card", None))) as pdf:
        sizes = [[round(float(side) / 72 * 25.4, 1) for side in page.mediabox[2:]] for page in pdf.pages]
    assert sizes == [[85.6, 54.0], [85.6, 54.0]]


@pytest.mark.parametrize("place", ["library", "senior-center", "clinic", "lot", "school", "park", "office"])
@pytest.mark.parametrize("language", [None, "es", "pl"])
def test_a_poster_is_one_page_and_a_card_two(
    reviewed: Pack, protocols: Protocols, place: str, language: str | None
) -> None:
    for sheet, pages in (("poster", 1), ("card", 2), ("visitors", 1)):
        with pikepdf.open(io.BytesIO(printed(reviewed, protocols, place, sheet, language))) as pdf:
            assert len(pdf.pages) == pages


@pytest.mark.parametrize(
    "site",
    [
        "http://desk.sample.invalid",
        "https://",
        "https://desk",
        "https://desk.sample.invalid/path",
        "https://desk.sample.invalid?who=me",
        "https://user@desk.sample.invalid",
        "https://desk.sample.invalid#x",
        "https://d\u00e9sk.sample.invalid",
        "javascript:alert(1)",
        "https://" + "x" * 60 + "." + "y" * 60 + ".invalid",
    ],
)
def test_only_the_app_s_own_host_stands_in_a_code(chicago: Pack, protocols: Protocols, site: str) -> None:
    with pytest.raises(ConfigError, match="the app"):
        printed(chicago, protocols, "library", "card", None, Print(site, RUN.training, RUN.day))


def test_words_of_a_pack_are_never_markup(chicago: Pack, protocols: Protocols) -> None:
    showing = showing_of(protocols, "library")
    hostile = '#read("paper.py") $x$ *b* <t> @c [d] \\'
    first = replace(showing.protocol.first, wait=replace(showing.protocol.first.wait, text=hostile))
    changed = replace(showing, protocol=replace(showing.protocol, first=first))
    raw = print_sheet(chicago, protocols, changed, "card", catalog=None, run=RUN)
    assert '#read("paper.py") $x$ *b* <t> @c [d] \\' in words_of(raw)


def test_a_sheet_that_is_none_is_refused(chicago: Pack, protocols: Protocols) -> None:
    with pytest.raises(ConfigError, match="no sheet `leaflet`"):
        printed(chicago, protocols, "library", "leaflet", None)


@pytest.mark.parametrize("sheet", ["poster", "card"])
@pytest.mark.parametrize("language", ["es", "pl"])
def test_what_is_said_to_agents_stands_in_english_in_every_language(
    reviewed: Pack, protocols: Protocols, sheet: str, language: str
) -> None:
    told = words_of(printed(reviewed, protocols, "library", sheet, language))
    assert "I can't consent past this point. I stand aside." in told
