"""What people may do with the fund, as values, and their one text. Pure.

No operation has a place for words that somebody writes: ids, numbers of documents, days, cents, and words of the order.
An id that looks like an alien registration number (A and eight or nine digits) is refused: LAW.md section 6.
"""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, Final, TypeAlias

from doorward.errors import MalformedError
from doorward.fund.ledger.accounts import MAX_CENTS, Account, Posting

ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{0,39}")
LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")  # an identity provider's may be an address
ALIEN_NUMBER: Final = re.compile(r"(?i)(?<![a-z0-9])a[-./]?(?:[-./]?[0-9]){8,9}(?![0-9])")
MAX_PARTS: Final = 100
SIGNED: Final = "doorward fund submission v1"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a sum: of an agreement (line and cents), or of a claim.

    Args:
        service: Of an invoice: the service type that was bought.
        recoup: Of an invoice: how many of the cents an advance has paid already.
    """

    year: int
    line: str
    cents: int
    service: str = ""
    recoup: int = 0


@dataclass(frozen=True, slots=True)
class OpenYear:
    """Open a fiscal year for postings."""

    year: int
    begins: date
    ends: date


@dataclass(frozen=True, slots=True)
class Appropriate:
    """Give a line authority, or (below nought) take it back; `source` is a word of the order, `reference` the act."""

    year: int
    line: str
    cents: int
    source: str
    reference: str


@dataclass(frozen=True, slots=True)
class Agree:
    """Set money aside for an agreement with a grantee; it is pending until another person posts it."""

    agreement: str
    grantee: str
    begins: date
    ends: date
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Amend:
    """Add to an agreement (pending again, until posted) or release from it (below nought)."""

    agreement: str
    year: int
    line: str
    cents: int


@dataclass(frozen=True, slots=True)
class Post:
    """Post what is pending: another person than the one who set it aside."""

    agreement: str


@dataclass(frozen=True, slots=True)
class Void:
    """Take back what is pending or encumbered and not spent or advanced."""

    agreement: str


@dataclass(frozen=True, slots=True)
class File:
    """File a claim: an invoice, or a request for an advance. `number` is the grantee's own number of it."""

    claim: str
    agreement: str
    kind: str
    number: str
    begins: date
    ends: date
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take back a claim on which nothing was posted."""

    claim: str


@dataclass(frozen=True, slots=True)
class Approve:
    """Approve a claim; the last of the people that the order asks for posts it."""

    claim: str


@dataclass(frozen=True, slots=True)
class Pay:
    """Say that the City paid an approved claim; `reference` is the finance system's."""

    claim: str
    reference: str


@dataclass(frozen=True, slots=True)
class Refund:
    """Say that money came back, for this year or, with an earlier `of_year`, for one that is closed.

    Args:
        advance: What came back is of an advance that was not used.
    """

    agreement: str
    year: int
    line: str
    cents: int
    of_year: int
    reference: str
    advance: bool = False


@dataclass(frozen=True, slots=True)
class CloseOut:
    """End an agreement: what it has not spent is released."""

    agreement: str


@dataclass(frozen=True, slots=True)
class CloseYear:
    """Close a year: what is not spent lapses, or is carried for these agreements and for lines that carry."""

    year: int
    carry: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """Take over a line of a fund that ran before: what is left of its authority, and what its agreements hold.

    Args:
        cents: All authority of the line.
        agreement: With `encumbered` and `expended`, an agreement that runs; or empty.
    """

    year: int
    line: str
    cents: int
    reference: str
    agreement: str = ""
    grantee: str = ""
    begins: date | None = None
    ends: date | None = None
    encumbered: int = 0
    expended: int = 0


Operation: TypeAlias = (
    OpenYear | Appropriate | Agree | Amend | Post | Void | File | Withdraw | Approve | Pay | Refund
    | CloseOut | CloseYear | Opening
)  # fmt: skip

NAMES: Final[Mapping[type[Operation], str]] = {
    OpenYear: "open-year", Appropriate: "appropriate", Agree: "agree", Amend: "amend", Post: "post", Void: "void",
    File: "file", Withdraw: "withdraw", Approve: "approve", Pay: "pay", Refund: "refund", CloseOut: "close-out",
    CloseYear: "close-year", Opening: "opening",
}  # fmt: skip
_KINDS: Final = {name: kind for kind, name in NAMES.items()}


