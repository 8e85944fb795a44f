"""The fund's totals from the record alone, the table of them, and what an auditor signs. Pure.

Nothing here reads the ledger: each entry `post` of the record that has its end `posted` holds a transaction's text, and
the texts' postings are added up. The table has ids of grantees and agreements, which are public, and nobody else's.

The signed text names the table by its digest and the totals before it, so that one that was changed later shows.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from doorward.errors import MalformedError, VerificationError
from doorward.fund.entries import POST, POSTED, WITHDRAWN
from doorward.fund.ledger.accounts import Account, unbalanced
from doorward.fund.ledger.export import Written
from doorward.fund.ledger.operations import Agree, Opening, parse_transaction
from doorward.fund.ledger.state import Place
from doorward.notes.lines import format_lines, parse_lines
from doorward.record.entry import Entry, Field, Fields, Kind

HEADER: Final = "doorward fund totals v1"
TOTALS: Final = b"totals"
FIELDS: Final = ("last-entry", "posted", "unended", "withdrawn", "table", "previous")
HEAD: Final = ("year", "line", "grantee", "agreement", "measure", "cents")
_A: Final = Account
OF_LINE: Final[Mapping[str, tuple[tuple[Account, int], ...]]] = {
    "appropriated": ((_A.APPROPRIATED, -1),),
    "available": ((_A.AVAILABLE, 1),),
    "lapsed": ((_A.LAPSED, 1),),
    "paid": ((_A.TREASURY, -1),),
    "advances moved between years": ((_A.MOVED, 1),),
}
"""Measures of a line: sums of accounts, with their signs; what was carried is told from its side."""
OF_AGREEMENT: Final[Mapping[str, tuple[tuple[Account, int], ...]]] = {
    "pending": ((_A.PENDING, 1),),
    "encumbered": ((_A.ENCUMBERED, 1),),
    "spent": ((_A.EXPENDED, 1),),
    "advanced": ((_A.ADVANCE, 1),),
    "payable": ((_A.PAYABLE, -1),),
    "returned of closed years": ((_A.REFUND, -1),),
    "paid": ((_A.EXPENSE, 1), (_A.ADVANCE, 1), (_A.PAYABLE, 1), (_A.REFUND, 1)),
}
"""Measures of an agreement in a line and year."""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What the record says, and nothing but the record.

    Args:
        written: Every transaction that was posted, in the order of its entries.
        unended: Entries without an end, of keys that no posted entry has: each may be a crash.
        withdrawn: How many entries say that PostgreSQL did not commit.
        wrong: What of the record contradicts itself.
        last: The highest sequence that was read; -1 of nothing.
    """

    written: tuple[Written, ...]
    unended: tuple[int, ...]
    withdrawn: int
    wrong: tuple[str, ...]
    last: int

    @property
    def balances(self) -> dict[Place, int]:
        """The cents of every account that is not nought."""
        found: dict[Place, int] = {}
        for one in self.written:
            for posting in one.postings:
                found[posting.place] = found.get(posting.place, 0) + posting.cents
        return {place: cents for place, cents in sorted(found.items()) if cents}


def recompute(entries: Iterable[Entry]) -> Recomputed:
    """Return what the entries of a record come to.

    Args:
        entries: The whole record, or of it the kind `fund`; that they open the log is `doorward log verify`'s to say.
    """
    posts: dict[int, Entry] = {}
    ends: dict[int, bytes] = {}
    last = -1
    for entry in entries:
        if entry.kind is not Kind.FUND:
            continue
        last = max(last, entry.sequence)
        act, of = entry.get(Field.ACT), entry.get(Field.LAST)
        if act == POST:
            posts[entry.sequence] = entry
        elif act is not None and of is not None and of.isdigit():
            ends[int(of)] = act
    written, wrong = list[Written](), list[str]()
    for sequence in sorted(posts):
        if ends.get(sequence) == POSTED:
            _take(posts[sequence], written, wrong)
    done = {one.submission.key.hex.encode() for one in written}
    unended = tuple(
        one for one in sorted(posts) if one not in ends and posts[one].get(Field.MATTER) not in done
    )
    withdrawn = sum(ends.get(one) == WITHDRAWN for one in posts)
    return Recomputed(tuple(written), unended, withdrawn, tuple(wrong), last)


