"""The statement that puts an order into force: which pack, from when, in place of what; signed by two people.

A statement is a C2SP signed note. Its text names the pack by digest, so that nothing of the pack can be changed under
a signature. Statements of one order are numbered and name what they replace: nobody brings back an old order by
bringing back its old signatures. Going back to an old order takes a new statement.

::

    doorward order v1
    order: chicago
    digest: 6d18be80...
    number: 3
    effective: 2026-12-01T00:00:00Z
    until: none
    replaces: 8a59f854...
    adopted: sample

Source: C2SP signed-note; DESIGN.md, "two signatures over the pack's digest".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from doorward.errors import MalformedError, VerificationError
from doorward.notes.lines import format_lines, parse_lines
from doorward.notes.note import Verifier, find_signers, parse_note

HEADER: Final = "doorward order v1"
NEEDED: Final = 2  # people of the law department
STATEMENT: Final = "signatures/statement.note"
NONE: Final = "none"
SAMPLE, OFFICES = "sample", "offices"
MAX_NUMBER: Final = 10**9
_FIELDS: Final = ("order", "digest", "number", "effective", "until", "replaces", "adopted")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Statement:
    """What is signed.

    Args:
        number: From 1, one more than that of the statement before.
        effective: Aware, whole seconds.
        until: The first moment at which it is no longer in force, or None.
        replaces: Digest of the pack in whose place it comes, or None.
        is_sample: Whether an office that does not exist adopted a clause.
    """

    order: str
    digest: str
    number: int
    effective: datetime
    until: datetime | None
    replaces: str | None
    is_sample: bool


@dataclass(frozen=True, slots=True)
class Verified:
    """A statement that enough of the keys signed."""

    statement: Statement
    signers: tuple[str, ...]


def format_statement(statement: Statement) -> bytes:
    """Return the text of a statement, as it is signed."""
    values = (
        statement.order,
        statement.digest,
        str(statement.number),
        statement.effective.astimezone(UTC).strftime(_TIME),
        statement.until.astimezone(UTC).strftime(_TIME) if statement.until else NONE,
        statement.replaces or NONE,
        SAMPLE if statement.is_sample else OFFICES,
    )
    return format_lines(HEADER, zip(_FIELDS, values, strict=True))


def parse_statement(text: bytes) -> Statement:
    """Return the statement of a text.

    Raises:
        MalformedError: It is none, or written otherwise than `format_statement` writes it.
    """
    order, digest, number, effective, until, replaces, adopted = parse_lines(text, HEADER, _FIELDS)
    try:
        statement = Statement(
            order=order,
            digest=digest,
            number=int(number),
            effective=_time(effective),
            until=None if until == NONE else _time(until),
            replaces=None if replaces == NONE else replaces,
            is_sample=adopted == SAMPLE,
        )
    except ValueError as error:
        raise MalformedError("the statement has a number or a time that is none") from error
    check_statement(statement)
    if format_statement(statement) != text:
        raise MalformedError("the statement is written otherwise than doorward writes it")
    return statement


def check_statement(statement: Statement) -> None:
    """Raise MalformedError where a value of a statement is none."""
    if not _NAME.fullmatch(statement.order):
        raise MalformedError("the statement names no order")
    digests = (statement.digest, statement.replaces or statement.digest)
    if not all(_DIGEST.fullmatch(digest) for digest in digests):
        raise MalformedError("the statement has a digest that is none")
    if not 1 <= statement.number <= MAX_NUMBER:
        raise MalformedError(f"a statement's number is from 1 to {MAX_NUMBER}, got {statement.number}")
    if statement.until is not None and statement.until <= statement.effective:
        raise MalformedError("a statement ends after it begins")


def verify_statement(
    raw: bytes, keys: Sequence[Verifier], *, digest: str, now: datetime, last: Statement | None = None
) -> Verified:
    """Return the statement of a note that is in force now.

    Args:
        raw: The note; nobody is trusted.
        keys: Of the law department.
        digest: Of the pack as it is here.
        now: Aware.
        last: What was in force at this door before, or None.

    Raises:
        MalformedError: It is no note or no statement.
        VerificationError: Too few keys signed it, it is about another pack, does not follow what was in force, or is
            not yet or no longer in force.
    """
    note = parse_note(raw)
    signers = find_signers(note, keys)
    if len(signers) < NEEDED:
        names = ", ".join(f"`{signer.name}`" for signer in signers) or "nobody that is known"
        raise VerificationError(f"expected {NEEDED} signatures of the law department, got that of {names}")
    statement = parse_statement(note.text)
    if statement.digest != digest:
        raise VerificationError(
            f"the statement is about the pack {statement.digest[:16]}.., and this one is {digest[:16]}.."
        )
    if last is not None and statement != last:
        _check_follows(statement, last)
    if now < statement.effective:
        raise VerificationError(f"the order is not in force before {statement.effective.strftime(_TIME)}")
    if statement.until is not None and now >= statement.until:
        raise VerificationError(f"the order is no longer in force since {statement.until.strftime(_TIME)}")
    return Verified(statement, tuple(signer.name for signer in signers))


def _check_follows(statement: Statement, last: Statement) -> None:
    if statement.order != last.order:
        raise VerificationError(f"expected the order `{last.order}`, got `{statement.order}`")
    if statement.number <= last.number:
        raise VerificationError(
            f"the statement has number {statement.number}, and {last.number} was in force already",
            hint="an old order comes back by a new statement with a higher number",
        )
    if statement.replaces != last.digest:
        raise VerificationError(
            f"expected that it replaces {last.digest[:16]}.., the order in force; it replaces "
            + (f"{statement.replaces[:16]}.." if statement.replaces else NONE)
        )


def _time(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
