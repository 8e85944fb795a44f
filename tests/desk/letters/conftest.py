"""The letters of the shipped orders, loaded once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from doorward.desk.letters.answer import Answer, Letter
from doorward.desk.letters.sample import sample_answer, sample_letter
from doorward.orders.letter_book import LetterBook
from doorward.orders.load import load_letters, load_pack
from doorward.orders.pack import Pack

Made = Callable[..., tuple[Letter, Answer]]


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack("chicago")


@pytest.fixture(scope="session")
def book(pack: Pack) -> LetterBook:
    return load_letters(pack)


@pytest.fixture(scope="session")
def made(pack: Pack, book: LetterBook) -> Made:
    """A letter of Chicago with sample data, some of it changed."""

    def make(name: str, *, fields: dict[str, Any] | None = None, **changed: Any) -> tuple[Letter, Answer]:
        letter = sample_letter(pack, book, book.forms[name])
        answer = sample_answer(letter)
        return letter, replace(answer, fields={**answer.fields, **(fields or {})}, **changed)

    return make
