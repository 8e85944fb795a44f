"""What the order referred, and what a named official answered: pure.

A referral is kept from the moment somebody is refused with it, so that asks which nobody answers are on file too. It is
answered by a note that one official signs. The name of the key says which office and who: ``supervisor/erin.example``.

1. The office is the one to which the order sent the question.
2. Nobody answers their own ask.
3. An answer is about this ask and no other: login, purpose, case, beneficiary, the policies that referred, and the
   order with its collections stand in it. Where the order is another one, or refers for another reason, it answers
   nothing.
4. It ends.
5. What was approved is taken back by the same office, or by the security officer, who approves nothing.

Whether an approval may open anything is not decided here: the order's own theorems are asked (`gateway.answered`).

An answer::

    doorward answer v1
    request: 5d0c1b8e77aa
    login: dana.example
    purpose: criminal-investigation
    case: JH123456
    for: CPD
    referred-by: case-not-verified
    order: 6d18be80...
    answer: approved
    until: 2026-12-02T00:00:00Z
    evidence: phone call with the register, 2026-12-01
    reason: the register was down

Source: C2SP signed-note; DESIGN.md, laws 6 and 10.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from doorward.errors import MalformedError, VerificationError
from doorward.notes.lines import format_lines, is_line, parse_lines
from doorward.notes.note import Verifier, find_signers, parse_note

HEADER: Final = "doorward answer v1"
APPROVED, DENIED = "approved", "denied"
SECURITY: Final = "security"
URGENT: Final = frozenset({"criminal-investigation"})
URGENT_MINUTES: Final = 30
ORDINARY_HOURS: Final = 24
MAX_DAYS: Final = 30  # longer is an agreement or a change of the order, not an answer to one ask
MAX_TEXT: Final = 200
MAX_KEPT: Final = 10_000
ID_DIGITS: Final = 12
_FIELDS: Final = (
    "request", "login", "purpose", "case", "for", "referred-by", "order", "answer", "until", "evidence", "reason",
)  # fmt: skip
_EMPTY: Final = "-"
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Ask:
    """What was asked and referred, as far as an answer is about it.

    Args:
        policies: Ids of the policies that referred, in the order of the text.
        order: Digest of the order with its collections.
    """

    login: str
    purpose: str
    case_no: str
    for_agency: str
    policies: tuple[str, ...]
    order: str

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits; the same ask has the same."""
        text = "\n".join(
            (self.login, self.purpose, self.case_no, self.for_agency, " ".join(self.policies), self.order)
        )
        return sha256(text.encode()).hexdigest()[:ID_DIGITS]


@dataclass(frozen=True, slots=True)
class Referral:
    """An ask that waits, with the clock that runs.

    Args:
        agency: Of the login.
        office: To whom the order sent it.
        says: The order's sentence, for the office.
        clauses: Of the order.
        asked: When it was asked first; aware.
        due: Until when the office answers.
        sets: What an approval changes, for the official who signs it.
        can_open: Whether anything in the order would permit it, were the referral answered.
    """

    ask: Ask
    agency: str
    office: str
    says: str
    clauses: tuple[str, ...]
    asked: datetime
    due: datetime
    sets: str
    can_open: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """An official's answer to one ask.

    Args:
        by: The name of the key: office, a slash, a login.
        note: As it was signed.
    """

    ask: Ask
    is_approved: bool
    until: datetime
    evidence: str
    reason: str
    by: str = ""
    note: str = ""

    @property
    def office(self) -> str:
        """The office of whoever signed."""
        return self.by.partition("/")[0]

    def is_of(self, office: str) -> bool:
        """Return True where whoever signed may give this answer: the office, or security where it takes back."""
        return self.office == office or (self.office == SECURITY and not self.is_approved)

    def opens(self, ask: Ask, *, now: datetime) -> bool:
        """Return True where it approves this very ask and has not ended."""
        return self.is_approved and self.ask == ask and now < self.until


def make_referral(  # what is known of an ask
    ask: Ask,
    *,
    agency: str,
    office: str,
    says: str,
    clauses: Sequence[str],
    sets: str,
    can_open: bool,
    now: datetime,
) -> Referral:
    """Return a referral with its clock: half an hour for criminal work, a day for everything else."""
    wait = timedelta(minutes=URGENT_MINUTES) if ask.purpose in URGENT else timedelta(hours=ORDINARY_HOURS)
    asked = now.astimezone(UTC).replace(microsecond=0)
    return Referral(ask, agency, office, says, tuple(clauses), asked, asked + wait, sets, can_open)


