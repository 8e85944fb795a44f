"""Characters of anybody, as a letter shows them."""

import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.letters.tagged import read_text
from doorward.desk.letters.characters import has_codes, is_shown, shown, shown_all
from doorward.desk.letters.tables import Table, render_table_report


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Zażółć gęślą jaźń, Ñandú, Đà Nẵng, Škoda", "Zażółć gęślą jaźń, Ñandú, Đà Nẵng, Škoda"),
        ("e\u0301", "é"),
        ("\u202eELPMAS", "[U+202E]ELPMAS"),
        ("a\u2066b\u2069", "a[U+2066]b[U+2069]"),
        ("nul\x00 bell\x07 del\x7f", "nul[U+0000] bell[U+0007] del[U+007F]"),
        ("\U0001f600", "[U+1F600]"),
        ("\u5317\u4eac", "[U+5317][U+4EAC]"),
        ("a\u200bb\ufeffc\u00add", "a[U+200B]b[U+FEFF]c[U+00AD]d"),
        ("\ud800", "[U+D800]"),
        ("\U000e0041", "[U+E0041]"),
        ("x\u0323\u0307\u0308\u0301", "ẋ̣\u0308[U+0301]"),
        ("\u0301x", "[U+0301]x"),
        ("a\tb", "a b"),
        ("[U+202E] as written", "[U+202E] as written"),
    ],
)
def test_what_cannot_be_drawn_or_not_be_seen_stands_as_its_code(text: str, expected: str) -> None:
    assert shown(text) == expected
    assert is_shown(text) == ("[U+" not in expected or "as written" in text)


@given(st.text())
def test_every_text_is_shown_and_showing_it_again_changes_nothing(text: str) -> None:
    once = shown(text)
    assert shown(once) == once
    assert is_shown(once)
    once.encode()


def test_texts_in_lists_and_tables_are_shown_and_keys_stay() -> None:
    value = {"\u202e": ["\u202e", {"a": "\x00"}], "n": 3, "none": None, "yes": True}
    assert shown_all(value) == {"\u202e": ["[U+202E]", {"a": "[U+0000]"}], "n": 3, "none": None, "yes": True}
    assert has_codes(value)
    assert not has_codes({"a": ["b", 3, None]})
    assert json.dumps(shown_all({"a": "\ud800"}))


@given(
    st.lists(st.text(st.characters(max_codepoint=0x2300), min_size=1, max_size=40), min_size=1, max_size=20)
)
@settings(max_examples=25)
def test_typst_draws_whatever_is_shown(texts: list[str]) -> None:
    rows = tuple((text,) for text in texts)
    pdf = render_table_report(
        "Any text", [], [Table("Any", ("text",), rows)], day=date(2026, 12, 1), office="x"
    )
    assert pdf.startswith(b"%PDF-1.7")


def test_the_page_says_what_a_code_is_and_says_nothing_where_there_is_none() -> None:
    said = "stands for a character that was sent"
    for text, expected in (("\u202ex", True), ("x", False), ("[U+202E] typed", False)):
        table = Table("Any", ("text",), ((text,),))
        page = render_table_report("Any text", [], [table], day=date(2026, 12, 1), office="x")
        assert (said in read_text(page)) == expected
