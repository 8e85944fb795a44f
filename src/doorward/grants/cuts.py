"""Cuts: access that is ended at once and stays ended until a moment; pure.

A narrow cut (one session, one person) is one officer's act. A wide one (an agency, a purpose, everybody) is a signed
note of two officers with a reason and an end: no switch closes a door for everybody by one person alone (law 7).
Sessions that rest on a verified court paper or an emergency are left by a wide cut, unless the note names them one by
one. A wide cut is lifted before its end by a note of two officers as well.

A wide cut's note::

    doorward cut v1
    what: agency
    target: ICE-ERO
    from: 2026-12-01T00:00:00Z
    until: 2026-12-02T00:00:00Z
    also: none
    reason: shared passwords, case 2026-17

Source: C2SP signed-note; DESIGN.md, law 7 and "Goals in numbers".
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from doorward.errors import MalformedError, VerificationError
from doorward.notes.lines import format_lines, is_line, parse_lines
from doorward.notes.note import Verifier, find_signers, parse_note

HEADER: Final = "doorward cut v1"
NEEDED: Final = 2
NONE: Final = "none"
MAX_REASON: Final = 200
MAX_CUTS: Final = 10_000
ID_DIGITS: Final = 12
_FIELDS: Final = ("what", "target", "from", "until", "also", "reason")
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:-]{0,62}")


class What(StrEnum):
    """What a cut is about."""

    GRANT = "grant"
    PERSON = "person"
    AGENCY = "agency"
    PURPOSE = "purpose"
    ALL = "all"
    LIFT = "lift"

    @property
    def is_wide(self) -> bool:
        """Whether it takes two officers."""
        return self not in {What.GRANT, What.PERSON}


@dataclass(frozen=True, slots=True)
class Subject:
    """A session, or one that asks to be opened, as far as a cut looks at it.

    Args:
        grant: The session's id in hexadecimal, or empty before there is one.
        agency: Of the person who logs in.
        for_agency: On whose behalf, as stated.
        is_protected: Whether it rests on a verified court paper or an emergency.
        presenter: The application that asked for this person, or empty.
    """

    grant: str
    login: str
    agency: str
    for_agency: str
    purpose: str
    is_protected: bool = False
    presenter: str = ""


@dataclass(frozen=True, slots=True)
class Cut:
    """One cut.

    Args:
        target: A session's id, a login, an agency, a purpose, or ``everybody``.
        begins: Aware, whole seconds.
        until: The first moment at which it is over, or None: until it is lifted.
        also: Ids of protected sessions that a wide cut ends too.
        by: Who did it: the system's user of a narrow cut, the signers of a wide one.
        note: The signed note of a wide cut.
    """

    what: What
    target: str
    begins: datetime
    until: datetime | None
    reason: str
    by: tuple[str, ...]
    also: tuple[str, ...] = ()
    note: str = ""

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits over what it says."""
        return sha256(format_cut(self)).hexdigest()[:ID_DIGITS]

    def is_in_force(self, now: datetime) -> bool:
        """Return True from its beginning to its end."""
        return self.begins <= now and (self.until is None or now < self.until)

    def ends(self, subject: Subject) -> bool:
        """Return True where it ends this session."""
        found = False
        match self.what:
            case What.GRANT:
                return bool(subject.grant) and subject.grant.startswith(self.target)
            case What.PERSON:
                return self.target in {subject.login, subject.presenter}
            case What.AGENCY:
                found = self.target in {subject.agency, subject.for_agency}
            case What.PURPOSE:
                found = subject.purpose == self.target
            case What.ALL:
                found = True
        named = bool(subject.grant) and any(subject.grant.startswith(grant) for grant in self.also)
        return found and (not subject.is_protected or named)


def find_cut(cuts: Iterable[Cut], subject: Subject, *, now: datetime) -> Cut | None:
    """Return the first cut in force that ends this session, or None."""
    in_force = [cut for cut in cuts if cut.is_in_force(now)]
    lifted = {cut.target for cut in in_force if cut.what is What.LIFT}
    return next((cut for cut in in_force if cut.id not in lifted and cut.ends(subject)), None)


