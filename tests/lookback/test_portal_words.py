"""What the rules read in published words, and what they leave: invented pages, counted by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.lookback.published.portal_words import How, Phrase, Text, read_words

MISSPELT = "harr" + "assment or intimidation"  # as many pages have it
USUAL = (
    f"Immigration enforcement, traffic enforcement, {MISSPELT}, usage based solely on a protected "
    "class (i.e. race, sex, religion), Personal use."
)


def read(words: str, text: Text = Text.PROHIBITED) -> list[Phrase]:
    return list(read_words(text, words))


def keys(words: str, text: Text = Text.PROHIBITED) -> list[tuple[How, tuple[str, ...]]]:
    return [(phrase.how, phrase.keys) for phrase in read(words, text)]


def test_the_usual_list_is_five_uses() -> None:
    assert keys(USUAL) == [
        (How.DECIDES, ("immigration-enforcement",)),
        (How.DECIDES, ("traffic-enforcement",)),
        (How.DECIDES, ("harassment",)),
        (How.DECIDES, ("protected-class",)),
        (How.DECIDES, ("personal-use",)),
    ]


def test_a_phrase_is_verbatim() -> None:
    assert [phrase.words for phrase in read(USUAL)][2:4] == [
        MISSPELT,
        "usage based solely on a protected class (i.e. race, sex, religion)",
    ]


@pytest.mark.parametrize(
    "words",
    [
        "automated traffic enforcement",
        "traffic enforcement except school buses",
        "Traffic enforcement unless a supervisor approves",
        "We do not prohibit traffic enforcement",
        "Permitted: traffic enforcement",
        "traffic enforcement of parking",
    ],
)
def test_words_that_say_more_or_less_than_a_rule_only_refer(words: str) -> None:
    assert keys(words) == [(How.COUNSEL, ("traffic-enforcement",))]


def test_a_list_under_a_head_that_no_rule_knows_only_refers() -> None:
    uses = [(How.COUNSEL, ("traffic-enforcement",)), (How.COUNSEL, ("personal-use",))]
    assert keys("The following are welcome:\n\n- Traffic enforcement\n- Personal use") == [
        (How.UNREAD, ()),
        *uses,
    ]
    assert keys("These are allowed:\n- Traffic enforcement\n- Personal use") == [(How.UNREAD, ()), *uses]
    assert keys("These are allowed. Traffic enforcement, personal use.") == [(How.UNREAD, ()), *uses]


def test_two_uses_joined_by_a_word_are_two() -> None:
    assert keys("personal use or traffic enforcement") == [
        (How.DECIDES, ("personal-use", "traffic-enforcement"))
    ]


def test_a_word_inside_another_is_no_use() -> None:
    assert keys("impersonal relations") == [(How.UNREAD, ())]


def test_bullets_keep_their_commas() -> None:
    words = (
        "The following uses of ALPRs shall be expressly prohibited:\n\n"
        "- To harass, intimidate, or discriminate against any individual or group.\n"
        "- To look over fences, walls, or hedges.\n"
        "- To investigate parking violations and conduct traffic enforcement."
    )
    assert keys(words) == [
        (How.DECIDES, ("harassment",)),
        (How.UNREAD, ()),
        (How.DECIDES, ("traffic-enforcement",)),
    ]


def test_a_heading_of_another_text_is_followed() -> None:
    words = "Personal use.\n\nSystem Access Policy\n\nAll system access requires a valid reason."
    assert [(phrase.text, phrase.keys) for phrase in read(words)] == [
        (Text.PROHIBITED, ("personal-use",)),
        (Text.ACCESS, ("reason",)),
    ]


def test_uses_beside_words_about_the_system_are_still_read() -> None:
    assert [how for how, _ in keys("Personal use, and all searches are audited")] == [How.DECIDES, How.NO_ROW]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("All system access requires a valid reason and is stored indefinitely.", ("reason",)),
        ("All system access requires a valid law enforcement reason.", ("reason",)),
        ("All system access requires a valid case number.", ("case",)),
        ("All system access requires a valid reason and case number.", ("reason", "case")),
        (
            "All system access requires a valid case number, incident number, or case type and officer identification.",
            ("case-or-type",),
        ),
    ],
)
def test_a_duty_decides_and_what_the_system_keeps_is_listed(words: str, found: tuple[str, ...]) -> None:
    first, *rest = keys(words, Text.ACCESS)
    assert first == (How.DECIDES, found)
    assert [how for how, _ in rest] in ([], [How.NO_ROW])


def test_a_duty_that_is_taken_back_only_refers() -> None:
    words = "All system access requires a valid reason, unless a supervisor approves."
    assert keys(words, Text.ACCESS) == [(How.COUNSEL, ("reason",))]
    assert keys("All system access requires a valid reasoning module.", Text.ACCESS) == [
        (How.COUNSEL, ("reason",))
    ]


def test_days_of_retention_are_read_from_a_sentence() -> None:
    assert [(p.keys, p.days) for p in read("Flock data is only retained for 45 days.", Text.ACCESS)] == [
        (("retention",), 45)
    ]


def test_what_comes_after_the_end_of_a_box_is_not_the_agencys_words() -> None:
    words = "List A, List B\n\nDistinct Vehicles (No Duplicates) detected in the last 30 days\n\n1,234"
    assert [phrase.words for phrase in read(words, Text.HOTLISTS)] == ["List A, List B"]


@given(st.text(max_size=400), st.sampled_from(Text))
def test_any_text_is_read_and_a_phrase_is_one_printable_line(words: str, text: Text) -> None:
    for phrase in read_words(text, words):
        assert phrase.words.isprintable()
        assert phrase.words
        assert phrase.how in {How.NO_ROW, How.UNREAD} or phrase.keys


PARTS = st.sampled_from(
    [
        USUAL,
        "immigration enforcement",
        "not",
        "except",
        ",",
        ".",
        "- ",
        "\n",
        "\n\n",
        ":",
        "and",
        "or",
        "We",
        "zz",
    ]
)


@given(st.lists(PARTS, max_size=12).map(" ".join))
def test_no_word_is_dropped(words: str) -> None:
    """Every word stands in some phrase, but for what joins a list."""
    left = {word for word in words.replace("-", " ").replace(",", " ").split() if word.isalpha()}
    said = " ".join(phrase.words for phrase in read_words(Text.PROHIBITED, words))
    for word in left - {"and", "or"}:
        assert word.strip(".") in said


@pytest.mark.parametrize(
    "words",
    [
        "personal use and " * 2_900,
        "x or " * 9_000,
        "place any " * 4_900,
        "(" * 49_000,
        "a hotlist is " * 3_000,
    ],
)
def test_a_long_text_made_to_be_slow_is_read(words: str) -> None:
    for text in Text:
        assert read(words, text)
