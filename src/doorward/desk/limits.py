"""How often somebody may do something: counts of this process alone, since a desk is one process (ADR 60).

A rate lets so many through at once, and then one each time that its part of the seconds has gone by (the generic
cell rate algorithm): one number is kept for each that is counted, and the wait is known to the second.

INVARIANT (bounded): at most `MAX_KEYS` numbers are kept, whoever asks. Where more are counted, those that are nearest
to being free go first, so that nobody gets free by filling the table.
INVARIANT (a clock that steps back locks nobody out): a wait is never longer than the seconds of its rate.
"""

import ipaddress
import math
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.http import HttpRequest

MAX_KEYS: Final = 100_000  # some 20 MB
IPV6_PREFIX: Final = 64  # what one customer has; within it an address costs nothing


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and as many again in so many seconds.

    Args:
        name: Of what is counted; two rates never share a count.
    """

    name: str
    times: int
    seconds: int


FILINGS: Final = Rate("filings", 30, 60)  # of one account: a person files one in minutes
PREVIEWS: Final = Rate("previews", 60, 60)  # of one account: each is an entry of the record
QUESTIONS: Final = Rate("questions", 240, 60)  # of one account: a form asks at every answer
UPLOADS: Final = Rate("uploads", 10, 60)  # of one account: each is up to 25 MB to read
STRANGERS: Final = Rate("strangers", 240, 60)  # of one address that is not signed in; a page takes a few
API_CALLS: Final = Rate("api calls", 240, 60)  # of one client
API_FILINGS: Final = Rate("api filings", 120, 60)  # of one client, previews too
API_REFUSED: Final = Rate("api refused", 30, 60)  # of one address, calls without a token that holds


@dataclass
class Limiter:
    """The counts of one process; threads may share it.

    Args:
        most: How many are counted at once.
    """

    most: int = MAX_KEYS
    _free_at: dict[tuple[str, str], float] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def count(self, rate: Rate, who: str, *, now: datetime) -> int:
        """Count one more; return 0 if it is within the rate, else the whole seconds until the next one is.

        What is refused is not counted: whoever waits as long as told is let in.

        Args:
            who: Whose count: an account, a client, an address.
        """
        moment, each = now.timestamp(), rate.seconds / rate.times
        with self._turn:
            free_at = max(self._free_at.get((rate.name, who), moment), moment)
            free_at = min(free_at, moment + rate.seconds)
            wait = free_at + each - rate.seconds - moment
            if wait > 1e-6:
                self._free_at[rate.name, who] = free_at  # a clock that stepped back was met once
                return max(1, math.ceil(wait))
            if (rate.name, who) not in self._free_at and len(self._free_at) >= self.most:
                self._make_room(moment)
            self._free_at[rate.name, who] = free_at + each
            return 0

    def is_over(self, rate: Rate, who: str, *, now: datetime) -> int:
        """Return what `count` would, and count nothing."""
        moment, each = now.timestamp(), rate.seconds / rate.times
        with self._turn:
            free_at = min(self._free_at.get((rate.name, who), moment), moment + rate.seconds)
        wait = max(free_at, moment) + each - rate.seconds - moment
        return max(1, math.ceil(wait)) if wait > 1e-6 else 0

    def forget(self) -> None:
        """Forget every count."""
        with self._turn:
            self._free_at.clear()

    def _make_room(self, moment: float) -> None:
        kept = {key: free_at for key, free_at in self._free_at.items() if free_at > moment}
        if len(kept) >= self.most:
            latest = sorted(kept.items(), key=lambda item: item[1], reverse=True)
            kept = dict(latest[: self.most - max(1, self.most // 10)])
        self._free_at = kept


_limiter: Final = Limiter()


def limiter() -> Limiter:
    """Return the counts of this process."""
    return _limiter


def wait_for(rate: Rate, who: object, *, now: datetime) -> int:
    """Count one more of somebody; return 0, or the seconds to wait.

    Args:
        who: The key of an account or a client, or an address (`address_of`).
    """
    return _limiter.count(rate, str(who), now=now)


def address_of(request: HttpRequest) -> str:
    """Return from where somebody asks: an address, of IPv6 the network of one customer; one word where it is not known.

    `doorward.desk.wsgi` has looked behind the servers that are configured (`[desk] proxies`); whatever a header says
    besides is not looked at.
    """
    try:
        found = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.IPv6Network((found, IPV6_PREFIX), strict=False).network_address)
    return str(found)
