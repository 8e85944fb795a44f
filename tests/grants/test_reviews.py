"""The review of a break-glass session: one official, of another person, about this session, or it is still owed."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError, LogError, MalformedError, VerificationError
from doorward.grants.claims import says_something
from doorward.grants.duties import Duty, find_duties
from doorward.grants.review_files import Reviews
from doorward.grants.reviews import (
    Finding,
    Owed,
    Review,
    count_recent,
    decode_owed,
    encode_owed,
    format_review,
    make_owed,
    parse_review,
    verify_review,
)
from doorward.grants.whole_file import alone
from doorward.notes.note import Signer, sign_note

NOW = datetime(2026, 12, 1, 3, 12, 0, tzinfo=UTC)
SESSION = "7d0c1b8e77aa5d0c1b8e77aa5d0c1b8e"
TEXT = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=200).filter(
    lambda text: text.strip() and text.isprintable()
)


def owed(session: str = SESSION, login: str = "dana.example", **other: object) -> Owed:
    made = make_owed(
        session, login=login, agency="CPD", purpose="safety", for_agency="CPD", stated="a child was taken",
        office="supervisor", now=NOW,
    )  # fmt: skip
    return replace(made, **other)  # type: ignore[arg-type]  # of the fields


def signer(name: str) -> Signer:
    return Signer.make(name, name.encode().ljust(32, b"\0")[:32])


ERIN, DANA, FINN = (
    signer(name) for name in ("supervisor/erin.example", "supervisor/dana.example", "law/finn")
)
OFFICIALS = [one.verifier for one in (ERIN, DANA, FINN)]


def review(one: Owed, **other: object) -> Review:
    made = Review(one.session, one.login, one.began, Finding.PROPER, "dispatch 26-1201-0312", "welfare check")
    return replace(made, **other)  # type: ignore[arg-type]  # of the fields


def test_a_review_is_due_a_day_after_the_session_began() -> None:
    assert owed().due - owed().began == timedelta(days=1)
    assert owed().id == SESSION[:12]


@given(TEXT, TEXT, st.sampled_from(Finding))
def test_a_review_is_read_as_it_is_written(evidence: str, reason: str, finding: Finding) -> None:
    made = review(owed(), evidence=evidence, reason=reason, finding=finding)
    assert parse_review(format_review(made)) == made


@given(st.binary(max_size=400))
def test_bytes_that_are_no_review_are_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_review(raw)
    with pytest.raises(LogError):
        verify_review(raw, OFFICIALS, owed=owed())


def test_another_person_of_the_office_closes_it() -> None:
    found = verify_review(sign_note(format_review(review(owed())), ERIN), OFFICIALS, owed=owed())
    assert (found.by, found.finding) == ("supervisor/erin.example", Finding.PROPER)
    # A supervisor reviews whatever office the order names.
    verify_review(sign_note(format_review(review(owed())), ERIN), OFFICIALS, owed=owed(office="law"))
    verify_review(sign_note(format_review(review(owed())), FINN), OFFICIALS, owed=owed(office="law"))


@pytest.mark.parametrize(
    ("by", "changed", "said"),
    [
        (DANA, {}, "nobody reviews their own"),
        (FINN, {}, "the office `supervisor` or a supervisor reviews it"),
        (ERIN, {"session": SESSION[::-1]}, "about another session"),
        (ERIN, {"login": "erin.example"}, "about another session"),
        (ERIN, {"began": NOW + timedelta(seconds=1)}, "about another session"),
        (signer("supervisor/stranger"), {}, "the signature of one official, got that of 0"),
    ],
)
def test_nobody_else_does(by: Signer, changed: dict[str, object], said: str) -> None:
    raw = sign_note(format_review(review(owed(), **changed)), by)
    with pytest.raises(VerificationError, match=said):
        verify_review(raw, OFFICIALS, owed=owed())


@pytest.mark.parametrize("field", ["evidence", "reason"])
@pytest.mark.parametrize("text", ["", " ", "a\nb", "x" * 201])
def test_evidence_and_reason_are_a_line_each(field: str, text: str) -> None:
    with pytest.raises(MalformedError):
        parse_review(format_review(review(owed(), **{field: text})))


def test_a_session_is_owed_once_and_closed_once(tmp_path: Path) -> None:
    reviews = Reviews(tmp_path / "reviews.json", lambda: OFFICIALS)
    reviews.owe(owed())
    reviews.owe(owed())
    (kept,) = reviews.known()
    assert (kept, reviews.find(kept)) == (owed(), None)
    raw = sign_note(format_review(review(owed())), ERIN)
    reviews.close(kept, raw)
    (kept,) = reviews.known()
    assert reviews.find(kept) is not None
    with pytest.raises(ConfigError, match="reviewed already"):
        reviews.close(kept, raw)
    with pytest.raises(ConfigError, match="not kept here"):
        reviews.close(owed("0" * 32), raw)


def test_a_note_that_was_written_by_hand_closes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "reviews.json"
    forged = sign_note(format_review(review(owed())), signer("supervisor/stranger")).decode()
    file.write_text(json.dumps([encode_owed(owed(note=forged))]), encoding="utf-8")
    reviews = Reviews(file, lambda: OFFICIALS)
    assert reviews.find(reviews.known()[0]) is None


def test_what_cannot_be_written_is_held_and_written_later(tmp_path: Path) -> None:
    file = tmp_path / "reviews.json"
    file.write_text("{", encoding="utf-8")
    reviews = Reviews(file, list)
    reviews.owe(owed())
    assert reviews.flush() is False
    file.unlink()
    assert [one.session for one in reviews.known()] == [SESSION]
    assert reviews.flush() is True
    assert len(json.loads(file.read_text())) == 1


def test_a_file_that_somebody_holds_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doorward.grants.review_files.KEPT_SECONDS", 0.05)
    reviews = Reviews(tmp_path / "reviews.json", list)
    with alone(tmp_path / "reviews.json"):
        for number in range(3):
            reviews.owe(owed(f"{number:032x}"))
        assert len(reviews.known()) == 3
        assert not (tmp_path / "reviews.json").exists()
    while not reviews.flush():  # the writer that waited has the file now
        pass
    assert len(json.loads((tmp_path / "reviews.json").read_text())) == 3
    assert len(reviews.known()) == 3


def test_the_file_is_bounded_by_what_is_closed_and_never_by_what_is_owed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doorward.grants.review_files.MAX_KEPT", 3)
    reviews = Reviews(tmp_path / "reviews.json", lambda: OFFICIALS)
    for number in range(3):
        reviews.owe(owed(f"{number:032x}"))
    first = reviews.known()[0]
    reviews.close(first, sign_note(format_review(review(first)), ERIN))
    for number in range(3, 6):
        reviews.owe(owed(f"{number:032x}"))
    assert [int(one.session, 16) for one in reviews.known()] == [1, 2, 3, 4, 5]


def test_ones_own_sessions_of_a_day_are_counted() -> None:
    kept = [owed(f"{n:032x}", began=NOW - timedelta(hours=hours)) for n, hours in enumerate((1, 23, 24, 48))]
    kept.append(owed("f" * 32, "erin.example"))
    assert count_recent(kept, "dana.example", now=NOW) == 2


def test_an_overdue_review_is_a_duty_and_a_closed_one_is_none() -> None:
    kept = [owed(), owed("0" * 32, note="signed")]
    assert find_duties(asks=[], answers=[], reviews=kept, now=NOW) == []
    (found,) = find_duties(asks=[], answers=[], reviews=kept, now=NOW + timedelta(days=1))
    assert (found.duty, found.id, found.when) == (Duty.REVIEW, SESSION[:12], owed().due)


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_a_row_that_is_no_review_is_told(row: object) -> None:
    with pytest.raises(MalformedError):
        decode_owed(row)


@pytest.mark.parametrize("name", Owed.__dataclass_fields__)
@pytest.mark.parametrize("value", [None, 3, [], {}])
def test_each_part_of_a_kept_row_is_a_text(name: str, value: object) -> None:
    assert decode_owed(encode_owed(owed())) == owed()
    with pytest.raises(MalformedError):
        decode_owed(encode_owed(owed()) | {name: value})


@pytest.mark.parametrize(
    "words",
    [
        "a child was taken",
        "child-taken-from-63rd",
        "niño perdido aquí",
        "shots_fired_at 63rd",
        "儿童 被 带走",
    ],
)
def test_a_danger_is_said_in_whatever_words(words: str) -> None:
    assert says_something(words)


@pytest.mark.parametrize(
    "words", ["", ".", "...", "- - -", "help", "help me", "a\nb c d", "_ _ _", "x y z" * 60]
)
def test_a_dot_is_no_danger(words: str) -> None:
    assert not says_something(words)
