"""What the desk holds that a statute asks about; no field for a person, a name or a place. Pure.

Ids are the desk's own numbers. They stand in the preview, so that each figure can be followed to its rows, and never in
a report.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

MAX_HELD: Final = 200_000  # of one kind in one file; a department receives some thousands a year


class PaperKind(StrEnum):
    """What a paper is, by who issued it and not by its title (TRUST 805/10; S06-14-03)."""

    DETAINER = "detainer"
    ADMINISTRATIVE_WARRANT = (
        "administrative-warrant"  # I-200, I-203, I-205, I-286, successors, a hit in the IVF
    )


@dataclass(frozen=True, slots=True)
class Paper:
    """A detainer or an administrative warrant that was received.

    Args:
        is_civil: Whether it relates to civil enforcement; None while nobody has determined it.
    """

    id: str
    kind: PaperKind
    received: date
    is_civil: bool | None


@dataclass(frozen=True, slots=True)
class OemcNotice:
    """A notice of the police to OEMC of an event that describes a request for help.

    Args:
        asked: A word of the pack.
    """

    id: str
    on: date
    asked: str


@dataclass(frozen=True, slots=True)
class HelpRequest:
    """A request of the Department of Homeland Security for help with civil enforcement.

    Args:
        component: An agency id of the order.
        asked: A word of the pack.
        handled: A word of the pack.
        documents: References of the documents on how it was handled; they go along apart.
    """

    id: str
    received: date
    component: str
    asked: str
    handled: str
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CertificationRequest:
    """A request for a U or T certification.

    Args:
        form_given: The day on which the completed form was given, or None.
        reasons_given: The day on which written reasons were given instead, or None.
    """

    id: str
    received: date
    form_given: date | None
    reasons_given: date | None


class CustodyWord(StrEnum):
    """What a custody event says."""

    BAIL = "bail-posted"
    RELEASED = "released"
    TRANSFERRED = "transferred"
    WITHDRAWN = "withdrawn"  # the event that it corrects did not happen


ENDS: Final = frozenset({CustodyWord.RELEASED, CustodyWord.TRANSFERRED})


@dataclass(frozen=True, slots=True)
class CustodyEvent:
    """One thing that happened to the person whom a paper is about, told by the custody system.

    Args:
        paper: Id of the paper.
        at: Aware.
        agency: Of a transfer, an agency id of the order; else empty.
        corrects: Id of the event that this one takes the place of, or empty.
    """

    id: str
    paper: str
    word: CustodyWord
    at: datetime
    agency: str = ""
    corrects: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that the reports are made of."""

    papers: tuple[Paper, ...] = ()
    notices: tuple[OemcNotice, ...] = ()
    requests: tuple[HelpRequest, ...] = ()
    certifications: tuple[CertificationRequest, ...] = ()
    custody: tuple[CustodyEvent, ...] = ()


def standing_events(events: tuple[CustodyEvent, ...]) -> tuple[CustodyEvent, ...]:
    """Return the events that were not corrected; one that only withdraws another is none itself."""
    corrected = {event.corrects for event in events if event.corrects}
    return tuple(
        event for event in events if event.id not in corrected and event.word != CustodyWord.WITHDRAWN
    )
