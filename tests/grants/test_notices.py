"""Whom a notice goes to and when, what it says, and what it never says."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import MalformedError
from doorward.grants.notice_files import Notices
from doorward.grants.notices import (
    LONGEST_WAIT,
    Notice,
    OnCall,
    Stage,
    addressee,
    decode_notice,
    encode_notice,
    find_notices,
    is_to_be_told,
    retry,
)
from doorward.grants.referrals import Answered, Ask, Referral, make_referral
from doorward.grants.reviews import Owed, make_owed

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
ON_CALL = {
    "supervisor": OnCall(command=("/bin/true",), then="watch"),
    "watch": OnCall(mail=("watch@city.example",), then="law"),
    "law": OnCall(spool=True, then="supervisor"),
}


def asked(
    login: str = "dana.example", case: str = "JH555111", purpose: str = "criminal-investigation"
) -> Referral:
    ask = Ask(login, purpose, case, "CPD", ("case-not-verified",), "d" * 64)
    return make_referral(
        ask, agency="CPD", office="supervisor", says="the register has none", clauses=("B1",), sets="",
        can_open=True, now=NOW,
    )  # fmt: skip


def broke(login: str = "dana.example", stated: str = "a child was taken") -> Owed:
    return make_owed(
        "7d" * 16, login=login, agency="CPD", purpose="safety", for_agency="CPD", stated=stated,
        office="supervisor", now=NOW,
    )  # fmt: skip


def notices(
    minutes: float, *asks: Referral, answers: tuple[Answered, ...] = (), reviews: tuple[Owed, ...] = ()
) -> list[Notice]:
    now = NOW + timedelta(minutes=minutes)
    return find_notices(asks=asks, answers=answers, reviews=reviews, on_call=ON_CALL, now=now)


@pytest.mark.parametrize(
    ("purpose", "minutes", "stage", "to"),
    [
        ("criminal-investigation", 0, Stage.ASKED, "supervisor"),
        ("criminal-investigation", 14.9, Stage.ASKED, "supervisor"),
        ("criminal-investigation", 15, Stage.HALF, "watch"),
        ("criminal-investigation", 30, Stage.DUE, "law"),
        ("records-service", 15, Stage.ASKED, "supervisor"),
        ("records-service", 13 * 60, Stage.ASKED, "supervisor"),
        ("records-service", 24 * 60, Stage.DUE, "law"),
    ],
)
def test_what_is_urgent_goes_further_at_half_time(
    purpose: str, minutes: float, stage: Stage, to: str
) -> None:
    (found,) = notices(minutes, asked(purpose=purpose))
    assert (found.stage, found.to, found.office) == (stage, to, "supervisor")


def test_what_is_answered_is_nobodys_any_more() -> None:
    ask = asked()
    denial = Answered(
        ask.ask, is_approved=False, until=ask.due, evidence="x", reason="x", by="supervisor/erin"
    )
    assert notices(60, ask, answers=(denial,)) == []
    assert notices(60, reviews=(replace(broke(), note="signed"),)) == []
    # An answer of somebody whom the order did not ask is none.
    assert len(notices(60, ask, answers=(replace(denial, by="fund-manager/finn"),))) == 1


def test_a_week_after_it_was_due_nobody_is_told_anew() -> None:
    assert notices(8 * 24 * 60, asked()) == []
    assert notices(9 * 24 * 60, reviews=(broke(),)) == []


def test_a_review_that_is_overdue_goes_on() -> None:
    (first,), (second,) = notices(5, reviews=(broke(),)), notices(24 * 60, reviews=(broke(),))
    assert (first.to, first.stage, first.work) == ("supervisor", Stage.ASKED, "danger to life")
    assert (second.to, second.stage) == ("law", Stage.DUE)


@given(
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(["a", "b", "c", "nobody", ""])),
    st.sampled_from(Stage),
)
def test_the_row_of_offices_ends_whatever_it_says(then: dict[str, str], stage: Stage) -> None:
    on_call = {name: OnCall(then=next_) for name, next_ in then.items()}
    assert addressee("a", stage, on_call) in {"a", *then.values()}


WORD = st.text(st.characters(categories=["L", "N"]), min_size=6, max_size=20).map(lambda text: f"§{text}")


@given(WORD, WORD, WORD)
def test_no_name_no_case_number_and_no_stated_word_is_in_it(login: str, case: str, stated: str) -> None:
    for notice in notices(40, asked(login, case), reviews=(broke(login, stated),)):
        told = json.dumps(encode_notice(notice), ensure_ascii=False)
        assert not any(word in told for word in (login, case, stated, "§"))


def test_a_notice_that_reached_nobody_waits_longer_each_time() -> None:
    (notice,) = notices(0, asked())
    now, waits = NOW, []
    for _ in range(12):
        assert is_to_be_told(notice, now)
        notice = replace(notice, **retry(notice, "no relay", now))
        waits.append(notice.again - now)
        assert not is_to_be_told(notice, now)
        now = notice.again
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(seconds=30), LONGEST_WAIT)
    assert not is_to_be_told(replace(notice, is_told=True), now)
    assert not is_to_be_told(notice, notice.due + timedelta(days=2))


def test_a_notice_is_kept_as_it_is_and_a_pagers_own_file_is_passed_over(tmp_path: Path) -> None:
    kept = Notices(tmp_path / "notices")
    assert kept.kept() == {}
    (notice,) = notices(0, asked())
    kept.keep(notice)
    (tmp_path / "notices" / "seen.json").write_text('{"by": "a pager"}', encoding="utf-8")
    (tmp_path / "notices" / "broken.json").write_text("{", encoding="utf-8")
    assert kept.kept() == {notice.name: notice}
    assert kept.untold() == []
    kept.keep(replace(notice, tries=1))
    assert kept.untold() == [(notice.id, "supervisor", NOW)]
    assert (tmp_path / "notices" / f"{notice.name}.json").stat().st_mode & 0o077 == 0
    kept.forget(NOW + timedelta(days=31))
    assert kept.kept() == {}


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_what_is_no_notice_is_told(row: object) -> None:
    with pytest.raises(MalformedError):
        decode_notice(row)


@pytest.mark.parametrize("key", [*Notice.__dataclass_fields__, "text"])
def test_each_part_is_checked(key: str) -> None:
    row = encode_notice(notices(0, asked())[0])
    assert decode_notice(row) == notices(0, asked())[0]
    with pytest.raises(MalformedError):
        decode_notice({name: value for name, value in row.items() if name != key})
    if key != "text":
        with pytest.raises(MalformedError):
            decode_notice(row | {key: []})
