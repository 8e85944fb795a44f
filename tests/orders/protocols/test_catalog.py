"""Translations: kept, out of date, reviewed by a person, and never taken for reviewed otherwise."""

from contextlib import suppress
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError, PolicyCheckError, Span
from doorward.orders.load import Pack
from doorward.orders.protocols.catalog import (
    Catalog,
    catalog_path,
    mark_reviewed,
    merge_catalog,
    read_catalog,
    review_digest,
)
from doorward.orders.protocols.check import Report, check_protocols
from doorward.orders.protocols.messages import Message, Use, collect_messages
from doorward.orders.protocols.model import Protocols
from tests_support.protocols import NOW

PATH = catalog_path("es")
DAY = date(2026, 3, 1)


def message(text: str, *where: str) -> Message:
    return Message(text, tuple(Use(at, "title", "staff", Span("a.yaml", 1, 1)) for at in where))


def read(text: str, *messages: Message) -> Catalog:
    return read_catalog("es", messages, {PATH: text})


HELLO, BYE = message("Hello", "a.one.title"), message("Bye", "a.two.title", "b.two.title")


def translated(*pairs: tuple[Message, str]) -> str:
    """Return a catalog in which these texts are translated and not reviewed."""
    text = merge_catalog("es", [one for one, _ in pairs], None, path=PATH)
    for one, said in pairs:
        text = text.replace(f'msgid "{one.text}"\nmsgstr ""', f'msgid "{one.text}"\nmsgstr "{said}"')
    return merge_catalog("es", [one for one, _ in pairs], text, path=PATH)


def test_the_shipped_catalogs_are_complete_and_nobody_has_reviewed_them(report: Report) -> None:
    assert {name: report.unreviewed(name) for name in report.catalogs} == dict.fromkeys(
        ("es", "pl", "zh-Hans", "zh-Hant", "ar"), len(report.messages)
    )
    assert all(catalog.findings == () for catalog in report.catalogs.values())


def test_the_shipped_files_are_what_extracting_writes(chicago: Pack, protocols: Protocols) -> None:
    messages = collect_messages(protocols)
    for language in protocols.frame.languages:
        path = catalog_path(language)
        assert merge_catalog(language, messages, chicago.files[path], path=path) == chicago.files[path]
    assert merge_catalog("", messages, None, path="") == chicago.files["locale/protocols.pot"]


def test_papers_forms_and_statutes_stand_in_every_language(report: Report) -> None:
    kept = ("I-200", "I-205", "I-247A", "I-862", "United States District Court", "U.S.C.", "1226", "911")
    for catalog in report.catalogs.values():
        for english in (one.text for one in report.messages):
            for name in kept:
                assert (name in english) <= (name in catalog.text(english)), (catalog.language, english)


def test_a_new_catalog_has_every_text_and_no_translation() -> None:
    found = read(merge_catalog("es", [HELLO, BYE], None, path=PATH), HELLO, BYE)
    assert [str(finding.message) for finding in found.findings] == [
        "es, `a.one.title` is not translated",
        "es, `a.two.title` is not translated",
    ]
    assert found.text("Hello") == "Hello"


def test_a_translation_is_kept_and_flagged_as_not_reviewed() -> None:
    text = translated((HELLO, "Hola"), (BYE, "Adiós"))
    found = read(text, HELLO, BYE)
    assert (found.text("Hello"), found.findings) == ("Hola", ())
    assert not found.is_reviewed("Hello")
    assert text.count("#, not-reviewed") == 2


def test_a_changed_english_text_makes_its_translation_fuzzy_and_is_shown_in_english() -> None:
    text = translated((HELLO, "Hola"))
    changed = message("Hello there", "a.one.title")
    merged = merge_catalog("es", [changed], text, path=PATH)
    found = read(merged, changed)
    assert [finding.message for finding in found.findings] == [
        "es, `a.one.title` is fuzzy: its English changed"
    ]
    assert found.text("Hello there") == "Hello there"
    assert '#| msgid "Hello"' in merged


def test_a_text_that_is_gone_is_found_and_extracting_takes_it_out() -> None:
    text = translated((HELLO, "Hola"), (BYE, "Adiós"))
    assert [f.message for f in read(text, HELLO).findings] == ["es: no text says this any more: `Bye`"]
    assert "Bye" not in merge_catalog("es", [HELLO], text, path=PATH)


def test_a_person_s_line_is_what_makes_a_text_reviewed() -> None:
    text, done = mark_reviewed(
        "es", translated((HELLO, "Hola")), only=["Hello"], who="sample office", on=DAY, path=PATH
    )
    found = read(text, HELLO)
    assert done == 1
    assert found.is_reviewed("Hello")
    assert found.entries["Hello"].reviewed_by == "sample office, 2026-03-01"
    assert "not-reviewed" not in text