def _take(entry: Entry, written: list[Written], wrong: list[str]) -> None:
    name, raw = f"entry {entry.sequence}", entry.get(Field.TEXT) or b""
    try:
        submission, postings = parse_transaction(raw.decode("utf-8", errors="replace"))
    except MalformedError:
        wrong.append(f"{name}: its text is none of a transaction")
        return
    if entry.get(Field.DIGEST) != sha256(raw).hexdigest().encode():
        wrong.append(f"{name}: its digest is not that of its text")
    if any(one.submission.key == submission.key for one in written):
        wrong.append(f"{name}: its key was posted before")
    wrong += [
        f"{name}: debits are not credits in `{line}` of {year}" for _, year, line in unbalanced(postings)
    ]
    written.append(Written(len(written) + 1, entry.sequence, submission, postings))


Row = tuple[int, str, str, str, str, int]


def rows_of(found: Recomputed) -> tuple[Row, ...]:
    """Return the table's rows: year, line, grantee, agreement, measure, cents; in order, nought left out."""
    grantees: dict[str, str] = {}
    carried: dict[tuple[int, str, str], int] = {}
    for one in found.written:
        operation = one.submission.operation
        if isinstance(operation, (Agree, Opening)) and operation.agreement:
            grantees.setdefault(operation.agreement, operation.grantee)
        for posting in one.postings:
            if posting.account is Account.CARRIED:
                key = (posting.year, posting.line, "carried out" if posting.cents > 0 else "carried in")
                carried[key] = carried.get(key, 0) + abs(posting.cents)
    sums: dict[Row, int] = {}
    for (account, year, line, of), cents in found.balances.items():
        for measure, accounts in (OF_AGREEMENT if of else OF_LINE).items():
            for counted, sign in accounts:
                if counted is account:
                    row = (year, line, grantees.get(of, ""), of, measure, 0)
                    sums[row] = sums.get(row, 0) + sign * cents
    for (year, line, measure), cents in carried.items():
        sums[year, line, "", "", measure, 0] = cents
    return tuple((*row[:5], cents) for row, cents in sorted(sums.items()) if cents)


def format_table(rows: Iterable[Row]) -> bytes:
    """Return the table as CSV in UTF-8, in whole cents; the same rows give the same bytes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows(rows)
    return out.getvalue().encode()


def format_totals(found: Recomputed, table: bytes, previous: bytes | None) -> bytes:
    """Return what the auditor signs.

    Args:
        previous: The totals text that was signed before, or None of the first.
    """
    return format_lines(
        HEADER,
        [
            ("last-entry", str(found.last)),
            ("posted", str(len(found.written))),
            ("unended", str(len(found.unended))),
            ("withdrawn", str(found.withdrawn)),
            ("table", sha256(table).hexdigest()),
            ("previous", "none" if previous is None else digest_totals(previous)),
        ],
    )


def check_table(totals: bytes, table: bytes, previous: bytes | None = None) -> dict[str, str]:
    """Return what a totals text says, where this is the table that it names, and those the totals before it.

    Args:
        totals: Of anybody; so are the others.
        previous: The text of the totals before, or None: that is not looked at.

    Raises:
        MalformedError: It is no totals text.
        VerificationError: It names another table, or other totals before it.
    """
    said = dict(zip(FIELDS, parse_lines(totals, HEADER, FIELDS), strict=True))
    if said["table"] != sha256(table).hexdigest():
        raise VerificationError("the table is not the one that the totals name")
    if previous is not None and said["previous"] != digest_totals(previous):
        raise VerificationError("the totals before are not those that the totals name")
    return said


def digest_totals(text: bytes) -> str:
    """Return the digest of a totals text, as the log has it: hexadecimal SHA-256."""
    return sha256(text).hexdigest()


def totals_entry(text: bytes, signer: str, by: str) -> Fields:
    """Return the fields of the entry that puts signed totals into the record.

    Args:
        signer: The name of the auditor's key: an office's, no person's.
    """
    return (
        (Field.LOGIN, by.encode()),
        (Field.EVIDENCE, signer.encode()),
        (Field.ACT, TOTALS),
        (Field.DIGEST, digest_totals(text).encode()),
    )


def differences(found: Recomputed, balances: Mapping[Place, int], of: str) -> tuple[str, ...]:
    """Return each account that others count otherwise than the record.

    Args:
        of: Who they are, in the lines.
    """
    ours, theirs = found.balances, {place: cents for place, cents in balances.items() if cents}
    return tuple(
        f"`{place[0].value}` of {place[1]} {place[2]} {place[3]}".rstrip()
        + f" is {theirs.get(place, 0)} by {of}, and {ours.get(place, 0)} by the record"
        for place in sorted(ours.keys() | theirs.keys())
        if ours.get(place, 0) != theirs.get(place, 0)
    )
