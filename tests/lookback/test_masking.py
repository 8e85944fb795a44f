"""Masking: what is taken out, and that a wording which is published holds ordinary words and marks only."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.lookback.report.masking import (
    find_personal,
    leaks,
    mask_for_publication,
    mask_patterns,
    pieces,
    telling,
)
from doorward.lookback.report.publication import vocabulary

WORDS = vocabulary({})


@pytest.mark.parametrize(
    ("text", "published"),
    [
        ("Warrant for Det. Alan Exampleson IL QZX4417 dob 01/02/1990", "Warrant for [name] [plate] [date]"),
        ("stolen vehicle plate LUVDOGZ case 24-0019377", "stolen vehicle plate [plate] case [case number]"),
        ("Capt. Exampleson", "[word]. [name]"),
        ("assist HSI 312-555-0100 a.b@example.test", "assist HSI [phone] [e-mail]"),
        ("robbery 123 N Sample St ssn 000-12-3456", "robbery [address] [word] [ssn]"),
        ("suspect Hunter, Mark", "suspect [name]"),
        ("theft QZX 417", "theft [plate]"),
        ("EXAMPLESON stolen", "[word] stolen"),
        ("burglary by Exempelsson", "burglary by [word]"),
        ("account a1b2c3d4-0000-4000-8000-00000000000a theft", "[word] [account] theft"),
        ("theft on Jan 5, 2026 at 10:30", "theft on [date] at [number]"),
        ("immigration violation", "immigration violation"),
        ("", ""),
        ("***", ""),
        ("<script>alert(1)</script>", "[word]alert([number])/[word]"),
        ("theft \u202e7144XZQ", "theft [plate]"),
    ],
)
def test_a_published_wording_holds_marks_for_what_is_no_ordinary_word(text: str, published: str) -> None:
    assert mask_for_publication(text, WORDS)[0] == published


def test_a_word_of_the_list_that_is_a_name_is_taken_out_behind_a_rank() -> None:
    assert "officer" in WORDS
    assert mask_for_publication("officer Street", WORDS | {"street"})[0] == "officer [name]"


def test_only_the_kinds_that_were_asked_for_are_masked() -> None:
    assert mask_patterns("312-555-0100 a@example.test", ["phone"])[0] == "[phone] a@example.test"


@given(st.text(max_size=200))
def test_whatever_the_text_no_word_but_the_lists_and_no_figure_is_left(text: str) -> None:
    published, _ = mask_for_publication(text, WORDS)
    bare = re.sub(r"\[[a-z -]+\]", " ", published)
    assert not re.search(r"\d", bare)
    assert all(word.casefold() in WORDS for word in re.findall(r"\w+", bare))
    assert leaks(published, WORDS) == []


@given(st.text(max_size=200))
def test_what_patterns_find_lies_in_the_text(text: str) -> None:
    assert all(0 <= start <= end <= len(text) for start, end, _ in find_personal(text))


def test_a_long_hostile_text_takes_no_long_time() -> None:
    for piece in ("1-", "a.", "Aa ", "plate ", "[", "12 N ", "@a", "case #"):
        mask_for_publication(piece * 20_000, WORDS)


def test_pieces_join_what_a_value_may_have_been_split_into_but_not_the_columns_of_a_table() -> None:
    assert "24-0019377".replace("-", "") in pieces("case 24-0019377")
    assert "qzx4417" in pieces("plate QZX 4417")
    assert "1300719" not in pieces("13 007 19")


def test_a_value_of_ordinary_words_or_few_figures_tells_nothing() -> None:
    assert not telling("stolen vehicle", WORDS)
    assert not telling("12345", WORDS)
    assert telling("QZX4417", WORDS)
    assert telling("24-0019377", WORDS)
    assert telling("u-7781-vehicle", WORDS | {"u"})
    assert not telling("stolen_vehicle 2025", WORDS)
    assert not telling("vehi_cle", WORDS)