@pytest.mark.parametrize(
    "forged",
    [
        "#, reviewed\n",
        "# reviewed\n",
        "# reviewed: 0123456789abcdef by sample office, 2026-03-01\n",
        "# reviewed: by sample office, 2026-03-01\n",
        f"# reviewed: {review_digest('pl', 'Hello', 'Hola')} by sample office, 2026-03-01\n",
        f"# reviewed: {review_digest('es', 'Hello', 'Hola!')} by sample office, 2026-03-01\n",
        f"#. reviewed: {review_digest('es', 'Hello', 'Hola')} by sample office, 2026-03-01\n",
    ],
)
def test_nothing_else_makes_a_text_reviewed(forged: str) -> None:
    text = (
        translated((HELLO, "Hola")).replace("#, not-reviewed\n", "").replace("#. title", f"{forged}#. title")
    )
    assert not read(text, HELLO).is_reviewed("Hello")


@pytest.mark.parametrize(
    "change",
    [
        ('msgstr "Hola"', 'msgstr "Hola a todos"'),
        ('msgid "Hello"', 'msgid "Hello "'),
        ('msgid "Hello"', '#, fuzzy\nmsgid "Hello"'),
    ],
)
def test_a_later_change_takes_the_review_away(change: tuple[str, str]) -> None:
    text, _ = mark_reviewed("es", translated((HELLO, "Hola")), only=None, who="sample", on=DAY, path=PATH)
    later = text.replace(*change)
    assert later != text
    one = message("Hello " if "Hello " in later else "Hello", "a.one.title")
    assert not read(later, one).is_reviewed(one.text)
    merged = merge_catalog("es", [one], later, path=PATH)
    assert "not-reviewed" in merged


@pytest.mark.parametrize("who", ["", "  ", "x" * 81, "two\nlines"])
def test_a_reviewer_is_one_short_line(who: str) -> None:
    with pytest.raises(ConfigError, match="who reviewed"):
        mark_reviewed("es", translated((HELLO, "Hola")), only=None, who=who, on=DAY, path=PATH)


def test_what_is_not_translated_or_not_there_cannot_be_reviewed() -> None:
    empty = merge_catalog("es", [HELLO], None, path=PATH)
    with pytest.raises(ConfigError, match="not translated"):
        mark_reviewed("es", empty, only=["Hello"], who="sample", on=DAY, path=PATH)
    with pytest.raises(ConfigError, match="no text"):
        mark_reviewed("es", empty, only=["Bonjour"], who="sample", on=DAY, path=PATH)
    assert mark_reviewed("es", empty, only=None, who="sample", on=DAY, path=PATH)[1] == 0


@pytest.mark.parametrize(
    "text",
    [
        "/etc/hostname",
        "",
        "hello",
        'msgid "a"\nmsgstr',
        '# x\nmsgid "a\nmsgstr "b"\n',
        'msgid "a"\nmsgstr "b"\n\nmsgid "a"\nmsgstr "c"\n',
    ],
)
def test_what_is_no_catalog_is_one_finding_and_no_file_is_read(text: str) -> None:
    found = read(text, HELLO)
    assert len(found.findings) == 1
    assert "no gettext catalog" in found.findings[0].message or "not translated" in found.findings[0].message


@given(st.text(max_size=80))
def test_any_text_is_a_catalog_or_one_documented_error(text: str) -> None:
    with suppress(PolicyCheckError):
        merge_catalog("es", [HELLO], f"# x\n{text}", path=PATH)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60).filter(
        str.strip
    )
)
def test_a_translation_of_any_signs_comes_back_as_it_was(said: str) -> None:
    import polib

    text = merge_catalog("es", [HELLO], None, path=PATH)
    catalog = polib.pofile(text)
    catalog[0].msgstr = said
    assert read(merge_catalog("es", [HELLO], f"{catalog}", path=PATH), HELLO).text("Hello") == said


def test_a_banned_word_in_a_translation_is_found(chicago: Pack) -> None:
    path = catalog_path("es")
    text = chicago.files[path].replace('msgstr "Quieren entrar"', 'msgstr "Adelante, pasen"')
    pack = replace(chicago, files={**chicago.files, path: text})
    found = [finding.message for finding in check_protocols(pack, now=NOW, languages=["es"]).findings]
    assert [said.partition(": ")[0] for said in found] == [
        "es, `school.want.option.1` says `adelante`",
        "es, `school.want.option.1` says `pasen`",
    ]


def test_a_translation_that_a_phone_does_not_show_is_found(chicago: Pack) -> None:
    path = catalog_path("zh-Hans")
    text = chicago.files[path].replace('msgstr "他们想进来"', f'msgstr "{"他" * 50}"')
    pack = replace(chicago, files={**chicago.files, path: text})
    found = [finding.message for finding in check_protocols(pack, now=NOW, languages=["zh-Hans"]).findings]
    assert found == [
        "zh-Hans, `school.want.option.1` is longer than a phone shows: 100 columns of at most 90"
    ]
