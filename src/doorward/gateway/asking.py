"""Asking a register without anybody waiting for it in the door's own threads.

Each register has a few threads of its own. A question that is not answered in time is unknown for whoever asked, the
time in the queue included: a dead register costs a person one timeout at most, and the login role, the cut and the end
of a session never wait behind it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final

from doorward.errors import DoorwardError, MalformedError
from doorward.grants.careful import Breaker, Kept, RegisterRules
from doorward.grants.registers import CaseRegister, Question, Silence, Word

THREADS: Final = (
    8  # questions at one time: what a register is asked to bear, and what may wait for a dead one
)


class Asking:
    """One register, its rules, and what is known of how it answers.

    Args:
        register: Called in threads of this object only.
        clock: Seconds that only grow.
    """

    def __init__(
        self, register: CaseRegister, rules: RegisterRules, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rules = rules
        self._register = register
        self._clock = clock
        self._breaker = Breaker(rules.timeout_seconds)
        self._kept = Kept(rules)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="register")
        self._counted: Counter[str] = Counter()

    async def ask(self, question: Question, *, now: datetime, is_recheck: bool = False) -> Word:
        """Return the register's word; it is never an exception, and never True unless the register said so.

        Args:
            question: Asked whether or not a case was stated, so that no timing tells who was looked up.
            now: When it is asked.
            is_recheck: Of a live session: what was kept does not count.
        """
        at = None if is_recheck else self._kept.find(question, now)
        if at is not None:
            self._counted["kept"] += 1
            return Word(says=True, at=at)
        word = await self._ask(question, now)
        if word.says is not None:
            self._kept.note(question, says=word.says, now=now)
        self._counted[word.silence or ("yes" if word.says else "no")] += 1
        return word

    def figures(self) -> dict[str, int]:
        """Return how many questions ended in which way, and whether the register is left alone; no values."""
        names = ("yes", "no", "kept", *Silence)
        return {
            **{str(name): self._counted[name] for name in names},
            "left_alone": int(self._breaker.is_open),
        }

    def close(self) -> None:
        """Take no more questions, and give back what the register holds."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._register.close()

    async def _ask(self, question: Question, now: datetime) -> Word:
        if not self._breaker.lets_through(self._clock()):
            return Word(None, now, Silence.RESTING)
        loop = asyncio.get_running_loop()
        silence = Silence.FAILED
        try:
            async with asyncio.timeout(self.rules.timeout_seconds):
                says = await loop.run_in_executor(
                    self._threads, self._register.is_open_and_assigned, question
                )
        except TimeoutError:
            silence = Silence.LATE
        except MalformedError:
            silence = Silence.MALFORMED
        except (
            DoorwardError,
            OSError,
            RuntimeError,
        ):  # RuntimeError: the gateway stops and takes no question
            silence = Silence.FAILED
        else:
            self._breaker.answered()
            return Word(says, now)
        self._breaker.failed(self._clock())
        return Word(None, now, silence)
