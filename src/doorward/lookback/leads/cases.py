"""The note by which an inspector general's office opens one lead: for a case, until a day, by two signatures. Pure.

A lead names a unit. Which accounts stand behind it is read only in a case, of one lead as it is: the note names the
digest of the lead with all of its rows and of the files that they are from, so that it opens no other.

::

    doorward case v1
    case: IG-2026-17
    lead: 4
    digest: 6d18be80...
    from: 2026-12-01T00:00:00Z
    until: 2026-12-29T00:00:00Z
    reason: forty searches of one plate in ten minutes

Source: C2SP signed-note; ADR 28.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from doorward.errors import MalformedError, VerificationError
from doorward.notes.lines import format_lines, is_line, parse_lines
from doorward.notes.note import Verifier, find_signers, parse_note

HEADER: Final = "doorward case v1"
NEEDED: Final = 2  # people of the inspector general's office
MAX_DAYS: Final = 92  # a quarter; longer takes two people another look
MAX_TEXT: Final = 200
_FIELDS: Final = ("case", "lead", "digest", "from", "until", "reason")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_CASE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}")
_LEAD: Final = re.compile(r"[1-9][0-9]{0,17}")
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Case:
    """What is signed.

    Args:
        case: Its number at the office.
        lead: The number of the lead in its audit.
        digest: Of the lead, its rows and their files.
        begins: Aware, whole seconds.
        until: The first moment at which the lead is closed again.
    """

    case: str
    lead: int
    digest: str
    begins: datetime
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class VerifiedCase:
    """A case that two people of the office signed, about the lead at hand, now.

    Args:
        keys: Name and id of each key that signed, as its public line begins.
    """

    case: Case
    keys: tuple[str, ...]


def format_case(case: Case) -> bytes:
    """Return the text of a case, as it is signed."""
    values = (
        case.case, str(case.lead), case.digest, _format_time(case.begins), _format_time(case.until), case.reason,
    )  # fmt: skip
    return format_lines(HEADER, zip(_FIELDS, values, strict=True))


def parse_case(text: bytes) -> Case:
    """Return the case of a text.

    Raises:
        MalformedError: It is none, or written otherwise than `format_case` writes it.
    """
    case, lead, digest, begins, until, reason = parse_lines(text, HEADER, _FIELDS)
    if not _LEAD.fullmatch(lead):
        raise MalformedError("the case names no lead by its number")
    try:
        found = Case(case, int(lead), digest, _parse_time(begins), _parse_time(until), reason)
    except ValueError as error:
        raise MalformedError("the case has a time that is none") from error
    if format_case(check_case(found)) != text:
        raise MalformedError("the case is written otherwise than doorward writes it")
    return found


def check_case(case: Case) -> Case:
    """Return a case that is one.

    Raises:
        MalformedError: A value is not what it must be; it has no end, or one that is too far away.
    """
    if not _CASE.fullmatch(case.case):
        raise MalformedError("a case has a number of letters, digits, `.`, `_`, `-` and `/`, at most 63")
    if not _DIGEST.fullmatch(case.digest) or case.lead < 1:
        raise MalformedError("the case names no lead by its digest")
    if not is_line(case.reason, MAX_TEXT):
        raise MalformedError(f"a case has a reason of at most {MAX_TEXT} characters in one line")
    if not timedelta() < case.until - case.begins <= timedelta(days=MAX_DAYS):
        raise MalformedError(f"a case ends after it begins, and within {MAX_DAYS} days")
    return case


def verify_case(
    raw: bytes, keys: Sequence[Verifier], *, lead: int, digest: str, now: datetime
) -> VerifiedCase:
    """Return the case of a note that opens this lead now.

    Args:
        raw: The note; nobody is trusted.
        keys: Of the inspector general's office.
        lead: The number that is asked for.
        digest: Of that lead as it is here.
        now: Aware.

    Raises:
        MalformedError: It is no note or no case.
        VerificationError: Fewer than two people signed it, it opens another lead, or it is not yet or no longer in
            force.
    """
    note = parse_note(raw)
    signers = find_signers(note, keys)
    if len({signer.public_key for signer in signers}) < NEEDED:
        names = ", ".join(f"`{signer.name}`" for signer in signers) or "nobody that is known"
        raise VerificationError(
            f"expected {NEEDED} signatures of the inspector general's office, got that of {names}"
        )
    found = parse_case(note.text)
    if (found.lead, found.digest) != (lead, digest):
        raise VerificationError(
            f"the case opens lead {found.lead} with the digest {found.digest[:16]}.., and this is lead {lead} with "
            f"{digest[:16]}.."
        )
    if now < found.begins:
        raise VerificationError(f"the case opens nothing before {_format_time(found.begins)}")
    if now >= found.until:
        raise VerificationError(f"the case opens nothing since {_format_time(found.until)}")
    return VerifiedCase(found, tuple(f"{signer.name}+{signer.id.hex()}" for signer in signers))


def _format_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_TIME)


def _parse_time(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
