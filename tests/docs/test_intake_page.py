"""The page on intake.toml names every key, type and bound that the reader has, and no other key."""

import re

from doorward.desk.messages.contents import MAX_PIXELS
from doorward.orders.intake import QuestionType
from doorward.orders.intake.check import MAX_HELP, MAX_KIND_TEXT, MAX_LABEL, MAX_SAYS
from doorward.orders.intake.courses import MAX_COURSES
from doorward.orders.intake.questions import OF_PRINCIPAL
from doorward.orders.intake.read import (
    KIND_KEYS,
    LONGEST,
    MAX_KINDS,
    MAX_LONGEST,
    MAX_OPTIONS,
    MAX_QUESTIONS,
    OPTION_KEYS,
    OWN_KEYS,
    QUESTION_KEYS,
)

PAGE = "docs/reference/intake-toml.md"


def test_every_key_and_type_is_on_the_page(pages: dict[str, str]) -> None:
    named = set(re.findall(r"`([^`\n]+)`", pages[PAGE]))
    keys = {*KIND_KEYS, *OPTION_KEYS, *QUESTION_KEYS, *(key for own in OWN_KEYS.values() for key in own)}
    assert keys | set(QuestionType) <= named | {"option.WORD"}
    assert f'"{OF_PRINCIPAL}"' in named


def test_each_section_lists_its_keys_and_no_other(pages: dict[str, str]) -> None:
    sections = dict(re.findall(r"(?ms)^##+ `([^`]+)`\n(.*?)(?=^##|\Z)", pages[PAGE]))
    for heading, keys in (("[kind.ID]", KIND_KEYS), ("option.WORD", OPTION_KEYS)):
        rows = re.findall(r"(?m)^\| (`.*?`) \|", sections[heading])
        assert sorted(key for row in rows for key in re.findall(r"`(\w+)`", row)) == sorted(keys)


def test_every_bound_is_on_the_page(pages: dict[str, str]) -> None:
    numbers = set(map(int, re.findall(r"\b[0-9]+\b", pages[PAGE])))
    assert numbers >= {
        MAX_LABEL, MAX_HELP, MAX_SAYS, MAX_KIND_TEXT, MAX_COURSES, MAX_KINDS, LONGEST, MAX_LONGEST, MAX_OPTIONS,
        MAX_QUESTIONS,
    }  # fmt: skip


def test_the_page_for_the_law_department_tells_the_bound_of_a_picture(pages: dict[str, str]) -> None:
    assert f"{MAX_PIXELS // 1_000_000} million dots" in pages["docs/howto/intake.md"]
