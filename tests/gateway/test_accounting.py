"""What officials did and did not do is recorded once, whoever is asked how often."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from doorward.gateway.accounting import Accounting
from doorward.gateway.server import Server
from doorward.grants.referral_files import Referrals
from doorward.grants.referrals import Answered, Ask, format_answer, make_referral
from doorward.grants.review_files import Reviews
from doorward.grants.reviews import Finding, Owed, Review, format_review, make_owed
from doorward.notes.note import Signer, sign_note
from doorward.record.entry import Draft, Field, Kind

NOW = datetime(2026, 12, 1, 3, 12, tzinfo=UTC)
ERIN = Signer.make("supervisor/erin.example", b"e" * 32)


@dataclass
class Recorder:
    """What of a server the accounting uses: its clock, its threads, its record."""

    at: datetime = NOW
    takes: bool = True
    drafts: list[Draft] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.floor_threads = ThreadPoolExecutor(1)

    def now(self) -> datetime:
        return self.at

    def append(self, drafts: Sequence[Draft], now: datetime) -> bool:
        assert now == self.at
        self.drafts += drafts if self.takes else []
        return self.takes


class Office:
    """One data folder with a session that owes a review and an ask that waits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reviews = Reviews(folder / "reviews.json", lambda: [ERIN.verifier])
        self.referrals = Referrals(folder / "asks.json", folder / "answers.json", lambda: [ERIN.verifier])
        self.recorder = Recorder()
        self.owed = make_owed(
            "7d" * 16, login="dana.example", agency="CPD", purpose="safety", for_agency="CPD",
            stated="a child was taken", office="supervisor", now=NOW,
        )  # fmt: skip
        self.reviews.owe(self.owed)
        self.ask = Ask(
            "dana.example", "criminal-investigation", "JH1", "CPD", ("case-not-verified",), "d" * 64
        )
        self.referral = make_referral(
            self.ask, agency="CPD", office="supervisor", says="none", clauses=("B1",), sets="", can_open=True, now=NOW,
        )  # fmt: skip
        self.referrals.note(self.referral)

    def look(self, *, minutes: float = 0) -> dict[str, Any]:
        # Each time as a gateway that has just started: what is recorded is known from the file alone.
        async def ask() -> dict[str, Any]:
            accounting = Accounting(self.reviews, self.referrals, self.folder / "recorded.json")
            return await accounting.look(cast("Server", self.recorder))

        self.recorder.at = NOW + timedelta(minutes=minutes)
        return asyncio.run(ask())

    def review(self, owed: Owed) -> None:
        found = Review(
            owed.session, owed.login, owed.began, Finding.UNCLEAR, "dispatch 1", "nobody knows the address"
        )
        self.reviews.close(owed, sign_note(format_review(found), ERIN))

    def deny(self) -> None:
        answer = Answered(
            self.ask, is_approved=False, until=self.referral.due, evidence="call", reason="wrong number"
        )
        self.referrals.answer(sign_note(format_answer(answer), ERIN))


@pytest.fixture(name="office")
def office_fixture(tmp_path: Path) -> Office:
    return Office(tmp_path)


def said(office: Office) -> list[tuple[bytes, bytes]]:
    fields = [dict(draft.fields) for draft in office.recorder.drafts]
    assert all(draft.kind is Kind.REVIEW for draft in office.recorder.drafts)
    return [(each[Field.OUTCOME], each[Field.REASON]) for each in fields]


def test_a_review_is_recorded_once(office: Office) -> None:
    assert office.look() == {"recorded": 0}
    office.review(office.owed)
    assert [office.look(minutes=n) for n in range(3)] == [{"recorded": 1}, {"recorded": 0}, {"recorded": 0}]
    assert said(office) == [(b"unclear", b"nobody knows the address")]
    assert dict(office.recorder.drafts[0].fields)[Field.LOGIN] == b"supervisor/erin.example"


def test_what_is_overdue_is_recorded_once(office: Office) -> None:
    assert [office.look(minutes=n)["recorded"] for n in (29, 30, 31, 24 * 60 - 1, 24 * 60, 48 * 60)] == [
        0,
        1,
        0,
        0,
        1,
        0,
    ]
    assert said(office) == [
        (b"overdue", f"answer overdue {office.ask.id}".encode()),
        (b"overdue", f"review overdue {office.owed.id}".encode()),
    ]


def test_what_is_done_in_time_is_never_overdue(office: Office) -> None:
    office.review(office.owed)
    office.deny()
    office.look(minutes=48 * 60)
    assert said(office) == [(b"unclear", b"nobody knows the address")]


def test_what_the_record_did_not_take_is_tried_again(office: Office) -> None:
    office.recorder.takes = False
    assert office.look(minutes=30) == {"failed": "the record cannot be written"}
    office.recorder.takes = True
    assert office.look(minutes=31) == {"recorded": 1}


@pytest.mark.parametrize("name", ["reviews.json", "asks.json", "answers.json", "recorded.json"])
def test_a_file_that_cannot_be_read_is_told_and_records_nothing(office: Office, name: str) -> None:
    (office.folder / name).write_text("{", encoding="utf-8")
    assert "cannot be read" in office.look(minutes=30)["failed"]
    assert office.recorder.drafts == []
