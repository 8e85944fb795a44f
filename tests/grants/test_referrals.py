"""Asks that were referred and their answers: who may answer, what an answer is about, and what is kept."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.grants.referral_files import MAX_OF_ONE_LOGIN, Referrals
from doorward.grants.referrals import (
    MAX_DAYS,
    Answered,
    Ask,
    Referral,
    check_answer,
    decode_referral,
    encode_referral,
    find_approval,
    format_answer,
    make_referral,
    parse_answer,
    verify_answer,
)
from doorward.notes.note import Signer, cosign_note, sign_note

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
ASK = Ask("dana", "criminal-investigation", "JH1", "CPD", ("case-not-verified",), "d" * 64)
SUPERVISOR, LAW, DANA = (
    Signer.make(name, bytes([number]) * 32)
    for number, name in enumerate(("supervisor/erin", "law/finn", "supervisor/dana"))
)
OFFICIALS = [SUPERVISOR.verifier, LAW.verifier, DANA.verifier]


def referral(ask: Ask = ASK, office: str = "supervisor") -> Referral:
    return make_referral(
        ask,
        agency="CPD",
        office=office,
        says="no open case",
        clauses=("local-policy",),
        sets="",
        can_open=True,
        now=NOW,
    )


def answer(ask: Ask = ASK, *, is_approved: bool = True, until: datetime = LATER) -> Answered:
    return Answered(
        ask, is_approved, until, "a call with the register", "the register was down", by="supervisor/erin"
    )


def signed(made: Answered, signer: Signer = SUPERVISOR) -> bytes:
    return sign_note(format_answer(made), signer)


def test_criminal_work_is_answered_within_half_an_hour_and_the_rest_within_a_day() -> None:
    assert referral().due - NOW == timedelta(minutes=30)
    assert referral(replace(ASK, purpose="records-service")).due - NOW == timedelta(hours=24)


def test_the_same_ask_has_the_same_id_and_every_part_of_it_counts() -> None:
    changed = [
        replace(ASK, login="x"), replace(ASK, purpose="x"), replace(ASK, case_no="x"), replace(ASK, for_agency="x"),
        replace(ASK, policies=("x",)), replace(ASK, order="x"),
    ]  # fmt: skip
    assert len({ask.id for ask in (ASK, replace(ASK), *changed)}) == 7


def test_an_approval_opens_this_ask_until_its_end_and_no_other() -> None:
    made = verify_answer(signed(answer()), OFFICIALS, referral=referral())
    assert made.by == "supervisor/erin"
    assert find_approval([made], ASK, office="supervisor", now=NOW) is made
    assert find_approval([made], ASK, office="supervisor", now=LATER) is None
    for other in (
        replace(ASK, for_agency="ICE-ERO"),
        replace(ASK, order="e" * 64),
        replace(ASK, policies=("other",)),
    ):
        assert find_approval([made], other, office="supervisor", now=NOW) is None


def test_an_answer_of_another_office_or_without_a_near_end_opens_nothing_although_it_is_kept() -> None:
    for kept in (replace(answer(), by="law/finn"), answer(until=NOW + timedelta(days=MAX_DAYS, seconds=1))):
        assert find_approval([kept], ASK, office="supervisor", now=NOW) is None


def test_a_later_denial_takes_an_approval_back_and_a_later_approval_gives_it() -> None:
    yes, no = answer(), answer(is_approved=False)
    assert find_approval([yes, no], ASK, office="supervisor", now=NOW) is None
    assert find_approval([no, yes], ASK, office="supervisor", now=NOW) is yes


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (signed(answer(), DANA), "nobody answers their own ask"),
        (signed(answer(), LAW), "asks the office `supervisor`, and `law` answered"),
        (signed(answer(), Signer.make("supervisor/stranger", b"x" * 32)), "got that of 0"),
        (cosign_note(signed(answer()), LAW), "got that of 2"),
        (signed(answer(replace(ASK, for_agency="FBI"))), "about another ask"),
        (signed(answer(until=NOW + timedelta(days=MAX_DAYS + 1))), "at most 30 days"),
        (signed(answer()).replace(b"JH1", b"JH2"), "does not hold"),
    ],
)
def test_whose_answer_does_not_count(raw: bytes, said: str) -> None:
    with pytest.raises((VerificationError, MalformedError), match=said):
        verify_answer(raw, OFFICIALS, referral=referral())


def test_an_answer_without_evidence_or_reason_is_none() -> None:
    for name, value in (("evidence", " "), ("reason", ""), ("reason", "two\nlines"), ("evidence", "x" * 201)):
        changed: Any = {name: value}
        with pytest.raises(MalformedError):
            check_answer(replace(answer(), **changed))


WORD = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=12)


@given(
    st.builds(
        Ask,
        WORD,
        WORD,
        st.one_of(st.just(""), WORD),
        WORD,
        st.lists(WORD, min_size=1, max_size=3).map(tuple),
        WORD,
    )
)
def test_what_is_written_is_read_as_it_was(ask: Ask) -> None:
    assert parse_answer(format_answer(answer(ask)), by="supervisor/erin") == answer(ask)
    assert decode_referral(json.loads(json.dumps(encode_referral(referral(ask))))) == referral(ask)


@given(st.binary(max_size=300))
def test_anything_else_is_told_as_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_answer(raw)


@pytest.mark.parametrize("row", [None, {}, [], "x", {"ask": {}}, {"ask": 5, "asked": "x"}])
def test_a_kept_ask_that_is_none_is_told(row: Any) -> None:
    with pytest.raises(MalformedError):
        decode_referral(row)


class TestFiles:
    @pytest.fixture(name="kept")
    def kept_fixture(self, tmp_path: Path) -> Referrals:
        return Referrals(tmp_path / "asks.json", tmp_path / "answers.json", lambda: OFFICIALS)

    def test_an_ask_is_kept_once_with_its_first_clock(self, kept: Referrals) -> None:
        kept.note(referral())
        again = make_referral(
            ASK,
            agency="CPD",
            office="supervisor",
            says="x",
            clauses=(),
            sets="",
            can_open=True,
            now=NOW + timedelta(hours=5),
        )
        assert kept.note(again) == referral()
        assert kept.asks() == [referral()]

    def test_one_login_does_not_fill_the_list_for_others(self, kept: Referrals) -> None:
        for number in range(MAX_OF_ONE_LOGIN + 5):
            tried = referral(replace(ASK, case_no=f"JH{number}"))
            assert kept.note(tried) == (tried if number < MAX_OF_ONE_LOGIN else None)
        kept.note(referral(replace(ASK, login="erin")))
        assert [one.ask.login for one in kept.asks()] == ["dana"] * MAX_OF_ONE_LOGIN + ["erin"]

    def test_an_answer_is_kept_as_it_was_signed(self, kept: Referrals) -> None:
        kept.note(referral())
        made = kept.answer(signed(answer()))
        assert kept.answers() == [made]

    def test_what_another_process_writes_is_seen_at_once(self, kept: Referrals, tmp_path: Path) -> None:
        officials = list(OFFICIALS)
        other = Referrals(tmp_path / "asks.json", tmp_path / "answers.json", lambda: officials)
        assert (other.asks(), other.answers()) == ([], [])
        kept.note(referral())
        made = kept.answer(signed(answer()))
        assert (other.asks(), other.answers()) == ([referral()], [made])
        officials.remove(SUPERVISOR.verifier)
        with pytest.raises(ConfigError):
            other.answers()

    def test_an_answer_to_nothing_is_refused(self, kept: Referrals) -> None:
        with pytest.raises(ConfigError, match="is not kept here"):
            kept.answer(signed(answer()))

    def test_an_answer_that_somebody_changed_makes_none_count(self, kept: Referrals, tmp_path: Path) -> None:
        kept.note(referral())
        kept.answer(signed(answer()))
        file = tmp_path / "answers.json"
        file.write_text(file.read_text().replace("JH1", "JH2"))
        with pytest.raises(ConfigError):
            kept.answers()

    @pytest.mark.parametrize("text", ["", "{}", "[1]", "nonsense", "[" * 5000])
    def test_files_that_are_not_what_they_must_be_are_told(
        self, kept: Referrals, tmp_path: Path, text: str
    ) -> None:
        (tmp_path / "asks.json").write_text(text)
        with pytest.raises(ConfigError):
            kept.asks()