def format_answer(answer: Answered) -> bytes:
    """Return the text of an answer, as it is signed."""
    ask = answer.ask
    values = (
        ask.id, ask.login, ask.purpose, ask.case_no or _EMPTY, ask.for_agency, " ".join(ask.policies), ask.order,
        APPROVED if answer.is_approved else DENIED, answer.until.astimezone(UTC).strftime(_TIME), answer.evidence,
        answer.reason,
    )  # fmt: skip
    return format_lines(HEADER, zip(_FIELDS, values, strict=True))


def parse_answer(text: bytes, *, by: str = "", note: str = "") -> Answered:
    """Return the answer of a text.

    Raises:
        MalformedError: It is none, or written otherwise than `format_answer` writes it.
    """
    found = dict(zip(_FIELDS, parse_lines(text, HEADER, _FIELDS), strict=True))
    try:
        until = datetime.strptime(found["until"], _TIME).replace(tzinfo=UTC)
    except ValueError as error:
        raise MalformedError("the answer has no time until which it holds") from error
    case_no = "" if found["case"] == _EMPTY else found["case"]
    ask = Ask(
        found["login"],
        found["purpose"],
        case_no,
        found["for"],
        tuple(found["referred-by"].split(" ")),
        found["order"],
    )
    answer = Answered(ask, found["answer"] == APPROVED, until, found["evidence"], found["reason"], by, note)
    if format_answer(check_answer(answer)) != text:
        raise MalformedError(
            "the answer is written otherwise than doorward writes it, or is about another request"
        )
    return answer


def check_answer(answer: Answered) -> Answered:
    """Return an answer that is one.

    Raises:
        MalformedError: It has no evidence or no reason of one line.
    """
    for name, text in (("evidence", answer.evidence), ("reason", answer.reason)):
        if not is_line(text, MAX_TEXT):
            raise MalformedError(f"an answer has its {name} in one line of at most {MAX_TEXT} characters")
    return answer


def verify_answer(raw: bytes, officials: Sequence[Verifier], *, referral: Referral | None = None) -> Answered:
    """Return the answer of a note that an official signed.

    Args:
        raw: The note; nobody is trusted.
        officials: Keys of those who may answer, named by office and login.
        referral: What it must be about and whose office must have signed, or None where it is kept already.

    Raises:
        MalformedError: It is no note or no answer.
        VerificationError: No known key signed it, it is of another office, about another ask, the asker's own, or
            holds too long.
    """
    note = parse_note(raw)
    signers = find_signers(note, officials)
    if len(signers) != 1:
        raise VerificationError(f"expected the signature of one official, got that of {len(signers)}")
    answer = parse_answer(note.text, by=signers[0].name, note=raw.decode("utf-8"))
    if answer.by.partition("/")[2] == answer.ask.login:
        raise VerificationError("nobody answers their own ask")
    if referral is not None:
        if answer.ask != referral.ask:
            raise VerificationError("the answer is about another ask")
        if not answer.is_of(referral.office):
            raise VerificationError(
                f"the order asks the office `{referral.office}`, and `{answer.office}` answered"
            )
        if answer.until > referral.asked + timedelta(days=MAX_DAYS):
            raise VerificationError(f"an answer holds for at most {MAX_DAYS} days from the ask")
    return answer


def find_approval(answers: Iterable[Answered], ask: Ask, *, office: str, now: datetime) -> Answered | None:
    """Return the approval that opens this ask, or None; a denial that came later takes it back.

    Office and end are looked at again: whoever can write where answers are kept can skip the command that checked them.
    """
    found = None
    for answer in answers:
        if answer.ask == ask and answer.is_of(office) and answer.until <= now + timedelta(days=MAX_DAYS):
            found = answer if answer.opens(ask, now=now) else None
    return found


def is_denied(answers: Iterable[Answered], ask: Ask, *, office: str) -> bool:
    """Return True where the last word on this ask is a denial."""
    last = None
    for answer in answers:
        if answer.ask == ask and answer.is_of(office):
            last = answer
    return last is not None and not last.is_approved


def encode_referral(referral: Referral) -> dict[str, Any]:
    """Return a referral as it is kept."""
    return asdict(referral) | {"asked": referral.asked.isoformat(), "due": referral.due.isoformat()}


def decode_referral(row: object) -> Referral:
    """Return the referral that is kept.

    Raises:
        MalformedError: It is none.
    """
    try:
        if not isinstance(row, Mapping):
            raise MalformedError("a referral that is kept is none")
        ask = dict(row["ask"])
        ask["policies"] = tuple(ask["policies"])
        asked, due = (datetime.fromisoformat(row[name]) for name in ("asked", "due"))
        told = (str(row["agency"]), str(row["office"]), str(row["says"]), tuple(row["clauses"]))
        return Referral(Ask(**ask), *told, asked, due, str(row["sets"]), bool(row["can_open"]))
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedError("a referral that is kept is none") from error
