"""One login at two addresses at once: something to look at, and by the city's settings the end of both; pure.

It proves nothing: a laptop that changes its network is at two addresses too. A shared password looks the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from doorward.record.entry import Draft, Field, Kind


class OnTwoAddresses(StrEnum):
    """What follows from it."""

    LEAD = "lead"
    CUT = "cut"


class InUse(Protocol):
    """A session, as far as it is looked at here."""

    @property
    def person(self) -> str:
        """The login of the person, or empty before it has proved itself and where an application asks for them."""
        ...

    @property
    def address(self) -> str:
        """Where the client is."""
        ...

    @property
    def session_id(self) -> bytes:
        """Of the record."""
        ...


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A login that is in use at another address than a new session's.

    Args:
        drafts: For the record.
        sessions: All sessions of the login, the new one among them.
    """

    drafts: tuple[Draft, ...]
    sessions: tuple[InUse, ...]


def find_elsewhere(new: InUse, sessions: Iterable[InUse]) -> Elsewhere | None:
    """Return where else the login of a new session is in use, or None."""
    if not new.person:
        return None
    own = [one for one in sessions if one.person == new.person]
    others = sorted({one.address for one in own} - {new.address})
    if not others:
        return None
    fields = (
        (Field.LOGIN, new.person.encode()),
        (Field.ADDRESS, ", ".join([new.address, *others])[:200].encode()),
        (Field.REASON, b"one login at two addresses at once"),
    )
    return Elsewhere((Draft(Kind.LEAD, new.session_id, 0, fields),), tuple(own))
