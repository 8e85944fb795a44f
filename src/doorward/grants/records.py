"""Facts that a named official set, each with its evidence and its end: pure.

A record is a note that one official signs. The name of the key says which office and who: ``law/finn.example``. Its
kind says what it is about:

=============  ============================  =========================  =================
kind           about                         more                       who may sign
=============  ============================  =========================  =================
agreement      an agency of the order                                   law
declaration    an agency of the order                                   law
adoption       a tenant and a kind of                                   law
               place: ``cps.school``
determination  a clause of the order         matter, says               law
paper          a class of paper              matter, verified-with,     law, supervisor
                                             scope, sealed
revocation     a record's id                                            as the record
=============  ============================  =========================  =================

1. It begins, and it ends: three years on at the latest, and then somebody looks again.
2. It is never changed. It is taken back by a revocation, which is a record too and says why.
3. Where there is any record of a kind about an agency, records alone decide: one that ended or was taken back is not
   replaced by an older word.

A record::

    doorward record v1
    kind: declaration
    about: IN-PD
    from: 2026-12-01T00:00:00Z
    until: 2027-12-01T00:00:00Z
    evidence: letter 2026-117
    reason: declaration under 625 ILCS 5/2-130(c), read by the law department

Source: C2SP signed-note; DESIGN.md, law 6.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from doorward.errors import MalformedError, VerificationError
from doorward.notes.lines import format_lines, is_line, parse_pairs
from doorward.notes.note import Verifier, find_signers, parse_note

HEADER: Final = "doorward record v1"
MAX_DAYS: Final = 3 * 366
MAX_TEXT: Final = 200
ID_DIGITS: Final = 12
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class RecordKind(StrEnum):
    """What a record sets."""

    AGREEMENT = "agreement"
    DECLARATION = "declaration"
    ADOPTION = "adoption"
    DETERMINATION = "determination"
    PAPER = "paper"
    REVOCATION = "revocation"


MORE: Final[Mapping[RecordKind, tuple[str, ...]]] = {
    RecordKind.AGREEMENT: (),
    RecordKind.DECLARATION: (),
    RecordKind.ADOPTION: (),
    RecordKind.DETERMINATION: ("matter", "says"),
    RecordKind.PAPER: ("matter", "verified-with", "scope", "sealed"),
    RecordKind.REVOCATION: (),
}
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {"scope": ("in", "out"), "sealed": ("no", "yes")}
OFFICES: Final[Mapping[RecordKind, frozenset[str]]] = {
    RecordKind.AGREEMENT: frozenset({"law"}),
    RecordKind.DECLARATION: frozenset({"law"}),
    RecordKind.ADOPTION: frozenset({"law"}),
    RecordKind.DETERMINATION: frozenset({"law"}),
    RecordKind.PAPER: frozenset({"law", "supervisor"}),
    RecordKind.REVOCATION: frozenset({"law", "supervisor"}),
}


@dataclass(frozen=True, slots=True)
class Record:
    """One act of one official.

    Args:
        about: An agency, a clause, a class of paper, or the id of the record that is taken back.
        begins: Aware, whole seconds.
        until: The first moment at which it is over; of a revocation the moment at which it began.
        more: What the kind has beside, in its order.
        by: The name of the key: office, a slash, a login.
        note: As it was signed.
    """

    kind: RecordKind
    about: str
    begins: datetime
    until: datetime
    evidence: str
    reason: str
    more: tuple[tuple[str, str], ...] = ()
    by: str = ""
    note: str = ""

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits over what it says."""
        return sha256(format_record(self)).hexdigest()[:ID_DIGITS]

    @property
    def office(self) -> str:
        """The office of whoever signed."""
        return self.by.partition("/")[0]

    @property
    def is_sealed(self) -> bool:
        """Whether it is about a paper that nobody but its signer is shown."""
        return dict(self.more).get("sealed") == "yes"


def format_record(record: Record) -> bytes:
    """Return the text of a record, as it is signed."""
    pairs = (
        ("kind", record.kind.value),
        ("about", record.about),
        ("from", record.begins.astimezone(UTC).strftime(_TIME)),
        ("until", record.until.astimezone(UTC).strftime(_TIME)),
        *record.more,
        ("evidence", record.evidence),
        ("reason", record.reason),
    )
    return format_lines(HEADER, pairs)


