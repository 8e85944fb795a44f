"""What a message fills in: papers that it names, a number, when it came; and nothing that opens anything."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.desk.messages import Envelope, Message, read_answers_of, read_message
from doorward.desk.messages.names import has_mixed_scripts
from doorward.orders.intake import Asked, Intake, load_intake
from doorward.orders.load import load_pack

NOW = datetime(2026, 3, 1, 18, tzinfo=UTC)
ZONE = ZoneInfo("America/Chicago")


@cache
def chicago() -> Intake:
    return load_intake(load_pack("chicago"))


def read(text: str, came: datetime | None = None) -> dict[str, Any]:
    message = Message("s", "", text, (), (), envelope=Envelope(came=came))
    return dict(read_answers_of(chicago(), message, received="received", zone=ZONE, now=NOW))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Good morning", {}),
        ("attached: Form I-247A", {"papers": ("detainer",)}),
        ("I-247A with I-200", {"papers": ("administrative", "detainer")}),
        ("a Grand Jury\n subpoena, Case No. 26-GJ-1.", {"papers": ("court_subpoena",), "paper-number": ("26-GJ-1",)}),
        ("case no.: 26 CR 117", {"paper-number": ("26 CR 117",)}),
        ("Docket No. 1:26-cv-00117", {"paper-number": ("1:26-CV-00117",)}),
        ("case no. 1 and docket no. 2", {}),
        ("case no. 1 and docket no. 1", {"paper-number": ("1",)}),
        ("case no. unknown", {}),
        ("case no. A123456789", {}),
        ("case no. a-123-456-789", {}),
        ("case no. " + "9" * 61, {}),
        ("showcase no. 12", {}),
    ],
)  # fmt: skip
def test_papers_and_one_number_are_read(text: str, found: dict[str, Any]) -> None:
    assert read(text) == found


def test_when_it_came_is_said_in_the_citys_time_and_never_of_the_future() -> None:
    assert read("x", datetime(2026, 3, 1, 15, 30, 9, tzinfo=UTC)) == {
        "received": ("2026-03-01T09:30:00-06:00",)
    }
    assert read("x", datetime(2026, 3, 1, 18, 0, 1, tzinfo=UTC)) == {}


@pytest.mark.parametrize(
    ("headers", "came"),
    [
        ("Date: Sun, 01 Mar 2026 09:30:00 -0600", datetime(2026, 3, 1, 15, 30, tzinfo=UTC)),
        (
            "Received: from a by b; Mon, 02 Mar 2026 00:00:00 +0000\n"  # noqa: ISC004  # one header below another
            "Received: from c by d; Sun, 01 Mar 2026 00:00:00 +0000\nDate: Sat, 28 Feb 2026 09:30:00 -0600",
            datetime(2026, 3, 2, tzinfo=UTC),
        ),
        (
            "Received: from a by b\nDate: Sat, 28 Feb 2026 09:30:00 -0600",
            datetime(2026, 2, 28, 15, 30, tzinfo=UTC),
        ),
        ("Date: yesterday", None),
        ("Date: Sun, 99 Mar 2026 09:30:00 -0600", None),
        ("Date: Fri, 31 Dec 9999 23:59:59 -2359", None),
        ("Date: Sun, 01 Mar 2026 09:30:00", None),
        ("Date: " + "1" * 5000, None),
        ("Date: " + "(" * 5000, None),
    ],
)
def test_when_it_came_is_read_from_the_last_server_or_the_senders_date(
    headers: str, came: datetime | None
) -> None:
    assert read_message(f"Subject: s\n{headers}\n\nx".encode()).envelope.came == came


def test_what_is_filled_in_opens_nothing() -> None:
    """Over all kinds: beside the papers it sets no fact, and a paper only as shown."""
    intake = chicago()
    words = [word for kind in intake.kinds.values() for one in kind.questions for option in one.options.values()
             for word in option.mail]  # fmt: skip
    filled = read(" ".join([*words, "case no. 12"]), NOW)
    for kind in intake.kinds.values():
        needed = {
            question.id: next(iter(question.options))
            for question in kind.questions
            if question.needed and question.options and not question.takes_several and not question.when
        }
        mine = {name: filled[name] for name in filled if (one := kind.question(name)) and not one.when}
        listed = {name: list(said) if name == "papers" else said[0] for name, said in mine.items()}
        with_it, without = intake.read(kind.id, needed | listed), intake.read(kind.id, needed)
        if not (isinstance(with_it, Asked) and isinstance(without, Asked)):
            continue
        more = {path: value for path, value in with_it.facts.items() if without.facts.get(path) != value}
        assert all(path.startswith("context.papers.") and path.endswith(".presented") for path in more)


@given(st.text(alphabet="caseno. docket:#0123456789AI-247/\n", max_size=300), st.datetimes())
def test_any_text_fills_in_answers_that_the_form_takes(text: str, came: datetime) -> None:
    intake, found = chicago(), read(text, came.replace(tzinfo=UTC))
    kind = intake.kinds["court-paper"]
    answers: dict[str, object] = {"of-court": "enter", "papers": list(found.get("papers", ("court_order",)))}
    for name in ("paper-number", "received"):
        if name in found:
            answers[name] = found[name][0]
    asked = intake.read(kind.id, answers)
    assert isinstance(asked, Asked), asked


@given(st.text(alphabet="caseno. 0123456789-\n", max_size=20_000))
def test_a_long_text_is_read_in_one_pass(text: str) -> None:
    assert read(text * 3) is not None


@pytest.mark.parametrize(
    ("name", "is_mixed"),
    [
        ("warrant.pdf", False),
        ("w\u0430rrant.pdf", True),  # a Cyrillic a
        ("\u043e\u0440\u0434\u0435\u0440", False),
        ("\u4ee4\u72b6 warrant.pdf", False),
        ("\u03bfrder.pdf", True),  # a Greek o
        ("", False),
    ],
)
def test_a_name_of_letters_that_play_others_is_found(name: str, is_mixed: bool) -> None:  # noqa: FBT001  # a case's answer
    assert has_mixed_scripts(name) is is_mixed


def test_size_and_digest_are_of_the_bytes() -> None:
    raw = b"Subject: s\nContent-Type: application/pdf; name=a.pdf\n\n%PDF-1.7\nabc"
    (attachment,) = read_message(raw).attachments
    assert (attachment.size, len(attachment.digest)) == (12, 64)
    (refused,) = read_message(raw.replace(b"%PDF", b"MZDF")).refused
    assert (refused.size, refused.declared, len(refused.digest)) == (12, "application/pdf", 64)
    assert replace(attachment, content=b"").size == 0
