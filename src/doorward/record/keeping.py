"""What was done with the record itself, as entries: a field shown outside, a search, an audit. Pure.

An entry has ids, words and digests: who did it, with which key's office, and never what somebody wrote. A search
says that it was made and by whom; what was looked for is sealed to the auditors (`sealed_box`), always of one size.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from doorward.errors import VerificationError
from doorward.record.entry import Entry, Field, Fields, Kind
from doorward.record.erasing import CERTIFICATE, DIGEST, Erasure

DISCLOSE: Final = "disclose"
SEARCH: Final = "search"
AUDIT: Final = "audit"
PROPOSE_ERASURE: Final = "propose-erasure"
ERASE: Final = "erase"
PAD: Final = "pad"
MAX_SAID: Final = 10_000  # erasures that one entry says on: 2 MB
_MAX_VALUE: Final = MAX_SAID * 200
_ROWS: Final = re.compile(r"0|[1-9][0-9]{0,17}")
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
    """Return what an entry says of its own erasure, and of those whose entries went with it; nothing of any other.

    An entry of which a part is written otherwise than here, or that says more than is written here, says nothing.
    Whoever writes to a table of disclosures says what it holds: no more of it is read than a bounded part.
    """
    if entry.kind is not Kind.KEEPING or entry.get(Field.ACT) != ERASE.encode():
        return []
    values = [entry.get(field) or b"" for field in (Field.EVIDENCE, Field.DIGEST, Field.ROWS, Field.TEXT)]
    if any(len(value) > _MAX_VALUE for value in values):
        return []
    try:
        evidence, digests, rows, carried = (value.decode("ascii") for value in values)
    except UnicodeDecodeError:
        return []
    certificate, parts = evidence.partition(" ")[2], digests.split(" ")
    if len(parts) != 4 or parts[::2] != ["keys", "rows"]:
        return []
    lines = [f"{certificate}|{parts[1]}|{rows}|{parts[3]}", *(carried.split("\n") if carried else ())]
    said = [_parse_said(line) for line in lines[: MAX_SAID + 2]]
    found = [one for one in said if one is not None]
    return found if len(found) == len(said) <= MAX_SAID + 1 else []


def _parse_said(line: str) -> SaidErasure | None:
    parts = line.split("|", 4)
    if len(parts) != 4:
        return None
    certificate, keys, rows, rows_digest = parts
    if not CERTIFICATE.fullmatch(certificate) or not _ROWS.fullmatch(rows):
        return None
    if not DIGEST.fullmatch(keys) or not DIGEST.fullmatch(rows_digest):
        return None
    return SaidErasure(certificate, keys, int(rows), rows_digest)


def carry_erasures(fields: Fields, gone: Iterable[Entry]) -> Fields:
    """Return the fields of an erasure's entry with what the entries that go with it said of erasures before it.

    Else nobody could hold the rows of those to what was said of them any more. Certificates, digests and numbers go
    on; who erased, and what, does not.

    Raises:
        VerificationError: They said of more erasures than an entry says on.
    """
    lines = dict.fromkeys(one.line() for entry in gone for one in erasures_said(entry))
    if len(lines) > MAX_SAID:
        raise VerificationError(
            f"it covers the entries of more than {MAX_SAID} erasures: no entry says on so many"
        )
    return tuple(sorted((*fields, (Field.TEXT, "\n".join(lines).encode())))) if lines else fields


def _fields(values: dict[Field, str | bytes]) -> Fields:
    return tuple(
        (field, value if isinstance(value, bytes) else value.encode())
        for field, value in sorted(values.items())
    )
