"""What of the fund goes into the record, and the one interface by which it does. Pure.

A transaction has two entries of the kind `fund`: one before it is committed, with its text, and one after, before
anybody is told. Their ACT is `post`, then `posted`, or `withdrawn` where PostgreSQL did not commit (ADR 65). A change
of the rules has two in the same way: `rules`, then one of those. A month of the public tables has one entry before
anybody sees it, with the ACT `publish` and the digest of its totals (ADR 73).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, Protocol

from doorward.fund.ledger.operations import NAMES, Submission
from doorward.record.entry import Field, Fields, Kind

POST: Final = b"post"
RULES: Final = b"rules"
POSTED: Final = b"posted"
WITHDRAWN: Final = b"withdrawn"
PUBLISH: Final = b"publish"

TYPED: Final = "typed"


@dataclass(frozen=True, slots=True)
class Proof:
    """How it is known that the login is who it says; it stands in the record.

    Args:
        how: `typed`: it is not, somebody typed it. `desk ROLE`: signed in at the desk, with a second factor, as this
            role. `key OFFICE`: signed with a key on file. `sample`: nobody is.
        signature: Of a key: base64 of its four bytes' id and the signature over `operations.format_submission`, or over
            `acts.format_filing` where it is a filing.
    """

    how: str = TYPED
    signature: str = ""


class Recorder(Protocol):
    """The one writer of a record, as the desk has it."""

    def record(self, drafts: Sequence[tuple[Kind, Fields]], *, now: datetime) -> int:
        """Return the sequence of the last entry; all are recorded when this returns; raises StoreError."""


def post_entry(submission: Submission, text: str, proof: Proof) -> Fields:
    """Return the fields of the entry before a commit.

    Args:
        text: Of `format_transaction`: ids, days, cents and a City login, and no words that somebody wrote.
    """
    raw = text.encode()
    return (
        (Field.LOGIN, submission.by.encode()),
        (Field.AUTHENTICATION, proof.how.encode()),
        (Field.TEXT, raw),
        *(((Field.EVIDENCE, proof.signature.encode()),) if proof.signature else ()),
        (Field.MATTER, submission.key.hex.encode()),
        (Field.WHAT, NAMES[type(submission.operation)].encode()),
        (Field.ACT, POST),
        (Field.DIGEST, sha256(raw).hexdigest().encode()),
    )


def rules_entry(key: uuid.UUID, by: str, proof: str, text: str) -> Fields:
    """Return the fields of the entry before the ledger's rules change.

    Args:
        text: Of `rules.format_rules`, as they will be.
    """
    raw = text.encode()
    return (
        (Field.LOGIN, by.encode()),
        (Field.AUTHENTICATION, proof.encode()),
        (Field.TEXT, raw),
        (Field.MATTER, key.hex.encode()),
        (Field.ACT, RULES),
        (Field.DIGEST, sha256(raw).hexdigest().encode()),
    )


def end_entry(key: uuid.UUID, entry: int, act: bytes) -> Fields:
    """Return the fields of the entry after a commit, or after none.

    Args:
        key: Of the entry before it.
        entry: Its sequence.
        act: `POSTED` or `WITHDRAWN`.
    """
    return (
        (Field.LAST, b"%d" % entry),
        (Field.MATTER, key.hex.encode()),
        (Field.ACT, act),
    )


def publish_entry(month: str, totals: bytes, by: str, proof: str = TYPED) -> Fields:
    """Return the fields of the entry of a month that is published.

    Args:
        month: Such as ``2026-03``.
        totals: The text that names the digest of every table.
        by: The login of the City person who publishes it.
        proof: How it is known that the login is who it says; see `TYPED`.
    """
    return (
        (Field.LOGIN, by.encode()),
        (Field.AUTHENTICATION, proof.encode()),
        (Field.TEXT, totals),
        (Field.WHAT, month.encode()),
        (Field.ACT, PUBLISH),
        (Field.DIGEST, sha256(totals).hexdigest().encode()),
    )
