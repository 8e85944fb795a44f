"""Failed logins: five within a quarter of an hour lock a login from one address for ten minutes."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from doorward.gateway import attempts
from doorward.gateway.attempts import LOCKED, MAX_FAILURES, WITHIN, Attempts

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def failed(count: int, *, every: timedelta = MINUTE) -> Attempts:
    found = Attempts()
    for number in range(count):
        found.fail("dana", "10.0.0.1", now=NOW + number * every)
    return found


def test_five_failures_lock_it_and_four_do_not() -> None:
    assert not failed(MAX_FAILURES - 1).is_locked("dana", "10.0.0.1", now=NOW + 4 * MINUTE)
    locked = failed(MAX_FAILURES)
    last = NOW + 4 * MINUTE
    assert locked.is_locked("dana", "10.0.0.1", now=last)
    assert locked.is_locked("dana", "10.0.0.1", now=last + LOCKED - MINUTE)
    assert not locked.is_locked("dana", "10.0.0.1", now=last + LOCKED)


def test_nobody_is_kept_out_from_another_address() -> None:
    locked = failed(MAX_FAILURES)
    assert not locked.is_locked("dana", "10.0.0.2", now=NOW + 5 * MINUTE)
    assert not locked.is_locked("erin", "10.0.0.1", now=NOW + 5 * MINUTE)


def test_failures_of_long_ago_and_before_a_success_do_not_count() -> None:
    assert not failed(MAX_FAILURES, every=WITHIN / 3).is_locked("dana", "10.0.0.1", now=NOW + 2 * WITHIN)
    found = failed(MAX_FAILURES - 1)
    found.succeed("dana", "10.0.0.1")
    found.fail("dana", "10.0.0.1", now=NOW + 5 * MINUTE)
    assert not found.is_locked("dana", "10.0.0.1", now=NOW + 5 * MINUTE)


def test_who_tries_on_does_not_lengthen_it() -> None:
    locked, last = failed(MAX_FAILURES), NOW + 4 * MINUTE
    for number in range(1, 10):
        locked.fail("dana", "10.0.0.1", now=last + number * MINUTE)
    assert not locked.is_locked("dana", "10.0.0.1", now=last + LOCKED)


def test_a_lock_that_has_ended_begins_anew_with_five() -> None:
    found = failed(MAX_FAILURES, every=timedelta(seconds=1))
    again = NOW + LOCKED + timedelta(seconds=10)
    for number in range(MAX_FAILURES - 1):
        found.fail("dana", "10.0.0.1", now=again + number * timedelta(seconds=1))
    assert not found.is_locked("dana", "10.0.0.1", now=again + MINUTE)


def test_a_flood_of_names_costs_a_bounded_amount() -> None:
    found = Attempts()
    for number in range(attempts.MAX_KEPT + 50):
        found.fail(f"login-{number}", "10.0.0.1", now=NOW)
    assert len(found._failures) == attempts.MAX_KEPT


@given(st.lists(st.integers(0, 3600), max_size=60))
def test_a_lock_has_an_end_whatever_came_before(seconds: list[int]) -> None:
    found = Attempts()
    moments = [NOW + timedelta(seconds=second) for second in sorted(seconds)]
    for moment in moments:
        found.fail("dana", "10.0.0.1", now=moment)
    assert not found.is_locked("dana", "10.0.0.1", now=NOW + timedelta(hours=1) + LOCKED)
