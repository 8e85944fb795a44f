"""What was done with the record itself, as entries: a field shown outside, a search, an audit. Pure.

An entry has ids, words and digests: who did it, with which key's office, and never what somebody wrote. A search
says that it was made and by whom; what was looked for is sealed to the auditors (`sealed_box`), always of one size.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from doorward.record.entry import Entry, Field, Fields, Kind
from doorward.record.erasing import Erasure

DISCLOSE: Final = "disclose"
SEARCH: Final = "search"
AUDIT: Final = "audit"
PROPOSE_ERASURE: Final = "propose-erasure"
ERASE: Final = "erase"
PAD: Final = "pad"
PADDING: Final[Fields] = ((Field.ACT, PAD.encode()),)
"""The fields of an entry that says nothing and whose leaf fills the public log up; see `schedule`."""


def disclosure_entry(  # every part of an entry by its name
    sequence: int, names: Iterable[str], *, login: str, office: str, receiver: str, process: str, digest: str
) -> Fields:
    """Return the fields of an entry: these fields of that entry were shown outside.

    Args:
        receiver: For whom, one word.
        process: The id of the signed record of the paper that asked for it.
        digest: SHA-256 of the exhibit, in hexadecimal digits.
    """
    return _fields({
        Field.LOGIN: login,
        Field.PRESENTER: office,
        Field.FOR_AGENCY: receiver,
        Field.SCOPE: f"entry {sequence}",
        Field.EVIDENCE: process,
        Field.WHAT: " ".join(sorted(names)),
        Field.ACT: DISCLOSE,
        Field.DIGEST: digest,
    })  # fmt: skip


def search_entry(sealed: bytes, *, login: str, office: str) -> Fields:
    """Return the fields of an entry: a search was made; what for is sealed.

    Args:
        sealed: From `sealed_box`, terms and number of results.
    """
    return _fields({
        Field.LOGIN: login, Field.PRESENTER: office, Field.ACT: SEARCH, Field.PARAMETERS: sealed,
    })  # fmt: skip


def audit_entry(quarter: str, *, login: str, office: str, table: str, totals: str) -> Fields:
    """Return the fields of an entry: an auditor made these totals and this table from the disclosures, and signed them.

    Args:
        quarter: Such as ``2026-Q4``.
        table: SHA-256 of the suppressed table, in hexadecimal digits.
        totals: The same of the signed totals.
    """
    return _fields({
        Field.LOGIN: login, Field.PRESENTER: office, Field.ACT: AUDIT, Field.SCOPE: quarter,
        Field.DIGEST: f"table {table} totals {totals}",
    })  # fmt: skip


def erasure_entry(erasure: Erasure, *, act: str, login: str, office: str) -> Fields:
    """Return the fields of an entry: somebody proposed an erasure, or did what another proposed.

    A month is said; of a case, that it is one and not which, since this entry stays. What is erased is held against
    the digests (`check_erasures`).
    """
    return _fields({
        Field.LOGIN: login, Field.PRESENTER: office, Field.ACT: act, Field.ROWS: str(erasure.rows),
        Field.SCOPE: erasure.what if erasure.what.startswith("month") else "case",
        Field.EVIDENCE: f"{erasure.item} {erasure.certificate}",
        Field.DIGEST: f"keys {erasure.keys} rows {erasure.rows_digest}",
    })  # fmt: skip


@dataclass(frozen=True, slots=True)
class SaidErasure:
    """What an entry says of an erasure.

    Args:
        keys: SHA-256 of the units whose keys went, in hexadecimal digits.
        rows: How many rows went.
        rows_digest: Which ones, by `RowsGone`.
    """

    certificate: str
    keys: str
    rows: int
    rows_digest: str

    def line(self) -> str:
        """Return it as a later erasure's entry says it on."""
        return f"{self.certificate}|{self.keys}|{self.rows}|{self.rows_digest}"


def erasures_said(entry: Entry) -> list[SaidErasure]:
    """Return what an entry says of its own erasure, and of those whose entries went with it; nothing of any other."""
    if entry.kind is not Kind.KEEPING or entry.get(Field.ACT) != ERASE.encode():
        return []
    _, _, certificate = (entry.get(Field.EVIDENCE) or b"").decode("utf-8", "replace").partition(" ")
    digests, rows, carried = (
        (entry.get(field) or b"").decode("utf-8", "replace")
        for field in (Field.DIGEST, Field.ROWS, Field.TEXT)
    )
    keys, _, rows_digest = digests.removeprefix("keys ").partition(" rows ")
    lines = [f"{certificate}|{keys}|{rows}|{rows_digest}", *carried.splitlines()]
    parts = [line.split("|") for line in lines]
    return [SaidErasure(one[0], one[1], int(one[2]), one[3]) for one in parts if len(one) == 4]


def carry_erasures(fields: Fields, gone: Iterable[Entry]) -> Fields:
    """Return the fields of an erasure's entry with what the entries that go with it said of erasures before it.

    Else nobody could hold the rows of those to what was said of them any more. Certificates, digests and numbers go
    on; who erased, and what, does not.
    """
    lines = dict.fromkeys(one.line() for entry in gone for one in erasures_said(entry))
    return tuple(sorted((*fields, (Field.TEXT, "\n".join(lines).encode())))) if lines else fields


def _fields(values: dict[Field, str | bytes]) -> Fields:
    return tuple(
        (field, value if isinstance(value, bytes) else value.encode())
        for field, value in sorted(values.items())
    )
