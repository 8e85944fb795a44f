"""How a register is asked with care: what is kept of it, and when it is left alone; pure.

INVARIANT (only a yes is kept): a "no" is never kept, so that a detective who was assigned a minute ago is not kept out
by an older answer, and the three refusals, which are all a "no", take the same way each time. A "yes" is kept for less
time than passes until a session is asked about again, so that a closed case is never open here for longer than the
setting says. Nothing is kept of a register that did not answer.

INVARIANT (one waits): after some failures in a row the register is left alone, and everybody reads "unknown" at once;
after a rest one question goes through, and its answer decides for all.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from doorward.grants.registers import Question

FAILURES: Final = 3  # in a row; one lost packet is no dead register
REST_SECONDS: Final = 5.0  # doubled for each rest that ends in another failure
MAX_REST_SECONDS: Final = 60.0
MAX_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class RegisterRules:
    """How long a register may take, and how long its word counts.

    Args:
        timeout_seconds: For one question, in all.
        cache_seconds: For how long a "yes" opens further sessions without another question; 0 keeps nothing.
        recheck_minutes: After how long a session that rests on its word is asked about again.
        recheck_grace_minutes: For how much longer such a session stays while the register does not answer.
    """

    timeout_seconds: float = 3.0
    cache_seconds: int = 60
    recheck_minutes: int = 15
    recheck_grace_minutes: int = 30

    @property
    def recheck(self) -> timedelta:
        """How old a "yes" may be before it is asked for again."""
        return timedelta(minutes=self.recheck_minutes)

    @property
    def oldest(self) -> timedelta:
        """How old a "yes" may ever be while a session rests on it."""
        return timedelta(minutes=self.recheck_minutes + self.recheck_grace_minutes)


class Kept:
    """The "yes" of the last seconds, by question."""

    def __init__(self, rules: RegisterRules) -> None:
        self._seconds = timedelta(seconds=rules.cache_seconds)
        self._yes: OrderedDict[Question, datetime] = OrderedDict()

    def find(self, question: Question, now: datetime) -> datetime | None:
        """Return when the register said "yes" to this, if that still counts; a clock set back makes it not count."""
        at = self._yes.get(question)
        return at if at is not None and at <= now < at + self._seconds else None

    def note(self, question: Question, *, says: bool, now: datetime) -> None:
        """Keep a "yes"; a "no" takes an older "yes" away."""
        self._yes.pop(question, None)
        if says and self._seconds:
            self._yes[question] = now
            if len(self._yes) > MAX_KEPT:
                self._yes.popitem(last=False)


class Breaker:
    """Whether the register is asked at all; times are seconds of a clock that is never set."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._failures = 0
        self._rest = REST_SECONDS
        self._until: float | None = None  # the rest's end, or the trial's; None while all is well
        self._is_tried = False

    @property
    def is_open(self) -> bool:
        """Whether the register is left alone, or being tried after a rest."""
        return self._until is not None

    def lets_through(self, now: float) -> bool:
        """Return True where a question may be put; after a rest that is one, and the others do not wait for it."""
        if self._until is None:
            return True
        if now < self._until:
            return False
        # Whoever asks now is the one. Were its answer lost, another may try once it can no longer come.
        self._is_tried, self._until = True, now + 2 * self._timeout
        return True

    def answered(self) -> None:
        """Take note of an answer: everybody may ask again."""
        self._failures, self._rest, self._until, self._is_tried = 0, REST_SECONDS, None, False

    def failed(self, now: float) -> None:
        """Take note that no answer came that counts; of a question put before the rest began it changes nothing."""
        if self._until is None:
            self._failures += 1
            if self._failures >= FAILURES:
                self._until = now + self._rest
        elif self._is_tried:
            self._rest = min(2 * self._rest, MAX_REST_SECONDS)
            self._is_tried, self._until = False, now + self._rest
