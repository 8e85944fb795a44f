"""What somebody owes now: answers and reviews that are overdue, approvals that end soon, notices that reached nobody.

Pure, for the lists of the command line and for whoever looks after an installation.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from doorward.grants.referrals import Answered, Referral, find_approval
from doorward.grants.reviews import Owed

SOON: Final = timedelta(days=2)  # over a weekend's end


class Duty(StrEnum):
    """What is owed."""

    ANSWER = "answer overdue"
    REVIEW = "review overdue"
    ENDING = "approval ends soon"
    UNTOLD = "notice not delivered"


@dataclass(frozen=True, slots=True)
class Owes:
    """One thing that somebody owes.

    Args:
        id: Of the ask or of the session.
        office: Who owes it.
        when: Since when it is overdue, or when it ends; aware.
    """

    duty: Duty
    id: str
    office: str
    when: datetime


def is_answered(ask: Referral, answers: Iterable[Answered]) -> bool:
    """Return True where the ask has an answer of any kind by its own office."""
    return any(answer.ask == ask.ask and answer.is_of(ask.office) for answer in answers)


def find_duties(
    *,
    asks: Sequence[Referral],
    answers: Sequence[Answered],
    reviews: Sequence[Owed],
    untold: Collection[tuple[str, str, datetime]] = (),
    now: datetime,
) -> list[Owes]:
    """Return everything that is owed now, the longest overdue first.

    Args:
        asks: All that are kept.
        answers: All that are kept, in the order in which they came.
        reviews: All that are kept; one with a note is reviewed.
        untold: Id, office and time of each notice that reached nobody.
        now: Aware.
    """
    found = [
        Owes(Duty.REVIEW, one.id, one.office, one.due) for one in reviews if not one.note and one.due <= now
    ]
    for ask in asks:
        if ask.due <= now and not is_answered(ask, answers):
            found.append(Owes(Duty.ANSWER, ask.ask.id, ask.office, ask.due))
        approval = find_approval(answers, ask.ask, office=ask.office, now=now)
        if approval is not None and approval.until - now <= SOON:
            found.append(Owes(Duty.ENDING, ask.ask.id, ask.office, approval.until))
    found += [Owes(Duty.UNTOLD, *one) for one in untold]
    return sorted(found, key=lambda one: (one.when, one.duty, one.id))
