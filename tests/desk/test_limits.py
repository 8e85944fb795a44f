"""Limits: how often somebody may do something, and that nobody gets free, or others out, by filling the table."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.record.entry import Entry

Recording = Callable[[], list[Entry]]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def limits(desk: Any) -> Any:
    """The module, which needs a Django that is set up."""
    assert desk
    from doorward.desk import limits as found

    found.limiter().forget()
    yield found
    found.limiter().forget()


def test_so_many_at_once_and_then_one_by_one(limits: Any) -> None:
    rate, counts = limits.Rate("x", 3, 60), limits.Limiter()
    assert [counts.count(rate, "a", now=NOW) for _ in range(5)] == [0, 0, 0, 20, 20]
    assert counts.count(rate, "b", now=NOW) == 0
    assert counts.count(limits.Rate("y", 3, 60), "a", now=NOW) == 0
    later = NOW + timedelta(seconds=20)
    assert [counts.count(rate, "a", now=later) for _ in range(2)] == [0, 20]
    assert [counts.count(rate, "a", now=NOW + timedelta(hours=1)) for _ in range(4)] == [0, 0, 0, 20]


def test_what_is_asked_about_is_not_counted(limits: Any) -> None:
    rate, counts = limits.Rate("x", 1, 60), limits.Limiter()
    assert [counts.is_over(rate, "a", now=NOW) for _ in range(3)] == [0, 0, 0]
    assert counts.count(rate, "a", now=NOW) == 0
    assert counts.is_over(rate, "a", now=NOW) == 60


@given(
    times=st.integers(1, 20),
    seconds=st.integers(1, 600),
    steps=st.lists(st.integers(-500, 500), max_size=60),
)
def test_no_window_has_more_than_twice_the_rate_and_no_wait_is_longer_than_it(
    limits_module: Any, times: int, seconds: int, steps: list[int]
) -> None:
    rate, counts = limits_module.Rate("x", times, seconds), limits_module.Limiter()
    now, let_in = NOW, []
    for step in steps:
        now += timedelta(seconds=step)
        wait = counts.count(rate, "a", now=now)
        assert 0 <= wait <= seconds
        assert wait == 0 or counts.is_over(rate, "a", now=now + timedelta(seconds=wait)) == 0
        if wait == 0 and all(step >= 0 for step in steps):
            let_in.append(now)
    for begin in let_in:
        window = [one for one in let_in if begin <= one < begin + timedelta(seconds=seconds)]
        assert len(window) <= 2 * times


@pytest.fixture(scope="module")
def limits_module(desk: Any) -> Any:
    assert desk
    from doorward.desk import limits as found

    return found


def test_who_fills_the_table_does_not_get_free_and_the_table_stays_small(limits: Any) -> None:
    rate, counts = limits.Rate("x", 5, 900), limits.Limiter(most=100)
    assert [counts.count(rate, "guesser", now=NOW) for _ in range(6)][-1] > 0
    for number in range(5000):
        counts.count(rate, f"other {number}", now=NOW)
    assert len(counts._free_at) <= 100
    assert counts.count(rate, "guesser", now=NOW) > 0


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("", "unknown"),
        ("nowhere", "unknown"),
    ],
)
def test_an_address_is_one_customers(limits: Any, said: str, found: str) -> None:
    from django.test import RequestFactory

    request = RequestFactory().get("/", REMOTE_ADDR=said, headers={"x-forwarded-for": "203.0.113.9"})
    assert limits.address_of(request) == found


def sign_in(desk: Any, login: str, address: str) -> str:
    answer = desk.client().post(
        "/account/login/", {"login": login, "password": "wrong wrong wrong"}, REMOTE_ADDR=address
    )
    text: str = answer.content.decode()
    return "429" if answer.status_code == 429 else "many" if "too many tries from here" in text else "wrong"


def test_passwords_are_not_guessed_without_end_and_nobody_is_kept_out_by_who_fails_elsewhere(
    desk: Any,
) -> None:
    from django.core.cache import cache

    cache.clear()
    assert [sign_in(desk, "guessed.example", "198.51.100.1") for _ in range(6)] == [*["wrong"] * 5, "many"]
    assert sign_in(desk, "guessed.example", "198.51.100.2") == "wrong"
    assert sign_in(desk, "another.example", "198.51.100.1") == "wrong"


def test_a_count_of_wrong_passwords_is_not_pushed_out_by_others(desk: Any) -> None:
    """Django's caches keep 300 keys unless told otherwise; each sign-in that fails takes three."""
    from django.core.cache import cache

    cache.clear()
    for _ in range(5):
        sign_in(desk, "pushed.example", "198.51.100.1")
    for number in range(400):
        cache.set(f"another-{number}", [1.0], 900)
    assert sign_in(desk, "pushed.example", "198.51.100.1") == "many"


def person(desk: Any, login: str) -> Any:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    return Account.objects.filter(login=login).first() or desk.account(login, Role.OFFICER, unit="limits")


@pytest.mark.parametrize(("name", "more"), [("FILINGS", {"file": "1"}), ("PREVIEWS", {})])
def test_who_files_or_asks_too_often_waits_and_loses_nothing(
    desk: Any, recording: Recording, monkeypatch: pytest.MonkeyPatch, name: str, more: dict[str, str]
) -> None:
    from doorward.desk.limits import Rate

    client = desk.client(person(desk, "limits.example"))
    other = desk.client(person(desk, "other.limits.example"))
    monkeypatch.setattr(f"doorward.desk.views.new.{name}", Rate(name, 2, 86_400))
    sent = {"of-custody": "hold", "who-asks": "ICE-ERO", "custody-number": "BK-20", "token": "x", **more}
    assert [client.post("/new/detainer/", sent).status_code < 400 for _ in range(2)] == [True, True]
    count = len(recording())
    answer = client.post("/new/detainer/", sent)
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)
    assert "BK-20" in answer.content.decode()
    assert len(recording()) == count
    assert other.post("/new/detainer/", sent).status_code < 400


def test_an_address_that_is_not_signed_in_waits_and_others_do_not(
    desk: Any, limits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doorward.desk.middleware.STRANGERS", limits.Rate("strangers", 3, 86_400))
    stranger, here = desk.client(), {"REMOTE_ADDR": "198.51.100.20"}
    codes = [stranger.get("/favicon.ico", **here).status_code for _ in range(5)]
    assert codes == [204, 204, 204, 429, 429]
    refused = stranger.get("/account/login/", **here)
    assert int(refused.headers["retry-after"]) > 0
    assert "Nothing was done" in refused.content.decode()
    assert stranger.get("/favicon.ico", REMOTE_ADDR="198.51.100.21").status_code == 204
    signed_in = desk.client(person(desk, "limits.example"))
    assert signed_in.get("/", **here).status_code == 200