def parse_record(text: bytes, *, by: str = "", note: str = "") -> Record:
    """Return the record of a text.

    Raises:
        MalformedError: It is none, or written otherwise than `format_record` writes it.
    """
    pairs = parse_pairs(text, HEADER)
    found = dict(pairs)
    if found.get("kind") not in {kind.value for kind in RecordKind}:
        raise MalformedError(f"expected a record: `{HEADER}` and its kind")
    kind = RecordKind(found["kind"])
    names = ["kind", "about", "from", "until", *MORE[kind], "evidence", "reason"]
    if [name for name, _ in pairs] != names:
        raise MalformedError(f"a record of a {kind} has a line for each of {', '.join(names)}")
    try:
        begins, until = (
            datetime.strptime(found[name], _TIME).replace(tzinfo=UTC) for name in ("from", "until")
        )
    except ValueError as error:
        raise MalformedError("the record has a time that is none") from error
    more = tuple((name, found[name]) for name in MORE[kind])
    record = Record(kind, found["about"], begins, until, found["evidence"], found["reason"], more, by, note)
    if format_record(check_record(record)) != text:
        raise MalformedError("the record is written otherwise than doorward writes it")
    return record


def check_record(record: Record) -> Record:
    """Return a record that is one.

    Raises:
        MalformedError: Its subject, its time, its evidence or a word of it is not what it must be.
    """
    if not _WORD.fullmatch(record.about):
        raise MalformedError(
            "a record is about one word: an agency, a tenant and kind, a clause, a class of paper, or a record's id"
        )
    if tuple(name for name, _ in record.more) != MORE[record.kind]:
        raise MalformedError(
            f"a record of a {record.kind} says {', '.join(MORE[record.kind]) or 'nothing more'}"
        )
    for name, text in (("evidence", record.evidence), ("reason", record.reason), *record.more):
        if not is_line(text, MAX_TEXT):
            raise MalformedError(f"a record has its {name} in one line of at most {MAX_TEXT} characters")
        if name in CHOICES and text not in CHOICES[name]:
            raise MalformedError(f"`{name}` of a record is one of {', '.join(CHOICES[name])}")
    if record.kind is RecordKind.REVOCATION:
        if record.until != record.begins:
            raise MalformedError("a revocation holds from its moment on and has no end")
    elif not record.begins < record.until <= record.begins + timedelta(days=MAX_DAYS):
        raise MalformedError(f"a record ends after it begins, and within {MAX_DAYS} days")
    return record


def verify_record(raw: bytes, officials: Sequence[Verifier]) -> Record:
    """Return the record of a note that an official signed whose office may.

    Args:
        raw: The note; nobody is trusted.
        officials: Keys named by office and login.

    Raises:
        MalformedError: It is no note or no record.
        VerificationError: No known key signed it, several did, or its office may not set this fact.
    """
    note = parse_note(raw)
    signers = find_signers(note, officials)
    if len(signers) != 1:
        raise VerificationError(f"expected the signature of one official, got that of {len(signers)}")
    record = parse_record(note.text, by=signers[0].name, note=raw.decode("utf-8"))
    if record.office not in OFFICES[record.kind]:
        wanted = " or ".join(f"`{office}`" for office in sorted(OFFICES[record.kind]))
        raise VerificationError(
            f"a {record.kind} is signed by the office {wanted}, and `{record.office}` signed"
        )
    return record


def read_kept(raw: bytes, officials: Sequence[Verifier]) -> Record:
    """Return a record that is kept, which sets a fact only while its signer's key is known.

    Where the key is gone, because an official left, ``by`` is empty: the record sets nothing any more, and a revocation
    still takes back what it took back. So taking a key away, or writing into the file by hand, closes and never opens.

    Raises:
        MalformedError: It is no note or no record.
        VerificationError: A known key's signature does not hold, or its office may not set this fact.
    """
    note = parse_note(raw)
    if find_signers(note, officials):
        return verify_record(raw, officials)
    return parse_record(note.text, note=raw.decode("utf-8"))


def is_revoked(record: Record, records: Iterable[Record], *, now: datetime) -> bool:
    """Return True where an office that may set a fact of this kind has taken it back, or somebody who is gone now."""
    return any(
        other.kind is RecordKind.REVOCATION
        and other.about == record.id
        and (other.office in OFFICES[record.kind] or not other.by)
        and other.begins <= now
        for other in records
    )


def find_in_force(records: Sequence[Record], kind: RecordKind, about: str, *, now: datetime) -> Record | None:
    """Return the record of a kind that is in force about something; of several the one that ends last."""
    found = [
        record
        for record in records
        if record.kind is kind
        and record.about == about
        and record.office in OFFICES[kind]
        and record.begins <= now < record.until
        and not is_revoked(record, records, now=now)
    ]
    return max(found, key=lambda record: record.until, default=None)


def are_about(records: Iterable[Record], kind: RecordKind, about: str) -> bool:
    """Return True where any record of a kind is about something, in force or not; 3 of the module's head."""
    return any(record.kind is kind and record.about == about for record in records)
