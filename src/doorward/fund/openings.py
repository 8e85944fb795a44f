"""Opening balances of a fund that ran before: a CSV, the statement that an auditor signs of it, and the proof. Pure.

The statement names the file by its digest and its sums. Each row is posted as one `opening`, with a key that follows
from file and row, so that a file is posted once however often it is brought. `check_opened` then holds the ledger
against the signed file, row by row and sum by sum.
"""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Final

from doorward.errors import MalformedError, VerificationError
from doorward.fund.grantee.cells import column_name
from doorward.fund.grantee.separated import read_separated
from doorward.fund.ledger.accounts import Account
from doorward.fund.ledger.export import Written
from doorward.fund.ledger.operations import Opening, Submission, faults_of
from doorward.fund.payments.lines import MAX_REFUSALS, LineRefusal, parse_dollars
from doorward.notes.lines import format_lines, parse_lines

HEADER: Final = "doorward fund opening balances v1"
FIELDS: Final = ("file", "rows", "authority-cents", "encumbered-cents", "expended-cents")
HEAD: Final = (
    "year", "line", "amount", "reference", "agreement", "grantee", "begins", "ends", "encumbered", "expended",
)  # fmt: skip
_YEAR: Final = re.compile(r"[0-9]{4}")
_KEYS: Final = uuid.UUID("0d8b7a39-6a8e-4c38-8d6a-7f1b6f0f6a11")


@dataclass(frozen=True, slots=True)
class Openings:
    """A file of opening balances.

    Args:
        digest: Of its bytes; hexadecimal SHA-256.
    """

    digest: str
    rows: tuple[Opening, ...]

    def submissions(self, by: str, day: date) -> tuple[Submission, ...]:
        """Return what it posts, with keys that follow from it."""
        return tuple(
            Submission(uuid.uuid5(_KEYS, f"{self.digest}/{place}"), by, day, row)
            for place, row in enumerate(self.rows)
        )

    @property
    def sums(self) -> Mapping[str, int]:
        """Cents of authority, of what is encumbered, of what is expended."""
        return {
            "authority-cents": sum(row.cents for row in self.rows),
            "encumbered-cents": sum(row.encumbered for row in self.rows),
            "expended-cents": sum(row.expended for row in self.rows),
        }


def read_openings(raw: bytes) -> tuple[Openings | None, tuple[LineRefusal, ...]]:
    """Return the file's rows, or None and what refuses it, by line and column.

    Args:
        raw: The whole file, of a stranger.
    """
    sheets, refused = read_separated(raw)
    refusals = [LineRefusal(one.place.row, one.place.column, one.kind) for one in refused]
    rows = sheets[0].rows if sheets else ()
    if refusals or len(rows) <= 1:
        return None, tuple(refusals) or (LineRefusal(0, "", "empty-file"),)
    if tuple(cell.text for _, cell in sorted(rows[0][1].items())) != HEAD:
        return None, (LineRefusal(rows[0][0], "", "heading"),)
    found: list[Opening] = []
    for number, cells in rows[1:]:
        outside = [column for column in cells if column >= len(HEAD)]
        said = {name: cells[at].text if at in cells else "" for at, name in enumerate(HEAD)}
        refusals += [LineRefusal(number, column_name(column), "outside") for column in outside]
        made = _opening(number, said, refusals)
        if made is not None:
            found.append(made)
    if refusals:
        return None, tuple(sorted(set(refusals))[:MAX_REFUSALS])
    return Openings(sha256(raw).hexdigest(), tuple(found)), ()


def _opening(number: int, said: Mapping[str, str], refusals: list[LineRefusal]) -> Opening | None:
    before = len(refusals)

    def refuse(name: str, kind: str) -> None:
        refusals.append(LineRefusal(number, column_name(HEAD.index(name)), kind))

    def cents(name: str, *, needed: bool) -> int:
        found = parse_dollars(said[name]) if said[name] or needed else 0
        if found is None or found < 0:
            refuse(name, "amount")
        return found or 0

    def day(name: str) -> date | None:
        try:
            return date.fromisoformat(said[name]) if said[name] else None
        except ValueError:
            refuse(name, "day")
            return None

    year = int(said["year"]) if _YEAR.fullmatch(said["year"]) else 0
    made = Opening(
        year, said["line"], cents("amount", needed=True), said["reference"], said["agreement"], said["grantee"],
        day("begins"), day("ends"), cents("encumbered", needed=False), cents("expended", needed=False),
    )  # fmt: skip
    faults = faults_of(Submission(uuid.UUID(int=0), "nobody", date(2000, 1, 1), made))
    for name in HEAD:
        if any(f"`{name}` " in fault for fault in faults):
            refuse(
                name, "a-number" if any("alien" in one for one in faults if f"`{name}` " in one) else "number"
            )
    return made if len(refusals) == before else None


def format_statement(found: Openings) -> bytes:
    """Return what the auditor signs of a file."""
    sums = [(name, str(cents)) for name, cents in found.sums.items()]
    return format_lines(HEADER, [("file", found.digest), ("rows", str(len(found.rows))), *sums])


def check_statement(text: bytes, found: Openings) -> None:
    """Check that a signed text is of this file.

    Args:
        text: Of a note that was verified.

    Raises:
        MalformedError: It is no such text.
        VerificationError: It is of another file.
    """
    said = dict(zip(FIELDS, parse_lines(text, HEADER, FIELDS), strict=True))
    if said["file"] != found.digest:
        raise VerificationError("the file is not the one whose opening balances were signed")
    if format_statement(found) != text:
        raise MalformedError("the signed sums are not those of the file")


def check_opened(found: Openings, written: Iterable[Written]) -> tuple[str, ...]:
    """Return how the ledger differs from a file of opening balances; nothing, where it equals it.

    Args:
        written: Every transaction of the ledger.
    """
    posted = {one.submission.key: one for one in written}
    expected = found.submissions("nobody", date(2000, 1, 1))
    wrong, there = list[str](), list[Written]()
    for place, one in enumerate(expected, start=1):
        held = posted.get(one.key)
        if held is None:
            wrong.append(f"row {place} is not posted")
        elif held.submission.operation != one.operation:
            wrong.append(f"row {place} is posted otherwise than the file says")
        else:
            there.append(held)
    wrong += [
        f"{name}: the file says {cents}, the ledger's postings of it {got}"
        for (name, cents), got in zip(found.sums.items(), _sums(there), strict=True)
        if cents != got
    ]
    keys = {one.key for one in expected}
    others = [
        one.number
        for key, one in posted.items()
        if isinstance(one.submission.operation, Opening) and key not in keys
    ]
    return (*wrong, *(f"transaction {number} is an opening that the file does not have" for number in others))


def _sums(written: Sequence[Written]) -> tuple[int, ...]:
    def of(account: Account, sign: int) -> int:
        return sum(
            sign * posting.cents for one in written for posting in one.postings if posting.account is account
        )

    return of(Account.APPROPRIATED, -1), of(Account.ENCUMBERED, 1), of(Account.EXPENDED, 1)
