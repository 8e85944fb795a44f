"""What of payment files goes into the record, and the tables held against it. Pure.

Two entries of the kind `fund`: `payments` with the lines that an import kept, and `payments-confirmed` with what a
person confirmed. What that posts has entries of its own, as every transaction has.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Any, Final

from doorward.fund.payments.lines import PaymentFile
from doorward.fund.payments.match import Confirmed
from doorward.record.entry import Entry, Field, Fields, Kind

IMPORTED: Final = b"payments"
CONFIRMED: Final = b"payments-confirmed"


def file_text(file: PaymentFile, by: str) -> str:
    """Return the one text of an import: JSON, keys sorted, no spaces."""
    return _text(
        {
            "file": file.digest, "form": file.form, "by": by, "others": file.others, "passed": file.passed,
            "lines": [[row, line.text] for row, line in file.lines],
        }
    )  # fmt: skip


def match_text(match: Confirmed) -> str:
    """Return the one text of a confirmation."""
    return _text(asdict(match))


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def entry_of(act: bytes, by: str, text: str, how: str) -> Fields:
    """Return the fields of an entry.

    Args:
        how: How it is known that the login is who it says (`fund.entries.Proof.how`).
    """
    raw = text.encode()
    return (
        (Field.LOGIN, by.encode()),
        (Field.AUTHENTICATION, how.encode()),
        (Field.TEXT, raw),
        (Field.ACT, act),
        (Field.DIGEST, sha256(raw).hexdigest().encode()),
    )


def check_payments(
    files: Sequence[tuple[int, PaymentFile, str]],
    matches: Sequence[tuple[int, Confirmed]],
    entries: Iterable[Entry],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return how the tables of payments and the record differ, and what may be a crash, one line each.

    Args:
        files: As the tables tell them: the entry that they name, the file, who imported it.
        matches: As the tables tell them, with the entries that they name.
        entries: The whole record, or of it the kind `fund`.
    """
    held = {
        entry.sequence: (entry.get(Field.ACT), entry.get(Field.TEXT))
        for entry in entries
        if entry.kind is Kind.FUND and entry.get(Field.ACT) in {IMPORTED, CONFIRMED}
    }
    told = {sequence: (IMPORTED, file_text(file, by).encode()) for sequence, file, by in files}
    told |= {sequence: (CONFIRMED, match_text(one).encode()) for sequence, one in matches}
    wrong = tuple(
        f"payments: entry {sequence} does not hold what the tables hold"
        for sequence, said in sorted(told.items())
        if held.get(sequence) != said
    )
    kept = set(told.values())
    lost = tuple(
        f"entry {sequence} of payments, and the ledger does not have it"
        for sequence, said in sorted(held.items())
        if sequence not in told and said not in kept
    )
    return wrong, lost
