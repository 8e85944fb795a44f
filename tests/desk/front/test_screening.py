"""What must not stand in a record is found, and what only looks like it is not; tests/browser asks the phone too."""

import pytest

from doorward.desk.front.build import load_words
from doorward.desk.front.screening import Pattern, find_forbidden, load_patterns

PATTERNS = load_patterns()
HITS = [(pattern, text) for pattern in PATTERNS for text in pattern.hits]
MISSES = [(pattern, text) for pattern in PATTERNS for text in pattern.misses]


@pytest.mark.parametrize(("pattern", "text"), HITS)
def test_finds(pattern: Pattern, text: str) -> None:
    assert find_forbidden(text, identifies=None, patterns=[pattern]) == pattern.code


@pytest.mark.parametrize(("pattern", "text"), MISSES)
def test_lets_pass(pattern: Pattern, text: str) -> None:
    assert (pattern.code, find_forbidden(text, identifies=None, patterns=PATTERNS)) == (pattern.code, None)


def test_every_pattern_has_examples_of_both_kinds() -> None:
    assert [pattern.code for pattern in PATTERNS if not pattern.hits or not pattern.misses] == []


def test_the_app_has_a_word_for_every_code() -> None:
    assert {f"fault-{pattern.code}" for pattern in PATTERNS} <= set(load_words("en")[0])
