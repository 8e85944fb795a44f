"""A register is asked without anybody waiting for it but the one who asked, and its silence is never a yes."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from doorward.errors import MalformedError, UpstreamError
from doorward.gateway.asking import THREADS, Asking
from doorward.grants.careful import FAILURES, RegisterRules
from doorward.grants.registers import NoRegister, Question, Silence, Word

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = Question("JH123456", "detective")
QUICK = RegisterRules(timeout_seconds=0.2, cache_seconds=60)


class Register:
    """A register that does what it is told."""

    def __init__(self, answer: Callable[[Question], bool]) -> None:
        self.answer = answer
        self.asked: list[Question] = []

    def is_open_and_assigned(self, question: Question) -> bool:
        self.asked.append(question)
        return self.answer(question)

    def close(self) -> None:
        pass


def fails(error: Exception) -> Callable[[Question], bool]:
    def answer(_: Question) -> bool:
        raise error

    return answer


@contextmanager
def hanging() -> Iterator[Register]:
    """A register that answers nobody until the end."""
    over = threading.Event()
    try:
        yield Register(lambda _: over.wait(60))
    finally:
        over.set()


def ask(asking: Asking, *, times: int = 1, is_recheck: bool = False, now: datetime = NOW) -> list[Word]:
    async def together() -> list[Word]:
        questions = (asking.ask(ASKED, now=now, is_recheck=is_recheck) for _ in range(times))
        return list(await asyncio.gather(*questions))

    return asyncio.run(together())


def test_a_yes_is_kept_and_a_no_is_asked_again() -> None:
    register = Register(lambda _: False)
    asking = Asking(register, QUICK)
    assert [ask(asking)[0].says for _ in range(2)] == [False, False]
    register.answer = lambda _: True
    assert ask(asking)[0].says is True  # assigned a moment ago, and let in at once
    later = ask(asking, now=NOW + timedelta(seconds=30))[0]
    assert (later.says, later.at) == (True, NOW)  # as old as it is, not as it was asked for
    assert len(register.asked) == 3
    assert asking.figures() == {
        "yes": 1, "no": 2, "kept": 1, "late": 0, "failed": 0, "malformed": 0, "resting": 0, "left_alone": 0,
    }  # fmt: skip
    asking.close()


def test_a_recheck_asks_the_register_and_its_no_takes_what_was_kept() -> None:
    register = Register(lambda _: True)
    asking = Asking(register, QUICK)
    assert ask(asking)[0].says is True
    register.answer = lambda _: False
    assert ask(asking, is_recheck=True)[0].says is False
    assert ask(asking)[0].says is False
    asking.close()


@pytest.mark.parametrize(
    ("error", "silence"),
    [
        (UpstreamError("it is down"), Silence.FAILED),
        (MalformedError("it says something"), Silence.MALFORMED),
        (OSError("no file descriptor"), Silence.FAILED),
    ],
    ids=["down", "malformed", "no descriptor"],
)
def test_what_fails_is_unknown_and_after_some_it_is_left_alone(error: Exception, silence: Silence) -> None:
    register = Register(fails(error))
    asking = Asking(register, QUICK, clock=lambda: 0.0)
    words = [ask(asking)[0] for _ in range(FAILURES + 2)]
    assert [word.says for word in words] == [None] * (FAILURES + 2)
    assert [word.silence for word in words] == [silence] * FAILURES + [Silence.RESTING] * 2
    assert len(register.asked) == FAILURES
    asking.close()


def test_a_failure_does_not_take_a_kept_yes() -> None:
    register = Register(lambda _: True)
    asking = Asking(register, QUICK)
    ask(asking)
    register.answer = fails(UpstreamError("it is down"))
    assert ask(asking, is_recheck=True)[0].says is None
    assert ask(asking, now=NOW + timedelta(seconds=60))[0].says is None
    asking.close()


def test_a_register_that_hangs_costs_each_one_timeout_however_many_ask() -> None:
    with hanging() as register:
        asking = Asking(register, QUICK)
        words = ask(asking, times=10 * THREADS)
        assert {word.silence for word in words} == {Silence.LATE}
        assert len(register.asked) <= THREADS  # those in the queue were never put
        assert ask(asking)[0].silence is Silence.RESTING
        asking.close()


def test_one_tries_after_the_rest_and_an_answer_is_for_all() -> None:
    seconds = [0.0]
    register = Register(fails(UpstreamError("it is down")))
    asking = Asking(register, QUICK, clock=lambda: seconds[0])
    for _ in range(FAILURES):
        ask(asking)
    register.answer = lambda _: False
    seconds[0] = 100.0
    words = ask(asking, times=3)
    assert [word.silence for word in words] == [None, Silence.RESTING, Silence.RESTING]
    assert [word.says for word in ask(asking, times=3)] == [False, False, False]
    asking.close()


def test_one_that_is_closed_answers_nothing() -> None:
    asking = Asking(Register(lambda _: True), QUICK)
    asking.close()
    assert ask(asking)[0].says is None


def test_without_a_register_nothing_is_found() -> None:
    asking = Asking(NoRegister(), RegisterRules())
    assert ask(asking)[0] == Word(says=False, at=NOW)
    asking.close()