@dataclass(frozen=True, slots=True)
class Submission:
    """An operation as somebody brings it.

    Args:
        key: Chosen by whoever submits; the same key a second time finds what the first did.
        by: The login of the City person who does it.
        day: The day on which it is booked.
    """

    key: uuid.UUID
    by: str
    day: date
    operation: Operation


def faults_of(submission: Submission) -> tuple[str, ...]:
    """Return what is wrong with the form of ids, references and sums, whatever the state is."""
    found = (
        []
        if LOGIN.fullmatch(submission.by)
        else ["a login is of lower-case letters, digits, `.`, `_`, `@`, `+` and `-`"]
    )
    operation = submission.operation
    for name, value in _values(operation):
        if name in {"agreement", "grantee", "claim", "line", "service", "carry"} and value:
            if not isinstance(value, str) or not ID.fullmatch(value):
                found.append(f"`{name}` must be an id of at most 40 lower-case letters, digits and `-`")
        elif name in {"reference", "number"} and not REFERENCE.fullmatch(str(value)):
            found.append(
                f"`{name}` must be a number of a document: at most 40 letters, digits, `.`, `/` and `-`"
            )
        elif name in {"cents", "recoup", "encumbered", "expended"} and not _is_sum(value):
            found.append(f"`{name}` must be whole cents, at most {MAX_CENTS}")
        elif name in {"year", "of_year"} and not (isinstance(value, int) and 2000 <= value <= 2199):
            found.append(f"`{name}` must be a fiscal year from 2000 to 2199")
        if isinstance(value, str) and ALIEN_NUMBER.search(value):
            found.append(f"`{name}` looks like an alien registration number, and the City holds none")
    parts = getattr(operation, "parts", None)
    if parts is not None and not 1 <= len(parts) <= MAX_PARTS:
        found.append(f"expected 1 to {MAX_PARTS} parts, got {len(parts)}")
    if any(part.cents <= 0 or part.recoup < 0 for part in parts or ()):
        found.append("a part has more than nought cents, and recoups none or more")
    return tuple(dict.fromkeys(found))


def _is_sum(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_CENTS


def _values(operation: Operation) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for field in fields(operation):
        value = getattr(operation, field.name)
        if field.name == "parts":
            found += [(inner.name, getattr(part, inner.name)) for part in value for inner in fields(part)]
        elif field.name == "carry":
            found += [("carry", one) for one in value]
        else:
            found.append((field.name, value))
    return found


def format_submission(submission: Submission) -> str:
    """Return what is signed of a submission, where somebody signs it: whoever has its transaction makes it again."""
    return f"{SIGNED}\n{format_transaction(submission, ())}\n"


def format_transaction(submission: Submission, postings: tuple[Posting, ...]) -> str:
    """Return the one text of a transaction, whose SHA-256 the record holds: JSON, keys sorted, no spaces."""
    held = asdict(submission.operation)
    document = {
        "key": submission.key.hex,
        "by": submission.by,
        "day": submission.day.isoformat(),
        "operation": NAMES[type(submission.operation)],
        "with": {
            name: value.isoformat() if isinstance(value, date) else value for name, value in held.items()
        },
        "postings": [
            [one.account.value, one.year, one.line, one.agreement, one.cents, one.origin] for one in postings
        ],
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def parse_transaction(text: str) -> tuple[Submission, tuple[Posting, ...]]:
    """Return what a text of `format_transaction` says.

    Raises:
        MalformedError: It is none.
    """
    try:
        document = json.loads(text)
        kind = _KINDS[document["operation"]]
        operation = kind(**{name: _value(name, value) for name, value in document["with"].items()})
        by, day = str(document["by"]), date.fromisoformat(document["day"])
        postings = tuple(Posting(Account(account), *more) for account, *more in document["postings"])
        return Submission(uuid.UUID(document["key"]), by, day, operation), postings
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedError("expected the text of a fund's transaction") from error


def _value(name: str, value: Any) -> Any:  # noqa: ANN401  # a value of JSON
    if name == "parts":
        return tuple(Part(**part) for part in value)
    if name == "carry":
        return tuple(value)
    return date.fromisoformat(value) if name in {"begins", "ends"} and value is not None else value
