"""What libpq says of a connection that failed, read as the door's answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.cli.grant_request import EXIT, _escape, read_refusal
from doorward.gateway.verdict import NOT_APPROVED, ON_FILE, REFERRED, UNDECIDED
from doorward.pgwire.options import parse_options

TRIED = 'connection failed: connection to server at "127.0.0.1", port 6432 failed: '


@pytest.mark.parametrize(
    ("text", "answer", "is_final"),
    [
        (
            f"FATAL:  {REFERRED}: nobody knows\nDETAIL:  clauses B5; {ON_FILE}, an answer\nHINT:  ask",
            "referred",
            False,
        ),
        (f"FATAL:  {REFERRED}: nobody knows\nDETAIL:  {NOT_APPROVED}", "refused", True),
        (f"FATAL:  {REFERRED}: nobody knows\nDETAIL:  so many asks wait", "refused", True),
        ("FATAL:  refused: the side door\nHINT:  the law department answers", "refused", True),
        (f"FATAL:  refused: {UNDECIDED}, so it stays closed", "no answer", False),
        ('FATAL:  password authentication failed for user "x"', "refused", True),
        ("Connection refused\n\tIs the server running?", "no answer", False),
        ("", "no answer", False),
    ],
)
def test_each_answer_is_told_apart(text: str, answer: str, is_final: bool) -> None:  # noqa: FBT001  # a parameter
    heard = read_refusal(TRIED + text if text else "")
    assert (heard.answer, heard.is_final) == (answer, is_final)
    assert answer in EXIT


def test_the_parts_are_read_apart() -> None:
    heard = read_refusal(f"{TRIED}FATAL:  refused: no\nDETAIL:  clause C30b\nHINT:  ask the law department\n")
    assert (heard.message, heard.detail, heard.hint) == (
        "refused: no",
        "clause C30b",
        "ask the law department",
    )


def test_of_two_servers_that_were_tried_the_last_counts() -> None:
    text = f"{TRIED}Connection refused\n{TRIED}FATAL:  {REFERRED}\nDETAIL:  {ON_FILE}\n"
    assert read_refusal(text).answer == "referred"


@given(st.text())
def test_whatever_is_said_is_an_answer(text: str) -> None:
    assert read_refusal(text).answer in EXIT


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_a_word_reaches_the_door_as_it_was_given(value: str) -> None:
    assert parse_options(f"-c doorward.case={_escape(value)} -c a.b=c") == {
        "doorward.case": value,
        "a.b": "c",
    }
