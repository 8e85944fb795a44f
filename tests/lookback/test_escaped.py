"""Hostile text on a screen: nothing moves, hides or turns around anything else."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from doorward.lookback.labels.escaped import escape_text, wrap_cells
from doorward.lookback.labels.labels import WORDS, Wording
from doorward.lookback.labels.queue import Item, LabelQueue
from doorward.lookback.labels.screen import lines, screen

HOSTILE = "\x1b[2J\x1b]0;title\x07\u202eECI\u202c\u200b\u2066\x9b31m\r\n\u0301\u0301\u0301\u0301\U000e0041\ufeff漢字🚓"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, O'Brien 211PC", "plain, O'Brien 211PC"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\u202eECI\u202c", r"\u202eECI\u202c"),
        ("a\tb\nc\rd\x00\x7f\x9b", r"a\tb\nc\rd\x00\x7f\x9b"),
        ("a\\x1b", r"a\\x1b"),
        ("no\u00a0break \u2028 \u3000", r"no\xa0break \u2028 \u3000"),
        ("e\u0301", "e\u0301"),
        ("e\u0301\u0301\u0301\u0301", "e\u0301\u0301\\u0301\\u0301"),
        ("\u3164\u2800\ufe0f", r"\u3164\u2800\ufe0f"),
        ("\U000e0041", r"\U000e0041"),
        ("ñ 漢字", "ñ 漢字"),
    ],
)
def test_what_could_mislead_is_spelt_out(text: str, shown: str) -> None:
    assert escape_text(text) == shown


@given(st.text())
def test_nothing_is_left_that_controls(text: str) -> None:
    shown = escape_text(text)
    assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text(max_size=6), st.text(max_size=6))
def test_two_texts_are_never_shown_alike(one: str, two: str) -> None:
    assert (escape_text(one) == escape_text(two)) == (one == two)


@given(st.text(), st.integers(2, 40))
def test_no_line_is_wider_than_the_screen_and_nothing_is_lost(text: str, width: int) -> None:
    shown = escape_text(text)
    wrapped = wrap_cells(shown, width)
    assert "".join(wrapped) == shown
    assert all(cell_len(line) <= width for line in wrapped)


@given(st.text(max_size=300), st.integers(1, 200), st.integers(1, 60))
def test_a_screen_fits_whatever_the_reason_and_the_terminal(text: str, width: int, height: int) -> None:
    item = Item(Wording(text, text, text), 3, 2, "vague", ((text, text),) * 9, 1, (text,))
    shown = screen(LabelQueue([item], WORDS, helps=len(text) % 2 == 0), "AB", width=width, height=height)
    assert len(shown) <= height
    assert all(cell_len(line) <= max(20, width) for line in shown)
    assert all(
        one.isprintable() or unicodedata.category(one) in {"Mn", "Me"} for line in shown for one in line
    )


def test_ten_thousand_characters_are_cut_and_the_cut_is_marked() -> None:
    shown = "\n".join(lines(LabelQueue([Item(Wording("x" * 10_000), 1)], WORDS), "AB"))
    assert "[cut: 2,000 of 10,000 characters]" in shown
    assert len(shown) < 3_000


def test_the_keys_stay_in_sight_on_a_small_screen() -> None:
    item = Item(Wording("y" * 1_999), 1)
    shown = screen(LabelQueue([item], WORDS), "AB", width=80, height=12)
    assert len(shown) == 12
    assert any("[cut: the screen is too small]" in line for line in shown)
    assert "[q] quit" in shown[-1]


def test_on_a_smaller_one_the_reason_goes_before_the_keys() -> None:
    shown = screen(LabelQueue([Item(Wording("stolen auto"), 1)], WORDS), "AB", width=30, height=10)
    assert "reason    stolen auto" in shown
    assert shown[-1] == "[?] keys"
