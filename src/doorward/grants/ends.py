"""When a session ends: at the earliest end of everything that it rests on, with the reason; pure.

A grant is worth what it rests on. An agreement that ends at midnight ends the sessions under it at midnight, and
whoever is in reads what has ended.

A day until which something holds is its last day, by UTC as everywhere at the door.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Final

GRANT_HOURS: Final = 12  # CJIS Security Policy: reauthentication every 12 hours


class Ends(Enum):
    """What a session may rest on: the word for the record, and the sentence for the person."""

    HOURS = ("hours", "the grant of this session has ended")
    EMERGENCY = ("emergency", "the time of an emergency session has ended")
    APPROVAL = ("approval", "the approval of this access has ended")
    AGREEMENT = ("agreement", "the agreement of your agency has ended")
    DECLARATION = ("declaration", "the declaration of your agency has ended")
    ATTESTATION = ("attestation", "the attestation of this login has ended")
    CERTIFICATE = ("certificate", "the certificate of this login has ended")
    TOKEN = ("token", "the token of this login has ended")
    OBSERVATION = ("observation", "the observation of this clause has ended")

    def __init__(self, word: str, sentence: str) -> None:
        self.word = word
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Rests:
    """What one session rests on, each with its end; None where it does not rest on it or it has no end.

    Args:
        approval: Of an official, for this ask.
        agreement: Last day of the agency's attestation agreement, where the case number counts by it.
        declaration: Last day of the agency's written declaration, where the order asks for one.
        attestation: Last day on which the login's attestation holds.
        certificate: Of the client, where it is the proof of the login.
        token: Where it is the proof of the login.
        emergency: The end of what a person's own word opens.
        observation: The end of the time in which a clause is observed, where the order in full would answer otherwise.
    """

    approval: datetime | None = None
    agreement: date | None = None
    declaration: date | None = None
    attestation: date | None = None
    certificate: datetime | None = None
    token: datetime | None = None
    emergency: datetime | None = None
    observation: datetime | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The moment at which a session is over, aware, and what ends it."""

    at: datetime
    why: Ends = Ends.HOURS


def earliest_end(rests: Rests, *, now: datetime) -> End:
    """Return when a session that begins now is over; never later than `GRANT_HOURS`.

    It may lie in the past, where something has ended that the decision did not ask for; then the session is over at
    once. Of two that end together the first in the order of `Ends` is told.
    """
    ends = {
        Ends.HOURS: now + timedelta(hours=GRANT_HOURS),
        Ends.EMERGENCY: rests.emergency,
        Ends.APPROVAL: rests.approval,
        Ends.AGREEMENT: _end_of(rests.agreement),
        Ends.DECLARATION: _end_of(rests.declaration),
        Ends.ATTESTATION: _end_of(rests.attestation),
        Ends.CERTIFICATE: rests.certificate,
        Ends.TOKEN: rests.token,
        Ends.OBSERVATION: rests.observation,
    }
    at, _, why = min((at, number, why) for number, (why, at) in enumerate(ends.items()) if at is not None)
    return End(at, why)


def _end_of(day: date | None) -> datetime | None:
    # The last day of the calendar has no day behind it.
    if day is None or day == date.max:
        return None
    return datetime.combine(day + timedelta(days=1), time(), UTC)
