"""Logins that lapse by themselves, and the days that are kept of them."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from doorward.errors import ConfigError
from doorward.grants.lapse import Lapse, LapseRules, Lapsing, LastSeen, find_lapse
from doorward.grants.people import Person

TODAY = date(2026, 6, 1)
RULES = LapseRules(90, 90)


def person(days_ago: int | None) -> Person:
    attested = (TODAY - timedelta(days=days_ago)).isoformat() if days_ago is not None else ""
    return Person("dana", "", "detective", "CPD", "", attested_on=attested)


@pytest.mark.parametrize(
    ("attested", "seen", "lapse"),
    [
        (0, None, None),
        (90, 90, None),
        (91, 0, Lapse.NOT_ATTESTED),
        (None, 0, Lapse.NOT_ATTESTED),
        (90, 91, None),
        (90, None, None),
    ],
)
def test_ninety_days_hold_and_ninety_one_do_not(
    attested: int | None, seen: int | None, lapse: Lapse | None
) -> None:
    last = TODAY - timedelta(days=seen) if seen is not None else None
    assert find_lapse(person(attested), RULES, last_seen=last, today=TODAY) is lapse


def test_use_alone_is_counted_where_nobody_attests() -> None:
    rules = LapseRules(unused_days=90)
    old, fresh = TODAY - timedelta(days=91), TODAY - timedelta(days=90)
    assert find_lapse(person(None), rules, last_seen=old, today=TODAY) is Lapse.UNUSED
    assert find_lapse(person(None), rules, last_seen=fresh, today=TODAY) is None
    assert find_lapse(person(None), rules, last_seen=None, today=TODAY) is Lapse.UNUSED
    assert find_lapse(person(None), LapseRules(), last_seen=None, today=TODAY) is None


def test_a_lapsed_login_does_not_wake_itself_by_trying(tmp_path: Path) -> None:
    lapsing = Lapsing(RULES, LastSeen(tmp_path / "seen.json"))
    assert lapsing.enter(person(91), TODAY) is Lapse.NOT_ATTESTED
    assert LastSeen(tmp_path / "seen.json").day("dana") is None
    assert lapsing.enter(person(1), TODAY) is None
    assert LastSeen(tmp_path / "seen.json").day("dana") == TODAY


def test_two_workers_keep_each_others_days(tmp_path: Path) -> None:
    one, other = LastSeen(tmp_path / "seen.json"), LastSeen(tmp_path / "seen.json")
    one.mark("dana", TODAY)
    other.mark("erin", TODAY)
    again = LastSeen(tmp_path / "seen.json")
    assert (again.day("dana"), again.day("erin")) == (TODAY, TODAY)


@pytest.mark.parametrize("text", ["", "[]", '{"dana": 5}', '{"dana": "yesterday"}'])
def test_a_file_that_is_not_as_it_must_be_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "seen.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        LastSeen(tmp_path / "seen.json")