def check_cut(cut: Cut) -> Cut:
    """Return a cut that is one.

    Raises:
        MalformedError: Its target, reason or end is not what it must be.
    """
    if not _WORD.fullmatch(cut.target) or not all(_WORD.fullmatch(grant) for grant in cut.also):
        raise MalformedError("a cut's target is a session's id, a login, an agency or a purpose, in one word")
    if not is_line(cut.reason, MAX_REASON):
        raise MalformedError(f"a cut has a reason of at most {MAX_REASON} characters in one line")
    if cut.until is not None and cut.until <= cut.begins:
        raise MalformedError("a cut ends after it begins")
    if cut.what.is_wide and cut.until is None and cut.what is not What.LIFT:
        raise MalformedError(f"a cut of {cut.what} has an end: --until")
    if cut.what is What.GRANT and len(cut.target) < 8:  # 32 bits of a session's id
        raise MalformedError("a session is named by at least eight digits of its id")
    return cut


def format_cut(cut: Cut) -> bytes:
    """Return the text of a cut, as it is signed."""
    values = (
        cut.what.value, cut.target, _format_time(cut.begins), _format_time(cut.until) if cut.until else NONE,
        " ".join(cut.also) or NONE, cut.reason,
    )  # fmt: skip
    return format_lines(HEADER, zip(_FIELDS, values, strict=True))


def parse_cut(text: bytes, *, by: tuple[str, ...], note: str = "") -> Cut:
    """Return the cut of a text.

    Raises:
        MalformedError: It is none, or written otherwise than `format_cut` writes it.
    """
    what, target, begins, until, also, reason = parse_lines(text, HEADER, _FIELDS)
    try:
        cut = Cut(
            What(what), target, _parse_time(begins), None if until == NONE else _parse_time(until), reason, by,
            () if also == NONE else tuple(also.split(" ")), note,
        )  # fmt: skip
    except ValueError as error:
        raise MalformedError("the cut has a word or a time that is none") from error
    if format_cut(check_cut(cut)) != text:
        raise MalformedError("the cut is written otherwise than doorward writes it")
    return cut


def verify_cut(raw: bytes, officers: Sequence[Verifier]) -> Cut:
    """Return the wide cut of a note that two officers signed.

    Args:
        raw: The note; nobody is trusted.
        officers: The keys of those who may cut widely.

    Raises:
        MalformedError: It is no note or no cut.
        VerificationError: Fewer than two officers signed it.
    """
    note = parse_note(raw)
    signers = find_signers(note, officers)
    if len({signer.public_key for signer in signers}) < NEEDED:
        names = ", ".join(f"`{signer.name}`" for signer in signers) or "nobody that is known"
        raise VerificationError(f"expected the signatures of {NEEDED} officers, got that of {names}")
    return parse_cut(note.text, by=tuple(signer.name for signer in signers), note=raw.decode("utf-8"))


def encode_cuts(cuts: Sequence[Cut]) -> list[dict[str, Any]]:
    """Return cuts as they are kept: a narrow one by its text and who did it, a wide one by its note."""
    return [
        {"note": cut.note} if cut.note else {"text": format_cut(cut).decode(), "by": list(cut.by)}
        for cut in cuts
    ]


def decode_cuts(rows: object, officers: Sequence[Verifier]) -> list[Cut]:
    """Return the cuts that are kept; a wide one counts only while its signatures hold.

    Raises:
        MalformedError: What is kept is no list of cuts.
        VerificationError: A note is not signed by two officers.
    """
    if not isinstance(rows, list) or len(rows) > MAX_CUTS:
        raise MalformedError(f"expected a list of at most {MAX_CUTS} cuts")
    return [_decode(row, officers) for row in rows]


def _decode(row: object, officers: Sequence[Verifier]) -> Cut:
    match row:
        case {"note": str(note), **rest} if not rest:
            return verify_cut(note.encode(), officers)
        case {"text": str(text), "by": [*by], **rest} if not rest and all(
            isinstance(name, str) for name in by
        ):
            cut = parse_cut(text.encode(), by=tuple(by))
            if not cut.what.is_wide:
                return cut
    raise MalformedError("a cut that is kept is none, or is wide and nobody signed it")


def _format_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_TIME)


def _parse_time(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
