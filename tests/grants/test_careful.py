"""What is kept of a register and when it is left alone: any order of questions, answers and failures."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from doorward.grants.careful import (
    FAILURES,
    MAX_KEPT,
    MAX_REST_SECONDS,
    REST_SECONDS,
    Breaker,
    Kept,
    RegisterRules,
)
from doorward.grants.registers import Question

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = Question("JH123456", "detective")
TIMEOUT = 3.0


def dead() -> Breaker:
    breaker = Breaker(TIMEOUT)
    for _ in range(FAILURES):
        assert breaker.lets_through(0.0)
        breaker.failed(0.0)
    return breaker


def test_after_failures_in_a_row_nobody_asks_until_the_rest_is_over_and_then_one_does() -> None:
    breaker = dead()
    assert breaker.is_open
    assert not breaker.lets_through(REST_SECONDS - 0.1)
    assert [breaker.lets_through(REST_SECONDS) for _ in range(3)] == [True, False, False]


def test_an_answer_opens_it_for_everybody() -> None:
    breaker = dead()
    assert breaker.lets_through(REST_SECONDS)
    breaker.answered()
    assert [breaker.lets_through(REST_SECONDS) for _ in range(3)] == [True, True, True]


def test_failures_that_are_not_in_a_row_change_nothing() -> None:
    breaker = Breaker(TIMEOUT)
    for _ in range(10 * FAILURES):
        breaker.failed(0.0)
        breaker.answered()
    assert breaker.lets_through(0.0)


def test_each_rest_that_ends_in_a_failure_is_longer_up_to_a_minute() -> None:
    breaker, now, rests = dead(), 0.0, []
    for _ in range(8):
        start = now
        while not breaker.lets_through(now):
            now += 0.5
        rests.append(now - start)
        breaker.failed(now)
    assert rests == sorted(rests)
    assert (rests[0], rests[-1]) == (REST_SECONDS, MAX_REST_SECONDS)


def test_failures_of_questions_put_before_the_rest_do_not_make_it_longer() -> None:
    breaker = dead()
    for _ in range(100):
        breaker.failed(1.0)
    assert breaker.lets_through(REST_SECONDS)


def test_a_trial_whose_answer_is_lost_is_tried_again() -> None:
    breaker = dead()
    assert breaker.lets_through(REST_SECONDS)
    assert not breaker.lets_through(REST_SECONDS + TIMEOUT)
    assert breaker.lets_through(REST_SECONDS + 2 * TIMEOUT)


@given(st.lists(st.tuples(st.sampled_from(["ask", "answered", "failed"]), st.floats(0, 30)), max_size=60))
def test_it_never_stays_shut_for_good(steps: list[tuple[str, float]]) -> None:
    breaker, now = Breaker(TIMEOUT), 0.0
    for step, seconds in steps:
        now += seconds
        match step:
            case "ask":
                breaker.lets_through(now)
            case "answered":
                breaker.answered()
            case _:
                breaker.failed(now)
    assert breaker.lets_through(now + MAX_REST_SECONDS)


def test_only_a_yes_is_kept_and_for_its_seconds() -> None:
    kept = Kept(RegisterRules(cache_seconds=60))
    kept.note(ASKED, says=False, now=NOW)
    assert kept.find(ASKED, NOW) is None
    kept.note(ASKED, says=True, now=NOW)
    assert kept.find(ASKED, NOW + timedelta(seconds=59)) == NOW
    assert kept.find(ASKED, NOW + timedelta(seconds=60)) is None
    assert kept.find(ASKED, NOW - timedelta(seconds=1)) is None  # the clock was set back
    assert kept.find(Question("JH123456", "other.detective"), NOW) is None


def test_a_no_takes_a_yes_away_at_once() -> None:
    kept = Kept(RegisterRules(cache_seconds=60))
    kept.note(ASKED, says=True, now=NOW)
    kept.note(ASKED, says=False, now=NOW)
    assert kept.find(ASKED, NOW) is None


def test_nothing_is_kept_where_nothing_may_be_and_never_without_end() -> None:
    none, some = Kept(RegisterRules(cache_seconds=0)), Kept(RegisterRules(cache_seconds=60))
    none.note(ASKED, says=True, now=NOW)
    assert none.find(ASKED, NOW) is None
    for number in range(MAX_KEPT + 1):
        some.note(Question(str(number), "detective"), says=True, now=NOW)
    assert some.find(Question("0", "detective"), NOW) is None
    assert some.find(Question("1", "detective"), NOW) == NOW
