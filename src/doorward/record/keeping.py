"""What was done with the record itself, as entries: a field shown outside, a search, an audit. Pure.

An entry has ids, words and digests: who did it, with which key's office, and never what somebody wrote. A search
says that it was made and by whom; what was looked for is sealed to the auditors (`sealed_box`), always of one size.
"""

from collections.abc import Iterable
from typing import Final

from doorward.record.entry import Field, Fields

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


def erasure_entry(  # every part of an entry by its name
    what: str, *, act: str, login: str, office: str, item: str, certificate: str, keys: str, rows: int
) -> Fields:
    """Return the fields of an entry: somebody proposed an erasure, or did what another proposed.

    Args:
        what: A month, or that it is a case; which one is not said, since this entry stays.
        keys: SHA-256 of the units whose keys go, in hexadecimal digits.
        rows: How many rows are sealed under them; what is erased is held against it (`check_erasures`).
    """
    return _fields({
        Field.LOGIN: login, Field.PRESENTER: office, Field.ACT: act, Field.SCOPE: what, Field.ROWS: str(rows),
        Field.EVIDENCE: f"{item} {certificate}", Field.DIGEST: keys,
    })  # fmt: skip


def _fields(values: dict[Field, str | bytes]) -> Fields:
    return tuple(
        (field, value if isinstance(value, bytes) else value.encode())
        for field, value in sorted(values.items())
    )
