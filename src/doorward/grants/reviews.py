"""What a break-glass session owes: a review by another person within a day; pure.

Whoever states an emergency is let in at once, and nobody is asked. For that the session owes a review from the moment
of the decision on. An official closes it with a signed note; the name of the key says office and who, as for answers.

1. The office is the one that the order names, or a supervisor.
2. Nobody reviews their own.
3. A note is about one session: its id, login and beginning stand in it.
4. A review that is overdue closes nobody's way in: it goes to the next office.

A review::

    doorward review v1
    session: 7d0c1b8e77aa5d0c1b8e77aa5d0c1b8e
    login: dana.example
    began: 2026-12-01T03:12:00Z
    finding: proper
    evidence: dispatch record 26-1201-0312
    reason: the address was needed for a welfare check

Source: C2SP signed-note; DESIGN.md, laws 6 and 7.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from doorward.errors import MalformedError, VerificationError
from doorward.notes.lines import format_lines, is_line, parse_lines
from doorward.notes.note import Verifier, find_signers, parse_note

HEADER: Final = "doorward review v1"
SUPERVISOR: Final = "supervisor"
REVIEW_HOURS: Final = 24  # the obligation review-within-a-day
MAX_TEXT: Final = 200
ID_DIGITS: Final = 12
DAY: Final = timedelta(days=1)
_FIELDS: Final = ("session", "login", "began", "finding", "evidence", "reason")
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


class Finding(StrEnum):
    """What a reviewer found."""

    PROPER = "proper"
    IMPROPER = "improper"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class EmergencyRules:
    """How far a person's own word goes.

    Args:
        hours: How long a session that rests on it is open.
        sessions_a_day: How many one person begins in 24 hours; the colleague beside them has their own.
    """

    hours: float = 1.0
    sessions_a_day: int = 12


@dataclass(frozen=True, slots=True)
class Owed:
    """One break-glass session and its review.

    Args:
        session: Its id in hexadecimal, as in the record.
        stated: The danger in the person's own words.
        office: Whom the order asks, else the supervisor.
        began: Aware, whole seconds.
        due: Until when another person has reviewed it.
        note: The signed review, or empty while it is owed.
    """

    session: str
    login: str
    agency: str
    purpose: str
    for_agency: str
    stated: str
    office: str
    began: datetime
    due: datetime
    note: str = ""

    @property
    def id(self) -> str:
        """The first digits of the session's id."""
        return self.session[:ID_DIGITS]


@dataclass(frozen=True, slots=True)
class Review:
    """What an official found; ``by`` and ``note`` are empty before it is signed."""

    session: str
    login: str
    began: datetime
    finding: Finding
    evidence: str
    reason: str
    by: str = ""
    note: str = ""


def make_owed(  # what is known of a session
    session: str,
    *,
    login: str,
    agency: str,
    purpose: str,
    for_agency: str,
    stated: str,
    office: str,
    now: datetime,
) -> Owed:
    """Return what a session that begins now owes."""
    began = now.astimezone(UTC).replace(microsecond=0)
    due = began + timedelta(hours=REVIEW_HOURS)
    return Owed(session, login, agency, purpose, for_agency, stated, office, began, due)


def count_recent(owed: Iterable[Owed], login: str, *, now: datetime) -> int:
    """Return how many break-glass sessions a login began in the last 24 hours."""
    return sum(one.login == login and now - one.began < DAY for one in owed)


def format_review(review: Review) -> bytes:
    """Return the text of a review, as it is signed."""
    values = (
        review.session, review.login, review.began.astimezone(UTC).strftime(_TIME), review.finding.value,
        review.evidence, review.reason,
    )  # fmt: skip
    return format_lines(HEADER, zip(_FIELDS, values, strict=True))


def parse_review(text: bytes, *, by: str = "", note: str = "") -> Review:
    """Return the review of a text.

    Raises:
        MalformedError: It is none, or written otherwise than `format_review` writes it.
    """
    session, login, began, finding, evidence, reason = parse_lines(text, HEADER, _FIELDS)
    try:
        moment = datetime.strptime(began, _TIME).replace(tzinfo=UTC)
        review = Review(session, login, moment, Finding(finding), evidence, reason, by, note)
    except ValueError as error:
        raise MalformedError("the review has a time or a finding that is none") from error
    if format_review(check_review(review)) != text:
        raise MalformedError("the review is written otherwise than doorward writes it")
    return review


def check_review(review: Review) -> Review:
    """Return a review that is one.

    Raises:
        MalformedError: It has no evidence or no reason of one line.
    """
    for name, text in (("evidence", review.evidence), ("reason", review.reason)):
        if not is_line(text, MAX_TEXT):
            raise MalformedError(f"a review has its {name} in one line of at most {MAX_TEXT} characters")
    return review


def verify_review(raw: bytes, officials: Sequence[Verifier], *, owed: Owed) -> Review:
    """Return the review of a note that an official signed about this session.

    Args:
        raw: The note; nobody is trusted.
        officials: Keys of those who may review, named by office and login.
        owed: What it must be about.

    Raises:
        MalformedError: It is no note or no review.
        VerificationError: No known key signed it, it is of another office, about another session, or by the person
            whose session it was.
    """
    note = parse_note(raw)
    signers = find_signers(note, officials)
    if len(signers) != 1:
        raise VerificationError(f"expected the signature of one official, got that of {len(signers)}")
    review = parse_review(note.text, by=signers[0].name, note=raw.decode("utf-8"))
    office, _, who = review.by.partition("/")
    if (review.session, review.login, review.began) != (owed.session, owed.login, owed.began):
        raise VerificationError("the review is about another session")
    if who == owed.login:
        raise VerificationError("nobody reviews their own session")
    if office not in {owed.office, SUPERVISOR}:
        raise VerificationError(f"the office `{owed.office}` or a supervisor reviews it, and `{office}` did")
    return review


def find_review(owed: Owed, officials: Sequence[Verifier]) -> Review | None:
    """Return the review of a session, or None while it is owed: a note that does not hold closes nothing."""
    if not owed.note:
        return None
    try:
        return verify_review(owed.note.encode(), officials, owed=owed)
    except (MalformedError, VerificationError):
        return None


def encode_owed(owed: Owed) -> dict[str, Any]:
    """Return a review as it is kept."""
    return asdict(owed) | {"began": owed.began.isoformat(), "due": owed.due.isoformat()}


def decode_owed(row: object) -> Owed:
    """Return the review that is kept.

    Raises:
        MalformedError: It is none.
    """
    names = Owed.__dataclass_fields__
    if not isinstance(row, Mapping) or row.keys() != names.keys():
        raise MalformedError("a review that is kept is none")
    if not all(isinstance(value, str) for value in row.values()):
        raise MalformedError("a review that is kept is none")
    try:
        began, due = (datetime.fromisoformat(row[name]) for name in ("began", "due"))
        owed = replace(Owed(**row), began=began, due=due)
    except (TypeError, ValueError) as error:
        raise MalformedError("a review that is kept is none") from error
    if began.tzinfo is None or due.tzinfo is None:
        raise MalformedError("a review that is kept has a time without a zone")
    return owed
