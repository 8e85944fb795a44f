"""Which sessions and requests are open: the account behind recovery and behind `requests = completions`.

A session is open from its connect until its end; a connect that was not authenticated is whole by itself.
A request is open until its last completion. Parse and Bind are never open: no row can leave by them, and where
they succeed the protocol says so without anything that would have to be recorded first (law 4).
"""

from dataclasses import dataclass, field
from typing import Final

from doorward.record.entry import Field, Fields, Kind
from doorward.record.frame import OpenRequest

AUTHENTICATED: Final = (Field.OUTCOME, b"authenticated")
LAST: Final = (Field.LAST, b"1")
PARSE: Final = (Field.MESSAGE, b"Parse")
BIND: Final = (Field.MESSAGE, b"Bind")


@dataclass(slots=True)
class Ledger:
    """The open sessions and requests, in the order in which they began; sets that keep their order."""

    sessions: dict[bytes, None] = field(default_factory=dict)
    requests: dict[OpenRequest, None] = field(default_factory=dict)

    def note(self, kind: Kind, session: bytes, request: int, fields: Fields) -> None:
        """Account for one entry; one that closes what was not open changes nothing."""
        if kind is Kind.REQUEST:
            if PARSE not in fields and BIND not in fields:
                self.requests[session, request] = None
        elif kind is Kind.COMPLETION:
            if LAST in fields:
                self.requests.pop((session, request), None)
        elif kind is Kind.CONNECT:
            if AUTHENTICATED in fields:
                self.sessions[session] = None
        elif kind is Kind.END:
            self.sessions.pop(session, None)
