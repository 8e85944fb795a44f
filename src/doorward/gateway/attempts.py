"""Failed logins: after so many, a login proves nothing for a while from the address where it failed; pure.

By login and address together. By the login alone, whoever knows a name could keep an officer out, in danger to life
too. A login that nobody has is counted like any other, so that nothing tells which there are, and what is
answered is what a wrong password is answered.

Each worker counts what reaches it: with several, a guesser gets as many times the attempts.

Source: CJIS Security Policy 5.9.4, AC-7: five consecutive invalid attempts within 15 minutes, locked for 10.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

MAX_FAILURES: Final = 5
WITHIN: Final = timedelta(minutes=15)
LOCKED: Final = timedelta(minutes=10)
MAX_KEPT: Final = 10_000  # the oldest is forgotten first; a flood of names costs a bounded amount


@dataclass(slots=True)
class _Failures:
    count: int
    first: datetime
    last: datetime


class Attempts:
    """The failed logins of one worker."""

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def fail(self, login: str, address: str, *, now: datetime) -> None:
        """Note that a login did not prove itself from this address."""
        key = (login, address)
        found = self._failures.pop(key, None)
        is_over = found is not None and (found.count >= MAX_FAILURES or now - found.first > WITHIN)
        if found is None or (is_over and not self._holds(found, now)):
            found = _Failures(0, now, now)
        if not self._holds(found, now):  # who tries while it is locked does not lengthen it
            found.count += 1
            found.last = now
        self._failures[key] = found
        while len(self._failures) > MAX_KEPT:
            self._failures.popitem(last=False)

    def succeed(self, login: str, address: str) -> None:
        """Forget a login's failures from this address: the next ones begin anew."""
        self._failures.pop((login, address), None)

    def is_locked(self, login: str, address: str, *, now: datetime) -> bool:
        """Return True while no password of this login is taken from this address."""
        found = self._failures.get((login, address))
        return found is not None and self._holds(found, now)

    @staticmethod
    def _holds(found: _Failures, now: datetime) -> bool:
        return found.count >= MAX_FAILURES and now - found.last < LOCKED
