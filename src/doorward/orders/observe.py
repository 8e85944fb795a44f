"""The note by which a law department observes clauses: they decide beside the access, and do not close it, until a day.

A C2SP signed note of two people. It names the order by digest, so that nothing of the order changes under it, and has a
reason and an end. It is about forbids only; what it takes out, and that no promise of the order breaks by it, is for
`doorward.orders.observed`.

::

    doorward observe v1
    order: chicago
    digest: 6d18be80...
    from: 2026-12-01T00:00:00Z
    until: 2026-12-29T00:00:00Z
    clauses: B2 B6
    reason: four weeks beside the access that exists

Source: C2SP signed-note; DESIGN.md, "Clauses run in observe or enforce"; ADR 19.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from doorward.errors import MalformedError, VerificationError
from doorward.notes.lines import format_lines, is_line, parse_lines
from doorward.notes.note import Verifier, find_signers, parse_note

HEADER: Final = "doorward observe v1"
NEEDED: Final = 2  # people of the law department
NOTE: Final = "signatures/observe.note"  # in a pack's folder; signatures do not count for its digest
MAX_DAYS: Final = 92  # a quarter; longer takes two people another look
MAX_REASON: Final = 200
MAX_CLAUSES: Final = 100
ID_DIGITS: Final = 12
_FIELDS: Final = ("order", "digest", "from", "until", "clauses", "reason")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CLAUSE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]{0,62}")
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Observation:
    """What is signed.

    Args:
        digest: Of the pack, with the collections that the city installs.
        begins: Aware, whole seconds.
        until: The first moment at which everything is enforced again.
        clauses: Ids, each once, in the order in which they were given.
    """

    order: str
    digest: str
    begins: datetime
    until: datetime
    clauses: tuple[str, ...]
    reason: str

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits over what it says."""
        return sha256(format_observation(self)).hexdigest()[:ID_DIGITS]

    def is_in_force(self, now: datetime) -> bool:
        """Return True from its beginning to its end."""
        return self.begins <= now < self.until


@dataclass(frozen=True, slots=True)
class VerifiedObservation:
    """A note that enough of the keys signed, for the order at hand, now.

    Args:
        signers: Their names.
        keys: Name and id of each key, as its public line begins: the record has them, because a name says little.
    """

    observation: Observation
    signers: tuple[str, ...]
    keys: tuple[str, ...]


def format_observation(observation: Observation) -> bytes:
    """Return the text of an observation, as it is signed."""
    values = (
        observation.order, observation.digest, _format_time(observation.begins), _format_time(observation.until),
        " ".join(observation.clauses), observation.reason,
    )  # fmt: skip
    return format_lines(HEADER, zip(_FIELDS, values, strict=True))


def parse_observation(text: bytes) -> Observation:
    """Return the observation of a text.

    Raises:
        MalformedError: It is none, or written otherwise than `format_observation` writes it.
    """
    order, digest, begins, until, clauses, reason = parse_lines(text, HEADER, _FIELDS)
    try:
        found = Observation(
            order, digest, _parse_time(begins), _parse_time(until), tuple(clauses.split(" ")), reason
        )
    except ValueError as error:
        raise MalformedError("the observation has a time that is none") from error
    if format_observation(check_observation(found)) != text:
        raise MalformedError("the observation is written otherwise than doorward writes it")
    return found


def check_observation(observation: Observation) -> Observation:
    """Return an observation that is one.

    Raises:
        MalformedError: A value is not what it must be; it has no end, or one that is too far away.
    """
    if not _NAME.fullmatch(observation.order) or not _DIGEST.fullmatch(observation.digest):
        raise MalformedError("the observation names no order by its digest")
    clauses = observation.clauses
    if not 1 <= len(clauses) <= MAX_CLAUSES or len(set(clauses)) != len(clauses):
        raise MalformedError(f"an observation names from 1 to {MAX_CLAUSES} clauses, each once")
    if not all(_CLAUSE.fullmatch(clause) for clause in clauses):
        raise MalformedError("the observation names a clause by an id that is none")
    reason = observation.reason
    if not is_line(reason, MAX_REASON):
        raise MalformedError(f"an observation has a reason of at most {MAX_REASON} characters in one line")
    if not timedelta() < observation.until - observation.begins <= timedelta(days=MAX_DAYS):
        raise MalformedError(f"an observation ends after it begins, and within {MAX_DAYS} days")
    return observation


def verify_observation(
    raw: bytes, keys: Sequence[Verifier], *, digest: str, now: datetime
) -> VerifiedObservation:
    """Return the observation of a note that is in force now.

    Args:
        raw: The note; nobody is trusted.
        keys: Of the law department.
        digest: Of the pack as it is here.
        now: Aware.

    Raises:
        MalformedError: It is no note or no observation.
        VerificationError: Fewer than two people signed it, it is about another pack, or it is not yet or no longer in
            force.
    """
    note = parse_note(raw)
    signers = find_signers(note, keys)
    if len({signer.public_key for signer in signers}) < NEEDED:
        names = ", ".join(f"`{signer.name}`" for signer in signers) or "nobody that is known"
        raise VerificationError(f"expected {NEEDED} signatures of the law department, got that of {names}")
    found = parse_observation(note.text)
    if found.digest != digest:
        raise VerificationError(
            f"the observation is about the pack {found.digest[:16]}.., and this one is {digest[:16]}.."
        )
    if now < found.begins:
        raise VerificationError(f"nothing is observed before {_format_time(found.begins)}")
    if now >= found.until:
        raise VerificationError(f"nothing is observed since {_format_time(found.until)}")
    signed = tuple(signer.name for signer in signers)
    return VerifiedObservation(found, signed, tuple(f"{s.name}+{s.id.hex()}" for s in signers))


def _format_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_TIME)


def _parse_time(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
