"""What becomes of a session after a register's word: bounded by the settings, whatever the register does."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from doorward.gateway.recheck import RETRY, Next, begin, judge
from doorward.grants.careful import RegisterRules
from doorward.grants.registers import Question, Silence, Word

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULES = RegisterRules(recheck_minutes=15, recheck_grace_minutes=30)
ASKED = Question("JH123456", "detective")


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def test_a_session_is_asked_about_when_its_word_is_that_old_and_not_when_it_came_in() -> None:
    assert begin(ASKED, NOW, RULES).due == later(15)


def test_a_yes_counts_from_when_it_was_said() -> None:
    becomes, after = judge(begin(ASKED, NOW, RULES), Word(says=True, at=later(15)), RULES, now=later(16))
    assert (becomes, after.heard, after.due) == (Next.STAYS, later(15), later(30))


def test_a_no_ends_it_at_once() -> None:
    becomes, _ = judge(begin(ASKED, NOW, RULES), Word(says=False, at=NOW), RULES, now=NOW)
    assert becomes is Next.ENDS


def test_a_silence_is_asked_again_soon_and_ends_it_when_the_grace_is_over() -> None:
    silent = Word(None, later(15), Silence.LATE)
    becomes, after = judge(begin(ASKED, NOW, RULES), silent, RULES, now=later(15))
    assert (becomes, after.heard, after.due) == (Next.STAYS, NOW, later(15) + RETRY)
    assert judge(after, silent, RULES, now=later(44.9))[0] is Next.STAYS
    assert judge(after, silent, RULES, now=later(44.9))[1].due == later(45)
    assert judge(after, silent, RULES, now=later(45))[0] is Next.ENDS


def test_without_a_grace_the_first_silence_ends_it() -> None:
    rules = RegisterRules(recheck_minutes=15, recheck_grace_minutes=0)
    silent = Word(None, later(15), Silence.RESTING)
    assert judge(begin(ASKED, NOW, rules), silent, rules, now=later(15))[0] is Next.ENDS


words = st.lists(st.sampled_from([True, None]), max_size=200)


@given(words, st.integers(1, 240), st.integers(0, 240))
def test_no_session_outlives_its_last_yes_by_more_than_the_setting(
    said: list[bool | None], recheck: int, grace: int
) -> None:
    rules = RegisterRules(recheck_minutes=recheck, recheck_grace_minutes=grace)
    now, resting = NOW, begin(ASKED, NOW, rules)
    for word in said:
        assert now <= resting.due <= resting.heard + rules.oldest
        now = resting.due
        becomes, after = judge(resting, Word(word, now), rules, now=now)
        if becomes is Next.ENDS:
            assert (word, now) == (None, resting.heard + rules.oldest)
            return
        resting = after
